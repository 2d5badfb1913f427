"""One paid request: what it may cost, what was done for it, and the answer with its receipt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from solders.pubkey import Pubkey

from worktab.core.contexts import receipt_context
from worktab.core.keys import Signer
from worktab.core.messages import Message
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head
from worktab.market.errors import WorkNotRecorded
from worktab.market.pricing import Price
from worktab.market.provider.rows import Answer, Purchase
from worktab.market.provider.seller import Seller
from worktab.market.terms import LaneTotals, Totals
from worktab.market.wire import CHARGE_HEADER, RECEIPT_HEADER, Charge, WorkReceipt
from worktab.work.history import Entry
from worktab.work.spool import Spool
from worktab.work.worker import new_salt, now_ms


@dataclass(slots=True)
class Sale:
    """A paid request on its way. An application finds it as `request.state.worktab`.

    Attributes:
        tab: the tab that pays.
        nonce: its lane.
        job_id: names the job in the spool: the same for every repetition of this request. Pass it to `run_wasm_job`.
        price: what is charged for the units that the work takes; `price.cost` is the amount to pass to `run_wasm_job`.
        max_units: most work units that the request may take: they are paid for.
        units: what `worked` said.
        entry: what `recorded` said.
    """

    tab: Pubkey
    nonce: int
    job_id: bytes
    price: Price
    max_units: int
    units: int | None = field(default=None, init=False)
    entry: Entry | None = field(default=None, init=False)

    def worked(self, units: int) -> None:
        """Says how many units of work the answer took; it is then recorded with the answer as its output."""
        self.units = units

    def recorded(self, entry: Entry) -> None:
        """Says that the work is in the spool already, for this tab and at this price; the answer is its output."""
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Work:
    """What of a record a route fixes: how its units are measured, and the 32-byte hash of what runs."""

    module: bytes
    meter: Meter = Meter.SAMPLES
    meter_version: int = 1


class Recorder:
    """Puts paid work into a device's spool and answers with its receipt. Its calls wait for the disk."""

    def __init__(
        self,
        seller: Seller,
        spool: Spool,
        signer: Signer,
        *,
        clock_ms: Callable[[], int] = now_ms,
        salt: Callable[[], bytes] = new_salt,
    ) -> None:
        self._seller, self._spool, self._signer = seller, spool, signer
        self._clock_ms, self._salt = clock_ms, salt
        self._newest = (0, ZERO_HEAD)
        self._context = receipt_context(seller.domain, seller.device, seller.index)

    def record(self, sale: Sale, work: Work, units: int, input_hash: bytes, body: bytes, started_ms: int) -> Entry:
        """The entry of a sale's work, whose output is `body`: a new one, or that of the same work done before.

        Raises:
            WorkNotRecorded: it took more units than were paid for.
            InputError, StateError, StorageError: see `Spool.append`.
        """
        if units > sale.max_units:
            raise WorkNotRecorded("The work took too much", expected=f"at most {sale.max_units} units", got=str(units))
        record = JobRecord(
            meter=work.meter,
            work_class=self._seller.work_class,
            meter_version=work.meter_version,
            module=work.module,
            input=input_hash,
            output=hashlib.sha256(body).digest(),
            units=units,
            amount=sale.price.cost(units),
            started_ms=started_ms,
            finished_ms=self._clock_ms(),
            tab=bytes(sale.tab),
        )
        entry = self._spool.append(record, self._salt(), job_id=sale.job_id)
        if entry.record.output == record.output:
            return entry
        # The work was done before a crash, its answer lost with it, and now it gave another one: other work.
        other = hashlib.sha256(sale.job_id + record.output).digest()
        return self._spool.append(record, self._salt(), job_id=other)

    def receipt(self, entry: Entry, charged: Totals) -> WorkReceipt:
        """The proof of a recorded job for its buyer; `charged` are the lane's totals with it.

        The receipt claims the chain with this job as the newest, which the disk holds: whatever the spool signs later
        stands for this one, too.
        """
        record = entry.record
        receipt = Message.receipt(
            self._context, entry.seq, entry.units_total, max(0, self._clock_ms() // 1_000), entry.head
        )
        return WorkReceipt(
            device=self._seller.device,
            index=self._seller.index,
            charged=charged,
            price=record.amount,
            units=record.units,
            record=record,
            salt=entry.salt,
            previous=self._previous(entry),
            receipt=receipt,
            signature=self._signer.sign(receipt.encode()),
        )

    def job(self, tab: Pubkey, seq: int, head: bytes) -> Entry | None:
        """The spool's job of this number, None where it is not there, or is for another tab or with another head."""
        if not 1 <= seq <= self._spool.state().seq:
            return None
        entry = next(self._spool.entries(seq, seq), None)
        return entry if entry is not None and (entry.head, entry.record.tab) == (head, bytes(tab)) else None

    def answer(self, entry: Entry, purchase: Purchase, charged: Totals, bare: Answer) -> Answer:
        """The application's answer with its charge and its receipt."""
        lane = LaneTotals(purchase.tab, purchase.nonce, charged)
        charge = Charge(self._seller.chain, purchase.tab, entry.record.amount, lane)
        added = (
            (CHARGE_HEADER.lower(), charge.to_header()),
            (RECEIPT_HEADER.lower(), self.receipt(entry, charged).to_header()),
        )
        return Answer(bare.status, (*bare.headers, *added), bare.body)

    def _previous(self, entry: Entry) -> bytes:
        """The chain's head before a job; mostly that after the job before, which is remembered."""
        seq, head = self._newest
        if seq != entry.seq - 1 or next_head(head, entry.record_hash) != entry.head:
            before = next(self._spool.entries(entry.seq - 1, entry.seq - 1), None) if entry.seq > 1 else None
            head = before.head if before else self._spool.base().head
        self._newest = (entry.seq, entry.head)
        return head


def charge(entry: Entry, purchase: Purchase, charged: Totals, max_amount: int, body: bytes) -> Totals:
    """A lane's totals with a job that was recorded for a purchase.

    Raises:
        WorkNotRecorded: the record is of another job, or of more than was paid for.
    """
    record = entry.record
    if record.tab != bytes(purchase.tab) or record.output != hashlib.sha256(body).digest():
        raise WorkNotRecorded(
            "The record is not of this answer",
            expected=f"tab {purchase.tab}, output {hashlib.sha256(body).hexdigest()}",
            got=f"tab {Pubkey(record.tab)}, output {record.output.hex()}",
        )
    if record.amount > max_amount:
        raise WorkNotRecorded(
            "The record names too high a price", expected=f"at most {max_amount}", got=f"{record.amount}"
        )
    amount, units = charged.amount + record.amount, charged.units + record.units
    if entry.seq > charged.seq:
        return Totals(amount, units, entry.seq, entry.head)
    return Totals(amount, units, charged.seq, charged.head)


def job_id(tab: Pubkey, key: bytes) -> bytes:
    """The 32-byte job id of what is bought under a key."""
    return hashlib.sha256(b"worktab/purchase" + bytes(tab) + key).digest()
