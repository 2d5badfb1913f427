"""What a hundred million devices with a payee each would take, by the figures of the largest size measured."""

from __future__ import annotations

from typing import Any

from worktab.core.merkle import depth

DEVICES = 100_000_000
PACKET = 1_232
COMPUTE_BUDGET_BYTES = 52
"""Of a transaction with a compute limit and a price: their program's key and two instructions."""
SIBLING = 33
LAMPORTS = 10**9
DAY = 86_400


def extrapolate(largest: dict[str, Any], chain: dict[str, Any]) -> dict[str, Any]:
    """Seconds, bytes and lamports, each growing as it did up to the largest size: in proportion, proofs by a level."""
    times = DEVICES / largest["devices"]
    levels = depth(DEVICES)
    base = chain["claim_tx_bytes_at_most"] - SIBLING * chain["depth"] + COMPUTE_BUDGET_BYTES
    fitting = (PACKET - base) // SIBLING
    bytes_of_claim = base + SIBLING * levels
    return {
        "devices": DEVICES,
        "check_core_hours_an_epoch": round(DEVICES / largest["checked_a_second_a_core"] / 3_600, 2),
        "cores_to_check_daily_receipts": round(DEVICES / largest["checked_a_second_a_core"] / DAY, 3),
        "cores_to_store_daily_receipts_sqlite": round(DEVICES / largest["stored_a_second_a_core_sqlite"] / DAY, 3),
        "next_build_trusting_core_hours": round(largest["next_build_trusting_seconds"] * times / 3_600, 2),
        "next_build_checking_core_hours": round(largest["next_build_checking_seconds"] * times / 3_600, 2),
        "tree_core_minutes": round(largest["tree_seconds"] * times / 60, 1),
        "build_memory_gib": round(largest["build_peak_mib"] * times / 1_024, 1),
        "stored_gib": round(largest["stored_bytes_a_device"] * DEVICES / 2**30, 1),
        "published_gib_an_epoch": round(largest["published_bytes_a_device"] * DEVICES / 2**30, 1),
        "depth": levels,
        "claim_tx_bytes_with_compute_budget": bytes_of_claim,
        "claim_fits_a_transaction_without_lookup_table": bytes_of_claim <= PACKET,
        "payees_whose_claims_fit_without_lookup_table": 1 << fitting,
        "page_rent_sol": round(-(-DEVICES // 1_024) * chain["page_rent_lamports"] / LAMPORTS),
        "root_lamports_an_epoch": chain["commit_two_votes_finalize_lamports"],
    }
