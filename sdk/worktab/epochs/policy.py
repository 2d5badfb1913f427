"""How much the work of an epoch is rewarded, and whose is not. A policy is any object with `exclude`, `rewards` and
`to_json`.

Integers only, always rounded down: what rounding, caps or budgets leave stays in the pool.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from solders.pubkey import Pubkey

from worktab.core._json import json_address
from worktab.core.errors import EncodingError, StorageError
from worktab.core.money import RATE_UNITS
from worktab.epochs.errors import PolicyError
from worktab.epochs.sums import U64_MAX, divided, products, scaled, total
from worktab.ingest.rows import Rows
from worktab.program.generated.types import ClassTerms

_CLASSES: Final = 8
_MOST_EXCLUDED: Final = 20_000
_LONGEST: Final = len(str(U64_MAX))


@dataclass(frozen=True, slots=True, eq=False)
class ClassWork:
    """The work of one class that a root is to reward: a column for each thing, a row for each device.

    Attributes:
        number: the class, 0 to 7.
        terms: what the network lays down for it.
        budget: the most that all devices together may get, base units: the class's budget for every epoch the root
            pays for.
        units: new work units, u64, at least 1.
        capacity: work units that the device is rewarded for at most, for all of its epochs together, u64.
        epochs: how many epochs it is rewarded for, u64, at least 1.
        carry: millionths of a base unit left over, u64 below 10^6.
    """

    number: int
    terms: ClassTerms
    budget: int
    units: Rows
    capacity: Rows
    epochs: Rows
    carry: Rows

    def eligible(self) -> Rows:
        """The units within each device's capacity for all of its epochs."""
        return np.minimum(self.units, self.capacity)


class Policy(Protocol):
    """Rules by which work is rewarded. The same work must give the same rewards on every machine."""

    @property
    def exclude(self) -> Collection[Pubkey]:
        """Devices that are not rewarded any more: none of their receipts count. What they earned before stays."""

    def rewards(self, work: ClassWork) -> tuple[Rows, Rows]:
        """Each device's reward in base units and its new carry, both u64, in the order of the work.

        Together they must not pass `work.budget`; a build refuses them otherwise.
        """

    def to_json(self) -> dict[str, Any]:
        """The policy's canonical form: a JSON object that says everything there is to say of it."""


@dataclass(frozen=True, slots=True)
class FixedRate:
    """Units at the class's rate.

    `n = carry + eligible units x rate`; the reward is `floor(n / 10^6)`, the carry `n mod 10^6`, so that splitting work
    over epochs changes nothing. No device gets more than the class's budget. Where all together would pass it, each
    gets `floor(reward x budget / sum)`.

    Attributes:
        exclude: see `Policy.exclude`; kept in the order of their addresses, each once.

    Raises:
        PolicyError: more than 20,000 are excluded.
    """

    exclude: tuple[Pubkey, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "exclude", _excluded(self.exclude))

    def rewards(self, work: ClassWork) -> tuple[Rows, Rows]:
        """As `Policy.rewards`."""
        earned, carry = divided(work.eligible(), work.terms.rate, RATE_UNITS, work.carry)
        earned = np.minimum(earned, np.uint64(work.budget))
        together = total(earned)
        if together > work.budget:
            earned = scaled(earned, work.budget, together)
        return earned, carry

    def to_json(self) -> dict[str, Any]:
        """As `Policy.to_json`."""
        return {"policy": "fixed-rate", **_exclude_to_json(self.exclude)}


@dataclass(frozen=True, slots=True)
class ShareOfBudget:
    """The class's budget by units: `floor(budget x eligible units / all eligible units)`, and at most the class's cap
    for each epoch that the device works for. Carries stay as they are.

    Attributes:
        caps: for a class's number the most that a device gets an epoch, base units; a class without has none.
        exclude: see `Policy.exclude`; kept in the order of their addresses, each once.

    Raises:
        PolicyError: a number is no class, a cap no u64, or more than 20,000 are excluded.
    """

    caps: Mapping[int, int] = field(default_factory=dict)
    exclude: tuple[Pubkey, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "exclude", _excluded(self.exclude))
        for number, cap in self.caps.items():
            if not (type(number) is int and 0 <= number < _CLASSES and type(cap) is int and 0 <= cap <= U64_MAX):
                raise PolicyError(
                    "a cap is out of range",
                    expected="a class from 0 to 7, and base units below 2^64",
                    got=f"{number}: {cap}",
                )

    def rewards(self, work: ClassWork) -> tuple[Rows, Rows]:
        """As `Policy.rewards`."""
        eligible = work.eligible()
        shares = scaled(eligible, work.budget, max(total(eligible), 1))
        cap = self.caps.get(work.number)
        if cap is not None:
            shares = np.minimum(shares, products(np.full(len(shares), cap, np.uint64), work.epochs))
        return shares, work.carry

    def to_json(self) -> dict[str, Any]:
        """As `Policy.to_json`."""
        caps = {str(number): str(cap) for number, cap in self.caps.items()}
        return {"policy": "share-of-budget", "caps": caps, **_exclude_to_json(self.exclude)}


def policy_of(value: object) -> Policy:
    """The policy in a JSON object: `{"policy": "fixed-rate"}`, or
    `{"policy": "share-of-budget", "caps": {"0": "1000"}}` with caps in base units, as numbers or as strings of digits.
    Either may have `"exclude": ["ADDRESS", ..]`, devices that are not rewarded any more.

    Raises:
        PolicyError: it is something else.
    """
    facts = dict(value) if isinstance(value, dict) else {}
    name, caps = facts.pop("policy", None), facts.pop("caps", {})
    exclude = _addresses(facts.pop("exclude", []))
    if name == "fixed-rate" and not facts and not caps:
        return FixedRate(exclude)
    if name == "share-of-budget" and not facts and isinstance(caps, dict):
        return ShareOfBudget({_number(number): _number(cap) for number, cap in caps.items()}, exclude)
    raise PolicyError(
        "no policy that is known",
        expected='{"policy": "fixed-rate"} or {"policy": "share-of-budget", "caps": {"CLASS": "BASE UNITS"}}',
        got=ascii(value)[:200],
    )


def read_policy(path: Path) -> Policy:
    """The policy in a JSON file, or in a TOML file, whose name ends in `.toml`.

    Raises:
        PolicyError: it holds none.
        StorageError: it can't be read.
    """
    try:
        data = path.read_bytes()
        return policy_of(tomllib.loads(data.decode()) if path.suffix == ".toml" else json.loads(data))
    except OSError as error:
        raise StorageError(f"The policy {path} can't be read", got=str(error)) from error
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{path} is neither JSON nor TOML", got=str(error)) from error


def _excluded(exclude: Collection[Pubkey]) -> tuple[Pubkey, ...]:
    """In their one order."""
    ordered = tuple(sorted(set(exclude), key=bytes))
    if len(ordered) > _MOST_EXCLUDED:
        raise PolicyError("too many devices are excluded", expected=f"{_MOST_EXCLUDED} or fewer", got=str(len(ordered)))
    return ordered


def _exclude_to_json(exclude: tuple[Pubkey, ...]) -> dict[str, Any]:
    """Nothing where nobody is excluded, so that this is said in one way."""
    return {"exclude": [str(each) for each in exclude]} if exclude else {}


def _addresses(value: object) -> tuple[Pubkey, ...]:
    if not isinstance(value, list):
        raise PolicyError("the devices excluded are no list", expected='["ADDRESS", ..]', got=ascii(value)[:100])
    try:
        return tuple(json_address(each, "exclude") for each in value)
    except EncodingError as error:
        raise PolicyError("a device excluded has no address", expected="an address", got=error.got) from error


def _number(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _LONGEST:
        return int(value)
    if type(value) is int:
        return value
    raise PolicyError("a number in the policy is none", expected="digits", got=ascii(value)[:100])
