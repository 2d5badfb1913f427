"""Checks of signatures in bulk. These functions run in the processes and on the machines of a runner."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from worktab.core.enrolments import enrolled_index
from worktab.core.errors import InputError, VerificationError
from worktab.core.keys import DeviceKey, KeyKind
from worktab.epochs.terms import EpochTerms
from worktab.ingest.kept import to_enrolment
from worktab.ingest.rows import Rows

HOLDS: Final = 0
WRONG_CONTEXT: Final = 1
WRONG_SIGNATURE: Final = 2

_CONTEXT: Final = slice(8, 40)


@dataclass(frozen=True, slots=True, eq=False)
class ReceiptCheck:
    """`RECEIPT` rows with the index and the key that each must have been signed for."""

    domain: bytes
    receipts: Rows
    index: Rows
    key_kind: Rows
    key: Rows


@dataclass(frozen=True, slots=True, eq=False)
class EnrolmentCheck:
    """`REGISTRATION` rows that must be enrolments under these terms."""

    terms: EpochTerms
    rows: Rows


def check_receipts(check: ReceiptCheck) -> Rows:
    """For each receipt `HOLDS`, `WRONG_CONTEXT` or `WRONG_SIGNATURE`."""
    receipts, start = check.receipts, b"worktab/receipt" + check.domain
    found = np.full(len(receipts), HOLDS, "u1")
    devices, messages, signatures = (_split(receipts[name]) for name in ("device", "message", "signature"))
    indices, kinds, keys = (
        _split(check.index.astype("<u4")[:, None].view("u1")),
        check.key_kind.tolist(),
        _split(check.key),
    )
    rows = zip(devices, indices, messages, kinds, keys, signatures, strict=True)
    for at, (device, index, message, kind, key, signature) in enumerate(rows):
        if hashlib.sha256(start + device + index).digest() != message[_CONTEXT]:
            found[at] = WRONG_CONTEXT
        elif not _signed(kind, key, message, signature):
            found[at] = WRONG_SIGNATURE
    return found


def check_enrolments(check: EnrolmentCheck) -> Rows:
    """For each row whether it is an enrolment that owner, key and, where the terms ask for one, an admitting key
    signed."""
    return np.array([_enrolled(row, check.terms) for row in check.rows], bool)


def _enrolled(row: Rows, terms: EpochTerms) -> bool:
    try:
        signed = to_enrolment(row)
        signed.verify(domain=terms.domain, program_id=bytes(terms.program_id), network=bytes(terms.network))
    except (InputError, VerificationError, ValueError):  # no KeyKind is a ValueError
        return False
    admitted = not terms.admission or signed.admission in terms.admitting
    return admitted and int(row["index"]) == enrolled_index(signed.device)


def _signed(kind: int, key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        return DeviceKey(KeyKind(kind), key).verify(message, signature)
    except (InputError, ValueError):
        return False


def _split(column: Rows) -> list[bytes]:
    """A column of byte strings as `bytes`."""
    data, size = np.ascontiguousarray(column).tobytes(), column.shape[1]
    return [data[at : at + size] for at in range(0, len(data), size)]
