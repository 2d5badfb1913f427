"""An attestor's part in disputes: get the record, run it again, vote, and end what is decided.

A look may be repeated and killed at any time. What was found is remembered before it is voted, so a restart neither
runs a record again nor changes its mind. A device is found to withhold its record only after half of the time, and
only after it was asked in vain several times that lie apart: being away for a while is no guilt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.core.errors import ChainError, StateError
from worktab.program.generated.accounts import Device, Network
from worktab.roles.accusations import DisputeFinding, DisputeVerdict, Shown, show_until, verdict_of
from worktab.roles.disputes import DisputeVoter
from worktab.roles.trust_reading import DisputeView
from worktab.trust.asking import FOR_GOOD, Asker
from worktab.trust.judging import Doubt, Judgement
from worktab.trust.memory import DisputeMemory, Known
from worktab.work.history import ChainState

_LOG: Final = logging.getLogger(__name__)

LEAST_TRIES: Final = 3
"""How often a device is asked in vain before it is found to withhold a record."""

_APART: Final = 20
"""These tries lie apart by a twentieth of the time to vote at least."""

_TRIES: Final = 60
"""In the time to vote, a device is asked so often at most."""

_AT_ONCE: Final = 4

SignedStates = Callable[[Pubkey, Device], Sequence[ChainState]]
"""States that a device signed, beside the one on chain."""


class DisputeAction(StrEnum):
    """What was done about a dispute.

    VOTED      voted
    KEPT       voted before, and still
    WAITING    the record was not served yet, or not shown to be new work; it is asked for again
    ABSTAINED  nothing can be found by this attestor
    RESOLVED   decided, or over, and ended by this look
    UNSHOWN    decided, and not to be ended yet, since nobody has shown the record
    NONE       the key is no attestor's
    FAILED     the chain refused; tried again in the next look
    """

    VOTED = "voted"
    KEPT = "kept"
    WAITING = "waiting"
    ABSTAINED = "abstained"
    RESOLVED = "resolved"
    UNSHOWN = "unshown"
    NONE = "none"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute, what was found about it, and what was done.

    Attributes:
        view: the dispute as it was read.
        finding: what this attestor votes; None while it knows nothing.
        detail: why, in a sentence.
        action: what was done.
        verdict: how the dispute ended, where this look ended it.
        lamports: fees of that, as far as the node shows them.
    """

    view: DisputeView
    finding: DisputeFinding | None
    detail: str
    action: DisputeAction
    verdict: DisputeVerdict | None = None
    lamports: int = 0

    def to_json(self) -> dict[str, Any]:
        """As JSON-ready facts."""
        account = self.view.account
        return {
            "dispute": str(self.view.address),
            "device": str(account.device),
            "job": account.seq,
            "deadline": account.deadline,
            "finding": None if self.finding is None else self.finding.name.lower(),
            "detail": self.detail,
            "action": self.action.value,
            "verdict": None if self.verdict is None else self.verdict.name.lower(),
            "lamports": self.lamports,
        }


@dataclass
class DisputeAttestor:
    """Attests to the disputes of one network.

    voter      votes and resolves, with the attestor's key
    asker      gets records and judges them
    memory     what was found before
    signed     further states that devices signed, from an ingest's store; by default none
    """

    voter: DisputeVoter
    asker: Asker
    memory: DisputeMemory
    signed: SignedStates = lambda address, device: ()
    _doubts: dict[tuple[Pubkey, int], Judgement] = field(default_factory=dict, init=False, repr=False)

    async def look(self) -> tuple[Disputed, ...]:
        """See to every open dispute of the network, by deadline.

        Raises what reading the network raises, and `StorageError`; nothing that devices serve or withhold does.
        """
        reader = self.voter.reader
        network, views = await reader.network(), await reader.disputes()
        self.memory.keep([view.address for view in views])
        gate = asyncio.Semaphore(_AT_ONCE)
        return tuple(await asyncio.gather(*(self._see_to(view, network, gate) for view in views)))

    async def _see_to(self, view: DisputeView, network: Network, gate: asyncio.Semaphore) -> Disputed:
        known = self.memory.get(view.address, view.account.opened_at)
        async with gate:
            try:
                return await self._seen_to(view, network, known)
            except (ChainError, StateError) as error:
                # Another attestor may have ended it, or the node may be away: the others' disputes must go on.
                _LOG.debug("Dispute %s: %s", view.address, error)
                return Disputed(view, known.finding, str(error), DisputeAction.FAILED)

    async def _seen_to(self, view: DisputeView, network: Network, known: Known) -> Disputed:
        now = await self.voter.sender.chain.unix_time()
        if verdict_of(view.account, now) is not DisputeVerdict.OPEN:
            return await self._end(view, network, known, now)
        if self.voter.key.pubkey() not in network.attestors[: network.attestor_count]:
            return Disputed(view, None, "", DisputeAction.NONE)
        if known.finding is None:
            if self._voted(view, network):
                return Disputed(view, None, "voted before, and what was found is not remembered", DisputeAction.KEPT)
            judged = await self._find(view, known, now)
            if isinstance(judged, Disputed):
                return judged
            known = judged
        assert known.finding is not None
        if self._voted(view, network):
            return Disputed(view, known.finding, known.detail, DisputeAction.KEPT)
        voted = await self.voter.vote(view.address, known.finding)
        done = Disputed(view, known.finding, known.detail, DisputeAction.VOTED, lamports=voted.fee or 0)
        return await self._end_if_decided(done, network, known)

    # Finding

    async def _find(self, view: DisputeView, known: Known, now: int) -> Known | Disputed:
        """What is known now; or the dispute as it is left where that is nothing to vote."""
        account = view.account
        doubted = self._doubts.get((view.address, account.opened_at))
        if doubted is not None:
            return Disputed(view, None, doubted.detail, DisputeAction.ABSTAINED)
        length = account.deadline - account.opened_at
        half = account.opened_at + length // 2
        overdue = known.last < half <= now
        if known.last and now < known.last + length // _TRIES and not overdue:
            return Disputed(view, None, known.detail, DisputeAction.WAITING)
        judgement, asked = await self._ask(view)
        if judgement.finding is not None:
            found = replace(known, finding=judgement.finding, detail=judgement.detail, shown=judgement.shown)
            self.memory.put(view.address, found)
            return found
        if judgement.doubt in FOR_GOOD:
            self._doubts[view.address, account.opened_at] = judgement
            return Disputed(view, None, judgement.detail, DisputeAction.ABSTAINED)
        known = replace(known, detail=judgement.detail, shown=judgement.shown or known.shown, last=now)
        if asked and judgement.doubt is Doubt.NOT_SERVED:
            known = replace(known, tries=known.tries + 1, first=known.first or now)
            late = known.tries >= LEAST_TRIES and now >= half and now - known.first >= length // _APART
            # Where only an attestor says that the device signed the record, it may have nothing to show.
            if late and not account.vouched:
                detail = f"asked {known.tries} times in {now - known.first} seconds: {judgement.detail}"
                known = replace(known, finding=DisputeFinding.WITHHELD, detail=detail)
        self.memory.put(view.address, known)
        if known.finding is None:
            return Disputed(view, None, known.detail, DisputeAction.WAITING)
        return known

    async def _ask(self, view: DisputeView) -> tuple[Judgement, bool]:
        device = await self.voter.reader.device(view.account.device)
        return await self.asker.ask(view, device, self.signed(view.account.device, device))

    # Voting and ending

    def _voted(self, view: DisputeView, network: Network) -> bool:
        """Whether this attestor's vote counts."""
        votes, attestors = view.account.votes, network.attestors[: network.attestor_count]
        if votes.attestor_version != network.attestor_version or self.voter.key.pubkey() not in attestors:
            return False
        return bool((votes.yes | votes.no) >> attestors.index(self.voter.key.pubkey()) & 1)

    async def _end_if_decided(self, done: Disputed, network: Network, known: Known) -> Disputed:
        again = await self.voter.reader.dispute(done.view.address)
        now = await self.voter.sender.chain.unix_time()
        if again is None or not again.is_open or verdict_of(again.account, now) is DisputeVerdict.OPEN:
            return done
        ended = await self._end(again, network, known, now)
        if ended.action is not DisputeAction.RESOLVED:
            return done
        return replace(ended, lamports=ended.lamports + done.lamports)

    async def _end(self, view: DisputeView, network: Network, known: Known, now: int) -> Disputed:
        """End a dispute that is decided or over."""
        guilty = verdict_of(view.account, now) is DisputeVerdict.GUILTY
        shown = known.shown
        if guilty and shown is None:
            shown = await self._fetch_shown(view, known, now)
            if shown is None and now < show_until(view.account):
                detail = "decided; whoever has the record may end it, anyone a challenge delay after the deadline"
                return Disputed(view, known.finding, detail, DisputeAction.UNSHOWN)
        resolution = await self.voter.resolve(view.address, shown)
        fee = 0 if resolution.confirmed is None else resolution.confirmed.fee or 0
        return Disputed(view, known.finding, known.detail, DisputeAction.RESOLVED, resolution.verdict, fee)

    async def _fetch_shown(self, view: DisputeView, known: Known, now: int) -> Shown | None:
        """The record, so that its consumer is made whole, from whoever serves it now."""
        length = view.account.deadline - view.account.opened_at
        if known.last and now < known.last + length // _TRIES and now < show_until(view.account):
            return None
        judgement, _ = await self._ask(view)
        self.memory.put(view.address, replace(known, shown=judgement.shown, last=now))
        return judgement.shown
