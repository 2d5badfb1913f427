"""Numbers that are signed and not passed: totals of receipts, vouchers and batches, at the edges of their ranges."""

from __future__ import annotations

import pytest

from support.consumers import entry
from support.edges_case import EDGES, U64
from support.parties import Device, Lane, Network
from support.snapshots import snapshot
from support.world import World
from worktab.core.contexts import BatchEntry

JOBS, UNITS = 1 << 32, 1 << 48
"""Most that one receipt adds."""
TIME_AT, SEQ_AT, UNITS_AT, AMOUNT_AT = 64, 40, 48, 56


def bytes8(value: int) -> bytes:
    return value.to_bytes(8, "little")


def bases(jump: int) -> list[int]:
    """Totals to start from: at the edges, and where one jump just reaches the end."""
    return sorted({0, 1, jump - 1, jump, (1 << 63) - 1, 1 << 63, U64 - jump - 1, U64 - jump, U64 - jump + 1, U64 - 1})


@pytest.fixture
def network(world: World) -> Network:
    return world.network(fund=0, basis=2)


@pytest.fixture
def device(world: World, network: Network) -> Device:
    return world.device(network)


@pytest.mark.parametrize("field", ["seq", "units"])
def test_a_receipt_rises_by_one_jump_at_most_from_wherever_it_stands(world: World, device: Device, field: str) -> None:
    """The last number is reached like any other, and none goes past it."""
    jump = JOBS if field == "seq" else UNITS
    for base in bases(jump):
        for more in (1, jump - 1, jump, jump + 1, U64 - base):
            if base + more > U64 or more == 0:
                continue
            world.patch_device(device, **{"seq": 0, "units": 0} | {field: base})
            receipt = {"seq": 1, "units": 1} | {field: base + more}
            before = snapshot(world)
            result = world.send(world.receipt(device, receipt["seq"], receipt["units"]))
            if more <= jump:
                event = result.event()
                assert getattr(event, field) == getattr(world.read_device(device), field) == base + more
            else:
                assert result.error_name == "JumpTooLarge"
                assert snapshot(world) == before


@pytest.mark.parametrize("value", EDGES)
def test_a_receipt_names_no_amount_of_any_size(world: World, device: Device, value: int) -> None:
    result = world.send(world.receipt(device, 1, 1, edit={AMOUNT_AT: bytes8(value)}))

    assert result.error_name == ("WrongMessage" if value else "")


@pytest.mark.parametrize("value", EDGES)
def test_the_time_of_a_receipt_at_its_edges(world: World, device: Device, value: int) -> None:
    """At most 300 seconds ahead of the clock; a number that no clock shows is ahead of all."""
    result = world.send(world.receipt(device, 1, 1, edit={TIME_AT: bytes8(value)}))

    assert result.error_name == ("" if value <= world.now + 300 else "TimeAhead")


@pytest.fixture
def lane(world: World, device: Device) -> Lane:
    """A lane with all the tokens there are."""
    return world.lane(world.tab(device.network, U64), device, U64)


@pytest.mark.parametrize("value", EDGES)
def test_the_amount_of_a_voucher_moves_to_the_base_unit(world: World, lane: Lane, value: int) -> None:
    result = world.send(world.voucher(lane, value, 7))

    assert result.error_name == ("" if value else "StaleVoucher")
    [held] = world.lanes(lane.tab)
    assert (held.paid, held.reserved, held.units) == (value, U64 - value, 7 if value else 0)
    assert world.read_device(lane.device).earnings_owed == value


@pytest.mark.parametrize("value", EDGES)
def test_the_units_of_a_voucher_sell_one_jump_at_most(world: World, lane: Lane, value: int) -> None:
    assert world.send(world.voucher(lane, 5, value)).event().units == min(value, UNITS)

    [held] = world.lanes(lane.tab)
    assert (held.paid, held.units) == (5, value)
    assert world.read_device(lane.device).units_sold == min(value, UNITS)


@pytest.mark.parametrize("value", EDGES)
def test_the_sequence_of_a_voucher_is_between_its_parties(world: World, lane: Lane, value: int) -> None:
    assert world.send(world.voucher(lane, 5, 1, edit={SEQ_AT: bytes8(value)})).event().amount == 5


@pytest.mark.parametrize("batch", [False, True], ids=["voucher", "batch"])
@pytest.mark.parametrize("value", EDGES)
def test_the_expiry_of_a_voucher_at_its_edges(world: World, lane: Lane, value: int, batch: bool) -> None:
    edit = {TIME_AT: bytes8(value)}
    settle = (
        world.batch(lane.tab, [entry(lane, 5)], [lane.device], edit=edit)
        if batch
        else world.voucher(lane, 5, edit=edit)
    )

    result = world.send(settle)

    expected = "WrongMessage" if value >= 1 << 63 else "" if value == 0 or value > world.now else "VoucherExpired"
    assert result.error_name == expected
    assert world.read_device(lane.device).earnings_owed == (0 if expected else 5)


@pytest.mark.parametrize("units", EDGES)
@pytest.mark.parametrize("amount", EDGES)
def test_both_numbers_of_a_batchs_entry(world: World, lane: Lane, amount: int, units: int) -> None:
    said = [BatchEntry(lane.device.index, lane.nonce, amount, units)]

    result = world.send(world.batch(lane.tab, said, [lane.device]))

    assert result.error_name == ("" if amount else "StaleVoucher")
    [held] = world.lanes(lane.tab)
    sold = world.read_device(lane.device)
    assert (held.paid, held.units) == ((amount, units) if amount else (0, 0))
    assert (sold.earnings_owed, sold.units_sold) == ((amount, min(units, UNITS)) if amount else (0, 0))


@pytest.mark.parametrize("field", [SEQ_AT, UNITS_AT, AMOUNT_AT], ids=["seq", "units", "amount"])
@pytest.mark.parametrize("value", EDGES)
def test_a_batch_says_no_number_but_its_expiry(world: World, lane: Lane, field: int, value: int) -> None:
    batch = world.batch(lane.tab, [entry(lane, 5)], [lane.device], edit={field: bytes8(value)})

    assert world.send(batch).error_name == ("WrongMessage" if value else "")
