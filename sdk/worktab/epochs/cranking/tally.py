"""What became of each payee."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum

from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed
from worktab.core.errors import EncodingError, WorktabError
from worktab.program.generated import events
from worktab.program.logs import events_from_logs
from worktab.program.structs import Event
from worktab.roles.claiming import ClaimOutcome, ClaimReport
from worktab.roles.root_claiming import RootOutcome, RootReport


class CrankOutcome(StrEnum):
    """What became of a payee that was to be claimed for.

    PAID          its wallet got something
    NOTHING_OWED  somebody else was faster
    UNPAYABLE     its wallet's token account is missing, frozen, in other hands or wants a memo; all stays owed
    DISPUTED      a dispute of its device is open; rewards stay owed
    UNKNOWN       the transaction landed, but the node shows no logs that tell what it paid
    FAILED        its transaction failed; all stays owed
    """

    PAID = "paid"
    NOTHING_OWED = "nothing_owed"
    UNPAYABLE = "unpayable"
    DISPUTED = "disputed"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PayeeResult:
    """What became of one payout wallet.

    paid          base units that it received
    left          base units that stay owed, as last read, fee and burn not taken off
    transactions  signatures of those that paid it
    """

    payout: Pubkey
    outcome: CrankOutcome
    paid: int = 0
    left: int = 0
    transactions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrankReport:
    """What a sponsor's run did.

    epochs        whose roots were claimed from, in their order
    payees        those claimed for, and those that could not be
    below         payees owed too little to be claimed for
    transactions  that landed, those that opened pages included
    fees          lamports of them, as far as the node tells
    pages         opened
    page_rent     lamports of rent in them, there for good
    resumed       transactions of an earlier run that were seen through
    refused       pages of the source that are not part of the root
    failure       the first of the failures
    """

    epochs: tuple[int, ...]
    payees: tuple[PayeeResult, ...]
    below: int
    transactions: int
    fees: int
    pages: int
    page_rent: int
    resumed: int
    refused: tuple[int, ...]
    failure: str

    @property
    def paid(self) -> int:
        """Base units that wallets received."""
        return sum(each.paid for each in self.payees)

    @property
    def claimed(self) -> int:
        """Payees that were paid."""
        return sum(each.paid > 0 for each in self.payees)

    def count(self, outcome: CrankOutcome) -> int:
        """Payees that this became of."""
        return sum(each.outcome is outcome for each in self.payees)


class _Path(Enum):
    DEVICES = 1
    ROOTS = 2


@dataclass
class Tally:
    """A report in the making."""

    epochs: list[int] = field(default_factory=list)
    below: int = 0
    pages: int = 0
    page_rent: int = 0
    resumed: int = 0
    refused: list[int] = field(default_factory=list)
    failures: list[WorktabError] = field(default_factory=list)
    _payees: dict[Pubkey, PayeeResult] = field(default_factory=dict)
    _left: dict[tuple[Pubkey, _Path], int] = field(default_factory=dict)
    _fees: dict[str, int] = field(default_factory=dict)

    def report(self) -> CrankReport:
        """What it says so far."""
        return CrankReport(
            tuple(self.epochs),
            tuple(self._payees.values()),
            self.below,
            len(self._fees),
            sum(self._fees.values()),
            self.pages,
            self.page_rent,
            self.resumed,
            tuple(self.refused),
            str(self.failures[0]) if self.failures else "",
        )

    def landed(self, confirmed: Iterable[Confirmed]) -> None:
        """Count transactions."""
        for each in confirmed:
            self._fees[str(each.signature)] = each.fee or 0

    def roots(self, report: RootReport) -> None:
        """Count claims from a root; those that a newer root replaced are tried again."""
        self.landed(report.confirmed)
        for claim in report.claims:
            if claim.outcome is RootOutcome.REPLACED:
                continue
            outcome = CrankOutcome[claim.outcome.name]
            paid = claim.amount if claim.outcome is RootOutcome.PAID else 0
            left, sent = (0, [claim.confirmed]) if paid else (claim.amount, [])
            self._note(claim.payout, _Path.ROOTS, outcome, paid, left, sent)

    def devices(self, payout: Pubkey, report: ClaimReport) -> None:
        """Count claims for the devices of one wallet."""
        self.landed(report.confirmed)
        outcomes = {each.outcome for each in report.devices}
        for outcome in (ClaimOutcome.FAILED, ClaimOutcome.UNKNOWN, ClaimOutcome.UNPAYABLE, ClaimOutcome.DISPUTED):
            if outcome in outcomes:
                break
        else:
            outcome = ClaimOutcome.PAID if ClaimOutcome.PAID in outcomes else ClaimOutcome.NOTHING_OWED
        settled = (ClaimOutcome.PAID, ClaimOutcome.DISPUTED)
        left = sum(each.rewards for each in report.devices if each.outcome is not ClaimOutcome.PAID)
        left += sum(each.earnings for each in report.devices if each.outcome not in settled)
        sent = report.confirmed if report.paid else ()
        self._note(payout, _Path.DEVICES, CrankOutcome[outcome.name], report.paid, left, sent)

    def opened(self, confirmed: Sequence[Confirmed], rent: int, program: Pubkey) -> None:
        """Count pages that transactions opened, each at so many lamports of rent."""
        self.landed(confirmed)
        count = sum(isinstance(event, events.PageOpened) for each in confirmed for event in _told(each, program))
        self.pages += count
        self.page_rent += count * rent

    def seen_through(self, confirmed: Confirmed, program: Pubkey) -> None:
        """Count a transaction of an earlier run."""
        self.resumed += 1
        self.landed([confirmed])
        for event in _told(confirmed, program):
            if isinstance(event, events.RootClaimed | events.Claimed) and event.amount:
                path = _Path.ROOTS if isinstance(event, events.RootClaimed) else _Path.DEVICES
                self._note(event.payout, path, CrankOutcome.PAID, event.amount, 0, [confirmed])

    def _note(
        self,
        payout: Pubkey,
        path: _Path,
        outcome: CrankOutcome,
        paid: int,
        left: int,
        confirmed: Iterable[Confirmed | None],
    ) -> None:
        before = self._payees.get(payout, PayeeResult(payout, outcome))
        if outcome is CrankOutcome.NOTHING_OWED and before.paid:
            outcome = CrankOutcome.PAID
        sent = [str(each.signature) for each in confirmed if each is not None]
        self._left[payout, path] = left
        self._payees[payout] = replace(
            before,
            outcome=outcome,
            paid=before.paid + paid,
            left=sum(self._left.get((payout, each), 0) for each in _Path),
            transactions=(*before.transactions, *(each for each in sent if each not in before.transactions)),
        )


def _told(confirmed: Confirmed, program: Pubkey) -> list[Event]:
    """The events of a transaction; none where the node shows no readable logs of it, which has landed all the same."""
    try:
        return list(events_from_logs(confirmed.logs, program))
    except EncodingError:
        return []
