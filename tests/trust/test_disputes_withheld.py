"""Disputes about records that a device does not show, or not any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.attesting import ABC_UNITS
from support.disputes import BOND, DEPOSIT, SLASH_BPS, TAB, Court
from worktab.epochs.attesting.evidence import FolderEvidence, HttpEvidence
from worktab.program.generated.errors import RecordNeeded, WrongRecord
from worktab.roles.accusations import DisputeFinding, DisputeVerdict, Shown
from worktab.roles.reading import NetworkReader
from worktab.roles.trust_reading import DisputeView
from worktab.trust.attesting import DisputeAction
from worktab.work.history import ChainState

SLASH = BOND * SLASH_BPS // 10_000


async def test_a_device_that_shows_nothing_is_guilty_only_in_the_last_quarter_of_the_time(court: Court) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    cheat = device.worker.claim(output=bytes(32), amount=100, tab=bytes(consumer.tab_address))
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, cheat)
    device.online = False
    pool = await court.pool()
    for share in (0.0, 0.1, 0.5, 0.74):
        await court.go_to(share)
        for number in (0, 1):
            done = await court.look(number)
            assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    await court.go_to(0.75)
    assert [(await court.look(number)).finding for number in (0, 1)] == [DisputeFinding.WITHHELD] * 2
    view = await court.only()
    assert view.account.votes.yes == 0b11
    # Nobody has the record, so that it ends long after the deadline, and nobody is made whole.
    assert (await court.look(2)).action is DisputeAction.UNSHOWN
    await court.go_to(1.99)
    assert (await court.look(2)).action is DisputeAction.UNSHOWN
    await court.go_to(2.0)
    assert (await court.look(2)).verdict is DisputeVerdict.GUILTY
    assert await court.balance(consumer) == TAB
    assert await court.balance(other) == TAB + DEPOSIT
    assert await court.pool() == pool + SLASH - DEPOSIT + 2 * ABC_UNITS


async def test_who_has_the_record_ends_a_withheld_dispute_early_and_makes_the_consumer_whole(court: Court) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    cheat = device.worker.claim(output=bytes(32), amount=100, tab=bytes(consumer.tab_address))
    await court.fleet.next_epoch()
    await court.submit(device)
    challenger = court.challenger(other)
    opened = await court.dispute(challenger, device, cheat)
    await court.go_to(0.5)
    for number in (0, 1):
        await court.voter(number).vote(opened.address, DisputeFinding.WITHHELD)
    with pytest.raises(RecordNeeded):
        await challenger.resolve(opened.address)
    with pytest.raises(WrongRecord):
        await challenger.resolve(opened.address, Shown(cheat.record, bytes(32)))
    ended = await challenger.resolve(opened.address, Shown(cheat.record, cheat.salt))
    assert ended.event is not None
    assert (ended.verdict, ended.event.to_consumer) == (DisputeVerdict.GUILTY, 100)
    assert await court.balance(consumer) == TAB + 100
    assert (await challenger.resolve(opened.address)).verdict is DisputeVerdict.GUILTY


async def test_a_device_that_comes_back_is_judged_by_its_record(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    device.online = False
    for share in (0.0, 0.2, 0.4):
        await court.go_to(share)
        assert (await court.look(0)).action is DisputeAction.WAITING
    device.online = True
    await court.go_to(0.45)
    assert (await court.look(0)).finding is DisputeFinding.AGREES
    # An attestor that comes late asks several times that lie apart, too.
    device.online = False
    await court.go_to(0.6)
    assert (await court.look(1)).action is DisputeAction.WAITING
    assert (await court.look(1)).action is DisputeAction.WAITING
    device.online = True
    await court.go_to(0.62)
    assert (await court.look(1)).verdict is DisputeVerdict.NOT_GUILTY
    assert (await court.read(device)).bond == BOND + DEPOSIT


async def test_a_device_that_nobody_knows_how_to_reach_is_not_found_to_withhold(court: Court, tmp_path: Path) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    unlisted = HttpEvidence({}, attestor=court.keys[0], domain=court.domain, client=court.http)
    for share in (0.0, 0.3, 0.6, 0.9):
        await court.go_to(share)
        [done] = await court.attestor(0, unlisted, FolderEvidence(tmp_path / "none")).look()
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)


async def test_a_challenger_may_bring_what_a_device_hides(court: Court, tmp_path: Path) -> None:
    device, other = await court.device(), await court.consumer()
    cheat = device.worker.claim(output=bytes(32))
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, cheat)
    device.online = False
    (tmp_path / "brought").mkdir()
    device.worker.bundle(tmp_path / "brought")
    brought = FolderEvidence(tmp_path / "brought")
    [done] = await court.attestor(0, court.evidence(0), brought).look()
    assert done.finding is DisputeFinding.DIFFERS


async def test_whoever_carries_a_record_cannot_change_it(court: Court, tmp_path: Path) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    (tmp_path / "forged").mkdir()
    for lie in (
        replace(entry, record=replace(entry.record, output=bytes(32))),
        replace(entry, salt=bytes(32)),
        replace(entry, seq=2),
    ):
        device.worker.bundle(tmp_path / "forged", entries=[lie])
        [done] = await court.attestor(0, FolderEvidence(tmp_path / "forged")).look()
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)


async def test_pruned_records_leave_unpaid_work_undecided_and_paid_work_acquitted(court: Court) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    device.worker.work(b"abc")
    paid = device.worker.claim(amount=10, tab=bytes(consumer.tab_address))
    [unpaid] = device.worker.work(b"abd")
    await court.fleet.next_epoch()
    await court.submit(device)
    challenger = court.challenger(other)
    of_paid, of_unpaid = await court.show(device, paid), await court.show(device, unpaid)
    device.worker.spool.confirm(device.worker.state)
    device.worker.spool.prune(2)
    await challenger.open(device.address, of_unpaid)
    done = await court.look(0)
    assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    assert done.detail == "it agrees, but the records before it were not all shown"
    await court.go_to(1.0)
    assert (await court.look(0)).verdict is DisputeVerdict.UNDECIDED
    await challenger.open(device.address, of_paid)
    assert [(await court.look(number)).finding for number in (0, 1)] == [DisputeFinding.AGREES] * 2


async def test_records_that_a_device_set_aside_are_still_shown(court: Court) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    paid = device.worker.claim(amount=10, tab=bytes(consumer.tab_address))
    await court.fleet.next_epoch()
    await court.submit(device)
    shown = await court.show(device, paid)
    # As after a restore from an older backup: the chain knows more than the spool.
    ahead = ChainState(5, 500, b"h" * 32)
    assert device.worker.spool.adopt(ahead, last_time=0) == 1
    await court.challenger(other).open(device.address, shown)
    assert (await court.look(0)).finding is DisputeFinding.AGREES


async def test_a_device_that_showed_its_record_and_is_away_once_does_not_withhold_it(court: Court) -> None:
    """What was asked in vain before the record was shown, and found to agree, counts no more."""
    device, other = await court.device(), await court.consumer()
    device.worker.work(b"abc", b"abe")
    [unpaid] = device.worker.work(b"abd")
    await court.fleet.next_epoch()
    await court.submit(device)
    shown = await court.show(device, unpaid)
    device.worker.spool.confirm(device.worker.state)
    device.worker.spool.prune(2)
    await court.challenger(other).open(device.address, shown)
    device.online = False
    for share in (0.0, 0.1, 0.2):
        await court.go_to(share)
        assert (await court.look(0)).action is DisputeAction.WAITING
    device.online = True
    await court.go_to(0.3)
    assert (await court.look(0)).detail == "it agrees, but the records before it were not all shown"
    device.online = False
    for share in (0.8, 0.85):
        await court.go_to(share)
        done = await court.look(0)
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    # Three tries that lie apart, again: it is gone.
    await court.go_to(0.95)
    assert (await court.look(0)).finding is DisputeFinding.WITHHELD


async def test_a_node_that_lags_behind_makes_nobody_forget(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that comes back is judged by its record, also by who voted before."""
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    device.online = False
    for share in (0.5, 0.65, 0.8):
        await court.go_to(share)
        done = await court.look(0)
    assert done.finding is DisputeFinding.WITHHELD
    with monkeypatch.context() as patched:

        async def none(self: NetworkReader, **_: Any) -> list[DisputeView]:
            return []

        patched.setattr(NetworkReader, "disputes", none)
        assert await court.attestor(0).look() == ()
    device.online = True
    await court.go_to(0.9)
    assert (await court.look(0)).finding is DisputeFinding.AGREES
