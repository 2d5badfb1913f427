"""How many lanes one transaction settles, with an address lookup table that names its devices."""

from __future__ import annotations

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price

from support.builders import signed
from support.consumers import entry
from support.lookups import lookup_table
from support.parties import Lane, Network
from support.world import World
from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID
from worktab.program.generated import PROGRAM_ID


def selling(world: World, network: Network, count: int) -> list[Lane]:
    """A tab with a lane of 100 base units for each of so many devices."""
    tab = world.tab(network, 100 * count)
    return [world.lane(tab, world.device(network), 100) for _ in range(count)]


@pytest.mark.parametrize("count", [25, 27])
def test_so_many_devices_and_their_fees_fit_one_transaction(world: World, network: Network, count: int) -> None:
    lanes = selling(world, network, count)
    tab, devices = lanes[0].tab, [lane.device for lane in lanes]
    table = lookup_table(world, [tab.address, INSTRUCTIONS_SYSVAR_ID, *(each.address for each in devices)])
    batch = world.batch(tab, [entry(lane, 10 + at) for at, lane in enumerate(lanes)], devices)

    result = world.send(set_compute_unit_limit(50_000), set_compute_unit_price(1_000), batch, tables=[table])

    assert [each.amount for each in result.event().entries] == list(range(10, 10 + count))
    assert result.size <= TRANSACTION_SIZE
    assert [world.read_device(device).earnings_owed for device in devices] == list(range(10, 10 + count))


def test_a_signer_who_sends_it_settles_29(world: World, network: Network) -> None:
    """No fees set, and no second signature: the signer is the payer's guest."""
    lanes = selling(world, network, 29)
    tab, devices = lanes[0].tab, [lane.device for lane in lanes]
    table = lookup_table(world, [tab.address, *(each.address for each in devices)])
    said, key = [entry(lane, 10) for lane in lanes], tab.consumer.pubkey()
    settle = world.settle_batch(tab, said, devices, shown=world.batch_message(tab, said), proof=key)

    result = world.send(signed(settle, key), tables=[table])

    assert len(result.event().entries) == 29
    assert result.size <= TRANSACTION_SIZE


def test_many_lanes_of_one_device_need_no_table(world: World, network: Network) -> None:
    tab, device = world.tab(network, 10_000), world.device(network)
    lanes = [world.lane(tab, device, 100) for _ in range(27)]

    result = world.send(world.batch(tab, [entry(lane, 10) for lane in lanes], [device]))

    assert len(result.event().entries) == 27
    assert result.size <= TRANSACTION_SIZE
    assert world.read_device(device).earnings_owed == 270


def test_a_batch_of_as_many_accounts_as_a_transaction_may_name(world: World, network: Network) -> None:
    """Past what fits on the wire, as a program could call it: the devices are walked one by one to the last."""
    lanes = selling(world, network, 59)
    tab, devices = lanes[0].tab, [lane.device for lane in lanes]
    table = lookup_table(world, [tab.address, INSTRUCTIONS_SYSVAR_ID, *(each.address for each in devices)])

    result = world.send(world.batch(tab, [entry(lane, 10) for lane in lanes], devices), tables=[table])

    assert len(result.event().entries) == 59
    assert [world.read_device(device).earnings_owed for device in devices] == [10] * 59


def test_devices_of_any_size_are_walked_over(world: World, network: Network) -> None:
    """An account that later grew, as a next version's might, does not shift those behind it."""
    lanes = selling(world, network, 5)
    tab, devices = lanes[0].tab, [lane.device for lane in lanes]
    for more, device in zip((1, 7, 8, 1_000, 3), devices, strict=True):
        world.set_account(device.address, world.data(device.address) + bytes(more), PROGRAM_ID)

    result = world.send(
        world.batch(tab, [entry(lane, 10) for lane in lanes], devices),
    )

    assert len(result.event().entries) == 5
