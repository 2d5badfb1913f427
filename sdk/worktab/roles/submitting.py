"""From a device's spool to the chain.

What a flush does is decided by what the chain holds and what the spool holds, never by what an earlier flush meant to
do. So it may be killed anywhere and run again, or run twice at once: a receipt that is on chain already is a success,
and the newest receipt stands for all before it, however long the chain was out of reach.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import Field, dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

from solders.keypair import Keypair

from worktab.chain.journal import Journal
from worktab.chain.sending import OutcomeUnknown
from worktab.core import contexts
from worktab.core.errors import InputError
from worktab.core.keys import Signer
from worktab.core.messages import Message
from worktab.program.generated.errors import RewardLimited
from worktab.roles.device import Device, Submission, receipt_seq
from worktab.roles.forecast import Forecast


class WorkState(Protocol):
    """Where a device's record chain stands: a dataclass of jobs, lifetime work units and 32-byte head."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def seq(self) -> int: ...
    @property
    def units(self) -> int: ...
    @property
    def head(self) -> bytes: ...


class Receipt(Protocol):
    """A receipt with its 64-byte signature.

    `clock_correction` is by how many seconds its time differs from what the device's clock said.
    """

    @property
    def message(self) -> Message: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def clock_correction(self) -> int: ...


S = TypeVar("S", bound=WorkState)


class Backlog(Protocol[S]):
    """What a submitter needs of a spool; `worktab.work.spool.Spool` is one."""

    @property
    def journal(self) -> Journal:
        """Where transactions are remembered, as durably as the work itself."""
        ...

    def state(self) -> S:
        """The state after the newest job."""
        ...

    def confirm(self, chain: S) -> None:
        """Notes what the chain holds. Raises `StateError` if that is not part of this history."""
        ...

    def sign_receipt(
        self,
        signer: Signer,
        context: bytes,
        now: int,
        *,
        landed: S | None = None,
        chain_time: int | None = None,
        last_time: int | None = None,
    ) -> Receipt:
        """The receipt for the newest state that one receipt can claim, stored before it is returned."""
        ...

    def mark_landed(self, seq: int) -> None:
        """Notes that the receipt for job number `seq` is on chain."""
        ...


def device_clock() -> int:
    """This machine's clock in Unix seconds."""
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush did.

    seq               jobs that the chain has recorded now
    submissions       the receipts that it brought there, seldom more than one
    refused           what limits would have cut from the next receipt, which was not submitted; None if all is done
    clock_correction  seconds by which the last receipt's time differs from the device's clock; other than 0, the
                      clock should be set
    """

    seq: int
    submissions: tuple[Submission, ...]
    refused: Forecast | None
    clock_correction: int

    @property
    def reward(self) -> int:
        """Base units accrued, as far as the node tells."""
        return sum(each.reward or 0 for each in self.submissions)


class Submitter:
    """Brings a spool's receipts to the chain.

    device  its sender must keep its journal in the spool: `program_sender(.., journal=spool.journal)`
    spool   the device's spool
    clock   the device's clock in Unix seconds

    Raises `InputError` if the sender keeps another journal.
    """

    def __init__(self, device: Device, spool: Backlog[Any], *, clock: Callable[[], int] = device_clock) -> None:
        if device.sender.journal is not spool.journal:
            raise InputError(
                "The device's sender keeps another journal than the spool's",
                expected="program_sender(.., journal=spool.journal)",
            )
        self.device = device
        self._spool = spool
        self._clock = clock
        self._turn = asyncio.Lock()

    async def flush(self, *, consent: Keypair | None = None) -> Flushed:
        """Bring everything to the chain that the spool holds now.

        First, transactions that an earlier run left behind are seen through to their end. A receipt whose reward a
        limit would cut is held back and reported in `refused`, unless `consent`, the device's owner or its own
        keypair, accepts the loss: then it is submitted, and only then signed by `consent`.

        Raises `StateError` if the chain's history of the device is not the spool's, `StorageError`, and what
        `Device.submit` raises. Nothing that was recorded is ever lost: call it again later.
        """
        async with self._turn:
            await self.finish_earlier()
            return await self._bring(consent)

    async def _bring(self, consent: Keypair | None) -> Flushed:
        view = await self.device.view()
        target = self._spool.state()
        landed = replace(target, seq=view.device.seq, units=view.device.units, head=view.device.head)
        self._spool.confirm(landed)
        context = contexts.receipt_context(view.network.domain, view.address, view.device.index)
        submissions: list[Submission] = []
        correction, last_time = 0, view.device.last_receipt_at
        while landed.seq < target.seq:
            receipt = self._spool.sign_receipt(
                self.device.signer, context, self._clock(), landed=landed, chain_time=view.now, last_time=last_time
            )
            correction = receipt.clock_correction
            try:
                submission = await self._submit(receipt, consent)
            except RewardLimited:
                refused = await self.device.forecast(receipt.message.units)
                return Flushed(landed.seq, tuple(submissions), refused, correction)
            submissions.append(submission)
            self._spool.mark_landed(submission.seq)
            landed = replace(landed, seq=submission.seq, units=submission.units, head=receipt.message.head)
            last_time = receipt.message.time
        return Flushed(landed.seq, tuple(submissions), None, correction)

    async def _submit(self, receipt: Receipt, consent: Keypair | None) -> Submission:
        try:
            return await self.device.submit(receipt.message, receipt.signature)
        except RewardLimited:
            if consent is None:
                raise
            return await self.device.submit(receipt.message, receipt.signature, consent=consent)

    async def finish_earlier(self) -> None:
        """Settle what an earlier run sent, as `flush` does. Raises `OutcomeUnknown` while any of it may still land."""
        sender = self.device.sender
        if sender.journal.unsettled():
            # On another cluster nothing is ever found, and all would be taken for expired.
            await self.device.reader.network()
        unknown = [each for each in await sender.resume() if isinstance(each.error, OutcomeUnknown)]
        if not unknown:
            return
        height = (await sender.chain.final_tip()).block_height
        recorded = (await self.device.view()).device.seq
        for each in unknown:
            if each.sent.last_valid_block_height >= height:
                assert each.error is not None
                raise each.error
            seq = receipt_seq(each.sent.label)
            if seq is not None:
                # The node no longer knows, but this one can land no more, and the device's account shows all that a
                # receipt can have done.
                sender.journal.settle(each.sent.signature, "confirmed" if seq <= recorded else "expired")
