"""Addresses of Worktab's accounts, derived from their seeds (PROTOCOL section 4).

Needs solders, which a device that only records jobs does without. Every function returns the address and its bump,
and takes addresses as 32 `bytes` or as anything with `__bytes__`, such as a `Pubkey`.
"""

from __future__ import annotations

import hashlib
from typing import Final

from solders.pubkey import Pubkey

from worktab.core._checks import Bytes32, bytes32, u32, u64
from worktab.core.keys import DeviceKey
from worktab.core.native import ED25519_PROGRAM, SECP256R1_PROGRAM

SYSTEM_PROGRAM_ID: Final = Pubkey.from_string("11111111111111111111111111111111")
TOKEN_PROGRAM_ID: Final = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM_ID: Final = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN_PROGRAM_ID: Final = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
ED25519_PROGRAM_ID: Final = Pubkey.from_string(ED25519_PROGRAM)
SECP256R1_PROGRAM_ID: Final = Pubkey.from_string(SECP256R1_PROGRAM)
COMPUTE_BUDGET_PROGRAM_ID: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
INSTRUCTIONS_SYSVAR_ID: Final = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
NATIVE_MINT_ID: Final = Pubkey.from_string("So11111111111111111111111111111111111111112")


def find_network(program_id: Bytes32, creator: Bytes32, id: int) -> tuple[Pubkey, int]:
    """The Network that `creator` made under the number `id` (u64).

    Raises:
        InputError: an address is not 32 bytes, or the number is out of range. So in every function here.
    """
    return _find(program_id, b"network", bytes32(creator, "creator"), u64(id, "network id"))


def find_device(program_id: Bytes32, network: Bytes32, first_key: DeviceKey) -> tuple[Pubkey, int]:
    """The Device registered with `first_key`; a later change of its key leaves the address as it is."""
    seed = hashlib.sha256(bytes([first_key.kind]) + first_key.raw33).digest()
    return _find(program_id, b"device", bytes32(network, "network"), seed)


def find_tab(program_id: Bytes32, network: Bytes32, consumer: Bytes32) -> tuple[Pubkey, int]:
    """The Tab of `consumer` in `network`."""
    return _find(program_id, b"tab", bytes32(network, "network"), bytes32(consumer, "consumer"))


def find_invoice(program_id: Bytes32, device: Bytes32, number: int) -> tuple[Pubkey, int]:
    """The Invoice of `device` with this u64 number."""
    return _find(program_id, b"invoice", bytes32(device, "device"), u64(number, "invoice number"))


def find_epoch(program_id: Bytes32, network: Bytes32, index: int, commitment_hash: Bytes32) -> tuple[Pubkey, int]:
    """The Epoch account of one commitment, by its 32-byte hash, for the epoch with this u64 index."""
    return _find(
        program_id,
        b"epoch",
        bytes32(network, "network"),
        u64(index, "epoch index"),
        bytes32(commitment_hash, "commitment hash"),
    )


def find_page(program_id: Bytes32, network: Bytes32, number: int) -> tuple[Pubkey, int]:
    """The Page of claimed watermarks with this u32 number; it covers payees `1024 * number` and on."""
    return _find(program_id, b"page", bytes32(network, "network"), u32(number, "page number"))


def find_sla(program_id: Bytes32, tab: Bytes32, lane_nonce: int) -> tuple[Pubkey, int]:
    """The Sla of one lane of `tab`, by the lane's u32 nonce."""
    return _find(program_id, b"sla", bytes32(tab, "tab"), u32(lane_nonce, "lane nonce"))


def find_dispute(program_id: Bytes32, device: Bytes32, seq: int, record_hash: Bytes32) -> tuple[Pubkey, int]:
    """The Dispute of one record of `device`, by its u64 place in the chain and its 32-byte hash."""
    return _find(
        program_id, b"dispute", bytes32(device, "device"), u64(seq, "seq"), bytes32(record_hash, "record hash")
    )


def associated_token_address(wallet: Bytes32, mint: Bytes32, token_program: Bytes32) -> tuple[Pubkey, int]:
    """The associated token account of `wallet` for `mint` under SPL Token or Token-2022, and its bump.

    With a Network as the wallet this is the network's vault.
    """
    return Pubkey.find_program_address(
        [bytes32(wallet, "wallet"), bytes32(token_program, "token program"), bytes32(mint, "mint")],
        ASSOCIATED_TOKEN_PROGRAM_ID,
    )


def _find(program_id: Bytes32, *seeds: bytes) -> tuple[Pubkey, int]:
    return Pubkey.find_program_address(seeds, Pubkey(bytes32(program_id, "program id")))
