"""Every rule by which a watcher decides of disputes, from sights made here: each action and warning, at each edge."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.watch_sights import (
    ALL,
    BOND,
    DEVICE,
    DISPUTE,
    GUILTY,
    HASH,
    NETWORK,
    NOT_GUILTY,
    OPEN,
    OPENED,
    OTHER,
    OWNER,
    SHOWN_UNTIL,
    TAB,
    VOTED_UNTIL,
    dispute,
)
from worktab.core.records import JobRecord, Meter
from worktab.roles.accusations import DisputeVerdict, Shown
from worktab.roles.trust_reading import DisputeView
from worktab.trust.watching.deciding import Action, Alarm, Decision, Deed, Warned, decide
from worktab.trust.watching.seeing import Seen, Sight


@pytest.mark.parametrize(
    ("found", "now", "decision"),
    [
        (OPEN, 1_349, ("serve", 1_350)),
        (OPEN, 1_350, ("serve", VOTED_UNTIL)),
        (OPEN, VOTED_UNTIL - 1, ("serve", VOTED_UNTIL)),
        (OPEN, VOTED_UNTIL, ("resolve", "undecided")),
        (NOT_GUILTY, OPENED, ("resolve", "not_guilty")),
        (GUILTY, OPENED, ("guilty", None)),
    ],
)
def test_what_an_owners_watcher_decides_of_a_dispute(
    found: DisputeVerdict, now: int, decision: tuple[str, Any]
) -> None:
    seen = Seen(DEVICE, OWNER, BOND, (), (dispute(found),))
    why = "before they may call them withheld" if now < 1_350 else "at once: they may call them withheld"
    serve = f"job 9 of {DEVICE} is disputed: serve its data to the attestors {why}"
    wrong = f"job 9 of {DEVICE} was found wrong: the device will be suspended"
    kind, fact = decision
    expected = {
        "serve": Decision((), (Warned(Alarm.DEVICE_DISPUTED, DISPUTE, serve, 90, fact),)),
        "guilty": Decision((), (Warned(Alarm.DEVICE_GUILTY, DISPUTE, wrong, 90),)),
        "resolve": Decision(
            (Action(Deed.RESOLVE, DISPUTE, f"{fact}: the bond gets its part of the deposit of 0.5"),), ()
        ),
    }
    assert decide(Sight(NETWORK, now, devices=(seen,)), ALL) == expected[kind]


def shown(tab: Pubkey) -> Shown:
    """The record that was bought for 120 from `tab`."""
    record = JobRecord(Meter.WASM_FUEL, 0, 1, b"m" * 32, b"i" * 32, b"o" * 32, 10, 120, 1, 2, bytes(tab))
    return Shown(record, b"s" * 32)


def losses(view: DisputeView, now: int, kept: Shown | None, tab: Pubkey | None = TAB) -> Decision:
    """What the watcher of a tab decides of a dispute, where it kept a record."""
    records = {} if kept is None else {HASH: kept}
    return decide(Sight(NETWORK, now, tab=tab, disputes=(view,), shown=records), ALL)


@pytest.mark.parametrize("found", [OPEN, GUILTY, NOT_GUILTY])
@pytest.mark.parametrize("now", [OPENED, VOTED_UNTIL, SHOWN_UNTIL])
def test_a_dispute_of_others_concerns_nobody(found: DisputeVerdict, now: int) -> None:
    view = dispute(found)
    for kept, tab in ((None, TAB), (shown(OTHER), TAB), (shown(OTHER), None), (None, None)):
        assert losses(view, now, kept, tab) == Decision((), ())
    elsewhere = Sight(NETWORK, now, tab=TAB, disputes=(view,), shown={b"e" * 32: shown(TAB)})
    assert decide(elsewhere, ALL) == Decision((), ())


def test_what_is_told_and_done_of_a_disputed_purchase() -> None:
    kept = shown(TAB)
    told = f"job 9 of {DEVICE}, which was bought for 1.2, is disputed"
    warned = Warned(Alarm.PURCHASE_DISPUTED, DISPUTE, told, 120, VOTED_UNTIL)
    owed = Action(Deed.RESOLVE, DISPUTE, "guilty: 1.2 are owed for the record", shown=kept)
    assert losses(dispute(OPEN), OPENED, kept) == losses(dispute(OPEN, TAB), OPENED, kept) == Decision((), (warned,))
    for now in (OPENED, SHOWN_UNTIL):
        assert losses(dispute(GUILTY), now, kept) == losses(dispute(GUILTY, TAB), now, kept) == Decision((owed,), ())
    # Not guilty, or undecided: nothing comes to who only bought.
    assert losses(dispute(NOT_GUILTY), OPENED, kept) == losses(dispute(OPEN), VOTED_UNTIL, kept) == Decision((), ())


def test_what_is_told_and_done_of_a_dispute_that_was_opened_here() -> None:
    def back(why: str, kept: Shown | None = None) -> Decision:
        return Decision((Action(Deed.RESOLVE, DISPUTE, why, shown=kept),), ())

    kept = shown(OTHER)
    for record in (None, kept):
        assert losses(dispute(OPEN, TAB), OPENED, record) == Decision((), ())
        assert losses(dispute(NOT_GUILTY, TAB), OPENED, record) == Decision((), ())
        undecided = back("undecided: most of the deposit comes back")
        assert losses(dispute(OPEN, TAB), VOTED_UNTIL, record) == undecided
    for now in (OPENED, SHOWN_UNTIL):
        assert losses(dispute(GUILTY, TAB), now, kept) == back("guilty: the deposit comes back", kept)
    told = f"job 9 of {DEVICE} was found wrong, and its record is not kept here"
    missing = Warned(Alarm.RECORD_MISSING, DISPUTE, told, 50, SHOWN_UNTIL)
    assert losses(dispute(GUILTY, TAB), SHOWN_UNTIL - 1, None) == Decision((), (missing,))
    assert losses(dispute(GUILTY, TAB), SHOWN_UNTIL, None) == back("guilty: the deposit comes back")
