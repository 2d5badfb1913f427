"""Roots with no more payees than the program takes: who else is owed waits for the next one."""

from __future__ import annotations

import pytest

from support.built import first, made, reward, row
from support.receipts import Machine, at, inputs, wallet
from worktab.epochs import room
from worktab.epochs.building import NothingToReward

MACHINES = sorted((Machine(f"m{number}", wallet(f"w{number}")) for number in range(7)), key=lambda m: bytes(m.payout))


@pytest.mark.parametrize(
    ("before", "most"),
    [
        (0, 1 << 22),
        (100, 1 << 22),
        (1 << 21, 1 << 22),
        ((1 << 21) + 1, (1 << 22) + 2),
        (1 << 26, 1 << 27),
        ((1 << 26) + 1, 1 << 27),
        (1 << 27, 1 << 27),
    ],
)
def test_a_root_has_as_many_payees_as_the_program_takes(before: int, most: int) -> None:
    assert room.most_payees(before) == most


def test_new_payees_beyond_it_wait_for_the_next_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_NEW_PAYEES", 2)
    data = first(*MACHINES)
    assert [bytes(each) for each in data.payees["payout"]] == [bytes(each.payout) for each in MACHINES[:2]]
    assert data.left_out == {"no_position": 5}
    assert (data.manifest.count, data.manifest.total, len(data.receipts), len(data.registrations)) == (2, 400, 2, 2)

    receipts = [each.receipt(2, 300, at(1)) for each in MACHINES]
    later = made(data, inputs(1, [each.registration() for each in MACHINES], receipts))

    assert [bytes(each) for each in later.payees["payout"]] == [bytes(each.payout) for each in MACHINES[:4]]
    assert later.left_out == {"no_position": 3}
    assert [reward(later, each.payout) for each in MACHINES[:4]] == [600] * 4
    assert row(later, MACHINES[3])["units"] == 300


def test_who_waited_is_paid_for_an_old_receipt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_NEW_PAYEES", 1)
    here, late = MACHINES[:2]
    data, registrations = first(here, late), [here.registration(), late.registration()]
    receipts = [here.receipt(1, 100, at(0, 5)), late.receipt(1, 100, at(0, 5))]

    later = made(data, inputs(1, registrations, receipts))
    again = made(later, inputs(2, registrations, receipts))

    for paid in (later, again):
        assert [reward(paid, each.payout) for each in (here, late)] == [200, 200]
    assert (len(later.receipts), len(again.receipts)) == (1, 0)


def test_who_waited_has_its_capacity_for_the_later_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_NEW_PAYEES", 1)
    here, late = MACHINES[:2]
    data = first(here, late, units=1_000)
    receipts = [each.receipt(2, 2_000, at(1)) for each in (here, late)]

    later = made(data, inputs(1, [here.registration(), late.registration()], receipts))

    assert [reward(later, each.payout) for each in (here, late)] == [4_000, 2_000]


def test_devices_of_a_payee_with_a_position_never_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    last = MACHINES[-1]
    data = first(last)
    monkeypatch.setattr(room, "MOST_NEW_PAYEES", 1)
    more = [Machine(f"more{number}", last.payout) for number in range(3)]
    machines = [last, *more, *MACHINES[:2]]
    receipts = [each.receipt(2, 300, at(1)) for each in machines]

    later = made(data, inputs(1, [each.registration() for each in machines], receipts))

    assert [bytes(each) for each in later.payees["payout"]] == [bytes(last.payout), bytes(MACHINES[0].payout)]
    assert later.left_out == {"no_position": 1}
    assert reward(later, last.payout) == 4 * 600


def test_where_there_is_room_for_nobody_there_is_nothing_to_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_PAYEES", 0)
    with pytest.raises(NothingToReward, match="Up to epoch 0") as caught:
        first(MACHINES[0])
    assert caught.value.got == "no_position: 1"
