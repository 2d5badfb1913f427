"""What crosses between an ingest and those who post to it or pull from it.

    POST /v1/receipts            rows of 200 bytes, or JSON: one receipt or a list; a verdict for each
    POST /v1/enrolments          JSON: one enrolment; its verdict
    GET  /v1/devices/{device}    JSON: its registration, its newest receipt, evidence against it
    GET  /v1/inputs?epoch=E      the inputs of an epoch in parts; &after=DEVICE goes on after a device
    GET  /v1/network             JSON: the network, and the present epoch
    GET  /v1/health              JSON: whether receipts are taken
    GET  /metrics                for Prometheus

A part of the inputs is a header of 48 bytes and then rows: `WTBP`, u32 registrations, u32 receipts, u32 receipts in
forks, the address of its last device. The last part is `WTBE` and zeros: without it the rest is missing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_fields, json_hex
from worktab.core.errors import EncodingError
from worktab.ingest.rows import RECEIPT, REGISTRATION, Rows, messages
from worktab.ingest.store import Page
from worktab.ingest.verdicts import Verdict

RECEIPTS_PATH: Final = "/v1/receipts"
ENROLMENTS_PATH: Final = "/v1/enrolments"
DEVICES_PATH: Final = "/v1/devices"
INPUTS_PATH: Final = "/v1/inputs"
NETWORK_PATH: Final = "/v1/network"
HEALTH_PATH: Final = "/v1/health"
METRICS_PATH: Final = "/metrics"

ROWS_TYPE: Final = "application/octet-stream"

_HEADER: Final = struct.Struct("<4sIII32s")
HEADER_SIZE: Final = _HEADER.size
_PART: Final = b"WTBP"
END: Final = _HEADER.pack(b"WTBE", 0, 0, 0, bytes(32))
"""The last part of inputs."""

_LARGEST_PART: Final = 1 << 20
_MOST_HASHES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Part:
    """The header of a part of inputs: how many rows of each kind follow, and its last device."""

    registrations: int
    receipts: int
    forks: int
    after: bytes

    @classmethod
    def decode(cls, header: bytes) -> Part | None:
        """The part that a header begins; None for the end. Raises `EncodingError`."""
        if header == END:
            return None
        magic, registrations, receipts, forks, after = _HEADER.unpack(header)
        if magic != _PART or max(registrations, receipts, forks) > _LARGEST_PART:
            raise EncodingError("these are no inputs", got=header[:16].hex())
        return cls(registrations, receipts, forks, after)

    @property
    def size(self) -> int:
        """Bytes of its rows."""
        return self.registrations * REGISTRATION.itemsize + (self.receipts + self.forks) * RECEIPT.itemsize

    def page(self, rows: bytes) -> Page:
        """The rows."""
        registrations = np.frombuffer(rows, REGISTRATION, self.registrations)
        receipts = np.frombuffer(rows, RECEIPT, offset=registrations.nbytes)
        return Page(registrations, receipts[: self.receipts], receipts[self.receipts :], self.after)


def encode_page(page: Page) -> bytes:
    """A part of inputs."""
    counts = len(page.registrations), len(page.receipts), len(page.forks)
    rows = (each.tobytes() for each in (page.registrations, page.receipts, page.forks))
    return _HEADER.pack(_PART, *counts, page.after) + b"".join(rows)


def rows_of(body: bytes) -> Rows:
    """The receipts in a body of rows. Raises `EncodingError`."""
    if not body or len(body) % RECEIPT.itemsize:
        raise EncodingError(
            "these are no receipts", expected=f"a multiple of {RECEIPT.itemsize} bytes", got=f"{len(body)} bytes"
        )
    return np.frombuffer(body, RECEIPT)


def rows_of_json(value: object) -> tuple[Rows, dict[int, list[bytes]]]:
    """The receipts in JSON, one or a list of them, and the record hashes of those that have some.

    Raises `EncodingError`.
    """
    listed = value if isinstance(value, list) else [value]
    rows, hashes = [], {}
    for place, each in enumerate(listed):
        names: tuple[str, ...] = ("device", "message", "signature")
        if isinstance(each, dict) and "record_hashes" in each:
            names = (*names, "record_hashes")
        device, message, signature, *given = json_fields(each, names)
        row = bytes(json_address(device, "device")) + json_hex(message, 104, "message")
        rows.append(row + json_hex(signature, 64, "signature"))
        if given:
            hashes[place] = _hashes(given[0])
    return rows_of(b"".join(rows)), hashes


def receipt_to_json(receipt: bytes, record_hashes: Sequence[bytes] | None = None) -> dict[str, Any]:
    """A receipt of 200 bytes as JSON-ready facts."""
    facts: dict[str, Any] = {
        "device": str(Pubkey(receipt[:32])),
        "message": receipt[32:136].hex(),
        "signature": receipt[136:].hex(),
    }
    if record_hashes is not None:
        facts["record_hashes"] = [each.hex() for each in record_hashes]
    return facts


def results_to_json(rows: Rows, verdicts: Sequence[int]) -> list[dict[str, Any]]:
    """What became of receipts, as JSON-ready facts: `outcome` is stored, duplicate, older or refused."""
    told = []
    seqs = messages(rows)["seq"].tolist()
    for device, seq, number in zip(rows["device"], seqs, verdicts, strict=True):
        verdict = Verdict(number)
        told.append({"device": str(Pubkey(device.tobytes())), "seq": str(seq), **verdict_to_json(verdict)})
    return told


def verdict_to_json(verdict: Verdict) -> dict[str, str]:
    """A verdict as JSON-ready facts."""
    return {"outcome": "refused" if verdict.refused else verdict.code, "code": verdict.code}


def _hashes(value: object) -> list[bytes]:
    if not isinstance(value, list) or len(value) > _MOST_HASHES:
        raise EncodingError("record_hashes is no list", expected=f"at most {_MOST_HASHES} hashes")
    return [json_hex(each, 32, "record_hashes") for each in value]
