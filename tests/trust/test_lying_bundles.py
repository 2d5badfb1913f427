"""Bundles made by others so that a challenger disputes an honest device, and loses its deposit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from support.disputes import TAB, VERIFIER, Accusable, Court
from worktab.core.records import next_head, record_hash
from worktab.trust.accusing import challenge
from worktab.trust.errors import NothingToDispute
from worktab.work.bundle import export_bundle
from worktab.work.history import START, ChainState, Entry
from worktab.work.worker import new_salt


def lying(device: Accusable, folder: Path, entries: Sequence[Entry], base: ChainState = START) -> Path:
    """A bundle of a device by somebody else."""
    path = folder / "lying.bundle"
    export_bundle(path, entries, device.worker.blobs, device=device.worker.device, base=base)
    return path


async def honest(court: Court) -> Accusable:
    """A device with three records and a receipt on chain over them."""
    device = await court.device()
    device.worker.work(b"abc", b"abd", b"abe")
    await court.fleet.next_epoch()
    await court.submit(device)
    return device


async def nothing_to_dispute(court: Court, path: Path) -> None:
    """Nobody loses a deposit over a bundle; all that is told of it is the gap."""
    other = await court.consumer()
    with pytest.raises(NothingToDispute, match="Nothing was found to dispute") as caught:
        await challenge(court.challenger(other), [path], VERIFIER)
    assert caught.value.got is not None
    assert caught.value.got.startswith("job 2 broken: ")
    assert await court.balance(other) == TAB
    assert await court.fleet.operator.reader.disputes() == []


async def test_records_left_out_make_no_receipt_claim_too_much(court: Court, tmp_path: Path) -> None:
    device = await honest(court)
    _, before, last = device.worker.spool.entries()
    path = lying(device, tmp_path, [before, last])
    await nothing_to_dispute(court, path)


async def test_a_sum_counts_from_the_first_record_on_alone(court: Court, tmp_path: Path) -> None:
    """Records after another head than that of no records may be any part of a chain, numbered anew."""
    device = await honest(court)
    first, *later = device.worker.spool.entries()
    path = lying(device, tmp_path, later, replace(first.state, seq=0))
    await nothing_to_dispute(court, path)


async def test_a_forged_record_before_a_gap_makes_no_repeat(court: Court, tmp_path: Path) -> None:
    device = await honest(court)
    _, before, last = device.worker.spool.entries()
    salt = new_salt()
    hashed = record_hash(salt, last.record)
    forged = replace(last, seq=1, salt=salt, record_hash=hashed, head=next_head(START.head, hashed))
    path = lying(device, tmp_path, [forged, before, last])
    await nothing_to_dispute(court, path)
