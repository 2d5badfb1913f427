"""Taking over what others published: every signature is checked here, and what holds goes into the attestor's own
store, so that two attestors with different receipts come to the same root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from worktab.epochs.attesting.verdicts import Objection, Reason
from worktab.epochs.checking import EnrolmentCheck, check_enrolments
from worktab.epochs.data import EpochData
from worktab.epochs.terms import EpochTerms
from worktab.ingest.checking import check
from worktab.ingest.kept import from_enrolment, to_enrolment
from worktab.ingest.rows import Rows
from worktab.ingest.store import ReceiptStore
from worktab.ingest.verdicts import Verdict

MOST_NAMED: Final = 10
"""Devices that an objection names."""

_CHUNK: Final = 10_000
_SIGNATURE: Final = (Verdict.BAD_SIGNATURE,)
_FORKED: Final = (Verdict.FORK, Verdict.DEVICE_FORKED)


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of published registrations and receipts.

    Attributes:
        stored: receipts that were lacking here.
        enrolled: enrolments that were lacking, or older, here.
        objections: what does not hold.
    """

    stored: int
    enrolled: int
    objections: tuple[Objection, ...]


def merge(store: ReceiptStore, data: EpochData, terms: EpochTerms, now: int) -> Merged:
    """Check what an epoch published of its inputs, and store what holds. `now` in Unix seconds.

    Raises `StorageError`.
    """
    rows = data.registrations
    enrolments = rows[rows["enrolled"] == 1]
    hold = check_enrolments(EnrolmentCheck(terms, enrolments)) if len(enrolments) else np.zeros(0, bool)
    objections = _object(
        Reason.INVALID_SIGNATURE, "enrolments are not signed by owner, key and who admits", enrolments[~hold]["device"]
    )
    enrolled = _enrol(store, enrolments[hold])
    verdicts = _put(store, data.receipts, now)
    devices = data.receipts["device"]
    refused = verdicts >= Verdict.MALFORMED
    forked, unsigned = np.isin(verdicts, _FORKED), np.isin(verdicts, _SIGNATURE)
    objections += _object(Reason.INVALID_SIGNATURE, "receipts are not signed by the device's key", devices[unsigned])
    objections += _object(Reason.FORKED_DEVICE, "devices signed two histories", devices[forked])
    for verdict in np.unique(verdicts[refused & ~forked & ~unsigned]).tolist():
        told = f"receipts that nobody may take: {Verdict(verdict).code}"
        objections += _object(Reason.INVALID_RECEIPT, told, devices[verdicts == verdict])
    return Merged(int((verdicts == Verdict.STORED).sum()), enrolled, objections)


def _enrol(store: ReceiptStore, rows: Rows) -> int:
    stored = 0
    for at in range(0, len(rows), _CHUNK):
        kept = [from_enrolment(to_enrolment(row), int(row["since"])) for row in rows[at : at + _CHUNK]]
        stored += int((store.put_enrolments(np.concatenate(kept)) == Verdict.STORED).sum())
    return stored


def _put(store: ReceiptStore, receipts: Rows, now: int) -> NDArray[np.uint8]:
    parts = [_put_part(store, receipts[at : at + _CHUNK], now) for at in range(0, len(receipts), _CHUNK)]
    return np.concatenate([np.zeros(0, np.uint8), *parts])


def _put_part(store: ReceiptStore, receipts: Rows, now: int) -> NDArray[np.uint8]:
    checked = check(receipts, store.registrations(receipts["device"]), store.facts, now)
    verdicts, passed = checked.verdicts.copy(), checked.passed
    if passed.any():
        verdicts[passed] = store.put(receipts[passed], checked.indices[passed], now, strict=False)
    return verdicts


def _object(reason: Reason, told: str, devices: Rows) -> tuple[Objection, ...]:
    if not len(devices):
        return ()
    return (Objection(reason, f"{len(devices):,} {told}", len(devices), named(devices)),)


def named(devices: Rows) -> tuple[Pubkey, ...]:
    """The first of these devices."""
    return tuple(Pubkey(device.tobytes()) for device in devices[:MOST_NAMED])
