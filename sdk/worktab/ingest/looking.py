"""What ingests hold of a device, as far as its key signed it, and whether a spool knows all of that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from solders.pubkey import Pubkey

from worktab.core.enrolments import SignedEnrolment
from worktab.core.errors import StateError, VerificationError, WorktabError
from worktab.core.keys import DeviceKey, Signer
from worktab.core.messages import Message
from worktab.ingest.errors import NoSuchDevice
from worktab.ingest.verdicts import Verdict
from worktab.work.history import START, ChainState
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
    Verdict.BAD_PAYOUT: "Enrol with --payout and the address of a wallet",
    Verdict.REGISTERED: "Use the device as it is registered on chain, or close that account first",
    Verdict.RATE_LIMITED: "Try again later; nothing that was stored is lost",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What an ingest showed: the state that it holds, the time of that receipt and its own clock; or its error."""

    ingest: Ingest
    state: ChainState = START
    issued_at: int | None = None
    time: int | None = None
    error: WorktabError | None = None


async def require_known(
    spool: Spool, ingests: Sequence[Ingest], *, device: Pubkey, signer: Signer, context: bytes
) -> None:
    """See that the spool knows all jobs that an ingest knows; one that does not answer is passed over.

    Raises `StateError` for a newer or another history.
    """
    await compared(spool, ingests, device, signer, context, None)


async def newest_of(
    ingests: Sequence[Ingest], *, device: Pubkey, key: DeviceKey, context: bytes
) -> tuple[Ingest, Message, bytes] | None:
    """The newest receipt by this key that any of the ingests holds: which one, its message and signature.

    Raises the first ingest's error if none of them answers.
    """
    asked = await asyncio.gather(*(settled(_read(each, device)) for each in ingests))
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


async def compared(
    spool: Spool,
    ingests: Sequence[Ingest],
    device: Pubkey,
    signer: Signer,
    context: bytes,
    enrolment: SignedEnrolment | None,
) -> list[Look]:
    """What every ingest shows, none of which is a newer or another history than the spool's."""
    looks = await asyncio.gather(*(_look(each, spool, device, signer, context, enrolment) for each in ingests))
    for look in looks:
        spool.compare(look.state, f"the ingest {look.ingest.url}")
    return looks


async def _look(
    ingest: Ingest,
    spool: Spool,
    device: Pubkey,
    signer: Signer,
    context: bytes,
    enrolment: SignedEnrolment | None,
) -> Look:
    answer = await settled(_read(ingest, device, enrolment))
    if isinstance(answer, WorktabError):
        return Look(ingest, error=answer)
    message, signature, time = answer
    # A receipt of an earlier registration says nothing of this one.
    if message is None or message.context != context:
        return Look(ingest, time=time)
    state = ChainState(message.seq, message.units, message.head)
    if not signer.public.verify(message.encode(), signature):
        # The device's key may have changed since, but what another key signed is no reason to stop.
        try:
            ours = spool.compare(state, f"the ingest {ingest.url}")
        except StateError:
            ours = False
        if not ours:
            error = VerificationError(f"The ingest {ingest.url} shows a receipt that the device's key did not sign")
            return Look(ingest, time=time, error=error)
    return Look(ingest, state, message.time, time)


async def _read(
    ingest: Ingest, device: Pubkey, enrolment: SignedEnrolment | None = None
) -> tuple[Message | None, bytes, int | None]:
    try:
        newest = await ingest.newest(device)
    except NoSuchDevice:
        if enrolment is None:
            # One that has an account on chain an ingest looks up when it gets a receipt.
            return None, b"", None
        await _enrol(ingest, enrolment)
        newest = await ingest.newest(device)
    row = newest.receipt
    if row is None:
        return None, b"", newest.time
    return Message.decode(row[_DEVICE:_SIGNED]), row[_SIGNED:], newest.time


async def _enrol(ingest: Ingest, enrolment: SignedEnrolment) -> None:
    verdict = await ingest.enrol(enrolment)
    if verdict.refused:
        raise Refused("enrolment", ingest.url, verdict)


async def settled(work: Awaitable[_T]) -> _T | WorktabError:
    """What becomes of some work, its error included."""
    try:
        return await work
    except WorktabError as error:
        return error
