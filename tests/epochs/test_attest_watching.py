"""Attesting without end: restarts, failing nodes, damaged memories, and what status shows of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.attesting import ABC_UNITS, Scene
from support.chains import pass_blocks
from support.fleet import StartFleet
from worktab.core.errors import ConnectionFailed, StorageError, WorktabError
from worktab.epochs.attesting.memory import Memory, Remembered
from worktab.epochs.attesting.reports import Action, Report
from worktab.epochs.attesting.slots import SlotHash
from worktab.epochs.attesting.status import standings
from worktab.epochs.attesting.watching import watch
from worktab.roles.attesting import Attestor
from worktab.roles.commitments import EpochStage


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet)
    receipts = []
    for party in made.parties:
        party.worker.work()
        receipts.append(party.receipt())
    for member in made.members:
        member.take(*receipts)
    await made.end_epoch()
    yield made
    made.close()


async def test_three_watch_through_failures_and_kills_and_each_votes_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = iter([True, False, True, True] + [False] * 1_000)
    reader = scene.fleet.operator.reader
    network = type(reader).network

    async def flaky(self: Any) -> Any:
        if next(failing):
            raise ConnectionFailed("the node is gone")
        return await network(self)

    reports: list[Report] = []
    failures: list[WorktabError] = []
    monkeypatch.setattr(type(reader), "network", flaky)
    for _ in range(4):
        for member in scene.members:
            stop = asyncio.Event()

            def told(report: Report, stop: asyncio.Event = stop) -> None:
                reports.append(report)
                stop.set()  # as a signal would: the look is over, the next process starts from what is on the disk

            await pass_blocks(scene.fleet.chain, 2)
            limit = watch(member.attestor(), stop, every=0.01, commit=True, told=told, failed=failures.append)
            await asyncio.wait_for(limit, 120)
    monkeypatch.undo()
    assert [each.message for each in failures] == ["the node is gone"] * 3
    committed = [each.committed for each in reports if each.committed is not None]
    assert len(committed) == 1
    actions = [each.action for report in reports for each in report.judged]
    assert sorted(actions) == sorted([Action.APPROVED] * 2 + [Action.KEPT] * 9)
    _, _, [standing] = await standings(reader)
    assert [(cast.voter, cast.vote) for cast in standing.votes] == [
        (scene.keys[0].pubkey(), "commit"),
        (scene.keys[1].pubkey(), "approve"),
        (scene.keys[2].pubkey(), "approve"),
    ]
    assert [(cast.checked, cast.failed) for cast in standing.votes] == [(2, 0)] * 3


async def test_a_kill_between_vote_and_memory_is_no_second_vote(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, _ = scene.members
    await scene.look(first, commit=True)
    vote = Attestor.vote

    async def killed(self: Attestor, *args: Any, **numbers: Any) -> Any:
        await vote(self, *args, **numbers)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Attestor, "vote", killed)
        with pytest.raises(KeyboardInterrupt):
            await scene.look(second)
    [judged] = (await scene.look(second)).judged
    assert judged.action is Action.KEPT
    _, _, [standing] = await standings(scene.fleet.operator.reader)
    assert [cast.vote for cast in standing.votes] == ["commit", "approve"]


async def test_a_sample_is_drawn_by_the_slot_after_the_commitment_and_only_once(scene: Scene) -> None:
    first, second, _ = scene.members
    await scene.look(first, commit=True)
    view = await scene.only()
    scene.fleet.chain.advance(slots=5)  # type: ignore[union-attr]
    memory = Memory(second.folder / "memory.json")
    assert memory.get(view.address) is None
    [judged] = (await scene.look(second)).judged
    assert judged.verdict is not None
    assert judged.verdict.sample is not None
    assert judged.verdict.sample.slot == view.account.committed_slot + 1
    known = Memory(second.folder / "memory.json").get(view.address)
    assert known is not None
    assert (known.drawn_by.slot, known.approve, known.numbers[:2]) == (view.account.committed_slot + 1, True, (2, 0))
    # What is closed is forgotten.
    await scene.tick((await scene.network()).challenge_delay)
    await scene.look(second, finalize=True)
    await scene.look(second)
    assert Memory(second.folder / "memory.json").get(view.address) is None


async def test_status_shows_votes_withdrawals_vetoes_and_when_it_can_be_final(scene: Scene) -> None:
    first, second, _ = scene.members
    await scene.look(first, commit=True)
    reader = scene.fleet.operator.reader
    network, _, [standing] = await standings(reader)
    assert (standing.stage, standing.approving, standing.final_from) == (
        EpochStage.OPEN,
        (first.key.pubkey(),),
        None,
    )
    await scene.look(second)
    approved = await scene.fleet.chain.unix_time()
    network, _, [standing] = await standings(reader)
    assert (standing.stage, standing.final_from) == (EpochStage.APPROVED, approved + network.challenge_delay)
    voter = Attestor(scene.fleet.sender, scene.fleet.network, second.key)
    await voter.vote(standing.view.address, approve=False)
    guardian = Attestor(scene.fleet.sender, scene.fleet.network, scene.guardian)
    await guardian.veto(standing.view.address, checked=7, failed=2, ms=9)
    network, now, [standing] = await standings(reader)
    assert (standing.stage, standing.final_from, now) == (EpochStage.VETOED, None, approved)
    assert [cast.vote for cast in standing.votes] == ["commit", "approve", "withdraw", "veto"]
    last = standing.votes[-1]
    assert (last.voter, last.checked, last.failed, last.ms) == (scene.guardian.pubkey(), 7, 2, 9)
    assert standing.view.account.total == 4 * ABC_UNITS


def test_memory_survives_and_damage_is_told(tmp_path: Path) -> None:
    one, two = Pubkey.new_unique(), Pubkey.new_unique()
    path = tmp_path / "deep" / "memory.json"
    known = Remembered(SlotHash(7, b"h" * 32), b"b" * 32, True, (1, 2, 3))
    memory = Memory(path)
    memory.put(one, known)
    memory.put(two, known)
    assert Memory(path).get(one) == known
    memory.keep({two})
    assert (Memory(path).get(one), Memory(path).get(two)) == (None, known)
    assert [each.name for each in path.parent.iterdir()] == ["memory.json"]
    for damage in ("{", "[]", '{"x": {}}', f'{{"{one}": {{}}}}'):
        path.write_text(damage)
        with pytest.raises(StorageError):
            Memory(path)
