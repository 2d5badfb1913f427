"""The proofs of an epoch: those the program takes, of payees and of devices, and pages that give the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from solders.keypair import Keypair

from support.fleet import StartFleet
from support.proving import Publisher, device_of, epoch_data, people
from support.rooted import Rooted
from worktab.core.errors import InputError, VerificationError
from worktab.core.merkle import Tree, device_leaf
from worktab.epochs.data import EpochData
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.errors import DeviceUnknown, PayeeUnknown
from worktab.epochs.proofs.pages import PayeePage


async def test_every_payee_is_paid_with_its_proof(start_fleet: StartFleet, tmp_path: Path) -> None:
    rooted = await Rooted.start(start_fleet)
    publisher, named = Publisher(rooted, tmp_path), people(10, (20, 5), 30, 1, 1, 1, 7)
    await publisher.publish(0, named)
    book = ProofBook(EpochData.read(tmp_path, 0))
    network = await rooted.network()
    for position, person in enumerate(named):
        proof = book.proof(person.payout)
        assert (proof.position, proof.payout, proof.lifetime_reward) == (position, person.payout, person.reward)
        assert proof.is_in(network)
        claim = await rooted.claimer.claim(proof)
        assert claim.amount == person.reward
        assert await rooted.fleet.mint.balance(person.payout) == person.reward


@pytest.mark.parametrize("count", [1, 2, 3, 511, 1_023, 1_024, 1_025, 2_500])
def test_pages_give_the_proofs_of_the_book(count: int) -> None:
    named = people(*range(1, count + 1))
    book = ProofBook(epoch_data(named, epoch=3))
    tree = Tree(epoch_data(named, epoch=3).leaves())
    assert book.root.pages == -(-count // 1_024)
    for number in range(book.root.pages):
        page = PayeePage.read(book.page(number), book.root, number)
        for position in {page.first, page.first + len(page.rows) // 2, page.first + len(page.rows) - 1}:
            proof = page.proof(position)
            assert proof == book.proof(named[position].payout)
            assert proof.siblings == tree.siblings(position)
            mine = page.devices(book.device_page(number), position)
            assert mine["reward"].tolist() == [position + 1]


def test_devices_are_proven_under_their_payee() -> None:
    named = people((10, 20, 30), 4)
    book = ProofBook(epoch_data(named))
    proofs = book.devices(named[0].payout)
    assert [proof.reward for proof in proofs] == [10, 20, 30]
    assert [proof.units for proof in proofs] == [30, 60, 90]
    assert [proof.device for proof in proofs] == [device_of(named[0], number) for number in range(3)]
    for rank, proof in enumerate(proofs):
        proof.verify()
        assert proof.leaf == device_leaf(rank, proof.units, proof.reward, b"h" * 32)
        assert proof.devices_root == book.proof(named[0].payout).devices_root
        with pytest.raises(VerificationError):
            replace(proof, reward=proof.reward + 1).verify()
        with pytest.raises(VerificationError):
            replace(proof, rank=proof.rank ^ 1).verify()
    assert book.devices(named[0].payout, 1, 1) == [proofs[1]]
    assert book.devices(named[0].payout, 3, 9) == []
    assert book.device_count(named[0].payout) == 3
    assert book.device(device_of(named[1], 0)) == book.devices(named[1].payout)


def test_a_device_that_changed_its_payout_has_a_row_under_each() -> None:
    data = epoch_data(people(5, 6))
    devices = data.devices.copy()
    devices["device"][1] = devices["device"][0]
    devices["active"][0] = 0
    moved = EpochData.seal(data.manifest, data.payees, devices, data.registrations, data.receipts, {})
    book = ProofBook(moved)
    found = book.device(book.devices(book.proof_at(0).payout)[0].device)
    assert [(each.position, each.reward, each.active) for each in found] == [(0, 5, False), (1, 6, True)]
    for each in found:
        each.verify()


def test_what_is_not_there_is_told() -> None:
    book = ProofBook(epoch_data(people(1, 2)))
    stranger = Keypair().pubkey()
    assert book.position(stranger) is None
    with pytest.raises(PayeeUnknown) as unknown:
        book.proof(stranger)
    assert unknown.value.code == "payee_unknown"
    with pytest.raises(PayeeUnknown):
        book.devices(stranger)
    with pytest.raises(DeviceUnknown) as unknown_device:
        book.device(stranger)
    assert unknown_device.value.code == "device_unknown"
    with pytest.raises(InputError):
        book.proof_at(2)


def test_addresses_that_begin_alike_are_told_apart() -> None:
    data = epoch_data(people(*range(1, 40)))
    payees = data.payees.copy()
    payees["payout"][:, :8] = 7
    payees["payout"][5, 8:] = 0
    payees["payout"][6, 8:] = 255
    alike = EpochData.seal(data.manifest, payees, data.devices, data.registrations, data.receipts, {})
    book = ProofBook(alike)
    for position in range(39):
        proof = book.proof_at(position)
        assert book.position(proof.payout) == position


def test_rows_that_do_not_give_the_root_are_refused() -> None:
    data = epoch_data(people(1, 2, 3))
    payees = data.payees.copy()
    payees["reward"][1] += np.uint64(1)
    with pytest.raises(VerificationError, match="do not give its root"):
        ProofBook(replace(data, payees=payees))
