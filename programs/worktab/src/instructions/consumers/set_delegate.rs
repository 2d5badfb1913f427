use crate::domain::Timestamp;
use crate::errors::WorktabError;
use crate::events::DelegateSet;
use crate::state::{delegate_status, Delegate, DelegateTerms, Tab};
use anchor_lang::prelude::*;

/// Gives a key leave to spend within limits, changes the limits, or, without terms, revokes it. Terms replace earlier
/// ones whole: nothing counts as spent yet.
#[derive(Accounts)]
pub struct SetDelegate {
    pub consumer: Signer,
    #[account(mut)]
    pub tab: Account<Tab>,
}

pub fn set_delegate(ctx: &mut Context<SetDelegate>, slot: u8, terms: Option<DelegateTerms>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let address = *accounts.tab.address();
    let tab = &mut accounts.tab;
    require!(accounts.consumer.address() == &tab.consumer, WorktabError::Unauthorized);
    require!(slot != 0, WorktabError::InvalidParameter);
    let now = super::super::now()?;
    let place = usize::from(slot).saturating_sub(1);
    require!(place < tab.delegates.len(), WorktabError::InvalidParameter);
    if let Some(terms) = &terms {
        require_sound(terms, now)?;
        // Which slot a signer spends from must be plain.
        let elsewhere = tab.number_of(&terms.key).is_ok_and(|number| number != slot);
        require!(!elsewhere, WorktabError::InvalidParameter);
    }
    let delegate = &mut tab.delegates[place];
    let key = Address::new_from_array(delegate.key);
    match &terms {
        Some(terms) => {
            // The vouchers of the key before must stay good.
            require!(delegate.lanes == 0 || key == terms.key, WorktabError::SlotInUse);
            *delegate = Delegate::new(terms, delegate.lanes, now);
        }
        None => {
            require!(
                delegate.status == delegate_status::ACTIVE,
                WorktabError::DelegateRevoked
            );
            delegate.revoke();
        }
    }
    let said = terms.unwrap_or(DelegateTerms {
        key,
        allowance: 0,
        period_limit: 0,
        period_length: 0,
        lane_limit: 0,
        expires_at: 0,
        classes: 0,
    });
    emit!(DelegateSet {
        tab: address,
        slot,
        status: tab.delegates[place].status,
        key: said.key,
        allowance: said.allowance,
        period_limit: said.period_limit,
        period_length: said.period_length,
        lane_limit: said.lane_limit,
        expires_at: said.expires_at,
        classes: said.classes,
    });
    Ok(())
}

/// Terms that could never let anything be spent are a mistake, and so are values that are not read.
fn require_sound(terms: &DelegateTerms, now: Timestamp) -> Result<()> {
    require!(
        terms.key != Address::default()
            && terms.classes != 0
            && terms.lane_limit > 0
            && terms.allowance > 0
            && (terms.expires_at == 0 || terms.expires_at > now.0)
            && (terms.period_length != 0) == (terms.period_limit != 0),
        WorktabError::InvalidParameter
    );
    Ok(())
}
