"""claim_root: payout accounts that can't be paid are skipped, and what they are owed waits for them."""

from __future__ import annotations

import pytest

from support.epochs import NOTHING_OWED, PAID, UNPAYABLE, Payee, Root, Roots, roots_of
from support.payouts import BREAKINGS, Breaking, Payout, Repair, make_room_for_memos, require_memos
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID
from worktab.program.generated.events import RootClaimed


def assert_skipped_then_paid(roots: Roots, root: Root, repair: Repair) -> None:
    """Position 0 is skipped and still owed, blocks nobody in its transaction or the next root, and is paid later."""
    world, payout = roots.world, root.payee(0).payout
    roots.make_final(root)
    claim = roots.claim(root, 0)

    result = world.send(claim, roots.claim(root, 1), claim)

    assert result.ok, result.logs
    skipped = RootClaimed(roots.network.address, payout, amount=0, position=0, outcome=UNPAYABLE)
    assert result.events[0] == result.events[2] == skipped
    held = roots.read_network()
    assert (held.root_owed, held.pool_owed, roots.vault()) == (100, 100, held.accounted)
    assert (roots.watermark(0), roots.watermark(1), roots.balance(root, 1)) == (0, 40, 40)

    world.next_epoch(roots.network)
    later = roots.raised(root, 1, 5, 0)
    roots.make_final(later)
    assert world.send(roots.claim(later, 0)).event().outcome == UNPAYABLE

    repair()
    paid = world.send(roots.claim(later, 0)).event()
    assert (paid.amount, paid.outcome) == (105, PAID)
    assert (roots.balance(later, 0), roots.watermark(0), roots.read_network().root_owed) == (105, 105, 0)


def new_payout(roots: Roots) -> tuple[Payout, Root]:
    """A payout wallet with an open account, at position 0 of two with 100 and 40 base units."""
    wallet = roots.wallet()
    root = roots.root(0, [Payee(wallet.pubkey(), 100), *roots.payees(40)])
    return Payout(roots.world, roots.network.mint, wallet), root


@pytest.mark.parametrize("breaking", BREAKINGS, ids=lambda each: each.__name__.replace("_", " "))
def test_an_account_that_can_not_be_paid_waits(roots: Roots, breaking: Breaking) -> None:
    payout, root = new_payout(roots)

    assert_skipped_then_paid(roots, root, breaking(payout))


def test_an_account_never_opened_waits(world: World, roots: Roots) -> None:
    wallet = world.keypair().pubkey()
    root = roots.root(0, [Payee(wallet, 100), *roots.payees(40)])

    assert_skipped_then_paid(roots, root, lambda: roots.network.mint.open(wallet))


def test_an_account_that_asks_for_memos_waits(world: World) -> None:
    roots = roots_of(world, mint=create_mint(world, token_program=TOKEN_2022_PROGRAM_ID))
    payout, root = new_payout(roots)
    payout.do(make_room_for_memos(payout), require_memos(payout, True))

    assert_skipped_then_paid(roots, root, lambda: payout.do(require_memos(payout, False)))


def test_where_nothing_is_owed_the_account_does_not_matter(roots: Roots) -> None:
    payout, root = new_payout(roots)
    roots.make_final(root)
    roots.must(roots.claim(root, 0))
    payout.do(roots.network.mint.freeze(payout.account))

    assert roots.world.send(roots.claim(root, 0)).event().outcome == NOTHING_OWED


def test_what_can_not_be_paid_may_still_be_more_than_is_owed(roots: Roots) -> None:
    """A root that lies is refused before the account is looked at: nothing hides behind a frozen one."""
    payout, root = new_payout(roots)
    roots.make_final(root, total=99)
    payout.do(roots.network.mint.freeze(payout.account))

    assert roots.world.send(roots.claim(root, 0)).error_name == "RootExhausted"
