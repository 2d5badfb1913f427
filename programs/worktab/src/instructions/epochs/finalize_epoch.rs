use crate::errors::WorktabError;
use crate::events::{EpochClosed, EpochFinalized};
use crate::state::{pause, Epoch, Network};
use anchor_lang::prelude::*;

/// Makes a root final: enough attestors approve, the challenge delay has passed, and the guardian did not veto. What it
/// adds to the lifetime total is owed from now on. The account closes; so does that of a commitment whose epoch another
/// final root covers. Anyone may call it.
#[derive(Accounts)]
pub struct FinalizeEpoch {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub epoch: Account<Epoch>,
    /// Who paid the account's rent.
    #[account(mut)]
    pub rent_payer: UncheckedAccount,
}

pub fn finalize_epoch(ctx: &mut Context<FinalizeEpoch>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.epoch.require_of(accounts.network.address())?;
    require!(
        accounts.rent_payer.address() == &accounts.epoch.rent_payer,
        WorktabError::AddressMismatch
    );
    if accounts.epoch.index < accounts.network.next_root_epoch()? {
        emit!(EpochClosed {
            network: accounts.epoch.network,
            epoch: *accounts.epoch.address(),
            index: accounts.epoch.index.0,
        });
    } else {
        make_final(accounts)?;
    }
    accounts.epoch.close(*accounts.rent_payer.account())?;
    Ok(())
}

fn make_final(accounts: &mut FinalizeEpoch) -> Result<()> {
    let (network, epoch) = (&mut *accounts.network, &accounts.epoch);
    network.require_running(pause::FINALIZE)?;
    epoch.require_final(network, network.challenge_delay, super::super::now()?)?;
    network.require_successor(epoch.index, epoch.count, epoch.total)?;
    let increase = epoch.total.minus(network.root_total)?;
    require!(
        u128::from(increase.get()) <= network.root_allowance(epoch.index)?,
        WorktabError::BudgetExceeded
    );
    require!(increase <= network.pool_free, WorktabError::PoolTooSmall);
    network.accrue(increase)?;
    network.root_owed = network.root_owed.plus(increase)?;
    network.root = epoch.root;
    network.root_data = epoch.data;
    network.root_epoch = epoch.index;
    network.root_count = epoch.count;
    network.root_total = epoch.total;
    network.root_units = epoch.units;
    network.records_checked = network.records_checked.saturating_plus(epoch.records_checked);
    network.records_failed = network.records_failed.saturating_plus(epoch.records_failed);
    network.check_ms = network.check_ms.saturating_plus(epoch.check_ms);
    emit!(EpochFinalized {
        network: epoch.network,
        epoch: *epoch.address(),
        index: epoch.index.0,
        root: epoch.root,
        count: epoch.count,
        increase: increase.get(),
    });
    Ok(())
}
