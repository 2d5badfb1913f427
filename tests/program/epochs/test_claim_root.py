"""claim_root: who is paid what, once, across any number of roots."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.epochs import NOTHING_OWED, PAGE, PAID, Payee, Root, Roots, roots_of
from support.parties import EPOCH, FUNDS
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID
from worktab.core.merkle import depth
from worktab.program.generated.events import RootClaimed

U64 = 2**64 - 1


def outcomes(*events: object) -> list[tuple[int, int]]:
    """Amount and outcome of each claim."""
    return [(each.amount, each.outcome) for each in events if isinstance(each, RootClaimed)]


@pytest.mark.parametrize("by_stranger", [True, False])
def test_a_claim_pays_the_payout_wallet_exactly(world: World, roots: Roots, root: Root, by_stranger: bool) -> None:
    roots.make_final(root)
    before = roots.read_network()
    payer = world.keypair(lamports=10**9) if by_stranger else None

    result = world.send(roots.claim(root, 2), payer=payer)

    assert result.event() == RootClaimed(
        network=roots.network.address, payout=root.payee(2).payout, amount=300, position=2, outcome=PAID
    )
    assert [roots.balance(root, position) for position in range(5)] == [0, 0, 300, 0, 0]
    assert [roots.watermark(position) for position in range(6)] == [0, 0, 300, 0, 0, 0]
    assert roots.vault() == FUNDS - 300
    assert (before.root_owed, before.pool_owed, before.accounted) == (1_500, 1_500, FUNDS)
    assert roots.read_network() == replace(before, root_owed=1_200, pool_owed=1_200, accounted=FUNDS - 300)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 17])
def test_everybody_of_a_tree_of_any_size_is_paid(world: World, roots: Roots, count: int) -> None:
    root = roots.root(0, roots.payees(*range(1, count + 1)))
    roots.make_final(root)

    for position in reversed(range(count)):
        assert world.send(roots.claim(root, position)).event().amount == position + 1

    assert root.tree.depth == depth(count)
    assert [roots.balance(root, position) for position in range(count)] == list(range(1, count + 1))
    held = roots.read_network()
    assert (held.root_owed, held.pool_owed, held.accounted) == (0, 0, FUNDS - count * (count + 1) // 2)


def test_empty_positions_between_payees_change_nothing(world: World, roots: Roots) -> None:
    first, second = roots.payees(10, 20)
    root = roots.root(0, [None, first, None, None, None, second])
    roots.make_final(root)

    assert [world.send(roots.claim(root, position)).event().amount for position in (1, 5)] == [10, 20]


def test_payees_on_both_sides_of_a_pages_edge_are_paid_from_their_pages(world: World, roots: Roots) -> None:
    last, first = roots.payees(10, 20)
    root = roots.root(0, [*[None] * (PAGE - 1), last, first])
    roots.make_final(root)

    for position in (PAGE - 1, PAGE):
        assert world.send(roots.claim(root, position)).ok
        assert world.send(roots.claim(root, position)).event().outcome == NOTHING_OWED

    assert [roots.watermark(position) for position in (0, PAGE - 1, PAGE, 2 * PAGE - 1)] == [0, 10, 20, 0]


def test_a_wallet_with_two_positions_is_paid_for_each(world: World, roots: Roots) -> None:
    wallet = roots.wallet().pubkey()
    root = roots.root(0, [Payee(wallet, 10), Payee(wallet, 30)])
    roots.make_final(root)

    result = world.send(roots.claim(root, 0), roots.claim(root, 1))

    assert outcomes(*result.events) == [(10, PAID), (30, PAID)]
    assert roots.balance(root, 0) == 40


def test_a_payee_who_earned_nothing_is_owed_nothing(world: World, roots: Roots) -> None:
    """Whatever its account is like, which need not exist."""
    root = roots.root(0, [Payee(world.keypair().pubkey(), 0), *roots.payees(1)])
    roots.make_final(root)
    before = roots.read_network()

    assert outcomes(world.send(roots.claim(root, 0)).event()) == [(0, NOTHING_OWED)]
    assert roots.read_network() == before


# Repeats, and roots one after the other


def test_a_repeated_claim_finds_nothing_owed(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)
    claim = roots.claim(root, 2)
    assert world.send(claim).ok
    before = roots.read_network()

    for _ in range(2):
        again = world.send(claim)
        assert outcomes(again.event()) == [(0, NOTHING_OWED)]
        assert "invoke [2]" not in " ".join(again.logs)

    assert (roots.balance(root, 2), roots.watermark(2), roots.read_network()) == (300, 300, before)


def test_claims_in_one_transaction_pay_once(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)

    result = world.send(roots.claim(root, 2), roots.claim(root, 2), roots.claim(root, 3))

    assert outcomes(*result.events) == [(300, PAID), (0, NOTHING_OWED), (400, PAID)]
    assert roots.read_network().root_owed == 800


def test_a_new_root_pays_the_difference(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)
    roots.must(roots.claim(root, 2))
    world.next_epoch(roots.network)
    later = roots.raised(root, 1, 0, 0, 7, 0, 0)
    roots.make_final(later)

    assert world.send(roots.claim(later, 2)).event().amount == 7

    assert (roots.balance(later, 2), roots.watermark(2)) == (307, 307)
    assert roots.read_network().root_owed == 1_200


def test_a_missed_root_loses_nothing(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)
    for epoch, more in ((1, 5), (2, 6)):
        world.next_epoch(roots.network)
        root = roots.raised(root, epoch, 0, 0, more, 0, 0)
        roots.make_final(root)

    assert world.send(roots.claim(root, 2)).event().amount == 311
    assert world.send(roots.claim(root, 0)).event().amount == 100


def test_claims_repeated_and_interleaved_across_two_roots(world: World, roots: Roots, root: Root) -> None:
    """Two payees claim before, after and on both sides of the second root; each total is paid once."""
    roots.make_final(root)
    roots.must(roots.claim(root, 0))
    roots.must(roots.claim(root, 1))
    world.next_epoch(roots.network)
    later = roots.raised(root, 1, 11, 0, 22, 0, 0, 33)
    commitment = roots.commit_to(later)
    roots.must(roots.claim(root, 2))
    assert outcomes(world.send(roots.claim(root, 2)).event()) == [(0, NOTHING_OWED)]
    world.advance(600)

    result = world.send(roots.claim(root, 3), roots.finalize(commitment), roots.claim(later, 3), roots.claim(later, 0))

    assert outcomes(*result.events) == [(400, PAID), (0, NOTHING_OWED), (11, PAID)]
    for position in (0, 1, 2, 3):
        assert world.send(roots.claim(root, position)).error_name == "NotInRoot"
    again = [outcomes(world.send(roots.claim(later, each)).event())[0] for each in (0, 1, 2, 3, 4, 5, 5, 4, 2)]
    assert again == [
        (0, NOTHING_OWED),
        (0, NOTHING_OWED),
        (22, PAID),
        (0, NOTHING_OWED),
        (500, PAID),
        (33, PAID),
        (0, NOTHING_OWED),
        (0, NOTHING_OWED),
        (0, NOTHING_OWED),
    ]
    assert [roots.balance(later, each) for each in range(6)] == [111, 200, 322, 400, 500, 33]
    assert [roots.watermark(each) for each in range(6)] == [111, 200, 322, 400, 500, 33]
    held = roots.read_network()
    assert (held.root_owed, held.pool_owed, roots.vault()) == (0, 0, FUNDS - 1_566)


def test_a_lifetime_reward_that_falls_takes_nothing_back(world: World, roots: Roots, root: Root) -> None:
    """A root may say less of one payee while its total rises; what was paid stays paid, and is not paid again."""
    roots.make_final(root)
    roots.must(roots.claim(root, 2))
    world.next_epoch(roots.network)
    lower = roots.root(1, [replace(each, reward=250 if at == 2 else each.reward + 50) for at, each in numbered(root)])
    roots.make_final(lower)

    assert outcomes(world.send(roots.claim(lower, 2)).event()) == [(0, NOTHING_OWED)]
    assert (roots.watermark(2), roots.balance(lower, 2)) == (300, 300)

    world.next_epoch(roots.network)
    higher = roots.root(2, [replace(each, reward=302 if at == 2 else each.reward) for at, each in numbered(lower)])
    roots.make_final(higher)
    assert outcomes(world.send(roots.claim(higher, 2)).event()) == [(2, PAID)]


def numbered(root: Root) -> list[tuple[int, Payee]]:
    """Positions and payees of a root without empty positions."""
    return [(at, root.payee(at)) for at in range(len(root.payees))]


# Roots that lie


def test_a_root_that_promises_more_than_its_total_pays_no_more_than_it(world: World, roots: Roots, root: Root) -> None:
    """First come, first served; nothing else of the pool is touched."""
    roots.make_final(root, total=650)
    before = roots.read_network()
    assert (before.root_owed, before.pool_free) == (650, FUNDS - 650)
    roots.must(roots.claim(root, 1))
    roots.must(roots.claim(root, 2))

    for position in (3, 4):
        kept = roots.read_network()
        assert world.send(roots.claim(root, position)).error_name == "RootExhausted"
        assert (roots.read_network(), roots.balance(root, position), roots.watermark(position)) == (kept, 0, 0)
    roots.must(roots.claim(root, 0))

    held = roots.read_network()
    assert (held.root_owed, held.pool_owed, held.pool_free) == (50, 50, FUNDS - 650)
    # An honest root that follows makes up for it.
    world.next_epoch(roots.network)
    honest = roots.root(1, root.payees)
    assert roots.make_final(honest).event().increase == 850
    assert [world.send(roots.claim(honest, each)).event().amount for each in range(5)] == [0, 0, 0, 400, 500]
    assert roots.read_network().root_owed == 0


@pytest.mark.parametrize(("total", "error", "left"), [(99, "RootExhausted", 99), (100, "", 0), (101, "", 1)])
def test_a_claim_may_take_all_that_is_owed_and_not_one_more(
    world: World, roots: Roots, total: int, error: str, left: int
) -> None:
    root = roots.root(0, roots.payees(100))
    roots.make_final(root, total=total)

    assert world.send(roots.claim(root, 0)).error_name == error

    assert (roots.read_network().root_owed, roots.watermark(0)) == (left, 0 if error else 100)


def test_the_largest_lifetime_reward_is_no_way_around_what_is_owed(world: World, roots: Roots) -> None:
    payees = roots.payees(U64, 10)
    root = roots.root(0, payees)
    roots.make_final(root, total=10, units=0)

    assert world.send(roots.claim(root, 0)).error_name == "RootExhausted"
    assert world.send(roots.claim(root, 1)).event().amount == 10


def test_what_devices_are_owed_is_not_paid_to_a_root(world: World) -> None:
    """A network that moved to roots: rewards owed to devices stand beside what its roots owe."""
    roots = roots_of(world)
    world.patch_network(roots.network, reward_path=1)
    device = world.device(roots.network)
    world.next_epoch(roots.network)
    assert world.send(world.receipt(device, 1, 70)).event().reward == 70
    world.patch_network(roots.network, reward_path=2)
    root = roots.root(0, roots.payees(100))
    roots.make_final(root, total=50)
    assert (roots.read_network().root_owed, roots.read_network().pool_owed) == (50, 120)

    assert world.send(roots.claim(root, 0)).error_name == "RootExhausted"
    assert world.send(world.claim([device], device.payout, roots.network)).event().amount == 70
    assert (roots.read_network().root_owed, roots.read_network().pool_owed) == (50, 50)


# Whenever


@pytest.mark.parametrize("flags", [8, 16, 31])
def test_nothing_pauses_a_claim(world: World, roots: Roots, root: Root, flags: int) -> None:
    roots.make_final(root)
    world.must(world.pause(roots.network, flags))

    assert world.send(roots.claim(root, 2)).event().amount == 300


def test_a_claim_is_good_years_later(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)
    world.advance(100_000 * EPOCH)

    assert world.send(roots.claim(root, 2)).event().amount == 300


def test_a_claim_needs_no_attestors_any_more(world: World, roots: Roots, root: Root) -> None:
    roots.make_final(root)
    world.patch_network(roots.network, attestors=(Pubkey.default(),) * 16, attestor_count=0, threshold=0)

    assert world.send(roots.claim(root, 2)).event().amount == 300


def test_pay_of_the_first_final_rival_is_all_there_is(world: World, roots: Roots, root: Root) -> None:
    rival = roots.root(0, [replace(root.payee(0), reward=900), *root.payees[1:]])
    roots.commit_to(rival)
    roots.make_final(root)

    assert world.send(roots.claim(rival, 0)).error_name == "NotInRoot"
    assert world.send(roots.claim(root, 0)).event().amount == 100


@pytest.mark.parametrize("decimals", [0, 9])
def test_token_2022_pays_too(world: World, decimals: int) -> None:
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID, decimals=decimals)
    roots = roots_of(world, mint=mint)
    root = roots.root(0, roots.payees(1, 2, 3))
    roots.make_final(root)

    for position in range(3):
        assert world.send(roots.claim(root, position)).event().amount == position + 1

    assert [roots.balance(root, position) for position in range(3)] == [1, 2, 3]
