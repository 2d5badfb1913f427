"""Changes to a network's parameters, each a type of its own (PROTOCOL section 5, Powers)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from solders.pubkey import Pubkey

from worktab.program.generated.accounts import Network
from worktab.program.generated.types import Change, ClassTerms
from worktab.roles.terms import NOBODY, WorkClass

_NONE, _CLASS, _FEES, _DELAYS, _ADMISSION, _GUARDIAN, _AUTHORITY = range(7)
_VALUES = 5


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Terms of the class with this number, 0 to 7; a number that is not in use yet sets a class up."""

    number: int
    terms: WorkClass


@dataclass(frozen=True, slots=True)
class FeeChange:
    """Fee and burn on earnings in basis points, 3,000 at most together."""

    fee_bps: int
    burn_bps: int


@dataclass(frozen=True, slots=True)
class DelayChange:
    """All delays, in seconds; see `NetworkPlan` for what each means."""

    parameter: int
    lane_close: int
    challenge: int
    unbonding: int


@dataclass(frozen=True, slots=True)
class AdmissionChange:
    """Whether devices need an admission signature."""

    required: bool


@dataclass(frozen=True, slots=True)
class GuardianChange:
    """Who may pause new work; None for nobody."""

    guardian: Pubkey | None


@dataclass(frozen=True, slots=True)
class AuthorityChange:
    """Who is to be the next authority; None withdraws the proposal.

    Needs no delay and leaves a pending change as it is, but takes effect only when the key accepts.
    """

    authority: Pubkey | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nothing: withdraws the pending change."""


DelayedChange: TypeAlias = ClassChange | FeeChange | DelayChange | AdmissionChange | GuardianChange
"""What waits the parameter delay."""

NetworkChange: TypeAlias = DelayedChange | AuthorityChange | Cancel
"""What can be proposed."""


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that waits, and when it may be applied, in Unix seconds."""

    change: DelayedChange
    effective_at: int


def encode_change(change: NetworkChange) -> Change:
    """The change as the program takes it. A value out of its range is refused where it is written."""
    match change:
        case ClassChange(number, terms):
            t = terms.encode()
            return _change(_CLASS, t.meter, t.rate, t.max_capacity, t.least_bond, t.budget, number=number)
        case FeeChange(fee, burn):
            return _change(_FEES, fee, burn)
        case DelayChange(parameter, lane_close, challenge, unbonding):
            return _change(_DELAYS, parameter, lane_close, challenge, unbonding)
        case AdmissionChange(required):
            return _change(_ADMISSION, int(required))
        case GuardianChange(guardian):
            return _change(_GUARDIAN, key=guardian)
        case AuthorityChange(authority):
            return _change(_AUTHORITY, key=authority)
        case Cancel():
            return _change(_NONE)


def pending_change(network: Network) -> PendingChange | None:
    """The change that the network waits for, or None. Raises `EncodingError` for a meter that is not known."""
    pending = network.pending
    first, second, third, fourth, fifth = pending.values
    change: DelayedChange
    match pending.kind:
        case 1:
            change = ClassChange(pending.class_, WorkClass.decode(ClassTerms(first, second, third, fourth, fifth)))
        case 2:
            change = FeeChange(first, second)
        case 3:
            change = DelayChange(first, second, third, fourth)
        case 4:
            change = AdmissionChange(bool(first))
        case 5:
            guardian = Pubkey(pending.key)
            change = GuardianChange(None if guardian == NOBODY else guardian)
        case _:
            return None
    return PendingChange(change, pending.effective_at)


def _change(kind: int, *values: int, number: int = 0, key: Pubkey | None = None) -> Change:
    return Change(kind, number, values + (0,) * (_VALUES - len(values)), key or NOBODY)
