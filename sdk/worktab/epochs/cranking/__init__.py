"""Claiming for everyone, at a sponsor's cost."""

from __future__ import annotations

from worktab.epochs.cranking.choosing import Choice
from worktab.epochs.cranking.errors import CrankIncomplete, SponsorEmpty
from worktab.epochs.cranking.journal import CrankJournal
from worktab.epochs.cranking.sponsor import Sponsor
from worktab.epochs.cranking.survey import Survey
from worktab.epochs.cranking.tally import CrankOutcome, CrankReport, PayeeResult

__all__ = [
    "Choice",
    "CrankIncomplete",
    "CrankJournal",
    "CrankOutcome",
    "CrankReport",
    "PayeeResult",
    "Sponsor",
    "SponsorEmpty",
    "Survey",
]
