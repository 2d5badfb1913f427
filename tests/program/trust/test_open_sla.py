"""open_sla: what both sign, what it holds, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair

from support.builders import unsigned
from support.effects import effects
from support.parties import CLASS, Device, Lane, Network, Tab
from support.trust import SLA_TIME
from support.trust_scenes import CHALLENGE, Court, TrustWorld
from worktab.core.addresses import find_sla
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.events import SlaOpened
from worktab.program.generated.types import Ballot, SlaTerms

YEAR = 31_536_000
IN_USE = "Custom(0)"


def unheld(world: TrustWorld, lane: Lane) -> None:
    """Nothing holds bond or lane."""
    device = world.read_device(lane.device)
    assert (device.bond_held, device.open_slas) == (0, 0)
    assert [each.flags for each in world.lanes(lane.tab)] == [0] * len(world.lanes(lane.tab))


def test_a_promise_holds_lane_and_bond(world: TrustWorld, network: Network, lane: Lane) -> None:
    world.must(world.voucher(lane, 40))
    before = world.read_device(lane.device), world.read_tab(lane.tab), world.read_network(network)
    sla = world.sla_of(lane, 333, 1_234)

    result = world.send(world.open_sla(sla))

    deadline = world.now + SLA_TIME
    address, bump = find_sla(PROGRAM_ID, lane.tab.address, lane.nonce)
    assert result.event() == SlaOpened(
        address, lane.tab.address, lane.device.address, lane.nonce, due=333, bps=1_234, held=41, deadline=deadline
    )
    assert world.read_sla(sla) == state.Sla(
        network=network.address,
        tab=lane.tab.address,
        device=lane.device.address,
        rent_payer=world.payer.pubkey(),
        due=333,
        paid_before=40,
        held=41,
        start=world.now,
        deadline=deadline,
        contest_until=deadline + CHALLENGE,
        decide_until=deadline + 2 * CHALLENGE,
        votes=Ballot(attestor_version=0, yes=0, no=0),
        nonce=lane.nonce,
        bps=1_234,
        contested=0,
        threshold=2,
        bump=bump,
        version=1,
        reserved=bytes(6),
    )
    assert world.read_device(lane.device) == replace(before[0], bond_held=41, open_slas=1)
    assert world.read_tab(lane.tab) == before[1]
    assert world.read_network(network) == before[2]
    [held] = world.lanes(lane.tab)
    assert (held.paid, held.reserved, held.flags, held.close_at) == (40, 960, 1, 0)


def test_only_the_payer_pays_the_rent(world: TrustWorld, lane: Lane) -> None:
    sla, payer = world.sla_of(lane, 100, 100), world.keypair(lamports=10**9)
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Sla.SIZE)

    changed = effects(world, world.open_sla(sla, payer=payer.pubkey()))

    lamports = {address: each["lamports"] for address, each in changed.items() if "lamports" in each}
    assert lamports == {payer.pubkey(): -rent, sla.address: rent}
    assert world.read_sla(sla).rent_payer == payer.pubkey()


@pytest.mark.parametrize("who", ["consumer", "owner"])
def test_consumer_or_owner_may_pay(world: TrustWorld, lane: Lane, who: str) -> None:
    payer = {"consumer": lane.tab.consumer, "owner": lane.device.owner}[who]
    world.runtime.airdrop(payer.pubkey(), 10**9)

    assert world.send(world.open_sla(world.sla_of(lane, 100, 100), payer=payer.pubkey()), payer=payer).ok


@pytest.mark.parametrize(
    ("due", "bps", "held"),
    [
        (1, 0, 0),
        (1, 1, 0),
        (1, 9_999, 0),
        (1, 10_000, 1),
        (2, 5_000, 1),
        (3, 5_000, 1),
        (999, 10, 0),
        (1_000, 10, 1),
        (1_000, 9_999, 999),
        (1_000, 10_000, 1_000),
    ],
)
def test_what_is_held_is_rounded_down(world: TrustWorld, lane: Lane, due: int, bps: int, held: int) -> None:
    world.sla(lane, due, bps)

    assert world.read_device(lane.device).bond_held == held


EDGES: dict[str, tuple[int, int, int, str]] = {
    "nothing due": (0, 100, 1, "InvalidParameter"),
    "all that is reserved": (1_000, 100, 1, ""),
    "more than is reserved": (1_001, 100, 1, "OverReserve"),
    "the largest number": (2**64 - 1, 0, 1, "OverReserve"),
    "all of it": (1_000, 10_000, 1, ""),
    "more than all of it": (1_000, 10_001, 1, "InvalidParameter"),
    "the most basis points there are": (1, 2**16 - 1, 1, "InvalidParameter"),
    "due now": (100, 100, 0, "InvalidParameter"),
    "due a second ago": (100, 100, -1, "InvalidParameter"),
    "due in a second": (100, 100, 1, ""),
    "due in a year": (100, 100, YEAR, ""),
    "due in over a year": (100, 100, YEAR + 1, "InvalidParameter"),
}


@pytest.mark.parametrize(("due", "bps", "after", "error"), EDGES.values(), ids=EDGES)
def test_both_sides_of_every_edge(world: TrustWorld, lane: Lane, due: int, bps: int, after: int, error: str) -> None:
    sla = world.sla_of(lane, due, bps, deadline=world.now + after)

    assert world.send(world.open_sla(sla)).error_name == error

    if error:
        assert world.account(sla.address) is None
        unheld(world, lane)


@pytest.mark.parametrize("deadline", [-(2**63), 0, 2**63 - 1])
def test_deadlines_out_of_time_are_refused(world: TrustWorld, lane: Lane, deadline: int) -> None:
    assert world.send(world.open_sla(world.sla_of(lane, 1, 1, deadline=deadline))).error_name == "InvalidParameter"


def test_dates_past_the_end_of_time_are_refused(world: TrustWorld, lane: Lane) -> None:
    world.now = 2**63 - 1 - 10
    terms = world.sla_of(lane, 1, 1, deadline=2**63 - 1)

    assert world.send(world.open_sla(terms)).error_name == "Overflow"


# The bond behind it


def test_the_free_bond_is_the_limit(world: TrustWorld, network: Network, device: Device) -> None:
    first, second = (world.lane(world.tab(network, 2_000), device, 2_000) for _ in range(2))
    assert world.send(world.open_sla(world.sla_of(first, 1_001, 10_000))).error_name == "BondHeld"
    world.sla(first, 600, 10_000)

    assert world.send(world.open_sla(world.sla_of(second, 401, 10_000))).error_name == "BondHeld"
    world.sla(second, 400, 10_000)

    held = world.read_device(device)
    assert (held.bond, held.bond_held, held.open_slas) == (1_000, 1_000, 2)


def test_what_the_class_asks_for_is_not_held(world: TrustWorld, network: Network, device: Device, lane: Lane) -> None:
    world.patch_class(network, least_bond=400)
    assert world.send(world.open_sla(world.sla_of(lane, 601, 10_000))).error_name == "BondHeld"

    world.sla(lane, 600, 10_000)

    assert world.read_device(device).bond_held == 600


def test_an_sla_without_a_penalty_needs_no_bond(
    world: TrustWorld, network: Network, device: Device, lane: Lane
) -> None:
    world.patch_class(network, least_bond=2_000)

    world.sla(lane, 1_000, 0)

    assert world.read_device(device).bond_held == 0


def test_bond_that_is_leaving_holds_nothing(world: TrustWorld, lane: Lane) -> None:
    assert world.send(world.withdraw_bond(lane.device, 300)).ok

    assert world.send(world.open_sla(world.sla_of(lane, 701, 10_000))).error_name == "BondHeld"

    world.sla(lane, 700, 10_000)
    assert world.send(world.withdraw_bond(lane.device, 301)).error_name == "BondHeld"


@pytest.mark.parametrize(("bps", "error"), [(0, ""), (1, "InvalidParameter"), (10_000, "InvalidParameter")])
def test_without_attestors_nothing_is_held(world: TrustWorld, bps: int, error: str) -> None:
    network = world.network()
    device = world.device(network)
    world.bond(device, 1_000)
    lane = world.lane(world.tab(network, 1_000), device, 1_000)

    assert world.send(world.open_sla(world.sla_of(lane, 1_000, bps))).error_name == error

    assert world.read_device(device).bond_held == 0


def test_a_device_without_bond_promises_without_penalty(world: TrustWorld, court: Court) -> None:
    lane = court.lane(court.device(0))

    assert world.send(world.open_sla(world.sla_of(lane, 1_000, 10))).error_name == "BondHeld"
    assert world.send(world.open_sla(world.sla_of(lane, 999, 10))).event().held == 0


# Lanes


def test_one_at_a_time_on_a_lane(world: TrustWorld, lane: Lane) -> None:
    sla = world.sla(lane, 100, 100)

    assert world.send(world.open_sla(replace(sla, due=50))).error == IN_USE

    assert world.read_device(lane.device).open_slas == 1


def test_another_on_the_same_lane_counts_from_its_own_opening(world: TrustWorld, lane: Lane) -> None:
    sla = world.sla(lane, 100, 1_000)
    world.must(world.voucher(lane, 150))
    assert world.send(world.enforce_sla(sla)).ok

    world.sla(lane, 850, 1_000)

    held = world.read_sla(sla)
    assert (held.due, held.paid_before, held.held) == (850, 150, 85)


def test_another_devices_lane_is_refused(world: TrustWorld, court: Court, tab: Tab, lane: Lane) -> None:
    other = court.device()
    theirs = world.lane(tab, other, 100)

    foreign = world.open_sla(world.sla_of(lane, 50, 10), device=other.address, owner=other.owner.pubkey())
    assert world.send(foreign).error_name == "ForeignLane"
    sla = world.sla_of(theirs, 50, 10)
    back = world.open_sla(sla, device=lane.device.address, owner=lane.device.owner.pubkey())
    assert world.send(back).error_name == "ForeignLane"

    unheld(world, lane)


@pytest.mark.parametrize("by", [1, -1])
def test_a_lane_that_is_not_there_is_refused(world: TrustWorld, lane: Lane, by: int) -> None:
    sla = world.sla_of(replace(lane, nonce=lane.nonce + by), 50, 10)

    assert world.send(world.open_sla(sla)).error_name == "LaneNotFound"


def test_a_closing_or_closed_lane_is_refused(world: TrustWorld, lane: Lane) -> None:
    sla = world.sla_of(lane, 50, 10)
    assert world.send(world.close_lane(lane)).ok
    assert world.send(world.open_sla(sla)).error_name == "LaneClosing"

    assert world.send(world.waive(lane)).ok
    assert world.send(world.open_sla(sla)).error_name == "LaneNotFound"


def test_the_address_is_that_of_the_lane(world: TrustWorld, tab: Tab, lane: Lane) -> None:
    other = world.lane(tab, lane.device, 100)
    sla = world.sla_of(lane, 50, 10)

    wrong = world.open_sla(sla, terms=SlaTerms(other.nonce, 50, 10, sla.deadline))

    assert world.send(wrong).error_name == "InvalidSeeds"
    unheld(world, lane)


def test_a_delegates_lane_may_be_promised(world: TrustWorld, tab: Tab, device: Device) -> None:
    delegate = world.delegate(tab)
    lane = world.lane(tab, device, 100, signer=delegate)

    sla = world.sla(lane, 100, 100)

    world.must(world.voucher(lane, 100))
    assert world.send(world.enforce_sla(sla)).event().outcome == 0


def test_until_it_ends_the_lane_can_not_be_closed(world: TrustWorld, lane: Lane) -> None:
    sla = world.sla(lane, 100, 100)
    for close in (world.close_lane(lane), world.waive(lane)):
        assert world.send(close).error_name == "LaneHeld"
    assert world.send(world.close_tab(lane.tab)).error_name == "TabNotEmpty"
    assert world.send(world.add(lane, 5)).ok
    world.must(world.voucher(lane, 100))
    assert world.send(world.enforce_sla(sla)).ok

    assert world.send(world.waive(lane)).event().returned == 905


# Who signs


def test_only_the_tabs_consumer_and_the_devices_owner_agree(world: TrustWorld, lane: Lane) -> None:
    sla, stranger = world.sla_of(lane, 50, 10), world.keypair()
    delegate = world.delegate(lane.tab)

    for key in (stranger, delegate, lane.device.owner):
        assert world.send(world.open_sla(sla, consumer=key.pubkey())).error_name in ("Unauthorized", "WrongParty")
    for key in (stranger, lane.tab.consumer, lane.device.payout):
        assert world.send(world.open_sla(sla, owner=key.pubkey())).error_name == "Unauthorized"
    for key in (lane.tab.consumer, lane.device.owner):
        assert world.send(unsigned(world.open_sla(sla), key.pubkey())).error == "MissingRequiredSignature"

    unheld(world, lane)


def test_a_promise_to_oneself_is_refused(world: TrustWorld, network: Network, device: Device) -> None:
    own = world.tab(network, 100, consumer=device.owner)
    lane = world.lane(own, device, 100)

    assert world.send(world.open_sla(world.sla_of(lane, 50, 10))).error_name == "WrongParty"


def test_the_owner_of_now_agrees(world: TrustWorld, lane: Lane) -> None:
    heir: Keypair = world.keypair()
    assert world.send(world.update(lane.device, new_owner=heir.pubkey())).ok
    sla = world.sla_of(lane, 50, 10)
    assert world.send(world.open_sla(sla)).error_name == "Unauthorized"

    assert world.send(world.open_sla(sla, owner=heir.pubkey())).ok


# State of device and network


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_is_not_active_promises_nothing(world: TrustWorld, lane: Lane, status: int) -> None:
    world.patch_device(lane.device, status=status)

    assert world.send(world.open_sla(world.sla_of(lane, 50, 10))).error_name == "DeviceInactive"


@pytest.mark.parametrize(("flags", "error"), [(4, "Paused"), (31, "Paused"), (27, "")])
def test_pausing_reserves_pauses_it(world: TrustWorld, network: Network, lane: Lane, flags: int, error: str) -> None:
    assert world.send(world.pause(network, flags)).ok

    assert world.send(world.open_sla(world.sla_of(lane, 50, 10))).error_name == error


def test_parties_of_another_network_are_refused(world: TrustWorld, network: Network, lane: Lane) -> None:
    other = world.network(classes=(CLASS,))
    device = world.device(other)
    theirs = world.lane(world.tab(other, 100), device, 100)

    def error(sla_lane: Lane, **accounts: Any) -> str:
        return world.send(world.open_sla(world.sla_of(sla_lane, 50, 0), **accounts)).error_name

    assert error(lane, network=other.address) == "WrongNetwork"
    assert error(lane, device=device.address, owner=device.owner.pubkey()) == "WrongNetwork"
    assert error(theirs, network=network.address) == "WrongNetwork"
    ours = lane.device
    assert error(theirs, network=network.address, device=ours.address, owner=ours.owner.pubkey()) == "WrongNetwork"
    unheld(world, lane)
