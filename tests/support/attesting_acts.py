"""What attestors are made to do by hand, past what they would do themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from support.attesting import Member, Scene
from worktab.epochs.attesting.reports import Judged, Report
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.runners import LocalRunner
from worktab.ingest.inputs import Inputs
from worktab.ingest.rows import Rows
from worktab.roles.attesting import Attestor


async def all_work(scene: Scene, *members: Member, jobs: int = 1) -> None:
    """Every device works, everybody gets its receipt in good time, and the epoch ends."""
    receipts = []
    for party in scene.parties:
        party.worker.work(*[b"abc"] * jobs)
        receipts.append(party.receipt())
    for member in members or scene.members:
        member.take(*receipts)
    await scene.tick(1_000)
    await scene.end_epoch()


async def own_data(member: Member, epoch: int = 0) -> EpochData:
    """What a member builds itself."""
    attestor = member.attestor()
    chain = await attestor._read()
    base = attestor.judge.accepted.base(epoch, chain.network, chain.terms)
    made = await attestor.judge.own(epoch, base, chain.terms)
    assert made is not None
    return made


async def commit_by_hand(scene: Scene, member: Member, data: EpochData, **changes: Any) -> None:
    """Publish data and commit to them, or to something else, without looking."""
    data.write(member.published, replace=True)
    commitment = replace(data.commitment(), **changes)
    await Attestor(scene.fleet.sender, scene.fleet.network, member.key).commit(commitment)


async def commit_changed(scene: Scene, member: Member, change: Callable[[Rows], None], epoch: int = 0) -> EpochData:
    """Commit to what a member has, built of registrations that were changed."""
    terms = (await member.attestor()._read()).terms
    given = member.store.inputs(epoch)
    registrations = given.registrations.copy()
    change(registrations)
    made = Inputs(epoch, registrations, given.receipts)
    data = build(None, made, terms, member.policy, runner=LocalRunner(1))
    await commit_by_hand(scene, member, data)
    return data


def guardian_of(scene: Scene, *, knowing: bool = True) -> Member:
    """The guardian with a store of its own, which is closed with the scene."""
    folder = scene.folder / "guardian"
    folder.mkdir()
    made = Member(scene, scene.guardian, folder)
    if knowing:
        made.know(*scene.parties)
    scene.members.append(made)
    return made


def reasons(judged: Judged | Report) -> list[Reason]:
    """Why a commitment, or the only one there is, was refused."""
    [one] = judged.judged if isinstance(judged, Report) else [judged]
    assert one.verdict is not None
    return [each.reason for each in one.verdict.objections]
