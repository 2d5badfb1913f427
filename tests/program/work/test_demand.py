"""Basis 2: only units sold to others are rewarded, at most with the fee and burn they paid, and limits make it wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.invoices import Desk
from support.parties import CLASS, FUNDS, Device, Network, Tab
from support.world import World
from worktab.core.money import charge, reward
from worktab.program.generated.types import ClaimEntry

PAID, NOTHING_OWED, OTHER_PAYOUT, DISPUTED, CLOSED, UNPAYABLE = range(6)
RATE = 1_000_000


def demand(world: World, *, fee_bps: int = 1_000, burn_bps: int = 500, fund: int = FUNDS, **class_: Any) -> Network:
    """A network that rewards units sold, with one class of one base unit a work unit."""
    terms = replace(CLASS, **class_)
    return world.network(basis=2, fee_bps=fee_bps, burn_bps=burn_bps, classes=(terms,), fund=fund)


@pytest.fixture
def network(world: World) -> Network:
    """A fee of 10 percent and a burn of 5."""
    return demand(world)


@pytest.fixture
def device(world: World, network: Network) -> Device:
    """A device with a capacity of 1,000 units an epoch that counts already."""
    device = world.device(network)
    world.next_epoch(network)
    return device


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    """Another's tab, with 10,000,000 base units."""
    return world.tab(network, 10_000_000)


def leave(world: World, network: Network, budget: int) -> None:
    """Spends the class's budget of this epoch but for so much, as if other devices had."""
    class_ = world.read_network(network).classes[0]
    world.patch_class(
        network,
        epoch=world.epoch(network),
        total_capacity=class_.next_total_capacity,
        spent=class_.budget - budget,
    )


def waiting(world: World, device: Device) -> tuple[int, int, int]:
    """Units that wait, what backs them, and the carry."""
    held = world.read_device(device)
    return held.units_unrewarded, held.backing, held.carry


# What earns


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

    # What was above it is gone: nothing backs it.
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
        rewards.append(desk.claim(device).event().entries[0].rewards)
    assert rewards == [0, 1, 1, 1]
    assert world.read_device(device).carry == 0


def test_a_network_of_roots_can_not_have_this_basis(world: World) -> None:
    for terms in ({"basis": 2, "reward_path": 2}, {"basis": 0}, {"basis": 3}):
        _, create = world.create_network(world.terms(**terms))
        assert world.send(create).error_name == "InvalidParameter"


# Farming


def test_farming_basis_2_by_selling_to_oneself_earns_nothing(
    world: World, desk: Desk, network: Network, device: Device
) -> None:
    own = world.tab(network, 1_000_000, consumer=device.owner)
    pool = world.read_network(network).pool_free
    for _ in range(3):
        desk.sell(device, own, 100_000, 900)
        event = desk.claim(device).event()
        assert event.entries == (ClaimEntry(0, rewards=0, earnings=100_000, outcome=PAID),)
        assert (event.amount, event.fee, event.burn) == (85_000, 10_000, 5_000)
    held = world.read_network(network)
    assert (held.pool_free, held.total_units_sold, held.total_units_self_sold) == (pool, 2_700, 2_700)
    assert waiting(world, device) == (0, 0, 0)


def test_farming_basis_2_under_another_name_gains_nothing(
    world: World, desk: Desk, network: Network, device: Device
) -> None:
    """A second wallet of the same owner pays at least as much fee and burn as its purchases earn."""
    sybil = world.tab(network, 100_000)
    spent = received = 0
    for amount, units in ((1, 1_000), (1_000, 1_000), (10_000, 1_000), (50_000, 10)):
        world.next_epoch(network)
        desk.sell(device, sybil, amount, units)
        spent += amount
        received += desk.claim(device).event().amount
        assert received <= spent
    assert world.balance(device.payout) == received
    assert spent - received == 61_001 - (51_851 + 150 + 1_000 + 10)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    bps=st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)).filter(lambda both: sum(both) <= 3_000),
    rate=st.sampled_from([1, 333_333, 10**6, 7_777_777, 2**35]),
    capacity=st.sampled_from([1, 7, 1_000, 2**40, 2**48]),
    budget=st.sampled_from([1, 999, 10**6, 2**63]),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["sybil", "sybil", "owner", "refund", "epoch", "claim"]),
            st.one_of(st.integers(1, 40), st.integers(1, 200_000)),
            st.one_of(st.integers(0, 50), st.sampled_from([2**20, 2**40, 2**63, 2**64 - 1])),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_no_way_of_selling_to_oneself_gains(
    bps: tuple[int, int], rate: int, capacity: int, budget: int, steps: list[tuple[str, int, int]]
) -> None:
    """One person is owner, consumer, sybil and payout wallet: over any history, it never has more than it brought."""
    world = World()
    desk = Desk(world)
    network = demand(
        world, fee_bps=bps[0], burn_bps=bps[1], rate=rate, max_capacity=capacity, budget=budget, fund=10**12
    )
    device = world.device(network, capacity=capacity)
    world.next_epoch(network)
    brought = 10**7
    tabs = {"sybil": world.tab(network, brought), "owner": world.tab(network, brought, consumer=device.owner)}
    sold: list[tuple[Any, Tab]] = []
    for kind, amount, units in [*steps, ("claim", 0, 0), ("epoch", 0, 0), ("claim", 0, 0)]:
        if kind in tabs:
            sold.append((desk.sell(device, tabs[kind], amount, units), tabs[kind]))
        elif kind == "refund" and sold:
            world.send(desk.refund(*sold[amount % len(sold)], amount))
        elif kind == "epoch":
            world.next_epoch(network)
        elif kind == "claim":
            assert desk.claim(device).ok
        has = sum(world.read_tab(tab).balance for tab in tabs.values()) + world.balance(device.payout)
        assert has + world.read_device(device).earnings_owed <= 2 * brought


def test_farming_basis_1_brings_rewards_for_reported_units_and_none_for_sold_ones(
    world: World, desk: Desk, tab: Tab
) -> None:
    """There an owner is paid for jobs that it runs for nobody; what it sells itself adds nothing, and is told apart."""
    network = world.network(fee_bps=1_000, burn_bps=500)
    idle, busy = (world.device(network) for _ in range(2))
    world.next_epoch(network)
    for device in (idle, busy):
        desk.sell(device, world.tab(network, 10_000, consumer=device.owner), 10_000, 400)
    assert world.send(world.receipt(busy, 1, 400)).ok

    entries = [desk.claim(device).event().entries[0] for device in (idle, busy)]

    assert [each.rewards for each in entries] == [0, 400]
    held = world.read_network(network)
    assert (held.total_units, held.total_units_sold, held.total_units_self_sold) == (400, 800, 800)
    assert (held.fees, held.total_revenue) == (2_000, 20_000)


def test_one_sale_to_another_does_not_back_those_to_oneself(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    own = world.tab(network, 100_000, consumer=device.owner)
    desk.sell(device, tab, 1_000, 50)
    desk.sell(device, own, 9_000, 900)

    event = desk.claim(device).event()

    # 1,500 of fee and burn, a tenth of it on the sale to another: 150, more than its 50 units earn.
    assert (event.fee, event.burn, event.entries[0].rewards) == (1_000, 500, 50)


def test_the_backing_is_the_others_part_rounded_down(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    own = world.tab(network, 100_000, consumer=device.owner)
    desk.sell(device, tab, 333, 1_000)
    desk.sell(device, own, 667, 1_000)

    assert desk.claim(device).event().entries[0].rewards == 150 * 333 // 1_000


def test_a_sale_taken_back_before_the_claim_earns_nothing(world: World, desk: Desk, device: Device, tab: Tab) -> None:
    invoice = desk.sell(device, tab, 10_000, 300)
    desk.must(desk.refund(invoice, tab, 10_000))

    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 0, NOTHING_OWED),)
    assert waiting(world, device) == (0, 0, 0)


# Limits: what they cut waits


def test_units_over_capacity_wait_for_the_next_epoch(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 100_000, 2_500)
    rewards = []
    for _ in range(4):
        rewards.append(desk.claim(device).event().entries[0].rewards)
        rewards.append(desk.claim(device).event().entries[0].rewards)
        world.next_epoch(network)

    assert rewards == [1_000, 0, 1_000, 0, 500, 0, 0, 0]
    assert waiting(world, device) == (0, 0, 0)
    assert world.balance(device.payout) == 85_000 + 2_500


def test_a_reward_over_the_share_waits(world: World, desk: Desk) -> None:
    network = demand(world, budget=1_000)
    device, tab = world.device(network, capacity=1_000), world.tab(network, 100_000)
    world.device(network, capacity=3_000)
    world.next_epoch(network)
    desk.sell(device, tab, 100_000, 600)
    rewards = []
    for _ in range(4):
        rewards.append(desk.claim(device).event().entries[0].rewards)
        world.next_epoch(network)

    assert rewards == [250, 250, 100, 0]


def test_a_reward_over_the_budget_waits(world: World, desk: Desk) -> None:
    """Terms changed within the epoch, so that other devices used most of the budget."""
    network = demand(world, budget=1_000)
    device, tab = world.device(network), world.tab(network, 100_000)
    world.next_epoch(network)
    leave(world, network, 100)
    desk.sell(device, tab, 100_000, 600)

    assert desk.claim(device).event().entries[0].rewards == 100
    assert world.read_network(network).classes[0].spent == 1_000
    world.next_epoch(network)
    assert desk.claim(device).event().entries[0].rewards == 500


def test_a_reward_over_the_pool_waits(world: World, desk: Desk) -> None:
    network = demand(world, fund=100)
    device, tab = world.device(network), world.tab(network, 100_000)
    world.next_epoch(network)
    desk.sell(device, tab, 100_000, 600)

    assert desk.claim(device).event().entries[0].rewards == 100
    assert world.read_network(network).pool_free == 0
    assert desk.claim(device).event().entries[0].rewards == 0
    desk.must(world.fund(network, 10_000))
    assert desk.claim(device).event().entries[0].rewards == 500
    assert world.balance(device.payout) == 85_000 + 600


def test_a_claim_at_a_bad_moment_costs_less_than_one_units_worth(world: World, desk: Desk) -> None:
    """Anyone may claim when the epoch leaves little; what a cut takes is below the price of one unit."""
    network = demand(world, rate=7 * RATE, budget=10_000, fund=10**9)
    device, tab = world.device(network), world.tab(network, 1_000_000)
    world.next_epoch(network)
    desk.sell(device, tab, 1_000_000, 1_000)
    total = 0
    for left in (10, 6, 1):
        leave(world, network, left)
        rewarded = desk.claim(device).event().entries[0].rewards
        assert rewarded == left
        total += rewarded
        world.next_epoch(network)
    total += desk.claim(device).event().entries[0].rewards
    assert total == 17 + 7 * (1_000 - 2 - 1 - 1)


@pytest.mark.parametrize("why", ["suspended", "under-bonded"])
def test_a_device_that_may_not_earn_now_waits(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab, why: str
) -> None:
    desk.sell(device, tab, 10_000, 300)
    if why == "suspended":
        world.patch_device(device, status=2)
    else:
        world.patch_class(network, least_bond=1)

    event = desk.claim(device).event()
    again = desk.claim(device).event()

    assert (event.amount, event.entries) == (8_500, (ClaimEntry(0, 0, 10_000, PAID),))
    assert (again.amount, again.entries) == (0, (ClaimEntry(0, 0, 0, PAID),))
    assert waiting(world, device) == (300, 1_500, 0)
    world.patch_device(device, status=1)
    world.patch_class(network, least_bond=0)
    assert desk.claim(device).event().amount == 300


def test_a_disputed_device_is_rewarded_once_no_dispute_is_open(
    world: World, desk: Desk, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 300)
    world.patch_device(device, open_disputes=1)

    event = desk.claim(device).event()

    assert (event.amount, event.entries) == (8_500, (ClaimEntry(0, 0, 10_000, DISPUTED),))
    assert waiting(world, device) == (300, 1_500, 0)
    world.patch_device(device, open_disputes=0)
    assert desk.claim(device).event().amount == 300


def test_before_its_capacity_counts_a_device_waits(world: World, desk: Desk, network: Network, tab: Tab) -> None:
    device = world.device(network)
    desk.sell(device, tab, 10_000, 300)

    assert desk.claim(device).event().entries[0].rewards == 0

    world.next_epoch(network)
    assert desk.claim(device).event().entries[0].rewards == 300


def test_what_a_payout_account_can_not_take_waits(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 300)
    world.patch_device(device, status=2)
    desk.claim(device)
    world.patch_device(device, status=1)
    account = network.mint.account_of(device.payout.pubkey())
    desk.must(network.mint.freeze(account))

    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 0, UNPAYABLE),)

    desk.must(network.mint.thaw(account))
    assert desk.claim(device).event().amount == 300


def test_what_sales_paid_beyond_their_reward_backs_no_later_ones(
    world: World, desk: Desk, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 10)
    assert desk.claim(device).event().entries[0].rewards == 10
    desk.sell(device, tab, 10, 900)

    assert desk.claim(device).event().entries[0].rewards == 1


def test_sales_of_several_claims_wait_together(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    world.patch_device(device, status=2)
    for _ in range(3):
        desk.sell(device, tab, 1_000, 40)
        desk.claim(device)
    assert waiting(world, device) == (120, 450, 0)
    world.patch_device(device, status=1)

    assert desk.claim(device).event().amount == 120


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    sales=st.lists(st.tuples(st.integers(1, 100_000), st.integers(0, 5_000)), min_size=1, max_size=4),
    rate=st.sampled_from([1, 333_333, 10**6, 7_777_777]),
)
def test_without_limits_every_claim_is_rate_or_backing(sales: list[tuple[int, int]], rate: int) -> None:
    """Against the rule in plain Python."""
    world = World()
    desk, network = Desk(world), demand(world, rate=rate, budget=10**12, fund=10**12)
    device, tab = world.device(network, capacity=CLASS.max_capacity), world.tab(network, 10**6)
    world.next_epoch(network)
    carry = fee_carry = burn_carry = backing = 0
    for amount, units in sales:
        desk.sell(device, tab, amount, units)
        paid = charge(amount, 1_000, 500, fee_carry, burn_carry)
        fee_carry, burn_carry, backing = paid.fee_carry, paid.burn_carry, backing + paid.fee + paid.burn
        earned = 0
        if units:
            earned, carry = reward(carry, units, rate)
            if earned > backing:
                earned, carry = backing, 0
            backing = 0
        assert desk.claim(device).event().entries[0].rewards == earned
