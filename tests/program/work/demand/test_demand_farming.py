"""Basis 2: whoever sells to itself, under whatever name, gets back at most the fee and burn that it paid."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.demand import PAID, demand, rewarded, waiting
from support.invoices import Desk
from support.parties import Device, Network, Tab
from support.world import World
from worktab.program.generated.types import ClaimEntry


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
    rate=st.sampled_from([1, 333_333, 10**6, 7_777_777, 2**35, 2**63, 2**64 - 1]),
    capacity=st.sampled_from([1, 7, 1_000, 2**40, 2**48]),
    budget=st.sampled_from([1, 999, 10**6, 2**63]),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["sybil", "sybil", "owner", "refund", "epoch", "claim"]),
            st.one_of(st.integers(1, 40), st.integers(1, 200_000)),
            st.one_of(st.integers(0, 50), st.sampled_from([2**20, 2**40, 2**48 - 1, 2**48])),
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


def test_one_sale_to_another_does_not_pay_for_those_to_oneself(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    own = world.tab(network, 100_000, consumer=device.owner)
    desk.sell(device, tab, 1_000, 50)
    desk.sell(device, own, 9_000, 900)

    event = desk.claim(device).event()

    # 1,500 of fee and burn, a tenth of it on the sale to another: 150, more than its 50 units earn.
    assert (event.fee, event.burn, event.entries[0].rewards) == (1_000, 500, 50)


def test_only_the_others_part_of_the_fees_counts_rounded_down(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    own = world.tab(network, 100_000, consumer=device.owner)
    desk.sell(device, tab, 333, 1_000)
    desk.sell(device, own, 667, 1_000)

    assert rewarded(desk, device) == 150 * 333 // 1_000


def test_farming_basis_2_at_an_absurd_rate_brings_back_no_more_than_was_paid(world: World, desk: Desk) -> None:
    network = demand(world, rate=2**63, max_capacity=2**48, budget=2**64 - 1)
    device, sybil = world.device(network, capacity=2**48), world.tab(network, 61_001)
    world.next_epoch(network)
    for amount, units in ((1, 2**40), (1_000, 1), (10_000, 2**47), (50_000, 0)):
        desk.sell(device, sybil, amount, units)
        desk.claim(device)

    # All of it but for the fee and burn of the sale without units.
    assert world.balance(device.payout) == 61_001 - 7_500
