"""Vetoes stand for results and are given for what is proven; and what is final is what its hash says."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from solders.pubkey import Pubkey

from support.attesting import ABC_UNITS, Scene
from support.attesting_acts import all_work, commit_by_hand, guardian_of, own_data, reasons
from support.fleet import StartFleet
from worktab.epochs.attesting.reports import Action
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.data import EpochData
from worktab.epochs.lineage import PreviousUnknown
from worktab.epochs.policy import ShareOfBudget
from worktab.epochs.terms import EpochTerms
from worktab.roles.attesting import Attestor
from worktab.roles.commitments import EpochView


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet)
    yield made
    made.close()


async def views(scene: Scene) -> dict[Pubkey, EpochView]:
    return {view.address: view for view in await scene.fleet.operator.reader.epochs()}


async def test_what_was_vetoed_comes_back_by_no_honest_attestor(scene: Scene) -> None:
    first, second, third = scene.members
    await all_work(scene)
    await scene.look(first, commit=True)
    await scene.look(second)
    vetoed = await scene.only()
    await Attestor(scene.fleet.sender, scene.fleet.network, scene.guardian).veto(vetoed.address)
    for member in (second, first):
        report = await scene.look(member, commit=True)
        assert report.judged == ()
        assert report.committed is not None
        assert report.committed.address is None
        assert [each.reason for each in report.committed.objections] == [Reason.VETOED]
    # Nobody stands by it, nor builds on it.
    assert not (first.published / "0").exists()
    assert not (second.published / "0").exists()
    # Nor is it approved of where somebody else commits to it again.
    again = replace(vetoed.commitment, check_ms=vetoed.commitment.check_ms + 1)
    await Attestor(scene.fleet.sender, scene.fleet.network, third.key).commit(again)
    report = await scene.look(second)
    assert (reasons(report), report.judged[0].action) == ([Reason.VETOED], Action.NONE)
    # The guardian ends that, too.
    report = await scene.look(guardian_of(scene))
    assert report.judged[0].action is Action.VETOED
    assert all(view.account.vetoed for view in (await views(scene)).values())


async def test_an_approval_of_what_was_vetoed_elsewhere_is_taken_back(scene: Scene) -> None:
    first, second, third = scene.members
    await all_work(scene)
    await scene.look(first, commit=True)
    await scene.look(second)
    made = await scene.only()
    twin = await Attestor(scene.fleet.sender, scene.fleet.network, third.key).commit(
        replace(made.commitment, check_ms=made.commitment.check_ms + 1)
    )
    await Attestor(scene.fleet.sender, scene.fleet.network, scene.guardian).veto(twin)
    for member in (first, second):
        report = await scene.look(member)
        assert (reasons(report), report.judged[0].action) == ([Reason.VETOED], Action.WITHDRAWN)
    assert (await views(scene))[made.address].approving(await scene.network()) == ()


async def test_a_false_word_about_good_data_ends_nothing_but_itself(scene: Scene) -> None:
    liar, first, second = scene.members
    guardian = guardian_of(scene)
    await all_work(scene)
    await scene.look(first, commit=True)
    good = await scene.only()
    # Good data with another total, and the good root with other data: both are vetoed, by what they are.
    await commit_by_hand(scene, liar, await own_data(liar), total=good.account.total - 1)
    true = await own_data(liar)
    devices = np.array(true.devices)
    devices["reward"][0] += 1
    other = EpochData.seal(true.manifest, true.payees, devices, true.registrations, true.receipts, {})
    await commit_by_hand(scene, liar, other, root=true.manifest.root)
    liar.published.rename(scene.folder / "lies")
    scene.members.remove(liar)
    attestor = guardian.attestor(first.published, scene.folder / "lies")
    await scene.look(second)
    report = await attestor.look()
    assert {each.view.address: each.action for each in report.judged}[good.address] is Action.NONE
    assert sorted(each.action for each in report.judged) == [Action.NONE, Action.VETOED, Action.VETOED]
    for member, action in ((first, Action.KEPT), (second, Action.KEPT)):
        [judged] = (await scene.look(member, commit=True)).judged
        assert (judged.view.address, judged.action) == (good.address, action)
        assert EpochData.read(member.published, 0).manifest == true.manifest
    liar.store.close()


async def test_a_guardian_vetoes_no_difference_of_opinion(scene: Scene) -> None:
    first, guardian = scene.members[0], guardian_of(scene)
    await all_work(scene)
    guardian.policy = ShareOfBudget()
    await scene.look(first, commit=True)
    for _ in range(2):
        report = await scene.look(guardian)
        assert report.judged[0].action is Action.NONE
    assert not (await scene.only()).account.vetoed


async def test_a_guardian_killed_before_its_veto_gives_it_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    liar, guardian = scene.members[0], guardian_of(scene)
    await all_work(scene)
    data = await own_data(liar)
    await commit_by_hand(scene, liar, data, total=4 * ABC_UNITS + 1)

    async def killed(self: Attestor, *args: object, **numbers: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Attestor, "veto", killed)
        with pytest.raises(KeyboardInterrupt):
            await scene.look(guardian)
    [judged] = (await scene.look(guardian)).judged
    assert (judged.verdict, judged.action) == (None, Action.VETOED)


async def test_a_final_root_forged_underneath_is_not_caught_up_with(scene: Scene) -> None:
    first, second, third = scene.members
    await all_work(scene)
    await scene.look(first, commit=True)
    await scene.look(second)
    await scene.tick((await scene.network()).challenge_delay)
    await scene.look(second, finalize=True)
    true = EpochData.read(first.published, 0)
    assert (await scene.network()).root_data == true.manifest.hash()
    # The root binds payees and what they are paid, not how far each device was counted.
    devices = np.array(true.devices)
    for name in ("seq", "chain_units", "time", "last_epoch"):
        devices[name] = 0
    forged = EpochData.seal(true.manifest, true.payees, devices, true.registrations, true.receipts, {})
    assert forged.manifest.root == true.manifest.root
    bad = scene.folder / "bad"
    forged.write(bad)
    await third.attestor(bad).look()
    assert not (third.published / "0").exists()
    await third.attestor(bad, first.published).look()
    assert EpochData.read(third.published, 0).manifest == true.manifest
    # One that is there already is not built on either.
    shutil.rmtree(third.published)
    forged.write(third.published)
    network = await scene.network()
    with pytest.raises(PreviousUnknown):
        third.attestor().judge.accepted.base(1, network, EpochTerms.of(scene.fleet.network, network))
    await third.attestor(first.published).look()
    assert EpochData.read(third.published, 0).manifest == true.manifest
