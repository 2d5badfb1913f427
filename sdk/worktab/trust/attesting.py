"""An attestor's part in disputes: get the record, run it again, vote, and end what is decided.

A look may be repeated and killed at any time. What was found is remembered before it is voted, so a restart neither
runs a record again nor changes its mind. A device is found to withhold its record only in the last quarter of the
time, and only after it was asked in vain several times that lie apart, the last right before the vote: being away for a
while is no guilt, and one that comes back is judged by its record as long as votes count.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.core.errors import WorktabError
from worktab.program.generated.accounts import Device, Network
from worktab.program.generated.errors import DisputeOver, VotingOver
from worktab.roles.accusations import DisputeFinding, DisputeVerdict, Shown, show_until, verdict_of
from worktab.roles.disputes import DisputeVoter
from worktab.roles.errors import DisputeNotFound, RecordUnshowable
from worktab.roles.trust_reading import DisputeView
from worktab.trust.asking import FOR_GOOD, Asker
from worktab.trust.judging import Doubt, Judgement
from worktab.trust.looking import Looks
from worktab.trust.memory import DisputeMemory, Known
from worktab.work.history import ChainState

_LOG: Final = logging.getLogger(__name__)

LEAST_TRIES: Final = 3
"""How often a device is asked in vain before it is found to withhold a record."""

_APART: Final = 10
"""These tries lie apart by a tenth of the time to vote at least."""

_LAST: Final = 4
"""Withholding is found in the last quarter of the time."""

_TRIES: Final = 60
"""In the time to vote, a device is asked so often at most."""

_REMEMBERED: Final = 30 * 86_400
"""Seconds since its opening that a dispute is remembered, also where a node that lags behind does not show it."""

_AT_ONCE: Final = 16
"""Disputes that are seen to at the same time."""

LONGEST: Final = 1_800.0
"""Seconds that one look at one dispute may take."""

SignedStates = Callable[[Pubkey, Device], Sequence[ChainState]]
"""States that a device signed, beside the one on chain."""


class DisputeAction(StrEnum):
    """What was done about a dispute.

    VOTED      voted
    KEPT       voted before, and still
    WAITING    the record was not served yet, or not shown to be new work; it is asked for again
    WITHDREW   took its vote back: the device shows the record that it withheld, and nothing is found about it yet
    ABSTAINED  nothing can be found by this attestor
    RESOLVED   decided, or over, and ended by this look
    UNSHOWN    decided, and not to be ended yet, since nobody has shown the record
    LATE       decided or over before this vote came in
    NONE       the key is no attestor's
    FAILED     the chain refused, or this machine failed; tried again in the next look
    """

    VOTED = "voted"
    KEPT = "kept"
    WAITING = "waiting"
    WITHDREW = "withdrew"
    ABSTAINED = "abstained"
    RESOLVED = "resolved"
    UNSHOWN = "unshown"
    LATE = "late"
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
    longest    seconds that one look at one dispute may take
    """

    voter: DisputeVoter
    asker: Asker
    memory: DisputeMemory
    signed: SignedStates = lambda address, device: ()
    longest: float = LONGEST
    _doubts: dict[tuple[Pubkey, int], Judgement] = field(default_factory=dict, init=False, repr=False)
    _looks: Looks[tuple[Pubkey, int], Disputed] = field(default_factory=lambda: Looks(_AT_ONCE), init=False, repr=False)

    async def look(self, *, patience: float | None = None) -> tuple[Disputed, ...]:
        """See to every open dispute of the network, by deadline.

        Each is seen to on its own: a slow device or a large job holds up no other.

        patience  seconds after which disputes that are not seen to yet are left to go on by themselves, and a later
                  look tells of them; None waits for all

        Raises what reading the network raises, and `StorageError`; nothing about a single dispute does.
        """
        reader = self.voter.reader
        network, views = await reader.network(), await reader.disputes()
        recent = self.memory.opened_since(await self.voter.sender.chain.unix_time() - _REMEMBERED)
        self.memory.keep({*recent, *(view.address for view in views)})
        for view in views:
            self._looks.start(_key(view), partial(self._see_to, view, network))
        done = await self._looks.wait(patience)
        return tuple(done.get(_key(view)) or self._unfinished(view) for view in views)

    async def close(self) -> None:
        """Leave what is not seen to yet."""
        await self._looks.close()

    def _unfinished(self, view: DisputeView) -> Disputed:
        known = self.memory.get(view.address, view.account.opened_at)
        return Disputed(view, known.finding, "it is still looked at", DisputeAction.WAITING)

    async def _see_to(self, view: DisputeView, network: Network) -> Disputed:
        known = self.memory.get(view.address, view.account.opened_at)
        try:
            async with asyncio.timeout(self.longest):
                return await self._seen_to(view, network, known)
        except TimeoutError:
            detail = f"it took longer than {self.longest:g} seconds"
        except WorktabError as error:
            # Another attestor may have ended it, or the node may be away: the others' disputes must go on.
            _LOG.debug("Dispute %s: %s", view.address, error)
            detail = str(error)
        except Exception as error:
            _LOG.exception("Dispute %s could not be seen to", view.address)
            detail = f"this attestor's own trouble: {type(error).__name__}"
        return Disputed(view, known.finding, detail, DisputeAction.FAILED)

    async def _seen_to(self, view: DisputeView, network: Network, known: Known) -> Disputed:
        now = await self.voter.sender.chain.unix_time()
        if verdict_of(view.account, now) is not DisputeVerdict.OPEN:
            return await self._end(view, known, now)
        if self.voter.key.pubkey() not in network.attestors[: network.attestor_count]:
            return Disputed(view, None, "", DisputeAction.NONE)
        voted, before = self._voted(view, network), known.finding
        if voted and before is None:
            return Disputed(view, None, "voted before, and what was found is not remembered", DisputeAction.KEPT)
        action = DisputeAction.WAITING
        if before in (None, DisputeFinding.WITHHELD):
            known, action = await self._find(view, known, now, voted)
        # What replaces a vote is remembered once it does: until then the vote stands for what was found before.
        replaces = voted and known.finding is not before
        if not replaces:
            self.memory.put(view.address, known)
            if voted:
                return Disputed(view, known.finding, known.detail, DisputeAction.KEPT)
            if known.finding is None:
                return Disputed(view, None, known.detail, action)
        finding = DisputeFinding.WITHDRAWN if known.finding is None else known.finding
        try:
            confirmed = await self.voter.vote(view.address, finding)
        except (DisputeNotFound, DisputeOver, VotingOver):
            return Disputed(view, known.finding, "it was decided or over before this vote came in", DisputeAction.LATE)
        self.memory.put(view.address, known)
        action = DisputeAction.WITHDREW if known.finding is None else DisputeAction.VOTED
        done = Disputed(view, known.finding, known.detail, action, lamports=confirmed.fee or 0)
        return await self._end_if_decided(done, known)

    # Finding

    async def _find(self, view: DisputeView, known: Known, now: int, voted: bool) -> tuple[Known, DisputeAction]:
        """What is known now, and, where that is nothing to vote, what becomes of the dispute."""
        account = view.account
        length = account.deadline - account.opened_at
        key, late = _key(view), account.deadline - length // _LAST
        if key in self._doubts:
            return replace(known, finding=None, detail=self._doubts[key].detail), DisputeAction.ABSTAINED
        # What was found and not voted, since the chain refused, is found afresh.
        due = known.last < late <= now or (known.finding is not None and not voted)
        if known.last and now < known.last + length // _TRIES and not due:
            return known, DisputeAction.WAITING
        judgement, asked = await self._ask(view, now)
        known = replace(known, detail=judgement.detail, shown=judgement.shown or known.shown)
        if judgement.finding is not None:
            return replace(known, finding=judgement.finding), DisputeAction.VOTED
        vouched = bool(account.vouched)
        if judgement.doubt in FOR_GOOD or (vouched and judgement.doubt is Doubt.OTHER_RECORD):
            self._doubts[key] = judgement
            return replace(known, finding=None), DisputeAction.ABSTAINED
        known = replace(known, last=now)
        in_vain = asked and judgement.doubt in (Doubt.NOT_SERVED, Doubt.OTHER_RECORD)
        if in_vain:
            known = replace(known, tries=known.tries + 1, first=known.first or now)
        elif judgement.doubt is Doubt.EARLIER_UNKNOWN:
            # It was shown, and agrees: what was in vain before says nothing any more.
            known = replace(known, tries=0, first=0)
        # Where only an attestor says that the device signed the record, it may have nothing to show.
        apart = known.tries >= LEAST_TRIES and now - known.first >= length // _APART
        if in_vain and apart and now >= late and not vouched:
            detail = f"asked {known.tries} times in {now - known.first} seconds: {judgement.detail}"
            return replace(known, finding=DisputeFinding.WITHHELD, detail=detail), DisputeAction.VOTED
        if voted and judgement.shown is None:
            return known, DisputeAction.WAITING
        return replace(known, finding=None), DisputeAction.WAITING

    async def _ask(self, view: DisputeView, now: int) -> tuple[Judgement, bool]:
        device = await self.voter.reader.device(view.account.device)
        return await self.asker.ask(view, device, self.signed(view.account.device, device), now=now)

    # Voting and ending

    def _voted(self, view: DisputeView, network: Network) -> bool:
        """Whether this attestor's vote counts."""
        votes, attestors = view.account.votes, network.attestors[: network.attestor_count]
        if votes.attestor_version != network.attestor_version or self.voter.key.pubkey() not in attestors:
            return False
        return bool((votes.yes | votes.no) >> attestors.index(self.voter.key.pubkey()) & 1)

    async def _end_if_decided(self, done: Disputed, known: Known) -> Disputed:
        again = await self.voter.reader.dispute(done.view.address)
        now = await self.voter.sender.chain.unix_time()
        if again is None or not again.is_open or verdict_of(again.account, now) is DisputeVerdict.OPEN:
            return done
        ended = await self._end(again, known, now)
        if ended.action is not DisputeAction.RESOLVED:
            return done
        return replace(ended, lamports=ended.lamports + done.lamports)

    async def _end(self, view: DisputeView, known: Known, now: int) -> Disputed:
        """End a dispute that is decided or over."""
        guilty = verdict_of(view.account, now) is DisputeVerdict.GUILTY
        shown = known.shown
        if guilty and shown is None:
            shown = await self._fetch_shown(view, known, now)
            if shown is None and now < show_until(view.account):
                detail = "decided; whoever has the record may end it, anyone a challenge delay after the deadline"
                return Disputed(view, known.finding, detail, DisputeAction.UNSHOWN)
        try:
            resolution = await self.voter.resolve(view.address, shown)
        except RecordUnshowable as error:
            return Disputed(view, known.finding, str(error), DisputeAction.UNSHOWN)
        fee = 0 if resolution.confirmed is None else resolution.confirmed.fee or 0
        return Disputed(view, known.finding, known.detail, DisputeAction.RESOLVED, resolution.verdict, fee)

    async def _fetch_shown(self, view: DisputeView, known: Known, now: int) -> Shown | None:
        """The record, so that its consumer is made whole, from whoever serves it now."""
        length = view.account.deadline - view.account.opened_at
        if known.last and now < known.last + length // _TRIES and now < show_until(view.account):
            return None
        judgement, _ = await self._ask(view, now)
        self.memory.put(view.address, replace(known, shown=judgement.shown, last=now))
        return judgement.shown


def _key(view: DisputeView) -> tuple[Pubkey, int]:
    """One opened again about the same record is another."""
    return view.address, view.account.opened_at
