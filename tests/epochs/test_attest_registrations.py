"""Registrations that others published: enrolments that were lacking, and what is not as the chain has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from solders.keypair import Keypair

from support.attesting import ABC_UNITS, Member, Party, Scene, Worker
from support.attesting_acts import all_work, commit_by_hand, commit_changed
from support.chains import pass_blocks
from support.fleet import StartFleet
from worktab.core.enrolments import Enrolment, SignedEnrolment
from worktab.core.keys import Ed25519Signer
from worktab.core.messages import Message
from worktab.epochs.attesting.reports import Action, Report
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import FixedRate
from worktab.epochs.runners import LocalRunner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import from_enrolment
from worktab.ingest.rows import RECEIPT
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.roles.attesting import Attestor
from worktab.roles.device import Device
from worktab.roles.owner import Owner


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet, devices=1)
    yield made
    made.close()


class Registered:
    """A device with an account on chain, and its worker."""

    def __init__(self, scene: Scene, device: Device, owner: Owner) -> None:
        self.scene, self.device, self.owner = scene, device, owner
        self.worker = Worker(scene.folder / "devices", device.device)

    async def receipt(self) -> bytes:
        account = await self.scene.fleet.read(self.device.device)
        state = self.worker.state
        message = Message.receipt(account.receipt_context, state.seq, state.units, self.scene.now, state.head).encode()
        return bytes(self.device.device) + message + self.device.signer.sign(message)

    async def patch(self, **fields: Any) -> None:
        """Write fields into the account past every rule."""
        chain, address = self.scene.fleet.chain, self.device.device
        account = await chain.account(address)
        assert account is not None
        data = replace(DeviceAccount.decode(account.data), **fields).encode()
        await self.scene.fleet.set_account(address, replace(account, data=data))


@pytest.fixture
async def registered(scene: Scene) -> AsyncIterator[Registered]:
    owner = scene.fleet.owner()
    made = Registered(scene, await scene.fleet.device(owner=owner), owner)
    await scene.fleet.next_epoch()
    await scene.tick()
    yield made
    made.worker.close()


async def mirrored(member: Member, *receipts: bytes) -> EpochTerms:
    """The member's store, as the chain is now, with these receipts."""
    terms = (await member.attestor()._read()).terms
    member.take(*receipts)
    return terms


async def lie(scene: Scene, member: Member, terms: EpochTerms, epoch: int, **fields: Any) -> None:
    """Commit to what the member has, with other fields in every registration on chain."""
    inputs = member.store.inputs(epoch)
    registrations = inputs.registrations.copy()
    ours = registrations["enrolled"] == 0
    for name, value in fields.items():
        registrations[name][ours] = value
    made = Inputs(epoch, registrations, inputs.receipts)
    data = build(None, made, terms, FixedRate(), runner=LocalRunner(1))
    data.write(member.published)
    await Attestor(scene.fleet.sender, scene.fleet.network, member.key).commit(data.commitment())


def objections(report: Report) -> list[tuple[Reason, int]]:
    [judged] = report.judged
    assert judged.verdict is not None
    return [(each.reason, each.count) for each in judged.verdict.objections]


async def test_a_device_on_chain_is_attested_to_like_an_enrolled_one(scene: Scene, registered: Registered) -> None:
    first, second, _ = scene.members
    registered.worker.work(b"abc", b"abc")
    receipt = await registered.receipt()
    for member in (first, second):
        await mirrored(member, receipt)
    await scene.end_epoch()
    registered.worker.bundle(scene.evidence)
    report = await scene.look(first, commit=True)
    assert report.committed is not None
    assert report.committed.sample is not None
    assert (report.committed.sample.checked, report.committed.sample.failed) == (2, 0)
    report = await scene.look(second)
    assert report.judged[0].action is Action.APPROVED
    assert (await scene.only()).account.total == 2 * 2 * ABC_UNITS


async def test_units_that_receipts_paid_are_not_paid_again(scene: Scene, registered: Registered) -> None:
    first, second, third = scene.members
    registered.worker.work(b"abc", b"abc")
    await registered.patch(units=ABC_UNITS, units_for_roots=0, seq=1)
    receipt = await registered.receipt()
    for member in scene.members:
        terms = await mirrored(member, receipt)
    await scene.end_epoch()
    registered.worker.bundle(scene.evidence)
    await lie(scene, first, terms, 1, baseline=0)
    report = await scene.look(second, commit=True)
    assert objections(report) == [(Reason.BASELINE_TOO_LOW, 1)]
    assert report.judged[0].verdict is not None
    assert report.judged[0].verdict.objections[0].devices == (registered.device.device,)
    assert report.judged[0].action is Action.NONE
    # Only what is above the baseline is paid for, and drawn by it.
    assert report.committed is not None
    assert report.committed.commitment is not None
    assert (report.committed.commitment.total, report.committed.commitment.units) == (2 * ABC_UNITS, ABC_UNITS)
    assert report.committed.sample is not None
    assert report.committed.sample.new_units == ABC_UNITS
    actions = {each.view.address: each.action for each in (await scene.look(third)).judged}
    assert actions[report.committed.address] is Action.APPROVED  # type: ignore[index]


@pytest.mark.parametrize("field", ["payout", "capacity"])
async def test_another_payout_or_capacity_than_on_chain_is_refused(
    scene: Scene, registered: Registered, field: str
) -> None:
    first, second, _ = scene.members
    registered.worker.work(b"abc")
    receipt = await registered.receipt()
    for member in (first, second):
        terms = await mirrored(member, receipt)
    await scene.end_epoch()
    thief = np.frombuffer(bytes(Keypair().pubkey()), "u1")
    await lie(scene, first, terms, 1, **{field: thief if field == "payout" else 500_000})
    report = await scene.look(second)
    assert objections(report) == [(Reason.REGISTRATION_DIFFERS, 1)]


async def test_a_device_that_the_chain_does_not_know_is_refused(scene: Scene, registered: Registered) -> None:
    first, second, _ = scene.members
    registered.worker.work(b"abc")
    terms = await mirrored(first, await registered.receipt())
    await registered.patch(status=2)
    await mirrored(second)
    await scene.end_epoch()
    await lie(scene, first, terms, 1)
    found = dict(objections(await scene.look(second)))
    assert found == {Reason.REGISTRATION_DIFFERS: 1}


async def test_work_that_nobody_paid_is_not_left_out(scene: Scene) -> None:
    first, second, _ = scene.members
    await all_work(scene, jobs=2)
    await commit_changed(scene, first, lambda rows: rows.__setitem__("baseline", 2 * ABC_UNITS - 1))
    report = await scene.look(second, commit=True)
    assert objections(report) == [(Reason.UNITS_LEFT_OUT, 1)]
    assert report.judged[0].action is Action.NONE
    assert report.committed is not None
    assert report.committed.commitment is not None
    assert report.committed.commitment.total == 2 * 2 * ABC_UNITS


async def test_an_enrolment_has_the_capacity_of_its_class(scene: Scene) -> None:
    first, second, _ = scene.members
    await all_work(scene)
    await commit_changed(scene, first, lambda rows: rows.__setitem__("capacity", 1))
    assert objections(await scene.look(second)) == [(Reason.REGISTRATION_DIFFERS, 1)]


async def test_another_key_than_the_address_is_made_from_is_proof(scene: Scene, registered: Registered) -> None:
    first, second, _ = scene.members
    registered.worker.work(b"abc")
    terms = await mirrored(first, await registered.receipt())
    await mirrored(second)
    await scene.end_epoch()
    key = Ed25519Signer.generate()
    account = await scene.fleet.read(registered.device.device)
    state = registered.worker.state
    message = Message.receipt(account.receipt_context, state.seq, state.units, scene.now - 4_000, state.head).encode()
    forged = bytes(registered.device.device) + message + key.sign(message)
    registrations = first.store.inputs(1).registrations.copy()
    ours = registrations["enrolled"] == 0
    registrations["key"][ours] = np.frombuffer(key.public.raw33, "u1")
    inputs = Inputs(1, registrations, np.frombuffer(forged, RECEIPT))
    await commit_by_hand(scene, first, build(None, inputs, terms, FixedRate(), runner=LocalRunner(1)))
    report = await scene.look(second)
    assert objections(report) == [(Reason.INVALID_SIGNATURE, 1)]
    assert report.judged[0].verdict is not None
    assert report.judged[0].verdict.proven


@pytest.mark.parametrize("change", ["retired", "payout", "capacity"])
async def test_what_changes_on_chain_after_the_epoch_holds_up_nobody(
    scene: Scene, registered: Registered, change: str
) -> None:
    first, second, third = scene.members
    registered.worker.work(b"abc")
    receipt = await registered.receipt()
    for member in scene.members:
        await mirrored(member, receipt)
    await scene.tick(1_000)
    await scene.end_epoch()
    registered.worker.bundle(scene.evidence)
    await scene.look(first, commit=True)
    if change == "retired":
        await registered.owner.retire(registered.device.device)
    elif change == "payout":
        await registered.owner.update(registered.device.device, payout=Keypair().pubkey())
    else:
        await registered.patch(capacity=5, next_capacity=5)
    for member in (second, third):
        report = await scene.look(member)
        assert (objections(report), report.judged[0].action) == ([], Action.APPROVED)


async def test_what_changed_on_chain_before_the_epoch_ended_counts(scene: Scene, registered: Registered) -> None:
    first, second, _ = scene.members
    registered.worker.work(b"abc")
    receipt = await registered.receipt()
    for member in (first, second):
        terms = await mirrored(member, receipt)
    stale = first.store.inputs(1).registrations["payout"].copy()
    attestor = second.attestor()
    await attestor._read()
    await registered.patch(payout=Keypair().pubkey())
    await attestor._read()
    await scene.end_epoch()
    await lie(scene, first, terms, 1, payout=stale[0])
    await pass_blocks(scene.fleet.chain, 2)
    assert objections(await attestor.look()) == [(Reason.REGISTRATION_DIFFERS, 1)]


async def test_a_newer_enrolment_holds_up_nobody(scene: Scene) -> None:
    first, second, third = scene.members
    await all_work(scene)
    await scene.look(first, commit=True)
    party = scene.parties[0]
    newer = Enrolment(party.signer.public, party.owner.pubkey(), Keypair().pubkey(), class_=0, serial=2)
    signed = SignedEnrolment.sign(
        newer,
        domain=scene.domain,
        program_id=bytes(PROGRAM_ID),
        network=bytes(scene.fleet.network),
        owner=party.owner,
        key=party.signer,
    )
    for member in (second, third):
        assert not member.store.put_enrolments(from_enrolment(signed)).any()
        report = await scene.look(member)
        assert (objections(report), report.judged[0].action) == ([], Action.APPROVED)


async def test_an_enrolment_that_was_lacking_is_checked_and_taken_over(scene: Scene) -> None:
    first, second, _ = scene.members
    new = Party(scene.folder / "devices", scene)
    first.know(new)
    old = scene.parties[0]
    scene.parties.append(new)
    for party in scene.parties:
        party.worker.work()
    receipts = old.receipt(), new.receipt()
    first.take(*receipts)
    second.take(receipts[0])
    await scene.end_epoch()
    await scene.look(first, commit=True)
    report = await scene.look(second)
    [judged] = report.judged
    assert judged.verdict is not None
    assert (judged.verdict.objections, judged.verdict.same, judged.verdict.merged) == ((), True, 1)
    assert judged.action is Action.APPROVED
    assert len(second.store.newest(bytes(new.address))) == 1


async def test_an_enrolment_that_the_owner_did_not_sign_is_refused(scene: Scene) -> None:
    first, second, _ = scene.members
    new = Party(scene.folder / "devices", scene)
    first.know(new)
    scene.parties.append(new)
    for party in scene.parties:
        party.worker.work()
    first.take(*(each.receipt() for each in scene.parties))
    await scene.end_epoch()
    chain = await first.attestor()._read()
    true = await first.attestor().judge.own(0, None, chain.terms)
    assert true is not None
    registrations = np.array(true.registrations)
    forged = np.flatnonzero((registrations["device"] == np.frombuffer(bytes(new.address), "u1")).all(axis=1))
    registrations["owner_signature"][forged, 3] ^= 1
    made = EpochData.seal(true.manifest, true.payees, true.devices, registrations, true.receipts, {})
    made.write(first.published)
    await Attestor(scene.fleet.sender, scene.fleet.network, first.key).commit(made.commitment())
    found = dict(objections(await scene.look(second)))
    assert found[Reason.INVALID_SIGNATURE] == 1
    assert Reason.DIFFERENT_ROOT in found
    assert not len(second.store.newest(bytes(new.address)))
