"""Basis 2: only units sold to others are rewarded, when their sales are claimed, at most with the fee and burn paid."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.demand import NOTHING_OWED, PAID, demand, rewarded, waiting
from support.invoices import Desk
from support.parties import CLASS, Device, Network, Tab
from support.world import World
from worktab.core.money import charge, reward
from worktab.program.generated.types import ClaimEntry


def test_units_sold_are_rewarded(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    desk.sell(device, tab, 10_000, 300)
    before = world.read_network(network)

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (8_500 + 300, 1_000, 500)
    assert event.entries == (ClaimEntry(0, rewards=300, earnings=10_000, outcome=PAID),)
    after, held = world.read_network(network), world.read_device(device)
    assert (after.pool_free, after.pool_owed) == (before.pool_free - 300, 0)
    assert after.accounted == before.accounted - 8_800 - 500
    assert (after.total_rewards, after.classes[0].spent) == (300, 300)
    assert (held.rewards_owed, held.lifetime_rewards, held.epoch_units, held.epoch_rewards) == (0, 300, 300, 300)
    assert waiting(world, device) == (0, 0, 0)
    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 0, NOTHING_OWED),)


def test_the_reward_is_at_most_the_fee_and_burn(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    desk.sell(device, tab, 1_000, 900)

    assert desk.claim(device).event().entries == (ClaimEntry(0, rewards=150, earnings=1_000, outcome=PAID),)

    # What was above it is gone: nobody paid for it.
    assert waiting(world, device) == (0, 0, 0)


def test_a_network_without_fee_and_burn_rewards_nothing(world: World, desk: Desk) -> None:
    network = demand(world, fee_bps=0, burn_bps=0)
    device, tab = world.device(network), world.tab(network, 1_000)
    world.next_epoch(network)
    desk.sell(device, tab, 1_000, 900)

    assert desk.claim(device).event().amount == 1_000


def test_a_receipt_is_recorded_and_accrues_nothing(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    before = world.read_network(network)

    event = world.send(world.receipt(device, 7, 5_000)).event()

    assert (event.seq, event.units, event.eligible, event.reward) == (7, 5_000, 0, 0)
    after, held = world.read_network(network), world.read_device(device)
    assert (held.seq, held.units, held.rewards_owed, held.epoch_units) == (7, 5_000, 0, 0)
    assert after == replace(before, total_jobs=7, total_units=5_000)
    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 0, NOTHING_OWED),)


def test_a_sale_by_voucher_earns_as_one_by_invoice(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    lane = world.lane(tab, device, 10_000)
    desk.must(world.voucher(lane, 10_000, 300))

    assert desk.claim(device).event().entries == (ClaimEntry(0, rewards=300, earnings=10_000, outcome=PAID),)


def test_parts_of_a_base_unit_are_carried(world: World, desk: Desk) -> None:
    network = demand(world, rate=300_000)
    device, tab = world.device(network), world.tab(network, 10_000)
    world.next_epoch(network)
    rewards = []
    for units in (3, 3, 1, 3):
        desk.sell(device, tab, 1_000, units)
        rewards.append(rewarded(desk, device))
    assert rewards == [0, 1, 1, 1]
    assert world.read_device(device).carry == 0


def test_a_network_of_roots_can_not_have_this_basis(world: World) -> None:
    for terms in ({"basis": 2, "reward_path": 2}, {"basis": 0}, {"basis": 3}):
        _, create = world.create_network(world.terms(**terms))
        assert world.send(create).error_name == "InvalidParameter"


def test_a_sale_taken_back_before_the_claim_earns_nothing(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.sell(device, tab, 10_000, 300)
    desk.must(desk.refund(invoice, tab, 10_000))

    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 0, NOTHING_OWED),)
    assert waiting(world, device) == (0, 0, 0)


def test_sales_without_units_back_nothing_later(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    desk.sell(device, tab, 100_000, 0)
    assert desk.claim(device).event().entries == (ClaimEntry(0, rewards=0, earnings=100_000, outcome=PAID),)
    assert waiting(world, device) == (0, 0, 0)

    desk.sell(device, tab, 10, 900)

    assert rewarded(desk, device) == 1


def test_what_sales_paid_beyond_their_reward_backs_no_later_ones(
    world: World, desk: Desk, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 10)
    assert rewarded(desk, device) == 10
    desk.sell(device, tab, 10, 900)

    assert rewarded(desk, device) == 1
    assert waiting(world, device) == (0, 0, 0)


def test_sales_of_one_claim_count_together(desk: Desk, device: Device, tab: Tab) -> None:
    desk.sell(device, tab, 10_000, 10)
    desk.sell(device, tab, 10, 900)

    assert rewarded(desk, device) == 910


@pytest.mark.parametrize("rate", [2**63, 2**64 - 1])
@pytest.mark.parametrize("units", [1, 2**40, 2**48])
def test_an_absurd_rate_pays_what_was_paid(world: World, desk: Desk, rate: int, units: int) -> None:
    network = demand(world, rate=rate, max_capacity=2**48, budget=2**64 - 1)
    device, tab = world.device(network, capacity=2**48), world.tab(network, 100_000)
    world.next_epoch(network)
    for amount in (10_000, 1, 99, 20_000):
        desk.sell(device, tab, amount, units // 4 or 1)
    pool = world.read_network(network).pool_free

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (30_100, 3_010, 1_505)
    assert event.entries == (ClaimEntry(0, rewards=3_010 + 1_505, earnings=30_100, outcome=PAID),)
    assert world.read_network(network).pool_free == pool - 4_515
    assert waiting(world, device) == (0, 0, 0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    sales=st.lists(st.tuples(st.integers(1, 100_000), st.integers(0, 5_000)), min_size=1, max_size=4),
    rate=st.sampled_from([0, 1, 333_333, 10**6, 7_777_777, 2**63]),
)
def test_without_limits_every_claim_pays_the_rate_or_the_fees(sales: list[tuple[int, int]], rate: int) -> None:
    """Against the rule in plain Python."""
    world = World()
    desk, network = Desk(world), demand(world, rate=rate, budget=10**12, fund=10**12)
    device, tab = world.device(network, capacity=CLASS.max_capacity), world.tab(network, 10**6)
    world.next_epoch(network)
    carry = fee_carry = burn_carry = 0
    for amount, units in sales:
        desk.sell(device, tab, amount, units)
        paid = charge(amount, 1_000, 500, fee_carry, burn_carry)
        fee_carry, burn_carry = paid.fee_carry, paid.burn_carry
        earned, carry = reward(carry, units, rate)
        if earned > paid.fee + paid.burn:
            earned, carry = paid.fee + paid.burn, 0
        assert rewarded(desk, device) == earned
        assert waiting(world, device) == (0, 0, carry)
