"""What an epoch's build pays, to whom, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support import receipts as r
from support.built import ONE, TERMS, A, B, first, made, reward, row
from support.receipts import Machine, at, inputs, wallet
from worktab.core.errors import InputError, StateError
from worktab.core.merkle import Tree, device_leaf, payee_leaf, proves
from worktab.core.money import RATE_UNITS
from worktab.epochs.building import NothingToReward, build
from worktab.epochs.data import EpochData
from worktab.epochs.errors import PolicyError
from worktab.epochs.policy import ClassWork, FixedRate, Policy, ShareOfBudget
from worktab.ingest.rows import Rows


def test_units_are_paid_at_the_rate_and_every_leaf_proves() -> None:
    data = first(A, B)
    assert (reward(data, A.payout), reward(data, B.payout)) == (200, 200)
    manifest = data.manifest
    assert (manifest.count, manifest.total, manifest.units) == (2, 400, 200)
    assert (manifest.first_epoch, manifest.epoch, manifest.epochs, manifest.previous) == (0, 0, 1, None)
    for machine in (A, B):
        position = data.position(bytes(machine.payout))
        assert position is not None
        held = row(data, machine)
        head = held["head"].tobytes()
        devices_root = Tree(device_leaf(machine.number, 100, 200, head)).root
        leaf = payee_leaf(r.DOMAIN, 0, position, machine.payout, 200, devices_root)
        assert proves(manifest.root, 2, leaf, position, data.tree().siblings(position))
    commitment = data.commitment(checked=3, failed=1, ms=9)
    assert (commitment.epoch, commitment.root, commitment.count) == (0, manifest.root, 2)
    assert (commitment.total, commitment.units, commitment.data) == (400, 200, manifest.hash())
    assert (commitment.records_checked, commitment.records_failed, commitment.check_ms) == (3, 1, 9)


def test_new_payees_stand_in_the_order_of_their_bytes_and_stay_for_ever() -> None:
    machines = [Machine(f"m{number}", wallet(f"w{number}")) for number in range(6)]
    data = first(*machines[:3])
    assert [bytes(each) for each in data.payees["payout"]] == sorted(bytes(each.payout) for each in machines[:3])
    later = made(
        data,
        inputs(1, [each.registration() for each in machines], [each.receipt(2, 300, at(1)) for each in machines]),
    )
    assert (later.payees["payout"][:3] == data.payees["payout"]).all()
    assert [bytes(each) for each in later.payees["payout"][3:]] == sorted(bytes(each.payout) for each in machines[3:])
    assert later.manifest.previous == data.manifest.hash()


def test_only_what_is_new_is_paid_and_published() -> None:
    data = first(A, B)
    later = made(
        data, inputs(1, [A.registration(), B.registration()], [A.receipt(4, 250, at(1)), B.receipt(1, 100, at(0, 5))])
    )
    assert (reward(later, A.payout), reward(later, B.payout)) == (500, 200)
    assert len(later.receipts) == 1
    assert len(later.registrations) == 0
    assert len(data.registrations) == 2
    assert later.left_out == {}
    assert row(later, A)["units"] == 250
    assert row(later, A)["last_epoch"] == 1
    assert row(later, B)["last_epoch"] == 0


def test_an_epoch_without_receipts_keeps_every_total() -> None:
    data = first(A)
    later = made(data, inputs(5, [A.registration()], []))
    assert (later.payees["reward"] == data.payees["reward"]).all()
    assert later.manifest.total == 200
    assert later.manifest.root != data.manifest.root, "leaves name their epoch"
    assert later.manifest.epochs == 5


def test_a_device_that_was_away_catches_up_with_one_receipt() -> None:
    data = first(A)
    later = made(data, inputs(4, [A.registration()], [A.receipt(9, 3_900, at(4))]))
    # 3,800 new units within 4 epochs of 1,000.
    assert reward(later, A.payout) == 200 + 2 * 3_800
    more = made(later, inputs(5, [A.registration()], [A.receipt(10, 9_900, at(5))]))
    # 6,000 new units, 1,000 of them within one epoch's capacity.
    assert reward(more, A.payout) == 200 + 2 * 4_800
    assert row(more, A)["units"] == 9_900


def test_a_first_receipt_is_for_the_epochs_that_the_root_pays_for() -> None:
    data = made(None, inputs(4, [A.registration()], [A.receipt(1, 9_000, at(4))]))
    assert reward(data, A.payout) == 2 * 5_000
    from_three = r.terms(first_epoch=3)
    data = made(None, inputs(4, [A.registration()], [A.receipt(1, 5_000, at(4))]), from_three)
    assert reward(data, A.payout) == 2 * 2_000
    assert data.manifest.first_epoch == 3
    later = made(data, inputs(6, [B.registration()], [B.receipt(1, 5_000, at(6))]), from_three)
    assert reward(later, B.payout) == 2 * 2_000


@pytest.mark.parametrize(
    ("before", "now", "units"),
    [(10, 1_000, 8 * 10 + 1_000), (1_000, 10, 9 * 10), (500, 500, 9 * 500), (2**64 - 1, 2**64 - 1, 9_000)],
    ids=["raised", "lowered", "as before", "the largest"],
)
def test_capacity_counts_for_the_past_as_it_was_published(before: int, now: int, units: int) -> None:
    old, new = replace(A, index=3, capacity=before), replace(A, index=3, capacity=now)
    data = made(None, inputs(0, [old.registration()], [old.receipt(1, 10, at(0, 5))]))
    later = made(data, inputs(9, [new.registration()], [new.receipt(2, 9_010, at(9))]))
    assert reward(later, A.payout) == 2 * (10 + units)


def test_capacity_counts_once_for_an_epoch_whichever_registration_was_paid() -> None:
    enrolled, registered = replace(A, index=None), replace(A, index=3, payout=wallet("carol"))
    data = first(enrolled)
    moved = made(data, inputs(4, [registered.registration()], [registered.receipt(2, 9_100, at(4))]))
    assert reward(moved, registered.payout) == 2 * 4_000
    back = made(moved, inputs(5, [enrolled.registration()], [enrolled.receipt(3, 19_100, at(5))]))
    assert reward(back, enrolled.payout) == 200 + 2 * 1_000


def test_units_that_receipts_paid_are_not_paid_again() -> None:
    based = replace(A, baseline=90)
    data = made(None, inputs(0, [based.registration()], [based.receipt(1, 100, at(0))]))
    assert (row(data, A)["units"], reward(data, A.payout)) == (10, 20)
    higher = replace(A, baseline=150)
    later = made(data, inputs(1, [higher.registration()], [higher.receipt(2, 160, at(1))]))
    assert (row(later, A)["units"], reward(later, A.payout)) == (20, 40)
    lower = replace(A, baseline=0)
    last = made(later, inputs(2, [lower.registration()], [lower.receipt(3, 170, at(2))]))
    assert (row(last, A)["units"], reward(last, A.payout)) == (30, 60)


def test_units_up_to_the_baseline_are_nothing_new() -> None:
    based = replace(A, baseline=100)
    data = made(
        None,
        inputs(0, [based.registration(), B.registration()], [based.receipt(1, 100, at(0)), B.receipt(1, 5, at(0))]),
    )
    assert data.left_out == {"no_new_units": 1}
    assert data.position(bytes(A.payout)) is None


def _other_head(machine: Machine, seq: int, units: int, time: int) -> Rows:
    return machine.receipt(seq, units, time, head=b"h" * 32)


@pytest.mark.parametrize(
    ("receipt", "reason"),
    [
        (A.receipt(2, 200, at(2)), "after_the_epoch"),
        (A.receipt(2, 200, at(1), index=4), "wrong_context"),
        (Machine("stranger").receipt(1, 10, at(1)), "unknown_device"),
        (_other_head(A, 1, 100, at(0, 5)), "fork"),
        (A.receipt(1, 101, at(0, 5)), "fork"),
        (A.receipt(2, 99, at(1)), "fork"),
        (A.receipt(0, 50, at(0)), "older"),
        (A.receipt(2, 200, at(0, 4)), "earlier"),
        (A.receipt(2, 100, at(1)), "no_new_units"),
        (A.receipt(2, 100 + (1 << 48) + 1, at(1)), "jump"),
        (A.receipt(2 + (1 << 32), 200, at(1)), "jump"),
    ],
)
def test_what_does_not_count_is_left_out_and_told(receipt: Rows, reason: str) -> None:
    data = first(A, B)
    later = made(data, inputs(1, [A.registration(), B.registration()], [receipt, B.receipt(2, 150, at(1))]))
    assert later.left_out == {reason: 1}
    assert (reward(later, A.payout), reward(later, B.payout)) == (200, 300)
    assert later.devices[later.devices["index"] == 3] == data.devices[data.devices["index"] == 3]


@pytest.mark.parametrize("field", ["magic", "kind", "zero", "amount"])
def test_what_is_no_receipt_is_left_out(field: str) -> None:
    receipt = A.receipt(1, 10, at(0))
    offset = {"magic": 0, "kind": 4, "zero": 6, "amount": 57}[field]
    receipt["message"][0, offset] ^= 2
    data = made(None, inputs(0, [A.registration(), B.registration()], [receipt, B.receipt(1, 10, at(0))]))
    assert data.left_out == {"malformed": 1}


@pytest.mark.parametrize("machine", [A, B])
def test_a_forged_signature_is_left_out_unless_the_store_is_trusted(machine: Machine) -> None:
    receipt = machine.receipt(1, 10, at(0))
    receipt["signature"][0, 40] ^= 1
    other = Machine("c", wallet("carol"))
    given = inputs(0, [machine.registration(), other.registration()], [receipt, other.receipt(1, 10, at(0))])
    assert made(None, given).left_out == {"wrong_signature": 1}
    trusting = build(None, given, TERMS, FixedRate(), runner=ONE, verify=False)
    assert trusting.left_out == {}
    assert trusting.manifest.count == 2


def test_two_receipts_that_contradict_each_other_count_neither() -> None:
    for one, other in (
        (A.receipt(2, 200, at(0)), _other_head(A, 2, 200, at(0))),
        (A.receipt(2, 200, at(0)), A.receipt(3, 150, at(0, 9))),
    ):
        data = made(None, inputs(0, [A.registration(), B.registration()], [one, other, B.receipt(1, 10, at(0))]))
        assert data.left_out == {"fork": 2}
        assert data.position(bytes(A.payout)) is None


def test_of_several_receipts_the_newest_counts() -> None:
    given = [
        A.receipt(1, 100, at(0, 1)),
        A.receipt(3, 300, at(0, 3)),
        A.receipt(2, 200, at(0, 2)),
        A.receipt(3, 300, at(0, 9)),
    ]
    data = made(None, inputs(0, [A.registration()], given))
    assert (row(data, A)["units"], row(data, A)["time"]) == (300, r.CREATED + at(0, 3))
    assert data.left_out == {"older": 3}


def test_a_class_gets_no_more_than_its_budget_for_the_epochs_paid() -> None:
    poor = r.terms(r.class_terms(budget=150))
    data = first(A, B, terms=poor)
    assert [int(each) for each in data.payees["reward"]] == [75, 75]
    later = made(data, inputs(3, [A.registration()], [A.receipt(2, 1_000, at(3))]), poor)
    # 1,800 are due, and 3 epochs have 450.
    assert reward(later, A.payout) == 75 + 450


def test_the_lifetime_total_never_passes_a_u64() -> None:
    rich = r.terms(r.class_terms(rate=(1 << 64) - 1, budget=(1 << 64) - 1, max_capacity=1 << 48))
    large = replace(A, capacity=1 << 48)
    data = made(None, inputs(0, [large.registration()], [large.receipt(1, 1 << 48, at(0))]), rich)
    assert data.manifest.total == (1 << 64) - 1
    later = made(data, inputs(1, [large.registration()], [large.receipt(2, 1 << 49, at(1))]), rich)
    assert later.manifest.total == (1 << 64) - 1


def test_units_of_all_devices_stop_at_the_largest_number() -> None:
    data = first(A, B)
    huge = build(data, inputs(1, [A.registration()], [A.receipt(2, 200, at(1))]), TERMS, FixedRate(), runner=ONE)
    huge.devices["units"] = (1 << 64) - 1
    sealed = EpochData.seal(huge.manifest, huge.payees, huge.devices, huge.registrations, huge.receipts, {})
    assert sealed.manifest.units == (1 << 64) - 1


def test_shares_of_a_budget_follow_the_units_of_each_class() -> None:
    two = r.terms(r.class_terms(budget=1_000), r.class_terms(budget=70))
    c = Machine("c", wallet("carol"), class_=1)
    machines = [A, B, c]
    receipts = [A.receipt(1, 300, at(0)), B.receipt(1, 100, at(0)), c.receipt(1, 9, at(0))]
    data = made(None, inputs(0, [each.registration() for each in machines], receipts), two, ShareOfBudget({0: 700}))
    assert [reward(data, each.payout) for each in machines] == [700, 250, 70]
    assert data.manifest.policy == {"policy": "share-of-budget", "caps": {"0": "700"}}


@pytest.mark.parametrize("policy", [FixedRate((B.address,)), ShareOfBudget({}, (B.address,))])
def test_devices_that_are_excluded_earn_nothing_more_and_keep_what_they_have(policy: Policy) -> None:
    data = first(A, B)
    later = made(
        data,
        inputs(1, [A.registration(), B.registration()], [A.receipt(2, 150, at(1)), B.receipt(2, 150, at(1))]),
        policy=policy,
    )
    assert later.left_out == {"excluded": 1}
    assert reward(later, B.payout) == 200
    assert row(later, B) == row(data, B)
    assert later.manifest.policy["exclude"] == [str(B.address)]
    assert reward(later, A.payout) == (300 if isinstance(policy, FixedRate) else 1_000_200)
    # No longer excluded, it goes on from what was counted.
    last = made(later, inputs(2, [A.registration(), B.registration()], [B.receipt(3, 170, at(2))]))
    assert reward(last, B.payout) == 200 + 2 * 70


class Generous:
    """A policy that gives more than there is."""

    exclude = ()

    def rewards(self, work: ClassWork) -> tuple[Rows, Rows]:
        return np.full(len(work.units), work.budget, np.uint64), work.carry

    def to_json(self) -> dict[str, str]:
        return {"policy": "generous"}


class Careless(Generous):
    def rewards(self, work: ClassWork) -> tuple[Rows, Rows]:
        return np.zeros(len(work.units), np.uint64), np.full(len(work.units), RATE_UNITS, np.uint64)


@pytest.mark.parametrize("policy", [Generous(), Careless()])
def test_a_policy_that_gives_what_it_may_not_is_refused(policy: Generous) -> None:
    given = inputs(0, [A.registration(), B.registration()], [A.receipt(1, 10, at(0)), B.receipt(1, 10, at(0))])
    with pytest.raises(PolicyError):
        build(None, given, TERMS, policy, runner=ONE)


def test_an_epoch_that_is_paid_for_is_not_paid_again() -> None:
    data = first(A)
    with pytest.raises(StateError, match="epoch 0"):
        build(data, inputs(0, [A.registration()], [A.receipt(2, 200, at(0))]), TERMS, FixedRate(), runner=ONE)
    with pytest.raises(StateError, match="epoch 4"):
        build(None, inputs(4, [], []), r.terms(first_epoch=5), FixedRate(), runner=ONE)


def test_data_of_another_network_are_no_base() -> None:
    other = replace(TERMS, domain=b"o" * 32)
    with pytest.raises(InputError, match="another network"):
        build(first(A), inputs(1, [], []), other, FixedRate(), runner=ONE)


def test_nothing_at_all_makes_no_root() -> None:
    with pytest.raises(NothingToReward, match="no receipts"):
        build(None, inputs(0, [], []), TERMS, FixedRate(), runner=ONE)
