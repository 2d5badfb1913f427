"""Terms of a network, as a build takes them and as data publish them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from support import receipts as r
from worktab.core.errors import EncodingError, StateError
from worktab.epochs.errors import EpochNotOver
from worktab.epochs.terms import EpochTerms

TERMS = r.terms(r.class_terms(budget=7), None, r.class_terms(budget=(1 << 64) - 1), first_epoch=3, admission=True)

CHANGES: list[Callable[[dict[str, Any]], object]] = [
    lambda value: value.pop("domain"),
    lambda value: value.update(more=1),
    lambda value: value.update(admission=1),
    lambda value: value.update(admitting="x"),
    lambda value: value.update(admitting=["x"]),
    lambda value: value.update(classes=[]),
    lambda value: value.update(classes=[1] * 8),
    lambda value: value["classes"][0].update(budget=7),
    lambda value: value["classes"][0].update(meter="1"),
    lambda value: value["classes"][0].pop("rate"),
    lambda value: value.update(epoch_length="0"),
    lambda value: value.update(created_at=5),
    lambda value: value.update(network=value["domain"]),
]


def test_terms_are_read_as_they_were_written() -> None:
    assert EpochTerms.from_json(json.loads(json.dumps(TERMS.to_json()))) == TERMS
    assert TERMS.budget() == (1 << 64) + 6


@pytest.mark.parametrize("change", CHANGES)
def test_other_terms_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(json.dumps(TERMS.to_json()))
    change(value)
    with pytest.raises(EncodingError):
        EpochTerms.from_json(value)


def test_epochs_end_when_the_next_one_begins() -> None:
    assert TERMS.end(0) == r.CREATED + r.LENGTH
    assert TERMS.newest_over(TERMS.end(3)) == 3
    assert TERMS.newest_over(TERMS.end(4) - 1) == 3
    for early in (TERMS.end(3) - 1, r.CREATED, 0):
        with pytest.raises(EpochNotOver, match="No epoch that roots pay for is over"):
            TERMS.newest_over(early)
    assert issubclass(EpochNotOver, StateError)
