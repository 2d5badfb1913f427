"""What a published epoch says of itself: one JSON object in the one form it can have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_decimal, json_fields, json_hex, json_u32
from worktab.core.errors import EncodingError

VERSION: Final = 1
"""Version of the layout of published data."""

FILES: Final = ("devices.bin", "payees.bin", "receipts.bin", "registrations.bin")
"""The files beside the manifest."""

_FIELDS: Final = (
    "count",
    "devices",
    "domain",
    "epoch",
    "files",
    "first_epoch",
    "network",
    "policy",
    "previous",
    "root",
    "terms",
    "total",
    "units",
    "version",
)


def canonical(value: object) -> bytes:
    """A JSON value in its one form: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one epoch.

    Attributes:
        network: the network's address.
        domain: its 32-byte domain.
        epoch: the epoch whose end the data stand for.
        first_epoch: the first of the epochs that the data pay for: the one after the previous data's.
        previous: SHA-256 of the manifest that this one follows; None for the first.
        policy: the policy that rewards were given by, in its canonical form.
        terms: the network's terms that went into it, in their canonical form.
        files: SHA-256 of every file.
        root: the root over all payees.
        count: payees.
        devices: rows of devices.
        total: sum of all payees' lifetime rewards, base units.
        units: sum of all devices' lifetime units, work units; stops at the largest u64.
    """

    network: Pubkey
    domain: bytes
    epoch: int
    first_epoch: int
    previous: bytes | None
    policy: Mapping[str, Any]
    terms: Mapping[str, Any]
    files: Mapping[str, bytes]
    root: bytes
    count: int
    devices: int
    total: int
    units: int

    @property
    def epochs(self) -> int:
        """How many epochs the data pay for."""
        return self.epoch - self.first_epoch + 1

    def encode(self) -> bytes:
        """The manifest's bytes: JSON with sorted keys and without spaces; hashes in hex, amounts and u64 as strings."""
        return canonical(
            {
                "count": self.count,
                "devices": self.devices,
                "domain": self.domain.hex(),
                "epoch": str(self.epoch),
                "files": {name: self.files[name].hex() for name in FILES},
                "first_epoch": str(self.first_epoch),
                "network": str(self.network),
                "policy": self.policy,
                "previous": None if self.previous is None else self.previous.hex(),
                "root": self.root.hex(),
                "terms": self.terms,
                "total": str(self.total),
                "units": str(self.units),
                "version": VERSION,
            }
        )

    def hash(self) -> bytes:
        """SHA-256 of the manifest's bytes: what a commitment names as its data."""
        return hashlib.sha256(self.encode()).digest()

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """The manifest in `data`; the exact inverse of `encode`, and nothing else is accepted.

        Raises:
            EncodingError: it is something else.
        """
        try:
            # A float has more than one form, and NaN none.
            value = json.loads(data, parse_float=_refuse, parse_constant=_refuse)
        except (ValueError, RecursionError):
            value = None
        (
            count,
            devices,
            domain,
            epoch,
            files,
            first_epoch,
            network,
            policy,
            previous,
            root,
            terms,
            total,
            units,
            version,
        ) = json_fields(value, _FIELDS)
        if version != VERSION:
            raise EncodingError("the manifest has another version", expected=str(VERSION), got=ascii(version)[:100])
        if not isinstance(policy, dict) or not isinstance(terms, dict):
            raise EncodingError("policy and terms are JSON objects", got=type(policy).__name__)
        hashes = json_fields(files, FILES)
        manifest = cls(
            network=json_address(network, "network"),
            domain=json_hex(domain, 32, "domain"),
            epoch=json_decimal(epoch, "epoch"),
            first_epoch=json_decimal(first_epoch, "first_epoch"),
            previous=None if previous is None else json_hex(previous, 32, "previous"),
            policy=policy,
            terms=terms,
            files={name: json_hex(each, 32, name) for name, each in zip(FILES, hashes, strict=True)},
            root=json_hex(root, 32, "root"),
            count=json_u32(count, "count"),
            devices=json_u32(devices, "devices"),
            total=json_decimal(total, "total"),
            units=json_decimal(units, "units"),
        )
        try:
            same = manifest.encode() == data
        except (ValueError, RecursionError):
            same = False
        if not same:
            raise EncodingError(
                "the manifest is not in its canonical form", expected="sorted keys, no spaces", got=f"{len(data)} bytes"
            )
        return manifest


def _refuse(text: str) -> None:
    raise ValueError(text)
