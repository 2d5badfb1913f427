"""Accounts of the program (PROTOCOL section 4).

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from solders.pubkey import Pubkey

from worktab.program.codec import ADDRESS, I64, U8, U16, U32, U64, Array, FixedBytes
from worktab.program.structs import Account, Fields, Nested

from .types import Ballot, Class, Delegate, PendingChange

__all__ = [
    "Device",
    "Dispute",
    "Epoch",
    "Invoice",
    "Network",
    "Page",
    "Sla",
    "Tab",
]


@dataclass(frozen=True, slots=True)
class Device(Account):
    """A device. Address: `device`, network, H(u8 key_kind, first key 33)."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("99f81727532d4480")
    SIZE: ClassVar[int] = 552
    OFFSETS: ClassVar[dict[str, int]] = {
        "network": 8,
        "owner": 40,
        "payout": 72,
        "rent_payer": 104,
        "domain": 136,
        "receipt_context": 168,
        "head": 200,
        "evidence": 232,
        "seq": 264,
        "units": 272,
        "last_receipt_at": 280,
        "epoch": 288,
        "epoch_units": 296,
        "epoch_rewards": 304,
        "capacity": 312,
        "next_capacity": 320,
        "capacity_epoch": 328,
        "carry": 336,
        "rewards_owed": 344,
        "earnings_owed": 352,
        "bond": 360,
        "bond_held": 368,
        "unbonding": 376,
        "unbonding_at": 384,
        "units_sold": 392,
        "units_self_sold": 400,
        "units_counted": 408,
        "self_units_counted": 416,
        "self_earnings_owed": 424,
        "units_unrewarded": 432,
        "reward_waiting": 440,
        "units_for_roots": 448,
        "lifetime_rewards": 456,
        "revenue_claimed": 464,
        "fees_paid": 472,
        "burned": 480,
        "index": 488,
        "open_disputes": 492,
        "open_slas": 496,
        "slas_kept": 500,
        "slas_missed": 504,
        "fee_carry": 508,
        "burn_carry": 510,
        "key": 512,
        "key_kind": 545,
        "class_": 546,
        "status": 547,
        "bump": 548,
        "version": 549,
        "reserved": 550,
    }
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("owner", ADDRESS),
        ("payout", ADDRESS),
        ("rent_payer", ADDRESS),
        ("domain", FixedBytes(32)),
        ("receipt_context", FixedBytes(32)),
        ("head", FixedBytes(32)),
        ("evidence", FixedBytes(32)),
        ("seq", U64),
        ("units", U64),
        ("last_receipt_at", I64),
        ("epoch", U64),
        ("epoch_units", U64),
        ("epoch_rewards", U64),
        ("capacity", U64),
        ("next_capacity", U64),
        ("capacity_epoch", U64),
        ("carry", U64),
        ("rewards_owed", U64),
        ("earnings_owed", U64),
        ("bond", U64),
        ("bond_held", U64),
        ("unbonding", U64),
        ("unbonding_at", I64),
        ("units_sold", U64),
        ("units_self_sold", U64),
        ("units_counted", U64),
        ("self_units_counted", U64),
        ("self_earnings_owed", U64),
        ("units_unrewarded", U64),
        ("reward_waiting", U64),
        ("units_for_roots", U64),
        ("lifetime_rewards", U64),
        ("revenue_claimed", U64),
        ("fees_paid", U64),
        ("burned", U64),
        ("index", U32),
        ("open_disputes", U32),
        ("open_slas", U32),
        ("slas_kept", U32),
        ("slas_missed", U32),
        ("fee_carry", U16),
        ("burn_carry", U16),
        ("key", FixedBytes(33)),
        ("key_kind", U8),
        ("class_", U8),
        ("status", U8),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(2)),
    )

    network: Pubkey
    owner: Pubkey
    payout: Pubkey
    """Wallet whose associated token account is paid."""

    rent_payer: Pubkey
    """Who paid this account's rent, and gets it back."""

    domain: bytes
    """The network's domain."""

    receipt_context: bytes
    """`H("worktab/receipt" || domain || device || u32 index)`: what a receipt's context must be."""

    head: bytes
    """Chain head at `seq`; zero before the first receipt."""

    evidence: bytes
    """Hash of evidence about the hardware, chosen by the owner; zero when there is none."""

    seq: int
    """Jobs so far."""

    units: int
    """Lifetime units by the newest receipt."""

    last_receipt_at: int
    """Time of the newest receipt."""

    epoch: int
    """Epoch of the newest receipt."""

    epoch_units: int
    """Eligible units in `epoch`."""

    epoch_rewards: int
    """Rewards accrued in `epoch`."""

    capacity: int
    """Capacity before `capacity_epoch`."""

    next_capacity: int
    """Capacity from `capacity_epoch` on."""

    capacity_epoch: int
    carry: int
    rewards_owed: int
    earnings_owed: int
    bond: int
    bond_held: int
    """Part of the bond that SLAs hold."""

    unbonding: int
    """Part of the bond that is leaving."""

    unbonding_at: int
    units_sold: int
    """Units sold, less those refunded; stops at the largest value."""

    units_self_sold: int
    """Those of them sold to the device's own owner; stops at the largest value."""

    units_counted: int
    """Units sold as of the newest claim: what the network's total has of them."""

    self_units_counted: int
    """Those of them sold to the device's own owner."""

    self_earnings_owed: int
    """Part of the earnings owed that the device's own owner paid."""

    units_unrewarded: int
    """Basis 2: units sold to others and claimed, whose reward waits."""

    reward_waiting: int
    """Basis 2: that reward, at most the fee and burn that those sales paid."""

    units_for_roots: int
    """Those of the lifetime units that were recorded once roots paid for work: roots pay for these and for none before.
    """

    lifetime_rewards: int
    """Rewards accrued, less those forfeited; stops at the largest value."""

    revenue_claimed: int
    """Earnings claimed, before fee and burn; stops at the largest value. With the earnings owed, it is the revenue."""

    fees_paid: int
    """Fees that claims took from its earnings; stops at the largest value."""

    burned: int
    """Burnt out of its earnings; stops at the largest value."""

    index: int
    """Of this registration; never reused."""

    open_disputes: int
    open_slas: int
    slas_kept: int
    """Stops at the largest value."""

    slas_missed: int
    """Stops at the largest value."""

    fee_carry: int
    """Ten-thousandths of a base unit of fee and of burn that rounding left, below 10,000 each."""

    burn_carry: int
    """As `fee_carry`; below 20,000."""

    key: bytes
    """Ed25519: 32 bytes and a zero. P-256: 33 bytes, compressed."""

    key_kind: int
    """1 Ed25519, 2 P-256."""

    class_: int
    status: int
    """1 active, 2 suspended, 3 retired."""

    bump: int
    version: int
    reserved: bytes
    """Zero; room for later versions."""


@dataclass(frozen=True, slots=True)
class Dispute(Account):
    """A dispute. Address: `dispute`, device, u64 seq, record hash. One that ended guilty stays until the device's
    account closes: nobody is punished twice for one record.
    """

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("2431f1432824f14a")
    SIZE: ClassVar[int] = 224
    OFFSETS: ClassVar[dict[str, int]] = {
        "network": 8,
        "device": 40,
        "tab": 72,
        "rent_payer": 104,
        "record_hash": 136,
        "seq": 168,
        "deposit": 176,
        "opened_at": 184,
        "deadline": 192,
        "votes": 200,
        "index": 208,
        "verdict": 212,
        "found": 213,
        "threshold": 214,
        "bump": 215,
        "version": 216,
        "vouched": 217,
        "reserved": 218,
    }
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("device", ADDRESS),
        ("tab", ADDRESS),
        ("rent_payer", ADDRESS),
        ("record_hash", FixedBytes(32)),
        ("seq", U64),
        ("deposit", U64),
        ("opened_at", I64),
        ("deadline", I64),
        ("votes", Nested(Ballot)),
        ("index", U32),
        ("verdict", U8),
        ("found", U8),
        ("threshold", U8),
        ("bump", U8),
        ("version", U8),
        ("vouched", U8),
        ("reserved", FixedBytes(6)),
    )

    network: Pubkey
    device: Pubkey
    tab: Pubkey
    """The challenger's tab: the deposit came from it, and what is due goes to it."""

    rent_payer: Pubkey
    record_hash: bytes
    seq: int
    """The record's place in the device's chain."""

    deposit: int
    opened_at: int
    deadline: int
    """Until when attestors may vote."""

    votes: Ballot
    """For and against the device's guilt."""

    index: int
    """Index of the device's registration."""

    verdict: int
    """0 open, 1 guilty."""

    found: int
    """What enough attestors agreed on, as soon as they did: 0 nothing yet, 1 guilty, 2 not guilty."""

    threshold: int
    """Attestors that had to agree at the opening; fewer never decide it."""

    bump: int
    version: int
    vouched: int
    """1 where an attestor's word stands for the evidence that the device signed the record: it can't be found to
    withhold it.
    """

    reserved: bytes
    """Zero."""


@dataclass(frozen=True, slots=True)
class Epoch(Account):
    """A commitment that attestors vote on. Address: `epoch`, network, u64 index, H(commitment)."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("5d537859978a986c")
    SIZE: ClassVar[int] = 216
    OFFSETS: ClassVar[dict[str, int]] = {
        "network": 8,
        "rent_payer": 40,
        "root": 72,
        "data": 104,
        "index": 136,
        "total": 144,
        "units": 152,
        "records_checked": 160,
        "records_failed": 168,
        "check_ms": 176,
        "committed_slot": 184,
        "approved_at": 192,
        "attestor_version": 200,
        "count": 204,
        "approvals": 208,
        "vetoed": 210,
        "bump": 211,
        "version": 212,
        "reserved": 213,
    }
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("rent_payer", ADDRESS),
        ("root", FixedBytes(32)),
        ("data", FixedBytes(32)),
        ("index", U64),
        ("total", U64),
        ("units", U64),
        ("records_checked", U64),
        ("records_failed", U64),
        ("check_ms", U64),
        ("committed_slot", U64),
        ("approved_at", I64),
        ("attestor_version", U32),
        ("count", U32),
        ("approvals", U16),
        ("vetoed", U8),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(3)),
    )

    network: Pubkey
    rent_payer: Pubkey
    root: bytes
    data: bytes
    """Hash of the published leaf data."""

    index: int
    """Index of the epoch."""

    total: int
    """Sum of all payees' lifetime rewards."""

    units: int
    """Sum of all devices' lifetime units."""

    records_checked: int
    records_failed: int
    check_ms: int
    committed_slot: int
    """Slot of the commit: what attestors check is drawn from a later slot's hash."""

    approved_at: int
    """Since when enough attestors approve; 0 while they don't."""

    attestor_version: int
    """The network's attestors that the votes belong to."""

    count: int
    """Payees' positions."""

    approvals: int
    """One bit for each of the network's attestors that approves."""

    vetoed: int
    """1 when the guardian vetoed it."""

    bump: int
    version: int
    reserved: bytes
    """Zero."""


@dataclass(frozen=True, slots=True)
class Invoice(Account):
    """An invoice. Address: `invoice`, device, u64 number."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("33c2fa72066812a4")
    SIZE: ClassVar[int] = 328
    OFFSETS: ClassVar[dict[str, int]] = {
        "network": 8,
        "device": 40,
        "consumer": 72,
        "issuer": 104,
        "rent_payer": 136,
        "terms": 168,
        "head": 200,
        "memo": 232,
        "number": 264,
        "amount": 272,
        "paid": 280,
        "refunded": 288,
        "units": 296,
        "due": 304,
        "created_slot": 312,
        "index": 320,
        "bump": 324,
        "version": 325,
        "reserved": 326,
    }
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("device", ADDRESS),
        ("consumer", ADDRESS),
        ("issuer", ADDRESS),
        ("rent_payer", ADDRESS),
        ("terms", FixedBytes(32)),
        ("head", FixedBytes(32)),
        ("memo", FixedBytes(32)),
        ("number", U64),
        ("amount", U64),
        ("paid", U64),
        ("refunded", U64),
        ("units", U64),
        ("due", I64),
        ("created_slot", U64),
        ("index", U32),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(2)),
    )

    network: Pubkey
    device: Pubkey
    consumer: Pubkey
    issuer: Pubkey
    """The device's owner when it was made."""

    rent_payer: Pubkey
    terms: bytes
    """Hash of all of these terms, and of network, cluster and number: what a payer agrees to."""

    head: bytes
    memo: bytes
    number: int
    amount: int
    paid: int
    """Paid so far, refunds not taken off: never above the amount."""

    refunded: int
    units: int
    due: int
    created_slot: int
    index: int
    """Index of the device's registration."""

    bump: int
    version: int
    reserved: bytes
    """Zero."""


@dataclass(frozen=True, slots=True)
class Network(Account):
    """A network. Address: `network`, creator, u64 id."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("3305d1b73c639cfb")
    SIZE: ClassVar[int] = 1808
    OFFSETS: ClassVar[dict[str, int]] = {
        "creator": 8,
        "authority": 40,
        "pending_authority": 72,
        "guardian": 104,
        "mint": 136,
        "vault": 168,
        "token_program": 200,
        "rent_payer": 232,
        "domain": 264,
        "attestors": 296,
        "root": 808,
        "root_data": 840,
        "id": 872,
        "created_at": 880,
        "pool_free": 888,
        "pool_owed": 896,
        "root_owed": 904,
        "fees": 912,
        "accounted": 920,
        "roots_from": 928,
        "root_epoch": 936,
        "root_total": 944,
        "root_units": 952,
        "records_checked": 960,
        "records_failed": 968,
        "check_ms": 976,
        "total_units": 984,
        "total_rewards": 992,
        "total_jobs": 1000,
        "total_units_sold": 1008,
        "total_units_self_sold": 1016,
        "total_revenue": 1024,
        "total_fees": 1032,
        "total_burned": 1040,
        "total_slashed": 1048,
        "dispute_deposit": 1056,
        "pending": 1064,
        "classes": 1152,
        "epoch_length": 1728,
        "parameter_delay": 1732,
        "lane_close_delay": 1736,
        "challenge_delay": 1740,
        "unbonding_delay": 1744,
        "attestor_version": 1748,
        "next_device_index": 1752,
        "root_count": 1756,
        "disputes_guilty": 1760,
        "disputes_not_guilty": 1764,
        "fee_bps": 1768,
        "burn_bps": 1770,
        "slash_bps": 1772,
        "reward_path": 1774,
        "basis": 1775,
        "admission": 1776,
        "pause": 1777,
        "attestor_count": 1778,
        "threshold": 1779,
        "decimals": 1780,
        "bump": 1781,
        "version": 1782,
        "reserved": 1783,
    }
    FIELDS: ClassVar[Fields] = (
        ("creator", ADDRESS),
        ("authority", ADDRESS),
        ("pending_authority", ADDRESS),
        ("guardian", ADDRESS),
        ("mint", ADDRESS),
        ("vault", ADDRESS),
        ("token_program", ADDRESS),
        ("rent_payer", ADDRESS),
        ("domain", FixedBytes(32)),
        ("attestors", Array(ADDRESS, 16)),
        ("root", FixedBytes(32)),
        ("root_data", FixedBytes(32)),
        ("id", U64),
        ("created_at", I64),
        ("pool_free", U64),
        ("pool_owed", U64),
        ("root_owed", U64),
        ("fees", U64),
        ("accounted", U64),
        ("roots_from", U64),
        ("root_epoch", U64),
        ("root_total", U64),
        ("root_units", U64),
        ("records_checked", U64),
        ("records_failed", U64),
        ("check_ms", U64),
        ("total_units", U64),
        ("total_rewards", U64),
        ("total_jobs", U64),
        ("total_units_sold", U64),
        ("total_units_self_sold", U64),
        ("total_revenue", U64),
        ("total_fees", U64),
        ("total_burned", U64),
        ("total_slashed", U64),
        ("dispute_deposit", U64),
        ("pending", Nested(PendingChange)),
        ("classes", Array(Nested(Class), 8)),
        ("epoch_length", U32),
        ("parameter_delay", U32),
        ("lane_close_delay", U32),
        ("challenge_delay", U32),
        ("unbonding_delay", U32),
        ("attestor_version", U32),
        ("next_device_index", U32),
        ("root_count", U32),
        ("disputes_guilty", U32),
        ("disputes_not_guilty", U32),
        ("fee_bps", U16),
        ("burn_bps", U16),
        ("slash_bps", U16),
        ("reward_path", U8),
        ("basis", U8),
        ("admission", U8),
        ("pause", U8),
        ("attestor_count", U8),
        ("threshold", U8),
        ("decimals", U8),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(25)),
    )

    creator: Pubkey
    authority: Pubkey
    pending_authority: Pubkey
    """Who may accept the authority; zero when nobody was proposed."""

    guardian: Pubkey
    """May pause new work and veto roots; zero when there is none."""

    mint: Pubkey
    vault: Pubkey
    """The associated token account that holds every token of the network."""

    token_program: Pubkey
    rent_payer: Pubkey
    """Who paid this account's rent."""

    domain: bytes
    """`H("worktab/domain" || genesis_hash || program_id || network)`"""

    attestors: tuple[Pubkey, ...]
    root: bytes
    """Newest final root; zero before the first."""

    root_data: bytes
    """Hash of the data that its attestors published; zero before the first."""

    id: int
    created_at: int
    pool_free: int
    """Free to be earned."""

    pool_owed: int
    """Rewards owed: those of devices and `root_owed`."""

    root_owed: int
    """Owed to payees of roots."""

    fees: int
    """Fees taken and not collected."""

    accounted: int
    """What the ledger says the vault holds; the vault may hold more, never less."""

    roots_from: int
    """First epoch that roots pay for; receipts pay for those before it. Means nothing on the path of receipts."""

    root_epoch: int
    """Epoch of the newest final root; means nothing before the first."""

    root_total: int
    """Sum of lifetime rewards in the newest final root."""

    root_units: int
    """Lifetime units of all devices in the newest final root."""

    records_checked: int
    """Records that attestors who committed final roots re-executed; stops at the largest value."""

    records_failed: int
    """Those of them that did not agree; stops at the largest value."""

    check_ms: int
    """Milliseconds it took them; stops at the largest value."""

    total_units: int
    """Units reported by receipts; stops at the largest value."""

    total_rewards: int
    """Rewards accrued; stops at the largest value."""

    total_jobs: int
    """Jobs reported by receipts; stops at the largest value."""

    total_units_sold: int
    """Units sold, by vouchers and invoices, as of each device's newest claim; stops at the largest value."""

    total_units_self_sold: int
    """Those of them that owners sold to themselves; stops at the largest value."""

    total_revenue: int
    """Revenue of devices before fee and burn, as of each device's newest claim; stops at the largest value."""

    total_fees: int
    """Fees that claims took; stops at the largest value."""

    total_burned: int
    """Burnt by claims; stops at the largest value."""

    total_slashed: int
    """Slashed from bonds; stops at the largest value."""

    dispute_deposit: int
    """What a challenger deposits; 0 when the network takes no disputes."""

    pending: PendingChange
    classes: tuple[Class, ...]
    epoch_length: int
    """Length of an epoch in seconds; never changes."""

    parameter_delay: int
    lane_close_delay: int
    challenge_delay: int
    unbonding_delay: int
    attestor_version: int
    """Rises with every change of attestors."""

    next_device_index: int
    """Index of the next device; never reused."""

    root_count: int
    """Payees' positions in the newest final root; 0 before the first."""

    disputes_guilty: int
    """Disputes that ended guilty; stops at the largest value."""

    disputes_not_guilty: int
    """Those that ended not guilty; stops at the largest value."""

    fee_bps: int
    burn_bps: int
    slash_bps: int
    """Most of a bond that one guilty dispute slashes, basis points."""

    reward_path: int
    """1 receipts, 2 roots."""

    basis: int
    """1 all eligible units, 2 only units sold."""

    admission: int
    """1 when devices need an admission signature."""

    pause: int
    """Flags: 1 register, 2 submit, 4 reserve, 8 commit, 16 finalize."""

    attestor_count: int
    threshold: int
    """Attestors that must agree; more than half."""

    decimals: int
    """Decimals of the mint."""

    bump: int
    version: int
    reserved: bytes
    """Zero; room for later versions."""


@dataclass(frozen=True, slots=True)
class Page(Account):
    """Watermarks of 1,024 payees; never closed. Address: `page`, network, u32 number."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("857fc057ce95c30e")
    SIZE: ClassVar[int] = 8272
    OFFSETS: ClassVar[dict[str, int]] = {
        "network": 8,
        "rent_payer": 40,
        "number": 72,
        "bump": 76,
        "version": 77,
        "reserved": 78,
        "claimed": 80,
    }
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("rent_payer", ADDRESS),
        ("number", U32),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(2)),
        ("claimed", Array(U64, 1024)),
    )

    network: Pubkey
    rent_payer: Pubkey
    number: int
    """The page holds the positions from `1024 x number` on."""

    bump: int
    version: int
    reserved: bytes
    """Zero."""

    claimed: tuple[int, ...]
    """Paid so far of each payee's lifetime reward."""


@dataclass(frozen=True, slots=True)
class Sla(Account):
    """An SLA. Address: `sla`, tab, u32 lane nonce."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("5db12b66dde4dda9")
    SIZE: ClassVar[int] = 216
    OFFSETS: ClassVar[dict[str, int]] = {
        "network": 8,
        "tab": 40,
        "device": 72,
        "rent_payer": 104,
        "due": 136,
        "paid_before": 144,
        "held": 152,
        "start": 160,
        "deadline": 168,
        "contest_until": 176,
        "decide_until": 184,
        "votes": 192,
        "nonce": 200,
        "bps": 204,
        "contested": 206,
        "threshold": 207,
        "bump": 208,
        "version": 209,
        "reserved": 210,
    }
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("tab", ADDRESS),
        ("device", ADDRESS),
        ("rent_payer", ADDRESS),
        ("due", U64),
        ("paid_before", U64),
        ("held", U64),
        ("start", I64),
        ("deadline", I64),
        ("contest_until", I64),
        ("decide_until", I64),
        ("votes", Nested(Ballot)),
        ("nonce", U32),
        ("bps", U16),
        ("contested", U8),
        ("threshold", U8),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(6)),
    )

    network: Pubkey
    tab: Pubkey
    device: Pubkey
    rent_payer: Pubkey
    due: int
    """What vouchers must have moved since the opening."""

    paid_before: int
    """What the lane had paid at the opening."""

    held: int
    """Part of the device's bond that it holds."""

    start: int
    deadline: int
    contest_until: int
    """Until when the owner may contest a penalty: the deadline and the network's challenge delay at the opening."""

    decide_until: int
    """Until when attestors may decide a contested one: a challenge delay later."""

    votes: Ballot
    """For and against the penalty, where it is contested."""

    nonce: int
    """Nonce of the lane."""

    bps: int
    """Penalty for what is not delivered, basis points."""

    contested: int
    """0 not contested, 1 contested, 2 upheld by attestors, 3 dismissed by them."""

    threshold: int
    """Attestors that had to agree at the opening; fewer never decide it."""

    bump: int
    version: int
    reserved: bytes
    """Zero."""


@dataclass(frozen=True, slots=True)
class Tab(Account):
    """A tab. Address: `tab`, network, consumer. Its lanes follow, 40 bytes each, to the end of the account."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("c2f22835d6a909ac")
    SIZE: ClassVar[int] = 552
    OFFSETS: ClassVar[dict[str, int]] = {
        "network": 8,
        "consumer": 40,
        "rent_payer": 72,
        "domain": 104,
        "balance": 136,
        "deposited": 144,
        "withdrawn": 152,
        "delegates": 160,
        "nonce": 544,
        "bump": 548,
        "version": 549,
        "reserved": 550,
    }
    FIELDS: ClassVar[Fields] = (
        ("network", ADDRESS),
        ("consumer", ADDRESS),
        ("rent_payer", ADDRESS),
        ("domain", FixedBytes(32)),
        ("balance", U64),
        ("deposited", U64),
        ("withdrawn", U64),
        ("delegates", Array(Nested(Delegate), 4)),
        ("nonce", U32),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(2)),
    )

    network: Pubkey
    consumer: Pubkey
    rent_payer: Pubkey
    """Who paid the rent of this account, and gets it and that of its lanes back."""

    domain: bytes
    """The network's domain."""

    balance: int
    """Free to be withdrawn, set aside or paid."""

    deposited: int
    """Deposited so far, what penalties and disputes brought among it; stops at the largest value. Less what was
    withdrawn, what is free and what lanes reserve, it is what was paid to devices and not refunded.
    """

    withdrawn: int
    """Withdrawn so far, deposits of disputes among it; stops at the largest value."""

    delegates: tuple[Delegate, ...]
    nonce: int
    """The next lane's nonce: starts at the slot of opening and never falls."""

    bump: int
    version: int
    reserved: bytes
    """Zero."""
