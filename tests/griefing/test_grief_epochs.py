"""Vetoes without end, rival commitments, votes that flip and attestors that change: who can delay roots, and for how
long."""

from __future__ import annotations

import pytest

from support import changes
from support.epochs import CHALLENGE, Root, Roots, roots_of
from support.griefing import SIGNATURE
from support.parties import DELAY, FUNDS
from support.trust_scenes import TrustWorld
from worktab.program.generated import accounts as state


@pytest.fixture
def roots(world: TrustWorld) -> Roots:
    """Three attestors of whom two must agree, a guardian, a challenge delay of 600 seconds; epoch 0 is over."""
    return roots_of(world)


@pytest.fixture
def root(roots: Roots) -> Root:
    """Two payees of epoch 0, who are owed 100 and 200 base units."""
    return roots.root(0, roots.payees(100, 200))


def test_a_guardian_that_vetoes_for_ever_is_replaced_after_the_delay(
    world: TrustWorld, roots: Roots, root: Root
) -> None:
    """Cost: a fee a veto. Roots wait; nothing that is owed does; the authority's next guardian ends it after the
    parameter delay, and lifetime totals pay everything."""
    roots.make_final(root)
    raised, vetoed = root, []
    for epoch in (1, 2, 3):
        world.next_epoch(roots.network)
        raised = roots.raised(raised, epoch, 10, 10)
        vetoed.append(roots.commit_to(raised))
        roots.must(roots.veto(vetoed[-1]))
        world.advance(CHALLENGE)
        assert world.send(roots.finalize(vetoed[-1])).error_name == "CommitmentVetoed"

    # What works: claims of the last final root, funding, and the authority's change.
    assert world.send(roots.claim(root, 1)).ok
    assert roots.balance(root, 1) == 200
    successor = world.keypair()
    world.must(world.propose(roots.network, changes.guardian(successor.pubkey())))
    world.advance(DELAY)
    assert world.send(world.apply(roots.network)).ok

    last = roots.raised(raised, 4, 0, 0)
    commitment = roots.commit_to(last)
    assert world.send(roots.veto(commitment)).error_name == "Unauthorized"
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).ok
    assert world.send(roots.claim(last, 0)).ok
    assert (roots.balance(last, 0), roots.read_network().root_owed) == (130, 30)
    # The rent of what was vetoed comes back once its epoch is covered.
    rent, before = world.lamports(roots.address(vetoed[0])), world.lamports(world.payer.pubkey())
    fees = sum(world.must(roots.finalize(each)).fee for each in vetoed)
    assert world.lamports(world.payer.pubkey()) == before + 3 * rent - fees


def test_a_guardian_that_pauses_again_and_again_stops_no_exit_and_no_change(
    world: TrustWorld, roots: Roots, root: Root
) -> None:
    """Cost: a fee a pause. The authority lets work go on within its own transaction; exits never stop."""
    roots.make_final(root)
    tab = world.tab(roots.network, 500)
    every = 31
    assert world.send(world.pause(roots.network, every, signer=roots.guardian)).ok
    assert world.read_network(roots.network).pause == every

    assert world.send(roots.claim(root, 0)).ok
    assert world.send(world.withdraw(tab, 500)).ok
    assert world.send(world.propose(roots.network, changes.guardian(world.keypair().pubkey()))).ok
    device, terms = world.plan(roots.network)
    registration = [world.possession(device), world.register(device, terms)]
    assert world.send(registration).error_name == "Paused"
    assert world.send(world.pause(roots.network, 0), registration).ok
    assert world.send(world.pause(roots.network, every, signer=roots.guardian)).ok
    world.advance(DELAY)
    assert world.send(world.apply(roots.network)).ok
    assert world.send(world.pause(roots.network, 1, signer=roots.guardian)).error_name == "Unauthorized"


def test_rival_commitments_by_the_dozen_delay_nothing(world: TrustWorld, roots: Roots, root: Root) -> None:
    """Cost: a commitment's rent each until the epoch is covered, and fees. The honest root is final as soon as ever."""
    rival = roots.attestors[2]
    world.runtime.airdrop(rival.pubkey(), 10**9)
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Epoch.SIZE)
    before = world.lamports(rival.pubkey())
    rivals = [root.commitment(units=number) for number in range(30)]
    for commitment in rivals:
        assert world.send(roots.commit(commitment, rival, payer=rival.pubkey()), payer=rival).ok
    assert before - world.lamports(rival.pubkey()) == 30 * (rent + SIGNATURE)

    honest = roots.commit_to(root)
    world.advance(CHALLENGE)
    for commitment in rivals:
        assert world.send(roots.finalize(commitment, rent_payer=rival.pubkey())).error_name == "BelowThreshold"
    assert world.send(roots.finalize(honest)).ok

    assert roots.read_network().root_total == 300
    for commitment in rivals:
        assert world.send(roots.finalize(commitment, rent_payer=rival.pubkey())).ok
    assert before - world.lamports(rival.pubkey()) == 30 * SIGNATURE


def test_an_attestor_that_flips_its_vote_delays_only_while_it_is_needed(
    world: TrustWorld, roots: Roots, root: Root
) -> None:
    """Cost: two fees a challenge delay. While the third attestor sleeps, every flip starts the delay anew; with its
    approval, flips change nothing."""
    commitment = roots.commit_to(root, 2)
    flipper, third = roots.attestors[1], roots.attestors[2]
    for _ in range(3):
        world.advance(CHALLENGE - 1)
        roots.must(roots.withdraw(commitment, flipper), roots.vote(commitment, flipper))
        world.advance(1)
        assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"

    roots.must(roots.vote(commitment, third))
    world.advance(CHALLENGE - 2)
    roots.must(roots.withdraw(commitment, flipper))
    world.advance(1)
    assert world.send(roots.finalize(commitment), roots.open_page(0)).ok
    assert world.send(roots.claim(root, 0)).ok
    assert roots.balance(root, 0) == 100


def test_attestors_that_change_all_the_time_void_votes_and_lose_nothing(
    world: TrustWorld, roots: Roots, root: Root
) -> None:
    """The authority's cost: an announcement a time, for additions the delay. Votes start anew; what is final stays
    claimable, and one undisturbed challenge delay is enough."""
    roots.make_final(root)
    world.next_epoch(roots.network)
    raised = roots.raised(root, 1, 50, 50)
    commitment = roots.commit_to(raised)
    world.advance(CHALLENGE - 1)
    world.must(world.propose(roots.network, changes.remove_attestor(roots.attestors[2].pubkey())))
    world.advance(1)

    assert world.send(roots.finalize(commitment)).error_name == "BelowThreshold"
    assert world.send(roots.claim(root, 0)).ok
    for attestor in roots.attestors[:2]:
        roots.must(roots.vote(commitment, attestor))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(commitment)).ok
    assert world.send(roots.claim(raised, 0), roots.claim(raised, 1)).ok
    assert (roots.balance(raised, 0), roots.balance(raised, 1)) == (150, 250)


def test_a_pool_that_left_holds_roots_up_until_it_is_filled(world: TrustWorld, roots: Roots, root: Root) -> None:
    """The authority's cost: an announcement. What is final is reserved and paid; a root that was not waits unharmed."""
    roots.make_final(root)
    network = roots.network
    destination = network.mint.open(network.authority.pubkey())
    world.must(world.propose(network, changes.withdraw_pool(FUNDS, destination)))
    world.advance(DELAY)
    assert world.send(world.withdraw_pool(network, destination)).event().amount == FUNDS - 300
    raised = roots.raised(root, 1, 50, 50)
    commitment = roots.commit_to(raised)
    world.advance(CHALLENGE)

    assert world.send(roots.finalize(commitment)).error_name == "PoolTooSmall"
    assert world.send(roots.claim(root, 0), roots.claim(root, 1)).ok
    world.must(world.fund(network, 100))
    assert world.send(roots.finalize(commitment)).ok
    assert world.send(roots.claim(raised, 0)).ok
    assert roots.balance(raised, 0) == 150


def test_a_lying_root_takes_what_nobody_claimed_yet_and_no_more(world: TrustWorld, roots: Roots, root: Root) -> None:
    """Cost: more than half of the attestors. A root that adds nothing still pays out what earlier ones owe, to whom it
    names. What was claimed before, by anybody for anybody, also within the challenge delay, is out of its reach."""
    roots.make_final(root)
    world.next_epoch(roots.network)
    [thief] = roots.payees(300)
    lying = roots.root(1, [thief, None])
    commitment = roots.commit_to(lying, total=300)
    world.advance(CHALLENGE)
    roots.must(roots.claim(root, 0))
    roots.must(roots.finalize(commitment))

    assert world.send(roots.claim(lying, 0)).event().amount == 200

    assert world.send(roots.claim(root, 1)).error_name == "NotInRoot"
    assert [roots.balance(root, position) for position in (0, 1)] == [100, 0]
    assert (roots.balance(lying, 0), roots.read_network().root_owed) == (200, 0)
