use crate::domain::slash::{undecided_part, Slash};
use crate::domain::{Amount, Overflow, Timestamp};
use crate::errors::WorktabError;
use crate::events::DisputeResolved;
use crate::state::{load_changed, status, verdict, Device, Dispute, Network, Tab};
use crate::wire::record::{amount, record_hash, tab};
use anchor_lang::{prelude::*, Discriminator};

/// What makes a disputed record readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
#[cfg_attr(feature = "idl-build", derive(IdlType))]
pub struct ShownRecord {
    pub salt: [u8; 32],
    /// The job record.
    pub record: [u8; 168],
}

/// Ends a dispute, as soon as enough attestors agree or, undecided, after its deadline. Anyone may call it. All money moves
/// to tabs, bond and pool: no token does.
#[derive(Accounts)]
pub struct ResolveDispute {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub device: Account<Device>,
    #[account(mut)]
    pub dispute: Account<Dispute>,
    /// The challenger's tab; if it was closed, what it would get is the pool's.
    #[account(mut, unsafe(dup))]
    pub tab: UncheckedAccount,
    /// The tab that the record names; may be the challenger's. Where there is no consumer, any account.
    #[account(mut, unsafe(dup))]
    pub consumer_tab: UncheckedAccount,
    /// Who paid the dispute's rent; may be any other account here as well.
    #[account(mut, unsafe(dup))]
    pub rent_payer: UncheckedAccount,
}

/// `shown` makes the consumer of a guilty device's record whole. It may only be left out long after the deadline: nobody may
/// hurry past the consumer.
pub fn resolve_dispute(ctx: &mut Context<ResolveDispute>, shown: Option<&ShownRecord>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let network = *accounts.network.address();
    let dispute = &accounts.dispute;
    dispute.require_open(&network)?;
    require!(
        accounts.device.address() == &dispute.device
            && accounts.tab.address() == &dispute.tab
            && accounts.rent_payer.address() == &dispute.rent_payer,
        WorktabError::AddressMismatch
    );
    let now = super::super::now()?;
    let outcome = dispute.end(now)?;
    let mut moved = match outcome {
        verdict::GUILTY => convict(accounts, shown, now)?,
        verdict::NOT_GUILTY => Moved {
            to_bond: dispute.deposit,
            ..Moved::default()
        },
        _ => {
            dispute.leave_time(&mut accounts.device, now)?;
            let part = undecided_part(dispute.deposit);
            Moved {
                to_bond: part,
                deposit_back: dispute.deposit.minus(part)?,
                ..Moved::default()
            }
        }
    };
    let (device, dispute) = (&mut accounts.device, &mut accounts.dispute);
    device.open_disputes = device.open_disputes.checked_sub(1).ok_or(Overflow)?;
    device.bond = device.bond.plus(moved.to_bond)?;

    let back = moved.deposit_back.plus(moved.to_challenger)?;
    if !credit(accounts.tab.account(), &network, back)? {
        moved.to_pool = moved.to_pool.plus(back)?;
        moved.deposit_back = Amount::ZERO;
        moved.to_challenger = Amount::ZERO;
    }
    let consumer = accounts.consumer_tab.account();
    if !credit(consumer, &network, moved.to_consumer)? {
        moved.to_pool = moved.to_pool.plus(moved.to_consumer)?;
        moved.to_consumer = Amount::ZERO;
    }
    let ledger = &mut accounts.network;
    ledger.pool_free = ledger.pool_free.plus(moved.to_pool)?.plus(moved.forfeited)?;
    ledger.pool_owed = ledger.pool_owed.minus(moved.forfeited)?;
    match outcome {
        verdict::GUILTY => ledger.disputes_guilty = ledger.disputes_guilty.saturating_add(1),
        verdict::NOT_GUILTY => ledger.disputes_not_guilty = ledger.disputes_not_guilty.saturating_add(1),
        _ => {}
    }
    let made_whole = moved.to_consumer > Amount::ZERO;
    emit!(DisputeResolved {
        dispute: *dispute.address(),
        device: *device.address(),
        tab: *accounts.tab.address(),
        verdict: outcome,
        consumer_tab: if made_whole {
            *consumer.address()
        } else {
            Address::default()
        },
        to_consumer: moved.to_consumer.get(),
        deposit_back: moved.deposit_back.get(),
        to_challenger: moved.to_challenger.get(),
        to_pool: moved.to_pool.get(),
        forfeited: moved.forfeited.get(),
        to_bond: moved.to_bond.get(),
    });
    dispute.deposit = Amount::ZERO;
    if outcome == verdict::GUILTY {
        // Stays as a memory, until the device's account closes.
        dispute.verdict = verdict::GUILTY;
        return Ok(());
    }
    accounts.dispute.close(*accounts.rent_payer.account())?;
    Ok(())
}

/// What a resolution moves.
#[derive(Default)]
struct Moved {
    to_consumer: Amount,
    to_challenger: Amount,
    to_pool: Amount,
    /// Of the deposit.
    deposit_back: Amount,
    to_bond: Amount,
    /// Rewards owed to the device that go back to the pool.
    forfeited: Amount,
}

/// Suspends the device, slashes its bond and takes back the rewards that it is still owed.
fn convict(accounts: &mut ResolveDispute, shown: Option<&ShownRecord>, now: Timestamp) -> Result<Moved> {
    let (network, device, dispute) = (&mut accounts.network, &mut accounts.device, &accounts.dispute);
    let owed = match shown {
        Some(shown) => {
            require!(
                record_hash(&shown.salt, &shown.record) == dispute.record_hash,
                WorktabError::WrongRecord
            );
            let consumer = tab(&shown.record);
            if consumer == [0; 32] {
                Amount::ZERO
            } else {
                require!(
                    accounts.consumer_tab.address().as_array() == &consumer,
                    WorktabError::AddressMismatch
                );
                Amount(amount(&shown.record))
            }
        }
        None => {
            require!(now >= dispute.show_until()?, WorktabError::RecordNeeded);
            Amount::ZERO
        }
    };
    let slash = Slash::of(device.bond, device.bond_held, network.slash_bps, owed, dispute.deposit)?;
    let total = slash.total()?;
    device.bond = device.bond.minus(total)?;
    device.unbonding = device.unbonding.min(device.bond.minus(device.bond_held)?);
    let forfeited = device.rewards_owed;
    device.rewards_owed = Amount::ZERO;
    device.lifetime_rewards = device.lifetime_rewards.less(forfeited);
    network.total_rewards = network.total_rewards.less(forfeited);
    network.total_slashed = network.total_slashed.saturating_plus(total);
    if device.status == status::ACTIVE {
        device.status = status::SUSPENDED;
        let epoch = network.epoch_at(now)?;
        let class = network.class_mut(device.class)?;
        device.give_up_capacity(class, epoch)?;
    }
    Ok(Moved {
        to_consumer: slash.consumer,
        to_challenger: slash.challenger,
        to_pool: slash.pool,
        deposit_back: dispute.deposit,
        to_bond: Amount::ZERO,
        forfeited,
    })
}

/// Adds to a tab's balance; says no where there is no such tab in the network any more.
fn credit(view: &AccountView, network: &Address, amount: Amount) -> Result<bool> {
    // SAFETY: nothing borrows the account's data, here or by the caller.
    let is_tab = view.owned_by(&crate::ID) && unsafe { view.borrow_unchecked() }.starts_with(Tab::DISCRIMINATOR);
    if !is_tab {
        return Ok(false);
    }
    // SAFETY: as above, and the reference ends with this function.
    let tab: &mut Tab = unsafe { load_changed(*view)? };
    if tab.require_of(network).is_err() {
        return Ok(false);
    }
    tab.credit(amount)?;
    Ok(true)
}
