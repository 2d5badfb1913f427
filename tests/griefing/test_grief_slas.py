"""SLAs against the one who signed them: consumers that withhold, owners that contest, bonds that hide."""

from __future__ import annotations

import pytest

from support.griefing import Griefer, money, working, worth
from support.parties import Device, Lane
from support.trust import EXCUSED, KEPT, MISSED, Sla
from support.trust_scenes import CHALLENGE, DEPOSIT, UNBONDING, Court, TrustWorld


@pytest.fixture
def device(court: Court) -> Device:
    """A device with a bond of 1,000."""
    return court.device(1_000)


@pytest.fixture
def lane(griefer: Griefer, world: TrustWorld, court: Court, device: Device) -> Lane:
    """The attacker's lane for that device, with 1,000 base units of its 2,000."""
    return world.lane(griefer.tab(court.network, 2_000), device, 1_000)


def past(world: TrustWorld, sla: Sla, seconds: int) -> None:
    """Go to so many seconds after the deadline."""
    world.now = sla.deadline + seconds


def test_a_consumer_that_withholds_its_signatures_gets_nothing_from_an_owner_that_contests(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, lane: Lane
) -> None:
    """Cost: its reserve, held until the SLA ends, and fees. Attestors that sleep or see it excuse the device."""
    sla = world.sla(lane, 1_000, 10_000)
    past(world, sla, 0)
    court.must(world.contest_sla(sla))
    past(world, sla, 2 * CHALLENGE - 1)
    assert griefer.attempt(world.enforce_sla(sla)).error_name == "SlaRunning"
    past(world, sla, 2 * CHALLENGE)

    event = griefer.attack(world.enforce_sla(sla)).event()

    assert (event.outcome, event.penalty) == (EXCUSED, 0)
    assert (worth(world, device).bond, money(world, lane.tab)) == (1_000, (1_000, 1_000))
    held = world.read_device(device)
    assert (held.slas_kept, held.slas_missed, held.bond_held) == (0, 0, 0)


def test_a_consumer_that_withholds_collects_from_an_owner_that_sleeps(
    world: TrustWorld, griefer: Griefer, device: Device, lane: Lane
) -> None:
    """Cost: the reserve's lock. The victim loses the penalty where it does not contest within a challenge delay: what
    `worktab watch` is for. Never more than the SLA held."""
    sla = world.sla(lane, 1_000, 5_000)
    past(world, sla, CHALLENGE)

    event = griefer.attack(world.enforce_sla(sla)).event()

    assert (event.outcome, event.penalty) == (MISSED, 500)
    assert (worth(world, device).bond, money(world, lane.tab)) == (500, (1_500, 1_000))


def test_vouchers_that_come_late_still_keep_an_sla(
    world: TrustWorld, griefer: Griefer, device: Device, lane: Lane
) -> None:
    """Cost: what it owes. A consumer that gives its last voucher on the last second can't collect: settling and ending
    go in one transaction of the device's."""
    sla = world.sla(lane, 1_000, 10_000)
    past(world, sla, CHALLENGE)

    kept = world.send(world.voucher(lane, 1_000), world.enforce_sla(sla))

    assert kept.ok
    assert world.read_device(device).slas_kept == 1
    late = griefer.attempt(world.enforce_sla(sla))
    assert late.error_name == "AccountDataTooSmall"
    assert (worth(world, device).earnings, worth(world, device).bond) == (1_000, 1_000)


def test_an_owner_that_contests_everything_puts_it_off_and_attestors_decide(
    world: TrustWorld, court: Court, device: Device, lane: Lane
) -> None:
    """Cost to the owner: nothing but the hold on its bond. To the consumer: a challenge delay more, then the
    penalty."""
    sla = world.sla(lane, 1_000, 5_000)
    past(world, sla, CHALLENGE - 1)
    court.must(world.contest_sla(sla))
    assert world.send(world.enforce_sla(sla)).error_name == "SlaRunning"

    court.decide(sla, upheld=True)

    event = world.send(world.enforce_sla(sla)).event()
    assert (event.outcome, event.penalty) == (MISSED, 500)
    assert money(world, lane.tab) == (1_500, 1_000)
    assert worth(world, device).bond == 500


def test_an_owner_that_contests_before_sleeping_attestors_pays_nothing_and_counts_neither_way(
    world: TrustWorld, court: Court, device: Device, lane: Lane
) -> None:
    """Cost to the owner: nothing. To the consumer: its lane is held two challenge delays longer. It gets everything
    back."""
    sla = world.sla(lane, 1_000, 5_000)
    past(world, sla, 0)
    court.must(world.contest_sla(sla))
    past(world, sla, 2 * CHALLENGE)
    world.must(world.enforce_sla(sla), world.waive(lane, rent_payer=lane.tab.consumer.pubkey()))

    assert money(world, lane.tab) == (2_000, 0)
    assert worth(world, device).bond == 1_000
    held = world.read_device(device)
    assert (held.slas_kept, held.slas_missed) == (0, 0)


def test_a_lane_and_a_tab_can_not_be_closed_under_an_sla(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, lane: Lane
) -> None:
    """Cost to a consumer that regrets: its reserve stays until the SLA ends. Its free balance does not."""
    sla = world.sla(lane, 1_000, 5_000)

    assert griefer.attempt(world.close_lane(lane, rent_payer=griefer.key)).error_name == "LaneHeld"
    assert world.send(world.waive(lane, rent_payer=griefer.key)).error_name == "LaneHeld"
    assert griefer.attempt(world.close_tab(lane.tab, rent_payer=griefer.key)).error_name == "TabNotEmpty"
    assert griefer.attempt(world.withdraw(lane.tab, 1_001)).error_name == "InsufficientBalance"
    griefer.attack(world.withdraw(lane.tab, 1_000))

    assert world.send(world.voucher(lane, 1_000)).ok
    assert world.send(world.enforce_sla(sla)).event().outcome == KEPT
    assert worth(world, device).earnings == 1_000


def test_enforcing_first_moves_the_same(world: TrustWorld, griefer: Griefer, court: Court, device: Device) -> None:
    """Cost: fees. Whoever ends an SLA, the penalty goes to its tab and the rent to who paid it."""
    lane = court.lane(device)
    sla = world.sla(lane, 1_000, 5_000)
    past(world, sla, CHALLENGE)

    for name in ("tab", "rent_payer"):
        diverted = griefer.tab(court.network, 1).address if name == "tab" else griefer.key
        assert griefer.attempt(world.enforce_sla(sla, **{name: diverted})).error_name == "AddressMismatch"
    rent, before = world.lamports(sla.address), world.lamports(world.payer.pubkey())
    griefer.attack(world.enforce_sla(sla))

    assert world.lamports(world.payer.pubkey()) == before + rent
    assert money(world, lane.tab) == (9_500, 1_000)


@pytest.mark.parametrize("fate", ["retired", "suspended"])
def test_a_device_that_ends_answers_for_its_slas(
    world: TrustWorld, court: Court, device: Device, lane: Lane, fate: str
) -> None:
    """Cost to the owner: what it promised. Retired or suspended, its bond stays until the SLA ended."""
    sla = world.sla(lane, 400, 10_000)
    if fate == "retired":
        assert not world.must(world.retire(device)).event().closed
    else:
        records = court.paid_record(lane.tab, 0)
        court.convict(device, lane.tab, records.entries[0], records)
        assert worth(world, device).bond == 500
    assert world.send(world.withdraw_bond(device, worth(world, device).bond - 399)).error_name == "BondHeld"
    # What it costs the consumer: the lane is held until the deadline all the same.
    assert world.send(world.enforce_sla(sla)).error_name == "SlaRunning"
    assert world.send(world.close_lane(lane, rent_payer=lane.tab.consumer.pubkey())).error_name == "LaneHeld"
    past(world, sla, CHALLENGE)

    assert world.send(world.enforce_sla(sla)).event().penalty == 400

    assert worth(world, device).bond == (600 if fate == "retired" else 100)


def test_a_tiny_sla_holds_tiny_money(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, lane: Lane
) -> None:
    """Cost: a signature of the owner's, without which there is none. A due of 1 holds 1 base unit of the bond, and one
    lane of the consumer's; the rest of the bond leaves."""
    sla = world.sla(lane, 1, 10_000, deadline=world.now + 365 * 86_400)
    assert world.read_device(device).bond_held == 1

    court.must(world.withdraw_bond(device, 999))
    world.advance(UNBONDING)
    court.must(world.withdraw_bond(device))

    assert world.balance(device.owner, court.network.mint) == 999
    # The device delivers one base unit and is free.
    assert world.send(world.voucher(lane, 1), world.enforce_sla(sla)).ok
    assert world.read_device(device).bond_held == 0


def test_a_lane_that_nobody_orders_on_earns_the_consumer_nothing_from_an_owner_that_contests(
    world: TrustWorld, court: Court, griefer: Griefer, device: Device, lane: Lane
) -> None:
    """Cost: the reserve's lock, and fees. Attestors that dismiss it end it at once."""
    sla = world.sla(lane, 1_000, 10_000)
    past(world, sla, 1)
    court.must(world.contest_sla(sla))
    court.decide(sla, upheld=False)

    assert griefer.attack(world.enforce_sla(sla)).event().outcome == EXCUSED

    assert worth(world, device).bond == 1_000


@pytest.mark.parametrize(("least", "promised"), [(1_000, 0), (999, 1), (600, 400), (0, 1_000)])
def test_what_a_class_asks_for_does_not_hide_in_an_sla_with_a_friend(
    world: TrustWorld, griefer: Griefer, court: Court, least: int, promised: int
) -> None:
    """Cost: fees, and what is promised, reserved for a challenge delay. Before anybody disputes, the owner promises to
    its own second wallet, misses, and has it a challenge delay later: the least bond of the class is not among it. In a
    class that asks for none, all of it may go."""
    device = working(court)
    world.patch_class(court.network, least_bond=least)
    friend = griefer.tab(court.network, 1_000)
    lane = world.lane(friend, device, 1_000)
    too_much = world.sla_of(lane, promised + 1, 10_000, deadline=world.now + 1)
    if promised < 1_000:
        assert world.send(world.open_sla(too_much)).error_name == "BondHeld"
    if promised:
        sla = world.sla(lane, promised, 10_000, deadline=world.now + 1)
        world.advance(1 + CHALLENGE)
        assert world.send(world.enforce_sla(sla)).event().penalty == promised
    consumer, challenger = world.tab(court.network, 0), world.tab(court.network, DEPOSIT)
    records = court.paid_record(consumer, 70)

    court.convict(device, challenger, records.entries[0], records)

    slashed = (1_000 - promised) // 2
    shared = slashed - -(-slashed // 4)
    owed = min(70, shared)
    assert money(world, consumer) == (owed, 0)
    assert money(world, challenger) == (DEPOSIT + min(DEPOSIT, shared - owed), 0)
    assert worth(world, device).bond == 1_000 - promised - slashed


def test_a_disputed_device_promises_nothing(world: TrustWorld, griefer: Griefer, court: Court) -> None:
    """Cost: a fee. Disputed, the owner can't promise its bond to its own second wallet any more."""
    device = working(court)
    consumer, challenger = world.tab(court.network, 0), world.tab(court.network, DEPOSIT)
    records = court.paid_record(consumer, 70)
    lane = world.lane(griefer.tab(court.network, 1_000), device, 1_000)
    dispute = world.dispute(device, challenger, records)
    for due, bps in ((1_000, 10_000), (1, 0)):
        sla = world.sla_of(lane, due, bps, deadline=world.now + 1)
        assert world.send(world.open_sla(sla)).error_name == "DisputeOpen"
    court.vote(dispute)
    court.must(world.resolve_dispute(dispute, shown=dispute.entry))

    assert money(world, consumer) == (70, 0)
    assert money(world, challenger) == (2 * DEPOSIT, 0)
    assert worth(world, device).bond == 500
