"""What the roots of a network came to, and the ledger with claims from them, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.fleet import FUNDS, StartFleet
from support.network import Network
from support.rooted import Rooted, payees, raised
from worktab.chain.protocol import AccountData
from worktab.program.generated.accounts import Page
from worktab.roles.ledger import ledger_of
from worktab.roles.reading import NetworkReader
from worktab.roles.root_stats import RootStats, Verification
from worktab.roles.terms import RewardPath


async def test_statistics_of_roots(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet)
    operator = rooted.fleet.operator
    none = (await operator.stats()).roots
    assert none == RootStats(0, None, bytes(32), 0, 0, 0, 0, Verification(0, 0, 0))
    assert (none.claimed, none.claimed_bps) == (0, 0)
    assert (none.verification.failed_bps, none.verification.us_a_record) == (0, 0)

    await rooted.fleet.next_epoch()
    first = await rooted.root(0, payees(100, 200))
    await rooted.make_final(first, records_checked=30, records_failed=1, check_ms=70)
    await rooted.claimer.claim(first.proof(0))
    await rooted.fleet.next_epoch()
    second = await rooted.root(1, raised(first, 0, 50))
    await rooted.make_final(second, records_checked=10, records_failed=0, check_ms=5)

    stats = await operator.stats()
    assert stats.roots == RootStats(0, 1, second.tree.root, 2, 1_050, 350, 250, Verification(40, 1, 75))
    assert (stats.roots.claimed, stats.roots.claimed_bps) == (100, 2_857)
    # 0.025 of them, and 1.875 ms each.
    assert (stats.roots.verification.failed_bps, stats.roots.verification.us_a_record) == (250, 1_875)
    assert (stats.reward_path, stats.rewards_accrued, stats.rewards_owed) == (RewardPath.ROOTS, 350, 250)
    assert stats.pool_free == FUNDS - 350


def test_no_failure_is_rounded_away() -> None:
    assert [Verification(3, failed, 0).failed_bps for failed in range(4)] == [0, 3_334, 6_667, 10_000]
    assert Verification(10**9, 1, 0).failed_bps == 1


async def test_the_ledger_counts_what_payees_claimed(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet)
    operator = rooted.fleet.operator
    root = await rooted.final(0, payees(*range(10, 15)))
    before = await operator.ledger()
    assert (before.root_total, before.root_claimed, before.root_owed, before.pool_owed) == (60, 0, 60, 60)
    assert (before.vault, before.holds) == (FUNDS, True)

    await rooted.claimer.claim_all(root.proofs()[:3])

    after = await operator.ledger()
    assert (after.root_total, after.root_claimed, after.root_owed, after.pool_owed) == (60, 33, 27, 27)
    assert (after.vault, after.accounted, after.surplus, after.holds) == (FUNDS - 33, FUNDS - 33, 0, True)


async def test_a_watermark_that_does_not_add_up_is_found_out(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet)
    root = await rooted.final(0, payees(5, 6))
    await rooted.claimer.claim_all(root.proofs())
    assert (await rooted.fleet.operator.ledger()).holds
    address = rooted.claimer.reader.page_address(0)
    account = await rooted.fleet.chain.account(address)
    assert account is not None
    page = Page.decode(account.data)
    forged = replace(page, claimed=(4, *page.claimed[1:])).encode()
    await rooted.fleet.set_account(address, AccountData(account.lamports, account.owner, forged))
    ledger = await rooted.fleet.operator.ledger()
    assert (ledger.roots_hold, ledger.owed_holds, ledger.accounted_holds, ledger.holds) == (False, True, True, False)


async def test_a_ledger_with_claims_is_read_as_of_one_moment(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet)
    root = await rooted.final(0, payees(5, 6))
    await rooted.claimer.claim(root.proof(0))

    class Moving(Network):
        """Somebody claims after the first listing of devices and tabs, before the pages are read."""

        left = 1

        async def program_accounts(self, *args: Any) -> Any:
            found = await self.chain.program_accounts(*args)
            if self.left:
                self.left -= 1
                await rooted.claimer.claim(root.proof(1))
            return found

    chain = Moving(rooted.fleet.chain)
    ledger = ledger_of(await NetworkReader(chain, rooted.fleet.network).snapshot())
    assert (ledger.root_claimed, ledger.root_owed, ledger.vault, ledger.holds) == (11, 0, FUNDS - 11, True)
    assert chain.left == 0
    loose = await NetworkReader(chain, rooted.fleet.network).snapshot(exact=False)
    assert (loose.root_claimed, loose.tabs) == (0, None)
