"""What one look of an attestor found and did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from solders.pubkey import Pubkey

from worktab.core.commitments import EpochCommitment
from worktab.core.errors import ChainError
from worktab.epochs.attesting.verdicts import Objection, Reason, Sample, Verdict
from worktab.roles.attesting import Finalization
from worktab.roles.commitments import EpochView


class Action(StrEnum):
    """What was done about a commitment.

    APPROVED   voted for
    WITHDRAWN  an earlier approval taken back
    VETOED     vetoed, for good
    KEPT       approved before, and still
    NONE       not approved of, or another one of its epoch is
    """

    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    VETOED = "vetoed"
    KEPT = "kept"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judged:
    """A commitment, what was found about it, and what was done.

    Attributes:
        view: the commitment.
        verdict: None where it was judged before, and nothing has changed.
        action: what was done.
        lamports: what that cost; None where the node does not show it.
    """

    view: EpochView
    verdict: Verdict | None
    action: Action
    lamports: int | None

    def stands_for(self, epoch: int) -> bool:
        """Whether this attestor approves of it, and it is of this epoch or a later one."""
        return self.action in (Action.APPROVED, Action.KEPT) and self.view.account.index >= epoch

    def to_json(self) -> dict[str, Any]:
        """What was found and done as JSON-ready facts."""
        verdict, account = self.verdict, self.view.account
        facts: dict[str, Any] = {
            "commitment": str(self.view.address),
            "epoch": account.index,
            "root": account.root.hex(),
            "total": account.total,
            "action": self.action.value,
            "lamports": self.lamports,
            "judged": verdict is not None,
        }
        if verdict is not None:
            facts |= {
                "approve": verdict.approve,
                "same": verdict.same,
                "merged": verdict.merged,
                "objections": [each.to_json() for each in verdict.objections],
                "sample": None if verdict.sample is None else verdict.sample.to_json(),
            }
        return facts


@dataclass(frozen=True, slots=True)
class Committed:
    """A commitment of the attestor's own.

    Attributes:
        address: its account; None where it was not made.
        commitment: what was, or would have been, committed to; None without any receipts.
        objections: why it was not made.
        sample: what its records showed.
        lamports: what the commit cost.
    """

    address: Pubkey | None
    commitment: EpochCommitment | None
    objections: tuple[Objection, ...]
    sample: Sample | None
    lamports: int

    @property
    def subject(self) -> Pubkey | None:
        """What the sample was drawn for: the hash of the data."""
        return None if self.commitment is None else Pubkey(self.commitment.data)

    def to_json(self) -> dict[str, Any]:
        """The commitment as JSON-ready facts."""
        made = self.commitment
        return {
            "commitment": None if self.address is None else str(self.address),
            "root": None if made is None else made.root.hex(),
            "total": None if made is None else made.total,
            "units": None if made is None else made.units,
            "objections": [each.to_json() for each in self.objections],
            "sample": None if self.sample is None else self.sample.to_json(),
            "lamports": self.lamports,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What one look found and did.

    Attributes:
        epoch: the newest epoch that is over and has no final root, or the one asked for; None where there is none.
        judged: the open commitments.
        committed: the attestor's own; None where it was not to be made.
        finalized: commitments that were due, and what became of each.
    """

    epoch: int | None
    judged: tuple[Judged, ...]
    committed: Committed | None
    finalized: tuple[tuple[Pubkey, Finalization | ChainError], ...]

    @property
    def lamports(self) -> int:
        """Fees of everything that was sent, as far as the node shows them."""
        fees = [each.lamports or 0 for each in self.judged]
        fees += [self.committed.lamports] if self.committed is not None else []
        for _, each in self.finalized:
            if isinstance(each, Finalization) and each.confirmed is not None:
                fees.append(each.confirmed.fee or 0)
        return sum(fees)

    @property
    def cpu_ns(self) -> int:
        """CPU nanoseconds spent on running records again."""
        return sum(each.cpu_ns for each in self._samples)

    @property
    def withheld(self) -> tuple[Pubkey, ...]:
        """Devices that did not show a record drawn, in the order of their addresses."""
        return tuple(sorted({device for each in self._samples for device in each.withheld}, key=bytes))

    @property
    def _samples(self) -> list[Sample]:
        found = [each.verdict.sample for each in self.judged if each.verdict is not None]
        found += [self.committed.sample] if self.committed is not None else []
        # Commitments to the same result share one.
        return list({id(each): each for each in found if each is not None}.values())

    @property
    def convicted(self) -> tuple[Pubkey, ...]:
        """Devices of which a record that was run again did not agree, in the order of their addresses."""
        found = [each.verdict.objections for each in self.judged if each.verdict is not None]
        found += [self.committed.objections] if self.committed is not None else []
        failed = (each for objections in found for each in objections if each.reason is Reason.RECORD_FAILED)
        return tuple(sorted({device for each in failed for device in each.devices}, key=bytes))

    @property
    def next_step(self) -> str:
        """What is to be done about devices that are convicted; nothing without any."""
        if not self.convicted:
            return ""
        listed = ", ".join(f'"{device}"' for device in self.convicted)
        return (
            f"Add to the policy file of all attestors: exclude = [{listed}]; then run `worktab attest run` again with"
            " --policy and --commit: the epoch is built without them, and everybody else is paid"
        )

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-ready facts."""
        return {
            "epoch": self.epoch,
            "convicted": [str(each) for each in self.convicted],
            "withheld": [str(each) for each in self.withheld],
            "next_step": self.next_step or None,
            "commitments": [each.to_json() for each in self.judged],
            "committed": None if self.committed is None else self.committed.to_json(),
            "finalized": [
                {"commitment": str(address), "outcome": each.code}
                if isinstance(each, ChainError)
                else {"commitment": str(address), "outcome": each.outcome.value, "increase": each.increase}
                for address, each in self.finalized
            ],
            "lamports": self.lamports,
            "cpu_ns": self.cpu_ns,
        }
