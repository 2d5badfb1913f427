"""Sellers that lie: what they get is never more than was signed before the lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from solders.keypair import Keypair

from support.buyers import Buyer, buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import RiggedShop, resigned
from worktab.core.messages import Message
from worktab.core.records import next_head, record_hash
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import AnswerRefused, BudgetExceeded, DeviceDistrusted, LaneDisputed, TermsRefused
from worktab.market.errors import BadSignature, ReserveTooSmall
from worktab.market.pricing import Price
from worktab.market.terms import LaneTotals, Requirement, Totals
from worktab.market.wire import WorkReceipt
from worktab.roles.proving import KeypairSigner

Offers = Callable[[Requirement], Requirement]
_ELSEWHERE = Keypair().pubkey()


@pytest.mark.parametrize(
    ("altered", "said"),
    [
        (lambda offer: replace(offer, asset=_ELSEWHERE), "another token"),
        (lambda offer: replace(offer, network=_ELSEWHERE), "another cluster, program or network"),
        (lambda offer: replace(offer, program=_ELSEWHERE), "another cluster, program or network"),
        (lambda offer: replace(offer, chain="solana:" + "1" * 32), "another cluster, program or network"),
        (lambda offer: replace(offer, index=offer.index + 1), "another index"),
        (lambda offer: replace(offer, device=_ELSEWHERE), "a device that is not in the network"),
        (lambda offer: replace(offer, amount=offer.amount + 1), "more than their own price"),
        (lambda offer: replace(offer, price=Price((1 << 64) - 1), units=1 << 63), "a price out of range"),
    ],
    ids=["mint", "network", "program", "cluster", "index", "device", "cap", "overflow"],
)
async def test_terms_that_the_chain_does_not_bear_out_are_never_signed(
    fleet: Fleet, tmp_path: Path, altered: Offers, said: str
) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, offers=altered)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(TermsRefused, match=said) as caught:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert caught.value.device == shop.offer().device
        await _nothing_was_signed(buyer)


async def test_terms_with_another_devices_index_are_refused(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop, other = await RiggedShop.open(fleet), await RiggedShop.open(fleet)
    shop.offers = lambda offer: replace(offer, device=other.device.device)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(TermsRefused, match="another index"):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        await _nothing_was_signed(buyer)


@pytest.mark.parametrize(
    "swapped",
    [
        lambda offer: replace(offer, asset=_ELSEWHERE),
        lambda offer: replace(offer, price=Price(4_000_000, 1), amount=20),
        lambda offer: replace(offer, network=_ELSEWHERE),
        lambda offer: replace(offer, device=_ELSEWHERE),
    ],
    ids=["mint", "price", "network", "device"],
)
async def test_terms_swapped_after_they_were_accepted_are_refused(
    fleet: Fleet, tmp_path: Path, swapped: Offers
) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, refuses=lambda number: ReserveTooSmall("more"))
    shop.offers = lambda offer: swapped(offer) if shop.paid else offer
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(TermsRefused, match="changed its terms"):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert [voucher.amount for voucher in shop.vouchers] == [10]
        assert (buyer.budget.charged, buyer.budget.out) == (0, 10)


async def test_a_seller_that_asks_for_ever_gets_six_vouchers_of_the_same_amount(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, refuses=lambda number: ReserveTooSmall("more", expected="more"))
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(ReserveTooSmall, match=str(shop.device.device)) as caught:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert caught.value.expected == "more"
        assert [voucher.amount for voucher in shop.vouchers] == [10] * 6
        view = await consumer.tab()
        assert (view.tab.balance, [lane.reserved for lane in view.lanes]) == (10_000 - 40, [40])
        assert (buyer.budget.charged, buyer.budget.out) == (0, 10)


async def test_a_refusal_that_nothing_mends_is_raised_at_once(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, refuses=lambda number: BadSignature("not yours"))
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(BadSignature, match="not yours"):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (len(shop.vouchers), buyer.budget.charged, buyer.budget.out) == (1, 0, 10)


async def test_an_amount_raised_beyond_the_budget_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    async with shop.serving(), buying(consumer, tmp_path / "purse", Budget(100, per_request=10)) as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        shop.price = Price(2_000_001, 1)
        with pytest.raises(BudgetExceeded):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (len(shop.vouchers), buyer.budget.charged, buyer.budget.out) == (2, 6, 10)


@pytest.mark.parametrize("amount", [1, 10, 1_000])
async def test_a_seller_that_claims_more_charges_than_it_gave_receipts_for_is_refused(
    fleet: Fleet, tmp_path: Path, amount: int
) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        shop.refuses = lambda number: ReserveTooSmall("more")
        shop.offers = lambda offer: replace(offer, lane=_more(offer.lane, amount))
        with pytest.raises(TermsRefused, match="more is charged on the lane"):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        first, second = (await consumer.tab()).lanes
        assert (first.close_at > 0, second.close_at) == (True, 0)
        # On either lane what was signed may yet be settled, and no more.
        assert (buyer.budget.charged, buyer.budget.out) == (6, 20)
        assert {(voucher.lane_nonce, voucher.amount) for voucher in shop.vouchers} == {
            (first.nonce, 10),
            (first.nonce, 16),
            (second.nonce, 10),
        }
        for error in (LaneDisputed, DeviceDistrusted):
            with pytest.raises(error):
                await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (len((await consumer.tab()).lanes), buyer.budget.out) == (3, 30)


async def test_terms_of_another_lane_are_refused(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, refuses=lambda number: ReserveTooSmall("more"))
    shop.offers = lambda offer: offer if offer.lane is None else replace(offer, lane=replace(offer.lane, nonce=1))
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(TermsRefused, match="another lane"):
            await buyer.http.post(f"{shop.url}/work", content=b"x")


_LIES: dict[str, tuple[Callable[[RiggedShop, WorkReceipt], WorkReceipt], str]] = {
    "price above the cap": (lambda shop, it: _record(shop, it, amount=11), "charges more than its price"),
    "price above the rate": (lambda shop, it: _record(shop, it, amount=7), "charges more than its price"),
    "price not the record's": (lambda shop, it: replace(it, price=5), "another price"),
    "units above the most": (lambda shop, it: _record(shop, it, units=6, amount=6), "more work than was agreed"),
    "output": (lambda shop, it: _record(shop, it, output=bytes(32)), "another output"),
    "input": (lambda shop, it: _record(shop, it, input=bytes(32)), "another input"),
    "tab": (lambda shop, it: _record(shop, it, tab=bytes(32)), "another tab"),
    "totals too high": (lambda shop, it: _totals(shop, it, amount=7), "do not add up"),
    "totals too low": (lambda shop, it: _totals(shop, it, amount=5), "do not add up"),
    "units in totals": (lambda shop, it: _totals(shop, it, units=4), "do not add up"),
    "head": (lambda shop, it: _totals(shop, it, head=bytes(31) + b"\1"), "not the newest"),
    "previous": (lambda shop, it: replace(it, previous=bytes(31) + b"\1"), "not the newest"),
    "salt": (lambda shop, it: replace(it, salt=bytes(32)), "not the newest"),
    "seq": (lambda shop, it: resigned(shop, it, charged=replace(it.charged, seq=0)), "does not grow"),
    "index": (lambda shop, it: replace(it, index=it.index + 1), "another device"),
    "device": (lambda shop, it: replace(it, device=_ELSEWHERE), "another device"),
    "receipt's head": (lambda shop, it: replace(it, receipt=replace(it.receipt, head=bytes(32))), "another state"),
    "receipt's kind": (
        lambda shop, it: replace(
            it, receipt=Message.voucher(it.receipt.context, it.receipt.seq, 3, 0, 0, it.receipt.head)
        ),
        "another device or another state",
    ),
    "receipt's context": (lambda shop, it: replace(it, receipt=replace(it.receipt, context=bytes(32))), "for another"),
    "signature": (lambda shop, it: replace(it, signature=bytes(64)), "not signed by the device"),
    "another's signature": (
        lambda shop, it: replace(it, signature=bytes(Keypair().sign_message(it.receipt.encode()))),
        "not signed by the device",
    ),
}


@pytest.mark.parametrize("name", _LIES)
async def test_an_answer_that_its_receipt_does_not_bear_out_ends_the_trust(
    fleet: Fleet, tmp_path: Path, name: str
) -> None:
    lie, said = _LIES[name]
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    shop.lies = lambda receipt: lie(shop, receipt)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        with pytest.raises(AnswerRefused, match=said) as caught:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (caught.value.device, caught.value.amount) == (shop.device.device, 10)
        assert (buyer.budget.charged, buyer.budget.out) == (0, 10)
        shop.lies = lambda receipt: receipt
        with pytest.raises(DeviceDistrusted):
            await buyer.http.post(f"{shop.url}/work", content=b"y")
        assert [voucher.amount for voucher in shop.vouchers] == [10]
    assert shop.exact == []


async def test_the_distrust_outlives_the_client(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet, lies=lambda receipt: replace(receipt, signature=bytes(64)))
    async with shop.serving():
        async with buying(consumer, tmp_path / "purse") as buyer:
            with pytest.raises(AnswerRefused):
                await buyer.http.post(f"{shop.url}/work", content=b"x")
        async with buying(consumer, tmp_path / "purse") as buyer:
            with pytest.raises(DeviceDistrusted) as caught:
                await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (caught.value.device, len(shop.vouchers)) == (shop.device.device, 1)


async def test_a_head_that_does_not_follow_from_the_last_one_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        shop.head = b"\7" * 32
        with pytest.raises(AnswerRefused, match="does not follow"):
            await buyer.http.post(f"{shop.url}/work", content=b"y")
        assert (buyer.budget.charged, buyer.budget.out) == (6, 10)


async def test_the_same_record_is_not_sold_twice(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    seen: list[WorkReceipt] = []
    shop.lies = lambda receipt: seen.append(receipt) or receipt  # type: ignore[func-returns-value]
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        shop.lies = lambda receipt: resigned(shop, seen[0], charged=replace(seen[0].charged, amount=12, units=6))
        with pytest.raises(AnswerRefused, match="does not grow"):
            await buyer.http.post(f"{shop.url}/work", content=b"x")


async def test_an_answer_without_a_receipt_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    shop = await RiggedShop.open(fleet)
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        shop.answers = _Bare()
        with pytest.raises(AnswerRefused, match="no receipt"):
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert buyer.budget.out == 10


async def test_a_device_that_changed_its_key_is_believed_by_its_new_one(fleet: Fleet, tmp_path: Path) -> None:
    consumer, owner = await open_tab(fleet), fleet.owner()
    shop = await RiggedShop.open(fleet, device=await fleet.device(owner=owner))
    async with shop.serving(), buying(consumer, tmp_path / "purse") as buyer:
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        key = Keypair()
        await owner.update(shop.device.device, key=key)
        old, shop.device.signer = shop.device.signer, KeypairSigner(key)
        assert (await buyer.http.post(f"{shop.url}/work", content=b"y")).content == b"Y"
        shop.device.signer = old
        with pytest.raises(AnswerRefused, match="not signed by the device"):
            await buyer.http.post(f"{shop.url}/work", content=b"z")


class _Bare(dict):  # type: ignore[type-arg]
    """Answers without their receipts."""

    def __setitem__(self, key: object, value: object) -> None:
        del value.headers["WORKTAB-RECEIPT"]  # type: ignore[attr-defined]
        super().__setitem__(key, value)


def _more(lane: LaneTotals | None, amount: int) -> LaneTotals | None:
    return lane and replace(lane, totals=replace(lane.totals, amount=lane.totals.amount + amount))


def _record(shop: RiggedShop, receipt: WorkReceipt, **changes: object) -> WorkReceipt:
    """A receipt of another record, all else following from it."""
    record = replace(receipt.record, **changes)  # type: ignore[arg-type]
    head = next_head(receipt.previous, record_hash(receipt.salt, record))
    charged = Totals(record.amount, record.units, receipt.charged.seq, head)
    return resigned(shop, receipt, record=record, price=record.amount, units=record.units, charged=charged)


def _totals(shop: RiggedShop, receipt: WorkReceipt, **changes: object) -> WorkReceipt:
    return resigned(shop, receipt, charged=replace(receipt.charged, **changes))  # type: ignore[arg-type]


async def _nothing_was_signed(buyer: Buyer) -> None:
    view = await buyer.consumer.tab()
    assert (buyer.paid, view.lanes, view.tab.balance) == ([], (), 10_000)
    assert (buyer.budget.charged, buyer.budget.out) == (0, 0)
