"""Types that instructions, accounts and events share.

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from solders.pubkey import Pubkey

from worktab.program.codec import ADDRESS, I64, U8, U16, U32, U64, Array, FixedBytes, Option, Vec
from worktab.program.structs import Fields, Nested, Struct

__all__ = [
    "Ballot",
    "Change",
    "ClaimEntry",
    "Class",
    "ClassTerms",
    "Commitment",
    "Delegate",
    "DelegateTerms",
    "DeviceTerms",
    "DeviceUpdate",
    "DisputedRecord",
    "EpochVote",
    "InvoiceTerms",
    "NetworkTerms",
    "NewKey",
    "PendingChange",
    "SettledEntry",
    "ShownRecord",
    "SlaTerms",
]


@dataclass(frozen=True, slots=True)
class Ballot(Struct):
    """One bit for each attestor that votes one way, and one for each that votes the other."""

    FIELDS: ClassVar[Fields] = (
        ("attestor_version", U32),
        ("yes", U16),
        ("no", U16),
    )

    attestor_version: int
    """The network's attestors that the votes belong to."""

    yes: int
    no: int


@dataclass(frozen=True, slots=True)
class Change(Struct):
    """A change as proposed. Values that a kind does not name are zero."""

    FIELDS: ClassVar[Fields] = (
        ("kind", U8),
        ("class_", U8),
        ("values", Array(U64, 5)),
        ("key", ADDRESS),
    )

    kind: int
    """0 none, 1 class, 2 fees, 3 delays, 4 admission, 5 guardian, 6 authority, 7 reward path, 8 add attestor, 9 remove
    attestor, 10 threshold, 11 withdraw pool, 12 disputes.
    """

    class_: int
    """Number of the class; only with kind 1."""

    values: tuple[int, ...]
    key: Pubkey


@dataclass(frozen=True, slots=True)
class ClaimEntry(Struct):
    """What a claim did with one device: 0 paid, 1 nothing owed, 2 another payout wallet, 3 disputed (earnings are paid,
    rewards wait), 4 closed, 5 the payout account can't be paid.
    """

    FIELDS: ClassVar[Fields] = (
        ("device", U32),
        ("rewards", U64),
        ("earnings", U64),
        ("outcome", U8),
    )

    device: int
    """Index of the device; the largest u32 for one that is closed."""

    rewards: int
    """Rewards the device was owed; they moved only where the outcome is 0."""

    earnings: int
    """Earnings the device was owed, before fee and burn; they moved only where the outcome is 0 or 3."""

    outcome: int


@dataclass(frozen=True, slots=True)
class Class(Struct):
    """A class as a network holds it; meter 0 marks an unused slot."""

    FIELDS: ClassVar[Fields] = (
        ("rate", U64),
        ("max_capacity", U64),
        ("least_bond", U64),
        ("budget", U64),
        ("spent", U64),
        ("total_capacity", U64),
        ("next_total_capacity", U64),
        ("epoch", U64),
        ("devices", U32),
        ("meter", U8),
        ("reserved", FixedBytes(3)),
    )

    rate: int
    """Base units for 1,000,000 work units."""

    max_capacity: int
    """Largest capacity of one device, work units an epoch."""

    least_bond: int
    """Least bond of a device with capacity."""

    budget: int
    """Most the class may be paid in one epoch."""

    spent: int
    """Paid out of the budget in `epoch`."""

    total_capacity: int
    """Capacity of all devices in `epoch`."""

    next_total_capacity: int
    """Capacity of all devices from the epoch after `epoch`."""

    epoch: int
    """The epoch that `spent` and `total_capacity` speak of."""

    devices: int
    """Devices registered and not retired."""

    meter: int
    """1 WASM fuel, 2 CPU ms, 3 GPU ms, 4 byte-hours, 5 bytes moved, 6 samples; 0 unused."""

    reserved: bytes
    """Zero."""


@dataclass(frozen=True, slots=True)
class ClassTerms(Struct):
    """The part of a class that its network's authority chooses."""

    FIELDS: ClassVar[Fields] = (
        ("meter", U8),
        ("rate", U64),
        ("max_capacity", U64),
        ("least_bond", U64),
        ("budget", U64),
    )

    meter: int
    """1 WASM fuel, 2 CPU ms, 3 GPU ms, 4 byte-hours, 5 bytes moved, 6 samples."""

    rate: int
    """Base units for 1,000,000 work units."""

    max_capacity: int
    """Largest capacity of one device, work units an epoch."""

    least_bond: int
    """Least bond of a device with capacity, base units."""

    budget: int
    """Most the class may be paid in one epoch, base units."""


@dataclass(frozen=True, slots=True)
class Commitment(Struct):
    """What an attestor commits to: a root over all payees, and what it stands for."""

    FIELDS: ClassVar[Fields] = (
        ("epoch", U64),
        ("root", FixedBytes(32)),
        ("count", U32),
        ("total", U64),
        ("units", U64),
        ("records_checked", U64),
        ("records_failed", U64),
        ("check_ms", U64),
        ("data", FixedBytes(32)),
    )

    epoch: int
    """Index of the epoch."""

    root: bytes
    count: int
    """Highest position of a payee, and one."""

    total: int
    """Sum of all payees' lifetime rewards, base units."""

    units: int
    """Sum of all devices' lifetime units."""

    records_checked: int
    """Records that the committing attestor re-executed for this epoch."""

    records_failed: int
    """Those of them that did not agree."""

    check_ms: int
    """Milliseconds it took."""

    data: bytes
    """Hash of the published leaf data."""


@dataclass(frozen=True, slots=True)
class Delegate(Struct):
    """A delegate as a tab holds it; status 0 marks a free slot."""

    FIELDS: ClassVar[Fields] = (
        ("key", FixedBytes(32)),
        ("allowance", U64),
        ("period_limit", U64),
        ("period_spent", U64),
        ("period", U64),
        ("lane_limit", U64),
        ("set_at", I64),
        ("expires_at", I64),
        ("period_length", U32),
        ("lanes", U16),
        ("classes", U8),
        ("status", U8),
    )

    key: bytes
    allowance: int
    """What it may still spend."""

    period_limit: int
    period_spent: int
    """Spent in `period`."""

    period: int
    """`floor((now - set_at) / period_length)` when it spent last."""

    lane_limit: int
    set_at: int
    expires_at: int
    """0 for never."""

    period_length: int
    """0 for no limit by period."""

    lanes: int
    """Lanes that name this slot."""

    classes: int
    """Bit n for class n."""

    status: int
    """0 free, 1 active, 2 revoked."""


@dataclass(frozen=True, slots=True)
class DelegateTerms(Struct):
    """The part of a delegate that the consumer chooses."""

    FIELDS: ClassVar[Fields] = (
        ("key", ADDRESS),
        ("allowance", U64),
        ("period_limit", U64),
        ("period_length", U32),
        ("lane_limit", U64),
        ("expires_at", I64),
        ("classes", U8),
    )

    key: Pubkey
    allowance: int
    """Most it may spend in all, base units."""

    period_limit: int
    """Most it may spend in one period, base units; not read where the length is 0."""

    period_length: int
    """Length of a period in seconds; 0 for no limit by period."""

    lane_limit: int
    """Most one of its lanes may hold and have paid together, base units."""

    expires_at: int
    """From when on it may no longer spend, Unix seconds; 0 for never."""

    classes: int
    """Classes of devices it may buy from: bit n for class n."""


@dataclass(frozen=True, slots=True)
class DeviceTerms(Struct):
    """What an owner says of a new device."""

    FIELDS: ClassVar[Fields] = (
        ("key", FixedBytes(33)),
        ("key_kind", U8),
        ("class_", U8),
        ("capacity", U64),
        ("payout", ADDRESS),
        ("evidence", FixedBytes(32)),
    )

    key: bytes
    """Ed25519: 32 bytes and a zero. P-256: 33 bytes, compressed."""

    key_kind: int
    """1 Ed25519, 2 P-256."""

    class_: int
    capacity: int
    """Work units an epoch, from the next epoch on. Zero where the class asks for a bond: it is paid in first."""

    payout: Pubkey
    """Wallet whose associated token account is paid."""

    evidence: bytes
    """Hash of evidence about the hardware; zero for none."""


@dataclass(frozen=True, slots=True)
class NewKey(Struct):
    """A device's next key."""

    FIELDS: ClassVar[Fields] = (
        ("key", FixedBytes(33)),
        ("kind", U8),
        ("possession", Option(FixedBytes(104))),
    )

    key: bytes
    """Ed25519: 32 bytes and a zero. P-256: 33 bytes, compressed."""

    kind: int
    """1 Ed25519, 2 P-256."""

    possession: bytes | None
    """The message of possession, where the key signs the transaction itself."""


@dataclass(frozen=True, slots=True)
class DisputedRecord(Struct):
    """The record that a challenger names, and how it leads to what the device signed."""

    FIELDS: ClassVar[Fields] = (
        ("seq", U64),
        ("hash", FixedBytes(32)),
        ("before", FixedBytes(32)),
    )

    seq: int
    """The record's place in the device's chain, from 1 on."""

    hash: bytes
    before: bytes
    """Chain head before the record."""


@dataclass(frozen=True, slots=True)
class EpochVote(Struct):
    """A vote, and what the voter re-executed before it."""

    FIELDS: ClassVar[Fields] = (
        ("vote", U8),
        ("records_checked", U32),
        ("records_failed", U32),
        ("check_ms", U32),
    )

    vote: int
    """0 withdraws an attestor's approval, 1 approves, 2 is the guardian's veto, which stays."""

    records_checked: int
    records_failed: int
    """Those of them that did not agree."""

    check_ms: int
    """Milliseconds it took."""


@dataclass(frozen=True, slots=True)
class InvoiceTerms(Struct):
    """What an invoice asks for."""

    FIELDS: ClassVar[Fields] = (
        ("consumer", ADDRESS),
        ("amount", U64),
        ("units", U64),
        ("due", I64),
        ("head", FixedBytes(32)),
        ("memo", FixedBytes(32)),
    )

    consumer: Pubkey
    """Who is asked to pay."""

    amount: int
    """Base units, not 0."""

    units: int
    """Work units the amount is for, at most 2^48."""

    due: int
    """When payment is due, Unix seconds; 0 for no date. A late payment is still taken."""

    head: bytes
    """The device's chain head after the newest job the invoice is for; zero for none."""

    memo: bytes
    """Hash of a text that the parties keep; zero for none."""


@dataclass(frozen=True, slots=True)
class PendingChange(Struct):
    """The one change a network is waiting for; kind 0 when there is none."""

    FIELDS: ClassVar[Fields] = (
        ("effective_at", I64),
        ("values", Array(U64, 5)),
        ("key", FixedBytes(32)),
        ("kind", U8),
        ("class_", U8),
        ("reserved", FixedBytes(6)),
    )

    effective_at: int
    values: tuple[int, ...]
    key: bytes
    kind: int
    class_: int
    reserved: bytes
    """Zero."""


@dataclass(frozen=True, slots=True)
class SettledEntry(Struct):
    """What one entry of a batch moved."""

    FIELDS: ClassVar[Fields] = (
        ("index", U32),
        ("nonce", U32),
        ("amount", U64),
        ("units", U64),
    )

    index: int
    """Index of the device."""

    nonce: int
    amount: int
    units: int


@dataclass(frozen=True, slots=True)
class ShownRecord(Struct):
    """What makes a disputed record readable."""

    FIELDS: ClassVar[Fields] = (
        ("salt", FixedBytes(32)),
        ("record", FixedBytes(168)),
    )

    salt: bytes
    record: bytes
    """The job record."""


@dataclass(frozen=True, slots=True)
class SlaTerms(Struct):
    """What consumer and owner agree on."""

    FIELDS: ClassVar[Fields] = (
        ("nonce", U32),
        ("due", U64),
        ("bps", U16),
        ("deadline", I64),
    )

    nonce: int
    """Nonce of the lane."""

    due: int
    """What vouchers must have moved by the deadline, base units; not 0, at most what the lane reserves."""

    bps: int
    """Penalty for what is not delivered, basis points, 10,000 at most; 0 where the network has no attestors or no
    challenge delay.
    """

    deadline: int
    """Unix seconds, at most a year ahead."""


@dataclass(frozen=True, slots=True)
class NetworkTerms(Struct):
    """What the creator of a network chooses."""

    FIELDS: ClassVar[Fields] = (
        ("id", U64),
        ("genesis_hash", FixedBytes(32)),
        ("guardian", ADDRESS),
        ("epoch_length", U32),
        ("reward_path", U8),
        ("basis", U8),
        ("admission", U8),
        ("fee_bps", U16),
        ("burn_bps", U16),
        ("parameter_delay", U32),
        ("lane_close_delay", U32),
        ("challenge_delay", U32),
        ("unbonding_delay", U32),
        ("dispute_deposit", U64),
        ("slash_bps", U16),
        ("threshold", U8),
        ("attestors", Vec(ADDRESS)),
        ("classes", Vec(Nested(ClassTerms))),
    )

    id: int
    """Tells one creator's networks apart."""

    genesis_hash: bytes
    """Genesis hash of the cluster: programs can't read it, so SDKs check it."""

    guardian: Pubkey
    """May pause new work; zero for none."""

    epoch_length: int
    """Length of an epoch in seconds; never changes."""

    reward_path: int
    """1 receipts, 2 roots."""

    basis: int
    """1 all eligible units, 2 only units sold."""

    admission: int
    """1 when devices need an admission signature."""

    fee_bps: int
    burn_bps: int
    parameter_delay: int
    """Seconds."""

    lane_close_delay: int
    """Seconds; an hour or more."""

    challenge_delay: int
    """Seconds."""

    unbonding_delay: int
    """Seconds; not below the challenge delay."""

    dispute_deposit: int
    """What a challenger deposits, base units; 0 for no disputes."""

    slash_bps: int
    """Most of a bond that one guilty dispute slashes, basis points, 10,000 at most."""

    threshold: int
    """Attestors that must agree; more than half, 0 without attestors."""

    attestors: tuple[Pubkey, ...]
    """16 at most."""

    classes: tuple[ClassTerms, ...]
    """8 at most; later ones are added by changes."""


@dataclass(frozen=True, slots=True)
class DeviceUpdate(Struct):
    """What changes; what is absent stays."""

    FIELDS: ClassVar[Fields] = (
        ("key", Option(Nested(NewKey))),
        ("capacity", Option(U64)),
        ("payout", Option(ADDRESS)),
        ("evidence", Option(FixedBytes(32))),
        ("owner", Option(ADDRESS)),
    )

    key: NewKey | None
    capacity: int | None
    """Work units an epoch, from the next epoch on."""

    payout: Pubkey | None
    evidence: bytes | None
    owner: Pubkey | None
    """The device is theirs from here on."""
