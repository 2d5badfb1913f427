// The derived code binds the arguments of `#[instruction(..)]` also where it does not use them.
#![allow(unused_variables)]

use crate::domain::Seconds;
use crate::errors::WorktabError;
use crate::events::NetworkCreated;
use crate::state::{basis, reward_path, ClassTerms, Delays, Network, LAYOUT_VERSION, MAX_CLASSES, NETWORK_SEED};
use crate::token::{create_vault, require_safe_mint};
use crate::wire::context;
use anchor_lang::prelude::*;

/// What the creator of a network chooses.
#[derive(Clone, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct NetworkTerms {
    /// Tells one creator's networks apart.
    pub id: u64,
    /// Genesis hash of the cluster: programs can't read it, so SDKs check it.
    pub genesis_hash: [u8; 32],
    /// May pause new work; zero for none.
    pub guardian: Address,
    /// Length of an epoch in seconds; never changes.
    pub epoch_length: u32,
    /// 1 receipts, 2 roots.
    pub reward_path: u8,
    /// 1 all eligible units, 2 only units sold.
    pub basis: u8,
    /// 1 when devices need an admission signature.
    pub admission: u8,
    pub fee_bps: u16,
    pub burn_bps: u16,
    /// Seconds.
    pub parameter_delay: u32,
    /// Seconds; an hour or more.
    pub lane_close_delay: u32,
    /// Seconds.
    pub challenge_delay: u32,
    /// Seconds; not below the challenge delay.
    pub unbonding_delay: u32,
    /// What a challenger deposits, base units; 0 for no disputes.
    pub dispute_deposit: u64,
    /// Most of a bond that one guilty dispute slashes, basis points, 10,000 at most.
    pub slash_bps: u16,
    /// Attestors that must agree; more than half, 0 without attestors.
    pub threshold: u8,
    /// 16 at most.
    pub attestors: Vec<Address>,
    /// 8 at most; later ones are added by changes.
    pub classes: Vec<ClassTerms>,
}

#[derive(Accounts)]
#[instruction(terms: NetworkTerms)]
pub struct CreateNetwork {
    /// Pays the rent; may be any other account here as well, since only lamports are taken from it.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    /// Creator and first authority.
    pub creator: Signer,
    #[account(init, payer = payer, seeds = [NETWORK_SEED, creator.address().as_ref(), &terms.id.to_le_bytes()], bump)]
    pub network: Account<Network>,
    pub mint: UncheckedAccount,
    /// The network's associated token account; created unless it exists.
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
    pub associated_token_program: Program<crate::instructions::networks::AssociatedToken>,
    pub system_program: Program<System>,
}

pub use anchor_lang::programs::AssociatedToken;

pub fn create_network(ctx: &mut Context<CreateNetwork>, terms: NetworkTerms) -> Result<()> {
    let bump = ctx.bumps.network;
    let accounts = &mut ctx.accounts;
    let mint = *accounts.mint.address();
    let decimals = require_safe_mint(accounts.mint.account())?;
    require!(
        accounts.mint.account().owned_by(accounts.token_program.address()),
        WorktabError::UnsafeMint
    );
    require!(
        terms.epoch_length > 0
            && (terms.reward_path == reward_path::RECEIPTS || terms.reward_path == reward_path::ROOTS)
            && (terms.basis == basis::ALL_UNITS
                || (terms.basis == basis::SOLD_UNITS && terms.reward_path == reward_path::RECEIPTS))
            && terms.classes.len() <= MAX_CLASSES,
        WorktabError::InvalidParameter
    );
    let now = super::super::now()?;
    let address = *accounts.network.address();
    let network = &mut accounts.network;
    network.creator = *accounts.creator.address();
    network.authority = *accounts.creator.address();
    network.guardian = terms.guardian;
    network.mint = mint;
    network.vault = *accounts.vault.address();
    network.token_program = *accounts.token_program.address();
    network.rent_payer = *accounts.payer.address();
    network.domain = context::domain(&terms.genesis_hash, crate::ID.as_array(), address.as_array());
    network.id = terms.id;
    network.created_at = now;
    network.epoch_length = Seconds(terms.epoch_length);
    network.reward_path = terms.reward_path;
    network.basis = terms.basis;
    network.decimals = decimals;
    network.bump = bump;
    network.version = LAYOUT_VERSION;
    network.set_admission(terms.admission)?;
    network.set_fees(terms.fee_bps, terms.burn_bps)?;
    network.set_delays(&Delays {
        parameter: Seconds(terms.parameter_delay),
        lane_close: Seconds(terms.lane_close_delay),
        challenge: Seconds(terms.challenge_delay),
        unbonding: Seconds(terms.unbonding_delay),
    })?;
    network.set_disputes(terms.dispute_deposit, terms.slash_bps)?;
    network.set_attestors(&terms.attestors, terms.threshold)?;
    for (class, class_terms) in network.classes.iter_mut().zip(&terms.classes) {
        class.set(class_terms)?;
    }
    create_vault(
        accounts.payer.account(),
        accounts.vault.account(),
        accounts.network.view(),
        accounts.mint.account(),
        accounts.system_program.account(),
        accounts.token_program.account(),
    )?;
    emit!(NetworkCreated {
        network: address,
        authority: *accounts.creator.address(),
        mint,
        reward_path: terms.reward_path,
    });
    Ok(())
}
