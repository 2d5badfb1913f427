"""A device that sells work: quotes, takes vouchers, remembers what it must, and settles when that is worth the fee."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from solders.pubkey import Pubkey

from worktab.core.errors import WorktabError
from worktab.core.records import ZERO_HEAD
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import (
    LaneUnknown,
    PaymentRefused,
    ReserveTooSmall,
    ResponseGone,
    UnitsTooHigh,
    WorkNotRecorded,
)
from worktab.market.provider.book import Book, require_same
from worktab.market.provider.checking import Gate, check_exact, check_lasts, check_signature, check_totals
from worktab.market.provider.orders import Offer, Order, require_accepted
from worktab.market.provider.reserves import LowReserve, ReserveWatch
from worktab.market.provider.rows import Answer, LaneAccount, Purchase
from worktab.market.provider.sale import Recorder, Sale, charge, job_id
from worktab.market.provider.seller import Seller
from worktab.market.provider.settling import Settlement, SettlePolicy, Settler, Settling
from worktab.market.provider.tabs import Tabs
from worktab.market.provider.turns import Turns
from worktab.market.terms import LaneTotals, Requirement, Totals
from worktab.market.wire import Payment
from worktab.roles.device import Device
from worktab.roles.proving import as_signer
from worktab.work.spool import Spool
from worktab.work.worker import now_ms

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a provider takes on, and how carefully. Times are in seconds.

    Attributes:
        most: requests at once, those that wait for their lane included; more are answered 503.
        most_on_lane: of these, on one lane.
        payable_for: a voucher or a closing lane must live on for so long, so that there is time to settle.
        low_requests: warn when a lane's reserve is good for fewer requests like the last one.
        keep_answers: how long a bought answer can be had again.
    """

    most: int = 256
    most_on_lane: int = 8
    payable_for: int = 600
    low_requests: int = 5
    keep_answers: int = 86_400


class Provider:
    """The device's side of pay per request; `Provider.open` makes one. For the tasks of one event loop.

    A server asks it `requirement` for the terms, `sell` for a paid request and `keep_exact` for the exact voucher that
    a buyer leaves, and lets `run` settle in the background. Nothing is lost when it is killed at any time.
    """

    def __init__(
        self,
        seller: Seller,
        *,
        book: Book,
        tabs: Tabs,
        recorder: Recorder,
        settler: Settler,
        policy: SettlePolicy,
        limits: Limits,
        on_low: Callable[[LowReserve], None] | None = None,
    ) -> None:
        """Puts the parts together; use `Provider.open`."""
        self.seller, self.book, self.tabs = seller, book, tabs
        self._recorder, self._limits = recorder, limits
        self._settling = Settling(book, tabs, settler, policy)
        self._watch = ReserveWatch(limits.low_requests, on_low)
        self._turns = Turns(limits.most, limits.most_on_lane)
        self._sales: set[asyncio.Task[Answer]] = set()

    @classmethod
    async def open(
        cls,
        device: Device,
        spool: Spool,
        book: str | Path,
        *,
        settler: Settler,
        policy: SettlePolicy | None = None,
        limits: Limits | None = None,
        on_low: Callable[[LowReserve], None] | None = None,
        max_age: float = 300.0,
    ) -> Self:
        """A provider for a registered device.

        Args:
            device: the device, with its key.
            spool: takes the records of the work.
            book: the file that remembers vouchers, charges and answers; made where it is missing.
            settler: brings vouchers to the chain.
            policy: when to settle.
            limits: how much to take on.
            on_low: called when a lane's reserve runs low, once for each level of it; it must not raise.
            max_age: seconds after which what the chain says of a tab is read again.

        Raises:
            NetworkNotFound, WrongCluster, DeviceNotFound, StateError, StorageError: see `Seller.read`, `Book.open`.
        """
        seller = await Seller.read(device.reader, device.device)
        return cls(
            seller,
            book=Book.open(book, device=seller.device, index=seller.index),
            tabs=Tabs(device.reader, seller, max_age=max_age),
            recorder=Recorder(seller, spool, as_signer(device.signer)),
            settler=settler,
            policy=policy or SettlePolicy(),
            limits=limits or Limits(),
            on_low=on_low,
        )

    async def close(self) -> None:
        """Lets running sales come to their end, and releases the book."""
        if self._sales:
            await asyncio.wait(self._sales)
        self.book.close()

    async def requirement(self, offer: Offer, lane: tuple[Pubkey, int] | None = None) -> Requirement:
        """What to ask for a request, with what is charged on the buyer's lane where it named one."""
        if lane is None:
            return self.seller.requirement(offer.price, offer.max_units)
        tab, nonce = lane
        totals = LaneTotals(tab, nonce, await self.charged(tab, nonce))
        return self.seller.requirement(offer.price, offer.max_units, totals)

    async def charged(self, tab: Pubkey, nonce: int) -> Totals:
        """What is charged on a lane so far: by the book, else what the chain was last seen to have paid on it."""
        lane = await self.book.lane(tab, nonce)
        return lane.charged if lane else _start(self.tabs.known(tab, nonce))

    async def sell(
        self, payment: Payment, offer: Offer, order: Order, do: Callable[[Sale], Awaitable[Answer]]
    ) -> Answer:
        """The answer to a paid request: `do`'s, with charge and receipt, or the one that was bought before.

        An answer of `do` that is no success (200 to 299) is handed through and not charged. Once begun, a sale comes
        to its end also where its caller is cancelled: the work would be paid for, and could be asked for again.

        Raises:
            MarketError: refused, and nothing charged; the class says why.
            StorageError: the disk is full or failing; nothing was charged.
            Exception: what `do` raised; nothing was charged.
        """
        task = asyncio.create_task(self._sell(payment, offer, order, do))
        self._sales.add(task)
        task.add_done_callback(self._sold)
        return await asyncio.shield(task)

    async def check(self, payment: Payment, offer: Offer) -> None:
        """Checks a payment as `sell` will in its turn, and takes nothing.

        Raises:
            MarketError: it would be refused; the class says why.
            StorageError: the book cannot be read.
        """
        voucher = payment.voucher
        require_accepted(payment.accepted, self.seller, offer)
        gate = await self.tabs.gate(voucher.tab, voucher.lane_nonce)
        check_signature(voucher, gate)
        lane = await self.book.lane(voucher.tab, voucher.lane_nonce)
        lane = lane or LaneAccount(voucher.tab, voucher.lane_nonce, _start(gate), gate.paid)
        charged = await self._owned(voucher, lane, offer)
        await self._check_totals(voucher, gate, replace(lane, charged=charged), offer)

    async def keep_exact(self, voucher: SignedVoucher) -> None:
        """Keeps a voucher for exactly what is charged on its lane, to be settled in place of a larger one.

        Raises:
            PaymentRefused: it is not; the class says why.
            Overloaded, StorageError: try again later.
        """
        gate = await self.tabs.gate(voucher.tab, voucher.lane_nonce)
        check_signature(voucher, gate)
        async with self._turns.take((voucher.tab, voucher.lane_nonce)):
            lane = await self.book.lane(voucher.tab, voucher.lane_nonce)
            if lane is None:
                raise LaneUnknown("Nothing was ever charged on the lane", got=f"nonce {voucher.lane_nonce}")
            check_exact(voucher, gate, lane.charged, self.tabs.now() + self._limits.payable_for)
            await self.book.keep_exact(voucher)

    async def settle(self, *, at_once: bool = False) -> list[Settlement]:
        """Settles every lane for which that is due by the policy, or, `at_once`, every lane that owes anything.

        Raises:
            StorageError: the book cannot be read or written.
        """
        return await self._settling.settle(at_once=at_once)

    async def run(self, *, interval: float = 30.0) -> None:
        """Settles, and drops answers that were kept long enough, every `interval` seconds until cancelled."""
        while True:
            try:
                await self.settle()
                await self.book.prune(self.tabs.now() - self._limits.keep_answers)
            except WorktabError as error:
                _LOG.warning("Settling failed and is tried again: %s", error)
            await asyncio.sleep(interval)

    async def _sell(
        self, payment: Payment, offer: Offer, order: Order, do: Callable[[Sale], Awaitable[Answer]]
    ) -> Answer:
        voucher = payment.voucher
        wanted = Purchase(voucher.tab, order.key, voucher.lane_nonce, order.request, voucher)
        try:
            require_accepted(payment.accepted, self.seller, offer)
            gate = await self.tabs.gate(voucher.tab, voucher.lane_nonce)
            check_signature(voucher, gate)
        except PaymentRefused:
            # What was bought is handed out again to whoever shows the voucher that bought it, whatever became of the
            # offer or the lane.
            bought = await self._bought(wanted)
            if bought is None or bought.voucher != voucher:
                raise
            return _answer(bought)
        async with self._turns.take((voucher.tab, voucher.lane_nonce)):
            return await self._sell_in_turn(wanted, gate, offer, order, do)

    async def _sell_in_turn(
        self, wanted: Purchase, gate: Gate, offer: Offer, order: Order, do: Callable[[Sale], Awaitable[Answer]]
    ) -> Answer:
        tab, nonce, most = wanted.tab, wanted.nonce, offer.price.cost(offer.max_units)
        known = await self.book.lane(tab, nonce)
        if known is not None and known.ended:
            known = await self.book.note_ended(tab, nonce, False)
        lane = known or LaneAccount(tab, nonce, _start(gate), gate.paid)
        owned = await self._owned(wanted.voucher, lane, offer)
        lane = replace(lane, charged=owned)
        try:
            gate = await self._check_totals(wanted.voucher, gate, lane, offer)
        except PaymentRefused:
            bought = await self._bought(wanted)
            if bought is None:
                raise
            return _answer(bought)
        if known is not None and owned != known.charged:
            lane = await self.book.note_charged(tab, nonce, owned, self.tabs.now())
        begun = await self.book.begin(wanted, lane, self.tabs.now())
        if begun.status is not None:
            return _answer(begun)
        try:
            answer, after = await self._work(begun, offer, order, do)
        except BaseException:
            await self.book.abandon(begun)
            raise
        if after is None:
            await self.book.abandon(begun)
        else:
            self._watch.look(after, gate, most)
        return answer

    async def _owned(self, voucher: SignedVoucher, lane: LaneAccount, offer: Offer) -> Totals:
        """What is charged on a lane; where a voucher names a newer job than the book knows, what it owns to.

        Then the book was lost, or is an older copy, and the buyer knows more: it signed for what was charged, and this
        request. It is believed where the spool has that job, for this tab.
        """
        charged = lane.charged
        if voucher.seq <= charged.seq:
            return charged
        job = await asyncio.to_thread(self._recorder.job, voucher.tab, voucher.seq, voucher.head)
        _LOG.warning(
            "A voucher of lane %d of tab %s names job %d, which the book does not know and the spool %s",
            lane.nonce,
            lane.tab,
            voucher.seq,
            "does" if job else "does not",
        )
        if job is None:
            return charged
        amount = voucher.amount - offer.price.cost(offer.max_units)
        units = min(voucher.units - offer.max_units, job.units_total)
        return Totals(max(charged.amount, amount), max(charged.units, units), voucher.seq, voucher.head)

    async def _check_totals(self, voucher: SignedVoucher, gate: Gate, lane: LaneAccount, offer: Offer) -> Gate:
        """Checks all but the signature; the gate it passed, which is a new one where the lane got more meanwhile."""
        most, until = offer.price.cost(offer.max_units), self.tabs.now() + self._limits.payable_for
        check_lasts(voucher, gate, lane)
        try:
            check_totals(voucher, gate, lane.charged, most, offer.max_units, until, offer.asked_units)
        except (ReserveTooSmall, UnitsTooHigh):
            gate = await self.tabs.gate(voucher.tab, voucher.lane_nonce, fresh=True)
            check_totals(voucher, gate, lane.charged, most, offer.max_units, until, offer.asked_units)
        return gate

    async def _work(
        self, purchase: Purchase, offer: Offer, order: Order, do: Callable[[Sale], Awaitable[Answer]]
    ) -> tuple[Answer, LaneAccount | None]:
        sale = Sale(purchase.tab, purchase.nonce, job_id(purchase.tab, purchase.key), offer.price, offer.max_units)
        started_ms = now_ms()
        bare = await do(sale)
        if not 200 <= bare.status < 300:
            return bare, None

        def conclude(before: Totals) -> tuple[Totals, Answer]:
            entry = sale.entry
            if entry is None:
                if sale.units is None:
                    raise WorkNotRecorded(
                        "The application did not say what it did",
                        expected="a fixed number of units, request.state.worktab.worked(..), or .recorded(..)",
                    )
                entry = self._recorder.record(sale, offer.work, sale.units, order.input, bare.body, started_ms)
            charged = charge(entry, purchase, before, offer.price.cost(offer.max_units), bare.body)
            return charged, self._recorder.answer(entry, purchase, charged, bare)

        after, answer = await self.book.finish(purchase, conclude, self.tabs.now())
        return answer, after

    def _sold(self, task: asyncio.Task[Answer]) -> None:
        self._sales.discard(task)
        if not task.cancelled():
            task.exception()  # looked at here, too, for the case that the caller has gone

    async def _bought(self, wanted: Purchase) -> Purchase | None:
        """What was bought under the key before, None where that is nothing. Raises `KeyReused`."""
        held = await self.book.purchase(wanted.tab, wanted.key)
        if held is None:
            return None
        require_same(held, wanted)
        return held if held.status is not None else None


def _start(gate: Gate | None) -> Totals:
    """What is charged on a lane that the book does not know: what the chain has paid on it."""
    return Totals(gate.paid, gate.units, 0, ZERO_HEAD) if gate else Totals(0, 0, 0, ZERO_HEAD)


def _answer(purchase: Purchase) -> Answer:
    """The answer that was bought. Raises `ResponseGone`."""
    if purchase.answer is None:
        raise ResponseGone("The answer was bought long ago and is no longer kept")
    return purchase.answer
