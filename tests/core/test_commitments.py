"""What an epoch's commitment hashes to."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final

import pytest
from solders.hash import Hash

from worktab.core.commitments import EpochCommitment
from worktab.core.errors import InputError

MADE: Final = EpochCommitment(
    epoch=1,
    root=b"r" * 32,
    count=2,
    total=3,
    units=4,
    data=b"d" * 32,
    records_checked=5,
    records_failed=6,
    check_ms=7,
)


@pytest.mark.parametrize("name", [field.name for field in fields(MADE)])
def test_every_field_counts(name: str) -> None:
    value = getattr(MADE, name)
    changed: dict[str, Any] = {name: b"x" * 32 if isinstance(value, bytes) else value + 1}
    other = replace(MADE, **changed)
    assert other.hash() != MADE.hash()
    assert replace(other, **{name: value}).hash() == MADE.hash()


def test_numbers_that_change_places_make_another_hash() -> None:
    names = ["epoch", "total", "units", "records_checked", "records_failed", "check_ms"]
    values = [getattr(MADE, name) for name in names]
    turned = replace(MADE, **dict(zip(names, reversed(values), strict=True)))
    assert turned.hash() != MADE.hash()
    assert replace(MADE, root=MADE.data, data=MADE.root).hash() != MADE.hash()


def test_what_is_not_said_is_zero() -> None:
    short = EpochCommitment(1, b"r" * 32, 2, 3, 4, b"d" * 32)
    assert (short.records_checked, short.records_failed, short.check_ms) == (0, 0, 0)
    assert short == replace(MADE, records_checked=0, records_failed=0, check_ms=0)
    by_object: Any = Hash(b"r" * 32)
    assert replace(MADE, root=by_object) == MADE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epoch", -1),
        ("epoch", 2**64),
        ("root", bytes(31)),
        ("count", 2**32),
        ("total", 2**64),
        ("units", 2**64),
        ("data", "d" * 32),
        ("records_checked", 2**64),
        ("records_failed", 1.5),
        ("check_ms", -1),
    ],
)
def test_only_what_fits_is_taken(name: str, value: Any) -> None:
    with pytest.raises(InputError):
        replace(MADE, **{name: value})
