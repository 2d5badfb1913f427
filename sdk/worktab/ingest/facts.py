"""What an ingest knows of its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_decimal, json_fields, json_hex
from worktab.core.errors import EncodingError
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Network

_NUMBERS: Final = ("created_at", "epoch_length", "roots_from")
_ROOT_PATH: Final = 2
_CLASSES: Final = 8


@dataclass(frozen=True, slots=True)
class Facts:
    """A network, as of the last time it was read from the chain.

    Attributes:
        network: its address.
        program_id: the program's address.
        domain: 32 bytes; binds every signature to cluster, program and network (PROTOCOL section 2).
        created_at: when its first epoch began, Unix seconds.
        epoch_length: of an epoch, in seconds.
        by_roots: whether it pays by roots.
        roots_from: first epoch that roots pay for; means nothing unless it pays by roots.
        admission: whether a device needs an admitting signature.
        admitting: keys that may admit: its authority and its attestors.
        capacities: of each of the 8 classes the largest capacity of a device, work units an epoch.
        bonds: of each class the least bond of a device, base units.
        used: for each class, whether the network has it.
    """

    network: Pubkey
    program_id: Pubkey
    domain: bytes
    created_at: int
    epoch_length: int
    by_roots: bool
    roots_from: int
    admission: bool
    admitting: tuple[Pubkey, ...]
    capacities: tuple[int, ...]
    bonds: tuple[int, ...]
    used: tuple[bool, ...]

    @classmethod
    def of(cls, address: Pubkey, account: Network, *, program_id: Pubkey = PROGRAM_ID) -> Facts:
        """The facts in a network's account."""
        attestors = account.attestors[: account.attestor_count]
        return cls(
            address,
            program_id,
            account.domain,
            account.created_at,
            account.epoch_length,
            account.reward_path == _ROOT_PATH,
            account.roots_from,
            account.admission == 1,
            (account.authority, *attestors),
            tuple(each.max_capacity for each in account.classes),
            tuple(each.least_bond for each in account.classes),
            tuple(each.meter != 0 for each in account.classes),
        )

    @property
    def named(self) -> str:
        """The network for a message: its domain tells the same address on another cluster."""
        return f"{self.network} (domain {self.domain.hex()})"

    @property
    def first_epoch(self) -> int:
        """The first epoch that roots may pay for."""
        return self.roots_from if self.by_roots else 0

    def epoch(self, time: int) -> int:
        """The epoch of a time in Unix seconds; times before the first are in it, too."""
        return max(0, time - self.created_at) // self.epoch_length

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON-ready values."""
        return {
            "network": str(self.network),
            "program_id": str(self.program_id),
            "domain": self.domain.hex(),
            "created_at": str(self.created_at),
            "epoch_length": str(self.epoch_length),
            "by_roots": self.by_roots,
            "roots_from": str(self.roots_from),
            "admission": self.admission,
            "admitting": [str(each) for each in self.admitting],
            "capacities": [str(each) for each in self.capacities],
            "bonds": [str(each) for each in self.bonds],
            "used": list(self.used),
        }

    @classmethod
    def from_json(cls, value: object) -> Facts:
        """The exact inverse of `to_json`. Raises `EncodingError` for anything else."""
        network, program, domain, created, length, by_roots, first, admission, admitting, capacities, bonds, used = (
            json_fields(value, tuple(cls.__slots__))
        )
        created, length, first = (
            json_decimal(each, name) for each, name in zip((created, length, first), _NUMBERS, strict=True)
        )
        lists = (admitting, capacities, bonds, used)
        if length == 0 or not all(isinstance(each, bool) for each in (by_roots, admission)):
            raise EncodingError(
                "these are not a network's facts", got="an epoch without length, or a flag that is none"
            )
        if not all(isinstance(each, list) for each in lists) or {len(each) for each in lists[1:]} != {_CLASSES}:
            raise EncodingError("these are not a network's facts", expected=f"lists of {_CLASSES} classes")
        return cls(
            json_address(network, "network"),
            json_address(program, "program_id"),
            json_hex(domain, 32, "domain"),
            created,
            length,
            by_roots,
            first,
            admission,
            tuple(json_address(each, "admitting") for each in admitting),
            tuple(json_decimal(each, "capacities") for each in capacities),
            tuple(json_decimal(each, "bonds") for each in bonds),
            tuple(each is True for each in used),
        )
