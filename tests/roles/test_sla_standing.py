"""Where an SLA stands, from its account and its lane alone, second by second; `test_slas` holds it to the program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.blank import blank
from worktab.program.generated.accounts import Network, Sla, Tab
from worktab.program.generated.types import Ballot
from worktab.roles.sla_standing import SlaStage, SlaStanding, standing, standing_in
from worktab.roles.tabs import Lane, TabView
from worktab.roles.trust_reading import SlaView

DEADLINE, CONTEST_UNTIL, DECIDE_UNTIL = 1_000, 1_600, 2_200
NOT_CONTESTED, CONTESTED, UPHELD, DISMISSED = range(4)
NETWORK = blank(Network, attestor_version=4)
SLA = blank(
    Sla,
    due=200,
    paid_before=50,
    deadline=DEADLINE,
    contest_until=CONTEST_UNTIL,
    decide_until=DECIDE_UNTIL,
    votes=Ballot(4, 0b1011, 0b100),
    nonce=7,
    bps=2_550,
)
LANE = Lane(index=3, nonce=7, paid=130, reserved=90, units=5, close_at=0, signer=0, flags=1)


def stands(paid: int = 130, now: int = DEADLINE, **fields: Any) -> SlaStanding:
    view = SlaView(Pubkey(b"s" * 32), replace(SLA, **fields))
    return standing(view, replace(LANE, paid=paid), NETWORK, now)


def test_what_is_delivered_counts_from_the_opening() -> None:
    told = stands()
    assert (told.view.account, told.account, told.now) == (SLA, SLA, DEADLINE)
    assert (told.delivered, told.reserved, told.shortfall) == (80, 90, 120)
    # floor(120 x 2,550 / 10,000) = floor(30.6)
    assert told.penalty == 30
    assert (told.yes, told.no) == (3, 1)


def test_a_lane_from_before_the_opening_shows_nothing_delivered() -> None:
    told = stands(20)
    assert (told.delivered, told.shortfall, told.penalty) == (0, 200, 51)


@pytest.mark.parametrize(
    ("paid", "shortfall", "penalty"), [(50, 200, 51), (248, 2, 0), (249, 1, 0), (250, 0, 0), (251, 0, 0)]
)
def test_what_is_short_costs_its_part(paid: int, shortfall: int, penalty: int) -> None:
    told = stands(paid, now=0)
    assert (told.shortfall, told.penalty) == (shortfall, penalty)
    assert told.stage is (SlaStage.RUNNING if shortfall else SlaStage.KEPT)


STAGES = {
    "running": (NOT_CONTESTED, DEADLINE - 1, SlaStage.RUNNING, DEADLINE),
    "missed just now": (NOT_CONTESTED, DEADLINE, SlaStage.CONTESTABLE, CONTEST_UNTIL),
    "contestable": (NOT_CONTESTED, CONTEST_UNTIL - 1, SlaStage.CONTESTABLE, CONTEST_UNTIL),
    "not contested in time": (NOT_CONTESTED, CONTEST_UNTIL, SlaStage.MISSED, None),
    "contested": (CONTESTED, DECIDE_UNTIL - 1, SlaStage.CONTESTED, DECIDE_UNTIL),
    "not decided in time": (CONTESTED, DECIDE_UNTIL, SlaStage.EXCUSED, None),
    "upheld": (UPHELD, CONTEST_UNTIL, SlaStage.MISSED, None),
    "dismissed": (DISMISSED, CONTEST_UNTIL, SlaStage.EXCUSED, None),
}


@pytest.mark.parametrize("name", STAGES)
def test_stages_change_on_the_second(name: str) -> None:
    contested, now, stage, changes_at = STAGES[name]
    told = stands(249, now, contested=contested)
    assert (told.stage, told.changes_at) == (stage, changes_at)
    assert told.can_end is (stage in (SlaStage.MISSED, SlaStage.EXCUSED))
    # What was delivered in the end counts, whatever was contested.
    kept = stands(250, now, contested=contested)
    assert (kept.stage, kept.changes_at, kept.can_end) == (SlaStage.KEPT, None, True)


def test_the_next_step_of_every_stage() -> None:
    told = {stage: stands(249, now, contested=contested).next for contested, now, stage, _ in STAGES.values()}
    assert told | {SlaStage.KEPT: stands(250).next} == {
        SlaStage.KEPT: "anyone can end it: nothing is due",
        SlaStage.RUNNING: "the device delivers, and settles its vouchers, before the deadline",
        SlaStage.CONTESTABLE: "the owner can contest the penalty; vouchers settled now still count",
        SlaStage.MISSED: "anyone can end it: the bond pays the penalty",
        SlaStage.CONTESTED: "attestors can vote on the penalty",
        SlaStage.EXCUSED: "anyone can end it: no penalty is due",
    }


@pytest.mark.parametrize("version", [3, 5])
def test_votes_of_other_attestors_do_not_count(version: int) -> None:
    told = stands(votes=Ballot(version, 0b1011, 0b100))
    assert (told.yes, told.no) == (0, 0)


def test_an_sla_stands_by_the_lane_of_its_nonce() -> None:
    view = SlaView(Pubkey(b"s" * 32), SLA)
    others = (replace(LANE, nonce=6, paid=1), LANE, replace(LANE, nonce=8, paid=2))
    tab = TabView(Pubkey(b"t" * 32), blank(Tab), others)
    assert standing_in(tab, view, NETWORK, 5) == standing(view, LANE, NETWORK, 5)
    assert standing_in(replace(tab, lanes=(others[0], others[2])), view, NETWORK, 5) is None
