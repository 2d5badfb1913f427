"""Every rule by which a watcher decides of SLAs and bonds, from sights made here: each action and each warning.

What a look at a chain sees, and what becomes of the actions there, is in `test_watch_deciding` and `test_watch_acting`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.watch_sights import (
    AHEAD,
    ALL,
    BOND,
    CONTEST_UNTIL,
    CONTESTED,
    DEADLINE,
    DECIDE_UNTIL,
    DEVICE,
    DISMISSED,
    DISPUTE,
    NETWORK,
    OPEN,
    OTHER,
    OWNER,
    SLA,
    TAB,
    UPHELD,
    VOTED_UNTIL,
    dispute,
    promise,
    voucher,
)
from worktab.program.generated.types import Ballot
from worktab.roles.sla_standing import SlaStanding
from worktab.roles.trust_reading import SlaView
from worktab.trust.watching.deciding import Action, Alarm, Contest, Decision, Deed, Policy, Warned, decide
from worktab.trust.watching.seeing import Owed, Seen, Sight

SHORT = Policy(Contest.SHORT, OWNER, AHEAD)
NEVER = Policy(Contest.NEVER, OWNER, AHEAD)
HALF_SHORT = "1.2 of 2 are not delivered: that costs 0.3"


def owners(stands: SlaStanding, policy: Policy, owed: Owed | None = None) -> Decision:
    """What the owner's watcher decides of an SLA."""
    book = {} if owed is None else {(TAB, 7): owed}
    seen = Seen(DEVICE, OWNER, BOND, (stands,), (), book)
    return decide(Sight(NETWORK, stands.now, devices=(seen,)), policy)


def settle(amount: int, why: str) -> Action:
    return Action(Deed.SETTLE, SLA, why, voucher=voucher(amount))


@pytest.mark.parametrize(
    ("stands", "why"),
    [
        (promise(0, 200), "kept: frees 0.5 of the bond"),
        (promise(DECIDE_UNTIL, 200, contested=UPHELD), "kept: frees 0.5 of the bond"),
        (promise(CONTEST_UNTIL, contested=DISMISSED), "excused: frees 0.5 of the bond"),
        (promise(DECIDE_UNTIL, contested=CONTESTED), "excused: frees 0.5 of the bond"),
    ],
    ids=["kept", "kept late", "dismissed", "not decided"],
)
def test_what_frees_the_bond_is_done_and_no_voucher_is_settled_for_it(stands: SlaStanding, why: str) -> None:
    assert owners(stands, ALL, Owed(400, voucher(400))) == Decision((Action(Deed.ENFORCE, SLA, why),), ())


def test_long_before_its_deadline_nothing_is_done_or_told() -> None:
    early, soon = promise(DEADLINE - AHEAD - 1), promise(DEADLINE - AHEAD)
    owed = Owed(130, voucher(131))
    assert owners(early, ALL, owed) == Decision((), ())
    told = "1.19 of 2 are not delivered: that costs 0.29"
    assert owners(soon, ALL, owed) == Decision(
        (settle(131, "1.2 are short, and the book has a voucher for 0.01"),),
        (Warned(Alarm.SLA_ENDS_SOON, SLA, told, 29, DEADLINE),),
    )


@pytest.mark.parametrize(
    ("reserved", "amount", "settled", "short"),
    [
        (120, 250, "1.2", None),
        (400, 300, "1.7", None),
        (120, 249, "1.19", ("0.01 of 2 are not delivered: that costs 0", 0)),
        (120, 190, "0.6", ("0.6 of 2 are not delivered: that costs 0.15", 15)),
        # A voucher moves no more than the lane has.
        (70, 300, "0.7", ("0.5 of 2 are not delivered: that costs 0.12", 12)),
        # It moves nothing: no more than what was moved, less than it, or nothing is left to move.
        (120, 130, None, (HALF_SHORT, 30)),
        (120, 100, None, (HALF_SHORT, 30)),
        (0, 300, None, (HALF_SHORT, 30)),
    ],
)
def test_what_the_book_has_is_settled_and_what_is_short_then_is_told(
    reserved: int, amount: int, settled: str | None, short: tuple[str, int] | None
) -> None:
    why = f"1.2 are short, and the book has a voucher for {settled}"
    actions = () if settled is None else (settle(amount, why),)
    warnings = () if short is None else (Warned(Alarm.SLA_ENDS_SOON, SLA, *short, DEADLINE),)
    assert owners(promise(DEADLINE - 1, reserved=reserved), SHORT, Owed(0, voucher(amount))) == Decision(
        actions, warnings
    )


def test_a_book_without_a_voucher_or_with_other_lanes_settles_nothing() -> None:
    warned = (Warned(Alarm.SLA_ENDS_SOON, SLA, HALF_SHORT, 30, DEADLINE),)
    stands = promise(DEADLINE - 1)
    assert owners(stands, SHORT, Owed(300, None)) == Decision((), warned)
    book = {(TAB, 8): Owed(300, voucher(300)), (OTHER, 7): Owed(300, voucher(300))}
    seen = Seen(DEVICE, OWNER, BOND, (stands,), (), book)
    assert decide(Sight(NETWORK, stands.now, devices=(seen,)), SHORT) == Decision((), warned)


@pytest.mark.parametrize(
    ("policy", "owed", "shown"),
    [
        (ALL, None, "in any case"),
        (ALL, Owed(300, None), "in any case"),
        (SHORT, Owed(300, None), 250),
        (SHORT, Owed(131, None), 81),
        (SHORT, Owed(130, None), "not"),
        (SHORT, Owed(0, None), "not"),
        (SHORT, None, "not"),
        (NEVER, Owed(300, None), "not"),
        (Policy(Contest.ALWAYS, None, AHEAD), Owed(300, None), "not"),
        (Policy(Contest.ALWAYS, OTHER, AHEAD), Owed(300, None), "not"),
    ],
    ids=range(10),
)
def test_a_penalty_is_contested_as_told_and_in_any_case_warned_of(
    policy: Policy, owed: Owed | None, shown: int | str
) -> None:
    delivered = shown if isinstance(shown, int) else None
    contest = Action(Deed.CONTEST, SLA, HALF_SHORT, delivered=delivered)
    warned = Warned(Alarm.SLA_MISSED, SLA, HALF_SHORT, 30, CONTEST_UNTIL)
    for now in (DEADLINE, CONTEST_UNTIL - 1):
        assert owners(promise(now), policy, owed) == Decision(() if shown == "not" else (contest,), (warned,))


def test_a_lane_on_which_nothing_was_charged_yet_shows_nothing() -> None:
    nothing = promise(DEADLINE, -50, paid_before=0)
    assert (nothing.delivered, nothing.account.paid_before) == (0, 0)
    assert owners(nothing, SHORT, Owed(0, None)).actions == ()
    assert [each.delivered for each in owners(nothing, SHORT, Owed(1, None)).actions] == [1]


def test_a_penalty_is_contested_beside_a_voucher_that_would_do_for_settling_it_may_fail() -> None:
    stands = promise(DEADLINE)
    settled = settle(250, "1.2 are short, and the book has a voucher for 1.2")
    assert owners(stands, ALL, Owed(0, voucher(250))) == Decision((settled, Action(Deed.CONTEST, SLA, HALF_SHORT)), ())
    assert owners(stands, SHORT, Owed(0, voucher(250))) == Decision(
        (settled, Action(Deed.CONTEST, SLA, HALF_SHORT, delivered=200)), ()
    )
    # What is charged beyond the voucher is shown, and what the voucher leaves short is told.
    short = "0.5 of 2 are not delivered: that costs 0.12"
    assert owners(stands, SHORT, Owed(260, voucher(200))) == Decision(
        (
            settle(200, "1.2 are short, and the book has a voucher for 0.7"),
            Action(Deed.CONTEST, SLA, short, delivered=210),
        ),
        (Warned(Alarm.SLA_MISSED, SLA, short, 12, CONTEST_UNTIL),),
    )
    assert owners(stands, SHORT, Owed(140, voucher(200))).actions[1].delivered == 150


def test_a_penalty_of_nothing_is_not_contested() -> None:
    told = "0.03 of 2 are not delivered: that costs 0"
    assert owners(promise(DEADLINE, 197), ALL) == Decision((), (Warned(Alarm.SLA_MISSED, SLA, told, 0, CONTEST_UNTIL),))
    assert [each.deed for each in owners(promise(DEADLINE, 196), ALL).actions] == [Deed.CONTEST]


def test_what_is_contested_or_missed_is_told_and_still_settled() -> None:
    votes = Ballot(4, 0b11, 0b100)
    contested, missed = promise(DEADLINE, contested=CONTESTED, votes=votes), promise(CONTEST_UNTIL)
    vote = f"2 attestors for the penalty, 1 against it: {HALF_SHORT}"
    assert owners(contested, ALL) == Decision((), (Warned(Alarm.SLA_CONTESTED, SLA, vote, 30, DECIDE_UNTIL),))
    due = f"anyone can end it: {HALF_SHORT}"
    assert owners(missed, ALL) == Decision((), (Warned(Alarm.SLA_PENALTY_DUE, SLA, due, 30),))
    settled = (settle(250, "1.2 are short, and the book has a voucher for 1.2"),)
    for stands in (contested, missed):
        assert owners(stands, ALL, Owed(0, voucher(250))) == Decision(settled, ())


@pytest.mark.parametrize(
    ("stands", "decision"),
    [
        (promise(0), Decision((), ())),
        (promise(DEADLINE), Decision((), ())),
        (promise(0, 200), Decision((Action(Deed.ENFORCE, SLA, "kept: frees the lane"),), ())),
        (promise(CONTEST_UNTIL), Decision((Action(Deed.ENFORCE, SLA, "missed: 0.3 are paid to the tab"),), ())),
        (
            promise(DEADLINE, contested=DISMISSED),
            Decision((Action(Deed.ENFORCE, SLA, "excused: frees the lane"),), ()),
        ),
        (
            promise(DEADLINE, contested=CONTESTED, votes=Ballot(4, 0b11, 0b100)),
            Decision(
                (),
                (
                    Warned(
                        Alarm.SLA_CONTESTED,
                        SLA,
                        "the owner contests 0.3: 2 attestors for it, 1 against it",
                        30,
                        DECIDE_UNTIL,
                    ),
                ),
            ),
        ),
    ],
    ids=["running", "contestable", "kept", "missed", "dismissed", "contested"],
)
def test_what_a_consumers_watcher_decides_of_an_sla(stands: SlaStanding, decision: Decision) -> None:
    assert decide(Sight(NETWORK, stands.now, tab=TAB, slas=(stands,)), ALL) == decision


def test_a_bond_that_is_short_or_due_is_told_of() -> None:
    def told(**fields: int) -> tuple[Warned, ...]:
        decision = decide(Sight(NETWORK, 9, devices=(Seen(DEVICE, OWNER, replace(BOND, **fields), (), ()),)), ALL)
        assert decision.actions == ()
        return decision.warnings

    assert told(least=90) == ()
    short = Warned(Alarm.BOND_SHORT, DEVICE, "0.01 are missing of the least bond, 0.91: no receipt is taken", 1)
    assert told(least=91) == (short,)
    due = Warned(Alarm.BOND_DUE, DEVICE, "0.4 of the bond may be paid out", 40)
    assert told(leaving=40, leaves_at=10) == ()
    assert told(leaving=40, leaves_at=9) == (due,)
    assert told(leaving=40, leaves_at=9, open_disputes=1) == ()
    assert told(leaving=40, leaves_at=9, least=51) == (replace(short, text=short.text.replace("0.91", "0.51")), due)


def test_what_must_come_first_is_done_first_and_nothing_twice() -> None:
    """The owner's word on an SLA and a dispute comes before the consumer's, where one watcher works for both."""
    kept = promise(DEADLINE, 200)
    missed = replace(promise(DEADLINE), view=SlaView(OTHER, promise(DEADLINE).view.account))
    seen = Seen(DEVICE, OWNER, BOND, (kept, missed), (dispute(OPEN),), {(TAB, 7): Owed(0, voucher(250))})
    sight = Sight(NETWORK, VOTED_UNTIL, TAB, (kept,), (dispute(OPEN, TAB),), {}, (seen, seen))
    decision = decide(sight, ALL)
    assert [(each.deed, each.subject) for each in decision.actions] == [
        (Deed.SETTLE, OTHER),
        (Deed.CONTEST, OTHER),
        (Deed.ENFORCE, SLA),
        (Deed.RESOLVE, DISPUTE),
    ]
    assert [each.why for each in decision.actions[2:]] == [
        "kept: frees 0.5 of the bond",
        "undecided: the bond gets its part of the deposit of 0.5",
    ]
    assert decision.warnings == ()


def test_a_policy_by_itself() -> None:
    assert Policy() == Policy(Contest.SHORT, None, 3_600)
