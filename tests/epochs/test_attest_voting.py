"""Attestors together: commitments, votes and refusals on a real chain, over real receipts and records."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.attesting import ABC_UNITS, Member, Scene
from support.attesting_acts import commit_by_hand, own_data, reasons
from support.chains import pass_blocks
from support.fleet import StartFleet
from worktab.epochs.attesting.reports import Action
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.data import EpochData
from worktab.epochs.policy import ShareOfBudget
from worktab.roles.attesting import Attestor, FinalizeOutcome

OTHER = sha256(b"other").digest()


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet)
    yield made
    made.close()


async def work(scene: Scene, *members: Member, jobs: int = 1) -> list[bytes]:
    """Every device works, everybody gets its receipt, and the epoch ends."""
    receipts = []
    for party in scene.parties:
        party.worker.work(*[b"abc"] * jobs)
        receipts.append(party.receipt())
    for member in members or scene.members:
        member.take(*receipts)
    await scene.tick(1_000)
    await scene.end_epoch()
    return receipts


async def test_one_commits_others_approve_and_anyone_makes_it_final(scene: Scene) -> None:
    first, second, third = scene.members
    await work(scene)
    report = await scene.look(first, commit=True)
    assert report.epoch == 0
    assert report.judged == ()
    assert report.committed is not None
    assert report.committed.objections == ()
    sample = report.committed.sample
    assert sample is not None
    assert (sample.new_records, sample.new_units) == (2, 2 * ABC_UNITS)
    assert (sample.checked, sample.checked_units, sample.failed) == (2, 2 * ABC_UNITS, 0)
    assert report.lamports == 10_000

    view = await scene.only()
    assert view.address == report.committed.address
    assert (view.account.total, view.account.units) == (2 * 2 * ABC_UNITS, 2 * ABC_UNITS)
    assert (view.account.records_checked, view.account.records_failed) == (2, 0)
    assert view.account.check_ms == sample.ms

    report = await scene.look(second, commit=True)
    assert report.committed is None
    [judged] = report.judged
    assert (judged.action, judged.lamports) == (Action.APPROVED, 10_000)
    assert judged.verdict is not None
    assert (judged.verdict.same, judged.verdict.merged) == (True, 0)
    assert judged.verdict.sample is not None
    assert judged.verdict.sample.checked == 2
    # The third is silent: two of three are enough.
    network = await scene.network()
    assert (await scene.only()).approving(network) == (first.key.pubkey(), second.key.pubkey())

    assert (await scene.look(first, commit=True, finalize=True)).finalized == ()
    await scene.tick(network.challenge_delay)
    report = await scene.look(third, epoch=0, finalize=True)
    [(address, done)] = report.finalized
    assert address == view.address
    assert done.outcome is FinalizeOutcome.FINAL  # type: ignore[union-attr]
    assert done.increase == 4 * ABC_UNITS  # type: ignore[union-attr]
    network = await scene.network()
    assert (network.root, network.root_total, network.root_owed) == (view.account.root, 4 * ABC_UNITS, 4 * ABC_UNITS)
    assert EpochData.read(second.published, 0).manifest == EpochData.read(first.published, 0).manifest


async def test_nobody_votes_twice_and_nothing_is_judged_twice(scene: Scene) -> None:
    first, second, _ = scene.members
    await work(scene)
    await scene.look(first, commit=True)
    await scene.look(second)
    before = await scene.fleet.lamports(scene.fleet.payer.pubkey())
    for member, action in ((first, Action.KEPT), (second, Action.KEPT), (second, Action.KEPT)):
        report = await scene.look(member, commit=True)
        [judged] = report.judged
        assert (judged.verdict, judged.action, report.lamports) == (None, action, 0)
        assert report.committed is None
    assert await scene.fleet.lamports(scene.fleet.payer.pubkey()) == before


async def test_a_lie_about_one_reward_is_found_by_recomputing(scene: Scene) -> None:
    liar, honest, guardian = scene.members
    await work(scene)
    true = await own_data(liar)
    devices = np.array(true.devices)
    devices["reward"][0] += 1
    lie = EpochData.seal(true.manifest, true.payees, devices, true.registrations, true.receipts, {})
    lie.check()
    await commit_by_hand(scene, liar, lie)

    report = await scene.look(honest, commit=True)
    [judged] = report.judged
    assert judged.verdict is not None
    [objection] = judged.verdict.objections
    assert objection.reason is Reason.DIFFERENT_ROOT
    assert objection.count == 1
    reward = 2 * ABC_UNITS
    assert f"has {reward + 1} base units in place of {reward}" in objection.detail
    assert true.manifest.root.hex() in objection.detail
    assert judged.action is Action.NONE
    assert report.committed is not None
    assert report.committed.address is not None
    # The honest commitment gets the votes; the guardian ends the other.
    third = await scene.look(guardian)
    assert sorted(each.action for each in third.judged) == [Action.APPROVED, Action.NONE]
    guardian.key = scene.guardian
    vetoing = await scene.look(guardian)
    assert sorted(each.action for each in vetoing.judged) == [Action.NONE, Action.VETOED]
    [rival] = [each for each in await scene.fleet.operator.reader.epochs() if each.account.vetoed]
    assert rival.account.root == lie.manifest.root
    # A veto is the end of it: nothing more is said about it.
    assert [each.view.account.root for each in (await scene.look(honest)).judged] == [true.manifest.root]


async def test_a_veto_at_the_last_moment_stops_what_was_due(scene: Scene) -> None:
    first, second, _ = scene.members
    await work(scene)
    true = await own_data(first)
    devices = np.array(true.devices)
    devices["reward"] += 1
    lie = EpochData.seal(true.manifest, true.payees, devices, true.registrations, true.receipts, {})
    await commit_by_hand(scene, first, lie)
    view = await scene.only()
    await Attestor(scene.fleet.sender, scene.fleet.network, second.key).vote(view.address, approve=True)
    await scene.tick((await scene.network()).challenge_delay)
    guardian = Member(scene, scene.guardian, scene.folder / "member-2")
    report = await scene.look(guardian, finalize=True)
    assert [each.action for each in report.judged] == [Action.VETOED]
    assert report.finalized == ()
    assert (await scene.network()).root_count == 0
    guardian.store.close()


async def test_different_receipts_come_to_the_same_root(scene: Scene) -> None:
    first, second, third = scene.members
    one, two = scene.parties
    for party in scene.parties:
        party.worker.work()
    first.take(one.receipt())
    second.take(two.receipt())
    third.take(one.receipt())
    await scene.tick(1_000)
    await scene.end_epoch()

    await scene.look(first, commit=True)
    report = await scene.look(second, commit=True)
    [judged] = report.judged
    assert judged.verdict is not None
    [missing] = judged.verdict.objections
    assert (missing.reason, missing.count, missing.devices) == (Reason.MISSING_RECEIPTS, 1, (two.address,))
    assert judged.verdict.merged == 1
    assert judged.action is Action.NONE
    assert report.committed is not None
    better = report.committed.address
    assert better is not None

    report = await scene.look(first, commit=True)
    by_address = {each.view.address: each for each in report.judged}
    assert by_address[better].action is Action.APPROVED
    mine = next(each for address, each in by_address.items() if address != better)
    assert mine.action is Action.WITHDRAWN
    # Nothing is wrong with it: the receipt that it lacks came only with the other one.
    assert mine.verdict is not None
    assert mine.verdict.approve
    assert report.committed is None

    await scene.look(third)
    network = await scene.network()
    views = {view.address: view for view in await scene.fleet.operator.reader.epochs()}
    assert set(views[better].approving(network)) == {key.pubkey() for key in scene.keys}
    assert views[mine.view.address].approving(network) == ()
    assert views[better].account.total == 4 * ABC_UNITS
    manifests = {EpochData.read(each.published, 0).manifest.hash() for each in scene.members}
    assert manifests == {views[better].account.data}


async def test_a_receipt_that_came_late_is_no_reason_to_refuse(scene: Scene) -> None:
    first, second, _ = scene.members
    one, two = scene.parties
    for party in scene.parties:
        party.worker.work()
    early = one.receipt()
    await scene.tick(3_600 - 600)
    late = two.receipt()
    first.take(early)
    second.take(early, late)
    strict = scene.members[2]
    strict.take(early, late)
    await scene.end_epoch()
    await scene.look(first, commit=True)
    report = await scene.look(second, commit=True)
    assert reasons(report) == []
    [judged] = report.judged
    assert judged.verdict is not None
    assert (judged.action, judged.verdict.same) == (Action.APPROVED, False)
    assert report.committed is None
    # With a shorter grace it is one.
    report = await strict.attestor(grace=599).look()
    assert Reason.MISSING_RECEIPTS in reasons(report)


async def test_of_two_valid_rivals_the_one_with_more_work_gets_all_votes(scene: Scene) -> None:
    first, second, third = scene.members
    one, two = scene.parties
    for party in scene.parties:
        party.worker.work()
    early = one.receipt()
    await scene.tick(3_600 - 600)
    late = two.receipt()
    for member in scene.members:
        member.take(early)
    second.take(late)
    await scene.end_epoch()
    await scene.look(first, commit=True)
    poorer = await scene.only()
    await commit_by_hand(scene, second, await own_data(second))
    [richer] = [each for each in await scene.fleet.operator.reader.epochs() if each.address != poorer.address]
    report = await scene.look(first)
    assert {each.view.address: each.action for each in report.judged} == {
        poorer.address: Action.WITHDRAWN,
        richer.address: Action.APPROVED,
    }
    report = await scene.look(third)
    assert {each.view.address: each.action for each in report.judged} == {
        poorer.address: Action.NONE,
        richer.address: Action.APPROVED,
    }
    # Nobody publishes any more what nobody stands by.
    verdicts = {each.view.address: each.verdict for each in report.judged}
    given_up, kept = verdicts[poorer.address], verdicts[richer.address]
    assert given_up is not None
    assert kept is not None
    assert [each.reason for each in given_up.objections] == [Reason.DATA_UNAVAILABLE]
    assert kept.approve
    network = await scene.network()
    view = await scene.fleet.operator.reader.epoch(richer.address)
    assert len(view.approving(network)) == 3


@pytest.mark.parametrize("lie", [{"output": OTHER}, {"units": ABC_UNITS + 5}], ids=["output", "fuel"])
async def test_a_cheating_device_is_caught_by_the_sample(scene: Scene, lie: dict[str, Any]) -> None:
    first, second, _ = scene.members
    honest, cheat = scene.parties
    honest.worker.work(b"abc", b"abd")
    cheat.worker.work(b"abc", b"abd")
    entry = cheat.worker.claim(**lie)
    for member in scene.members:
        member.take(honest.receipt(), cheat.receipt())
    await scene.end_epoch()
    await commit_by_hand(scene, first, await own_data(first))
    report = await scene.look(second, commit=True)
    [judged] = report.judged
    assert judged.verdict is not None
    [objection] = judged.verdict.objections
    assert (objection.reason, objection.devices, objection.seq) == (Reason.RECORD_FAILED, (cheat.address,), entry.seq)
    assert judged.action is Action.NONE
    sample = judged.verdict.sample
    assert sample is not None
    assert (len(sample.records), sample.checked, sample.failed) == (5, 5, 1)
    # Nor does it commit to that itself, and no other sample is drawn until one sees nothing.
    assert report.committed is not None
    assert report.committed.address is None
    assert [each.reason for each in report.committed.objections] == [Reason.RECORD_FAILED]
    drawn = report.committed.sample
    again = (await scene.look(second, commit=True)).committed
    assert again is not None
    assert again.sample is not None
    assert drawn is not None
    assert (again.sample.slot, again.sample.seed) == (drawn.slot, drawn.seed)


async def test_withheld_evidence_is_told_apart_and_refused_if_asked(scene: Scene) -> None:
    first, second, third = scene.members
    await work(scene, jobs=2)
    shutil.rmtree(scene.evidence)
    await commit_by_hand(scene, first, await own_data(first))
    report = await scene.look(second)
    [judged] = report.judged
    assert judged.action is Action.APPROVED
    assert judged.verdict is not None
    sample = judged.verdict.sample
    assert sample is not None
    facts = sample.to_json()
    assert (facts["drawn"], facts["checked"], facts["unavailable"], facts["failed"]) == (4, 0, 4, 0)
    assert (facts["share_of_records"], facts["share_of_units"]) == (0.0, 0.0)
    report = await third.attestor(refuse_withheld=True).look()
    assert set(reasons(report)) == {Reason.RECORD_WITHHELD}
    assert len(reasons(report)) == 4


async def test_more_than_the_pool_is_refused_until_it_holds_that(start_fleet: StartFleet, tmp_path: Path) -> None:
    scene = await Scene(tmp_path).start(start_fleet, funds=4 * ABC_UNITS - 1)
    first, second, _ = scene.members
    await work(scene)
    report = await scene.look(first, commit=True)
    assert report.committed is not None
    assert [each.reason for each in report.committed.objections] == [Reason.TOTAL_BEYOND_POOL]
    await commit_by_hand(scene, first, await own_data(first))
    assert reasons(await scene.look(second)) == [Reason.TOTAL_BEYOND_POOL]
    await scene.fleet.mint.give(scene.fleet.authority.pubkey(), 1)
    await scene.fleet.operator.fund_pool(1)
    report = await scene.look(second)
    assert reasons(report) == []
    assert report.judged[0].action is Action.APPROVED
    scene.close()


async def test_what_is_not_as_committed_is_refused(scene: Scene) -> None:
    first, second, third = scene.members
    await work(scene)
    data = await own_data(first)
    await commit_by_hand(scene, first, data, total=data.manifest.total + 1)
    report = await scene.look(second)
    assert reasons(report) == [Reason.COMMITMENT_DIFFERS]
    third.policy = ShareOfBudget()
    view = await scene.only()
    await Attestor(scene.fleet.sender, scene.fleet.network, first.key).vote(view.address, approve=False)
    assert Reason.UNKNOWN_POLICY in reasons(await scene.look(third))


async def test_beyond_the_budget_is_refused(scene: Scene) -> None:
    first, second, _ = scene.members
    await work(scene)
    data = await own_data(first)
    await commit_by_hand(scene, first, data, total=1_000_001)
    assert reasons(await scene.look(second)) == [Reason.TOTAL_BEYOND_BUDGET, Reason.COMMITMENT_DIFFERS]


async def test_data_that_nobody_publishes_is_refused_until_somebody_does(scene: Scene) -> None:
    first, second, _ = scene.members
    one, two = scene.parties
    for party in scene.parties:
        party.worker.work()
    receipts = one.receipt(), two.receipt()
    first.take(*receipts)
    second.take(receipts[0])
    await scene.end_epoch()
    await scene.look(first, commit=True)
    hidden = first.folder / "hidden"
    first.published.rename(hidden)
    report = await scene.look(second)
    assert reasons(report) == [Reason.DATA_UNAVAILABLE]
    assert report.judged[0].verdict is not None
    assert report.judged[0].verdict.passing
    hidden.rename(first.published)
    report = await scene.look(second)
    assert (reasons(report), report.judged[0].action) == ([], Action.APPROVED)
    # Nobody's data are needed by who has the same.
    third = scene.members[2]
    third.take(*receipts)
    shutil.rmtree(first.published)
    shutil.rmtree(second.published)
    report = await scene.look(third)
    assert (reasons(report), report.judged[0].action) == ([], Action.APPROVED)
    assert (third.published / "0" / "manifest.json").exists()


async def test_a_forged_receipt_and_a_forked_device_are_refused(scene: Scene) -> None:
    liar, honest, _ = scene.members
    one, two = scene.parties
    one.worker.work()
    two.worker.work()
    for member in scene.members:
        member.take(one.receipt())
    honest.take(two.receipt(head=OTHER))
    liar.take(two.receipt())
    await scene.end_epoch()
    await commit_by_hand(scene, liar, await own_data(liar))
    report = await scene.look(honest)
    assert set(reasons(report)) == {Reason.FORKED_DEVICE}
    assert report.judged[0].verdict is not None
    assert report.judged[0].verdict.objections[0].devices == (two.address,)


async def test_a_receipt_that_nobody_signed_is_refused_by_name(scene: Scene) -> None:
    liar, honest, _ = scene.members
    await work(scene)
    true = await own_data(liar)
    receipts = np.array(true.receipts)
    receipts["signature"][0, 0] ^= 1
    lie = EpochData.seal(true.manifest, true.payees, true.devices, true.registrations, receipts, {})
    await commit_by_hand(scene, liar, lie)
    report = await scene.look(honest)
    verdict = report.judged[0].verdict
    assert verdict is not None
    found = {each.reason: each for each in verdict.objections}
    assert set(found) == {Reason.DIFFERENT_ROOT, Reason.INVALID_SIGNATURE}
    assert bytes(found[Reason.INVALID_SIGNATURE].devices[0]) == receipts["device"][0].tobytes()
    assert "not counted: 1 for wrong_signature" in found[Reason.DIFFERENT_ROOT].detail


async def test_epochs_follow_each_other_before_any_is_final(scene: Scene) -> None:
    first, second, third = scene.members
    await work(scene)
    await scene.look(first, commit=True)
    await scene.look(second)
    await work(scene)
    report = await scene.look(first, commit=True)
    assert report.epoch == 1
    assert report.committed is not None
    assert report.committed.commitment is not None
    assert report.committed.commitment.total == 8 * ABC_UNITS
    assert report.committed.sample is not None
    assert report.committed.sample.new_records == 2
    # One who comes late judges both, in their order.
    report = await scene.look(third)
    assert [(each.view.account.index, each.action) for each in report.judged] == [
        (0, Action.APPROVED),
        (1, Action.APPROVED),
    ]
    await scene.look(second)
    await scene.tick((await scene.network()).challenge_delay)
    report = await scene.look(first, finalize=True)
    assert [each.outcome for _, each in report.finalized] == [FinalizeOutcome.FINAL] * 2  # type: ignore[union-attr]
    assert (await scene.network()).root_total == 8 * ABC_UNITS
    # A new attestor begins with what is final, wherever it is published.
    shutil.rmtree(third.published)
    await work(scene)
    await scene.look(first, commit=True)
    report = await scene.look(third)
    assert [(each.view.account.index, each.action) for each in report.judged][-1][1] is Action.APPROVED


async def test_without_what_it_is_built_on_an_epoch_is_not_judged(scene: Scene) -> None:
    first, second, third = scene.members
    await work(scene)
    await scene.look(first, commit=True)
    await scene.look(second)
    await scene.tick((await scene.network()).challenge_delay)
    await scene.look(second, finalize=True)
    await work(scene)
    await scene.look(first, commit=True)
    only_newest = scene.folder / "newest"
    only_newest.mkdir()
    newest = (await scene.only()).account.index
    shutil.copytree(first.published / str(newest), only_newest / str(newest))
    await pass_blocks(scene.fleet.chain, 2)
    report = await third.attestor(only_newest).look(commit=True)
    assert reasons(report) == [Reason.PREVIOUS_UNKNOWN]
    assert report.committed is not None
    assert [each.reason for each in report.committed.objections] == [Reason.PREVIOUS_UNKNOWN]
