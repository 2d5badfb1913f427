"""contexts.json"""

from __future__ import annotations

from vectors.common import U32_MAX, U64_MAX, Json, fixed, p256_signer
from worktab.core import contexts
from worktab.core.keys import Ed25519Signer


def vectors() -> Json:
    genesis, program, network = fixed("genesis"), fixed("program"), fixed("network")
    domain, device, tab, owner = (fixed(label) for label in ("domain", "device", "tab", "owner"))
    ed25519, p256 = Ed25519Signer(fixed("ed25519 seed")).public, p256_signer("p256 scalar").public
    entries = [contexts.BatchEntry(0, 7, 1_000, 50), contexts.BatchEntry(0, 8, 0, 0)]
    entries += [contexts.BatchEntry(3, 1, 2_500_000, 9), contexts.BatchEntry(U32_MAX, U32_MAX, U64_MAX, U64_MAX)]
    return {
        "description": "The contexts that messages are bound to.",
        "domains": [
            {
                "description": "a network on one cluster",
                "genesis_hash": genesis.hex(),
                "program_id": program.hex(),
                "network": network.hex(),
                "domain": contexts.domain(genesis, program, network).hex(),
            }
        ],
        "receipts": [
            {
                "description": f"device index {index}",
                "domain": domain.hex(),
                "device": device.hex(),
                "index": index,
                "context": contexts.receipt_context(domain, device, index).hex(),
            }
            for index in (0, 258, U32_MAX)
        ],
        "vouchers": [
            {
                "description": f"device index {index}, lane nonce {nonce}",
                "domain": domain.hex(),
                "tab": tab.hex(),
                "device": device.hex(),
                "index": index,
                "lane_nonce": nonce,
                "context": contexts.voucher_context(domain, tab, device, index, nonce).hex(),
            }
            for index, nonce in ((0, 0), (1, 2), (2, 1), (U32_MAX, U32_MAX))
        ],
        "keys": [
            {
                "description": f"possession of a {key.kind.name} key",
                "domain": domain.hex(),
                "device": device.hex(),
                "key_kind": key.kind.value,
                "key33": key.raw33.hex(),
                "owner": owner.hex(),
                "context": contexts.key_context(domain, device, key.kind, key.raw33, owner).hex(),
            }
            for key in (ed25519, p256)
        ],
        "batches": [
            {
                "description": f"{count} of the lanes",
                "domain": domain.hex(),
                "tab": tab.hex(),
                "entries": [
                    {
                        "index": entry.index,
                        "lane_nonce": entry.lane_nonce,
                        "amount": str(entry.amount),
                        "units": str(entry.units),
                    }
                    for entry in entries[:count]
                ],
                "encoded_entries": b"".join(entry.encode() for entry in entries[:count]).hex(),
                "context": contexts.batch_context(domain, tab, entries[:count]).hex(),
            }
            for count in (1, len(entries))
        ],
    }
