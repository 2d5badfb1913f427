//! Error numbers, published and frozen: a number is never reused or renumbered. Gaps belong to later areas.

use crate::domain::Overflow;
use anchor_lang::prelude::*;

#[error_code]
pub enum WorktabError {
    // Any instruction: 6000
    #[msg("A number left its range")]
    Overflow = 0,
    #[msg("The signer may not do this")]
    Unauthorized = 1,
    #[msg("The network has paused this kind of new work")]
    Paused = 2,
    #[msg("An account belongs to another network")]
    WrongNetwork = 3,
    #[msg("A parameter is outside its allowed range")]
    InvalidParameter = 4,
    #[msg("An account does not match the address recorded for it")]
    AddressMismatch = 5,
    #[msg("The vault's balance did not change by the amount expected")]
    VaultMismatch = 6,
    #[msg("Nothing is there to be paid")]
    NothingOwed = 7,

    // Networks: 6020
    #[msg("The mint is not a token this program can hold safely")]
    UnsafeMint = 20,
    #[msg("No change is pending")]
    NothingPending = 21,
    #[msg("The pending change is not due yet")]
    NotDue = 22,
    #[msg("The meter of a class can't change once it is set")]
    MeterFixed = 23,
    #[msg("The network has no class of this number")]
    UnknownClass = 24,
    #[msg("The pending change moves tokens: withdraw_pool puts it in force")]
    TokensMove = 25,

    // Devices: 6040
    #[msg("The key is not in its canonical form")]
    InvalidKey = 40,
    #[msg("The key's possession is not proven for this device and owner")]
    InvalidPossession = 41,
    #[msg("The network admits devices only with its authority's or an attestor's signature")]
    AdmissionRequired = 42,
    #[msg("The capacity is above the largest of its class")]
    CapacityTooLarge = 43,
    #[msg("The device is not active")]
    DeviceInactive = 44,
    #[msg("The device's bond is below the least of its class")]
    BondTooSmall = 45,

    // Work: 6060
    #[msg("No signature of the expected key in the one accepted form precedes the instruction")]
    InvalidProof = 60,
    #[msg("The signed message is of another kind")]
    WrongMessage = 61,
    #[msg("The signed message is meant for another context")]
    WrongContext = 62,
    #[msg("The receipt's sequence does not rise: it was recorded already, or a newer one was")]
    StaleSequence = 63,
    #[msg("The receipt's units do not rise")]
    UnitsNotRising = 64,
    #[msg("The receipt rises by more than one receipt may")]
    JumpTooLarge = 65,
    #[msg("The receipt's time lies before the last receipt's")]
    TimeBackwards = 66,
    #[msg("The receipt's time lies too far ahead of the clock")]
    TimeAhead = 67,
    #[msg("A limit would cut the receipt's reward, and neither the device nor its owner signed")]
    RewardLimited = 68,
    #[msg("The account is not the payout wallet's associated token account")]
    WrongPayoutAccount = 69,

    // Tabs, lanes and delegates: 6080
    #[msg("The tab still has money or lanes")]
    TabNotEmpty = 80,
    #[msg("Too early: an account of the same address could repeat what this one said")]
    TooSoon = 81,
    #[msg("The tab's free balance is smaller")]
    InsufficientBalance = 82,
    #[msg("The tab has no lane of this nonce")]
    LaneNotFound = 83,
    #[msg("The lane is closing and takes no new reserve")]
    LaneClosing = 84,
    #[msg("The lane may not end yet")]
    LaneNotDue = 85,
    #[msg("The tab has all the lanes it has room for")]
    TooManyLanes = 86,
    #[msg("The tab has no nonces left")]
    NoncesExhausted = 87,
    #[msg("The lane is another device's or another signer's")]
    ForeignLane = 88,
    #[msg("The voucher has expired")]
    VoucherExpired = 89,
    #[msg("The voucher's amount does not rise: it was settled already, or a newer one was")]
    StaleVoucher = 90,
    #[msg("The voucher owes more than the lane has reserved")]
    OverReserve = 92,
    #[msg("The batch's entries or devices do not rise, or do not match")]
    InvalidBatch = 93,
    #[msg("The delegate is revoked")]
    DelegateRevoked = 100,
    #[msg("The delegate has expired")]
    DelegateExpired = 101,
    #[msg("The delegate's allowance is smaller")]
    AllowanceExceeded = 102,
    #[msg("The delegate's limit for this period leaves less")]
    PeriodLimitExceeded = 103,
    #[msg("The delegate's limit for one lane leaves less")]
    LaneLimitExceeded = 104,
    #[msg("The delegate may not buy from this class of devices")]
    ClassNotAllowed = 105,
    #[msg("The delegate's slot is named by lanes of another key")]
    SlotInUse = 106,

    // Invoices: 6110
    #[msg("The invoice's terms are not those agreed to")]
    TermsChanged = 110,
    #[msg("The payment would go beyond the invoice's amount")]
    InvoiceOverpaid = 111,
    #[msg("The refund is more than was paid, or than the device is still owed")]
    RefundTooLarge = 112,
    #[msg("The accounts are not those of the two parties")]
    WrongParty = 113,

    // Epochs and roots: 6120
    #[msg("The network rewards on the other path")]
    WrongRewardPath = 120,
    #[msg("The epoch is not over yet")]
    EpochNotOver = 121,
    #[msg("A final root covers this epoch already, or the network does not pay for it by roots")]
    EpochCovered = 122,
    #[msg("The commitment's count is zero, falls or rises too far, or its lifetime total falls")]
    InvalidCommitment = 123,
    #[msg("The signer is not an attestor of the network")]
    NotAttestor = 124,
    #[msg("The guardian has vetoed the commitment")]
    CommitmentVetoed = 125,
    #[msg("Fewer attestors approve than must agree, or they changed since they voted")]
    BelowThreshold = 126,
    #[msg("The challenge delay has not passed since enough attestors approved")]
    ChallengeOpen = 127,
    #[msg("The root would pay more than the class budgets of its epochs")]
    BudgetExceeded = 128,
    #[msg("The root would pay more than the pool has free")]
    PoolTooSmall = 129,
    #[msg("The leaf is not in the newest final root")]
    NotInRoot = 130,
    #[msg("The page is not the one of this payee, or no payee of the newest final root is on it")]
    WrongPage = 131,
    #[msg("What the root still owes is less than this payee's claim")]
    RootExhausted = 132,

    // Bonds, SLAs and disputes: 6140
    #[msg("Less of the bond is free: SLAs hold the rest, or it is leaving")]
    BondHeld = 140,
    #[msg("The bond may not leave yet")]
    BondNotDue = 141,
    #[msg("A dispute about the device is open")]
    DisputeOpen = 142,
    #[msg("An SLA holds the lane until it ends")]
    LaneHeld = 143,
    #[msg("The SLA still runs, or may still be contested or decided")]
    SlaRunning = 144,
    #[msg("The SLA was contested already, or the time to do so is over")]
    ContestOver = 145,
    #[msg("The SLA is not contested, or attestors decided it")]
    NotContested = 146,
    #[msg("The time to vote is over")]
    VotingOver = 147,
    #[msg("The network takes no disputes: it asks for no deposit, or has no attestors or no challenge delay")]
    DisputesOff = 148,
    #[msg("Only work measured in WASM fuel can be disputed: no other can be re-executed")]
    NotExecutable = 149,
    #[msg("The record does not lead to a head that the device signed")]
    RecordNotSigned = 150,
    #[msg("The record shown is not the one disputed")]
    WrongRecord = 151,
    #[msg("Too few attestors agree, and they may still vote")]
    DisputeUndecided = 152,
    #[msg("A guilty dispute is resolved with the record shown, so that its consumer is paid, until a challenge delay after its deadline")]
    RecordNeeded = 153,
    #[msg("The dispute has ended")]
    DisputeOver = 154,
}

/// An error, made away from the path of those that succeed. Made in place, its number is loaded ahead of the check it
/// belongs to, also for a receipt that passes every check; that is a tenth of what a receipt costs.
///
/// A function of its own for each number, and opaque, because the compiler would undo anything less.
#[cold]
#[inline(never)]
pub fn refuse<const NUMBER: u32>() -> Error {
    core::hint::black_box(Error::Custom(FIRST_NUMBER.wrapping_add(NUMBER)))
}

/// What `error_code` adds to the numbers above.
const FIRST_NUMBER: u32 = 6_000;

/// One of this program's errors, for the hottest instructions: `refusal!(StaleSequence)`.
macro_rules! refusal {
    ($error:ident) => {
        $crate::errors::refuse::<{ $crate::errors::WorktabError::$error as u32 }>()
    };
}

/// `require!` for the hottest instructions: `ensure!(seq > device.seq, StaleSequence)`.
macro_rules! ensure {
    ($holds:expr, $error:ident) => {
        if !$holds {
            return Err(refusal!($error));
        }
    };
}

pub(crate) use {ensure, refusal};

impl From<Overflow> for Error {
    #[cold]
    fn from(_: Overflow) -> Self {
        refusal!(Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_the_error_of_its_name() {
        assert_eq!(refusal!(Overflow), Error::from(WorktabError::Overflow));
        assert_eq!(refusal!(RewardLimited), Error::from(WorktabError::RewardLimited));
        assert_eq!(refusal!(RewardLimited), Error::Custom(6_068));
    }
}
