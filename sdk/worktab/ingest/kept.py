"""Registrations as a store keeps them, and which of a device's registrations counts."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from worktab.core.enrolments import FIRST_ENROLLED_INDEX, Enrolment, SignedEnrolment, enrolled_index
from worktab.core.keys import DeviceKey, KeyKind
from worktab.ingest.facts import Facts
from worktab.ingest.rows import REGISTRATION, Rows
from worktab.roles.snapshots import DeviceTable
from worktab.roles.terms import DeviceStatus

KEPT: Final = np.dtype([("row", REGISTRATION), ("next_capacity", "<u8"), ("capacity_epoch", "<u8"), ("active", "u1")])
"""A registration as a store keeps it, 401 bytes.

next_capacity   counts from `capacity_epoch` on, in place of the row's
active          1 for an enrolment and for an active account; 2 for a suspended or retired one, 0 for a closed one
"""

CLOSED: Final = 0
ACTIVE: Final = 1
IDLE: Final = 2

_NO_ADMISSION: Final = bytes(32)


def addresses(devices: Rows) -> NDArray[np.bytes_]:
    """`u1` rows of 32 as strings of 32 bytes, which compare, sort and search as addresses do."""
    return np.ascontiguousarray(devices).view("S32").reshape(-1)


def from_chain(devices: DeviceTable) -> Rows:
    """Accounts on chain as `KEPT` rows, sorted by (device, index)."""
    accounts = devices.rows
    kept = np.zeros(len(accounts), KEPT)
    row = kept["row"]
    row["device"] = np.frombuffer(b"".join(map(bytes, devices.addresses)), "u1").reshape(-1, 32)
    for name in ("owner", "payout", "key", "key_kind", "index", "capacity"):
        row[name] = accounts[name]
    row["class"] = accounts["class_"]
    # The units that a receipt brought before roots paid for work.
    row["baseline"] = accounts["units"] - accounts["units_for_roots"]
    kept["next_capacity"], kept["capacity_epoch"] = accounts["next_capacity"], accounts["capacity_epoch"]
    kept["active"] = np.where(accounts["status"] == DeviceStatus.ACTIVE, ACTIVE, IDLE)
    return ordered(kept)


def from_enrolment(signed: SignedEnrolment) -> Rows:
    """An enrolment as one `KEPT` row."""
    kept = np.zeros(1, KEPT)
    row, enrolment = kept["row"], signed.enrolment
    for name, value in (
        ("device", signed.device),
        ("owner", enrolment.owner),
        ("payout", enrolment.payout),
        ("key", enrolment.key.raw33),
        ("owner_signature", signed.owner_signature),
        ("key_signature", signed.key_signature),
        ("admission", signed.admission or _NO_ADMISSION),
        ("admission_signature", signed.admission_signature or bytes(64)),
    ):
        row[name] = np.frombuffer(bytes(value), "u1")
    row["key_kind"], row["class"], row["enrolled"] = int(enrolment.key.kind), enrolment.class_, 1
    row["index"], row["serial"] = enrolled_index(signed.device), enrolment.serial
    kept["active"] = ACTIVE
    return kept


def to_enrolment(row: Rows) -> SignedEnrolment:
    """The enrolment in one `REGISTRATION` row. Raises `KeyFormatError`, `InputError` where it holds none."""
    admission = row["admission"].tobytes()
    admitted = admission != _NO_ADMISSION
    return SignedEnrolment(
        Enrolment(
            DeviceKey(KeyKind(int(row["key_kind"])), row["key"].tobytes()),
            Pubkey(row["owner"].tobytes()),
            Pubkey(row["payout"].tobytes()),
            int(row["class"]),
            int(row["serial"]),
        ),
        Pubkey(row["device"].tobytes()),
        row["owner_signature"].tobytes(),
        row["key_signature"].tobytes(),
        Pubkey(admission) if admitted else None,
        row["admission_signature"].tobytes() if admitted else b"",
    )


def ordered(kept: Rows) -> Rows:
    """`KEPT` rows sorted by (device, index)."""
    return kept[np.lexsort((kept["row"]["index"], addresses(kept["row"]["device"])))]


def counting(kept: Rows) -> Rows:
    """Of each device in `KEPT` rows sorted by (device, index) the one that counts, if any does: the account on chain
    while it is active, the enrolment where there is none. Of a device whose account is suspended or retired none."""
    kept = kept[kept["active"] != CLOSED]
    # The account that is not closed has the highest of its device's indices on chain, and comes before the enrolment.
    enrolled = kept["row"]["index"] >= FIRST_ENROLLED_INDEX
    names = addresses(kept["row"]["device"])
    order = np.lexsort((~enrolled, names))
    kept, names = kept[order], names[order]
    last = np.ones(len(kept), bool)
    last[:-1] = names[1:] != names[:-1]
    chosen: Rows = kept[last & (kept["active"] == ACTIVE)]
    return chosen


def registered(kept: Rows) -> bool:
    """Whether one of these `KEPT` rows is an account on chain in any state."""
    on_chain = kept["row"]["index"] < FIRST_ENROLLED_INDEX
    return bool((on_chain & (kept["active"] != CLOSED)).any())


def rows_in(kept: Rows, facts: Facts, epoch: int) -> Rows:
    """`KEPT` rows as `REGISTRATION` rows with the capacities of an epoch."""
    rows = kept["row"].copy()
    announced = kept["capacity_epoch"] <= np.uint64(epoch)
    rows["capacity"] = np.where(announced, kept["next_capacity"], rows["capacity"])
    enrolled = rows["enrolled"] == 1
    largest = np.zeros(256, "<u8")
    largest[: len(facts.capacities)] = facts.capacities
    rows["capacity"] = np.where(enrolled, largest[rows["class"]], rows["capacity"])
    return rows
