"""Events of the program (PROTOCOL section 6).

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.pubkey import Pubkey

from worktab.program.codec import ADDRESS, BOOL, I64, U8, U16, U32, U64, Array, FixedBytes, Option, Vec
from worktab.program.structs import Event, Fields, Nested

from .types import ClaimEntry, SettledEntry

__all__ = [
    "EVENTS",
    "AuthorityAccepted",
    "BatchSettled",
    "BondDeposited",
    "BondLeaving",
    "BondWithdrawn",
    "Claimed",
    "DelegateSet",
    "Deposited",
    "DeviceRegistered",
    "DeviceRetired",
    "DeviceUpdated",
    "DisputeClosed",
    "DisputeOpened",
    "DisputeResolved",
    "DisputeVoted",
    "EpochClosed",
    "EpochCommitted",
    "EpochFinalized",
    "EpochVoted",
    "FeesCollected",
    "InvoiceCreated",
    "InvoicePaid",
    "InvoiceRefunded",
    "InvoiceVoided",
    "LaneCloseStarted",
    "LaneClosed",
    "LaneReserved",
    "NetworkCreated",
    "PageOpened",
    "PauseSet",
    "PoolFunded",
    "PoolWithdrawn",
    "ReceiptSubmitted",
    "RootClaimed",
    "SlaContested",
    "SlaEnforced",
    "SlaOpened",
    "SlaVoted",
    "TabClosed",
    "TabOpened",
    "UpdateApplied",
    "UpdateProposed",
    "VoucherSettled",
    "Withdrawn",
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
class BatchSettled(Event):
    """Entries that moved nothing are left out."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("ee0ebbc07f5f6809")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("entries", Vec(Nested(SettledEntry))),
    )

    tab: Pubkey
    entries: tuple[SettledEntry, ...]


@dataclass(frozen=True, slots=True)
class BondDeposited(Event):
    """Bond deposited."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("d2952fe84880f899")
    FIELDS: ClassVar[Fields] = (
        ("device", ADDRESS),
        ("amount", U64),
        ("bond", U64),
    )

    device: Pubkey
    amount: int
    bond: int
    """The bond after it."""


@dataclass(frozen=True, slots=True)
class BondLeaving(Event):
    """What leaves a bond was set, and its delay began."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("4553d09543e8dc27")
    FIELDS: ClassVar[Fields] = (
        ("device", ADDRESS),
        ("amount", U64),
        ("due", I64),
        ("capacity", U64),
    )

    device: Pubkey
    amount: int
    """What leaves; 0 when nothing does any more."""

    due: int
    """From when on, Unix seconds; 0 when nothing leaves."""

    capacity: int
    """Capacity from the next epoch on."""


@dataclass(frozen=True, slots=True)
class BondWithdrawn(Event):
    """Bond withdrawn."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("6fc09ae73a738267")
    FIELDS: ClassVar[Fields] = (
        ("device", ADDRESS),
        ("destination", ADDRESS),
        ("amount", U64),
        ("bond", U64),
    )

    device: Pubkey
    destination: Pubkey
    amount: int
    bond: int
    """The bond after it."""


@dataclass(frozen=True, slots=True)
class Claimed(Event):
    """Claimed."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("d9c07b486c96f821")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("payout", ADDRESS),
        ("amount", U64),
        ("fee", U64),
        ("burn", U64),
        ("entries", Vec(Nested(ClaimEntry))),
    )

    network: Pubkey
    payout: Pubkey
    amount: int
    """What the payout account received."""

    fee: int
    """Kept for the network's authority, out of the earnings."""

    burn: int
    """Destroyed, out of the earnings."""

    entries: tuple[ClaimEntry, ...]


@dataclass(frozen=True, slots=True)
class DelegateSet(Event):
    """Delegate set."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("677eef83c91fd4fd")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("slot", U8),
        ("status", U8),
        ("key", ADDRESS),
        ("allowance", U64),
        ("period_limit", U64),
        ("period_length", U32),
        ("lane_limit", U64),
        ("expires_at", I64),
        ("classes", U8),
    )

    tab: Pubkey
    slot: int
    """1 to 4."""

    status: int
    """0 free, 1 active, 2 revoked."""

    key: Pubkey
    allowance: int
    period_limit: int
    period_length: int
    lane_limit: int
    expires_at: int
    classes: int


@dataclass(frozen=True, slots=True)
class Deposited(Event):
    """Deposited."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("6f8d1a2da1236439")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("depositor", ADDRESS),
        ("amount", U64),
    )

    tab: Pubkey
    depositor: Pubkey
    amount: int


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
class DisputeClosed(Event):
    """Dispute closed."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("ab2e9d234ee00dad")
    FIELDS: ClassVar[Fields] = (
        ("dispute", ADDRESS),
        ("device", ADDRESS),
    )

    dispute: Pubkey
    device: Pubkey


@dataclass(frozen=True, slots=True)
class DisputeOpened(Event):
    """Dispute opened."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("efde66ebc15501d6")
    FIELDS: ClassVar[Fields] = (
        ("dispute", ADDRESS),
        ("device", ADDRESS),
        ("tab", ADDRESS),
        ("seq", U64),
        ("record_hash", FixedBytes(32)),
        ("deposit", U64),
        ("deadline", I64),
    )

    dispute: Pubkey
    device: Pubkey
    tab: Pubkey
    """The challenger's tab."""

    seq: int
    record_hash: bytes
    deposit: int
    deadline: int


@dataclass(frozen=True, slots=True)
class DisputeResolved(Event):
    """Dispute resolved."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("7940f9998b80ecbb")
    FIELDS: ClassVar[Fields] = (
        ("dispute", ADDRESS),
        ("device", ADDRESS),
        ("tab", ADDRESS),
        ("verdict", U8),
        ("consumer_tab", ADDRESS),
        ("to_consumer", U64),
        ("deposit_back", U64),
        ("to_challenger", U64),
        ("to_pool", U64),
        ("forfeited", U64),
        ("to_bond", U64),
    )

    dispute: Pubkey
    device: Pubkey
    tab: Pubkey
    """The challenger's tab."""

    verdict: int
    """1 guilty, 2 not guilty, 3 undecided."""

    consumer_tab: Pubkey
    """The consumer's tab; zero where nobody was made whole."""

    to_consumer: int
    """What left the bond for the consumer's tab."""

    deposit_back: int
    """What went to the challenger's tab: of the deposit, and of the bond; 0 where the tab is closed, and the pool got
    it.
    """

    to_challenger: int
    to_pool: int
    """What went to the pool: of bond and deposit, and of the rewards that were owed."""

    forfeited: int
    to_bond: int
    """What the bond gained from the deposit."""


@dataclass(frozen=True, slots=True)
class DisputeVoted(Event):
    """Dispute voted."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("f6c7c9adc2c26149")
    FIELDS: ClassVar[Fields] = (
        ("dispute", ADDRESS),
        ("attestor", ADDRESS),
        ("finding", U8),
        ("guilty", U8),
        ("not_guilty", U8),
    )

    dispute: Pubkey
    attestor: Pubkey
    finding: int
    """0 withdrawn, 1 agrees, 2 differs, 3 withheld, 4 repeated."""

    guilty: int
    """Attestors for and against the device's guilt now."""

    not_guilty: int


@dataclass(frozen=True, slots=True)
class EpochClosed(Event):
    """A commitment was closed that had become pointless: a final root covers its epoch."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("150430381da94d2a")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("epoch", ADDRESS),
        ("index", U64),
    )

    network: Pubkey
    epoch: Pubkey
    index: int


@dataclass(frozen=True, slots=True)
class EpochCommitted(Event):
    """Epoch committed."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("a5535bffb8279432")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("epoch", ADDRESS),
        ("attestor", ADDRESS),
        ("index", U64),
        ("root", FixedBytes(32)),
        ("count", U32),
        ("total", U64),
        ("units", U64),
        ("records_checked", U64),
        ("records_failed", U64),
        ("check_ms", U64),
        ("data", FixedBytes(32)),
    )

    network: Pubkey
    epoch: Pubkey
    """The Epoch account; its address commits to all that follows."""

    attestor: Pubkey
    index: int
    root: bytes
    count: int
    total: int
    """Sum of lifetime rewards, base units."""

    units: int
    records_checked: int
    records_failed: int
    check_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class EpochFinalized(Event):
    """Epoch finalized."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("6d36e75165f9916b")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("epoch", ADDRESS),
        ("index", U64),
        ("root", FixedBytes(32)),
        ("count", U32),
        ("increase", U64),
    )

    network: Pubkey
    epoch: Pubkey
    index: int
    root: bytes
    count: int
    increase: int
    """What the pool now owes more than before."""


@dataclass(frozen=True, slots=True)
class EpochVoted(Event):
    """Epoch voted."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("6d9ad41f5a26519c")
    FIELDS: ClassVar[Fields] = (
        ("epoch", ADDRESS),
        ("voter", ADDRESS),
        ("vote", U8),
        ("approvals", U8),
        ("records_checked", U32),
        ("records_failed", U32),
        ("check_ms", U32),
    )

    epoch: Pubkey
    voter: Pubkey
    """Attestor or guardian."""

    vote: int
    """0 withdrawn, 1 approved, 2 vetoed."""

    approvals: int
    """Attestors that approve now."""

    records_checked: int
    records_failed: int
    check_ms: int


@dataclass(frozen=True, slots=True)
class FeesCollected(Event):
    """Fees collected."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("e91775e16bb2fe08")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("destination", ADDRESS),
        ("amount", U64),
    )

    network: Pubkey
    destination: Pubkey
    amount: int


@dataclass(frozen=True, slots=True)
class InvoiceCreated(Event):
    """Invoice created."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("bd72ebdbc17d2f36")
    FIELDS: ClassVar[Fields] = (
        ("invoice", ADDRESS),
        ("device", ADDRESS),
        ("consumer", ADDRESS),
        ("number", U64),
        ("amount", U64),
        ("units", U64),
        ("due", I64),
        ("head", FixedBytes(32)),
        ("memo", FixedBytes(32)),
    )

    invoice: Pubkey
    device: Pubkey
    consumer: Pubkey
    number: int
    amount: int
    units: int
    due: int
    head: bytes
    memo: bytes


@dataclass(frozen=True, slots=True)
class InvoicePaid(Event):
    """Invoice paid."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("c8d3a8aa2e5253ba")
    FIELDS: ClassVar[Fields] = (
        ("invoice", ADDRESS),
        ("tab", ADDRESS),
        ("device", ADDRESS),
        ("amount", U64),
        ("units", U64),
    )

    invoice: Pubkey
    tab: Pubkey
    device: Pubkey
    amount: int
    units: int


@dataclass(frozen=True, slots=True)
class InvoiceRefunded(Event):
    """Invoice refunded."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("63294d55c6f7bd0d")
    FIELDS: ClassVar[Fields] = (
        ("invoice", ADDRESS),
        ("tab", ADDRESS),
        ("device", ADDRESS),
        ("amount", U64),
        ("units", U64),
    )

    invoice: Pubkey
    tab: Pubkey
    device: Pubkey
    amount: int
    units: int
    """Units no longer sold."""


@dataclass(frozen=True, slots=True)
class InvoiceVoided(Event):
    """Invoice voided."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("2488f3c59b9c8a9b")
    FIELDS: ClassVar[Fields] = (
        ("invoice", ADDRESS),
        ("device", ADDRESS),
        ("paid", U64),
    )

    invoice: Pubkey
    device: Pubkey
    paid: int
    """What was paid and stays so."""


@dataclass(frozen=True, slots=True)
class LaneCloseStarted(Event):
    """Lane close started."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("de93c65557e4ce3c")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("index", U32),
        ("nonce", U32),
        ("close_at", U32),
    )

    tab: Pubkey
    index: int
    nonce: int
    close_at: int
    """When the lane may end, Unix seconds."""


@dataclass(frozen=True, slots=True)
class LaneClosed(Event):
    """Lane closed."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("756e5c223a63c290")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("index", U32),
        ("nonce", U32),
        ("returned", U64),
    )

    tab: Pubkey
    index: int
    nonce: int
    returned: int
    """What went back to the balance."""


@dataclass(frozen=True, slots=True)
class LaneReserved(Event):
    """Lane reserved."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("7cd3cdac84b3669f")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("index", U32),
        ("nonce", U32),
        ("signer", U8),
        ("amount", U64),
    )

    tab: Pubkey
    index: int
    """Index of the device."""

    nonce: int
    signer: int
    """0 the consumer, 1 to 4 a delegate."""

    amount: int


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
class PageOpened(Event):
    """Page opened."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("16de45a2db7843b7")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("number", U32),
    )

    network: Pubkey
    number: int


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
class PoolWithdrawn(Event):
    """Pool withdrawn."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("173edd1735de45cf")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("destination", ADDRESS),
        ("amount", U64),
    )

    network: Pubkey
    destination: Pubkey
    amount: int


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
class RootClaimed(Event):
    """A claim from the newest final root. Outcome: 0 paid, 1 nothing owed, 5 the payout account can't be paid."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("0ff01f60ec6f57b8")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("payout", ADDRESS),
        ("amount", U64),
        ("position", U32),
        ("outcome", U32),
    )

    network: Pubkey
    payout: Pubkey
    amount: int
    """What the payout account received."""

    position: int
    outcome: int


@dataclass(frozen=True, slots=True)
class SlaContested(Event):
    """Sla contested."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("f23b1108deb392d9")
    FIELDS: ClassVar[Fields] = (
        ("sla", ADDRESS),
        ("device", ADDRESS),
    )

    sla: Pubkey
    device: Pubkey


@dataclass(frozen=True, slots=True)
class SlaEnforced(Event):
    """Sla enforced."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("fcabfa761e83651c")
    FIELDS: ClassVar[Fields] = (
        ("sla", ADDRESS),
        ("tab", ADDRESS),
        ("device", ADDRESS),
        ("nonce", U32),
        ("outcome", U8),
        ("delivered", U64),
        ("penalty", U64),
    )

    sla: Pubkey
    tab: Pubkey
    device: Pubkey
    nonce: int
    outcome: int
    """0 kept, 1 missed, 2 excused."""

    delivered: int
    penalty: int
    """What the bond paid to the tab."""


@dataclass(frozen=True, slots=True)
class SlaOpened(Event):
    """Sla opened."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("c24bf483cbc6ff4f")
    FIELDS: ClassVar[Fields] = (
        ("sla", ADDRESS),
        ("tab", ADDRESS),
        ("device", ADDRESS),
        ("nonce", U32),
        ("due", U64),
        ("bps", U16),
        ("held", U64),
        ("deadline", I64),
    )

    sla: Pubkey
    tab: Pubkey
    device: Pubkey
    nonce: int
    due: int
    bps: int
    held: int
    """Part of the bond that it holds."""

    deadline: int


@dataclass(frozen=True, slots=True)
class SlaVoted(Event):
    """Sla voted."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("f18d444120ae9e68")
    FIELDS: ClassVar[Fields] = (
        ("sla", ADDRESS),
        ("attestor", ADDRESS),
        ("upheld", Option(BOOL)),
        ("yes", U8),
        ("no", U8),
    )

    sla: Pubkey
    attestor: Pubkey
    upheld: bool | None
    """Whether the penalty is due; `None` withdraws the vote."""

    yes: int
    """Attestors for and against the penalty now."""

    no: int


@dataclass(frozen=True, slots=True)
class TabClosed(Event):
    """Tab closed."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("94d3ae08f8be3b09")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("tab", ADDRESS),
        ("consumer", ADDRESS),
    )

    network: Pubkey
    tab: Pubkey
    consumer: Pubkey


@dataclass(frozen=True, slots=True)
class TabOpened(Event):
    """Tab opened."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("e69c7ee853887e11")
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("tab", ADDRESS),
        ("consumer", ADDRESS),
    )

    network: Pubkey
    tab: Pubkey
    consumer: Pubkey


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


@dataclass(frozen=True, slots=True)
class VoucherSettled(Event):
    """Voucher settled."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("11021b355e26287b")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("amount", U64),
        ("units", U64),
        ("index", U32),
        ("nonce", U32),
    )

    tab: Pubkey
    amount: int
    units: int
    index: int
    """Index of the device."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Withdrawn(Event):
    """Withdrawn."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("1459dfc6c27cdb0d")
    FIELDS: ClassVar[Fields] = (
        ("tab", ADDRESS),
        ("destination", ADDRESS),
        ("amount", U64),
    )

    tab: Pubkey
    destination: Pubkey
    amount: int


EVENTS: Final[tuple[type[Event], ...]] = (
    AuthorityAccepted,
    BatchSettled,
    BondDeposited,
    BondLeaving,
    BondWithdrawn,
    Claimed,
    DelegateSet,
    Deposited,
    DeviceRegistered,
    DeviceRetired,
    DeviceUpdated,
    DisputeClosed,
    DisputeOpened,
    DisputeResolved,
    DisputeVoted,
    EpochClosed,
    EpochCommitted,
    EpochFinalized,
    EpochVoted,
    FeesCollected,
    InvoiceCreated,
    InvoicePaid,
    InvoiceRefunded,
    InvoiceVoided,
    LaneCloseStarted,
    LaneClosed,
    LaneReserved,
    NetworkCreated,
    PageOpened,
    PauseSet,
    PoolFunded,
    PoolWithdrawn,
    ReceiptSubmitted,
    RootClaimed,
    SlaContested,
    SlaEnforced,
    SlaOpened,
    SlaVoted,
    TabClosed,
    TabOpened,
    UpdateApplied,
    UpdateProposed,
    VoucherSettled,
    Withdrawn,
)
"""Every event of the program."""
