"""Errors of claiming for everyone; their codes are stable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worktab.core.errors import ChainError, StateError

if TYPE_CHECKING:
    from worktab.epochs.cranking.tally import CrankReport


class SponsorEmpty(StateError):
    """The fee payer has not got the lamports that the next claims cost."""

    code = "sponsor_empty"
    default_next_step = "Give the fee payer lamports and run it again: it goes on where it was"


class CrankIncomplete(ChainError):
    """Some payees could not be claimed for; `report` tells who was paid, and why others were not."""

    code = "crank_incomplete"
    default_next_step = "Run it again: what was not paid is still owed, and nothing is paid twice"

    def __init__(self, message: str, *, got: str, report: CrankReport) -> None:
        super().__init__(message, got=got)
        self.report = report
