//! Worktab: machines get paid for work they can prove.
//!
//! A device signs receipts over the head of its chain of job records; this program records them, accrues rewards from
//! a network's pool within budgets, and pays them out. Consumers set money aside for devices and sign vouchers for work
//! on the same chain; this program moves what they owe.

pub mod domain;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod state;
pub mod token;
pub mod wire;

use anchor_lang::prelude::*;
pub use instructions::*;
use state::{Change, Commitment, DelegateTerms, InvoiceTerms, SlaTerms};
// 128-bit arithmetic on chain.
#[cfg(any(target_arch = "bpf", target_os = "solana"))]
use solana_compiler_builtins as _;

declare_id!("WTabQ1vSgsr1n9fYZDaPqkbPrFovTkrLZkNzBRPJSPc");

/// Instruction numbers are published and frozen. The hottest stand first: they are looked up in this order, and inline:
/// where the walk over the accounts is known to begin, its steps become constants.
#[program]
pub mod worktab {
    use super::*;

    /// Moves what a voucher owes from its lane to the device's earnings.
    #[discrim = 35]
    #[inline(always)]
    pub fn settle_voucher(ctx: &mut Context<SettleVoucher>, nonce: u32, voucher: Option<&[u8; 104]>) -> Result<()> {
        instructions::settle_voucher(ctx, nonce, voucher)
    }

    /// Moves what a batch voucher owes on many lanes of one signer.
    #[discrim = 36]
    #[inline(always)]
    pub fn settle_batch(
        ctx: &mut Context<SettleBatch>,
        signer: u8,
        entries: &[u8],
        batch: Option<&[u8; 104]>,
    ) -> Result<()> {
        instructions::settle_batch(ctx, signer, entries, batch)
    }

    /// Records a device's newest receipt; on the path of receipts, accrues its reward.
    #[discrim = 20]
    #[inline(always)]
    pub fn submit_receipt(ctx: &mut Context<SubmitReceipt>, receipt: Option<&[u8; 104]>) -> Result<()> {
        instructions::submit_receipt(ctx, receipt)
    }

    /// Pays a payout wallet what its devices are owed.
    #[discrim = 21]
    #[inline(always)]
    pub fn claim(ctx: &mut Context<Claim>, payout_bump: u8) -> Result<()> {
        instructions::claim(ctx, payout_bump)
    }

    /// Pays a payee what the newest final root owes it.
    #[discrim = 54]
    #[inline(always)]
    pub fn claim_root(
        ctx: &mut Context<ClaimRoot>,
        position: u32,
        lifetime_reward: u64,
        devices_root: &[u8; 32],
        payout_bump: u8,
        siblings: &[u8],
    ) -> Result<()> {
        instructions::claim_root(ctx, position, lifetime_reward, devices_root, payout_bump, siblings)
    }

    /// Creates a network and its vault.
    #[discrim = 0]
    pub fn create_network(ctx: &mut Context<CreateNetwork>, terms: NetworkTerms) -> Result<()> {
        instructions::create_network(ctx, terms)
    }

    /// Announces a change of parameters, proposes an authority, or withdraws what is pending.
    #[discrim = 1]
    pub fn propose_update(ctx: &mut Context<ProposeUpdate>, change: Change) -> Result<()> {
        instructions::propose_update(ctx, change)
    }

    /// Puts a change in force that has waited its delay.
    #[discrim = 2]
    pub fn apply_update(ctx: &mut Context<ApplyUpdate>) -> Result<()> {
        instructions::apply_update(ctx)
    }

    /// The proposed authority takes over.
    #[discrim = 3]
    pub fn accept_authority(ctx: &mut Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority(ctx)
    }

    /// Stops or resumes kinds of new work.
    #[discrim = 4]
    pub fn set_pause(ctx: &mut Context<SetPause>, flags: u8) -> Result<()> {
        instructions::set_pause(ctx, flags)
    }

    /// Adds tokens to the pool.
    #[discrim = 5]
    pub fn fund_pool(ctx: &mut Context<FundPool>, amount: u64) -> Result<()> {
        instructions::fund_pool(ctx, amount)
    }

    /// Pays out the fees taken so far.
    #[discrim = 6]
    pub fn collect_fees(ctx: &mut Context<CollectFees>) -> Result<()> {
        instructions::collect_fees(ctx)
    }

    /// Pays out an announced withdrawal of the pool.
    #[discrim = 7]
    pub fn withdraw_pool(ctx: &mut Context<WithdrawPool>) -> Result<()> {
        instructions::withdraw_pool(ctx)
    }

    /// Registers a device whose key proves possession.
    #[discrim = 10]
    #[inline(always)]
    pub fn register_device(
        ctx: &mut Context<RegisterDevice>,
        terms: DeviceTerms,
        possession: Option<[u8; 104]>,
    ) -> Result<()> {
        instructions::register_device(ctx, terms, possession)
    }

    /// Changes a device's key, capacity, payout wallet, evidence or owner.
    #[discrim = 11]
    pub fn update_device(ctx: &mut Context<UpdateDevice>, update: DeviceUpdate) -> Result<()> {
        instructions::update_device(ctx, update)
    }

    /// Ends a device and closes it as soon as nothing is owed.
    #[discrim = 12]
    pub fn retire_device(ctx: &mut Context<RetireDevice>) -> Result<()> {
        instructions::retire_device(ctx)
    }

    /// Adds to a device's bond.
    #[discrim = 13]
    pub fn deposit_bond(ctx: &mut Context<DepositBond>, amount: u64) -> Result<()> {
        instructions::deposit_bond(ctx, amount)
    }

    /// Says how much of a bond is to leave, or pays out what is due.
    #[discrim = 14]
    pub fn withdraw_bond(ctx: &mut Context<WithdrawBond>, amount: Option<u64>) -> Result<()> {
        instructions::withdraw_bond(ctx, amount)
    }

    /// Opens a consumer's tab.
    #[discrim = 30]
    pub fn open_tab(ctx: &mut Context<OpenTab>) -> Result<()> {
        instructions::open_tab(ctx)
    }

    /// Puts tokens into a tab.
    #[discrim = 31]
    pub fn deposit(ctx: &mut Context<Deposit>, amount: u64) -> Result<()> {
        instructions::deposit(ctx, amount)
    }

    /// Takes tokens out of a tab's balance.
    #[discrim = 32]
    pub fn withdraw(ctx: &mut Context<Withdraw>, amount: u64) -> Result<()> {
        instructions::withdraw(ctx, amount)
    }

    /// Lets a key spend within limits, or revokes it.
    #[discrim = 33]
    pub fn set_delegate(ctx: &mut Context<SetDelegate>, slot: u8, terms: Option<DelegateTerms>) -> Result<()> {
        instructions::set_delegate(ctx, slot, terms)
    }

    /// Sets money aside for a device, on a new lane or on one that the signer opened.
    #[discrim = 34]
    #[inline(always)]
    pub fn reserve_lane(ctx: &mut Context<ReserveLane>, nonce: Option<u32>, amount: u64) -> Result<()> {
        instructions::reserve_lane(ctx, nonce, amount)
    }

    /// Starts a lane's end, or ends it.
    #[discrim = 37]
    pub fn close_lane(ctx: &mut Context<CloseLane>, nonce: u32) -> Result<()> {
        instructions::close_lane(ctx, nonce)
    }

    /// Closes an empty tab.
    #[discrim = 38]
    pub fn close_tab(ctx: &mut Context<CloseTab>) -> Result<()> {
        instructions::close_tab(ctx)
    }

    /// Asks a consumer to pay.
    #[discrim = 40]
    pub fn create_invoice(ctx: &mut Context<CreateInvoice>, number: u64, terms: InvoiceTerms) -> Result<()> {
        instructions::create_invoice(ctx, number, terms)
    }

    /// Pays an invoice or a part of it.
    #[discrim = 41]
    #[inline(always)]
    pub fn pay_invoice(ctx: &mut Context<PayInvoice>, amount: u64, terms: [u8; 32]) -> Result<()> {
        instructions::pay_invoice(ctx, amount, &terms)
    }

    /// Ends an invoice.
    #[discrim = 42]
    pub fn void_invoice(ctx: &mut Context<VoidInvoice>) -> Result<()> {
        instructions::void_invoice(ctx)
    }

    /// Gives a part of what an invoice was paid back.
    #[discrim = 43]
    pub fn refund_invoice(ctx: &mut Context<RefundInvoice>, amount: u64) -> Result<()> {
        instructions::refund_invoice(ctx, amount)
    }

    /// Opens a page of claimed watermarks.
    #[discrim = 50]
    pub fn open_page(ctx: &mut Context<OpenPage>, number: u32) -> Result<()> {
        instructions::open_page(ctx, number)
    }

    /// Commits to the root of an epoch that is over, and approves it.
    #[discrim = 51]
    pub fn commit_epoch(ctx: &mut Context<CommitEpoch>, commitment: Commitment) -> Result<()> {
        instructions::commit_epoch(ctx, &commitment)
    }

    /// Approves a commitment, withdraws an approval, or vetoes it.
    #[discrim = 52]
    pub fn vote_epoch(ctx: &mut Context<VoteEpoch>, vote: EpochVote) -> Result<()> {
        instructions::vote_epoch(ctx, &vote)
    }

    /// Makes a root final that enough attestors approved and nobody vetoed in time.
    #[discrim = 53]
    pub fn finalize_epoch(ctx: &mut Context<FinalizeEpoch>) -> Result<()> {
        instructions::finalize_epoch(ctx)
    }

    /// A device's owner promises a consumer to deliver on a lane by a deadline.
    #[discrim = 60]
    pub fn open_sla(ctx: &mut Context<OpenSla>, terms: SlaTerms) -> Result<()> {
        instructions::open_sla(ctx, terms)
    }

    /// Ends an SLA, with the penalty for what was not delivered.
    #[discrim = 61]
    pub fn enforce_sla(ctx: &mut Context<EnforceSla>) -> Result<()> {
        instructions::enforce_sla(ctx)
    }

    /// The device's owner contests a penalty.
    #[discrim = 62]
    pub fn contest_sla(ctx: &mut Context<ContestSla>) -> Result<()> {
        instructions::contest_sla(ctx)
    }

    /// An attestor says whether a contested penalty is due.
    #[discrim = 63]
    pub fn vote_sla(ctx: &mut Context<VoteSla>, upheld: Option<bool>) -> Result<()> {
        instructions::vote_sla(ctx, upheld)
    }

    /// Disputes a record that a device signed.
    #[discrim = 64]
    pub fn open_dispute(
        ctx: &mut Context<OpenDispute>,
        record: DisputedRecord,
        later: &[u8],
        receipt: Option<&[u8; 104]>,
    ) -> Result<()> {
        instructions::open_dispute(ctx, record, later, receipt)
    }

    /// An attestor says what re-execution found.
    #[discrim = 65]
    pub fn vote_dispute(ctx: &mut Context<VoteDispute>, finding: u8) -> Result<()> {
        instructions::vote_dispute(ctx, finding)
    }

    /// Ends a dispute.
    #[discrim = 66]
    pub fn resolve_dispute(ctx: &mut Context<ResolveDispute>, shown: Option<ShownRecord>) -> Result<()> {
        instructions::resolve_dispute(ctx, shown.as_ref())
    }

    /// Closes a dispute that ended guilty, after the device's account.
    #[discrim = 67]
    pub fn close_dispute(ctx: &mut Context<CloseDispute>) -> Result<()> {
        instructions::close_dispute(ctx)
    }
}
