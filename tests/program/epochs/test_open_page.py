"""open_page: which pages there may be, and that there is one of each."""

from __future__ import annotations

import pytest

from support.epochs import PAGE, Payee, Roots, roots_of
from support.parties import NOBODY
from support.world import World
from worktab.core.addresses import find_page
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.events import PageOpened

RENT = 58_464_000
"""Lamports that a Page account of 8,272 bytes must hold: 8 bytes a payee, and 80."""


def with_count(roots: Roots, count: int) -> None:
    """Makes a root of so many payees final, past every rule."""
    roots.world.patch_network(roots.network, root_count=count, root=bytes([1]) * 32)


def test_a_page_is_opened_empty_by_anyone(world: World, roots: Roots) -> None:
    with_count(roots, 1)
    stranger = world.keypair(lamports=10**9)
    before = world.data(roots.network.address)

    result = world.send(roots.open_page(0, payer=stranger.pubkey()), payer=stranger)

    assert result.event() == PageOpened(network=roots.network.address, number=0)
    address, bump = find_page(PROGRAM_ID, roots.network.address, 0)
    assert state.Page.decode(world.data(address)) == state.Page(
        network=roots.network.address,
        rent_payer=stranger.pubkey(),
        number=0,
        bump=bump,
        version=1,
        reserved=bytes(2),
        claimed=(0,) * PAGE,
    )
    assert world.lamports(address) == RENT
    assert world.lamports(stranger.pubkey()) == 10**9 - RENT - result.fee
    assert world.data(roots.network.address) == before


def test_before_the_first_root_there_is_no_page(world: World, roots: Roots) -> None:
    assert world.send(roots.open_page(0)).error_name == "WrongPage"


@pytest.mark.parametrize(
    ("count", "pages"), [(1, 1), (PAGE, 1), (PAGE + 1, 2), (3 * PAGE, 3), (2**32 - 1, 2**22), (2**20, 2**10)]
)
def test_there_is_a_page_for_every_payee_and_none_beyond(world: World, roots: Roots, count: int, pages: int) -> None:
    with_count(roots, count)

    for number in (0, pages - 1):
        if world.account(roots.page_address(number)) is None:
            assert world.send(roots.open_page(number)).event().number == number
    # 2^22 pages hold 2^32 payees: the first position of the next one is beyond all numbers, not the first again.
    for number in (pages, pages + 1, 2**22, 2**31, 2**32 - 1):
        assert world.send(roots.open_page(number)).error_name == "WrongPage"
        assert world.account(roots.page_address(number)) is None


def test_a_page_is_opened_once_and_keeps_what_was_claimed(world: World, roots: Roots) -> None:
    root = roots.root(0, roots.payees(100))
    roots.make_final(root)
    roots.must(roots.claim(root, 0))

    assert world.send(roots.open_page(0)).error == "Custom(0)"

    assert roots.watermark(0) == 100


def test_pages_stay_while_roots_follow(world: World, roots: Roots) -> None:
    root = roots.root(0, roots.payees(100))
    roots.make_final(root)
    kept = world.data(roots.page_address(0))
    world.next_epoch(roots.network)

    roots.make_final(roots.raised(root, 1, 1))

    assert world.data(roots.page_address(0)) == kept


def test_pages_need_not_be_opened_in_their_order(world: World, roots: Roots) -> None:
    payees: list[Payee | None] = [None] * (2 * PAGE)
    wallet = roots.wallet().pubkey()
    root = roots.root(0, [*payees, Payee(wallet, 5)])
    commitment = roots.commit_to(root)
    world.advance(600)
    roots.must(roots.finalize(commitment), roots.open_page(2))

    assert world.send(roots.claim(root, 2 * PAGE)).event().amount == 5

    assert roots.watermark(2 * PAGE) == 5
    assert world.account(roots.page_address(0)) is world.account(roots.page_address(1)) is None


def test_a_page_stands_at_its_own_address_only(world: World, roots: Roots) -> None:
    with_count(roots, 3 * PAGE)
    other = roots_of(world)
    with_count(other, 1)

    for address in (roots.page_address(1), other.page_address(0), world.keypair().pubkey()):
        assert world.send(roots.open_page(0, page=address)).error_name == "InvalidSeeds"
        assert world.account(address) is None
    assert world.send(roots.open_page(0, network=other.network.address)).error_name == "InvalidSeeds"
    assert world.send(roots.open_page(0, network=NOBODY)).error_name == "IllegalOwner"


def test_lamports_sent_ahead_do_not_keep_a_page_from_being_opened(world: World, roots: Roots) -> None:
    with_count(roots, 1)
    world.runtime.airdrop(roots.page_address(0), 10**6)
    before = world.lamports(world.payer.pubkey())

    result = world.send(roots.open_page(0))

    assert result.ok
    assert world.lamports(roots.page_address(0)) == RENT
    assert world.lamports(world.payer.pubkey()) == before - (RENT - 10**6) - result.fee


def test_nothing_pauses_a_page(world: World, roots: Roots) -> None:
    with_count(roots, 1)
    world.must(world.pause(roots.network, 31))

    assert world.send(roots.open_page(0)).ok
