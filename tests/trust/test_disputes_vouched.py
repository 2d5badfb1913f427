"""Disputes opened on an attestor's word: nobody is guilty of a record that is not shown to be signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.attesting import ABC_UNITS
from support.disputes import BOND, DEPOSIT, Accusable, Court
from worktab.core.records import JobRecord, Meter, next_head
from worktab.epochs.attesting.evidence import FolderEvidence
from worktab.roles.accusations import DisputeEvidence, DisputeFinding, DisputeVerdict, OpenedDispute, Shown
from worktab.trust.attesting import DisputeAction
from worktab.trust.evidence import followed
from worktab.trust.receipts import ReceiptBook
from worktab.work.bundle import export_bundle
from worktab.work.history import ChainState, Entry


async def vouched(court: Court, device: Accusable, seq: int) -> OpenedDispute:
    """A dispute of a record, opened on the word of the last attestor."""
    view = await device.device.view()
    evidence = followed(device.worker.spool.entries(), seq, view, ReceiptBook())
    challenger = court.challenger(await court.consumer())
    return await challenger.open(device.address, evidence, witness=court.keys[2])


async def invented(court: Court, device: Accusable, seq: int, folder: Path) -> tuple[OpenedDispute, FolderEvidence]:
    """A dispute of a record that the device never made, and a folder with a bundle of it."""
    consumer = await court.consumer()
    record = JobRecord(
        meter=Meter.CPU_MS, work_class=0, meter_version=1, module=bytes(32), input=bytes(32), output=bytes(32),
        units=1, amount=2**60, started_ms=0, finished_ms=1, tab=bytes(consumer.tab_address),
    )  # fmt: skip
    shown = Shown(record, bytes(32))
    head = next_head(bytes(32), shown.hash)
    opened = await court.challenger(consumer).open(
        device.address, DisputeEvidence(seq, shown.hash, bytes(32)), witness=court.keys[2]
    )
    folder.mkdir()
    entry = Entry(seq, 1, head, shown.hash, record, bytes(32))
    base = ChainState(seq - 1, 0, bytes(32))
    export_bundle(folder / f"{device.address}.bundle", [entry], {}, device=device.address, base=base)
    return opened, FolderEvidence(folder)


@pytest.mark.parametrize("first", ["device", "folder"])
async def test_an_invented_record_convicts_no_device_that_shows_its_own(
    court: Court, tmp_path: Path, first: str
) -> None:
    device = await court.device()
    device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    _, folder = await invented(court, device, 1, tmp_path / "brought")
    for share in (0.0, 0.3, 0.6, 0.8, 0.95):
        await court.go_to(share)
        sources = (court.evidence(0), folder) if first == "device" else (folder, court.evidence(0))
        [done] = await court.attestor(0, *sources).look()
        assert (done.finding, done.action) == (None, DisputeAction.ABSTAINED)
        assert done.detail == "job 1 of what the device signed is another record"
    await court.go_to(1.0)
    assert (await court.look(0)).verdict is DisputeVerdict.UNDECIDED
    account = await court.read(device)
    assert (account.bond, account.status, account.rewards_owed) == (BOND + DEPOSIT // 10, 1, 2 * ABC_UNITS)


@pytest.mark.parametrize("seq", [1, 2, 10**6])
async def test_an_invented_record_convicts_no_device_that_is_away(court: Court, tmp_path: Path, seq: int) -> None:
    device = await court.device()
    device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    _, folder = await invented(court, device, seq, tmp_path / "brought")
    device.online = False
    for share in (0.0, 0.3, 0.6, 0.8, 0.95):
        await court.go_to(share)
        [done] = await court.attestor(0, court.evidence(0), folder).look()
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)
        assert done.detail.startswith("untrue, but not shown to be signed by the device: the record is measured")


async def test_a_bad_record_is_found_once_its_chain_is_shown(court: Court, tmp_path: Path) -> None:
    device = await court.device()
    cheat = device.worker.claim(output=bytes(32))
    device.worker.work(*(b"%03d" % number for number in range(30)))
    await court.fleet.next_epoch()
    await court.submit(device)
    await vouched(court, device, cheat.seq)
    device.online = False
    for share in (0.0, 0.3, 0.8, 0.9, 0.98):
        await court.go_to(share)
        assert [(await court.look(number)).action for number in (0, 1)] == [DisputeAction.WAITING] * 2
    await court.go_to(0.999)
    # Alone it proves nothing, wherever it comes from.
    device.worker.bundle(tmp_path, entries=[cheat])
    [alone] = await court.attestor(0, FolderEvidence(tmp_path)).look()
    assert (alone.finding, alone.action) == (None, DisputeAction.WAITING)
    device.online = True
    assert (await court.look(1)).finding is DisputeFinding.DIFFERS


async def test_a_bad_record_is_judged_by_what_the_device_or_anybody_shows(court: Court, tmp_path: Path) -> None:
    device = await court.device()
    cheat = device.worker.claim(output=bytes(32))
    device.worker.work(*(b"%03d" % number for number in range(30)))
    await court.fleet.next_epoch()
    await court.submit(device)
    await vouched(court, device, cheat.seq)
    assert (await court.look(0)).finding is DisputeFinding.DIFFERS
    device.online = False
    device.worker.bundle(tmp_path)
    [brought] = await court.attestor(1, court.evidence(1), FolderEvidence(tmp_path)).look()
    assert (brought.finding, brought.verdict) == (DisputeFinding.DIFFERS, DisputeVerdict.GUILTY)


async def test_a_chain_to_what_was_never_signed_binds_nothing(court: Court, tmp_path: Path) -> None:
    device = await court.device()
    cheat, *rest = device.worker.claim(output=bytes(32)), *device.worker.work(b"abd", b"abe")
    await court.fleet.next_epoch()
    await court.submit(device)
    await vouched(court, device, cheat.seq)
    device.worker.bundle(tmp_path, entries=[cheat, replace(rest[0], salt=bytes(32)), rest[1]])
    [done] = await court.attestor(0, FolderEvidence(tmp_path)).look()
    assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    device.worker.bundle(tmp_path)
    await court.go_to(0.1)
    [done] = await court.attestor(0, FolderEvidence(tmp_path)).look()
    assert done.finding is DisputeFinding.DIFFERS
