"""Receipts signed in time and handed out late: they hold up nobody, and convict nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.attesting import Scene
from support.attesting_acts import guardian_of, reasons
from support.fleet import StartFleet
from worktab.epochs.attesting.reports import Action
from worktab.epochs.attesting.verdicts import Reason


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet)
    yield made
    made.close()


async def all_in_but(scene: Scene, late: int) -> list[bytes]:
    """Everybody's receipts, taken in good time, and so many later ones of the first device that it keeps back."""
    first = scene.parties[0]
    receipts = []
    for party in scene.parties:
        party.worker.work()
        receipts.append(party.receipt())
    for member in scene.members:
        member.take(*receipts)
    kept = []
    for _ in range(late):
        first.worker.work()
        kept.append(first.receipt())
    await scene.tick(1_000)
    await scene.end_epoch()
    return kept


async def test_a_receipt_handed_out_after_the_commit_is_no_reason_to_refuse(scene: Scene) -> None:
    first, second, third = scene.members
    [late] = await all_in_but(scene, 1)
    await scene.look(first, commit=True)
    for member in (second, third):
        member.take(late)
        report = await scene.look(member)
        assert (reasons(report), report.judged[0].action) == ([], Action.APPROVED)
        assert report.judged[0].verdict is not None
        assert not report.judged[0].verdict.same


async def test_a_receipt_there_in_time_is_missed_whenever_a_newer_one_comes(scene: Scene) -> None:
    first, second, _ = scene.members
    one, two = scene.parties
    for party in scene.parties:
        party.worker.work()
    in_time = one.receipt(), two.receipt()
    first.take(in_time[0])
    second.take(*in_time)
    await scene.tick(1_000)
    await scene.end_epoch()
    await scene.look(first, commit=True)
    report = await scene.look(second)
    assert reasons(report) == [Reason.MISSING_RECEIPTS]
    assert report.judged[0].verdict is not None
    assert report.judged[0].verdict.objections[0].devices == (two.address,)


async def test_receipts_handed_out_one_by_one_stop_no_epoch(scene: Scene) -> None:
    kept = await all_in_but(scene, 6)
    for _ in range(2):
        for member in scene.members:
            report = await scene.look(member, commit=True)
            if report.committed is not None and report.committed.address is not None:
                late = kept.pop(0)
                for other in scene.members:
                    if other is not member:
                        other.take(late)
    assert len(kept) == 5
    assert (await scene.only()).approving(await scene.network()) == tuple(key.pubkey() for key in scene.keys)


async def test_the_guardian_vetoes_nothing_for_a_receipt_that_it_alone_has(scene: Scene) -> None:
    guardian = guardian_of(scene)
    first, party = scene.members[0], scene.parties[0]
    for each in scene.parties:
        each.worker.work()
        for member in scene.members:
            member.take(each.receipt())
    party.worker.work()
    guardian.take(party.receipt())
    await scene.tick(1_000)
    await scene.end_epoch()
    await scene.look(first, commit=True)
    report = await scene.look(guardian)
    assert (reasons(report), report.judged[0].action) == ([Reason.MISSING_RECEIPTS], Action.NONE)
    assert (await scene.look(guardian)).judged[0].action is Action.NONE
    assert not (await scene.only()).account.vetoed
