"""From a device's spool to ingests, on a network that pays by roots.

What a call does is decided by what each ingest holds and what the spool holds, never by what an earlier call meant to
do. So it may be killed anywhere and run again: a receipt whose answer was lost is found held, an ingest that was away
or lost its data gets the newest receipt, and that one stands for all before it.

An ingest is asked before anything is signed, since two histories under one key end a device's pay for good: where one
holds jobs that the spool does not, nothing is signed. It is believed only what the device's key signed, and no time
beyond what a receipt may have by the clocks of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from solders.pubkey import Pubkey

from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import ConnectionFailed, InputError, WorktabError
from worktab.core.keys import Signer
from worktab.ingest.looking import Ingest, Look, Refused, compared, settled
from worktab.work.history import START, ChainState
from worktab.work.receipts import CLOCK_TOLERANCE
from worktab.work.spool import Spool


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the newest receipt at one ingest.

    url     the ingest's
    seq     jobs that it holds of the device now; 0 for none, or where that is not known
    posted  whether this call brought it the receipt
    error   why it does not hold the newest, None if it does
    """

    url: str
    seq: int
    posted: bool = False
    error: WorktabError | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a call did.

    seq, units        jobs and work units that enough ingests hold now
    deliveries        one for each ingest, in their order
    clock_correction  seconds by which the receipt's time differs from the device's clock; other than 0, the clock
                      should be set
    """

    seq: int
    units: int
    deliveries: tuple[Delivery, ...]
    clock_correction: int = 0

    @property
    def posted(self) -> bool:
        """Whether any ingest was brought a receipt."""
        return any(each.posted for each in self.deliveries)


class NotDelivered(ConnectionFailed):
    """Fewer ingests than asked for hold the newest receipt; `deliveries` tells of each. The cause is the first's."""

    code = "not_delivered"
    default_next_step = "Try again; nothing that was stored is lost"

    def __init__(self, least: int, deliveries: tuple[Delivery, ...]) -> None:
        errors = [each.error for each in deliveries if each.error is not None]
        super().__init__(
            "Too few ingests hold the device's newest receipt",
            expected=f"{least} of {len(deliveries)}",
            got=f"{len(deliveries) - len(errors)}: {'; '.join(each.message for each in errors)}",
            next_step=next((each.next_step for each in errors if isinstance(each, Refused)), ""),
        )
        self.deliveries = deliveries


async def submit(
    spool: Spool,
    ingests: Sequence[Ingest],
    *,
    device: Pubkey,
    signer: Signer,
    context: bytes,
    now: int,
    least: int = 1,
    chain: ChainState = START,
    chain_time: int | None = None,
    enrolment: SignedEnrolment | None = None,
) -> Delivered:
    """Bring the newest receipt to every ingest that does not hold it.

    Args:
        spool: the device's spool; what `least` ingests hold counts as landed there.
        ingests: all are brought up to date, at the same time.
        device: the device's address.
        signer: its key.
        context: 32-byte context of its receipts: of its registration, or `Enrolment.receipt_context`.
        now: the device's clock in Unix seconds.
        least: ingests that must hold the receipt for this to be a success.
        chain: what the chain holds of the device.
        chain_time: the chain's clock in Unix seconds, to go by where no ingest tells its own.
        enrolment: its enrolment, for an ingest that does not know it.

    Raises:
        InputError: `least` is not between 1 and the number of ingests.
        StateError: an ingest holds a newer or another history; nothing was signed.
        NotDelivered: fewer than `least` hold the receipt. Nothing is lost: call it again later.
        StorageError: the spool failed.
    """
    require_ingests(ingests, least)
    looks = await compared(spool, ingests, device, signer, context, enrolment)
    answered = [look for look in looks if look.error is None]
    target, correction = spool.state(), 0
    if any(look.state.seq < target.seq for look in answered):
        times = [look.time for look in answered if look.time is not None]
        clock = median_low(times) if times else chain_time
        believed = [look.issued_at for look in answered if look.issued_at is not None]
        receipt = spool.sign_newest(
            signer,
            context,
            now,
            known=max([chain, *(look.state for look in answered)], key=lambda state: state.seq),
            their_time=clock,
            last_time=max((each for each in believed if clock and each <= clock + CLOCK_TOLERANCE), default=None),
        )
        target, correction = receipt.state, receipt.clock_correction
        row = bytes(device) + receipt.message.encode() + receipt.signature
        posting = [_post(look, row, target.seq) for look in looks]
        deliveries = tuple(await asyncio.gather(*posting))
    else:
        deliveries = tuple(Delivery(each.ingest.url, each.state.seq, error=each.error) for each in looks)
    if sum(each.error is None for each in deliveries) < least:
        raise NotDelivered(least, deliveries) from next(each.error for each in deliveries if each.error is not None)
    spool.confirm(target)
    return Delivered(target.seq, target.units, deliveries, correction)


def require_ingests(ingests: Sequence[Ingest], least: int) -> None:
    """See that so many ingests can hold a receipt. Raises `InputError`."""
    if not 1 <= least <= len(ingests):
        raise InputError("So many ingests cannot hold a receipt", expected=f"1 to {len(ingests)}", got=str(least))


async def _post(look: Look, row: bytes, seq: int) -> Delivery:
    url, held = look.ingest.url, look.state.seq
    if look.error is not None or held >= seq:
        return Delivery(url, held, error=look.error)
    outcome = await settled(_bring(look.ingest, row))
    if isinstance(outcome, WorktabError):
        return Delivery(url, held, error=outcome)
    return Delivery(url, seq, posted=True)


async def _bring(ingest: Ingest, row: bytes) -> None:
    [verdict] = await ingest.submit([row])
    if verdict.refused:
        raise Refused("receipt", ingest.url, verdict)
