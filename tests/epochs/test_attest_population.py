"""What an epoch pays for: of each device what is new, wherever its rows stand, and the device's state before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from worktab.epochs.attesting.population import NONE, Population, newest
from worktab.epochs.layout import DEVICE


def row(device: bytes, *, seq: int, units: int, chain_units: int = 0, position: int = 0, index: int = 1) -> Any:
    made = np.zeros(1, DEVICE)
    made["device"] = np.frombuffer(device, "u1")
    for name, value in (
        ("seq", seq),
        ("units", units),
        ("chain_units", chain_units or units),
        ("position", position),
        ("index", index),
    ):
        made[name] = value
    return made


def data(epoch: int, *rows: Any) -> Any:
    devices = np.concatenate(rows)
    payees = np.zeros(9, [("payout", "u1", (32,))])
    payees["payout"][:, 0] = np.arange(9)
    return SimpleNamespace(devices=devices, payees=payees, epoch=epoch)


def counted(made: Any, epoch: int) -> Any:
    made["last_epoch"] = epoch
    return made


ONE, TWO = b"\x01" * 32, b"\x01" * 31 + b"\x02"
"""Two addresses that are the same in their first bytes."""


def test_rows_are_found_by_the_whole_address_and_the_index() -> None:
    rows = np.concatenate(
        [
            row(TWO, seq=5, units=1),
            row(ONE, seq=9, units=1),
            row(ONE, seq=7, units=1, position=3),
            row(ONE, seq=8, units=1, index=2),
        ]
    )
    wanted = np.concatenate(
        [
            row(ONE, seq=0, units=1, position=3),
            row(TWO, seq=0, units=1),
            row(ONE, seq=0, units=1, index=2),
            row(ONE, seq=0, units=1, index=3),
            row(b"\x09" * 32, seq=0, units=1),
        ]
    )
    assert newest(rows, wanted).tolist() == [1, 0, 3, NONE, NONE]
    assert newest(rows, wanted, "position").tolist() == [2, 0, 3, NONE, NONE]
    assert newest(rows[:0], wanted).tolist() == [NONE] * 5
    assert newest(rows, wanted[:0]).tolist() == []


def test_many_rows_are_found_as_one_by_one() -> None:
    random = np.random.default_rng(7)
    rows = np.zeros(3_000, DEVICE)
    rows["device"][:, 8:] = random.integers(0, 2, (3_000, 24), dtype="u1") * random.integers(0, 2, (3_000, 1), "u1")
    rows["device"][:, 0] = random.integers(0, 250, 3_000)
    rows["index"], rows["position"] = random.integers(0, 3, 3_000), random.integers(0, 3, 3_000)
    rows["seq"] = random.permutation(3_000)
    wanted = rows[random.integers(0, 3_000, 500)].copy()
    wanted["index"] = random.integers(0, 4, 500)
    for names in ((), ("position",)):
        best: dict[tuple[object, ...], int] = {}
        for place in np.argsort(rows["seq"]).tolist():
            key = (rows["device"][place].tobytes(), *(int(rows[name][place]) for name in ("index", *names)))
            best[key] = place
        expected = [
            best.get((each["device"].tobytes(), *(int(each[name]) for name in ("index", *names))), NONE)
            for each in wanted
        ]
        assert newest(rows, wanted, *names).tolist() == expected


def test_new_units_are_those_beyond_what_was_counted_before() -> None:
    before = data(
        4,
        row(ONE, seq=10, units=100, chain_units=150, position=1),
        row(TWO, seq=3, units=30, position=2),
    )
    now = data(
        5,
        row(ONE, seq=10, units=100, chain_units=150, position=1),
        # The same device under a new payee takes what is new.
        counted(row(ONE, seq=12, units=50, chain_units=200, position=3), 5),
        counted(row(TWO, seq=4, units=37, position=2), 5),
        # One that was never counted, with units that receipts paid before.
        counted(row(b"\x05" * 32, seq=8, units=60, chain_units=90, position=4), 5),
    )
    found = Population.of(now, before)
    assert found.units.tolist() == [50, 7, 60]
    assert found.start.tolist() == [150, 30, 30]
    assert found.known.tolist() == [True, True, False]
    assert found.before["seq"].tolist() == [10, 3, 0]
    assert found.payouts[:, 0].tolist() == [3, 2, 4]
    assert (found.records, found.total_units) == (2 + 1 + 8, 117)
    first = Population.of(now, None)
    assert first.units.tolist() == [50, 37, 60]
    assert first.known.tolist() == [False] * 3
