"""Attestors while who attests changes: what they judged before is judged again, by the terms of now."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.attesting import ABC_UNITS, Party, Scene
from support.attesting_acts import all_work
from support.chains import pass_blocks
from support.fleet import StartFleet
from worktab.epochs.attesting.attestor import EpochAttestor
from worktab.epochs.attesting.reports import Action, Report
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.data import EpochData
from worktab.roles.attesting import FinalizeOutcome


async def look(scene: Scene, running: EpochAttestor, *, finalize: bool = False) -> Report:
    """Another look of a process that goes on."""
    await pass_blocks(scene.fleet.chain, 2)
    return await running.look(commit=True, finalize=finalize)


async def remove_third(scene: Scene) -> None:
    await scene.fleet.operator.remove_attestor(scene.keys[2].pubkey())
    await scene.tick()


async def test_where_nobody_admits_a_removed_attestor_changes_no_terms(start_fleet: StartFleet, tmp_path: Path) -> None:
    scene = await Scene(tmp_path).start(start_fleet)
    first, second, _ = scene.members
    running = [first.attestor(), second.attestor()]
    await all_work(scene)
    made = (await look(scene, running[0])).committed
    assert made is not None
    assert (await look(scene, running[1])).judged[0].action is Action.APPROVED
    data = EpochData.read(first.published, 0)
    assert (data.manifest.terms["admission"], data.manifest.terms["admitting"]) == (False, [])

    await remove_third(scene)
    assert (await scene.only()).approving(await scene.network()) == ()
    # Its votes are void: it is judged again, found good, and approved of once more.
    for each in running:
        report = await look(scene, each)
        [judged] = report.judged
        assert judged.verdict is not None
        assert (judged.view.address, judged.action, judged.verdict.objections) == (made.address, Action.APPROVED, ())
        assert report.committed is None
    for member in (first, second):
        [judged] = (await scene.look(member, commit=True)).judged
        assert (judged.verdict, judged.action) == (None, Action.KEPT)
    await scene.tick((await scene.network()).challenge_delay)
    [(address, done)] = (await look(scene, running[0], finalize=True)).finalized
    assert address == made.address
    assert done.outcome is FinalizeOutcome.FINAL  # type: ignore[union-attr]
    scene.close()


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "fresh"])
async def test_where_they_admit_what_was_made_before_is_made_again(
    start_fleet: StartFleet, tmp_path: Path, restarted: bool
) -> None:
    scene = await Scene(tmp_path).start(start_fleet, admission=True)
    first, second, _ = scene.members
    # One more device, which the attestor admitted that is removed later.
    scene.parties.append(Party(tmp_path / "devices", scene, scene.keys[2]))
    for member in scene.members:
        member.know(scene.parties[-1])
    running = [first.attestor(), second.attestor()]
    await all_work(scene)
    old = (await look(scene, running[0])).committed
    assert old is not None
    assert (await look(scene, running[1])).judged[0].action is Action.APPROVED
    assert EpochData.read(first.published, 0).manifest.units == 3 * ABC_UNITS

    await remove_third(scene)
    if restarted:
        running = [first.attestor(), second.attestor()]
    report = await look(scene, running[0])
    [judged] = report.judged
    assert judged.verdict is not None
    [objection] = judged.verdict.objections
    assert (objection.reason, judged.action) == (Reason.OTHER_TERMS, Action.NONE)
    assert objection.detail == "these terms are not the network's: admitting"
    new = report.committed
    assert new is not None
    assert new.commitment is not None
    assert new.address not in (None, old.address)
    assert new.commitment.units == 2 * ABC_UNITS

    report = await look(scene, running[1])
    assert {each.view.address: each.action for each in report.judged} == {
        old.address: Action.NONE,
        new.address: Action.APPROVED,
    }
    assert report.committed is None
    network = await scene.network()
    views = {view.address: view.approving(network) for view in await scene.fleet.operator.reader.epochs()}
    assert views == {old.address: (), new.address: (first.key.pubkey(), second.key.pubkey())}
    for member in (first, second):
        assert EpochData.read(member.published, 0).manifest.hash() == new.commitment.data
    await scene.tick(network.challenge_delay)
    await look(scene, running[0], finalize=True)
    assert (await scene.network()).root_data == new.commitment.data
    scene.close()


async def test_nothing_is_built_on_what_other_terms_gave(start_fleet: StartFleet, tmp_path: Path) -> None:
    scene = await Scene(tmp_path).start(start_fleet, admission=True)
    first, second, _ = scene.members
    running = [first.attestor(), second.attestor()]
    await all_work(scene)
    await look(scene, running[0])
    await look(scene, running[1])
    await remove_third(scene)
    await all_work(scene)
    report = await look(scene, running[0])
    assert report.committed is not None
    assert (report.epoch, report.committed.objections) == (1, ())
    made = EpochData.read(first.published, 1).manifest
    assert (made.first_epoch, made.previous, made.units) == (0, None, 4 * ABC_UNITS)
    actions = {each.view.account.index: each.action for each in (await look(scene, running[1])).judged}
    assert actions == {0: Action.NONE, 1: Action.APPROVED}
    scene.close()
