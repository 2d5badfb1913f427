"""Allowed to bonds, SLAs and disputes."""

from __future__ import annotations

from typing import Final

from support.adversarial_allowance import (
    BUT_NEIGHBOURS,
    FOREIGN,
    NEIGHBOURS,
    OWNERS,
    REVIVED,
    SIBLINGS,
    STRANGERS,
    Allowance,
    kinds,
    twice,
)
from support.adversarial_cases import COPY, OTHER_MINTS, PROGRAMS, Mutation
from support.adversarial_effects import Effect
from support.adversarial_idl import STATES, Kind

_GONE: Final = (
    (Mutation.CLOSED, ""),
    *OWNERS,
    *REVIVED,
    *((Mutation.DISCRIMINATOR, kind) for kind in STATES if kind != Kind.TAB),
)
"""A tab that is none any more, however that may have come about."""

ALLOWANCES: Final[tuple[Allowance, ...]] = (
    Allowance(
        "An attestor may vote on any SLA or dispute of the network",
        Effect.INSTEAD,
        (SIBLINGS, NEIGHBOURS),
        ("vote_dispute: dispute", "vote_sla: sla"),
    ),
    Allowance(
        "The owner may take the bond to any token account of the mint",
        Effect.INSTEAD,
        (NEIGHBOURS, BUT_NEIGHBOURS, STRANGERS),
        ("withdraw_bond (after the delay): destination",),
    ),
    Allowance(
        "No token moves while bond is leaving, so it does not matter where to",
        Effect.SAME,
        (
            NEIGHBOURS,
            BUT_NEIGHBOURS,
            STRANGERS,
            (Mutation.ANOTHER, OTHER_MINTS),
            (Mutation.CLOSED, ""),
            *OWNERS,
            (Mutation.OWNER, COPY),
            *REVIVED,
            *kinds(Kind.MINT, Kind.WALLET, Kind.PROGRAM, "nothing"),
        ),
        ("withdraw_bond (that is to leave): destination",),
    ),
    Allowance(
        "No token moves while bond is leaving, so vault and mint are only told by their addresses",
        Effect.SAME,
        ((Mutation.CLOSED, ""), *REVIVED),
        ("withdraw_bond (that is to leave): mint", "withdraw_bond (that is to leave): vault"),
    ),
    Allowance(
        "No token moves while bond is leaving, so vault and mint are only told by their addresses",
        Effect.SAME,
        OWNERS,
        ("withdraw_bond (that is to leave): vault",),
    ),
    Allowance(
        "No token moves while bond is leaving, so no program is called",
        Effect.SAME,
        tuple((Mutation.PROGRAM, program) for program in PROGRAMS),
        ("withdraw_bond (that is to leave): token_program",),
    ),
    Allowance(
        "Nothing of the network changes, so nothing of it is written",
        Effect.SAME,
        ((Mutation.READ_ONLY, ""),),
        ("resolve_dispute (undecided): network", "withdraw_bond (that is to leave): network"),
    ),
    Allowance(
        "Where the head on chain is the evidence no proof is read",
        Effect.SAME,
        (
            *kinds(Kind.MINT, Kind.TOKENS, Kind.WALLET, Kind.PROGRAM, "nothing"),
            *twice("payer"),
            (Mutation.PROOF, "a forged sysvar"),
            (Mutation.PROOF, "another sysvar"),
            (Mutation.PROOF, "a stranger who signs"),
            (Mutation.PROOF, "nothing signed before it"),
            (Mutation.PROOF, "an instruction between"),
        ),
        ("open_dispute (by the head on chain): proof",),
    ),
    Allowance(
        "A dispute of a registration that ended closes, whether the device's address is empty or taken anew",
        Effect.SAME,
        ((Mutation.CLOSED, ""), (Mutation.REVIVED, "lamports alone")),
        ("close_dispute: device",),
    ),
    Allowance(
        "What a tab that is gone would get is the pool's, and nobody is held up",
        Effect.POOL,
        _GONE,
        (
            "resolve_dispute (guilty): tab",
            "resolve_dispute (guilty): consumer_tab",
            "resolve_dispute (undecided): tab",
        ),
    ),
    Allowance(
        "The deposit of a challenger who lost is the device's",
        Effect.SAME,
        _GONE,
        ("resolve_dispute (not guilty): tab",),
    ),
    Allowance(
        "No consumer is owed anything unless the device is guilty, so this is any account",
        Effect.SAME,
        (
            *_GONE,
            (Mutation.OWNER, COPY),
            NEIGHBOURS,
            BUT_NEIGHBOURS,
            FOREIGN,
            (Mutation.ALL_BUT, "foreign"),
            *((Mutation.KIND, kind) for kind in STATES if kind != Kind.TAB),
            *((Mutation.KIND, kind) for kind in (Kind.MINT, Kind.TOKENS, Kind.WALLET, Kind.PROGRAM, "nothing")),
            *twice("rent_payer", "tab"),
        ),
        ("resolve_dispute (not guilty): consumer_tab", "resolve_dispute (undecided): consumer_tab"),
    ),
)
