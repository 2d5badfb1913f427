"""Where an SLA stands: what was delivered, what a miss would cost, and who may do what next (PROTOCOL section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from worktab.core.money import WHOLE_BPS
from worktab.program.generated.accounts import Network, Sla
from worktab.roles.tabs import Lane, TabView
from worktab.roles.trust_reading import SlaView

_NONE, _CONTESTED, _, _DISMISSED = range(4)


class SlaStage(StrEnum):
    """Where an SLA stands.

    KEPT         enough was delivered; it can end, also before its deadline
    RUNNING      the deadline is ahead
    CONTESTABLE  it was missed, and the owner may contest the penalty
    MISSED       nobody contested in time, or attestors upheld the penalty; it can end, and the penalty is paid
    CONTESTED    attestors may vote
    EXCUSED      attestors dismissed the penalty, or did not uphold it in time; it can end, without a penalty
    """

    KEPT = "kept"
    RUNNING = "running"
    CONTESTABLE = "contestable"
    MISSED = "missed"
    CONTESTED = "contested"
    EXCUSED = "excused"


ENDING: Final = frozenset({SlaStage.KEPT, SlaStage.MISSED, SlaStage.EXCUSED})
"""The stages at which anyone can end it."""


class SlaOutcome(IntEnum):
    """How an SLA ended, by the program's numbers.

    KEPT     enough was delivered
    MISSED   the penalty was paid
    EXCUSED  not delivered, contested, and not upheld: it counts neither way
    """

    KEPT = 0
    MISSED = 1
    EXCUSED = 2


@dataclass(frozen=True, slots=True)
class SlaStanding:
    """An SLA at one moment; amounts in base units.

    view       as it was read
    delivered  what vouchers moved on its lane since the opening
    reserved   what the lane has left to move
    stage      where it stands
    yes, no    attestors for and against the penalty, where it is contested; votes of former attestors don't count
    now        the moment, Unix seconds
    """

    view: SlaView
    delivered: int
    reserved: int
    stage: SlaStage
    yes: int
    no: int
    now: int

    @property
    def account(self) -> Sla:
        """The SLA's account."""
        return self.view.account

    @property
    def shortfall(self) -> int:
        """What is left to deliver."""
        return max(0, self.account.due - self.delivered)

    @property
    def penalty(self) -> int:
        """What the bond would pay if no more were delivered and the penalty stood."""
        return self.shortfall * self.account.bps // WHOLE_BPS

    @property
    def can_end(self) -> bool:
        """Whether anyone can end it now."""
        return self.stage in ENDING

    @property
    def changes_at(self) -> int | None:
        """When the stage changes by itself, Unix seconds; None where it does not."""
        account = self.account
        return {
            SlaStage.RUNNING: account.deadline,
            SlaStage.CONTESTABLE: account.contest_until,
            SlaStage.CONTESTED: account.decide_until,
        }.get(self.stage)

    @property
    def next(self) -> str:
        """Who may do what next, in words."""
        return _NEXT[self.stage]


def standing(view: SlaView, lane: Lane, network: Network, now: int) -> SlaStanding:
    """Where an SLA stands at `now`, Unix seconds, by the rules that the program ends it by.

    lane     its lane, as read after the SLA or together with it
    network  its network; its attestors' votes count
    """
    account = view.account
    # A node behind the one that told of the SLA may show the lane from before its opening.
    delivered = max(0, lane.paid - account.paid_before)
    votes = account.votes
    counted = votes.attestor_version == network.attestor_version
    yes, no = (votes.yes.bit_count(), votes.no.bit_count()) if counted else (0, 0)
    return SlaStanding(view, delivered, lane.reserved, _stage(account, delivered, now), yes, no, now)


def standing_in(tab: TabView, view: SlaView, network: Network, now: int) -> SlaStanding | None:
    """As `standing`, by the tab's lanes; None where the lane ended since, and so the SLA before it."""
    nonce = view.account.nonce
    return standing(view, tab.lane(nonce), network, now) if tab.has_lane(nonce) else None


def _stage(account: Sla, delivered: int, now: int) -> SlaStage:
    if delivered >= account.due:
        return SlaStage.KEPT
    if now < account.deadline:
        return SlaStage.RUNNING
    if account.contested == _NONE:
        return SlaStage.CONTESTABLE if now < account.contest_until else SlaStage.MISSED
    if account.contested == _CONTESTED:
        return SlaStage.CONTESTED if now < account.decide_until else SlaStage.EXCUSED
    return SlaStage.EXCUSED if account.contested == _DISMISSED else SlaStage.MISSED


_NEXT: Final = {
    SlaStage.KEPT: "anyone can end it: nothing is due",
    SlaStage.RUNNING: "the device delivers, and settles its vouchers, before the deadline",
    SlaStage.CONTESTABLE: "the owner can contest the penalty; vouchers settled now still count",
    SlaStage.MISSED: "anyone can end it: the bond pays the penalty",
    SlaStage.CONTESTED: "attestors can vote on the penalty",
    SlaStage.EXCUSED: "anyone can end it: no penalty is due",
}
