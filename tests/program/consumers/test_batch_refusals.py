"""Batches that are refused whole: entries and devices out of order, repeated, foreign, or of other bytes."""

from __future__ import annotations

import pytest
from solders.instruction import AccountMeta, Instruction

from support.builders import read_only
from support.consumers import U64, entry
from support.lanes import LaneState
from support.parties import Device, Lane, Network, Tab
from support.svm import Instructions
from support.world import World
from worktab.core.contexts import BatchEntry


@pytest.fixture
def devices(world: World, network: Network) -> list[Device]:
    """Three devices, rising by index."""
    return [world.device(network) for _ in range(3)]


@pytest.fixture
def lanes(world: World, tab: Tab, devices: list[Device]) -> list[Lane]:
    """A lane of 100 base units for each device."""
    return [world.lane(tab, device, 100) for device in devices]


@pytest.fixture
def said(lanes: list[Lane]) -> list[BatchEntry]:
    """10 base units on each lane."""
    return [entry(lane, 10) for lane in lanes]


def assert_refused(world: World, tab: Tab, error: str, *instructions: Instructions) -> None:
    """The transaction fails so, and no lane of the tab has paid anything."""
    result = world.send(*instructions)
    assert result.error_name == error, result.logs
    assert all(lane.paid == 0 for lane in world.lanes(tab))


# Entries


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 1, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0)])
def test_entries_out_of_order_or_repeated(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry], order: tuple[int, ...]
) -> None:
    """Whichever devices settle: the signature is over the whole list."""
    shuffled = [said[at] for at in order]
    for some in (devices, devices[:1], devices[1:], devices[2:], [devices[0], devices[2]]):
        assert_refused(world, tab, "InvalidBatch", world.batch(tab, shuffled, some))


def test_entries_of_one_device_rise_by_nonce(world: World, tab: Tab, devices: list[Device]) -> None:
    first, second = world.lane(tab, devices[0], 100), world.lane(tab, devices[0], 100)
    for wrong in ([second, first], [first, first], [first, second, second], [first, second, first]):
        batch = world.batch(tab, [entry(lane, 10) for lane in wrong], [devices[0]])
        assert_refused(world, tab, "InvalidBatch", batch)

    assert world.send(world.batch(tab, [entry(first, 10), entry(second, 10)], [devices[0]])).ok


def test_a_repeated_entry_with_another_amount_is_a_repeated_entry(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    twice = [entry(lanes[0], 10), entry(lanes[0], 20)]

    assert_refused(world, tab, "InvalidBatch", world.batch(tab, twice, devices[:1]))


@pytest.mark.parametrize("cut", [*range(1, 24), 25, 47])
def test_entries_that_are_cut_or_trail(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry], cut: int
) -> None:
    """Signed so, they are no list of entries; not signed so, they are other bytes."""
    whole = b"".join(each.encode() for each in said)
    native, _ = world.batch(tab, said, devices)
    for wrong in (whole[:-cut], whole + bytes(cut)):
        assert_refused(world, tab, "InvalidBatch", world.batch(tab, wrong, devices))
        assert_refused(world, tab, "WrongContext", native, world.settle_batch(tab, wrong, devices))


def test_other_entries_than_those_signed(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane], said: list[BatchEntry]
) -> None:
    native, _ = world.batch(tab, said, devices)
    changed = [
        [*said[:2], entry(lanes[2], 11, 10)],
        [*said[:2], entry(lanes[2], 10, 11)],
        said[:2],
        said[1:],
        [*said, BatchEntry(1_000, 0, 1, 1)],
        [],
    ]
    for entries in changed:
        assert_refused(world, tab, "WrongContext", native, world.settle_batch(tab, entries, devices))


def test_a_length_that_lies_is_refused(world: World, tab: Tab, devices: list[Device], said: list[BatchEntry]) -> None:
    native, settle = world.batch(tab, said, devices)
    assert int.from_bytes(settle.data[2:6], "little") == 72
    for length in (0, 71, 73, 74, 1_000, (1 << 32) - 1):
        data = settle.data[:2] + length.to_bytes(4, "little") + settle.data[6:]
        assert not world.send(native, Instruction(settle.program_id, data, settle.accounts)).ok
    assert all(lane.paid == 0 for lane in world.lanes(tab))


def test_a_lane_of_another_signer(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    """The consumer can't spend a delegate's lane by batch, nor a delegate the consumer's or another delegate's."""
    first, second = world.delegate(tab, 1), world.delegate(tab, 2)
    theirs = world.lane(tab, devices[0], 100, signer=first)

    for number, signer, lane in ((0, tab.consumer, theirs), (1, first, lanes[0]), (2, second, theirs)):
        batch = world.batch(tab, [entry(lane, 10)], devices[:1], number=number, signer=signer)
        assert_refused(world, tab, "ForeignLane", batch)


def test_a_foreign_lane_fails_the_batch_even_where_it_would_move_nothing(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    theirs = world.lane(tab, devices[0], 100, signer=world.delegate(tab, 1))
    said = [entry(lanes[0], 10), entry(theirs, 0)]

    assert_refused(world, tab, "ForeignLane", world.batch(tab, said, devices[:1]))


def test_a_lane_of_another_device(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    """The entry gives the first device's index to the second device's lane."""
    said = [BatchEntry(devices[0].index, lanes[1].nonce, 10, 10)]

    assert_refused(world, tab, "ForeignLane", world.batch(tab, said, devices[:1]))


def test_a_lane_that_is_not_there(world: World, tab: Tab, devices: list[Device], lanes: list[Lane]) -> None:
    for nonce in (0, lanes[0].nonce - 1, lanes[2].nonce + 1, (1 << 32) - 1):
        said = [BatchEntry(devices[0].index, nonce, 10, 10)]
        result = world.send(world.batch(tab, said, devices[:1]))
        assert result.error_name == "StaleVoucher"
    assert all(lane.paid == 0 for lane in world.lanes(tab))


def test_one_entry_beyond_its_reserve_fails_all(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    """The devices whose entries are covered settle without the other."""
    for amount in (101, U64):
        said = [entry(lanes[0], 10), entry(lanes[1], amount), entry(lanes[2], 10)]
        assert_refused(world, tab, "OverReserve", world.batch(tab, said, devices))
        assert_refused(world, tab, "OverReserve", world.batch(tab, said, devices[:2]))

    assert world.send(world.batch(tab, said, [devices[0], devices[2]])).ok


def test_units_that_fall_do_not_hold_a_batch_up(
    world: World, tab: Tab, devices: list[Device], lanes: list[Lane]
) -> None:
    world.must(world.voucher(lanes[1], 5, U64))
    said = [entry(lanes[0], 10), entry(lanes[1], 10, 499), entry(lanes[2], 10)]

    moved = world.must(world.batch(tab, said, devices)).event().entries

    assert [(each.amount, each.units) for each in moved] == [(10, 10), (5, 0), (10, 10)]
    assert [lane.paid for lane in world.lanes(tab)] == [10, 10, 10]


def test_amounts_that_together_leave_the_range(world: World, tab: Tab, devices: list[Device]) -> None:
    """Two lanes of one device, each with more than half of all there could be."""
    nonce, index = world.read_tab(tab).nonce, devices[0].index
    half = 1 << 63
    world.set_lanes(tab, [LaneState(index, nonce, reserved=half), LaneState(index, nonce + 1, reserved=half)])
    said = [BatchEntry(index, nonce, half, 1), BatchEntry(index, nonce + 1, half, 1)]

    assert world.send(world.batch(tab, said, devices[:1]), check=False).error_name == "Overflow"
    assert [lane.paid for lane in world.lanes(tab)] == [0, 0]


# Devices


@pytest.mark.parametrize("order", [(1, 0), (2, 1, 0), (0, 2, 1), (1, 0, 2)])
def test_devices_out_of_order(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry], order: tuple[int, ...]
) -> None:
    assert_refused(world, tab, "InvalidBatch", world.batch(tab, said, [devices[at] for at in order]))


@pytest.mark.parametrize("order", [(0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (2, 2)])
def test_a_repeated_device(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry], order: tuple[int, ...]
) -> None:
    assert_refused(world, tab, "InvalidBatch", world.batch(tab, said, [devices[at] for at in order]))


def test_a_device_that_no_entry_names(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry], lanes: list[Lane]
) -> None:
    """Before, between and after those named."""
    for without in range(3):
        named = [each for at, each in enumerate(said) if at != without]
        assert_refused(world, tab, "InvalidBatch", world.batch(tab, named, devices))
    assert_refused(world, tab, "InvalidBatch", world.batch(tab, [], devices[:1]))
    assert_refused(world, tab, "InvalidBatch", world.batch(tab, [said[0]], devices[1:2]))


def test_a_device_of_another_network(world: World, tab: Tab, devices: list[Device], said: list[BatchEntry]) -> None:
    """Its index is that of one that is named."""
    other = world.network()
    foreign = [world.device(other) for _ in range(3)]
    assert [each.index for each in foreign] == [each.index for each in devices]

    assert_refused(world, tab, "WrongNetwork", world.batch(tab, said, foreign[:1]))
    assert_refused(world, tab, "WrongNetwork", world.batch(tab, said, [devices[0], foreign[1], devices[2]]))


def test_an_account_that_is_no_device(world: World, tab: Tab, devices: list[Device], said: list[BatchEntry]) -> None:
    strangers = [tab.address, tab.network.address, tab.network.vault, world.payer.pubkey(), world.keypair().pubkey()]
    for stranger in strangers:
        for place in range(4):
            passed = [each.address for each in devices]
            passed.insert(place, stranger)
            assert not world.send(world.batch(tab, said, passed)).ok, (stranger, place)
    assert all(lane.paid == 0 for lane in world.lanes(tab))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_read_only_device(world: World, tab: Tab, devices: list[Device], said: list[BatchEntry], which: int) -> None:
    native, settle = world.batch(tab, said, devices)

    assert not world.send(native, read_only(settle, devices[which].address)).ok
    assert all(lane.paid == 0 for lane in world.lanes(tab))


def test_a_closed_device(world: World, tab: Tab, devices: list[Device], said: list[BatchEntry]) -> None:
    """The others settle without it."""
    world.must(world.retire(devices[1]))

    assert not world.send(world.batch(tab, said, devices)).ok
    assert world.send(world.batch(tab, said, [devices[0], devices[2]])).ok


# Signers


@pytest.mark.parametrize("number", [1, 4, 5, 6, 128, 255])
def test_a_signer_number_that_nobody_has(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry], number: int
) -> None:
    result = world.send(world.batch(tab, said, devices, number=number))

    assert result.error_name == ("Unauthorized" if number > 4 else "InvalidProof")
    assert all(lane.paid == 0 for lane in world.lanes(tab))


def test_a_slot_that_nobody_holds_is_signed_for_by_nobody(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry]
) -> None:
    """Its key is 32 zeros, a point of the curve for which anybody can make a signature; none is accepted for it."""
    message = world.batch_message(tab, said)
    header = world.signature(tab.consumer, message).data[:16]
    # R = 32 zeros and S = 0 satisfy the equation without the check for points of small order.
    forged = Instruction(
        world.signature(tab.consumer, message).program_id, header + bytes(32) + bytes(64) + message, []
    )

    result = world.send(forged, world.settle_batch(tab, said, devices, number=1))

    assert (result.ok, result.instruction) == (False, 0)


def test_more_accounts_than_devices_are_no_help(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry]
) -> None:
    native, settle = world.batch(tab, said, devices)
    extra = AccountMeta(world.payer.pubkey(), is_signer=False, is_writable=False)

    result = world.send(native, Instruction(settle.program_id, settle.data, [*settle.accounts, extra]))

    assert not result.ok


def test_entries_behind_the_largest_one_rise_as_well(
    world: World, tab: Tab, devices: list[Device], said: list[BatchEntry]
) -> None:
    """No such lane can be, and what follows it moves nothing; the list is out of order all the same."""
    largest = BatchEntry((1 << 32) - 1, (1 << 32) - 1, 1, 1)

    assert_refused(world, tab, "InvalidBatch", world.batch(tab, [*said, largest, said[0]], devices))
