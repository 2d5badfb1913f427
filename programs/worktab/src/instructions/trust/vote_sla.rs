use crate::errors::WorktabError;
use crate::events::SlaVoted;
use crate::state::{contest, Network, Sla};
use anchor_lang::prelude::*;

/// An attestor says whether the penalty of a contested SLA is due. As soon as enough agree, that stands.
#[derive(Accounts)]
pub struct VoteSla {
    pub attestor: Signer,
    pub network: Account<Network>,
    #[account(mut)]
    pub sla: Account<Sla>,
}

/// `upheld`: the penalty is due, or not; `None` withdraws the vote.
pub fn vote_sla(ctx: &mut Context<VoteSla>, upheld: Option<bool>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, sla) = (&accounts.network, &mut accounts.sla);
    require!(network.address() == &sla.network, WorktabError::WrongNetwork);
    require!(sla.contested == contest::CONTESTED, WorktabError::NotContested);
    require!(super::super::now()? < sla.decide_until, WorktabError::VotingOver);
    let bit = network.attestor_bit(accounts.attestor.address())?;
    sla.votes.vote(network, bit, upheld);
    match sla.votes.outcome(network, sla.threshold) {
        Some(true) => sla.contested = contest::UPHELD,
        Some(false) => sla.contested = contest::DISMISSED,
        None => {}
    }
    let (yes, no) = sla.votes.counts();
    emit!(SlaVoted {
        sla: *sla.address(),
        attestor: *accounts.attestor.address(),
        upheld,
        yes,
        no,
    });
    Ok(())
}
