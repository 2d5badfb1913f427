"""vouchers.json"""

from __future__ import annotations

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from vectors.common import I64_MAX, U32_MAX, U64_MAX, Json, fixed
from worktab.core.contexts import BatchEntry
from worktab.core.vouchers import SignedBatch, SignedVoucher


def vectors() -> Json:
    key, domain = Keypair.from_seed(fixed("consumer seed")), fixed("domain")
    tab, device = Pubkey(fixed("tab")), Pubkey(fixed("device"))
    entries = [BatchEntry(0, 7, 1_000, 50), BatchEntry(0, 8, 0, 0), BatchEntry(U32_MAX, U32_MAX, U64_MAX, U64_MAX)]
    vouchers: list[tuple[str, int, int, Json]] = [
        ("the first job on a lane", 3, 7, {"amount": 120, "units": 90, "seq": 1, "head": fixed("head")}),
        (
            "the largest numbers",
            U32_MAX,
            U32_MAX,
            {"amount": U64_MAX, "units": U64_MAX, "seq": U64_MAX, "head": b"\xff" * 32, "expires_at": I64_MAX},
        ),
    ]
    signed = [
        (description, SignedVoucher.sign(key, domain, tab, device, index, nonce, **fields))
        for description, index, nonce, fields in vouchers
    ]
    batches = [
        ("one lane", SignedBatch.sign(key, domain, tab, entries[:1])),
        ("many lanes, and it expires", SignedBatch.sign(key, domain, tab, entries, expires_at=1_790_003_600)),
    ]
    return {
        "description": "Signed vouchers and batches as they are carried in JSON.",
        "secret": fixed("consumer seed").hex(),
        "key": str(key.pubkey()),
        "domain": domain.hex(),
        "vouchers": [
            {"description": description, "message": voucher.message.encode().hex(), "json": voucher.to_json()}
            for description, voucher in signed
        ],
        "batches": [
            {"description": description, "message": batch.message.encode().hex(), "json": batch.to_json()}
            for description, batch in batches
        ],
    }
