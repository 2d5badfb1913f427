"""Contexts: every part is bound, and what cannot be bound is refused."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from solders.pubkey import Pubkey

from worktab.core import contexts
from worktab.core.contexts import BatchEntry
from worktab.core.errors import InputError, KeyFormatError
from worktab.core.keys import KeyKind

A, B, C, D = (bytes([n]) * 32 for n in range(1, 5))
ED25519_33 = A + b"\0"
P256_33 = b"\2" + A


def test_every_part_changes_the_context() -> None:
    hashes = [
        contexts.domain(A, B, C),
        contexts.domain(B, A, C),
        contexts.domain(A, C, B),
        contexts.receipt_context(A, B, 1),
        contexts.receipt_context(B, A, 1),
        contexts.receipt_context(A, B, 2),
        contexts.voucher_context(A, B, C, 1, 2),
        contexts.voucher_context(A, C, B, 1, 2),
        contexts.voucher_context(A, B, C, 2, 1),
        contexts.voucher_context(A, B, C, 1, 3),
        contexts.key_context(A, B, KeyKind.ED25519, ED25519_33, C),
        contexts.key_context(A, B, KeyKind.P256, P256_33, C),
        contexts.key_context(A, B, KeyKind.ED25519, ED25519_33, D),
        contexts.batch_context(A, B, [BatchEntry(0, 0, 1, 1)]),
        contexts.batch_context(A, B, [BatchEntry(0, 0, 1, 2)]),
        contexts.batch_context(A, C, [BatchEntry(0, 0, 1, 1)]),
        contexts.batch_context(A, B, [BatchEntry(0, 0, 1, 1), BatchEntry(0, 1, 1, 1)]),
    ]
    assert all(one != other for one, other in combinations(hashes, 2))


def test_addresses_may_be_pubkeys() -> None:
    a, b, c = Pubkey(A), Pubkey(B), Pubkey(C)
    entries = [BatchEntry(0, 0, 1, 1)]
    assert contexts.domain(a, b, c) == contexts.domain(A, B, C)
    assert contexts.receipt_context(a, b, 1) == contexts.receipt_context(A, B, 1)
    assert contexts.voucher_context(a, b, c, 1, 2) == contexts.voucher_context(A, B, C, 1, 2)
    assert contexts.key_context(a, b, KeyKind.P256, P256_33, c) == contexts.key_context(A, B, KeyKind.P256, P256_33, C)
    assert contexts.batch_context(a, b, entries) == contexts.batch_context(A, B, entries)


@pytest.mark.parametrize(
    ("before", "after"),
    [((1, 1), (1, 1)), ((1, 2), (1, 1)), ((2, 0), (1, 9))],
    ids=["repeated", "nonce falls", "index falls"],
)
def test_batch_entries_must_rise(before: tuple[int, int], after: tuple[int, int]) -> None:
    entries = [BatchEntry(*before, 5, 5), BatchEntry(*after, 6, 6)]
    with pytest.raises(InputError, match="rise strictly by") as caught:
        contexts.batch_context(A, B, entries)
    assert (caught.value.expected, caught.value.got) == (f"above {before}", str(after))


def test_batch_needs_an_entry() -> None:
    with pytest.raises(InputError, match="at least one entry"):
        contexts.batch_context(A, B, [])


def test_batch_entry_is_24_bytes() -> None:
    assert BatchEntry(1, 2, 3, 4).encode() == bytes.fromhex("010000000200000003000000000000000400000000000000")


@pytest.mark.parametrize(
    "values", [(2**32, 0, 0, 0), (0, 2**32, 0, 0), (0, 0, 2**64, 0), (0, 0, 0, 2**64), (-1, 0, 0, 0)]
)
def test_batch_entry_ranges(values: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match="out of range"):
        BatchEntry(*values)


def test_ranges_and_lengths() -> None:
    with pytest.raises(InputError, match=r"^index is out of range"):
        contexts.receipt_context(A, B, 2**32)
    with pytest.raises(InputError, match=r"^lane nonce is out of range"):
        contexts.voucher_context(A, B, C, 0, -1)
    with pytest.raises(InputError, match=r"^genesis hash has the wrong length"):
        contexts.domain(A[:31], B, C)
    number: Any = 32
    with pytest.raises(InputError, match=r"^network is not bytes"):
        contexts.domain(A, B, number)


@pytest.mark.parametrize(("kind", "key33"), [(KeyKind.ED25519, P256_33), (KeyKind.P256, b"\4" + A), (KeyKind.P256, A)])
def test_key_context_wants_a_key_of_its_kind(kind: KeyKind, key33: bytes) -> None:
    with pytest.raises(KeyFormatError):
        contexts.key_context(A, B, kind, key33, C)
