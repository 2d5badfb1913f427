"""claim: earnings, less fee and burn to the last ten-thousandth of a base unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import changes
from support.earning import burning
from support.invoices import Desk, read_only, state_of, supply
from support.parties import FUNDS, Device, Network, Tab
from support.tokens import create_mint
from support.world import World
from support.wrapped_sol import wrapped_sol
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import Claimed
from worktab.program.generated.types import ClaimEntry

PAID, NOTHING_OWED, OTHER_PAYOUT, DISPUTED, CLOSED, UNPAYABLE = range(6)
U64 = 2**64 - 1


@pytest.fixture
def network(world: World) -> Network:
    """The default network with a fee of 5 percent and a burn of 2.5 percent."""
    return world.network(fee_bps=500, burn_bps=250)


@pytest.fixture
def device(world: World, network: Network) -> Device:
    """A device that has sold nothing yet."""
    return world.device(network)


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    """A tab with 1,000,000 base units."""
    return world.tab(network, 1_000_000)


def vault_of(network: Network) -> int:
    """Base units in the network's vault."""
    return network.mint.balance(network.address)


def test_earnings_are_paid_less_fee_and_burn(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 40)
    before, existing = (world.read_network(network), world.read_device(device)), supply(world, network)

    event = desk.claim(device).event()

    assert event == Claimed(
        network=network.address,
        payout=device.payout.pubkey(),
        amount=9_250,
        fee=500,
        burn=250,
        entries=(ClaimEntry(0, rewards=0, earnings=10_000, outcome=PAID),),
    )
    assert world.balance(device.payout) == 9_250
    assert vault_of(network) == FUNDS + 1_000_000 - 9_250 - 250
    assert supply(world, network) == existing - 250
    assert world.read_network(network) == replace(
        before[0],
        fees=500,
        accounted=FUNDS + 1_000_000 - 9_500,
        total_units_sold=40,
        total_revenue=10_000,
        total_fees=500,
        total_burned=250,
    )
    assert world.read_device(device) == replace(
        before[1], earnings_owed=0, units_counted=40, revenue_claimed=10_000, fees_paid=500, burned=250
    )


def test_rewards_pay_no_fee(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 1_000)).event().reward == 1_000
    desk.sell(device, tab, 10_000)

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (1_000 + 9_250, 500, 250)
    assert event.entries == (ClaimEntry(0, rewards=1_000, earnings=10_000, outcome=PAID),)
    held = world.read_network(network)
    assert (held.pool_owed, held.pool_free, held.fees) == (0, FUNDS - 1_000, 500)


def test_as_much_of_rewards_as_of_earnings_is_paid_like_any(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 1_000)).event().reward == 1_000
    desk.sell(device, tab, 1_000)

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (1_000 + 925, 50, 25)
    assert event.entries == (ClaimEntry(0, rewards=1_000, earnings=1_000, outcome=PAID),)
    assert world.balance(device.payout) == 1_925
    held = world.read_network(network)
    assert (held.pool_owed, held.pool_free, held.fees) == (0, FUNDS - 1_000, 50)


def test_rewards_alone_burn_nothing_and_need_no_writable_mint(world: World, network: Network, device: Device) -> None:
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 1_000)).ok

    event = world.send(world.claim([device], device.payout, network)).event()

    assert (event.amount, event.fee, event.burn) == (1_000, 0, 0)


def test_a_second_claim_pays_nothing(world: World, desk: Desk, network: Network, device: Device, tab: Tab) -> None:
    desk.sell(device, tab, 10_000, 40)
    assert desk.claim(device).ok
    kept = state_of(world, network.address, network.vault, device.address, network.mint.address)

    event = desk.claim(device, device).event()

    assert (event.amount, event.fee, event.burn) == (0, 0, 0)
    assert event.entries == (ClaimEntry(0, 0, 0, NOTHING_OWED),) * 2
    assert state_of(world, network.address, network.vault, device.address, network.mint.address) == kept


# Rounding


@pytest.mark.parametrize(
    ("fee_bps", "burn_bps", "earnings", "expected"),
    [
        # Each: amount, fee, burn, fee carry, burn carry after each claim.
        (1, 0, (1, 9_998, 1, 1), [(1, 0, 0, 1, 0), (9_998, 0, 0, 9_999, 0), (0, 1, 0, 0, 0), (1, 0, 0, 1, 0)]),
        (
            500,
            250,
            (19, 1, 39, 1),
            [(19, 0, 0, 9_500, 4_750), (0, 1, 0, 0, 5_000), (37, 1, 1, 9_500, 4_750), (0, 1, 0, 0, 5_000)],
        ),
        (0, 3_000, (1, 1, 1, 1), [(1, 0, 0, 0, 3_000), (1, 0, 0, 0, 6_000), (1, 0, 0, 0, 9_000), (0, 0, 1, 0, 2_000)]),
        (
            1_500,
            1_500,
            (6, 1, 1, 1),
            # Both fall due with the seventh base unit, which pays the fee; the burn waits for the eighth.
            [(6, 0, 0, 9_000, 9_000), (0, 1, 0, 500, 10_500), (0, 0, 1, 2_000, 2_000), (1, 0, 0, 3_500, 3_500)],
        ),
        (3_000, 0, (10_000, 3, 1), [(7_000, 3_000, 0, 0, 0), (3, 0, 0, 9_000, 0), (0, 1, 0, 2_000, 0)]),
    ],
)
def test_rounding_is_down_and_the_rest_is_carried(
    world: World,
    desk: Desk,
    fee_bps: int,
    burn_bps: int,
    earnings: tuple[int, ...],
    expected: list[tuple[int, ...]],
) -> None:
    network = world.network(fee_bps=fee_bps, burn_bps=burn_bps)
    device, tab = world.device(network), world.tab(network, 100_000)
    said = []
    for amount in earnings:
        desk.sell(device, tab, amount)
        event, held = desk.claim(device).event(), world.read_device(device)
        said.append((event.amount, event.fee, event.burn, held.fee_carry, held.burn_carry))
    assert said == expected


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    bps=st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)).filter(lambda both: sum(both) <= 3_000),
    pieces=st.lists(st.one_of(st.integers(1, 3), st.integers(1, 50_000)), min_size=1, max_size=8),
)
def test_claiming_often_or_once_comes_to_the_same(bps: tuple[int, int], pieces: list[int]) -> None:
    """Two devices that sell the same: one claims after every sale, the other once."""
    world = World()
    network, desk = world.network(fund=0, fee_bps=bps[0], burn_bps=bps[1]), Desk(world)
    often, once = world.device(network), world.device(network)
    tab = world.tab(network, 2 * sum(pieces))
    sums = [0, 0, 0]
    for amount in pieces:
        desk.sell(often, tab, amount)
        desk.sell(once, tab, amount)
        event, held = desk.claim(often).event(), world.read_device(often)
        assert event.amount + event.fee + event.burn == amount
        assert held.fee_carry < 10_000
        assert held.burn_carry < 20_000
        for place, moved in enumerate((event.amount, event.fee, event.burn)):
            sums[place] += moved
    whole, held = desk.claim(once).event(), world.read_device(often)
    # A burn that waits for earnings to pay it is whole base units in its carry.
    waiting, left = divmod(held.burn_carry, 10_000)
    assert [sums[0] - waiting, sums[1], sums[2] + waiting] == [whole.amount, whole.fee, whole.burn]
    after = world.read_device(once)
    assert (held.fee_carry, left) == (after.fee_carry, after.burn_carry)
    assert sum(sums) == sum(pieces)


def test_one_base_unit_at_a_time_never_pays_more_than_it_is(world: World, desk: Desk) -> None:
    network = world.network(fund=0, fee_bps=1_500, burn_bps=1_500)
    device, tab = world.device(network), world.tab(network, 200)
    taken = 0
    for claims in range(1, 201):
        desk.sell(device, tab, 1)
        event, held = desk.claim(device).event(), world.read_device(device)
        assert event.fee + event.burn <= 1
        taken += event.fee + event.burn
        assert 10_000 * taken + held.fee_carry + held.burn_carry == claims * 3_000
    # The last fee took the last base unit, so the burn due with it waits.
    assert (taken, world.balance(device.payout), held.fee_carry, held.burn_carry) == (59, 141, 0, 10_000)


def test_carries_outlive_a_change_of_fees(world: World, desk: Desk) -> None:
    network = world.network(fund=0, fee_bps=3_000, parameter_delay=0)
    device, tab = world.device(network), world.tab(network, 100)
    desk.sell(device, tab, 3)
    assert desk.claim(device).event().fee == 0
    for fee_bps, burn_bps, expected in ((0, 3_000, (1, 0, 0)), (1_000, 2_000, (0, 1, 0)), (0, 0, (9, 0, 0))):
        assert world.send(world.propose(network, changes.fees(fee_bps, burn_bps)), world.apply(network)).ok
        desk.sell(device, tab, sum(expected))
        event = desk.claim(device).event()
        assert (event.amount, event.fee, event.burn) == expected
    assert world.read_device(device).fee_carry == 0
    assert world.read_device(device).burn_carry == 5_000


def test_fees_change_what_is_claimed_later_not_what_was_claimed(world: World, desk: Desk) -> None:
    network = world.network(fund=0, parameter_delay=0)
    device, tab = world.device(network), world.tab(network, 20_000)
    desk.sell(device, tab, 10_000)
    assert desk.claim(device).event().amount == 10_000
    desk.sell(device, tab, 10_000)
    assert world.send(world.propose(network, changes.fees(1_000, 500)), world.apply(network)).ok

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (8_500, 1_000, 500)


def test_the_largest_earnings_are_exact(world: World, desk: Desk) -> None:
    network = world.network(fund=0, fee_bps=1_999, burn_bps=1_001)
    device, tab = world.device(network), world.tab(network, U64)
    desk.sell(device, tab, U64, 2**48)

    event = desk.claim(device).event()

    fee, fee_carry = divmod(U64 * 1_999, 10_000)
    burn, burn_carry = divmod(U64 * 1_001, 10_000)
    assert (event.amount, event.fee, event.burn) == (U64 - fee - burn, fee, burn)
    held = world.read_device(device)
    assert (held.fee_carry, held.burn_carry, held.revenue_claimed) == (fee_carry, burn_carry, U64)
    assert (vault_of(network), supply(world, network)) == (fee, U64 - burn)


# Burning


def test_a_mint_that_may_not_be_written_is_refused(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000)
    claim = burning(world.claim([device], device.payout, network), network)
    kept = state_of(world, network.address, network.vault, device.address, network.mint.address)

    assert world.send(read_only(claim, network.mint.address)).error_name == "ConstraintMut"

    assert state_of(world, network.address, network.vault, device.address, network.mint.address) == kept
    assert world.send(claim).ok


def test_without_a_burn_the_mint_is_only_read(world: World, desk: Desk) -> None:
    network = world.network(fee_bps=3_000)
    device = world.device(network)
    desk.sell(device, world.tab(network, 100), 100)
    existing = supply(world, network)

    event = world.send(world.claim([device], device.payout, network)).event()

    assert (event.amount, event.fee, event.burn, supply(world, network)) == (70, 30, 0, existing)


def test_a_burn_below_one_base_unit_needs_no_writable_mint(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 39)

    assert world.send(world.claim([device], device.payout, network)).event().burn == 0

    desk.sell(device, tab, 2)
    assert world.send(world.claim([device], device.payout, network)).error_name == "ConstraintMut"


def test_earnings_that_all_go_to_the_burn_move_nothing_else(world: World, desk: Desk) -> None:
    network = world.network(fund=0, burn_bps=3_000)
    device, tab = world.device(network), world.tab(network, 4)
    desk.sell(device, tab, 3)
    desk.claim(device)
    desk.sell(device, tab, 1)

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (0, 0, 1)
    assert (world.balance(device.payout), vault_of(network), supply(world, network)) == (3, 0, 3)


def test_wrapped_sol_takes_a_fee_and_never_burns(world: World, desk: Desk) -> None:
    mint = wrapped_sol(world)
    refused, create = world.create_network(world.terms(burn_bps=1), mint=mint)
    assert world.send(create).error_name == "InvalidParameter"
    assert world.account(refused.address) is None
    network = world.network(mint=mint, fund=1_000, fee_bps=3_000, parameter_delay=0)
    assert world.send(world.propose(network, changes.fees(0, 1))).error_name == "InvalidParameter"
    device = world.device(network)
    desk.sell(device, world.tab(network, 10_000), 10_000)

    event = world.send(world.claim([device], device.payout, network)).event()

    assert (event.amount, event.fee, event.burn) == (7_000, 3_000, 0)
    assert (mint.balance(device.payout.pubkey()), vault_of(network)) == (7_000, 4_000)


@pytest.mark.parametrize("token_program", [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["spl_token", "token_2022"])
@pytest.mark.parametrize("decimals", [0, 9])
def test_either_token_program_burns(world: World, desk: Desk, token_program: Any, decimals: int) -> None:
    mint = create_mint(world, token_program=token_program, decimals=decimals)
    network = world.network(mint=mint, fund=0, fee_bps=500, burn_bps=250)
    device = world.device(network)
    desk.sell(device, world.tab(network, 10_000), 10_000)

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (9_250, 500, 250)
    assert (mint.balance(device.payout.pubkey()), vault_of(network), supply(world, network)) == (9_250, 500, 9_750)


# Who is paid, and who waits


def test_a_payout_account_that_can_not_be_paid_keeps_earnings_owed(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000, 40)
    account = network.mint.account_of(device.payout.pubkey())
    assert world.send(network.mint.freeze(account)).ok
    kept = state_of(world, network.address, network.vault, device.address, network.mint.address)

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (0, 0, 0)
    assert event.entries == (ClaimEntry(0, 0, 10_000, UNPAYABLE),)
    assert state_of(world, network.address, network.vault, device.address, network.mint.address) == kept
    assert world.send(network.mint.thaw(account)).ok
    assert desk.claim(device).event().amount == 9_250


def test_a_missing_payout_account_keeps_earnings_owed(world: World, desk: Desk, network: Network, tab: Tab) -> None:
    device = world.device(network, open_payout=False)
    desk.sell(device, tab, 10_000)

    assert desk.claim(device).event().entries == (ClaimEntry(0, 0, 10_000, UNPAYABLE),)

    network.mint.open(device.payout.pubkey())
    assert desk.claim(device).event().amount == 9_250


def test_a_disputed_device_is_paid_its_earnings_and_not_its_rewards(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 1_000)).ok
    desk.sell(device, tab, 10_000, 40)
    world.patch_device(device, open_disputes=1)

    event = desk.claim(device).event()

    assert (event.amount, event.fee, event.burn) == (9_250, 500, 250)
    assert event.entries == (ClaimEntry(0, 1_000, 10_000, DISPUTED),)
    held = world.read_device(device)
    assert (held.rewards_owed, held.earnings_owed) == (1_000, 0)
    assert (world.read_network(network).pool_owed, world.read_network(network).total_units_sold) == (1_000, 40)
    again = desk.claim(device).event()
    assert (again.amount, again.entries) == (0, (ClaimEntry(0, 1_000, 0, DISPUTED),))
    world.patch_device(device, open_disputes=0)
    assert desk.claim(device).event().amount == 1_000


def test_one_transfer_and_one_burn_for_twenty_devices(world: World, desk: Desk, network: Network, tab: Tab) -> None:
    payout = world.keypair()
    devices = [world.device(network, payout=payout) for _ in range(20)]
    for device in devices:
        desk.sell(device, tab, 1_000 + device.index, device.index)
    existing = supply(world, network)

    result = desk.claim(*devices)

    each = [divmod((1_000 + index) * 500, 10_000) + divmod((1_000 + index) * 250, 10_000) for index in range(20)]
    fee, burn = sum(part[0] for part in each), sum(part[2] for part in each)
    earnings = sum(1_000 + index for index in range(20))
    event = result.event()
    assert (event.amount, event.fee, event.burn) == (earnings - fee - burn, fee, burn)
    assert sum("invoke [2]" in line for line in result.logs) == 2
    assert supply(world, network) == existing - burn
    assert [world.read_device(device).fee_carry for device in devices] == [part[1] for part in each]
    assert [world.read_device(device).burn_carry for device in devices] == [part[3] for part in each]
    totals = world.read_network(network)
    assert (totals.total_revenue, totals.total_units_sold, totals.fees) == (earnings, 190, fee)


def test_many_devices_come_to_many_outcomes(world: World, desk: Desk, network: Network, tab: Tab) -> None:
    payout = world.keypair()
    paid, disputed, idle, closed, last = (world.device(network, payout=payout) for _ in range(5))
    other = world.device(network)
    world.next_epoch(network)
    for device in (paid, disputed, other):
        assert world.send(world.receipt(device, 1, 30)).ok
    for device in (paid, disputed, other, last):
        desk.sell(device, tab, 2_000, 7)
    world.patch_device(disputed, open_disputes=1)
    assert world.send(world.retire(closed)).event().closed

    event = desk.claim(paid, other, idle, closed, disputed, last, paid, payout=payout).event()

    assert event.entries == (
        ClaimEntry(paid.index, 30, 2_000, PAID),
        ClaimEntry(other.index, 30, 2_000, OTHER_PAYOUT),
        ClaimEntry(idle.index, 0, 0, NOTHING_OWED),
        ClaimEntry(2**32 - 1, 0, 0, CLOSED),
        ClaimEntry(disputed.index, 30, 2_000, DISPUTED),
        ClaimEntry(last.index, 0, 2_000, PAID),
        ClaimEntry(paid.index, 0, 0, NOTHING_OWED),
    )
    assert (event.amount, event.fee, event.burn) == (30 + 3 * 1_850, 300, 150)
    assert world.balance(payout) == event.amount
    assert world.read_network(network).total_revenue == 6_000


def test_claims_run_side_by_side_in_one_transaction(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    other = world.device(network)
    desk.sell(device, tab, 10_000)
    desk.sell(other, tab, 4_000)
    claims = [burning(world.claim([each], each.payout, network), network) for each in (device, other)]

    result = world.send(*claims)

    assert [(event.amount, event.fee, event.burn) for event in result.events if isinstance(event, Claimed)] == [
        (9_250, 500, 250),
        (3_700, 200, 100),
    ]


# The network's totals


def test_totals_count_at_the_claim_and_not_before(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 100, 7)
    held = world.read_network(network)
    assert (held.total_units_sold, held.total_revenue) == (0, 0)

    desk.claim(device)
    desk.sell(device, tab, 50, 5)
    desk.claim(device)

    held = world.read_network(network)
    assert (held.total_units_sold, held.total_revenue) == (12, 150)


def test_what_was_sold_for_nothing_in_the_end_counts_when_the_device_closes(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    """A refund gives no more units back than its part of the invoice, rounded."""
    invoice = desk.sell(device, tab, 2, 3)
    desk.must(desk.refund(invoice, tab, 1))
    lane = world.lane(tab, device, 100)
    desk.must(world.voucher(lane, 1, 9))
    desk.must(desk.refund(invoice, tab, 1))
    desk.claim(device)
    desk.must(world.retire(device))

    held = world.read_network(network)
    assert (held.total_units_sold, held.total_revenue) == (9, 1)
    assert world.account(device.address) is None


def test_units_left_after_their_earnings_went_back_count_at_the_retirement(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    old = desk.sell(device, tab, 100, 0)
    desk.claim(device)
    desk.sell(device, tab, 100, 7)
    desk.must(desk.refund(old, tab, 100))
    before = world.read_network(network)
    assert (before.total_units_sold, before.total_revenue) == (0, 100)

    assert world.send(world.retire(device)).event().closed

    assert world.read_network(network).total_units_sold == 7


def test_a_refund_of_what_was_claimed_is_made_good_before_units_count_again(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    old = desk.sell(device, tab, 100, 10)
    desk.claim(device)
    desk.sell(device, tab, 300, 4)
    desk.must(desk.refund(old, tab, 100))
    desk.claim(device)
    assert (world.read_device(device).units_sold, world.read_network(network).total_units_sold) == (4, 10)

    desk.sell(device, tab, 300, 9)
    desk.claim(device)

    assert (world.read_device(device).units_sold, world.read_network(network).total_units_sold) == (13, 13)


def test_statistics_stop_at_their_end_and_stop_no_claim(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    world.patch_network(network, total_units_sold=U64 - 1, total_units_self_sold=U64, total_revenue=U64 - 5)
    world.patch_device(device, revenue_claimed=U64 - 1)
    desk.sell(device, tab, 100, 7)

    assert desk.claim(device).event().amount == 93

    held = world.read_network(network)
    assert (held.total_units_sold, held.total_units_self_sold, held.total_revenue) == (U64, U64, U64)
    assert world.read_device(device).revenue_claimed == U64


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_works_no_more_is_paid_its_earnings(
    world: World, desk: Desk, device: Device, tab: Tab, status: int
) -> None:
    desk.sell(device, tab, 10_000)
    world.patch_device(device, status=status)

    assert desk.claim(device).event().amount == 9_250


def test_a_retired_device_closes_after_its_earnings_are_claimed(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000)
    assert not world.send(world.retire(device)).event().closed
    assert world.send(world.retire(device)).error_name == "DeviceInactive"

    result = world.send(burning(world.claim([device], device.payout, network), network), world.retire(device))

    assert result.ok
    assert world.account(device.address) is None


def test_nothing_pauses_a_claim_of_earnings(
    world: World, desk: Desk, network: Network, device: Device, tab: Tab
) -> None:
    desk.sell(device, tab, 10_000)
    assert world.send(world.pause(network, 31)).ok

    assert desk.claim(device).event().amount == 9_250
