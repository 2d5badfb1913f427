"""What a network lays down for its roots, as a build needs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_decimal, json_fields, json_hex, json_u32
from worktab.core.errors import EncodingError, StateError
from worktab.core.money import epoch_index
from worktab.epochs.errors import EpochNotOver
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Network
from worktab.program.generated.types import ClassTerms
from worktab.roles.terms import RewardPath

_FIELDS: Final = (
    "admission",
    "admitting",
    "classes",
    "created_at",
    "domain",
    "epoch_length",
    "first_epoch",
    "network",
    "program_id",
)
_CLASS_FIELDS: Final = ("meter", "rate", "max_capacity", "least_bond", "budget")


@dataclass(frozen=True, slots=True)
class EpochTerms:
    """The terms of a network that pays by roots.

    Attributes:
        network: its address.
        program_id: the program's address.
        domain: 32 bytes; binds every signature to cluster, program and network (PROTOCOL section 2).
        created_at: when its first epoch began, Unix seconds.
        epoch_length: of an epoch, in seconds.
        first_epoch: the first epoch that roots pay for.
        admission: whether an enrolment needs the signature of a key that may admit devices.
        admitting: those keys, in the order of their bytes; none where admission is not asked for.
        classes: its 8 classes by number; None where one is not in use.
    """

    network: Pubkey
    program_id: Pubkey
    domain: bytes
    created_at: int
    epoch_length: int
    first_epoch: int
    admission: bool
    admitting: tuple[Pubkey, ...]
    classes: tuple[ClassTerms | None, ...]

    @classmethod
    def of(cls, address: Pubkey, account: Network, *, program_id: Pubkey = PROGRAM_ID) -> EpochTerms:
        """The terms in a network's account.

        Raises:
            StateError: the network does not pay by roots.
        """
        if account.reward_path != RewardPath.ROOTS:
            raise StateError(
                f"Network {address} does not pay by roots",
                expected="reward path roots",
                got="receipts",
                next_step="Its authority can move it: worktab network update propose --help",
            )
        admission = account.admission == 1
        # Where nobody is asked, a change of attestors is no change of the terms.
        admitting = {account.authority, *account.attestors[: account.attestor_count]} if admission else set()
        return cls(
            network=address,
            program_id=program_id,
            domain=account.domain,
            created_at=account.created_at,
            epoch_length=account.epoch_length,
            first_epoch=account.roots_from,
            admission=admission,
            admitting=tuple(sorted(admitting, key=bytes)),
            classes=tuple(
                ClassTerms(each.meter, each.rate, each.max_capacity, each.least_bond, each.budget)
                if each.meter
                else None
                for each in account.classes
            ),
        )

    @property
    def named(self) -> str:
        """The network for a message: its domain tells the same address on another cluster."""
        return f"{self.network} (domain {self.domain.hex()})"

    def end(self, epoch: int) -> int:
        """When an epoch ends, Unix seconds: the first second that is not of it."""
        return self.created_at + (epoch + 1) * self.epoch_length

    def newest_over(self, now: int) -> int:
        """The newest epoch that is over at `now`, Unix seconds.

        Raises:
            EpochNotOver: none that roots pay for is.
        """
        newest = epoch_index(max(now, self.created_at), self.created_at, self.epoch_length) - 1
        if newest < self.first_epoch:
            raise EpochNotOver(
                "No epoch that roots pay for is over",
                expected=f"epoch {self.first_epoch}, over at {self.end(self.first_epoch)}",
                got=f"epoch {newest + 1} at {now}",
            )
        return newest

    def budget(self) -> int:
        """Base units that all classes may be paid in an epoch."""
        return sum(each.budget for each in self.classes if each is not None)

    def to_json(self) -> dict[str, Any]:
        """The terms as JSON-ready facts; u64 as strings of digits."""
        return {
            "admission": self.admission,
            "admitting": [str(each) for each in self.admitting],
            "classes": [None if each is None else _class_to_json(each) for each in self.classes],
            "created_at": str(self.created_at),
            "domain": self.domain.hex(),
            "epoch_length": str(self.epoch_length),
            "first_epoch": str(self.first_epoch),
            "network": str(self.network),
            "program_id": str(self.program_id),
        }

    @classmethod
    def from_json(cls, value: object) -> EpochTerms:
        """The terms in a JSON object; the exact inverse of `to_json`.

        Raises:
            EncodingError: it is something else.
        """
        admission, admitting, classes, created_at, domain, length, first_epoch, network, program_id = json_fields(
            value, _FIELDS
        )
        if not (isinstance(admission, bool) and isinstance(admitting, list) and isinstance(classes, list)):
            raise EncodingError("these are no terms of a network", got="a field of another type")
        terms = cls(
            network=json_address(network, "network"),
            program_id=json_address(program_id, "program_id"),
            domain=json_hex(domain, 32, "domain"),
            created_at=json_decimal(created_at, "created_at"),
            epoch_length=json_decimal(length, "epoch_length"),
            first_epoch=json_decimal(first_epoch, "first_epoch"),
            admission=admission,
            admitting=tuple(json_address(each, "admitting") for each in admitting),
            classes=tuple(None if each is None else _class_from_json(each) for each in classes),
        )
        if len(terms.classes) != 8 or terms.epoch_length == 0:
            raise EncodingError("these are no terms of a network", expected="8 classes, and epochs of a second or more")
        return terms


def _class_to_json(terms: ClassTerms) -> dict[str, Any]:
    return {name: value if name == "meter" else str(value) for name, value in asdict(terms).items()}


def _class_from_json(value: object) -> ClassTerms:
    meter, *amounts = json_fields(value, _CLASS_FIELDS)
    rate, max_capacity, least_bond, budget = map(json_decimal, amounts, _CLASS_FIELDS[1:])
    return ClassTerms(json_u32(meter, "meter"), rate, max_capacity, least_bond, budget)
