"""The accounts of a settlement: the lane's own tab and device, of one network, writable, and this program's."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from support.builders import read_only
from support.consumers import U64, entry
from support.lanes import LaneState
from support.noop import NOOP
from support.parties import Device, Lane, Network, Tab
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state


def assert_nothing_settled(world: World, lane: Lane) -> None:
    """The lane and its device are as they were."""
    assert world.lanes(lane.tab)[0] == LaneState(lane.device.index, lane.nonce, reserved=100)
    assert world.read_device(lane.device).earnings_owed == 0


def assert_both_refuse(world: World, lane: Lane, error: str, **accounts: Pubkey) -> None:
    """A voucher and a batch over a lane fail with these accounts in the place of its own."""
    tab, device = accounts.get("tab", lane.tab.address), accounts.get("device", lane.device.address)
    message = world.voucher_message(lane, 40)
    settle = [world.signature(lane.signer, message), world.settle(lane, tab=tab, device=device)]
    native, _ = world.batch(lane.tab, [entry(lane, 40)], [])
    batch = [native, world.settle_batch(lane.tab, [entry(lane, 40)], [device], tab=tab)]
    for instructions in (settle, batch):
        result = world.send(instructions, check=False)
        assert (result.ok, result.instruction) == (False, 1)
        assert result.error_name == error or not error, result.logs
    assert_nothing_settled(world, lane)


def test_a_device_of_another_network_is_refused(world: World, lane: Lane) -> None:
    """Even one with the same index."""
    foreign = world.device(world.network())
    assert foreign.index == lane.device.index

    assert_both_refuse(world, lane, "WrongNetwork", device=foreign.address)


def test_a_tab_of_another_network_is_refused(world: World, lane: Lane) -> None:
    foreign = world.tab(world.network(), 100, consumer=lane.tab.consumer)

    assert_both_refuse(world, lane, "", tab=foreign.address)


def test_another_device_is_refused(world: World, lane: Lane) -> None:
    other = world.device(lane.tab.network)

    settle = [world.voucher(lane, 40)[0], world.settle(lane, device=other.address)]

    assert world.send(settle).error_name == "ForeignLane"
    assert_nothing_settled(world, lane)


def test_another_consumers_tab_is_refused(world: World, lane: Lane) -> None:
    """Though it has a lane of the same nonce for the same device."""
    other = world.tab(lane.tab.network, 100)
    twin = world.lane(other, lane.device, 100)
    assert twin.nonce == lane.nonce

    assert_both_refuse(world, lane, "InvalidProof", tab=other.address)
    assert world.lanes(other)[0].paid == 0


@pytest.mark.parametrize("account", ["tab", "device"])
def test_accounts_of_another_kind_are_refused(world: World, lane: Lane, account: str) -> None:
    network = lane.tab.network
    kinds = {"tab": lane.tab.address, "device": lane.device.address}
    wrong = [address for kind, address in kinds.items() if kind != account]
    for address in (*wrong, network.address, network.vault, SYSTEM_PROGRAM_ID, world.keypair().pubkey()):
        assert_both_refuse(world, lane, "", **{account: address})


@pytest.mark.parametrize("account", ["tab", "device"])
def test_a_read_only_account_is_refused(world: World, lane: Lane, account: str) -> None:
    address = lane.tab.address if account == "tab" else lane.device.address
    for instructions in (world.voucher(lane, 40), world.batch(lane.tab, [entry(lane, 40)], [lane.device])):
        assert not world.send(instructions[0], read_only(instructions[1], address)).ok

    assert_nothing_settled(world, lane)


@pytest.mark.parametrize("owner", ["another program", "system"])
@pytest.mark.parametrize("account", ["tab", "device"])
def test_a_copy_in_another_programs_hands_is_refused(world: World, lane: Lane, account: str, owner: str) -> None:
    """Byte for byte the true account, at another address or at its own, and not this program's."""
    program = world.keypair().pubkey()
    world.runtime.add_program(program, NOOP)
    keeper = program if owner == "another program" else SYSTEM_PROGRAM_ID
    original = lane.tab.address if account == "tab" else lane.device.address
    copy = world.keypair().pubkey()
    world.set_account(copy, world.data(original), keeper)
    assert_both_refuse(world, lane, "", **{account: copy})

    data = world.data(original)
    world.set_account(original, data, keeper)

    for instructions in (world.voucher(lane, 40), world.batch(lane.tab, [entry(lane, 40)], [lane.device])):
        assert not world.send(instructions, check=False).ok
    assert world.data(original) == data


def test_a_forged_tab_pays_no_true_device(world: World, network: Network, device: Device, tab: Tab) -> None:
    """A program writes itself a tab full of money. Its own voucher over it, and the device's earnings stay zero."""
    forger, program = world.keypair(), world.keypair().pubkey()
    world.runtime.add_program(program, NOOP)
    address = world.keypair().pubkey()
    forged = Tab(address, network, forger)
    data = bytearray(world.data(tab.address))
    data[40:72] = bytes(forger.pubkey())
    world.set_account(address, bytes(data), program)
    lane = Lane(forged, device, 7, forger)
    world.set_lanes(forged, [LaneState(device.index, 7, reserved=U64)])
    world.set_account(address, world.data(address), program)

    for instructions in (world.voucher(lane, 1_000), world.batch(forged, [entry(lane, 1_000)], [device])):
        result = world.send(instructions)
        assert (result.error, result.instruction) == ("ExternalAccountDataModified", 1)

    assert world.read_device(device).earnings_owed == 0


def test_a_forged_device_takes_no_true_money(world: World, lane: Lane) -> None:
    program, address = world.keypair().pubkey(), world.keypair().pubkey()
    world.runtime.add_program(program, NOOP)
    world.set_account(address, world.data(lane.device.address), program)
    forged = Device(
        address, lane.tab.network, lane.device.index, lane.device.owner, lane.device.signer, lane.device.payout
    )
    to_it = Lane(lane.tab, forged, lane.nonce, lane.signer)

    for instructions in (world.voucher(to_it, 40), world.batch(lane.tab, [entry(lane, 40)], [forged])):
        result = world.send(instructions)
        assert (result.error, result.instruction) == ("ExternalAccountDataModified", 1)

    assert_nothing_settled(world, lane)


@pytest.mark.parametrize("account", ["tab", "device"])
def test_an_account_that_is_cut_short_is_refused(world: World, lane: Lane, account: str) -> None:
    original = lane.tab.address if account == "tab" else lane.device.address
    whole = (state.Tab if account == "tab" else state.Device).SIZE
    for size in (0, 7, 8, 100, whole - 1):
        copy = world.keypair().pubkey()
        world.set_account(copy, world.data(original)[:size], PROGRAM_ID)

        assert_both_refuse(world, lane, "", **{account: copy})


def test_one_account_in_two_places_is_refused(world: World, lane: Lane) -> None:
    tab, device = lane.tab.address, lane.device.address

    assert_both_refuse(world, lane, "", tab=device)
    assert_both_refuse(world, lane, "", device=tab)
    for proof in (tab, device):
        native, _ = world.voucher(lane, 40)
        assert not world.send(native, world.settle(lane, proof=proof)).ok
        said = [entry(lane, 40)]
        native, _ = world.batch(lane.tab, said, [])
        assert not world.send(native, world.settle_batch(lane.tab, said, [lane.device], proof=proof)).ok
    assert_nothing_settled(world, lane)
