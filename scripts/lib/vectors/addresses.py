"""addresses.json"""

from __future__ import annotations

import hashlib

from vectors.common import U32_MAX, U64_MAX, Json, fixed, p256_signer
from worktab.core import addresses
from worktab.core.keys import DeviceKey, Ed25519Signer


def vectors() -> Json:
    program, creator, network, device, tab = (fixed(x) for x in ("program", "creator", "network", "device", "tab"))
    consumer, commitment, record, mint = (fixed(x) for x in ("consumer", "commitment", "record hash", "mint"))
    ed25519, p256 = Ed25519Signer(fixed("ed25519 seed")).public, p256_signer("p256 scalar").public

    def u64(value: int) -> bytes:
        return value.to_bytes(8, "little")

    def u32(value: int) -> bytes:
        return value.to_bytes(4, "little")

    def key_hash(key: DeviceKey) -> bytes:
        return hashlib.sha256(bytes([key.kind]) + key.raw33).digest()

    cases = [
        ("network", "id 0", [creator, u64(0)], addresses.find_network(program, creator, 0)),
        ("network", "the largest id", [creator, u64(U64_MAX)], addresses.find_network(program, creator, U64_MAX)),
        ("device", "an Ed25519 key", [network, key_hash(ed25519)], addresses.find_device(program, network, ed25519)),
        ("device", "a P-256 key", [network, key_hash(p256)], addresses.find_device(program, network, p256)),
        ("tab", "a consumer's tab", [network, consumer], addresses.find_tab(program, network, consumer)),
        ("invoice", "number 258", [device, u64(258)], addresses.find_invoice(program, device, 258)),
        ("epoch", "index 41", [network, u64(41), commitment], addresses.find_epoch(program, network, 41, commitment)),
        ("page", "number 3", [network, u32(3)], addresses.find_page(program, network, 3)),
        ("sla", "the largest nonce", [tab, u32(U32_MAX)], addresses.find_sla(program, tab, U32_MAX)),
        ("dispute", "record 12", [device, u64(12), record], addresses.find_dispute(program, device, 12, record)),
    ]
    token_programs = (("SPL Token", addresses.TOKEN_PROGRAM_ID), ("Token-2022", addresses.TOKEN_2022_PROGRAM_ID))
    return {
        "description": "Addresses of accounts: `seeds` in order, the first of them the account's name in ASCII.",
        "program_id": program.hex(),
        "accounts": [
            {
                "description": description,
                "account": account,
                "seeds": [account.encode().hex(), *(seed.hex() for seed in seeds)],
                "address": bytes(address).hex(),
                "address_base58": str(address),
                "bump": bump,
            }
            for account, description, seeds, (address, bump) in cases
        ],
        "associated_token_accounts": [
            {
                "description": name,
                "wallet": creator.hex(),
                "mint": mint.hex(),
                "token_program": bytes(token_program).hex(),
                "address": bytes(address).hex(),
                "bump": bump,
            }
            for name, token_program in token_programs
            for address, bump in [addresses.associated_token_address(creator, mint, token_program)]
        ],
    }
