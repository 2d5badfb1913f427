"""What is known of commitments, and which of several valid ones an attestor approves of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worktab.epochs.attesting.memory import Remembered
from worktab.epochs.attesting.verdicts import Verdict
from worktab.program.generated.accounts import Network
from worktab.roles.commitments import EpochStage, EpochView

_MOST_COUNTED: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a commitment: from this look, or, without a verdict, from an earlier one.

    approve  it is valid
    passing  it can't be said yet
    proven   what is wrong with it is proven; see `Verdict.proven`
    numbers  of its sample; see `numbers_of`
    """

    view: EpochView
    verdict: Verdict | None
    approve: bool
    passing: bool
    proven: bool
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, view: EpochView, verdict: Verdict | None, known: Remembered | None) -> Found:
        """What a verdict says or, without one, what is remembered."""
        if verdict is not None:
            return cls(view, verdict, verdict.approve, verdict.passing, verdict.proven, numbers_of(verdict))
        if known is not None:
            return cls(view, None, known.approve, False, known.proven, known.numbers)
        return cls(view, None, False, True, False, ())

    @property
    def refused(self) -> bool:
        """Whether something is wrong with it, and not only missing."""
        return not self.approve and not self.passing


def choose(views: Sequence[EpochView], network: Network, now: int) -> EpochView | None:
    """Of valid commitments to one epoch the one to approve of, by a rule that brings attestors together: what enough
    approve of already, then what counts the most work. Of the same result the one committed first."""
    ready = (EpochStage.APPROVED, EpochStage.DUE)

    def rank(view: EpochView) -> tuple[bool, int, bytes]:
        return view.stage(network, now) not in ready, -view.account.units, view.account.data

    return min(views, key=rank, default=None)


def numbers_of(verdict: Verdict) -> tuple[int, ...]:
    """What a vote says of a sample: records checked, those that failed, and milliseconds; nothing without one."""
    sample = verdict.sample
    if sample is None:
        return ()
    return tuple(min(each, _MOST_COUNTED) for each in (sample.checked, sample.failed, sample.ms))
