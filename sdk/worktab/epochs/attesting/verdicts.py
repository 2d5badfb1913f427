"""What an attestor finds about a commitment: approve or refuse, and every reason to refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.epochs.attesting.records import Checked, Outcome


class Reason(StrEnum):
    """Why a commitment is refused.

    DATA_UNAVAILABLE      what it commits to is not published where this attestor looks
    PREVIOUS_UNKNOWN      it is built on data that this attestor does not have, or does not approve of
    COMMITMENT_DIFFERS    root, payees, total or units are not those of the data committed to
    UNKNOWN_POLICY        rewards were given by another policy than this attestor's
    OTHER_TERMS           rewards were given by other terms than the network's
    INVALID_SIGNATURE     a receipt or an enrolment is not signed by who should have
    INVALID_RECEIPT       a receipt that no ingest may take: of another network, malformed, or of no known device
    FORKED_DEVICE         a device that signed two histories is counted
    REGISTRATION_DIFFERS  owner, payout, key, class or capacity are not those on chain
    BASELINE_TOO_LOW      units are counted that the path of receipts has paid
    DIFFERENT_ROOT        the published inputs give another root
    MISSING_RECEIPTS      receipts were left out that were there in good time
    TOTAL_BEYOND_POOL     it promises more than the pool holds
    TOTAL_BEYOND_BUDGET   it promises more than the classes' budgets for its epochs
    RECORD_FAILED         a record drawn does not agree with its job
    RECORD_WITHHELD       a record drawn was not shown
    """

    DATA_UNAVAILABLE = "data_unavailable"
    PREVIOUS_UNKNOWN = "previous_unknown"
    COMMITMENT_DIFFERS = "commitment_differs"
    UNKNOWN_POLICY = "unknown_policy"
    OTHER_TERMS = "other_terms"
    INVALID_SIGNATURE = "invalid_signature"
    INVALID_RECEIPT = "invalid_receipt"
    FORKED_DEVICE = "forked_device"
    REGISTRATION_DIFFERS = "registration_differs"
    BASELINE_TOO_LOW = "baseline_too_low"
    UNITS_LEFT_OUT = "units_left_out"
    DIFFERENT_ROOT = "different_root"
    MISSING_RECEIPTS = "missing_receipts"
    TOTAL_BEYOND_POOL = "total_beyond_pool"
    TOTAL_BEYOND_BUDGET = "total_beyond_budget"
    RECORD_FAILED = "record_failed"
    RECORD_WITHHELD = "record_withheld"
    VETOED = "vetoed"
    ONE_OF_MANY = "one_of_many"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason to refuse.

    Attributes:
        reason: which.
        detail: a sentence, with what was expected and what was found.
        count: how many devices or records it is about; 0 where it is about the whole.
        devices: some of those devices.
        seq: the record's job number, where it is about one.
    """

    reason: Reason
    detail: str
    count: int = 0
    devices: tuple[Pubkey, ...] = ()
    seq: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The objection as JSON-ready facts."""
        return {
            "reason": self.reason.value,
            "detail": self.detail,
            "count": self.count,
            "devices": [str(each) for each in self.devices],
            "seq": self.seq,
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """What a sample of an epoch's records showed, and what it cost.

    Attributes:
        slot: whose hash it was drawn by.
        seed: 32 bytes; with the published data it gives the same sample again.
        new_records, new_units: of all devices that the epoch counts.
        records: what became of each record drawn.
        ms: milliseconds it took, fetching included.
        cpu_ns: CPU nanoseconds spent checking.
    """

    slot: int
    seed: bytes
    new_records: int
    new_units: int
    records: tuple[Checked, ...]
    ms: int
    cpu_ns: int

    def of(self, outcome: Outcome) -> tuple[Checked, ...]:
        """The records with this outcome."""
        return tuple(each for each in self.records if each.outcome is outcome)

    @property
    def checked(self) -> int:
        """Records that were run again, whether they agreed or not."""
        return len(self.of(Outcome.AGREES)) + len(self.of(Outcome.FAILED))

    @property
    def checked_units(self) -> int:
        """Units that those records state."""
        return sum(each.units for each in self.records if each.outcome in (Outcome.AGREES, Outcome.FAILED))

    @property
    def failed(self) -> int:
        """Records that did not agree."""
        return len(self.of(Outcome.FAILED))

    @property
    def withheld(self) -> tuple[Pubkey, ...]:
        """Devices that did not show a record drawn, in the order of their addresses."""
        return tuple(sorted({each.device for each in self.of(Outcome.UNAVAILABLE)}, key=bytes))

    def to_json(self) -> dict[str, Any]:
        """The sample as JSON-ready facts."""
        told = [each for each in self.records if each.outcome is not Outcome.AGREES]
        return {
            "slot": self.slot,
            "seed": self.seed.hex(),
            "new_records": self.new_records,
            "new_units": self.new_units,
            "drawn": len(self.records),
            "checked": self.checked,
            "checked_units": self.checked_units,
            "share_of_records": _share(self.checked, self.new_records),
            "share_of_units": _share(self.checked_units, self.new_units),
            "failed": self.failed,
            "not_checkable": len(self.of(Outcome.NOT_CHECKABLE)),
            "unavailable": len(self.of(Outcome.UNAVAILABLE)),
            "withheld": [str(each) for each in self.withheld],
            "ms": self.ms,
            "cpu_ns": self.cpu_ns,
            "records": [
                {
                    "device": str(each.device),
                    "seq": each.seq,
                    "outcome": each.outcome.value,
                    "detail": each.detail,
                }
                for each in told
            ],
        }


_PASSING: Final = frozenset(
    {
        Reason.DATA_UNAVAILABLE,
        Reason.PREVIOUS_UNKNOWN,
        Reason.TOTAL_BEYOND_POOL,
        Reason.ONE_OF_MANY,
        Reason.NOT_JUDGED,
    }
)
_PROOFS: Final = frozenset(
    {
        Reason.INVALID_SIGNATURE,
        Reason.COMMITMENT_DIFFERS,
        Reason.DIFFERENT_ROOT,
        Reason.BASELINE_TOO_LOW,
        Reason.RECORD_FAILED,
        Reason.VETOED,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one commitment.

    Attributes:
        objections: the reasons to refuse it; none where it is approved of.
        same: whether it is what this attestor built itself, to the byte.
        merged: receipts that came from its published data and that this attestor lacked.
        sample: what its records showed; None where it was refused before.
    """

    objections: tuple[Objection, ...] = ()
    same: bool = False
    merged: int = 0
    sample: Sample | None = field(default=None)

    @property
    def approve(self) -> bool:
        """Whether it is approved of."""
        return not self.objections

    @property
    def passing(self) -> bool:
        """Whether a refusal may be over the next time: it is about what is missing, not about what is wrong."""
        return bool(self.objections) and all(each.reason in _PASSING for each in self.objections)

    @property
    def proven(self) -> bool:
        """Whether something is wrong with it that anybody can check, whatever else they hold: what a veto is for."""
        return any(each.reason in _PROOFS for each in self.objections)


def sample_objections(sample: Sample, *, refuse_withheld: bool) -> Sequence[Objection]:
    """What a sample has against a commitment: every record that failed and, if asked, every one withheld."""
    found = [
        Objection(Reason.RECORD_FAILED, each.detail, 1, (each.device,), each.seq) for each in sample.of(Outcome.FAILED)
    ]
    if refuse_withheld:
        found += [
            Objection(Reason.RECORD_WITHHELD, each.detail, 1, (each.device,), each.seq)
            for each in sample.of(Outcome.UNAVAILABLE)
        ]
    return found


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
