"""Settling vouchers and batches: what moves, what is settled already, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from support.fleet import SOL, TIMING, Fleet
from support.network import Network
from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.contexts import BatchEntry
from worktab.core.errors import InputError, VerificationError
from worktab.core.vouchers import SignedBatch, SignedVoucher
from worktab.program.generated import errors
from worktab.roles.base import program_sender
from worktab.roles.consumer import Consumer, Reservation
from worktab.roles.device import Device
from worktab.roles.errors import DeviceNotFound, TabNotFound
from worktab.roles.settling import Settlement, SettleOutcome, Settler, worth_settling
from worktab.roles.tabs import Lane

ALREADY = Settlement(SettleOutcome.ALREADY_SETTLED, 0, 0, None)


async def trade(fleet: Fleet, reserved: int = 100) -> tuple[Consumer, Device, Reservation, Settler]:
    """A consumer with a lane for a device, and somebody who settles."""
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    lane = await consumer.reserve(device.device, reserved)
    return consumer, device, lane, Settler(fleet.sender, fleet.network)


async def test_a_voucher_moves_what_it_adds(fleet: Fleet) -> None:
    consumer, device, lane, settler = await trade(fleet)
    vault = await fleet.vault()
    first = await settler.settle(await fleet.voucher(consumer, device, lane.nonce, amount=30, units=7))
    assert (first.outcome, first.amount, first.units) == (SettleOutcome.SETTLED, 30, 7)
    second = await settler.settle(
        await fleet.voucher(consumer, device, lane.nonce, amount=100, units=9), signer=consumer.consumer
    )
    assert (second.amount, second.units) == (70, 2)

    device_after, view = await fleet.read(device.device), await consumer.tab()
    assert (device_after.earnings_owed, device_after.units_sold, device_after.units_self_sold) == (100, 9, 0)
    assert (view.lane(lane.nonce).paid, view.lane(lane.nonce).reserved, view.tab.balance) == (100, 0, 900)
    assert await fleet.vault() == vault
    assert (await fleet.operator.ledger()).holds


async def test_settling_twice_is_a_success(fleet: Fleet) -> None:
    consumer, device, lane, settler = await trade(fleet)
    older = await fleet.voucher(consumer, device, lane.nonce, amount=10, units=1)
    newer = await fleet.voucher(consumer, device, lane.nonce, amount=20, units=2)
    assert (await settler.settle(newer)).amount == 20
    for voucher in (newer, older):
        assert await settler.settle(voucher) == ALREADY
    assert (await fleet.read(device.device)).earnings_owed == 20


async def test_two_who_settle_at_once_both_succeed(fleet: Fleet) -> None:
    consumer, device, lane, settler = await trade(fleet)
    voucher = await fleet.voucher(consumer, device, lane.nonce, amount=10, units=1)
    view = await consumer.tab()

    class Late(Settler):
        """Reads the tab as it was before the other settled."""

        async def _tab(self, address: Pubkey) -> Any:
            return view

    late = Late(fleet.sender, fleet.network)
    results = await asyncio.gather(settler.settle(voucher), settler.settle(voucher))
    assert [result.amount for result in results if result.outcome is SettleOutcome.SETTLED] == [10]
    assert await late.settle(voucher) == ALREADY
    assert (await fleet.read(device.device)).earnings_owed == 10


async def test_a_voucher_that_would_be_refused_is_not_sent(fleet: Fleet) -> None:
    consumer, device, lane, _ = await trade(fleet)
    other = await fleet.device()
    network = Network(fleet.chain)
    settler = Settler(program_sender(network, fee_payer=fleet.payer, **TIMING), fleet.network)
    good = await fleet.voucher(consumer, device, lane.nonce, amount=50, units=5)
    domain = await consumer.reader.domain()
    now = await fleet.clock.now()

    def signed(key: Keypair = consumer.key, **changes: Any) -> SignedVoucher:
        fields: dict[str, Any] = {"amount": 60, "units": 6, "seq": 1, "head": b"h" * 32} | changes
        return SignedVoucher.sign(key, domain, good.tab, device.device, lane.index, lane.nonce, **fields)

    await Settler(fleet.sender, fleet.network).settle(good)
    refused: list[tuple[SignedVoucher, type[Exception]]] = [
        (signed(amount=101), errors.OverReserve),
        (signed(expires_at=now - 1), errors.VoucherExpired),
        (signed(Keypair()), VerificationError),
        (replace(signed(), device=other.device), VerificationError),
        (replace(signed(), signature=bytes(64)), VerificationError),
        (replace(signed(), index=1), errors.ForeignLane),
        (replace(signed(), lane_nonce=lane.nonce + 1), errors.LaneNotFound),
        (replace(signed(), tab=Keypair().pubkey()), TabNotFound),
    ]
    for voucher, error in refused:
        with pytest.raises(error):
            await settler.settle(voucher)
    with pytest.raises(errors.Unauthorized):
        await settler.settle(signed(), signer=Keypair().pubkey())
    assert network.sent == []
    assert (await settler.settle(signed(expires_at=now + 3_600))).amount == 10
    assert len(network.sent) == 1


async def batch_of(
    fleet: Fleet, count: int, *, reserved: int = 100
) -> tuple[Consumer, list[Device], list[Reservation], SignedBatch]:
    """A consumer with a lane for each of so many devices, and a batch that owes 1, 2, 3, .. on them."""
    consumer, owner = await fleet.consumer(count * reserved), fleet.owner()
    devices = [await fleet.device(owner=owner) for _ in range(count)]
    lanes = [await consumer.reserve(device.device, reserved) for device in devices]
    entries = [BatchEntry(lane.index, lane.nonce, number, 2 * number) for number, lane in enumerate(lanes, 1)]
    batch = SignedBatch.sign(consumer.key, await consumer.reader.domain(), consumer.tab_address, entries)
    return consumer, devices, lanes, batch


async def earnings(fleet: Fleet, devices: list[Device]) -> list[int]:
    return [(await fleet.read(device.device)).earnings_owed for device in devices]


async def test_a_batch_settles_any_of_its_devices_in_any_order(fleet: Fleet) -> None:
    consumer, devices, _, batch = await batch_of(fleet, 4)
    settler = Settler(fleet.sender, fleet.network)
    first = await settler.settle_batch(batch, [devices[3].device, devices[1].device, devices[3].device])
    assert (first.amount, first.units, await earnings(fleet, devices)) == (6, 12, [0, 2, 0, 4])
    rest = await settler.settle_batch(batch, [device.device for device in reversed(devices)])
    assert (rest.amount, rest.units, await earnings(fleet, devices)) == (4, 8, [1, 2, 3, 4])
    assert await settler.settle_batch(batch, [device.device for device in devices]) == ALREADY
    assert (await consumer.tab()).spent == 10
    assert (await fleet.operator.ledger()).holds


async def test_a_batch_that_would_be_refused_is_not_sent(fleet: Fleet) -> None:
    consumer, devices, lanes, batch = await batch_of(fleet, 2)
    stranger = await fleet.device()
    domain, network = await consumer.reader.domain(), Network(fleet.chain)
    settler = Settler(program_sender(network, fee_payer=fleet.payer, **TIMING), fleet.network)
    both = [device.device for device in devices]

    def signed(*entries: BatchEntry, key: Keypair = consumer.key, expires_at: int = 0) -> SignedBatch:
        return SignedBatch.sign(key, domain, batch.tab, entries, expires_at=expires_at)

    first, second = batch.entries
    refused: list[tuple[SignedBatch, list[Pubkey], type[Exception], str]] = [
        (batch, [], InputError, "no devices"),
        (batch, [*both, stranger.device], InputError, "devices of index"),
        (batch, [Keypair().pubkey()], DeviceNotFound, "no account"),
        (signed(first, replace(second, amount=101)), both, errors.OverReserve, "at most 100; got 101"),
        (signed(replace(second, lane_nonce=second.lane_nonce + 1)), both[1:], errors.LaneNotFound, "nonce"),
        (signed(replace(first, lane_nonce=second.lane_nonce)), both[:1], errors.ForeignLane, "device 1"),
        (signed(first, second, key=Keypair()), both, VerificationError, "not the lane signer's"),
        (replace(batch, entries=(first,)), both[:1], VerificationError, "something else"),
        (signed(first, second, expires_at=1), both, errors.VoucherExpired, "expired at 1"),
        (replace(batch, tab=Keypair().pubkey()), both, TabNotFound, "no account"),
    ]
    for wrong, named, error, words in refused:
        with pytest.raises(error, match=words):
            await settler.settle_batch(wrong, named)
    await settler.settle_batch(batch, both)
    assert len(network.sent) == 1
    assert [lane.nonce for lane in lanes] == [each.nonce for each in (await consumer.tab()).lanes]


async def test_a_batch_settles_without_the_lanes_that_ended(fleet: Fleet) -> None:
    consumer, devices, lanes, batch = await batch_of(fleet, 3)
    settler, named = Settler(fleet.sender, fleet.network), [device.device for device in devices]
    await consumer.close_lane(lanes[0].nonce)
    await fleet.clock.advance(3_601)
    assert (await consumer.close_lane(lanes[0].nonce)).ended
    settled = await settler.settle_batch(batch, named)
    assert (settled.amount, settled.units, await earnings(fleet, devices)) == (5, 10, [0, 2, 3])
    assert await settler.settle_batch(batch, named) == ALREADY
    with pytest.raises(errors.LaneNotFound):
        await settler.settle_batch(batch, named[:1])


async def test_units_that_fall_keep_no_money_back(fleet: Fleet) -> None:
    consumer, device, lane, settler = await trade(fleet)
    await settler.settle(await fleet.voucher(consumer, device, lane.nonce, amount=1, units=9))
    settled = await settler.settle(await fleet.voucher(consumer, device, lane.nonce, amount=30, units=7))
    assert (settled.amount, settled.units) == (29, 0)
    entry = BatchEntry(lane.index, lane.nonce, 31, 0)
    batch = SignedBatch.sign(consumer.key, await consumer.reader.domain(), consumer.tab_address, [entry])
    settled = await settler.settle_batch(batch, [device.device])
    assert (settled.amount, settled.units) == (1, 0)
    after = (await consumer.tab()).lane(lane.nonce)
    assert (after.paid, after.units, (await fleet.read(device.device)).units_sold) == (31, 9, 9)


async def test_lanes_of_several_signers_take_several_batches(fleet: Fleet) -> None:
    consumer, devices, lanes, _ = await batch_of(fleet, 1)
    agent = Keypair()
    await consumer.withdraw()
    await fleet.mint.give(consumer.consumer, 50)
    await consumer.deposit(50)
    await consumer.set_delegate(agent.pubkey(), allowance=50)
    spender = Consumer(fleet.sender, fleet.network, agent, tab_of=consumer.consumer)
    its = await spender.reserve(devices[0].device, 50)
    domain = await consumer.reader.domain()
    mine, other = BatchEntry(0, lanes[0].nonce, 5, 1), BatchEntry(0, its.nonce, 6, 1)
    settler, named = Settler(fleet.sender, fleet.network), [devices[0].device]
    with pytest.raises(errors.ForeignLane, match="another signer"):
        await settler.settle_batch(SignedBatch.sign(consumer.key, domain, consumer.tab_address, [mine, other]), named)
    for key, entry in ((consumer.key, mine), (agent, other)):
        assert (
            await settler.settle_batch(SignedBatch.sign(key, domain, consumer.tab_address, [entry]), named)
        ).amount == entry.amount


async def test_twenty_five_lanes_settle_in_one_transaction_with_a_table(fleet: Fleet) -> None:
    consumer, devices, _, batch = await batch_of(fleet, 25)
    network, payer = Network(fleet.chain), Keypair()
    await fleet.airdrop(payer.pubkey(), SOL)
    settler = Settler(program_sender(network, fee_payer=payer, **TIMING), fleet.network)
    named = [device.device for device in devices]

    settled = await settler.settle_batch(batch, named)

    assert (settled.amount, settled.units) == (325, 650)
    assert await earnings(fleet, devices) == list(range(1, 26))
    [table] = settler.sender.lookup_tables
    assert set(named) < set(table.addresses)
    last = network.sent[-1]
    assert len(last) <= TRANSACTION_SIZE
    message = VersionedTransaction.from_bytes(last).message
    assert len(message.instructions) == 3, "the budget, the signature, the batch"
    assert settled.confirmed is not None

    # The next one finds the table.
    sent = len(network.sent)
    entries = [replace(entry, amount=entry.amount + 1) for entry in batch.entries]
    again = SignedBatch.sign(consumer.key, await settler.reader.domain(), batch.tab, entries)
    assert (await settler.settle_batch(again, named)).amount == 25
    assert (len(network.sent), len(settler.sender.lookup_tables)) == (sent + 1, 1)


async def test_what_fits_without_a_table_makes_none(fleet: Fleet) -> None:
    _, devices, _, batch = await batch_of(fleet, 2)
    settler = Settler(program_sender(fleet.chain, fee_payer=fleet.payer, **TIMING), fleet.network)
    assert (await settler.settle_batch(batch, [device.device for device in devices])).amount == 3
    assert list(settler.sender.lookup_tables) == []


@pytest.mark.parametrize(
    ("amount", "paid", "reserved", "fee", "price", "worth"),
    [
        (100, 0, 100, 5_000, 0, True),
        (0, 0, 100, 5_000, 0, False),
        (101, 0, 200, 10_000, 10_000_000, True),
        (100, 0, 200, 10_000, 10_000_000, False),
        (300, 250, 100, 10_000, 5_000_000, False),
        (301, 250, 100, 10_000, 5_000_000, True),
        (10**9, 0, 40, 5_000, 8_000_000, False),
        (2**64 - 1, 0, 2**64 - 1, 2**63, 10**9, True),
    ],
)
def test_a_settlement_is_worth_it_above_its_cost(
    amount: int, paid: int, reserved: int, fee: int, price: int, worth: bool
) -> None:
    tab, device = Pubkey(b"t" * 32), Pubkey(b"d" * 32)
    voucher = SignedVoucher.sign(Keypair(), b"x" * 32, tab, device, 0, 1, amount=amount, units=0, seq=1, head=bytes(32))
    lane = Lane(index=0, nonce=1, paid=paid, reserved=reserved, units=0, close_at=0, signer=0, flags=0)
    assert worth_settling(voucher, lane, fee, price) is worth
