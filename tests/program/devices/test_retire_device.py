"""retire_device: at once or after a claim, and what remains of a device that is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.system_program import TransferParams, transfer

from support.builders import unsigned
from support.parties import EPOCH
from support.world import World
from worktab.core import contexts
from worktab.program.generated import accounts as state
from worktab.program.generated.events import DeviceRetired


def test_a_device_that_is_owed_nothing_is_gone_at_once(world: World) -> None:
    network = world.network()
    payer, owner = world.keypair(lamports=10**9), world.keypair(lamports=10**9)
    device = world.device(network, payer=payer, owner=owner, capacity=100)
    other = world.device(network, capacity=11)
    world.next_epoch(network)
    before = world.read_network(network)

    event = world.send(world.retire(device, rent_payer=payer.pubkey())).event()

    assert event == DeviceRetired(device.address, closed=True)
    assert world.account(device.address) is None
    assert (world.lamports(payer.pubkey()), world.lamports(owner.pubkey())) == (10**9, 10**9)
    left = replace(before.classes[0], total_capacity=111, next_total_capacity=11, epoch=1, devices=1)
    assert world.read_network(network) == replace(before, classes=(left, *before.classes[1:]))
    assert world.read_device(other).status == 1


def test_the_owner_may_have_paid_the_rent(world: World) -> None:
    owner = world.keypair(lamports=10**9)
    device = world.device(world.network(), payer=owner, owner=owner)

    assert world.send(world.retire(device, rent_payer=owner.pubkey())).event().closed

    assert world.lamports(owner.pubkey()) == 10**9


def test_lamports_sent_to_the_device_go_with_the_rent(world: World) -> None:
    payer = world.keypair(lamports=10**9)
    device = world.device(world.network(), payer=payer)
    gift = TransferParams(from_pubkey=world.payer.pubkey(), to_pubkey=device.address, lamports=77)
    world.must(transfer(gift))

    assert world.send(world.retire(device, rent_payer=payer.pubkey())).ok

    assert world.lamports(payer.pubkey()) == 10**9 + 77


def test_a_device_that_is_owed_rewards_closes_after_the_claim(world: World) -> None:
    network = world.network()
    payer = world.keypair(lamports=10**9)
    device = world.device(network, capacity=100, payer=payer)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    before = world.read_device(device)

    event = world.send(world.retire(device, rent_payer=payer.pubkey())).event()

    assert event == DeviceRetired(device.address, closed=False)
    assert world.read_device(device) == replace(before, status=3, capacity=100, next_capacity=0, capacity_epoch=2)
    class_ = world.read_network(network).classes[0]
    assert (class_.total_capacity, class_.next_total_capacity, class_.devices) == (100, 0, 0)

    again = world.retire(device, rent_payer=payer.pubkey())
    assert world.send(again).error_name == "DeviceInactive"
    assert world.send(world.claim([device], device.payout, network)).event().amount == 10
    assert world.send(again).event() == DeviceRetired(device.address, closed=True)

    assert world.account(device.address) is None
    assert world.lamports(payer.pubkey()) == 10**9
    class_ = world.read_network(network).classes[0]
    assert (class_.total_capacity, class_.next_total_capacity, class_.devices) == (100, 0, 0)
    assert world.balance(device.payout) == 10


def test_a_claim_and_the_end_fit_one_transaction(world: World) -> None:
    network = world.network()
    device = world.device(network)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok

    result = world.send(world.claim([device], device.payout, network), world.retire(device))

    assert result.ok
    assert result.events[1] == DeviceRetired(device.address, closed=True)
    assert world.balance(device.payout) == 10


def test_a_retired_device_submits_no_receipts(world: World) -> None:
    network = world.network()
    device = world.device(network)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    assert world.send(world.retire(device)).ok

    assert world.send(world.receipt(device, 2, 20)).error_name == "DeviceInactive"


def test_a_device_is_gone_once(world: World) -> None:
    network = world.network()
    device = world.device(network)
    assert world.send(world.retire(device)).ok
    before = world.data(network.address)

    assert not world.send(world.retire(device)).ok
    assert not world.send(world.update(device)).ok
    assert not world.send(world.receipt(device, 1, 1)).ok
    assert world.data(network.address) == before


HELD: dict[str, dict[str, Any]] = {
    "rewards": {"rewards_owed": 1},
    "earnings": {"earnings_owed": 1},
    "a bond": {"bond": 1},
    "a dispute": {"open_disputes": 1},
}


@pytest.mark.parametrize("fields", HELD.values(), ids=HELD)
def test_whatever_is_owed_held_or_disputed_keeps_the_account(world: World, fields: dict[str, Any]) -> None:
    device = world.device(world.network())
    world.patch_device(device, **fields)

    assert world.send(world.retire(device), check=False).event().closed is False
    assert world.send(world.retire(device), check=False).error_name == "DeviceInactive"

    world.patch_device(device, **dict.fromkeys(fields, 0))
    assert world.send(world.retire(device)).event().closed is True


def test_a_carry_does_not_keep_the_account(world: World) -> None:
    device = world.device(world.network())
    world.patch_device(device, carry=999_999, units_sold=5, lifetime_rewards=5)

    assert world.send(world.retire(device)).event().closed is True


def test_a_suspended_device_may_leave(world: World) -> None:
    device = world.device(world.network())
    world.patch_device(device, status=2)

    assert world.send(world.retire(device)).event().closed is True


def test_only_the_owner_retires(world: World) -> None:
    network = world.network()
    device, other = world.device(network), world.device(network)

    for stranger in (network.authority, device.payout, other.owner, world.payer):
        assert world.send(world.retire(device, owner=stranger.pubkey())).error_name == "Unauthorized"
    retire = unsigned(world.retire(device), device.owner.pubkey())
    assert world.send(retire).error == "MissingRequiredSignature"
    assert world.read_device(device).status == 1


def test_the_rent_goes_to_nobody_else(world: World) -> None:
    payer = world.keypair(lamports=10**9)
    device = world.device(world.network(), payer=payer)

    for thief in (device.owner.pubkey(), world.payer.pubkey(), world.keypair().pubkey()):
        assert world.send(world.retire(device, rent_payer=thief)).error_name == "AddressMismatch"


def test_a_device_of_another_network_is_refused(world: World) -> None:
    first, second = world.network(), world.network()
    device = world.device(first)

    assert world.send(world.retire(device, network=second.address)).error_name == "WrongNetwork"


def test_a_retired_devices_capacity_still_counts_in_its_last_epoch(world: World) -> None:
    network = world.network()
    leaver, stayer = world.device(network, capacity=100), world.device(network, capacity=100)
    world.advance(3 * EPOCH)
    assert world.send(world.retire(leaver)).ok
    class_ = world.read_network(network).classes[0]
    assert (class_.total_capacity, class_.next_total_capacity, class_.epoch, class_.devices) == (200, 100, 3, 1)

    world.next_epoch(network)
    assert world.send(world.receipt(stayer, 1, 10)).ok
    class_ = world.read_network(network).classes[0]
    assert (class_.total_capacity, class_.next_total_capacity, class_.epoch) == (100, 100, 4)


def test_a_device_that_never_counted_leaves_no_trace(world: World) -> None:
    network = world.network()
    before = world.read_network(network)
    device = world.device(network, capacity=100)

    assert world.send(world.retire(device)).ok

    assert world.read_network(network) == replace(before, next_device_index=1)


def test_a_key_may_come_back_as_a_new_device(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 5, 50)).ok
    assert world.send(world.claim([device], device.payout, network)).ok
    old_receipt = world.receipt(device, 6, 60)
    assert world.send(world.retire(device)).event().closed

    back = world.device(network, signer=device.signer, owner=device.owner, capacity=100)

    held = world.read_device(back)
    assert (back.address, held.index) == (device.address, 1)
    assert (held.seq, held.units, held.epoch_units, held.lifetime_rewards, held.status) == (0, 0, 0, 0, 1)
    assert held.receipt_context == contexts.receipt_context(network.domain, device.address, 1)
    world.next_epoch(network)
    assert world.send(old_receipt).error_name == "WrongContext"
    assert world.send(world.receipt(device, 7, 70)).error_name == "WrongContext"
    assert world.send(world.receipt(back, 1, 10)).event().reward == 10


def test_the_end_and_the_return_fit_one_transaction(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=100)
    back, terms = world.plan(network, signer=device.signer, owner=device.owner, capacity=70)

    result = world.send(world.retire(device), world.possession(back), world.register(back, terms))

    assert result.ok
    assert world.read_device(back).index == 1
    class_ = world.read_network(network).classes[0]
    assert (class_.next_total_capacity, class_.devices) == (70, 1)


def test_lamports_do_not_revive_a_closed_device(world: World) -> None:
    network = world.network()
    device = world.device(network)
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Device.SIZE)
    revive = transfer(TransferParams(from_pubkey=world.payer.pubkey(), to_pubkey=device.address, lamports=rent))

    assert world.send(world.retire(device), revive).ok

    account = world.account(device.address)
    assert account is not None
    assert (account.data, account.lamports) == (b"", rent)
    assert not world.send(world.update(device)).ok
    assert not world.send(world.retire(device), revive).ok
