"""contexts.json"""

from __future__ import annotations

from vectors.common import I64_MAX, U32_MAX, U64_MAX, Json, fixed, p256_signer
from worktab.core import contexts
from worktab.core.invoices import invoice_terms, memo_hash
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
        "invoices": [
            {
                "description": description,
                "domain": domain.hex(),
                "invoice": fixed("invoice").hex(),
                "consumer": owner.hex(),
                "amount": str(amount),
                "units": str(units),
                "due": str(due),
                "created_slot": str(slot),
                "head": head.hex(),
                "memo": memo.hex(),
                "terms": invoice_terms(domain, fixed("invoice"), owner, amount, units, due, slot, head, memo).hex(),
            }
            for description, amount, units, due, slot, head, memo in (
                ("the least", 1, 0, 0, 0, bytes(32), bytes(32)),
                ("an ordinary one", 2_500_000, 90_000, 1_790_000_000, 312_000_000, fixed("head"), fixed("memo")),
                ("the largest numbers", U64_MAX, U64_MAX, I64_MAX, U64_MAX, b"\xff" * 32, b"\xff" * 32),
            )
        ],
        "memos": [
            {"description": description, "text": text, "hash": memo_hash(text).hex()}
            for description, text in (("none", ""), ("plain", "Invoice 7"), ("not only ASCII", "für März: 12 µs"))
        ],
    }
