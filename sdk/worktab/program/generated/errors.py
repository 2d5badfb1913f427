"""Errors that the program returns.

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from typing import Final

from worktab.program.program_error import ProgramError

__all__ = [
    "ERRORS",
    "AddressMismatch",
    "AdmissionRequired",
    "BondTooSmall",
    "CapacityTooLarge",
    "DeviceInactive",
    "InvalidKey",
    "InvalidParameter",
    "InvalidPossession",
    "InvalidProof",
    "JumpTooLarge",
    "MeterFixed",
    "NotDue",
    "NothingPending",
    "Overflow",
    "Paused",
    "RewardLimited",
    "StaleSequence",
    "TimeAhead",
    "TimeBackwards",
    "Unauthorized",
    "UnitsNotRising",
    "UnknownClass",
    "UnsafeMint",
    "VaultMismatch",
    "WrongContext",
    "WrongMessage",
    "WrongNetwork",
    "WrongPayoutAccount",
]


class Overflow(ProgramError):
    """A number left its range."""

    code = "program.overflow"
    number = 6000
    name = "Overflow"
    default_message = "A number left its range"


class Unauthorized(ProgramError):
    """The signer may not do this."""

    code = "program.unauthorized"
    number = 6001
    name = "Unauthorized"
    default_message = "The signer may not do this"


class Paused(ProgramError):
    """The network has paused this kind of new work."""

    code = "program.paused"
    number = 6002
    name = "Paused"
    default_message = "The network has paused this kind of new work"


class WrongNetwork(ProgramError):
    """An account belongs to another network."""

    code = "program.wrong_network"
    number = 6003
    name = "WrongNetwork"
    default_message = "An account belongs to another network"


class InvalidParameter(ProgramError):
    """A parameter is outside its allowed range."""

    code = "program.invalid_parameter"
    number = 6004
    name = "InvalidParameter"
    default_message = "A parameter is outside its allowed range"


class AddressMismatch(ProgramError):
    """An account does not match the address recorded for it."""

    code = "program.address_mismatch"
    number = 6005
    name = "AddressMismatch"
    default_message = "An account does not match the address recorded for it"


class VaultMismatch(ProgramError):
    """The vault's balance did not change by the amount expected."""

    code = "program.vault_mismatch"
    number = 6006
    name = "VaultMismatch"
    default_message = "The vault's balance did not change by the amount expected"


class UnsafeMint(ProgramError):
    """The mint is not a token this program can hold safely."""

    code = "program.unsafe_mint"
    number = 6020
    name = "UnsafeMint"
    default_message = "The mint is not a token this program can hold safely"


class NothingPending(ProgramError):
    """No change is pending."""

    code = "program.nothing_pending"
    number = 6021
    name = "NothingPending"
    default_message = "No change is pending"


class NotDue(ProgramError):
    """The pending change is not due yet."""

    code = "program.not_due"
    number = 6022
    name = "NotDue"
    default_message = "The pending change is not due yet"


class MeterFixed(ProgramError):
    """The meter of a class can't change once it is set."""

    code = "program.meter_fixed"
    number = 6023
    name = "MeterFixed"
    default_message = "The meter of a class can't change once it is set"


class UnknownClass(ProgramError):
    """The network has no class of this number."""

    code = "program.unknown_class"
    number = 6024
    name = "UnknownClass"
    default_message = "The network has no class of this number"


class InvalidKey(ProgramError):
    """The key is not in its canonical form."""

    code = "program.invalid_key"
    number = 6040
    name = "InvalidKey"
    default_message = "The key is not in its canonical form"


class InvalidPossession(ProgramError):
    """The key's possession is not proven for this device and owner."""

    code = "program.invalid_possession"
    number = 6041
    name = "InvalidPossession"
    default_message = "The key's possession is not proven for this device and owner"


class AdmissionRequired(ProgramError):
    """The network admits devices only with its authority's or an attestor's signature."""

    code = "program.admission_required"
    number = 6042
    name = "AdmissionRequired"
    default_message = "The network admits devices only with its authority's or an attestor's signature"


class CapacityTooLarge(ProgramError):
    """The capacity is above the largest of its class."""

    code = "program.capacity_too_large"
    number = 6043
    name = "CapacityTooLarge"
    default_message = "The capacity is above the largest of its class"


class DeviceInactive(ProgramError):
    """The device is not active."""

    code = "program.device_inactive"
    number = 6044
    name = "DeviceInactive"
    default_message = "The device is not active"


class BondTooSmall(ProgramError):
    """The device's bond is below the least of its class."""

    code = "program.bond_too_small"
    number = 6045
    name = "BondTooSmall"
    default_message = "The device's bond is below the least of its class"


class InvalidProof(ProgramError):
    """No signature of the expected key in the one accepted form precedes the instruction."""

    code = "program.invalid_proof"
    number = 6060
    name = "InvalidProof"
    default_message = "No signature of the expected key in the one accepted form precedes the instruction"


class WrongMessage(ProgramError):
    """The signed message is of another kind."""

    code = "program.wrong_message"
    number = 6061
    name = "WrongMessage"
    default_message = "The signed message is of another kind"


class WrongContext(ProgramError):
    """The signed message is meant for another context."""

    code = "program.wrong_context"
    number = 6062
    name = "WrongContext"
    default_message = "The signed message is meant for another context"


class StaleSequence(ProgramError):
    """The receipt's sequence does not rise: it was recorded already, or a newer one was."""

    code = "program.stale_sequence"
    number = 6063
    name = "StaleSequence"
    default_message = "The receipt's sequence does not rise: it was recorded already, or a newer one was"


class UnitsNotRising(ProgramError):
    """The receipt's units do not rise."""

    code = "program.units_not_rising"
    number = 6064
    name = "UnitsNotRising"
    default_message = "The receipt's units do not rise"


class JumpTooLarge(ProgramError):
    """The receipt rises by more than one receipt may."""

    code = "program.jump_too_large"
    number = 6065
    name = "JumpTooLarge"
    default_message = "The receipt rises by more than one receipt may"


class TimeBackwards(ProgramError):
    """The receipt's time lies before the last receipt's."""

    code = "program.time_backwards"
    number = 6066
    name = "TimeBackwards"
    default_message = "The receipt's time lies before the last receipt's"


class TimeAhead(ProgramError):
    """The receipt's time lies too far ahead of the clock."""

    code = "program.time_ahead"
    number = 6067
    name = "TimeAhead"
    default_message = "The receipt's time lies too far ahead of the clock"


class RewardLimited(ProgramError):
    """A limit would cut the receipt's reward, and neither the device nor its owner signed."""

    code = "program.reward_limited"
    number = 6068
    name = "RewardLimited"
    default_message = "A limit would cut the receipt's reward, and neither the device nor its owner signed"


class WrongPayoutAccount(ProgramError):
    """The account is not the payout wallet's associated token account."""

    code = "program.wrong_payout_account"
    number = 6069
    name = "WrongPayoutAccount"
    default_message = "The account is not the payout wallet's associated token account"


ERRORS: Final[dict[int, type[ProgramError]]] = {
    6000: Overflow,
    6001: Unauthorized,
    6002: Paused,
    6003: WrongNetwork,
    6004: InvalidParameter,
    6005: AddressMismatch,
    6006: VaultMismatch,
    6020: UnsafeMint,
    6021: NothingPending,
    6022: NotDue,
    6023: MeterFixed,
    6024: UnknownClass,
    6040: InvalidKey,
    6041: InvalidPossession,
    6042: AdmissionRequired,
    6043: CapacityTooLarge,
    6044: DeviceInactive,
    6045: BondTooSmall,
    6060: InvalidProof,
    6061: WrongMessage,
    6062: WrongContext,
    6063: StaleSequence,
    6064: UnitsNotRising,
    6065: JumpTooLarge,
    6066: TimeBackwards,
    6067: TimeAhead,
    6068: RewardLimited,
    6069: WrongPayoutAccount,
}
"""The errors by their number."""
