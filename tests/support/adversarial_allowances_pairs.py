"""Allowed to two accounts of another company in a call."""

from __future__ import annotations

from typing import Final

from support.adversarial_allowance import Allowance, neighbours_with
from support.adversarial_effects import Effect

_OWN_MEANS = "Somebody else signs for the same with means of its own"

ALLOWANCES: Final[tuple[Allowance, ...]] = (
    Allowance(_OWN_MEANS, Effect.RELATED, neighbours_with("source"), ("deposit: depositor",)),
    Allowance(
        _OWN_MEANS,
        Effect.RELATED,
        neighbours_with("tab"),
        (
            "open_dispute: challenger",
            "open_dispute (by the head on chain): challenger",
            "open_dispute (by the key itself): challenger",
            "reserve_lane: signer",
            "reserve_lane (by a delegate): signer",
            "withdraw: consumer",
        ),
    ),
    Allowance(
        _OWN_MEANS,
        Effect.RELATED,
        neighbours_with("device"),
        ("withdraw_bond (that is to leave): owner", "withdraw_bond (after the delay): owner"),
    ),
    Allowance(
        "Devices of other wallets are skipped, and are owed what they were",
        Effect.NOTHING,
        neighbours_with("payout_account"),
        ("claim: payout", "claim (of rewards alone): payout"),
    ),
    Allowance(
        "Devices of other wallets are skipped, and are owed what they were",
        Effect.NOTHING,
        neighbours_with("device 2"),
        ("claim: device 1",),
    ),
)
