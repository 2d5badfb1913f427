"""Devices with real keys: enrolled by owner and key, with a signed receipt in each of two epochs."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.enrolments import Enrolment, SignedEnrolment
from worktab.core.keys import DeviceKey, Ed25519Signer
from worktab.core.messages import Message
from worktab.epochs.terms import EpochTerms
from worktab.ingest.kept import KEPT, from_enrolment
from worktab.ingest.rows import RECEIPT, Rows

EPOCHS = (0, 1)
PART = 10_000
DEVICES_AN_OWNER = 1_000


@dataclass(frozen=True)
class Fleet:
    """Enrolments (`KEPT` rows) and, for each epoch, receipts (`RECEIPT` rows), all in the order they were made."""

    enrolments: Rows
    receipts: tuple[Rows, ...]


def make(terms: EpochTerms, count: int, folder: Path) -> None:
    """Makes `count` devices, each with a payout wallet of its own, and keeps them in a folder."""
    parts = range(0, count, PART)
    names = ("enrolments", *(f"receipts{epoch}" for epoch in EPOCHS))
    with ExitStack() as stack:
        files = [stack.enter_context((folder / name).open("wb")) for name in names]
        pool = stack.enter_context(ProcessPoolExecutor(os.cpu_count()))
        for rows in pool.map(_part, [terms] * len(parts), parts, [min(PART, count - at) for at in parts]):
            for file, each in zip(files, rows, strict=True):
                each.tofile(file)


def load(folder: Path, count: int) -> Fleet:
    """The first `count` devices of a folder."""
    return Fleet(
        np.fromfile(folder / "enrolments", KEPT, count),
        tuple(np.fromfile(folder / f"receipts{epoch}", RECEIPT, count) for epoch in EPOCHS),
    )


def _part(terms: EpochTerms, first: int, count: int) -> list[Rows]:
    kept, receipts = np.zeros(count, KEPT), [np.zeros(count, RECEIPT) for _ in EPOCHS]
    for place in range(count):
        number = first + place
        owner = Keypair.from_seed(_seed("owner", number // DEVICES_AN_OWNER))
        key = Ed25519Signer(_seed("device", number))
        payout = Pubkey(_seed("payout", number))
        enrolment = Enrolment(DeviceKey.ed25519(key.public.public_bytes), owner.pubkey(), payout, 0)
        signed = SignedEnrolment.sign(
            enrolment,
            domain=terms.domain,
            program_id=bytes(terms.program_id),
            network=bytes(terms.network),
            owner=owner,
            key=key,
        )
        kept[place] = from_enrolment(signed)[0]
        context = enrolment.receipt_context(terms.domain, bytes(signed.device))
        for epoch, rows in zip(EPOCHS, receipts, strict=True):
            jobs = epoch + 1
            time = terms.end(epoch) - 1 - number % 60
            message = Message.receipt(context, 24 * jobs, (1_000 + number % 1_000) * jobs, time, _seed("head", number))
            encoded = message.encode()
            rows[place] = np.frombuffer(bytes(signed.device) + encoded + key.sign(encoded), RECEIPT)[0]
    return [kept, *receipts]


def _seed(kind: str, number: int) -> bytes:
    return hashlib.sha256(f"{kind} {number}".encode()).digest()
