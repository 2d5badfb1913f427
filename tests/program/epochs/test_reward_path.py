"""From receipts to roots: when it counts from, and that each unit of work is paid for on one path and never on both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from support import changes
from support.epochs import CHALLENGE, Payee, Roots, roots_of
from support.parties import CLASS, DELAY, EPOCH, FUNDS, Device
from support.world import World
from worktab.program.generated.events import ReceiptSubmitted, UpdateApplied, UpdateProposed
from worktab.program.generated.types import PendingChange

RATE = CLASS.rate // 1_000_000
"""Base units a work unit."""


@pytest.fixture
def roots(world: World) -> Roots:
    """The network of the other tests, on the path of receipts."""
    return roots_of(world, reward_path=1)


@pytest.fixture
def device(world: World, roots: Roots) -> Device:
    """A device with a capacity of 100,000 units an epoch that counts already."""
    device = world.device(roots.network, capacity=100_000)
    world.next_epoch(roots.network)
    return device


def move(roots: Roots) -> int:
    """Announces the move, waits, applies it, and says from which epoch roots pay."""
    roots.must(roots.world.propose(roots.network, changes.reward_path(2)))
    roots.world.advance(DELAY)
    roots.must(roots.world.apply(roots.network))
    return roots.read_network().roots_from


def said(world: World, device: Device, seq: int, units: int, time: int | None = None) -> tuple[int, int]:
    """Eligible units and reward of a receipt that is recorded."""
    event = world.must(world.receipt(device, seq, units, time=time)).event()
    assert isinstance(event, ReceiptSubmitted)
    return event.eligible, event.reward


# The change itself


def test_the_move_is_announced_waits_and_counts_from_the_next_epoch(world: World, roots: Roots) -> None:
    before, due = roots.read_network(), world.now + DELAY

    event = world.send(world.propose(roots.network, changes.reward_path(2))).event()

    assert event == UpdateProposed(roots.network.address, 7, 0, due, (2, 0, 0, 0, 0), Pubkey.default())
    pending = PendingChange(due, (2, 0, 0, 0, 0), bytes(32), 7, 0, bytes(6))
    assert roots.read_network() == replace(before, pending=pending)
    world.advance(DELAY - 1)
    assert world.send(world.apply(roots.network)).error_name == "NotDue"

    world.advance(1)
    epoch = world.epoch(roots.network)
    assert world.send(world.apply(roots.network)).event() == UpdateApplied(roots.network.address, 7, 0)
    assert roots.read_network() == replace(before, reward_path=2, roots_from=epoch + 1)


@pytest.mark.parametrize(("before", "ahead"), [(EPOCH, 1), (1, 1), (0, 2)], ids=["first", "last", "first of next"])
def test_it_counts_from_the_epoch_after_the_one_it_is_applied_in(
    world: World, roots: Roots, before: int, ahead: int
) -> None:
    """Not after the one it was due in: applied late, it starts late."""
    world.must(world.propose(roots.network, changes.reward_path(2)))
    world.advance(DELAY)
    epoch = world.epoch(roots.network)
    world.next_epoch(roots.network, before=before)
    assert world.epoch(roots.network) == epoch + ahead - 1
    world.must(world.apply(roots.network))

    assert roots.read_network().roots_from == epoch + ahead


def test_there_is_no_way_back(world: World, roots: Roots) -> None:
    move(roots)
    before = world.data(roots.network.address)

    assert world.send(world.propose(roots.network, changes.reward_path(1))).error_name == "InvalidParameter"
    assert world.send(world.propose(roots.network, changes.reward_path(2))).error_name == "WrongRewardPath"
    assert world.data(roots.network.address) == before


def test_a_network_made_for_roots_has_nowhere_to_move(world: World) -> None:
    roots = roots_of(world)

    for path, error in ((1, "InvalidParameter"), (2, "WrongRewardPath")):
        assert world.send(world.propose(roots.network, changes.reward_path(path))).error_name == error
    assert roots.read_network().roots_from == 0


def test_a_move_applied_twice_moves_once(world: World, roots: Roots) -> None:
    since = move(roots)
    world.advance(5 * EPOCH)

    assert world.send(world.apply(roots.network)).error_name == "NothingPending"
    assert roots.read_network().roots_from == since


def test_a_move_can_be_withdrawn_while_it_is_pending(world: World, roots: Roots, device: Device) -> None:
    world.must(world.propose(roots.network, changes.reward_path(2)))
    world.must(world.propose(roots.network, changes.CANCEL))
    world.advance(DELAY + EPOCH)

    assert world.send(world.apply(roots.network)).error_name == "NothingPending"
    assert said(world, device, 1, 10) == (10, 10)


REFUSED = {
    "path 0": changes.reward_path(0),
    "path 1": changes.reward_path(1),
    "path 3": changes.reward_path(3),
    "path 258, which is 2 in a byte": changes.reward_path(258),
    "a second value": changes.change(7, 2, 1),
    "a key": changes.change(7, 2, key=Pubkey([7] * 32)),
    "a class": changes.change(7, 2, class_=1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_moves_are_refused(world: World, roots: Roots, name: str) -> None:
    assert world.send(world.propose(roots.network, REFUSED[name])).error_name == "InvalidParameter"


def test_only_the_authority_moves_a_network(world: World, roots: Roots) -> None:
    for signer in (roots.guardian, roots.attestors[0], world.keypair()):
        refused = world.send(world.propose(roots.network, changes.reward_path(2), signer=signer))
        assert refused.error_name == "Unauthorized"


def test_a_network_that_pays_for_sales_does_not_move(world: World) -> None:
    roots = roots_of(world, reward_path=1, basis=2)

    assert world.send(world.propose(roots.network, changes.reward_path(2))).error_name == "InvalidParameter"
    refused, create = world.create_network(world.terms(reward_path=2, basis=2))
    assert world.send(create).error_name == "InvalidParameter"
    assert world.account(refused.address) is None


# Receipts around the edge


def test_receipts_before_the_edge_accrue_and_from_it_on_are_recorded(
    world: World, roots: Roots, device: Device
) -> None:
    assert said(world, device, 1, 100) == (100, 100)
    since = move(roots)
    assert said(world, device, 2, 250) == (150, 150)
    world.next_epoch(roots.network, before=1)
    assert said(world, device, 3, 300) == (50, 50)
    assert world.read_device(device).units_for_roots == 0
    before, network = world.read_device(device), roots.read_network()
    assert (before.rewards_owed, network.pool_owed, network.root_owed) == (300, 300, 0)

    world.advance(1)
    assert world.epoch(roots.network) == since
    assert said(world, device, 4, 1_000) == (0, 0)

    assert world.read_device(device) == replace(
        before, seq=4, units=1_000, head=bytes([4]) * 32, last_receipt_at=world.now, units_for_roots=700
    )
    assert roots.read_network() == replace(
        network, total_jobs=network.total_jobs + 1, total_units=network.total_units + 700
    )
    assert said(world, device, 5, 1_001) == (0, 0)
    assert world.read_device(device).units_for_roots == 701


def test_a_network_made_for_roots_counts_every_unit_for_them(world: World) -> None:
    roots = roots_of(world)
    device = world.device(roots.network)

    assert said(world, device, 1, 5_000) == (0, 0)
    assert said(world, device, 2, 5_500) == (0, 0)

    held = world.read_device(device)
    assert (held.units, held.units_for_roots, held.rewards_owed) == (5_500, 5_500, 0)


def test_a_receipt_of_before_the_edge_that_comes_after_it_is_the_roots(
    world: World, roots: Roots, device: Device
) -> None:
    """What counts is when the chain saw it, not when the device signed it: it is paid once either way."""
    move(roots)
    early = world.receipt(device, 1, 400)
    world.next_epoch(roots.network)

    event = world.must(early).event()

    assert (event.eligible, event.reward) == (0, 0)
    assert (world.read_device(device).units, world.read_device(device).units_for_roots) == (400, 400)
    assert world.send(early).error_name == "StaleSequence"


def test_work_cut_by_a_limit_before_the_edge_is_not_the_roots(world: World, roots: Roots, device: Device) -> None:
    """Its owner accepted the loss: the receipt path is done with it."""
    move(roots)
    event = world.must(world.receipt(device, 1, 150_000, consent=device.owner)).event()
    assert (event.eligible, event.reward) == (100_000, 100_000)
    world.next_epoch(roots.network)
    assert said(world, device, 2, 150_007) == (0, 0)

    assert world.read_device(device).units_for_roots == 7


def test_no_limit_cuts_a_receipt_for_roots(world: World, roots: Roots, device: Device) -> None:
    """Nobody need consent: capacity and budget are the roots' business."""
    move(roots)
    world.next_epoch(roots.network)

    assert said(world, device, 1, 2**48) == (0, 0)
    assert world.read_device(device).units_for_roots == 2**48


def test_a_device_registered_after_the_move_works_for_roots_alone(world: World, roots: Roots) -> None:
    move(roots)
    world.next_epoch(roots.network)
    device = world.device(roots.network)

    assert said(world, device, 1, 9) == (0, 0)
    assert (world.read_device(device).units, world.read_device(device).units_for_roots) == (9, 9)


def test_a_clock_that_steps_back_over_the_edge_pays_no_unit_twice(world: World, roots: Roots, device: Device) -> None:
    since = move(roots)
    start = world.now
    world.next_epoch(roots.network)
    assert said(world, device, 1, 100, time=start) == (0, 0)
    world.now = start
    assert world.epoch(roots.network) == since - 1

    assert said(world, device, 2, 130) == (30, 30)

    held = world.read_device(device)
    assert (held.units, held.units_for_roots, held.rewards_owed) == (130, 100, 30)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    before=st.lists(st.integers(1, 40_000), max_size=4),
    between=st.lists(st.integers(1, 40_000), max_size=4),
    after=st.lists(st.integers(1, 10**6), max_size=4),
)
def test_what_both_paths_pay_covers_each_unit_once(before: list[int], between: list[int], after: list[int]) -> None:
    """Units paid for or cut on the path of receipts, and those that roots may pay for, are all units there are."""
    world = World()
    roots = roots_of(world, reward_path=1)
    device = world.device(roots.network, capacity=100_000)
    world.next_epoch(roots.network)
    seq = units = eligible = 0

    def work(amounts: list[int]) -> None:
        nonlocal seq, units, eligible
        for amount in amounts:
            seq, units = seq + 1, units + amount
            eligible += world.must(world.receipt(device, seq, units, consent=device.owner)).event().eligible

    work(before)
    move(roots)
    work(between)
    world.next_epoch(roots.network)
    work(after)

    held = world.read_device(device)
    baseline = held.units - held.units_for_roots
    assert (held.units_for_roots, baseline) == (sum(after), sum(before) + sum(between))
    assert eligible == min(100_000, sum(before)) + min(100_000, sum(between))
    assert held.lifetime_rewards == held.rewards_owed == eligible * RATE
    # A root that pays for the others, and both claims.
    root = roots.root(roots.read_network().roots_from, [Payee(device.payout.pubkey(), held.units_for_roots * RATE)])
    world.patch_class(roots.network, budget=10**7)
    world.next_epoch(roots.network)
    roots.make_final(root)
    world.must(world.claim([device], device.payout, roots.network), roots.claim(root, 0))
    assert world.balance(device.payout) == (eligible + sum(after)) * RATE
    assert world.balance(device.payout) + roots.vault() == FUNDS


# Roots around the edge


def test_before_the_move_is_applied_nothing_is_committed_to(world: World, roots: Roots) -> None:
    world.must(world.propose(roots.network, changes.reward_path(2)))
    world.advance(DELAY)
    commitment = roots.root(world.epoch(roots.network) - 1, roots.payees(1)).commitment()

    assert world.send(roots.commit(commitment)).error_name == "WrongRewardPath"


def test_epochs_that_receipts_paid_for_take_no_root(world: World, roots: Roots) -> None:
    since = move(roots)
    payees = roots.payees(1)
    early = [roots.root(epoch, payees).commitment() for epoch in (0, since - 2, since - 1)]
    first = roots.root(since, payees).commitment()
    world.next_epoch(roots.network)
    for commitment in early:
        assert world.send(roots.commit(commitment)).error_name == "EpochCovered"
    world.next_epoch(roots.network, before=1)
    assert world.send(roots.commit(first)).error_name == "EpochNotOver"

    world.advance(1)
    for commitment in early:
        assert world.send(roots.commit(commitment)).error_name == "EpochCovered"
    assert world.send(roots.commit(first)).ok


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_first_root_has_the_budgets_since_the_move_only(world: World, roots: Roots, epochs: int) -> None:
    since = move(roots)
    world.advance((epochs + 1) * EPOCH)
    [payee] = roots.payees(0)
    limit = epochs * CLASS.budget
    over = roots.commit_to(roots.root(since + epochs - 1, [replace(payee, reward=limit + 1)]))
    world.advance(CHALLENGE)
    assert world.send(roots.finalize(over)).error_name == "BudgetExceeded"

    assert roots.make_final(roots.root(since + epochs - 1, [replace(payee, reward=limit)])).event().increase == limit


def test_what_receipts_earned_is_claimed_beside_what_roots_owe(world: World, roots: Roots, device: Device) -> None:
    assert said(world, device, 1, 70) == (70, 70)
    since = move(roots)
    assert said(world, device, 2, 100) == (30, 30)
    world.advance(2 * EPOCH)
    root = roots.root(since, [Payee(device.payout.pubkey(), 500)])
    roots.make_final(root)
    held = roots.read_network()
    assert (held.pool_owed, held.root_owed, held.pool_free) == (600, 500, FUNDS - 600)

    assert world.send(world.claim([device], device.payout, roots.network)).event().amount == 100
    assert (roots.read_network().pool_owed, roots.read_network().root_owed) == (500, 500)
    assert world.send(roots.claim(root, 0)).event().amount == 500
    assert (roots.read_network().pool_owed, roots.read_network().root_owed) == (0, 0)
    assert world.balance(device.payout) == 600


def test_a_device_owed_by_receipts_retires_after_its_claim(world: World, roots: Roots, device: Device) -> None:
    assert said(world, device, 1, 70) == (70, 70)
    move(roots)
    world.next_epoch(roots.network)
    assert not world.send(world.retire(device)).event().closed

    assert world.send(world.claim([device], device.payout, roots.network), world.retire(device)).ok

    assert (world.account(device.address), world.balance(device.payout)) == (None, 70)
