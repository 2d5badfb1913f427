use crate::domain::Amount;
use crate::errors::{ensure, refusal};
use crate::events::RootClaimLog;
use crate::state::{load_changed, Network, Page, PAYEES_A_PAGE};
use crate::token::{is_associated_account, is_payable, pay_out};
use crate::wire::merkle::{is_depth, Leaf};
use anchor_lang::{address_eq, prelude::*, sol_log_data};

/// Pays a payee what the newest final root owes it beyond what it claimed before, in one transfer. Anyone may call it. A
/// payee with nothing owed, or whose account can't be paid now, is skipped: it never blocks another.
#[derive(Accounts)]
pub struct ClaimRoot {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub mint: UncheckedAccount,
    /// The page that the payee's position is on.
    #[account(mut)]
    pub page: UncheckedAccount,
    /// The payout wallet; only its address matters.
    pub payout: UncheckedAccount,
    /// The wallet's associated token account.
    #[account(mut)]
    pub payout_account: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

mod outcome {
    pub const PAID: u32 = 0;
    pub const NOTHING_OWED: u32 = 1;
    pub const UNPAYABLE: u32 = 5;
}

#[inline(always)]
pub fn claim_root(
    ctx: &mut Context<ClaimRoot>,
    position: u32,
    lifetime_reward: u64,
    devices_root: &[u8; 32],
    payout_bump: u8,
    siblings: &[u8],
) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let payout = accounts.payout.address();
    let network_address = accounts.network.address();
    let network = &*accounts.network;
    network.require_vault(accounts.vault.address(), accounts.mint.address())?;

    let payout_account = accounts.payout_account.account();
    ensure!(
        is_associated_account(
            payout_account.address(),
            payout,
            &network.token_program,
            &network.mint,
            payout_bump
        ),
        WrongPayoutAccount
    );

    let (siblings, rest) = siblings.as_chunks();
    let leaf = Leaf {
        domain: &network.domain,
        epoch: network.root_epoch.0,
        position,
        payout: payout.as_array(),
        lifetime_reward,
        devices_root,
    };
    ensure!(
        position < network.root_count
            && rest.is_empty()
            && is_depth(siblings.len(), network.root_count)
            && leaf.leads_to(&network.root, siblings),
        NotInRoot
    );

    // SAFETY: nothing else borrows the page, which is none of the other accounts: it is of another kind. One that is not
    // this program's can't be written, and where nothing is written nothing is paid.
    let page: &mut Page = unsafe { load_changed(*accounts.page.account())? };
    ensure!(
        address_eq(&page.network, network_address) && page.number == position / PAYEES_A_PAGE,
        WrongPage
    );
    let claimed = &mut page.claimed[(position % PAYEES_A_PAGE) as usize];

    let lifetime = Amount(lifetime_reward);
    let (amount, outcome) = if lifetime <= *claimed {
        (Amount::ZERO, outcome::NOTHING_OWED)
    } else {
        let due = lifetime.minus_part(*claimed);
        ensure!(due <= network.root_owed, RootExhausted);
        if is_payable(payout_account, &network.token_program, &network.mint, payout) {
            *claimed = lifetime;
            let (vault, mint) = (accounts.vault.account(), accounts.mint.account());
            pay_out(&accounts.network, vault, mint, payout_account, due.get())?;
            let network = &mut *accounts.network;
            network.root_owed = network.root_owed.minus_part(due);
            network.pool_owed = network.pool_owed.minus(due)?;
            network.accounted = network.accounted.minus(due)?;
            (due, outcome::PAID)
        } else {
            (Amount::ZERO, outcome::UNPAYABLE)
        }
    };
    let log = RootClaimLog::new(accounts.network.address(), payout, amount, position, outcome);
    sol_log_data(&[log.bytes()]);
    Ok(())
}
