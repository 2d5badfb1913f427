use crate::domain::Amount;
use crate::errors::{ensure, refusal};
use crate::events::{ClaimLog, LoggedEntry};
use crate::state::{Device, Network};
use crate::token::{is_associated_account, is_payable, pay_out};
use anchor_lang::{address_eq, prelude::*, sol_log_data, AccountView};

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

#[inline(always)]
pub fn claim(ctx: &mut Context<Claim>, payout_bump: u8) -> Result<()> {
    let devices = ctx.remaining_accounts()?;
    let accounts = &mut ctx.accounts;
    let network_view = *accounts.network.view();
    let payout = accounts.payout.address();
    let network = &mut *accounts.network;
    ensure!(
        address_eq(accounts.vault.address(), &network.vault) && address_eq(accounts.mint.address(), &network.mint),
        AddressMismatch
    );
    let (token_program, mint) = (&network.token_program, &network.mint);
    let payout_account = accounts.payout_account.account();
    ensure!(
        is_associated_account(payout_account.address(), payout, token_program, mint, payout_bump),
        WrongPayoutAccount
    );
    let payable = is_payable(payout_account, token_program, mint, payout);

    let mut log = ClaimLog::new(network_view.address(), payout, devices.len())?;
    let mut total = Amount::ZERO;
    for (account, entry) in devices.iter().zip(log.entries()) {
        total = total.plus(collect(*account, network_view.address(), payout, payable, entry)?)?;
    }
    network.pool_owed = network.pool_owed.minus(total)?;
    if total > Amount::ZERO {
        pay_out(
            &accounts.network,
            accounts.vault.account(),
            accounts.mint.account(),
            payout_account,
            total.get(),
        )?;
        accounts.network.accounted = accounts.network.accounted.minus(total)?;
    }
    sol_log_data(&[log.bytes(total)]);
    Ok(())
}

/// Takes what one device is owed, or notes why not.
#[inline(never)]
fn collect(
    account: AccountView,
    network: &Address,
    payout: &Address,
    payable: bool,
    entry: &mut LoggedEntry,
) -> Result<Amount> {
    if is_closed(&account) {
        entry.device = u32::MAX;
        entry.outcome = outcome::CLOSED;
        return Ok(Amount::ZERO);
    }
    require!(account.is_writable(), ErrorCode::ConstraintMut);
    // SAFETY: one device is held at a time, so a device named twice is not borrowed twice; the declared accounts are
    // others, which `remaining_accounts` checks.
    let mut device = unsafe { <Account<Device> as AnchorAccount>::load_mut(account)? };
    let device = &mut *device;
    device.require_of(network)?;
    let owed = device.rewards_owed;
    entry.device = device.index;
    entry.rewards = owed.get();
    entry.outcome = if owed == Amount::ZERO {
        outcome::NOTHING_OWED
    } else if !address_eq(&device.payout, payout) {
        outcome::OTHER_PAYOUT
    } else if device.open_disputes != 0 {
        outcome::DISPUTED
    } else if !payable {
        outcome::UNPAYABLE
    } else {
        device.rewards_owed = Amount::ZERO;
        entry.outcome = outcome::PAID;
        return Ok(owed);
    };
    Ok(Amount::ZERO)
}

/// An account that no longer exists: a device may close between the building of a claim and its landing.
#[inline(always)]
fn is_closed(account: &AccountView) -> bool {
    account.data_len() == 0 && account.owned_by(&System::id())
}
