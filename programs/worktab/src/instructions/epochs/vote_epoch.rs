use crate::errors::WorktabError;
use crate::events::EpochVoted;
use crate::state::{Epoch, Network};
use anchor_lang::prelude::*;

/// Values of `EpochVote::vote`.
mod choice {
    pub const WITHDRAW: u8 = 0;
    pub const APPROVE: u8 = 1;
    pub const VETO: u8 = 2;
}

/// A vote, and what the voter re-executed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct EpochVote {
    /// 0 withdraws an attestor's approval, 1 approves, 2 is the guardian's veto, which stays.
    pub vote: u8,
    pub records_checked: u32,
    /// Those of them that did not agree.
    pub records_failed: u32,
    /// Milliseconds it took.
    pub check_ms: u32,
}

/// A vote on a commitment. Nothing stops a vote: a pause of finalizing is there for it to be changed in.
#[derive(Accounts)]
pub struct VoteEpoch {
    /// An attestor of the network; for a veto, its guardian.
    pub voter: Signer,
    pub network: Account<Network>,
    #[account(mut)]
    pub epoch: Account<Epoch>,
}

pub fn vote_epoch(ctx: &mut Context<VoteEpoch>, vote: &EpochVote) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, epoch, voter) = (&accounts.network, &mut accounts.epoch, accounts.voter.address());
    epoch.require_of(network.address())?;
    match vote.vote {
        choice::VETO => {
            require!(voter == &network.guardian, WorktabError::Unauthorized);
            epoch.vetoed = 1;
        }
        choice::WITHDRAW | choice::APPROVE => {
            require!(epoch.vetoed == 0, WorktabError::CommitmentVetoed);
            let bit = network.attestor_bit(voter)?;
            epoch.vote(network, bit, vote.vote == choice::APPROVE, super::super::now()?);
        }
        _ => return Err(WorktabError::InvalidParameter.into()),
    }
    emit!(EpochVoted {
        epoch: *epoch.address(),
        voter: *voter,
        vote: vote.vote,
        approvals: u8::try_from(epoch.approvals.count_ones()).unwrap_or(u8::MAX),
        records_checked: vote.records_checked,
        records_failed: vote.records_failed,
        check_ms: vote.check_ms,
    });
    Ok(())
}
