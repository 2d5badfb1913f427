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
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Final, Protocol, TypeVar

from solders.pubkey import Pubkey

from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import ConnectionFailed, InputError, StateError, VerificationError, WorktabError
from worktab.core.keys import DeviceKey, Signer
from worktab.core.messages import Message
from worktab.ingest.errors import NoSuchDevice
from worktab.ingest.verdicts import Verdict
from worktab.work.history import START, ChainState
from worktab.work.receipts import CLOCK_TOLERANCE
from worktab.work.spool import Spool

_T = TypeVar("_T")

_DEVICE: Final = 32
_SIGNED: Final = 136
"""Where in a receipt's 200 bytes the message begins, and where the signature."""


class Newest(Protocol):
    """What an ingest holds of a device: its 200-byte receipt, None without one; `time` is the ingest's clock in Unix
    seconds."""

    @property
    def receipt(self) -> bytes | None: ...
    @property
    def time(self) -> int: ...


class Ingest(Protocol):
    """What submitting needs of an ingest; `worktab.ingest.client.IngestClient` is one."""

    @property
    def url(self) -> str: ...
    async def newest(self, device: Pubkey) -> Newest: ...
    async def submit(self, receipts: Sequence[bytes]) -> Sequence[Verdict]: ...
    async def enrol(self, enrolment: SignedEnrolment) -> Verdict: ...


class Refused(StateError):
    """An ingest refused a receipt or an enrolment; `verdict` says why."""

    code = "refused"

    def __init__(self, what: str, url: str, verdict: Verdict) -> None:
        super().__init__(f"The ingest {url} refused the {what}", got=verdict.code, next_step=_NEXT.get(verdict, ""))
        self.verdict = verdict


_NEXT: Final = {
    Verdict.DEVICE_UNKNOWN: "Enrol the device there (worktab device enrol), or register it on chain",
    Verdict.DEVICE_FORKED: "The key signed two histories; give the device a new key",
    Verdict.FORK: "The key signed two histories; give the device a new key",
    Verdict.NOT_ADMITTED: "Let the network's authority or an attestor sign it: worktab device enrolment sign",
    Verdict.BOND_NEEDED: "Register the device on chain, where it can have a bond",
    Verdict.REGISTERED: "Use the device as it is registered on chain",
    Verdict.RATE_LIMITED: "Try again later; nothing that was stored is lost",
}


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


@dataclass(frozen=True, slots=True)
class _Look:
    """What an ingest showed: what it holds, the time of that receipt, and its own clock."""

    ingest: Ingest
    state: ChainState = START
    issued_at: int | None = None
    time: int = 0
    error: WorktabError | None = None


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
        enrolment: its enrolment, for an ingest that does not know it.

    Raises:
        InputError: `least` is not between 1 and the number of ingests.
        StateError: an ingest holds a newer or another history; nothing was signed.
        NotDelivered: fewer than `least` hold the receipt. Nothing is lost: call it again later.
        StorageError: the spool failed.
    """
    require_ingests(ingests, least)
    looks = await asyncio.gather(*(_look(each, spool, device, signer, context, enrolment) for each in ingests))
    for look in looks:
        spool.compare(look.state, f"the ingest {look.ingest.url}")
    answered = [look for look in looks if look.error is None]
    target, correction = spool.state(), 0
    if any(look.state.seq < target.seq for look in answered):
        clock = median_low([look.time for look in answered])
        believed = [look.issued_at for look in answered if look.issued_at is not None]
        receipt = spool.sign_newest(
            signer,
            context,
            now,
            known=max([chain, *(look.state for look in answered)], key=lambda state: state.seq),
            their_time=clock,
            last_time=max((each for each in believed if each <= clock + CLOCK_TOLERANCE), default=None),
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


async def newest_of(
    ingests: Sequence[Ingest], *, device: Pubkey, key: DeviceKey, context: bytes
) -> tuple[Ingest, Message, bytes] | None:
    """The newest receipt by this key that any of the ingests holds: which one, its message and signature.

    Raises the first ingest's error if none of them answers.
    """
    asked = await asyncio.gather(*(_settled(_read(each, device)) for each in ingests))
    found, errors = [], []
    for ingest, answer in zip(ingests, asked, strict=True):
        if isinstance(answer, WorktabError):
            errors.append(answer)
            continue
        message, signature, _ = answer
        ours = message is not None and message.context == context
        if message is not None and ours and key.verify(message.encode(), signature):
            found.append((ingest, message, signature))
    if errors and len(errors) == len(asked):
        raise errors[0]
    return max(found, key=lambda each: each[1].seq, default=None)


async def _look(
    ingest: Ingest,
    spool: Spool,
    device: Pubkey,
    signer: Signer,
    context: bytes,
    enrolment: SignedEnrolment | None,
) -> _Look:
    answer = await _settled(_read(ingest, device, enrolment))
    if isinstance(answer, WorktabError):
        return _Look(ingest, error=answer)
    message, signature, time = answer
    # A receipt of an earlier registration says nothing of this one.
    if message is None or message.context != context:
        return _Look(ingest, time=time)
    state = ChainState(message.seq, message.units, message.head)
    if not signer.public.verify(message.encode(), signature):
        # The device's key may have changed since, but what another key signed is no reason to stop.
        try:
            ours = spool.compare(state, f"the ingest {ingest.url}")
        except StateError:
            ours = False
        if not ours:
            error = VerificationError(f"The ingest {ingest.url} shows a receipt that the device's key did not sign")
            return _Look(ingest, time=time, error=error)
    return _Look(ingest, state, message.time, time)


async def _read(
    ingest: Ingest, device: Pubkey, enrolment: SignedEnrolment | None = None
) -> tuple[Message | None, bytes, int]:
    try:
        newest = await ingest.newest(device)
    except NoSuchDevice:
        if enrolment is None:
            raise
        await _enrol(ingest, enrolment)
        newest = await ingest.newest(device)
    row = newest.receipt
    if row is None:
        return None, b"", newest.time
    return Message.decode(row[_DEVICE:_SIGNED]), row[_SIGNED:], newest.time


async def _post(look: _Look, row: bytes, seq: int) -> Delivery:
    url, held = look.ingest.url, look.state.seq
    if look.error is not None or held >= seq:
        return Delivery(url, held, error=look.error)
    outcome = await _settled(_bring(look.ingest, row))
    if isinstance(outcome, WorktabError):
        return Delivery(url, held, error=outcome)
    return Delivery(url, seq, posted=True)


async def _bring(ingest: Ingest, row: bytes) -> None:
    [verdict] = await ingest.submit([row])
    if verdict.refused:
        raise Refused("receipt", ingest.url, verdict)


async def _enrol(ingest: Ingest, enrolment: SignedEnrolment) -> None:
    verdict = await ingest.enrol(enrolment)
    if verdict.refused:
        raise Refused("enrolment", ingest.url, verdict)


async def _settled(work: Awaitable[_T]) -> _T | WorktabError:
    try:
        return await work
    except WorktabError as error:
        return error
