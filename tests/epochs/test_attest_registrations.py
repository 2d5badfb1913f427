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
from support.fleet import StartFleet
from worktab.core.messages import Message
from worktab.epochs.attesting.reports import Action, Report
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.building import build
from worktab.epochs.data import EpochData
from worktab.epochs.policy import FixedRate
from worktab.epochs.runners import LocalRunner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.inputs import Inputs
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.roles.attesting import Attestor
from worktab.roles.device import Device


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet, devices=1)
    yield made
    made.close()


class Registered:
    """A device with an account on chain, and its worker."""

    def __init__(self, scene: Scene, device: Device) -> None:
        self.scene, self.device = scene, device
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
    made = Registered(scene, await scene.fleet.device())
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
