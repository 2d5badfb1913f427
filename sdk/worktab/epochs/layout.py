"""The rows of published data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from worktab.ingest.rows import RECEIPT, REGISTRATION

PAYEE: Final = np.dtype(
    [("payout", "u1", (32,)), ("reward", "<u8"), ("devices_root", "u1", (32,)), ("first", "<u4"), ("devices", "<u4")]
)
"""A payee, 80 bytes, at its position.

payout        the wallet that is paid
reward        its lifetime reward, base units: the sum of its devices'
devices_root  root of the tree over its devices
first         where its rows of devices begin
devices       how many it has
"""

DEVICE: Final = np.dtype(
    [
        ("device", "u1", (32,)),
        ("position", "<u4"),
        ("index", "<u4"),
        ("units", "<u8"),
        ("reward", "<u8"),
        ("carry", "<u4"),
        ("seq", "<u8"),
        ("chain_units", "<u8"),
        ("time", "<i8"),
        ("head", "u1", (32,)),
        ("last_epoch", "<u8"),
        ("active", "u1"),
        ("class", "u1"),
        ("enrolled", "u1"),
        ("key_kind", "u1"),
        ("key", "u1", (33,)),
        ("capacity", "<u8"),
        ("baseline", "<u8"),
        ("serial", "<u8"),
    ]
)
"""A device under one payee, 185 bytes; sorted by position, index and device.

position     of the payee
units        lifetime units counted for this payee, work units: what its receipts add, beyond the baseline
reward       lifetime reward for this payee, base units
carry        millionths of a base unit left over
seq, chain_units, time, head  of the newest receipt counted: its jobs, its units, when it was issued, its chain's head
last_epoch   the epoch of the root that counted it
active       1 where new receipts are counted; 0 where the device has another payee, or another registration, since
class to serial  of the registration in force when it was counted (`ingest.rows.REGISTRATION`)
"""

ROWS: Final[Mapping[str, np.dtype[Any]]] = {
    "devices.bin": DEVICE,
    "payees.bin": PAYEE,
    "receipts.bin": RECEIPT,
    "registrations.bin": REGISTRATION,
}
"""The files of an epoch and the rows that each has."""
