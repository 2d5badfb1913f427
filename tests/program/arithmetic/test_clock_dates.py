"""Dates that say nothing by being zero, periods over the whole of time, and slots past the numbers that hold them."""

from __future__ import annotations

import pytest

from support.consumers import U64
from support.edges_life import TIME_BEGINS, TIME_ENDS
from support.epochs import CHALLENGE, roots_of
from support.invoices import Desk
from support.parties import Device, Network, Tab
from support.snapshots import snapshot
from support.world import World

U32 = (1 << 32) - 1


@pytest.fixture
def network(world: World) -> Network:
    return world.network()


@pytest.fixture
def device(world: World, network: Network) -> Device:
    return world.device(network)


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    return world.tab(network, 1_000)


@pytest.mark.parametrize("length", [1, 3_600, U32])
def test_a_delegates_periods_reach_over_the_whole_of_time(world: World, device: Device, tab: Tab, length: int) -> None:
    """Set at the beginning of time and spent at its end: the number of the period is as large as can be."""
    world.now = TIME_BEGINS
    agent = world.delegate(tab, period_limit=10, period_length=length)
    assert world.send(world.reserve(tab, device, 10, signer=agent)).ok
    assert world.send(world.reserve(tab, device, 1, signer=agent)).error_name == "PeriodLimitExceeded"

    world.now = TIME_ENDS
    assert world.send(world.reserve(tab, device, 10, signer=agent)).ok
    held = world.slot_of(tab)
    assert (held.period, held.period_spent) == (U64 // length, 10)

    # Back at the beginning, the last period there is stays the one that counts.
    world.now = TIME_BEGINS
    assert world.send(world.reserve(tab, device, 1, signer=agent)).error_name == "PeriodLimitExceeded"


def test_a_delegate_set_at_the_end_of_time_has_one_period(world: World, device: Device, tab: Tab) -> None:
    world.now = TIME_ENDS
    agent = world.delegate(tab, period_limit=10, period_length=1)
    for clock in (TIME_ENDS, 0, TIME_BEGINS):
        world.now = clock
        assert world.send(world.reserve(tab, device, 3, signer=agent)).ok
    assert world.send(world.reserve(tab, device, 2, signer=agent)).error_name == "PeriodLimitExceeded"


@pytest.mark.parametrize("clock", [TIME_BEGINS, -1, 0, 1, TIME_ENDS])
def test_a_voucher_expires_by_the_clock_whatever_it_shows(world: World, device: Device, tab: Tab, clock: int) -> None:
    lane = world.lane(tab, device, 100)
    world.now = clock
    for amount, expires_at in enumerate((1, 1_000, TIME_ENDS), 1):
        name = world.send(world.voucher(lane, amount, expires_at=expires_at)).error_name
        assert name == ("" if clock < expires_at else "VoucherExpired")
    assert world.send(world.voucher(lane, 50, expires_at=0)).ok


def test_a_root_that_was_approved_at_zero_is_approved(world: World) -> None:
    """Zero also stands for no approval: a further one by a later clock begins the delay anew, and nothing else."""
    roots = roots_of(world)
    world.now = 0
    world.patch_network(roots.network, created_at=-7_200)
    commitment = roots.commit_to(roots.root(0, roots.payees(5)))
    assert roots.read(commitment).approved_at == 0
    world.now = CHALLENGE - 1
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    roots.must(roots.vote(commitment, roots.attestors[2]))
    assert roots.read(commitment).approved_at == CHALLENGE - 1
    world.now = 2 * CHALLENGE - 2
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.advance(1)
    assert roots.must(roots.finalize(commitment)).event().increase == 5


def test_a_root_approved_at_the_end_of_time_never_becomes_final_and_holds_nothing(world: World) -> None:
    roots = roots_of(world)
    world.now = TIME_ENDS
    commitment = roots.commit_to(roots.root(0, roots.payees(5)))
    before = snapshot(world)

    assert world.send(roots.finalize(commitment)).error_name == "Overflow"
    assert snapshot(world) == before
    assert roots.read_network().pool_owed == 0


def test_a_delay_of_a_year_from_the_last_second_that_has_one(world: World) -> None:
    year = 31_536_000
    roots = roots_of(world, challenge_delay=year, unbonding_delay=year)
    world.now = TIME_ENDS - year
    commitment = roots.commit_to(roots.root(0, roots.payees(5)))
    world.now = TIME_ENDS - 1
    assert world.send(roots.finalize(commitment)).error_name == "ChallengeOpen"
    world.now = TIME_ENDS
    assert roots.must(roots.finalize(commitment)).event().increase == 5


# Slots


@pytest.mark.parametrize(("slot", "error"), [(U32 - 1, ""), (U32, ""), (U32 + 1, "Overflow"), (U64 - 1, "Overflow")])
def test_a_tab_opens_in_every_slot_that_a_nonce_can_say(
    world: World, network: Network, device: Device, slot: int, error: str
) -> None:
    """In the last one it has no nonce left for a lane; money goes in and comes out all the same."""
    tab, now = world.tab_of(network), world.now
    world.slot, world.now = slot, now
    assert world.send(world.open_tab(tab)).error_name == error
    if error:
        return
    assert world.send(world.deposit(tab, 10)).ok
    reserved = world.send(world.reserve(tab, device, 4))
    assert reserved.error_name == ("NoncesExhausted" if slot == U32 else "")
    left = 10 if slot == U32 else 6
    assert world.send(world.withdraw(tab, left)).event().amount == left


def test_an_invoice_made_in_the_last_slot_but_one_is_paid_and_ended_in_the_last(
    world: World, device: Device, tab: Tab
) -> None:
    desk, now = Desk(world), world.now
    world.slot, world.now = U64 - 1, now
    invoice = desk.invoice(device, tab, 5)
    assert desk.read(invoice).created_slot == U64 - 1
    assert world.send(desk.void(invoice)).error_name == "TooSoon"
    assert desk.must(desk.pay(invoice, tab, 5)).event().amount == 5
    world.slot, world.now = U64, now
    assert world.send(desk.void(invoice)).event().paid == 5


# Epochs


def test_in_the_last_epoch_there_is_work_is_paid_and_nothing_is_announced(world: World) -> None:
    """A network as old as time, whose epochs last a second, in the last second: what counts from the next epoch on is
    refused by name, and every exit is open."""
    network = world.network(epoch_length=1)
    device, tab = world.device(network), world.tab(network, 100)
    world.advance(1)
    assert world.send(world.receipt(device, 1, 10)).event().reward == 10
    world.patch_network(network, created_at=TIME_BEGINS)
    world.now = TIME_ENDS
    assert world.epoch(network) == U64

    assert (
        world.send(world.receipt(device, 2, 1_010, time=world.read_device(device).last_receipt_at)).event().reward
        == 1_000
    )
    assert world.read_device(device).epoch == U64
    before = snapshot(world)
    late, terms = world.plan(network, open_payout=False)
    for refused in (
        [world.possession(late), world.register(late, terms)],
        world.update(device, capacity=5),
        world.retire(device),
    ):
        assert world.send(refused).error_name == "Overflow"
        assert snapshot(world) == before
    assert world.send(world.voucher(world.lane(tab, device, 40), 40)).event().amount == 40
    assert world.send(world.claim([device], device.payout, network)).event().amount == 10 + 1_000 + 40
    assert world.send(world.withdraw(tab, 60)).event().amount == 60


def test_in_the_last_epoch_but_one_what_is_announced_counts_from_the_last(world: World) -> None:
    network = world.network(epoch_length=1)
    world.patch_network(network, created_at=TIME_BEGINS)
    world.now = TIME_ENDS - 1
    device = world.device(network, capacity=500)
    assert world.read_device(device).capacity_epoch == U64
    world.now = TIME_ENDS
    assert world.send(world.receipt(device, 1, 500, time=0)).event().reward == 500
