"""Receipts and registrations as fixed rows: what is posted, stored, published and built from.

A row is the same bytes everywhere, so a million of them move between service, store, file and numpy without a loop.
Byte strings are `u1` subarrays; numbers are little-endian.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RECEIPT: Final = np.dtype([("device", "u1", (32,)), ("message", "u1", (104,)), ("signature", "u1", (64,))])
"""A signed receipt, 200 bytes: the device's address, the 104-byte message, the 64-byte signature."""

MESSAGE: Final = np.dtype(
    [
        ("magic", "u1", (4,)),
        ("kind", "u1"),
        ("zero", "u1", (3,)),
        ("context", "u1", (32,)),
        ("seq", "<u8"),
        ("units", "<u8"),
        ("amount", "<u8"),
        ("time", "<i8"),
        ("head", "u1", (32,)),
    ]
)
"""A message's fields, 104 bytes (PROTOCOL section 2)."""

REGISTRATION: Final = np.dtype(
    [
        ("device", "u1", (32,)),
        ("owner", "u1", (32,)),
        ("payout", "u1", (32,)),
        ("key", "u1", (33,)),
        ("key_kind", "u1"),
        ("class", "u1"),
        ("enrolled", "u1"),
        ("index", "<u4"),
        ("capacity", "<u8"),
        ("baseline", "<u8"),
        ("serial", "<u8"),
        ("owner_signature", "u1", (64,)),
        ("key_signature", "u1", (64,)),
        ("admission", "u1", (32,)),
        ("admission_signature", "u1", (64,)),
    ]
)
"""A device that may be paid by roots, 384 bytes.

enrolled       1 without an account on chain, 0 with one; only the former has serial and signatures
index          of the registration, or `enrolled_index`; the index in the receipts' context
capacity       work units an epoch that are rewarded at most; for an enrolled device its class's largest
baseline       lifetime units that were paid, or could have been, on the path of receipts: roots pay for those above
serial         of the enrolment
"""

Rows = NDArray[Any]
"""An array of one of the types above."""


def messages(receipts: Rows) -> Rows:
    """The messages of `RECEIPT` rows, as `MESSAGE` rows. A view where the rows are contiguous, else a copy."""
    return np.ascontiguousarray(receipts["message"]).view(MESSAGE)[:, 0]
