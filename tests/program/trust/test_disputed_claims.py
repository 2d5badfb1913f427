"""What a device is paid while it is disputed, and after: earnings always, rewards once it is cleared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.invoices import Desk
from support.parties import CLASS, FUNDS, Device, Network, Tab
from support.trust import AGREES, DIFFERS, Dispute
from support.trust_scenes import CHALLENGE, Court, TrustWorld, court_of
from worktab.program.generated.types import ClaimEntry

PAID, NOTHING_OWED, DISPUTED = 0, 1, 3


@pytest.fixture
def court(world: TrustWorld) -> Court:
    """A network that takes fee and burn."""
    return court_of(world, fee_bps=500, burn_bps=250)


@pytest.fixture
def desk(world: TrustWorld) -> Desk:
    """What sells by invoice and claims."""
    return Desk(world)


@pytest.fixture
def dispute(world: TrustWorld, court: Court, network: Network, device: Device, tab: Tab, desk: Desk) -> Dispute:
    """An open dispute about a device that is owed 300 of rewards and 1,000 of earnings."""
    world.next_epoch(network)
    world.must(world.receipt(device, 1, 300))
    desk.sell(device, tab, 1_000)
    return world.dispute(device, tab, court.paid_record(tab))


def owed(world: TrustWorld, device: Device) -> tuple[int, int]:
    """Rewards and earnings owed."""
    held = world.read_device(device)
    return held.rewards_owed, held.earnings_owed


def test_earnings_are_paid_and_rewards_wait(world: TrustWorld, network: Network, dispute: Dispute, desk: Desk) -> None:
    device = dispute.device

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (925, 50, 25)
    assert event.entries == (ClaimEntry(device.index, rewards=300, earnings=1_000, outcome=DISPUTED),)
    assert world.balance(device.payout) == 925
    assert owed(world, device) == (300, 0)
    assert world.read_network(network).pool_owed == 300


@pytest.mark.parametrize(("finding", "bond"), [(AGREES, 1_100), (None, 1_010)], ids=["not guilty", "undecided"])
def test_cleared_it_is_paid_its_rewards(
    world: TrustWorld, court: Court, dispute: Dispute, desk: Desk, finding: int | None, bond: int
) -> None:
    device = dispute.device
    assert desk.claim(device).ok
    if finding is not None:
        court.vote(dispute, finding)
    world.advance(CHALLENGE)
    court.must(world.resolve_dispute(dispute, consumer_tab=world.payer.pubkey()))

    event = desk.claim(device).event()

    assert event.entries == (ClaimEntry(device.index, rewards=300, earnings=0, outcome=PAID),)
    assert world.balance(device.payout) == 1_225
    assert world.read_device(device).bond == bond


def test_guilty_it_forfeits_its_rewards_and_keeps_its_earnings(
    world: TrustWorld, court: Court, network: Network, dispute: Dispute, desk: Desk
) -> None:
    device = dispute.device
    court.vote(dispute)
    court.must(world.resolve_dispute(dispute, shown=dispute.entry))
    held = world.read_network(network)
    assert (held.pool_owed, held.pool_free) == (0, FUNDS + 330)

    event = desk.claim(device).event()

    assert event.entries == (ClaimEntry(device.index, rewards=0, earnings=1_000, outcome=PAID),)
    assert world.balance(device.payout) == 925
    assert desk.claim(device).event().entries[0].outcome == NOTHING_OWED


def test_a_second_dispute_keeps_rewards_waiting(
    world: TrustWorld, court: Court, dispute: Dispute, tab: Tab, desk: Desk
) -> None:
    records = court.paid_record(tab)
    entry = records.add(tab, 5)
    second = world.dispute(dispute.device, tab, records, entry)
    for each, outcome in ((dispute, DISPUTED), (second, PAID)):
        court.vote(each, AGREES)
        court.must(world.resolve_dispute(each, consumer_tab=world.payer.pubkey()))
        assert desk.claim(dispute.device).event().entries[0].outcome == outcome

    assert owed(world, dispute.device) == (0, 0)


def test_work_goes_on_while_a_dispute_is_open(world: TrustWorld, dispute: Dispute, desk: Desk) -> None:
    device = dispute.device

    assert world.send(world.receipt(device, 2, 310)).event().reward == 10
    world.bond(device, 5)
    assert world.send(world.update(device, capacity=10)).ok

    assert owed(world, device) == (310, 1_000)


def test_it_blocks_no_other_device_of_the_wallet(
    world: TrustWorld, court: Court, network: Network, dispute: Dispute, desk: Desk
) -> None:
    other = court.device(payout=dispute.device.payout)
    world.next_epoch(network)
    world.must(world.receipt(other, 1, 7))

    event = desk.claim(dispute.device, other).event()

    assert [entry.outcome for entry in event.entries] == [DISPUTED, PAID]
    assert world.balance(other.payout) == 925 + 7


def test_of_rewards_already_claimed_nothing_is_forfeited(
    world: TrustWorld, court: Court, network: Network, device: Device, tab: Tab, desk: Desk
) -> None:
    """What a device was paid before anybody looked is gone: the bond answers for it."""
    world.next_epoch(network)
    world.must(world.receipt(device, 1, 300))
    assert desk.claim(device).event().amount == 300
    dispute = world.dispute(device, tab, court.paid_record(tab))
    court.vote(dispute, DIFFERS)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.forfeited, event.to_pool) == (0, 330)
    held = world.read_device(device)
    assert (held.lifetime_rewards, held.rewards_owed) == (300, 0)


def test_rewards_for_sales_stop_with_the_suspension(world: TrustWorld, desk: Desk) -> None:
    """Demand-backed rewards that a claim did not pay yet are no debt of the pool, and lapse."""
    court = court_of(world, basis=2, fee_bps=1_000, classes=(replace(CLASS, budget=10),))
    device, tab = court.device(), world.tab(court.network, 10_000)
    world.next_epoch(court.network)
    desk.sell(device, tab, 1_000, 1_000)
    assert desk.claim(device).event().amount == 900 + 10
    waiting = world.read_device(device).reward_waiting
    assert waiting == 90
    records = court.paid_record(tab)
    court.convict(device, tab, records.entries[0], records)
    world.next_epoch(court.network)

    event = desk.claim(device).event()

    assert (event.amount, event.entries[0].outcome) == (0, NOTHING_OWED)
    assert world.read_network(court.network).pool_free == FUNDS - 10 + 330
