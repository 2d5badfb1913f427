"""Allowed to networks, devices, consumers and roots."""

from __future__ import annotations

from typing import Final

from support.adversarial_allowance import (
    BUT_NEIGHBOURS,
    CUT,
    FOREIGN,
    LEFT_OUT,
    NEIGHBOURS,
    OWNERS,
    REVIVED,
    SIBLINGS,
    STRANGERS,
    Allowance,
    kinds,
    twice,
)
from support.adversarial_cases import Mutation
from support.adversarial_effects import Effect
from support.adversarial_idl import Kind

ALLOWANCES: Final[tuple[Allowance, ...]] = (
    Allowance(
        "The same people have the same powers in their other network",
        Effect.RELATED,
        (FOREIGN,),
        ("close_tab: tab",),
    ),
    Allowance(
        "The same people have the same powers in their other network",
        Effect.INSTEAD,
        (FOREIGN,),
        (
            "accept_authority: network",
            "apply_update: network",
            "propose_update: network",
            "set_delegate: tab",
            "set_pause: network",
            "set_pause (by the guardian): network",
        ),
    ),
    Allowance(
        "The same people have the same powers over their other account",
        Effect.RELATED,
        (SIBLINGS,),
        ("finalize_epoch: epoch", "retire_device: device", "withdraw_bond (after the delay): device"),
    ),
    Allowance(
        "The same people have the same powers over their other account",
        Effect.INSTEAD,
        (SIBLINGS,),
        (
            "deposit_bond: device",
            "reserve_lane: device",
            "reserve_lane (by a delegate): device",
            "update_device: device",
            "vote_epoch: epoch",
            "vote_epoch (a veto): epoch",
            "withdraw_bond (that is to leave): device",
        ),
    ),
    Allowance(
        "Anyone may deposit into anyone's tab",
        Effect.INSTEAD,
        (NEIGHBOURS, BUT_NEIGHBOURS),
        ("deposit: tab",),
    ),
    Allowance(
        "A consumer or delegate may reserve for any device of the network",
        Effect.INSTEAD,
        (NEIGHBOURS, BUT_NEIGHBOURS),
        ("reserve_lane: device", "reserve_lane (by a delegate): device"),
    ),
    Allowance(
        "The consumer may withdraw to any token account of the mint",
        Effect.INSTEAD,
        (NEIGHBOURS, BUT_NEIGHBOURS, STRANGERS),
        ("withdraw: destination",),
    ),
    Allowance(
        "The authority may collect to any token account of the mint",
        Effect.INSTEAD,
        (STRANGERS,),
        ("collect_fees: destination",),
    ),
    Allowance(
        "A mint is told by its address, and only its token program could ever give it another owner",
        Effect.SAME,
        OWNERS,
        (
            "claim (of rewards alone): mint",
            "claim_root: mint",
            "collect_fees: mint",
            "deposit: mint",
            "deposit_bond: mint",
            "fund_pool: mint",
            "withdraw: mint",
            "withdraw_bond (that is to leave): mint",
            "withdraw_bond (after the delay): mint",
            "withdraw_pool: mint",
        ),
    ),
    Allowance(
        "A payout account that can't be paid is skipped, and its pay stays owed",
        Effect.NOTHING,
        ((Mutation.CLOSED, ""), *OWNERS, *REVIVED),
        ("claim: payout_account", "claim (of rewards alone): payout_account", "claim_root: payout_account"),
    ),
    Allowance(
        "Anyone may claim for any devices: another one of the wallet's is paid in its place",
        Effect.RELATED,
        (SIBLINGS,),
        ("claim: device 1", "claim: device 2", "claim (of rewards alone): device 1"),
    ),
    Allowance(
        "Anyone may claim for any devices: one of the wallet's own is paid in the sibling's place",
        Effect.RELATED,
        ((Mutation.ALL_BUT, "sibling"),),
        ("claim: device 1", "claim: device 2"),
    ),
    Allowance(
        "Another wallet's device is skipped, and is owed what it was",
        Effect.PART,
        (NEIGHBOURS, BUT_NEIGHBOURS),
        ("claim: device 1", "claim: device 2"),
    ),
    Allowance(
        "Another wallet's device is skipped, and is owed what it was",
        Effect.NOTHING,
        (NEIGHBOURS, BUT_NEIGHBOURS),
        ("claim (of rewards alone): device 1",),
    ),
    Allowance(
        "A wallet without data is taken for a device that closed, and skipped",
        Effect.PART,
        ((Mutation.KIND, Kind.WALLET), (Mutation.KIND, "nothing"), *twice("payout"), (Mutation.CLOSED, "")),
        ("claim: device 1", "claim: device 2"),
    ),
    Allowance(
        "A wallet without data is taken for a device that closed, and skipped",
        Effect.NOTHING,
        ((Mutation.KIND, Kind.WALLET), (Mutation.KIND, "nothing"), *twice("payout"), (Mutation.CLOSED, "")),
        ("claim (of rewards alone): device 1",),
    ),
    Allowance(
        "A device that closed is skipped, whatever was sent to its address since",
        Effect.PART,
        ((Mutation.REVIVED, "lamports alone"),),
        ("claim: device 1", "claim: device 2"),
    ),
    Allowance(
        "A device that closed is skipped, whatever was sent to its address since",
        Effect.NOTHING,
        ((Mutation.REVIVED, "lamports alone"),),
        ("claim (of rewards alone): device 1",),
    ),
    Allowance("A device named twice is paid once", Effect.PART, twice("device 2"), ("claim: device 1",)),
    Allowance("A device named twice is paid once", Effect.PART, twice("device 1"), ("claim: device 2",)),
    Allowance(
        "A claim is for the devices it names",
        Effect.PART,
        (LEFT_OUT, CUT),
        ("claim: device 1", "claim: device 2"),
    ),
    Allowance(
        "A claim is for the devices it names",
        Effect.NOTHING,
        (LEFT_OUT, CUT),
        ("claim (of rewards alone): device 1",),
    ),
    Allowance(
        "The device stands in the program's place, so there is no device to pay and the program is not called",
        Effect.NOTHING,
        (LEFT_OUT,),
        ("claim (of rewards alone): token_program",),
    ),
    Allowance(
        "A batch settles the lanes of the devices that come with it; the signature covers all of them",
        Effect.PART,
        (LEFT_OUT,),
        (
            "settle_batch: device 1",
            "settle_batch: device 2",
            "settle_batch (by the signer itself): device 1",
            "settle_batch (by the signer itself): device 2",
        ),
    ),
    Allowance(
        "A batch settles the lanes of the devices that come with it; the signature covers all of them",
        Effect.PART,
        (CUT,),
        ("settle_batch: device 2", "settle_batch (by the signer itself): device 2"),
    ),
    Allowance(
        "A network that asks for no admission reads no signature of it",
        Effect.SAME,
        kinds(Kind.MINT, Kind.PROGRAM, "nothing"),
        ("register_device: admission", "update_device: admission"),
    ),
    Allowance(
        "Without a new key no proof is read",
        Effect.SAME,
        (
            *kinds(Kind.MINT, Kind.TOKENS, Kind.WALLET, Kind.PROGRAM, "nothing"),
            (Mutation.PROOF, "a forged sysvar"),
            (Mutation.PROOF, "another sysvar"),
            (Mutation.PROOF, "a stranger who signs"),
            (Mutation.PROOF, "nothing signed before it"),
            (Mutation.PROOF, "an instruction between"),
        ),
        ("update_device: proof",),
    ),
    Allowance(
        "Where the device is gone, who issued the invoice ends it; the issuer signed",
        Effect.SAME,
        ((Mutation.CLOSED, ""), (Mutation.REVIVED, "lamports alone")),
        ("void_invoice: device",),
    ),
)
