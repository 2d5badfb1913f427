"""contest_sla: the owner's objection, in time and once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.builders import read_only, unsigned
from support.parties import Lane
from support.trust import KEPT, SLA_TIME, Sla
from support.trust_scenes import CHALLENGE, Court, TrustWorld
from worktab.program.generated.events import SlaContested


@pytest.fixture
def sla(world: TrustWorld, lane: Lane) -> Sla:
    """Nothing was delivered, and the deadline is now."""
    sla = world.sla(lane, 500, 2_000)
    world.now = sla.deadline
    return sla


def test_from_the_deadline_on_the_owner_contests(world: TrustWorld, sla: Sla) -> None:
    world.advance(-1)
    contest, before = world.contest_sla(sla), world.read_sla(sla)
    assert world.send(contest).error_name == "SlaRunning"
    world.advance(1)

    event = world.send(contest).event()

    assert event == SlaContested(sla.address, sla.lane.device.address)
    assert world.read_sla(sla) == replace(before, contested=1)


@pytest.mark.parametrize(("after", "error"), [(CHALLENGE - 1, ""), (CHALLENGE, "ContestOver")])
def test_until_the_challenge_delay_is_over(world: TrustWorld, sla: Sla, after: int, error: str) -> None:
    world.advance(after)

    assert world.send(world.contest_sla(sla)).error_name == error


def test_an_sla_is_contested_once(world: TrustWorld, sla: Sla) -> None:
    assert world.send(world.contest_sla(sla)).ok

    assert world.send(world.contest_sla(sla)).error_name == "ContestOver"


@pytest.mark.parametrize("upheld", [True, False])
def test_what_was_decided_is_not_contested_again(world: TrustWorld, court: Court, sla: Sla, upheld: bool) -> None:
    court.must(world.contest_sla(sla))
    court.decide(sla, upheld)

    assert world.send(world.contest_sla(sla)).error_name == "ContestOver"


def test_one_that_is_kept_may_be_contested_without_effect(world: TrustWorld, sla: Sla) -> None:
    world.must(world.voucher(sla.lane, 500))

    assert world.send(world.contest_sla(sla)).ok

    assert world.send(world.enforce_sla(sla)).event().outcome == KEPT


def test_only_the_owner_of_now_contests(world: TrustWorld, sla: Sla) -> None:
    device, heir = sla.lane.device, world.keypair()
    for key in (sla.lane.tab.consumer, device.payout, world.payer):
        assert world.send(world.contest_sla(sla, owner=key.pubkey())).error_name == "Unauthorized"
    missing = unsigned(world.contest_sla(sla), device.owner.pubkey())
    assert world.send(missing).error == "MissingRequiredSignature"
    assert world.send(world.update(device, new_owner=heir.pubkey())).ok
    assert world.send(world.contest_sla(sla)).error_name == "Unauthorized"

    assert world.send(world.contest_sla(sla, owner=heir.pubkey())).ok


def test_another_devices_owner_contests_nothing(world: TrustWorld, court: Court, sla: Sla) -> None:
    other = court.device()

    contest = world.contest_sla(sla, device=other.address, owner=other.owner.pubkey())

    assert world.send(contest).error_name == "AddressMismatch"
    assert world.read_sla(sla).contested == 0


def test_nothing_pauses_it(world: TrustWorld, court: Court, sla: Sla) -> None:
    assert world.send(world.pause(court.network, 31)).ok

    assert world.send(world.contest_sla(sla)).ok


def test_the_sla_must_be_writable(world: TrustWorld, sla: Sla) -> None:
    assert not world.send(read_only(world.contest_sla(sla), sla.address)).ok

    assert world.read_sla(sla).contested == 0


def test_one_that_ended_is_not_contested(world: TrustWorld, sla: Sla) -> None:
    contest = world.contest_sla(sla)
    world.advance(CHALLENGE)
    assert world.send(world.enforce_sla(sla)).ok
    world.now = sla.deadline

    assert not world.send(contest).ok


def test_one_that_came_after_it_is_contested_in_its_own_time(world: TrustWorld, sla: Sla) -> None:
    world.advance(CHALLENGE)
    assert world.send(world.enforce_sla(sla)).ok
    again = world.sla(sla.lane, 100, 100)
    assert world.send(world.contest_sla(again)).error_name == "SlaRunning"
    world.advance(SLA_TIME)

    assert world.send(world.contest_sla(again)).ok
