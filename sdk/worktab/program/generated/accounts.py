"""Accounts of the program (PROTOCOL section 4).

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from solders.pubkey import Pubkey

from worktab.program.codec import ADDRESS, I64, U8, U16, U32, U64, Array, FixedBytes
from worktab.program.structs import Account, Fields, Nested

from .types import Class, PendingChange

__all__ = [
    "Device",
    "Network",
]


@dataclass(frozen=True, slots=True)
class Device(Account):
    """A device. Address: `device`, network, H(u8 key_kind, first key 33)."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("99f81727532d4480")
    SIZE: ClassVar[int] = 512
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
        "lifetime_rewards": 408,
        "lifetime_revenue": 416,
        "index": 424,
        "open_disputes": 428,
        "slas_kept": 432,
        "slas_missed": 436,
        "key": 440,
        "key_kind": 473,
        "class_": 474,
        "status": 475,
        "bump": 476,
        "version": 477,
        "reserved": 478,
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
        ("lifetime_rewards", U64),
        ("lifetime_revenue", U64),
        ("index", U32),
        ("open_disputes", U32),
        ("slas_kept", U32),
        ("slas_missed", U32),
        ("key", FixedBytes(33)),
        ("key_kind", U8),
        ("class_", U8),
        ("status", U8),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(34)),
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
    """Part of the bond that agreements hold."""

    unbonding: int
    """Part of the bond that is leaving."""

    unbonding_at: int
    units_sold: int
    """Units sold; stops at the largest value."""

    units_self_sold: int
    """Units sold to the device's own owner; stops at the largest value."""

    lifetime_rewards: int
    """Rewards accrued; stops at the largest value."""

    lifetime_revenue: int
    """Revenue before fee and burn; stops at the largest value."""

    index: int
    """Of this registration; never reused."""

    open_disputes: int
    slas_kept: int
    slas_missed: int
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
class Network(Account):
    """A network. Address: `network`, creator, u64 id."""

    DISCRIMINATOR: ClassVar[bytes] = bytes.fromhex("3305d1b73c639cfb")
    SIZE: ClassVar[int] = 1744
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
        "id": 840,
        "created_at": 848,
        "pool_free": 856,
        "pool_owed": 864,
        "root_owed": 872,
        "fees": 880,
        "accounted": 888,
        "root_epoch": 896,
        "root_total": 904,
        "total_units": 912,
        "total_rewards": 920,
        "total_jobs": 928,
        "total_units_sold": 936,
        "total_units_self_sold": 944,
        "total_revenue": 952,
        "pending": 960,
        "classes": 1048,
        "epoch_length": 1624,
        "parameter_delay": 1628,
        "lane_close_delay": 1632,
        "challenge_delay": 1636,
        "unbonding_delay": 1640,
        "attestor_version": 1644,
        "next_device_index": 1648,
        "root_count": 1652,
        "fee_bps": 1656,
        "burn_bps": 1658,
        "reward_path": 1660,
        "basis": 1661,
        "admission": 1662,
        "pause": 1663,
        "attestor_count": 1664,
        "threshold": 1665,
        "decimals": 1666,
        "bump": 1667,
        "version": 1668,
        "reserved": 1669,
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
        ("id", U64),
        ("created_at", I64),
        ("pool_free", U64),
        ("pool_owed", U64),
        ("root_owed", U64),
        ("fees", U64),
        ("accounted", U64),
        ("root_epoch", U64),
        ("root_total", U64),
        ("total_units", U64),
        ("total_rewards", U64),
        ("total_jobs", U64),
        ("total_units_sold", U64),
        ("total_units_self_sold", U64),
        ("total_revenue", U64),
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
        ("fee_bps", U16),
        ("burn_bps", U16),
        ("reward_path", U8),
        ("basis", U8),
        ("admission", U8),
        ("pause", U8),
        ("attestor_count", U8),
        ("threshold", U8),
        ("decimals", U8),
        ("bump", U8),
        ("version", U8),
        ("reserved", FixedBytes(75)),
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

    root_epoch: int
    """Epoch of the newest final root."""

    root_total: int
    """Sum of lifetime rewards in the newest final root."""

    total_units: int
    """Units reported by receipts; stops at the largest value."""

    total_rewards: int
    """Rewards accrued; stops at the largest value."""

    total_jobs: int
    """Jobs reported by receipts; stops at the largest value."""

    total_units_sold: int
    """Units sold, by vouchers and invoices; stops at the largest value."""

    total_units_self_sold: int
    """Units that owners sold to themselves; stops at the largest value."""

    total_revenue: int
    """Revenue of devices before fee and burn; stops at the largest value."""

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
    """Payees in the newest final root."""

    fee_bps: int
    burn_bps: int
    reward_path: int
    """1 receipts, 2 roots."""

    basis: int
    """1 all eligible units."""

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
