"""Events of the program (PROTOCOL section 6).

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.pubkey import Pubkey

from worktab.program.codec import ADDRESS, BOOL, I64, U8, U32, U64, Array, Vec
from worktab.program.structs import Event, Fields, Nested

from .types import ClaimEntry

__all__ = [
    "EVENTS",
    "AuthorityAccepted",
    "Claimed",
    "DeviceRegistered",
    "DeviceRetired",
    "DeviceUpdated",
    "NetworkCreated",
    "PauseSet",
    "PoolFunded",
    "ReceiptSubmitted",
    "UpdateApplied",
    "UpdateProposed",
]


@dataclass(frozen=True, slots=True)
class AuthorityAccepted(Event):
    """Authority accepted."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("a6c0dbbc29d1c31a")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("authority", ADDRESS),
    )

    network: Pubkey
    authority: Pubkey


@dataclass(frozen=True, slots=True)
class Claimed(Event):
    """Claimed."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("d9c07b486c96f821")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("payout", ADDRESS),
        ("amount", U64),
        ("entries", Vec(Nested(ClaimEntry))),
    )

    network: Pubkey
    payout: Pubkey
    amount: int
    entries: tuple[ClaimEntry, ...]


@dataclass(frozen=True, slots=True)
class DeviceRegistered(Event):
    """Device registered."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("dd5a0299486247b5")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("device", ADDRESS),
        ("owner", ADDRESS),
        ("index", U32),
        ("class_", U8),
        ("capacity", U64),
    )

    network: Pubkey
    device: Pubkey
    owner: Pubkey
    index: int
    class_: int
    capacity: int


@dataclass(frozen=True, slots=True)
class DeviceRetired(Event):
    """Device retired."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("e5bc4c91f3a3e69c")
    FIELDS: ClassVar[Fields] = (
        ("device", ADDRESS),
        ("closed", BOOL),
    )

    device: Pubkey
    closed: bool
    """Whether the account closed; if not, something is still owed."""


@dataclass(frozen=True, slots=True)
class DeviceUpdated(Event):
    """Device updated."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("133dc866a3b2029e")
    FIELDS: ClassVar[Fields] = (
        ("device", ADDRESS),
        ("owner", ADDRESS),
        ("payout", ADDRESS),
        ("capacity", U64),
        ("key_changed", BOOL),
    )

    device: Pubkey
    owner: Pubkey
    payout: Pubkey
    capacity: int
    """Capacity from the next epoch on."""

    key_changed: bool


@dataclass(frozen=True, slots=True)
class NetworkCreated(Event):
    """Network created."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("a4d4811b1c3abe76")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("authority", ADDRESS),
        ("mint", ADDRESS),
        ("reward_path", U8),
    )

    network: Pubkey
    authority: Pubkey
    mint: Pubkey
    reward_path: int


@dataclass(frozen=True, slots=True)
class PauseSet(Event):
    """Pause set."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("af39c688c042cc49")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("pause", U8),
    )

    network: Pubkey
    pause: int


@dataclass(frozen=True, slots=True)
class PoolFunded(Event):
    """Pool funded."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("a4ddf244a44018d6")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("funder", ADDRESS),
        ("amount", U64),
        ("surplus", U64),
    )

    network: Pubkey
    funder: Pubkey
    amount: int
    """What arrived by this transfer."""

    surplus: int
    """What the vault held beyond the ledger before it."""


@dataclass(frozen=True, slots=True)
class ReceiptSubmitted(Event):
    """Receipt submitted."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("1fc5290743a5230f")
    FIELDS: ClassVar[Fields] = (
        ("device", ADDRESS),
        ("seq", U64),
        ("units", U64),
        ("eligible", U64),
        ("reward", U64),
    )

    device: Pubkey
    seq: int
    units: int
    eligible: int
    """New units within the epoch's capacity; 0 on the path of roots."""

    reward: int


@dataclass(frozen=True, slots=True)
class UpdateApplied(Event):
    """Update applied."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("e6c1e1ee05e85bec")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("kind", U8),
        ("class_", U8),
    )

    network: Pubkey
    kind: int
    class_: int


@dataclass(frozen=True, slots=True)
class UpdateProposed(Event):
    """Update proposed."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("d3040569fc788d1e")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("kind", U8),
        ("class_", U8),
        ("effective_at", I64),
        ("values", Array(U64, 5)),
        ("key", ADDRESS),
    )

    network: Pubkey
    kind: int
    class_: int
    effective_at: int
    """When the change may be applied; 0 for one that needs no delay."""

    values: tuple[int, ...]
    key: Pubkey


EVENTS: Final[tuple[type[Event], ...]] = (
    AuthorityAccepted,
    Claimed,
    DeviceRegistered,
    DeviceRetired,
    DeviceUpdated,
    NetworkCreated,
    PauseSet,
    PoolFunded,
    ReceiptSubmitted,
    UpdateApplied,
    UpdateProposed,
)
"""Every event of the program."""
