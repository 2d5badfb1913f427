use crate::errors::WorktabError;
use crate::events::DisputeVoted;
use crate::state::{verdict, Dispute, Network};
use anchor_lang::prelude::*;

/// What an attestor found.
pub mod finding {
    /// Takes the vote back.
    pub const WITHDRAWN: u8 = 0;
    /// Re-execution agrees with the record.
    pub const AGREES: u8 = 1;
    /// Output, fuel or another field differs, or the job can't have run.
    pub const DIFFERS: u8 = 2;
    /// The device did not serve the record's data by half time; not where only an attestor says that it signed the record.
    pub const WITHHELD: u8 = 3;
    /// An earlier record of the device shows the same work, and nobody paid for either.
    pub const REPEATED: u8 = 4;
}

/// An attestor's vote on a dispute. All findings but the first two say that the device is guilty.
#[derive(Accounts)]
pub struct VoteDispute {
    pub attestor: Signer,
    pub network: Account<Network>,
    #[account(mut)]
    pub dispute: Account<Dispute>,
}

pub fn vote_dispute(ctx: &mut Context<VoteDispute>, finding: u8) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, dispute) = (&accounts.network, &mut accounts.dispute);
    dispute.require_open(network.address())?;
    let guilty = match finding {
        finding::WITHDRAWN => None,
        finding::AGREES => Some(false),
        finding::DIFFERS | finding::WITHHELD | finding::REPEATED => Some(true),
        _ => return Err(WorktabError::InvalidParameter.into()),
    };
    let now = super::super::now()?;
    require!(
        now < dispute.deadline && dispute.found == verdict::OPEN,
        WorktabError::VotingOver
    );
    if finding == finding::WITHHELD {
        // The record may never have been signed.
        require!(dispute.vouched == 0, WorktabError::RecordNotSigned);
        require!(dispute.is_past_half(now), WorktabError::TooSoon);
    }
    let bit = network.attestor_bit(accounts.attestor.address())?;
    dispute.vote(network, bit, guilty);
    let (yes, no) = dispute.votes.counts();
    emit!(DisputeVoted {
        dispute: *dispute.address(),
        attestor: *accounts.attestor.address(),
        finding,
        guilty: yes,
        not_guilty: no,
    });
    Ok(())
}
