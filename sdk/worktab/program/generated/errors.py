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
    "AllowanceExceeded",
    "BelowThreshold",
    "BondHeld",
    "BondNotDue",
    "BondTooSmall",
    "BudgetExceeded",
    "CapacityTooLarge",
    "ChallengeOpen",
    "ClassNotAllowed",
    "CommitmentVetoed",
    "ContestOver",
    "DelegateExpired",
    "DelegateRevoked",
    "DeviceInactive",
    "DisputeOpen",
    "DisputeOver",
    "DisputeUndecided",
    "DisputesOff",
    "EpochCovered",
    "EpochNotOver",
    "ForeignLane",
    "InsufficientBalance",
    "InvalidBatch",
    "InvalidCommitment",
    "InvalidKey",
    "InvalidParameter",
    "InvalidPossession",
    "InvalidProof",
    "InvoiceOverpaid",
    "JumpTooLarge",
    "LaneClosing",
    "LaneHeld",
    "LaneLimitExceeded",
    "LaneNotDue",
    "LaneNotFound",
    "MeterFixed",
    "NoncesExhausted",
    "NotAttestor",
    "NotContested",
    "NotDue",
    "NotExecutable",
    "NotInRoot",
    "NothingOwed",
    "NothingPending",
    "OverReserve",
    "Overflow",
    "Paused",
    "PeriodLimitExceeded",
    "PoolTooSmall",
    "RecordNeeded",
    "RecordNotSigned",
    "RefundTooLarge",
    "RewardLimited",
    "RootExhausted",
    "SlaRunning",
    "SlotInUse",
    "StaleSequence",
    "StaleVoucher",
    "TabNotEmpty",
    "TermsChanged",
    "TimeAhead",
    "TimeBackwards",
    "TokensMove",
    "TooManyLanes",
    "TooSoon",
    "Unauthorized",
    "UnitsNotRising",
    "UnknownClass",
    "UnsafeMint",
    "VaultMismatch",
    "VotingOver",
    "VoucherExpired",
    "WrongContext",
    "WrongMessage",
    "WrongNetwork",
    "WrongPage",
    "WrongParty",
    "WrongPayoutAccount",
    "WrongRecord",
    "WrongRewardPath",
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


class NothingOwed(ProgramError):
    """Nothing is there to be paid."""

    code = "program.nothing_owed"
    number = 6007
    name = "NothingOwed"
    default_message = "Nothing is there to be paid"


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


class TokensMove(ProgramError):
    """The pending change moves tokens: withdraw_pool puts it in force."""

    code = "program.tokens_move"
    number = 6025
    name = "TokensMove"
    default_message = "The pending change moves tokens: withdraw_pool puts it in force"


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


class TabNotEmpty(ProgramError):
    """The tab still has money or lanes."""

    code = "program.tab_not_empty"
    number = 6080
    name = "TabNotEmpty"
    default_message = "The tab still has money or lanes"


class TooSoon(ProgramError):
    """Too early: an account of the same address could repeat what this one said."""

    code = "program.too_soon"
    number = 6081
    name = "TooSoon"
    default_message = "Too early: an account of the same address could repeat what this one said"


class InsufficientBalance(ProgramError):
    """The tab's free balance is smaller."""

    code = "program.insufficient_balance"
    number = 6082
    name = "InsufficientBalance"
    default_message = "The tab's free balance is smaller"


class LaneNotFound(ProgramError):
    """The tab has no lane of this nonce."""

    code = "program.lane_not_found"
    number = 6083
    name = "LaneNotFound"
    default_message = "The tab has no lane of this nonce"


class LaneClosing(ProgramError):
    """The lane is closing and takes no new reserve."""

    code = "program.lane_closing"
    number = 6084
    name = "LaneClosing"
    default_message = "The lane is closing and takes no new reserve"


class LaneNotDue(ProgramError):
    """The lane may not end yet."""

    code = "program.lane_not_due"
    number = 6085
    name = "LaneNotDue"
    default_message = "The lane may not end yet"


class TooManyLanes(ProgramError):
    """The tab has all the lanes it has room for."""

    code = "program.too_many_lanes"
    number = 6086
    name = "TooManyLanes"
    default_message = "The tab has all the lanes it has room for"


class NoncesExhausted(ProgramError):
    """The tab has no nonces left."""

    code = "program.nonces_exhausted"
    number = 6087
    name = "NoncesExhausted"
    default_message = "The tab has no nonces left"


class ForeignLane(ProgramError):
    """The lane is another device's or another signer's."""

    code = "program.foreign_lane"
    number = 6088
    name = "ForeignLane"
    default_message = "The lane is another device's or another signer's"


class VoucherExpired(ProgramError):
    """The voucher has expired."""

    code = "program.voucher_expired"
    number = 6089
    name = "VoucherExpired"
    default_message = "The voucher has expired"


class StaleVoucher(ProgramError):
    """The voucher's amount does not rise: it was settled already, or a newer one was."""

    code = "program.stale_voucher"
    number = 6090
    name = "StaleVoucher"
    default_message = "The voucher's amount does not rise: it was settled already, or a newer one was"


class OverReserve(ProgramError):
    """The voucher owes more than the lane has reserved."""

    code = "program.over_reserve"
    number = 6092
    name = "OverReserve"
    default_message = "The voucher owes more than the lane has reserved"


class InvalidBatch(ProgramError):
    """The batch's entries or devices do not rise, or do not match."""

    code = "program.invalid_batch"
    number = 6093
    name = "InvalidBatch"
    default_message = "The batch's entries or devices do not rise, or do not match"


class DelegateRevoked(ProgramError):
    """The delegate is revoked."""

    code = "program.delegate_revoked"
    number = 6100
    name = "DelegateRevoked"
    default_message = "The delegate is revoked"


class DelegateExpired(ProgramError):
    """The delegate has expired."""

    code = "program.delegate_expired"
    number = 6101
    name = "DelegateExpired"
    default_message = "The delegate has expired"


class AllowanceExceeded(ProgramError):
    """The delegate's allowance is smaller."""

    code = "program.allowance_exceeded"
    number = 6102
    name = "AllowanceExceeded"
    default_message = "The delegate's allowance is smaller"


class PeriodLimitExceeded(ProgramError):
    """The delegate's limit for this period leaves less."""

    code = "program.period_limit_exceeded"
    number = 6103
    name = "PeriodLimitExceeded"
    default_message = "The delegate's limit for this period leaves less"


class LaneLimitExceeded(ProgramError):
    """The delegate's limit for one lane leaves less."""

    code = "program.lane_limit_exceeded"
    number = 6104
    name = "LaneLimitExceeded"
    default_message = "The delegate's limit for one lane leaves less"


class ClassNotAllowed(ProgramError):
    """The delegate may not buy from this class of devices."""

    code = "program.class_not_allowed"
    number = 6105
    name = "ClassNotAllowed"
    default_message = "The delegate may not buy from this class of devices"


class SlotInUse(ProgramError):
    """The delegate's slot is named by lanes of another key."""

    code = "program.slot_in_use"
    number = 6106
    name = "SlotInUse"
    default_message = "The delegate's slot is named by lanes of another key"


class TermsChanged(ProgramError):
    """The invoice's terms are not those agreed to."""

    code = "program.terms_changed"
    number = 6110
    name = "TermsChanged"
    default_message = "The invoice's terms are not those agreed to"


class InvoiceOverpaid(ProgramError):
    """The payment would go beyond the invoice's amount."""

    code = "program.invoice_overpaid"
    number = 6111
    name = "InvoiceOverpaid"
    default_message = "The payment would go beyond the invoice's amount"


class RefundTooLarge(ProgramError):
    """The refund is more than was paid, or than the device is still owed."""

    code = "program.refund_too_large"
    number = 6112
    name = "RefundTooLarge"
    default_message = "The refund is more than was paid, or than the device is still owed"


class WrongParty(ProgramError):
    """The accounts are not those of the two parties."""

    code = "program.wrong_party"
    number = 6113
    name = "WrongParty"
    default_message = "The accounts are not those of the two parties"


class WrongRewardPath(ProgramError):
    """The network rewards on the other path."""

    code = "program.wrong_reward_path"
    number = 6120
    name = "WrongRewardPath"
    default_message = "The network rewards on the other path"


class EpochNotOver(ProgramError):
    """The epoch is not over yet."""

    code = "program.epoch_not_over"
    number = 6121
    name = "EpochNotOver"
    default_message = "The epoch is not over yet"


class EpochCovered(ProgramError):
    """A final root covers this epoch already, or the network does not pay for it by roots."""

    code = "program.epoch_covered"
    number = 6122
    name = "EpochCovered"
    default_message = "A final root covers this epoch already, or the network does not pay for it by roots"


class InvalidCommitment(ProgramError):
    """The commitment's count is zero, falls or rises too far, or its lifetime total falls."""

    code = "program.invalid_commitment"
    number = 6123
    name = "InvalidCommitment"
    default_message = "The commitment's count is zero, falls or rises too far, or its lifetime total falls"


class NotAttestor(ProgramError):
    """The signer is not an attestor of the network."""

    code = "program.not_attestor"
    number = 6124
    name = "NotAttestor"
    default_message = "The signer is not an attestor of the network"


class CommitmentVetoed(ProgramError):
    """The guardian has vetoed the commitment."""

    code = "program.commitment_vetoed"
    number = 6125
    name = "CommitmentVetoed"
    default_message = "The guardian has vetoed the commitment"


class BelowThreshold(ProgramError):
    """Fewer attestors approve than must agree, or they changed since they voted."""

    code = "program.below_threshold"
    number = 6126
    name = "BelowThreshold"
    default_message = "Fewer attestors approve than must agree, or they changed since they voted"


class ChallengeOpen(ProgramError):
    """The challenge delay has not passed since enough attestors approved."""

    code = "program.challenge_open"
    number = 6127
    name = "ChallengeOpen"
    default_message = "The challenge delay has not passed since enough attestors approved"


class BudgetExceeded(ProgramError):
    """The root would pay more than the class budgets of its epochs."""

    code = "program.budget_exceeded"
    number = 6128
    name = "BudgetExceeded"
    default_message = "The root would pay more than the class budgets of its epochs"


class PoolTooSmall(ProgramError):
    """The root would pay more than the pool has free."""

    code = "program.pool_too_small"
    number = 6129
    name = "PoolTooSmall"
    default_message = "The root would pay more than the pool has free"


class NotInRoot(ProgramError):
    """The leaf is not in the newest final root."""

    code = "program.not_in_root"
    number = 6130
    name = "NotInRoot"
    default_message = "The leaf is not in the newest final root"


class WrongPage(ProgramError):
    """The page is not the one of this payee, or no payee of the newest final root is on it."""

    code = "program.wrong_page"
    number = 6131
    name = "WrongPage"
    default_message = "The page is not the one of this payee, or no payee of the newest final root is on it"


class RootExhausted(ProgramError):
    """What the root still owes is less than this payee's claim."""

    code = "program.root_exhausted"
    number = 6132
    name = "RootExhausted"
    default_message = "What the root still owes is less than this payee's claim"


class BondHeld(ProgramError):
    """Less of the bond is free: SLAs hold the rest, or it is leaving."""

    code = "program.bond_held"
    number = 6140
    name = "BondHeld"
    default_message = "Less of the bond is free: SLAs hold the rest, or it is leaving"


class BondNotDue(ProgramError):
    """The bond may not leave yet."""

    code = "program.bond_not_due"
    number = 6141
    name = "BondNotDue"
    default_message = "The bond may not leave yet"


class DisputeOpen(ProgramError):
    """A dispute about the device is open."""

    code = "program.dispute_open"
    number = 6142
    name = "DisputeOpen"
    default_message = "A dispute about the device is open"


class LaneHeld(ProgramError):
    """An SLA holds the lane until it ends."""

    code = "program.lane_held"
    number = 6143
    name = "LaneHeld"
    default_message = "An SLA holds the lane until it ends"


class SlaRunning(ProgramError):
    """The SLA still runs, or may still be contested or decided."""

    code = "program.sla_running"
    number = 6144
    name = "SlaRunning"
    default_message = "The SLA still runs, or may still be contested or decided"


class ContestOver(ProgramError):
    """The SLA was contested already, or the time to do so is over."""

    code = "program.contest_over"
    number = 6145
    name = "ContestOver"
    default_message = "The SLA was contested already, or the time to do so is over"


class NotContested(ProgramError):
    """The SLA is not contested, or attestors decided it."""

    code = "program.not_contested"
    number = 6146
    name = "NotContested"
    default_message = "The SLA is not contested, or attestors decided it"


class VotingOver(ProgramError):
    """The time to vote is over."""

    code = "program.voting_over"
    number = 6147
    name = "VotingOver"
    default_message = "The time to vote is over"


class DisputesOff(ProgramError):
    """The network takes no disputes: it asks for no deposit, or has no attestors or no challenge delay."""

    code = "program.disputes_off"
    number = 6148
    name = "DisputesOff"
    default_message = "The network takes no disputes: it asks for no deposit, or has no attestors or no challenge delay"


class NotExecutable(ProgramError):
    """Only work measured in WASM fuel can be disputed: no other can be re-executed."""

    code = "program.not_executable"
    number = 6149
    name = "NotExecutable"
    default_message = "Only work measured in WASM fuel can be disputed: no other can be re-executed"


class RecordNotSigned(ProgramError):
    """The record does not lead to a head that the device signed."""

    code = "program.record_not_signed"
    number = 6150
    name = "RecordNotSigned"
    default_message = "The record does not lead to a head that the device signed"


class WrongRecord(ProgramError):
    """The record shown is not the one disputed."""

    code = "program.wrong_record"
    number = 6151
    name = "WrongRecord"
    default_message = "The record shown is not the one disputed"


class DisputeUndecided(ProgramError):
    """Too few attestors agree, and they may still vote."""

    code = "program.dispute_undecided"
    number = 6152
    name = "DisputeUndecided"
    default_message = "Too few attestors agree, and they may still vote"


class RecordNeeded(ProgramError):
    """A guilty dispute is resolved with the record shown, so that its consumer is paid, until a challenge delay after
    its deadline.
    """

    code = "program.record_needed"
    number = 6153
    name = "RecordNeeded"
    default_message = "A guilty dispute is resolved with the record shown, so that its consumer is paid, until a challenge delay after its deadline"


class DisputeOver(ProgramError):
    """The dispute has ended."""

    code = "program.dispute_over"
    number = 6154
    name = "DisputeOver"
    default_message = "The dispute has ended"


ERRORS: Final[dict[int, type[ProgramError]]] = {
    6000: Overflow,
    6001: Unauthorized,
    6002: Paused,
    6003: WrongNetwork,
    6004: InvalidParameter,
    6005: AddressMismatch,
    6006: VaultMismatch,
    6007: NothingOwed,
    6020: UnsafeMint,
    6021: NothingPending,
    6022: NotDue,
    6023: MeterFixed,
    6024: UnknownClass,
    6025: TokensMove,
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
    6080: TabNotEmpty,
    6081: TooSoon,
    6082: InsufficientBalance,
    6083: LaneNotFound,
    6084: LaneClosing,
    6085: LaneNotDue,
    6086: TooManyLanes,
    6087: NoncesExhausted,
    6088: ForeignLane,
    6089: VoucherExpired,
    6090: StaleVoucher,
    6092: OverReserve,
    6093: InvalidBatch,
    6100: DelegateRevoked,
    6101: DelegateExpired,
    6102: AllowanceExceeded,
    6103: PeriodLimitExceeded,
    6104: LaneLimitExceeded,
    6105: ClassNotAllowed,
    6106: SlotInUse,
    6110: TermsChanged,
    6111: InvoiceOverpaid,
    6112: RefundTooLarge,
    6113: WrongParty,
    6120: WrongRewardPath,
    6121: EpochNotOver,
    6122: EpochCovered,
    6123: InvalidCommitment,
    6124: NotAttestor,
    6125: CommitmentVetoed,
    6126: BelowThreshold,
    6127: ChallengeOpen,
    6128: BudgetExceeded,
    6129: PoolTooSmall,
    6130: NotInRoot,
    6131: WrongPage,
    6132: RootExhausted,
    6140: BondHeld,
    6141: BondNotDue,
    6142: DisputeOpen,
    6143: LaneHeld,
    6144: SlaRunning,
    6145: ContestOver,
    6146: NotContested,
    6147: VotingOver,
    6148: DisputesOff,
    6149: NotExecutable,
    6150: RecordNotSigned,
    6151: WrongRecord,
    6152: DisputeUndecided,
    6153: RecordNeeded,
    6154: DisputeOver,
}
"""The errors by their number."""
