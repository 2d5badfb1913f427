// The derived code binds the arguments of `#[instruction(..)]` also where it does not use them.
#![allow(unused_variables)]

use crate::domain::{Amount, Count, EpochIndex, Timestamp, Units};
use crate::errors::WorktabError;
use crate::events::EpochCommitted;
use crate::state::{pause, reward_path, Commitment, Epoch, Network, EPOCH_SEED, LAYOUT_VERSION};
use anchor_lang::pinocchio::sysvars::{clock::Clock, Sysvar};
use anchor_lang::prelude::*;

/// An attestor commits to the root of an epoch that is over, and approves it. Others may commit to another one: the first
/// that becomes final wins.
#[derive(Accounts)]
#[instruction(commitment: Commitment)]
pub struct CommitEpoch {
    /// Pays the rent; may be any other account here as well, since only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    pub attestor: Signer,
    pub network: Account<Network>,
    #[account(
        init,
        payer = payer,
        seeds = [
            EPOCH_SEED,
            network.address().as_ref(),
            &commitment.epoch.to_le_bytes(),
            &commitment.hash()
        ],
        bump
    )]
    pub epoch: Account<Epoch>,
    pub system_program: Program<System>,
}

pub fn commit_epoch(ctx: &mut Context<CommitEpoch>, commitment: &Commitment) -> Result<()> {
    let bump = ctx.bumps.epoch;
    let accounts = &mut ctx.accounts;
    let network = &accounts.network;
    network.require_running(pause::COMMIT)?;
    require!(network.reward_path == reward_path::ROOTS, WorktabError::WrongRewardPath);
    let bit = network.attestor_bit(accounts.attestor.address())?;
    let clock = Clock::get()?;
    let now = Timestamp(clock.unix_timestamp);
    let (index, total) = (EpochIndex(commitment.epoch), Amount(commitment.total));
    require!(index < network.epoch_at(now)?, WorktabError::EpochNotOver);
    network.require_successor(index, commitment.count, total)?;

    let epoch = &mut accounts.epoch;
    epoch.network = *network.address();
    epoch.rent_payer = *accounts.payer.address();
    epoch.root = commitment.root;
    epoch.data = commitment.data;
    epoch.index = index;
    epoch.total = total;
    epoch.units = Units(commitment.units);
    epoch.records_checked = Count(commitment.records_checked);
    epoch.records_failed = Count(commitment.records_failed);
    epoch.check_ms = Count(commitment.check_ms);
    epoch.committed_slot = clock.slot;
    epoch.count = commitment.count;
    epoch.attestor_version = network.attestor_version;
    epoch.bump = bump;
    epoch.version = LAYOUT_VERSION;
    epoch.vote(network, bit, true, now);
    emit!(EpochCommitted {
        network: epoch.network,
        epoch: *epoch.address(),
        attestor: *accounts.attestor.address(),
        index: commitment.epoch,
        root: commitment.root,
        count: commitment.count,
        total: commitment.total,
        units: commitment.units,
        records_checked: commitment.records_checked,
        records_failed: commitment.records_failed,
        check_ms: commitment.check_ms,
        data: commitment.data,
    });
    Ok(())
}
