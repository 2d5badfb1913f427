"""Changes to a network's parameters, each a type of its own (PROTOCOL section 5, Powers)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from solders.pubkey import Pubkey

from worktab.program.generated.accounts import Network
from worktab.program.generated.types import Change, ClassTerms
from worktab.roles.terms import NOBODY, RewardPath, WorkClass

_NONE, _CLASS, _FEES, _DELAYS, _ADMISSION, _GUARDIAN, _AUTHORITY = range(7)
_REWARD_PATH, _ADD_ATTESTOR, _REMOVE_ATTESTOR, _THRESHOLD, _WITHDRAW_POOL, _DISPUTES = range(7, 13)
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
class RewardPathChange:
    """Rewards are paid by roots, from the epoch after the change is applied; there is no way back.

    Until then receipts go on to accrue rewards, and roots pay only for units above those: no unit counts twice.
    """


@dataclass(frozen=True, slots=True)
class AddAttestor:
    """One more attestor, and the number of them that must agree then: more than half, at most all."""

    attestor: Pubkey
    threshold: int


@dataclass(frozen=True, slots=True)
class ThresholdChange:
    """The number of attestors that must agree: more than half, at most all."""

    threshold: int


@dataclass(frozen=True, slots=True)
class PoolWithdrawal:
    """`amount` base units of the free pool, or what is left of it then, leave for the token account `destination`.

    Put in force by withdraw_pool, not by apply_update: it moves tokens.
    """

    amount: int
    destination: Pubkey


@dataclass(frozen=True, slots=True)
class DisputeChange:
    """What a challenger deposits and what a guilty device loses.

    deposit    base units; 0 for no disputes
    slash_bps  most of a bond that one guilty dispute slashes, basis points
    """

    deposit: int
    slash_bps: int


@dataclass(frozen=True, slots=True)
class RemoveAttestor:
    """One attestor less; needs no delay and leaves a pending change as it is.

    The number that must agree stays, or falls to those that are left.
    """

    attestor: Pubkey


@dataclass(frozen=True, slots=True)
class AuthorityChange:
    """Who is to be the next authority; None withdraws the proposal.

    Needs no delay and leaves a pending change as it is, but takes effect only when the key accepts.
    """

    authority: Pubkey | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nothing: withdraws the pending change."""


AttestorChange: TypeAlias = AddAttestor | ThresholdChange
"""What waits the parameter delay and voids every vote that attestors cast before; removing one does that at once."""

DelayedChange: TypeAlias = (
    ClassChange
    | FeeChange
    | DelayChange
    | AdmissionChange
    | GuardianChange
    | RewardPathChange
    | AttestorChange
    | PoolWithdrawal
    | DisputeChange
)
"""What waits the parameter delay."""

NetworkChange: TypeAlias = DelayedChange | RemoveAttestor | AuthorityChange | Cancel
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
        case RewardPathChange():
            return _change(_REWARD_PATH, int(RewardPath.ROOTS))
        case AddAttestor(attestor, threshold):
            return _change(_ADD_ATTESTOR, threshold, key=attestor)
        case ThresholdChange(threshold):
            return _change(_THRESHOLD, threshold)
        case PoolWithdrawal(amount, destination):
            return _change(_WITHDRAW_POOL, amount, key=destination)
        case DisputeChange(deposit, slash_bps):
            return _change(_DISPUTES, deposit, slash_bps)
        case RemoveAttestor(attestor):
            return _change(_REMOVE_ATTESTOR, key=attestor)
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
        case 7:
            change = RewardPathChange()
        case 8:
            change = AddAttestor(Pubkey(pending.key), first)
        case 10:
            change = ThresholdChange(first)
        case 11:
            change = PoolWithdrawal(first, Pubkey(pending.key))
        case 12:
            change = DisputeChange(first, second)
        case _:
            return None
    return PendingChange(change, pending.effective_at)


def _change(kind: int, *values: int, number: int = 0, key: Pubkey | None = None) -> Change:
    return Change(kind, number, values + (0,) * (_VALUES - len(values)), key or NOBODY)
