"""Under which registration a device's work counts, and that its key's units count once under whatever it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from solders.pubkey import Pubkey

from support import receipts as r
from support.built import A, B, first, made, reward, row
from support.receipts import Machine, at, inputs, wallet


@pytest.mark.parametrize("machine", [A, B])
def test_a_new_payout_gets_what_is_new_and_the_old_one_keeps_what_it_had(machine: Machine) -> None:
    data = first(machine)
    moved = machine.paid_to(wallet("carol"))
    later = made(data, inputs(1, [moved.registration()], [moved.receipt(2, 150, at(1))]))
    assert (reward(later, machine.payout), reward(later, moved.payout)) == (200, 100)
    assert (row(later, machine)["active"], row(later, moved)["active"]) == (0, 1)
    assert (row(later, machine)["units"], row(later, moved)["units"]) == (100, 50)
    assert len(later.registrations) == 1
    back = replace(machine, serial=3)
    last = made(later, inputs(2, [back.registration()], [back.receipt(3, 170, at(2))]))
    assert (reward(last, machine.payout), reward(last, moved.payout)) == (240, 100)
    assert (row(last, machine)["active"], row(last, moved)["active"]) == (1, 0)
    assert len(last.devices) == 2


def test_a_carry_goes_with_the_device() -> None:
    thirds = r.terms(r.class_terms(rate=333_333))
    data = first(A, units=1, terms=thirds)
    assert (reward(data, A.payout), row(data, A)["carry"]) == (0, 333_333)
    moved = A.paid_to(wallet("carol"))
    later = made(data, inputs(1, [moved.registration()], [moved.receipt(2, 4, at(1))]), thirds)
    # 1.333332 in all: what the first unit left over counts for the new payout.
    assert (reward(later, A.payout), reward(later, moved.payout)) == (0, 1)
    assert (row(later, A)["carry"], row(later, moved)["carry"]) == (0, 333_332)


def test_a_registration_on_chain_takes_the_place_of_an_enrolment() -> None:
    data = first(B)
    chain = replace(B, index=7)
    both = [B.registration(), chain.registration()]
    late = made(data, inputs(1, both, [B.receipt(2, 200, at(1))]))
    assert late.left_out == {"wrong_context": 1}
    assert reward(late, B.payout) == 200
    later = made(late, inputs(2, both, [chain.receipt(2, 140, at(2))]))
    assert (row(later, B)["reward"], row(later, chain)["reward"]) == (200, 80)
    assert (row(later, B)["active"], row(later, chain)["active"]) == (0, 1)
    assert reward(later, B.payout) == 280
    # Retired on chain, the enrolment counts again, from where the device stood.
    last = made(later, inputs(3, [B.registration()], [B.receipt(3, 240, at(3))]))
    assert (row(last, B)["reward"], row(last, chain)["reward"]) == (400, 80)
    assert (row(last, B)["active"], row(last, chain)["active"]) == (1, 0)


def test_an_older_enrolment_does_not_come_back() -> None:
    data = first(B)
    moved = B.paid_to(wallet("carol"))
    later = made(data, inputs(1, [moved.registration()], [moved.receipt(2, 150, at(1))]))
    stale = made(later, inputs(2, [B.registration()], [B.receipt(3, 200, at(2))]))
    assert (reward(stale, B.payout), reward(stale, moved.payout)) == (200, 200)


def test_enrolments_are_verified() -> None:
    good, forged = B.registration(), Machine("c", wallet("carol")).registration()
    forged["payout"] = np.frombuffer(bytes(wallet("thief")), "u1")
    receipts = [B.receipt(1, 10, at(0)), Machine("c").receipt(1, 10, at(0))]
    data = made(None, inputs(0, [good, forged], receipts))
    assert data.left_out == {"enrolment_signature": 1, "unknown_device": 1}
    assert data.position(bytes(wallet("thief"))) is None


def test_admission_is_asked_for() -> None:
    closed = r.terms(admission=True)
    c = Machine("c", wallet("carol"))
    d = Machine("d", wallet("dave"))
    rows = [B.registration(), c.registration(admission=r.AUTHORITY), d.registration(admission=r.keypair("owner"))]
    data = made(None, inputs(0, rows, [each.receipt(1, 10, at(0)) for each in (B, c, d)]), closed)
    assert data.left_out == {"enrolment_signature": 2, "unknown_device": 2}
    assert data.manifest.count == 1
    assert data.position(bytes(c.payout)) == 0


def test_classes_that_need_a_bond_take_no_enrolment() -> None:
    bonded = r.terms(r.class_terms(), r.class_terms(least_bond=1))
    machines = [replace(A, class_=1), replace(B, class_=1), Machine("c", wallet("carol"), class_=2), Machine("d")]
    data = made(
        None,
        inputs(0, [each.registration() for each in machines], [each.receipt(1, 10, at(0)) for each in machines]),
        bonded,
    )
    assert data.left_out == {"registration_not_allowed": 2, "unknown_device": 2}
    assert data.manifest.count == 2


@pytest.mark.parametrize("index", [None, 3])
def test_what_pays_to_nobody_is_left_out(index: int | None) -> None:
    nobody = [replace(Machine(str(each)), payout=each, index=index) for each in (Pubkey.default(), r.NETWORK)]
    machines = [A, *nobody]
    data = made(
        None, inputs(0, [each.registration() for each in machines], [each.receipt(1, 10, at(0)) for each in machines])
    )
    assert data.left_out == {"registration_not_allowed": 2, "unknown_device": 2}
    assert data.manifest.count == 1


ENROLLED, SECOND = replace(A, index=None), replace(A, index=9, payout=wallet("carol"))


@pytest.mark.parametrize(
    ("before", "after"),
    [(ENROLLED, A), (A, ENROLLED), (A, SECOND), (replace(A, payout=wallet("carol")), SECOND)],
    ids=["enrolled then registered", "registered then enrolled", "registered again", "registered again, same payout"],
)
def test_the_same_units_signed_for_another_registration_bring_nothing(before: Machine, after: Machine) -> None:
    data = first(before)
    same = made(data, inputs(1, [after.registration()], [after.receipt(1, 100, at(1))]))
    assert same.left_out == {"no_new_units": 1}
    assert (same.manifest.total, len(same.devices)) == (200, 1)
    more = made(same, inputs(2, [after.registration()], [after.receipt(2, 130, at(2))]))
    assert (more.manifest.total, more.manifest.units) == (260, 130)
    assert (row(more, after)["units"], row(more, after)["chain_units"]) == (30, 130)
    assert (row(more, before)["units"], row(more, before)["active"]) == (100, 0)


def test_a_registration_that_comes_back_goes_on_after_the_one_between() -> None:
    data = first(ENROLLED)
    between = made(data, inputs(1, [A.registration()], [A.receipt(3, 300, at(1))]))
    back = made(between, inputs(2, [ENROLLED.registration()], [ENROLLED.receipt(3, 300, at(2))]))
    assert back.left_out == {"no_new_units": 1}
    last = made(back, inputs(3, [ENROLLED.registration()], [ENROLLED.receipt(4, 310, at(3))]))
    assert (row(last, ENROLLED)["units"], row(last, A)["units"]) == (110, 200)
    assert last.manifest.total == 2 * 310


def test_rows_left_behind_count_too() -> None:
    data = first(ENROLLED)
    moved = ENROLLED.paid_to(wallet("carol"))
    two = made(data, inputs(1, [moved.registration()], [moved.receipt(2, 150, at(1))]))
    three = made(two, inputs(2, [A.registration()], [A.receipt(3, 170, at(2))]))
    four = made(three, inputs(3, [SECOND.registration()], [SECOND.receipt(3, 169, at(3))]))
    assert four.left_out == {"no_new_units": 1}
    assert four.manifest.total == 2 * 170


def test_a_baseline_above_what_was_counted_is_where_a_new_registration_starts() -> None:
    based = replace(A, baseline=160)
    data = made(first(ENROLLED), inputs(1, [based.registration()], [based.receipt(2, 170, at(1))]))
    assert (row(data, A)["units"], data.manifest.total) == (10, 200 + 20)
