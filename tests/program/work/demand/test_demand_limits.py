"""Basis 2: what capacity, share, budget or pool cut off a reward waits for a later claim, and all of it is paid."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.demand import DISPUTED, NOTHING_OWED, PAID, UNPAYABLE, demand, leave, rewarded, waiting
from support.invoices import Desk
from support.parties import Device, Network, Tab
from support.world import World
from worktab.core.money import charge, reward
from worktab.program.generated.types import ClaimEntry


def test_units_over_capacity_wait_for_the_next_epoch(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 100_000, 2_500)
    rewards = []
    for _ in range(4):
        rewards.append(rewarded(desk, device))
        rewards.append(rewarded(desk, device))
        world.next_epoch(network)

    assert rewards == [1_000, 0, 1_000, 0, 500, 0, 0, 0]
    assert waiting(world, device) == (0, 0, 0)
    assert world.balance(device.payout) == 85_000 + 2_500


def test_the_part_within_capacity_is_rounded_down_and_the_rest_comes_later(world: World, desk: Desk) -> None:
    network = demand(world, rate=1_500_000)
    device, tab = world.device(network), world.tab(network, 100_000)
    world.next_epoch(network)
    desk.sell(device, tab, 100_000, 1_001)

    assert rewarded(desk, device) == 1_501 * 1_000 // 1_001 == 1_499

    assert waiting(world, device) == (1, 2, 500_000)
    world.next_epoch(network)
    assert rewarded(desk, device) == 2


def test_a_reward_over_the_share_waits(world: World, desk: Desk) -> None:
    network = demand(world, budget=1_000)
    device, tab = world.device(network, capacity=1_000), world.tab(network, 100_000)
    world.device(network, capacity=3_000)
    world.next_epoch(network)
    desk.sell(device, tab, 100_000, 600)
    rewards = []
    for _ in range(4):
        rewards.append(rewarded(desk, device))
        world.next_epoch(network)

    assert rewards == [250, 250, 100, 0]


def test_a_reward_over_the_budget_waits(world: World, desk: Desk) -> None:
    """Terms changed within the epoch, so that other devices used most of the budget."""
    network = demand(world, budget=1_000)
    device, tab = world.device(network), world.tab(network, 100_000)
    world.next_epoch(network)
    leave(world, network, 100)
    desk.sell(device, tab, 100_000, 600)

    assert rewarded(desk, device) == 100
    assert world.read_network(network).classes[0].spent == 1_000
    world.next_epoch(network)
    assert rewarded(desk, device) == 500


def test_a_reward_over_the_pool_waits(world: World, desk: Desk) -> None:
    network = demand(world, fund=100)
    device, tab = world.device(network), world.tab(network, 100_000)
    world.next_epoch(network)
    desk.sell(device, tab, 100_000, 600)

    assert rewarded(desk, device) == 100
    assert world.read_network(network).pool_free == 0
    assert rewarded(desk, device) == 0
    desk.must(world.fund(network, 10_000))
    assert rewarded(desk, device) == 500
    assert world.balance(device.payout) == 85_000 + 600


def test_a_disputed_device_is_rewarded_once_no_dispute_is_open(
    world: World, desk: Desk, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 300)
    world.patch_device(device, open_disputes=1)

    event = desk.claim(device).event()

    assert (event.amount, event.entries) == (8_500, (ClaimEntry(0, 0, 10_000, DISPUTED),))
    assert waiting(world, device) == (300, 300, 0)
    world.patch_device(device, open_disputes=0)
    assert desk.claim(device).event().amount == 300


def test_before_its_capacity_counts_a_device_waits(world: World, desk: Desk, network: Network, tab: Tab) -> None:
    device = world.device(network)
    desk.sell(device, tab, 10_000, 300)

    assert rewarded(desk, device) == 0

    world.next_epoch(network)
    assert rewarded(desk, device) == 300


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


def test_sales_of_several_claims_wait_together(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    world.patch_device(device, status=2)
    for _ in range(3):
        desk.sell(device, tab, 1_000, 40)
        desk.claim(device)
    assert waiting(world, device) == (120, 120, 0)
    world.patch_device(device, status=1)

    assert desk.claim(device).event().amount == 120


def test_one_unit_over_the_share_is_paid_in_full_over_many_epochs(world: World, desk: Desk) -> None:
    """A unit worth 1,000,000 base units, of which each epoch pays 10,000."""
    network = demand(world, rate=10**12, budget=10_000)
    device, tab = world.device(network), world.tab(network, 10_000_000)
    world.next_epoch(network)
    desk.sell(device, tab, 10_000_000, 1)
    for epoch in range(1, 100):
        assert [rewarded(desk, device), rewarded(desk, device)] == [10_000, 0]
        assert waiting(world, device) == (1, 1_000_000 - 10_000 * epoch, 0)
        world.next_epoch(network)

    assert rewarded(desk, device) == 10_000

    assert waiting(world, device) == (0, 0, 0)
    world.next_epoch(network)
    assert rewarded(desk, device) == 0
    assert world.read_device(device).lifetime_rewards == 1_000_000
    assert world.balance(device.payout) == 8_500_000 + 1_000_000


def test_what_waits_keeps_its_worth(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    """Later terms value later sales."""
    desk.sell(device, tab, 100_000, 1_700)
    assert rewarded(desk, device) == 1_000
    world.patch_class(network, rate=3_000_000)
    world.next_epoch(network)
    desk.sell(device, tab, 10_000, 100)

    assert waiting(world, device) == (700, 700, 0)
    assert rewarded(desk, device) == 700 + 3 * 100


@pytest.mark.parametrize("units", [10**9, 2**48, 2**64 - 1])
def test_units_that_a_stranger_names_for_nothing_take_no_capacity(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab, units: int
) -> None:
    """A consumer settles vouchers of one base unit each, over far more units than the device has capacity for."""
    lane = world.lane(tab, device, 40)
    for amount in (1, 2, 40):
        desk.must(world.voucher(lane, amount, units))
        units = min(2 * units, 2**64 - 1)
    # 4 of fee and 2 of burn: they pay for no more units.
    assert (rewarded(desk, device), world.read_device(device).epoch_units) == (6, 6)

    for _ in range(3):
        world.next_epoch(network)
        desk.sell(device, tab, 10_000, 300)
        assert rewarded(desk, device) == 300
        assert waiting(world, device) == (0, 0, 0)


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
    assert (again.amount, again.entries) == (0, (ClaimEntry(0, 0, 0, NOTHING_OWED),))
    assert waiting(world, device) == (300, 300, 0)
    world.patch_device(device, status=1)
    world.patch_class(network, least_bond=0)
    assert desk.claim(device).event().amount == 300


def test_a_claim_of_which_the_limits_leave_nothing_says_so(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 300)
    leave(world, network, 0)
    assert rewarded(desk, device) == 0

    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 0, NOTHING_OWED),)

    assert waiting(world, device) == (300, 300, 0)


def test_what_waits_ends_with_the_device(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    desk.sell(device, tab, 10_000, 300)
    pool = world.read_network(network).pool_free
    assert not desk.must(world.retire(device)).event().closed

    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 10_000, PAID),)

    assert waiting(world, device) == (300, 300, 0)
    assert desk.must(world.retire(device)).event().closed
    assert world.read_network(network).pool_free == pool


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rate=st.sampled_from([1, 333_333, 10**6, 7_777_777, 10**12, 2**63]),
    fund=st.sampled_from([0, 7, 10**9]),
    moments=st.lists(
        st.tuples(
            st.sampled_from(["sale", "sale", "budget", "epoch", "suspended", "disputed"]),
            st.one_of(st.integers(1, 50), st.integers(1, 100_000)),
            st.one_of(st.integers(0, 9), st.integers(0, 2_500)),
        ),
        min_size=1,
        max_size=10,
    ),
)
def test_claims_by_a_stranger_at_the_worst_moments_lose_nothing(
    rate: int, fund: int, moments: list[tuple[str, int, int]]
) -> None:
    """Whenever it claims, all claims together pay the device exactly what its sales were worth."""
    world = World()
    desk, network = Desk(world), demand(world, rate=rate, budget=10**12, fund=fund)
    device, tab = world.device(network), world.tab(network, 10**6)
    world.next_epoch(network)
    carry = fee_carry = burn_carry = worth = received = 0
    for kind, amount, units in [*moments, ("epoch", 0, 0)]:
        if kind == "sale":
            desk.sell(device, tab, amount, units)
            paid = charge(amount, 1_000, 500, fee_carry, burn_carry)
            fee_carry, burn_carry = paid.fee_carry, paid.burn_carry
            earned, carry = reward(carry, units, rate)
            if earned > paid.fee + paid.burn:
                earned, carry = paid.fee + paid.burn, 0
            worth += earned
        elif kind == "budget":
            leave(world, network, units)
        elif kind == "epoch":
            world.next_epoch(network)
        else:
            world.patch_device(device, **{"suspended": {"status": 2}, "disputed": {"open_disputes": 1}}[kind])
        received += rewarded(desk, device)
        world.patch_device(device, status=1, open_disputes=0)
        assert received + waiting(world, device)[1] == worth
    desk.must(world.fund(network, 10**9))
    while waiting(world, device)[0]:
        received += rewarded(desk, device)
        world.next_epoch(network)

    assert received == worth == world.read_device(device).lifetime_rewards
    assert waiting(world, device) == (0, 0, carry)
