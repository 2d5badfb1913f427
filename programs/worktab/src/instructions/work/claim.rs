use crate::domain::Amount;
use crate::errors::WorktabError;
use crate::events::{ClaimEntry, Claimed};
use crate::state::{Device, Network};
use crate::token::{is_associated_account, is_payable, pay_out};
use anchor_lang::{address_eq, prelude::*, AccountView};

/// Pays one payout wallet what any number of its devices are owed, in one transfer. Anyone may call it.
///
/// Devices follow as remaining accounts. One that can't be paid now is skipped, with its pay still owed: it never
/// blocks another.
#[derive(Accounts)]
pub struct Claim {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub mint: UncheckedAccount,
    /// The payout wallet; only its address matters.
    pub payout: UncheckedAccount,
    /// The wallet's associated token account.
    #[account(mut)]
    pub payout_account: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

mod outcome {
    pub const PAID: u8 = 0;
    pub const NOTHING_OWED: u8 = 1;
    pub const OTHER_PAYOUT: u8 = 2;
    pub const DISPUTED: u8 = 3;
    pub const CLOSED: u8 = 4;
    pub const UNPAYABLE: u8 = 5;
}

pub fn claim(ctx: &mut Context<Claim>, payout_bump: u8) -> Result<()> {
    let devices = ctx.remaining_accounts()?;
    let accounts = &mut ctx.accounts;
    let network_address = *accounts.network.address();
    let payout = accounts.payout.address();
    let network = &mut *accounts.network;
    require!(
        address_eq(accounts.vault.address(), &network.vault) && address_eq(accounts.mint.address(), &network.mint),
        WorktabError::AddressMismatch
    );
    require!(
        is_associated_account(
            accounts.payout_account.address(),
            payout,
            &network.token_program,
            &network.mint,
            payout_bump
        ),
        WorktabError::WrongPayoutAccount
    );
    let payable = is_payable(
        accounts.payout_account.account(),
        &network.token_program,
        &network.mint,
        payout,
    );

    let mut total = Amount::ZERO;
    let mut entries = Vec::with_capacity(devices.len());
    for account in devices {
        let entry = collect(account, &network_address, payout, payable)?;
        if entry.outcome == outcome::PAID {
            total = total.plus(Amount(entry.rewards))?;
        }
        entries.push(entry);
    }
    network.pool_owed = network.pool_owed.minus(total)?;
    if total > Amount::ZERO {
        let moved = pay_out(
            &accounts.network,
            accounts.vault.account(),
            accounts.mint.account(),
            accounts.payout_account.account(),
            total.get(),
        )?;
        accounts.network.accounted = accounts.network.accounted.minus(Amount(moved))?;
    }
    emit!(Claimed {
        network: network_address,
        payout: *payout,
        amount: total.get(),
        entries,
    });
    Ok(())
}

/// Takes what one device is owed, or says why not.
#[inline(always)]
fn collect(account: AccountView, network: &Address, payout: &Address, payable: bool) -> Result<ClaimEntry> {
    if is_closed(&account) {
        return Ok(ClaimEntry {
            device: u32::MAX,
            rewards: 0,
            outcome: outcome::CLOSED,
        });
    }
    require!(account.is_writable(), ErrorCode::ConstraintMut);
    // SAFETY: one device is held at a time, so a device named twice is not borrowed twice; the declared accounts are
    // others, which `remaining_accounts` checks.
    let mut device = unsafe { <Account<Device> as AnchorAccount>::load_mut(account)? };
    let device = &mut *device;
    device.require_of(network)?;
    let owed = device.rewards_owed;
    let outcome = if owed == Amount::ZERO {
        outcome::NOTHING_OWED
    } else if !address_eq(&device.payout, payout) {
        outcome::OTHER_PAYOUT
    } else if device.open_disputes != 0 {
        outcome::DISPUTED
    } else if !payable {
        outcome::UNPAYABLE
    } else {
        device.rewards_owed = Amount::ZERO;
        outcome::PAID
    };
    Ok(ClaimEntry {
        device: device.index,
        rewards: owed.get(),
        outcome,
    })
}

/// An account that no longer exists: a device may close between the building of a claim and its landing.
#[inline(always)]
fn is_closed(account: &AccountView) -> bool {
    account.data_len() == 0 && account.owned_by(&System::id())
}
