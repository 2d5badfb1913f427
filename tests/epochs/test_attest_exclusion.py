"""A cheating device does not hold up a root: convicted, excluded by the policy, and everybody else is paid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from support.attesting import ABC_UNITS, Member, Scene
from support.fleet import StartFleet
from worktab.epochs.attesting.reports import Action
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochExists
from worktab.epochs.policy import FixedRate
from worktab.roles.attesting import Attestor, FinalizeOutcome
from worktab.roles.root_proofs import RootProof
from worktab.roles.roots import RootClaimer

OTHER = sha256(b"other").digest()
PAY = 2 * ABC_UNITS
"""Base units for one job."""


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet, devices=3)
    yield made
    made.close()


async def work(scene: Scene, *, cheat: bool) -> None:
    """Every device does a job, the last one of them falsely if asked, and the epoch ends."""
    *honest, last = scene.parties
    for party in honest:
        party.worker.work()
    if cheat:
        last.worker.claim(output=OTHER)
    else:
        last.worker.work()
    for member in scene.members:
        member.take(*(party.receipt() for party in scene.parties))
    await scene.end_epoch()


async def own_data(member: Member) -> EpochData:
    """What a member builds of the newest epoch that is over."""
    attestor = member.attestor()
    chain = await attestor._read()
    epoch = chain.terms.newest_over(chain.now)
    made = await attestor.judge.own(epoch, attestor.judge.accepted.base(epoch, chain.network, chain.terms), chain.terms)
    assert made is not None
    return made


async def make_final(scene: Scene, member: Member) -> None:
    await scene.tick((await scene.network()).challenge_delay)
    [(_, done)] = (await scene.look(member, finalize=True)).finalized
    assert done.outcome is FinalizeOutcome.FINAL  # type: ignore[union-attr]


async def claim_all(scene: Scene, data: EpochData) -> list[int]:
    """Claim for every party; what each has been paid in all."""
    tree, claimer = data.tree(), RootClaimer(scene.fleet.sender, scene.fleet.network)
    for party in scene.parties:
        position = data.position(bytes(party.owner.pubkey()))
        if position is not None:
            payee = data.payees[position]
            siblings = tuple(tree.siblings(position))
            proof = RootProof(
                position, party.owner.pubkey(), int(payee["reward"]), payee["devices_root"].tobytes(), siblings
            )
            await claimer.claim(proof)
    return [await scene.fleet.mint.balance(party.owner.pubkey()) for party in scene.parties]


async def test_a_cheat_is_excluded_and_everybody_else_is_paid(scene: Scene) -> None:
    first, second, third = scene.members
    cheat = scene.parties[-1]
    # An epoch of honest work: what the cheat earned with it stays.
    await work(scene, cheat=False)
    await scene.look(first, commit=True)
    await scene.look(second)
    await make_final(scene, first)
    assert await claim_all(scene, EpochData.read(first.published, 0)) == [PAY, PAY, PAY]

    # One attestor does not look at records, and commits; another one convicts the cheat.
    await work(scene, cheat=True)
    lie = await own_data(first)
    epoch = lie.epoch
    assert epoch > 0
    lie.write(first.published)
    await Attestor(scene.fleet.sender, scene.fleet.network, first.key).commit(lie.commitment())
    bad = await scene.only()
    report = await scene.look(second, commit=True)
    assert [each.action for each in report.judged] == [Action.NONE]
    assert report.committed is not None
    assert [each.reason for each in report.committed.objections] == [Reason.RECORD_FAILED]
    assert report.convicted == (cheat.address,)
    facts = report.to_json()
    assert facts["convicted"] == [str(cheat.address)]
    assert f'policy file of all attestors: exclude = ["{cheat.address}"]' in facts["next_step"]

    # All attestors exclude it. The first takes its approval back and commits anew, over its own folder.
    for member in scene.members:
        member.policy = FixedRate((cheat.address,))
    report = await scene.look(first, commit=True)
    [judged] = report.judged
    assert (judged.view.address, judged.action) == (bad.address, Action.WITHDRAWN)
    assert judged.verdict is not None
    assert [each.reason for each in judged.verdict.objections] == [Reason.UNKNOWN_POLICY]
    assert report.convicted == ()
    assert report.committed is not None
    good = report.committed.address
    assert good is not None
    data = EpochData.read(first.published, epoch)
    assert data.manifest.hash() == report.committed.commitment.data  # type: ignore[union-attr]
    assert data.manifest.policy == {"policy": "fixed-rate", "exclude": [str(cheat.address)]}

    report = await scene.look(second, commit=True)
    assert {each.view.address: each.action for each in report.judged} == {
        bad.address: Action.NONE,
        good: Action.APPROVED,
    }
    await make_final(scene, third)
    network = await scene.network()
    assert (network.root_epoch, network.root, network.root_total) == (epoch, data.manifest.root, 5 * PAY)
    assert await claim_all(scene, data) == [2 * PAY, 2 * PAY, PAY]

    # What is final is not built otherwise any more.
    with pytest.raises(EpochExists, match=f"epoch {epoch} is final"):
        first.attestor().judge.accepted.put(lie, network)
    assert EpochData.read(first.published, epoch).manifest == data.manifest


async def test_approval_of_the_old_data_is_taken_back_before_they_go(scene: Scene) -> None:
    first, second, _ = scene.members
    cheat = scene.parties[-1]
    await work(scene, cheat=False)
    await scene.look(first, commit=True)
    await scene.look(second)
    old = await scene.only()
    assert len(old.approving(await scene.network())) == 2
    # The new one is there before the second looks: it takes its approval back, then approves.
    for member in (first, second):
        member.policy = FixedRate((cheat.address,))
    await scene.look(first, commit=True)
    report = await scene.look(second)
    assert sorted(each.action for each in report.judged) == [Action.APPROVED, Action.WITHDRAWN]
    network = await scene.network()
    views = {view.address: view for view in await scene.fleet.operator.reader.epochs()}
    assert views.pop(old.address).approving(network) == ()
    [new] = views.values()
    assert set(new.approving(network)) == {first.key.pubkey(), second.key.pubkey()}
    assert EpochData.read(second.published, 0).manifest.hash() == new.account.data
    history = await scene.fleet.chain.history(new.address)
    withdrawn, approved = (await scene.fleet.chain.history(old.address))[0], history[0]
    assert withdrawn.slot < approved.slot


async def test_another_policy_is_refused_until_everybody_has_it(scene: Scene) -> None:
    first, second, _ = scene.members
    cheat = scene.parties[-1]
    await work(scene, cheat=True)
    first.policy = FixedRate((cheat.address,))
    await scene.look(first, commit=True)
    [judged] = (await scene.look(second)).judged
    assert judged.verdict is not None
    assert [each.reason for each in judged.verdict.objections] == [Reason.UNKNOWN_POLICY]
    second.policy = first.policy
    [judged] = (await scene.look(second)).judged
    assert (judged.action, judged.verdict is not None and judged.verdict.same) == (Action.APPROVED, True)
