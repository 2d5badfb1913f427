"""Context hashes: what a signed message is bound to (PROTOCOL section 2).

A signature made for one network, device, lane or key is worthless for any other, because the hash of all of these is
part of what is signed. Every address and hash may be 32 `bytes` or an object with `__bytes__` (a solders `Pubkey`).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from worktab.core._checks import Bytes32, bytes32, u32, uint
from worktab.core.errors import InputError
from worktab.core.keys import DeviceKey, KeyKind

_ENTRY = struct.Struct("<IIQQ")


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """What a consumer owes on one lane, as one of many in a batch voucher (PROTOCOL section 2, 24 bytes).

    Attributes:
        index: the device's index in its network, u32.
        lane_nonce: the lane's nonce, u32.
        amount: base units owed on the lane so far, u64.
        units: work units bought on the lane so far, u64.

    Raises:
        InputError: a field is out of range.
    """

    index: int
    lane_nonce: int
    amount: int
    units: int

    def __post_init__(self) -> None:
        uint(self.index, 32, "index")
        uint(self.lane_nonce, 32, "lane nonce")
        uint(self.amount, 64, "amount")
        uint(self.units, 64, "units")

    def encode(self) -> bytes:
        """The entry's 24 bytes."""
        return _ENTRY.pack(self.index, self.lane_nonce, self.amount, self.units)


def domain(genesis_hash: Bytes32, program_id: Bytes32, network: Bytes32) -> bytes:
    """The 32-byte domain of a network: one cluster, one program, one Network account (PROTOCOL section 2).

    Raises:
        InputError: an argument is not 32 bytes.
    """
    return hashlib.sha256(
        b"worktab/domain"
        + bytes32(genesis_hash, "genesis hash")
        + bytes32(program_id, "program id")
        + bytes32(network, "network")
    ).digest()


def receipt_context(domain: Bytes32, device: Bytes32, index: int) -> bytes:
    """The 32-byte context of a device's receipts; `index` is its u32 index in the network (PROTOCOL section 2).

    Raises:
        InputError: an argument is not 32 bytes, or the index is out of range.
    """
    return hashlib.sha256(
        b"worktab/receipt" + bytes32(domain, "domain") + bytes32(device, "device") + u32(index, "index")
    ).digest()


def voucher_context(domain: Bytes32, tab: Bytes32, device: Bytes32, index: int, lane_nonce: int) -> bytes:
    """The 32-byte context of the vouchers of one lane of a tab (PROTOCOL section 2).

    Raises:
        InputError: an argument is not 32 bytes, or index or nonce is not a u32.
    """
    return hashlib.sha256(
        b"worktab/voucher"
        + bytes32(domain, "domain")
        + bytes32(tab, "tab")
        + bytes32(device, "device")
        + u32(index, "index")
        + u32(lane_nonce, "lane nonce")
    ).digest()


def key_context(domain: Bytes32, device: Bytes32, key_kind: KeyKind, key33: bytes, owner: Bytes32) -> bytes:
    """The 32-byte context of a proof that a device's key is held (PROTOCOL section 2).

    `key33` is the padded 33-byte form of the key (`DeviceKey.raw33`), `owner` the wallet that registers the device.

    Raises:
        InputError: an argument is not 32 bytes.
        KeyFormatError: `key33` does not have the form of a key of that kind.
    """
    key = DeviceKey(key_kind, key33)
    return hashlib.sha256(
        b"worktab/key"
        + bytes32(domain, "domain")
        + bytes32(device, "device")
        + bytes([key.kind])
        + key.raw33
        + bytes32(owner, "owner")
    ).digest()


def batch_context(domain: Bytes32, tab: Bytes32, entries: Sequence[BatchEntry]) -> bytes:
    """The 32-byte context of a batch voucher over `entries` (PROTOCOL section 2).

    Raises:
        InputError: `domain` or `tab` is not 32 bytes, there are no entries, or they do not rise strictly by
            (index, lane nonce).
    """
    if not entries:
        raise InputError("a batch voucher needs at least one entry", got="none")
    for before, after in pairwise(entries):
        if (after.index, after.lane_nonce) <= (before.index, before.lane_nonce):
            raise InputError(
                "batch entries must rise strictly by (index, lane nonce)",
                expected=f"above ({before.index}, {before.lane_nonce})",
                got=f"({after.index}, {after.lane_nonce})",
                next_step="Sort the entries and keep one for each lane",
            )
    listed = hashlib.sha256(b"".join(entry.encode() for entry in entries)).digest()
    return hashlib.sha256(b"worktab/batch" + bytes32(domain, "domain") + bytes32(tab, "tab") + listed).digest()
