//! Worktab: machines get paid for work they can prove.
//!
//! A device signs receipts over the head of its chain of job records; this program records them, accrues rewards from
//! a network's pool within budgets, and pays them out.

pub mod domain;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod state;
pub mod token;
pub mod wire;

use anchor_lang::prelude::*;
pub use instructions::*;
use state::Change;
// 128-bit arithmetic on chain.
#[cfg(any(target_arch = "bpf", target_os = "solana"))]
use solana_compiler_builtins as _;

declare_id!("WTabQ1vSgsr1n9fYZDaPqkbPrFovTkrLZkNzBRPJSPc");

/// Instruction numbers are published and frozen. The hottest stand first: they are looked up in this order, and inline:
/// where the walk over the accounts is known to begin, its steps become constants.
#[program]
pub mod worktab {
    use super::*;

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
}
