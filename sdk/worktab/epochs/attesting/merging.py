"""What others published: who signed it, and taking it over, so that two attestors with different receipts come to the
same root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from worktab.core.addresses import find_device
from worktab.core.errors import InputError
from worktab.core.keys import DeviceKey, KeyKind
from worktab.epochs.attesting.verdicts import Objection, Reason
from worktab.epochs.checking import HOLDS, EnrolmentCheck, ReceiptCheck, check_enrolments, check_receipts
from worktab.epochs.data import EpochData
from worktab.epochs.matching import NONE, places
from worktab.epochs.terms import EpochTerms
from worktab.ingest.checking import check
from worktab.ingest.kept import addresses, from_enrolment, to_enrolment
from worktab.ingest.rows import Rows
from worktab.ingest.store import ReceiptStore
from worktab.ingest.verdicts import Verdict

MOST_NAMED: Final = 10
"""Devices that an objection names."""

_CHUNK: Final = 10_000
_FORKED: Final = (Verdict.FORK, Verdict.DEVICE_FORKED)


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of published registrations and receipts.

    Attributes:
        stored: receipts that were lacking here.
        enrolled: enrolments that were lacking, or older, here.
        objections: devices of which the receipts contradict those held here.
    """

    stored: int
    enrolled: int
    objections: tuple[Objection, ...]


def foreign_keys(data: EpochData, terms: EpochTerms) -> tuple[Objection, ...]:
    """Published registrations on chain with keys that their devices' addresses are not made from."""
    accounts = data.registrations[data.registrations["enrolled"] != 1]
    theirs = np.array([_has_key(row, terms) for row in accounts], bool)
    return _object(Reason.INVALID_SIGNATURE, "registrations have another device's key", accounts["device"][~theirs])


def unsigned(data: EpochData, terms: EpochTerms) -> tuple[Objection, ...]:
    """What of an epoch's published inputs is not signed by who should have: to say why a build gives another root."""
    enrolments = data.registrations[data.registrations["enrolled"] == 1]
    hold = check_enrolments(EnrolmentCheck(terms, enrolments))
    told = "enrolments are not signed by owner, key and who admits"
    found = _object(Reason.INVALID_SIGNATURE, told, enrolments["device"][~hold])
    counted = data.devices[data.devices["active"] == 1]
    counted = counted[np.argsort(addresses(counted["device"]), kind="stable")]
    at = places(addresses(counted["device"]), addresses(data.receipts["device"]))
    receipts, rows = data.receipts[at != NONE], counted[at[at != NONE]]
    checked = check_receipts(ReceiptCheck(terms.domain, receipts, rows["index"], rows["key_kind"], rows["key"]))
    told = "receipts are not signed by the device's key"
    return found + _object(Reason.INVALID_SIGNATURE, told, receipts["device"][checked != HOLDS])


def merge(store: ReceiptStore, data: EpochData, now: int) -> Merged:
    """Take over an epoch's published enrolments and receipts, of which the signatures hold. `now` in Unix seconds.

    Raises `StorageError`.
    """
    enrolled = _enrol(store, data.registrations[data.registrations["enrolled"] == 1])
    verdicts = _put(store, data.receipts, now)
    forked = data.receipts["device"][np.isin(verdicts, _FORKED)]
    objections = _object(Reason.FORKED_DEVICE, "devices signed two histories", forked)
    return Merged(int((verdicts == Verdict.STORED).sum()), enrolled, objections)


def _enrol(store: ReceiptStore, rows: Rows) -> int:
    stored = 0
    for at in range(0, len(rows), _CHUNK):
        # Made anew from what is signed: nothing else of a published row is taken over.
        kept = [from_enrolment(to_enrolment(row)) for row in rows[at : at + _CHUNK]]
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


def _has_key(row: Rows, terms: EpochTerms) -> bool:
    try:
        key = DeviceKey(KeyKind(int(row["key_kind"])), row["key"].tobytes())
    except (InputError, ValueError):  # no KeyKind is a ValueError
        return False
    device, _ = find_device(bytes(terms.program_id), bytes(terms.network), key)
    return bytes(device) == row["device"].tobytes()


def _object(reason: Reason, told: str, devices: Rows) -> tuple[Objection, ...]:
    if not len(devices):
        return ()
    return (Objection(reason, f"{len(devices):,} {told}", len(devices), named(devices)),)


def named(devices: Rows) -> tuple[Pubkey, ...]:
    """The first of these devices."""
    return tuple(Pubkey(device.tobytes()) for device in devices[:MOST_NAMED])
