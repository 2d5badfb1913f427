"""enforce_sla: when an SLA ends, what it pays, and that it ends once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.builders import read_only
from support.effects import effects
from support.parties import FUNDS, Device, Lane, Network, Tab
from support.trust import EXCUSED, KEPT, MISSED, SLA_TIME, Sla
from support.trust_scenes import CHALLENGE, Court, TrustWorld, court_of
from worktab.program.generated import accounts as state
from worktab.program.generated.events import DeviceRetired, SlaEnforced


def missed(world: TrustWorld, lane: Lane, due: int = 500, bps: int = 2_000) -> Sla:
    """An SLA that nothing was delivered on, at the end of the time to contest."""
    sla = world.sla(lane, due, bps)
    world.now = sla.deadline + CHALLENGE
    return sla


def counted(world: TrustWorld, device: Device) -> tuple[int, int, int]:
    """SLAs kept, missed, and open."""
    held = world.read_device(device)
    return held.slas_kept, held.slas_missed, held.open_slas


# Kept


@pytest.mark.parametrize("paid", [500, 501, 1_000])
@pytest.mark.parametrize("after", [0, SLA_TIME - 1, SLA_TIME, SLA_TIME + CHALLENGE, 10 * SLA_TIME])
def test_one_that_is_kept_ends_at_once(world: TrustWorld, lane: Lane, paid: int, after: int) -> None:
    sla = world.sla(lane, 500, 2_000)
    world.advance(after)
    world.must(world.voucher(lane, paid))
    before = world.read_device(lane.device), world.read_tab(lane.tab)

    event = world.send(world.enforce_sla(sla)).event()

    assert event == SlaEnforced(
        sla.address, lane.tab.address, lane.device.address, lane.nonce, outcome=KEPT, delivered=paid, penalty=0
    )
    assert world.read_device(lane.device) == replace(before[0], bond_held=0, open_slas=0, slas_kept=1)
    assert world.read_tab(lane.tab) == before[1]
    assert world.lanes(lane.tab)[0].flags == 0


def test_only_what_was_paid_since_the_opening_counts(world: TrustWorld, lane: Lane) -> None:
    world.must(world.voucher(lane, 400))
    sla = world.sla(lane, 500, 2_000)
    world.must(world.voucher(lane, 899))
    assert world.send(world.enforce_sla(sla)).error_name == "SlaRunning"

    world.must(world.voucher(lane, 900))

    assert world.send(world.enforce_sla(sla)).event().delivered == 500


# Missed


@pytest.mark.parametrize("after", [0, SLA_TIME - 1, SLA_TIME, SLA_TIME + CHALLENGE - 1])
def test_one_that_is_not_kept_runs_until_it_can_no_longer_be_contested(
    world: TrustWorld, lane: Lane, after: int
) -> None:
    sla = world.sla(lane, 500, 2_000)
    world.must(world.voucher(lane, 499))
    world.advance(after)
    before = world.data(lane.device.address)

    assert world.send(world.enforce_sla(sla)).error_name == "SlaRunning"

    assert world.data(lane.device.address) == before
    world.now = sla.deadline + CHALLENGE
    assert world.send(world.enforce_sla(sla)).event().outcome == MISSED


def test_a_penalty_goes_from_the_bond_to_the_tab(world: TrustWorld, network: Network, lane: Lane) -> None:
    sla = world.sla(lane, 500, 2_000)
    world.must(world.voucher(lane, 123))
    world.now = sla.deadline + CHALLENGE
    before = world.read_device(lane.device), world.read_tab(lane.tab), world.read_network(network)
    assert before[0].bond_held == 100

    event = world.send(world.enforce_sla(sla)).event()

    assert event == SlaEnforced(
        sla.address, lane.tab.address, lane.device.address, lane.nonce, outcome=MISSED, delivered=123, penalty=75
    )
    assert world.read_device(lane.device) == replace(before[0], bond=925, bond_held=0, open_slas=0, slas_missed=1)
    assert world.read_tab(lane.tab) == replace(before[1], balance=9_075, deposited=10_075)
    assert world.read_network(network) == before[2]
    assert before[2].accounted == FUNDS + 11_000
    assert [(each.paid, each.reserved, each.flags) for each in world.lanes(lane.tab)] == [(123, 877, 0)]


@pytest.mark.parametrize(
    ("due", "delivered", "bps", "penalty"),
    [
        (1_000, 0, 10_000, 1_000),
        (1_000, 999, 10_000, 1),
        (1_000, 0, 9_999, 999),
        (1_000, 999, 9_999, 0),
        (1_000, 990, 999, 0),
        (1_000, 989, 1_000, 1),
        (3, 1, 5_000, 1),
        (3, 2, 5_000, 0),
        (7, 0, 1_429, 1),
        (7, 0, 1_428, 0),
        (1_000, 0, 0, 0),
    ],
)
def test_penalties_are_rounded_down(
    world: TrustWorld, lane: Lane, due: int, delivered: int, bps: int, penalty: int
) -> None:
    sla = world.sla(lane, due, bps)
    if delivered:
        world.must(world.voucher(lane, delivered))
    world.now = sla.deadline + CHALLENGE

    assert world.send(world.enforce_sla(sla)).event().penalty == penalty

    assert world.read_device(lane.device).bond == 1_000 - penalty
    assert world.read_tab(lane.tab).balance == 9_000 + penalty
    assert counted(world, lane.device) == (0, 1, 0)


def test_what_is_delivered_late_but_before_the_end_counts(world: TrustWorld, lane: Lane) -> None:
    sla = missed(world, lane)
    world.must(world.voucher(lane, 500))

    assert world.send(world.enforce_sla(sla)).event().outcome == KEPT


def test_where_nobody_can_contest_there_is_no_penalty(world: TrustWorld) -> None:
    court = court_of(world, challenge_delay=0)
    lane = court.lane(court.device())
    assert world.send(world.open_sla(world.sla_of(lane, 500, 1))).error_name == "InvalidParameter"
    sla = world.sla(lane, 500, 0)
    world.now = sla.deadline - 1
    assert world.send(world.enforce_sla(sla)).error_name == "SlaRunning"
    world.advance(1)
    assert world.send(world.contest_sla(sla)).error_name == "ContestOver"

    event = world.send(world.enforce_sla(sla)).event()

    assert (event.outcome, event.penalty) == (MISSED, 0)


def test_dates_are_those_of_the_opening(world: TrustWorld, network: Network, lane: Lane) -> None:
    sla = world.sla(lane, 500, 2_000)
    world.patch_network(network, challenge_delay=10 * CHALLENGE)
    world.now = sla.deadline + CHALLENGE

    assert world.send(world.enforce_sla(sla)).ok


# Contested


@pytest.mark.parametrize("delivered", [0, 499])
def test_contested_and_undecided_it_is_excused(world: TrustWorld, lane: Lane, delivered: int) -> None:
    sla = world.sla(lane, 500, 2_000)
    if delivered:
        world.must(world.voucher(lane, delivered))
    world.now = sla.deadline
    assert world.send(world.contest_sla(sla)).ok
    for now in (sla.deadline + CHALLENGE, sla.deadline + 2 * CHALLENGE - 1):
        world.now = now
        assert world.send(world.enforce_sla(sla)).error_name == "SlaRunning"
    world.advance(1)

    event = world.send(world.enforce_sla(sla)).event()

    assert (event.outcome, event.delivered, event.penalty) == (EXCUSED, delivered, 0)
    assert counted(world, lane.device) == (0, 0, 0)
    assert world.read_device(lane.device).bond == 1_000


@pytest.mark.parametrize(("upheld", "outcome", "penalty"), [(True, MISSED, 100), (False, EXCUSED, 0)])
def test_a_decision_ends_it_at_once(
    world: TrustWorld, court: Court, lane: Lane, upheld: bool, outcome: int, penalty: int
) -> None:
    sla = world.sla(lane, 500, 2_000)
    world.now = sla.deadline
    court.must(world.contest_sla(sla))
    court.decide(sla, upheld)

    event = world.send(world.enforce_sla(sla)).event()

    assert (event.outcome, event.penalty) == (outcome, penalty)
    assert counted(world, lane.device) == (0, int(outcome == MISSED), 0)


@pytest.mark.parametrize("upheld", [True, False])
def test_delivered_after_all_it_is_kept_whatever_was_decided(
    world: TrustWorld, court: Court, lane: Lane, upheld: bool
) -> None:
    sla = world.sla(lane, 500, 2_000)
    world.now = sla.deadline
    court.must(world.contest_sla(sla))
    court.decide(sla, upheld)
    world.must(world.voucher(lane, 500))

    assert world.send(world.enforce_sla(sla)).event().outcome == KEPT


# Rent, and who calls


def test_all_rent_goes_back_to_who_paid_it(world: TrustWorld, lane: Lane) -> None:
    payer, stranger = world.keypair(lamports=10**9), world.keypair(lamports=10**9)
    sla = world.sla_of(lane, 500, 2_000)
    world.must(world.open_sla(sla, payer=payer.pubkey()))
    world.now = sla.deadline + CHALLENGE

    result = world.send(world.enforce_sla(sla, rent_payer=payer.pubkey()), payer=stranger)

    assert result.ok
    assert world.account(sla.address) is None
    assert world.lamports(payer.pubkey()) == 10**9
    assert world.lamports(stranger.pubkey()) == 10**9 - result.fee


def test_lamports_move_between_payer_and_sla_alone(world: TrustWorld, lane: Lane) -> None:
    sla = missed(world, lane)
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Sla.SIZE)

    changed = effects(world, world.enforce_sla(sla))

    lamports = {address: each["lamports"] for address, each in changed.items() if "lamports" in each}
    assert lamports == {world.payer.pubkey(): rent, sla.address: -rent}


def test_it_ends_once(world: TrustWorld, lane: Lane) -> None:
    sla = missed(world, lane)
    enforce = world.enforce_sla(sla)

    twice = world.send(enforce, enforce)

    assert twice.instruction == 1
    assert not twice.ok
    assert world.send(enforce).ok
    assert not world.send(enforce).ok
    assert counted(world, lane.device) == (0, 1, 0)
    assert world.read_device(lane.device).bond == 900


def test_other_accounts_than_its_own_are_refused(world: TrustWorld, court: Court, tab: Tab, lane: Lane) -> None:
    sla = missed(world, lane)
    other = court.lane(court.device())

    def error(**accounts: Any) -> str:
        return world.send(world.enforce_sla(sla, **accounts)).error_name

    assert error(tab=other.tab.address) == "AddressMismatch"
    assert error(device=other.device.address) == "AddressMismatch"
    assert error(rent_payer=world.keypair(lamports=10**9).pubkey()) == "AddressMismatch"
    assert counted(world, lane.device) == (0, 0, 1)


def test_one_sla_does_not_end_another(world: TrustWorld, tab: Tab, lane: Lane) -> None:
    other = world.lane(tab, lane.device, 500)
    kept, open_ = world.sla(lane, 100, 1_000), world.sla(other, 500, 1_000)
    world.must(world.voucher(lane, 100))

    assert world.send(world.enforce_sla(kept)).ok

    assert world.read_device(lane.device).bond_held == open_.due // 10
    assert [each.flags for each in world.lanes(tab)] == [0, 1]


@pytest.mark.parametrize("name", ["tab", "device", "sla", "rent_payer"])
def test_accounts_must_be_writable(world: TrustWorld, lane: Lane, name: str) -> None:
    payer = world.keypair(lamports=10**9)
    sla = world.sla_of(lane, 500, 2_000)
    world.must(world.open_sla(sla, payer=payer.pubkey()))
    world.now = sla.deadline + CHALLENGE
    places = {
        "tab": lane.tab.address,
        "device": lane.device.address,
        "sla": sla.address,
        "rent_payer": payer.pubkey(),
    }

    assert not world.send(read_only(world.enforce_sla(sla, rent_payer=payer.pubkey()), places[name])).ok

    assert counted(world, lane.device) == (0, 0, 1)


def test_nothing_pauses_it(world: TrustWorld, network: Network, lane: Lane) -> None:
    sla = missed(world, lane)
    assert world.send(world.pause(network, 31)).ok

    assert world.send(world.enforce_sla(sla)).ok


# Devices that are no longer what they were


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_is_not_active_answers(world: TrustWorld, lane: Lane, status: int) -> None:
    sla = missed(world, lane)
    world.patch_device(lane.device, status=status)

    assert world.send(world.enforce_sla(sla)).event().penalty == 100


def test_a_device_stays_while_an_sla_is_open(world: TrustWorld, court: Court) -> None:
    device = court.device(0)
    lane = court.lane(device)
    sla = missed(world, lane, bps=0)
    assert world.send(world.retire(device)).event() == DeviceRetired(device.address, closed=False)
    assert world.send(world.retire(device)).error_name == "DeviceInactive"
    assert world.send(world.enforce_sla(sla)).ok

    assert world.send(world.retire(device)).event().closed

    assert world.account(device.address) is None


def test_what_an_sla_holds_is_there_after_a_slash(world: TrustWorld, court: Court, tab: Tab, lane: Lane) -> None:
    world.patch_network(court.network, slash_bps=10_000)
    sla = world.sla(lane, 1_000, 4_000)
    records = court.paid_record(world.tab(court.network))
    court.convict(lane.device, tab, records.entries[0], records)
    held = world.read_device(lane.device)
    assert (held.bond, held.bond_held, held.status) == (400, 400, 2)
    world.now = sla.deadline + CHALLENGE

    assert world.send(world.enforce_sla(sla)).event().penalty == 400

    assert world.read_device(lane.device).bond == 0


@pytest.mark.parametrize("name", ["slas_kept", "slas_missed"])
def test_statistics_stop_at_their_largest(world: TrustWorld, lane: Lane, name: str) -> None:
    world.patch_device(lane.device, **{name: 2**32 - 1})
    sla = missed(world, lane)
    if name == "slas_kept":
        world.must(world.voucher(lane, 500))

    assert world.send(world.enforce_sla(sla)).ok

    assert getattr(world.read_device(lane.device), name) == 2**32 - 1
