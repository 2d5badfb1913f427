"""update_device: each thing that may change, by whom, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.builders import signed, unsigned
from support.parties import NOBODY
from support.world import World
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID
from worktab.core.keys import Signer
from worktab.program.generated.events import DeviceUpdated
from worktab.program.generated.types import NewKey

EVIDENCE = bytes([0xEE] * 32)


def new_key(signer: Signer, possession: bytes | None = None) -> NewKey:
    return NewKey(signer.public.raw33, int(signer.public.kind), possession)


def test_an_empty_update_changes_nothing(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=9)
    before = world.data(device.address), world.data(network.address)

    event = world.send(world.update(device)).event()

    assert event == DeviceUpdated(device.address, device.owner.pubkey(), device.payout.pubkey(), 9, False)
    assert (world.data(device.address), world.data(network.address)) == before


def test_payout_and_evidence_change_at_once(world: World) -> None:
    network = world.network()
    device = world.device(network)
    before, wallet = world.read_device(device), world.keypair().pubkey()

    event = world.send(world.update(device, payout=wallet)).event()
    assert event.payout == wallet
    assert world.read_device(device) == replace(before, payout=wallet)

    assert world.send(world.update(device, evidence=EVIDENCE)).ok
    assert world.read_device(device) == replace(before, payout=wallet, evidence=EVIDENCE)
    assert world.send(world.update(device, evidence=bytes(32))).ok
    assert world.read_device(device) == replace(before, payout=wallet)


def test_what_is_owed_goes_to_the_new_payout(world: World) -> None:
    network = world.network()
    device = world.device(network)
    wallet = world.keypair()
    network.mint.open(wallet.pubkey())
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    assert world.send(world.update(device, payout=wallet.pubkey())).ok

    assert world.send(world.claim([device], device.payout, network)).event().amount == 0
    assert world.send(world.claim([device], wallet, network)).event().amount == 10
    assert (world.balance(device.payout), world.balance(wallet)) == (0, 10)


def test_a_payout_or_owner_that_leads_nowhere_is_refused(world: World) -> None:
    network = world.network()
    device = world.device(network)

    for update in (
        world.update(device, payout=NOBODY),
        world.update(device, payout=network.address),
        world.update(device, new_owner=NOBODY),
    ):
        assert world.send(update).error_name == "InvalidParameter"


def test_a_new_owner_has_all_the_powers_and_the_old_none(world: World) -> None:
    network = world.network()
    device = world.device(network)
    heir = world.keypair()
    before = world.read_device(device)

    event = world.send(world.update(device, new_owner=heir.pubkey())).event()

    assert event.owner == heir.pubkey()
    assert world.read_device(device) == replace(before, owner=heir.pubkey())
    assert world.send(world.update(device, evidence=EVIDENCE)).error_name == "Unauthorized"
    assert world.send(world.retire(device)).error_name == "Unauthorized"
    taken = replace(device, owner=heir)
    assert world.send(world.update(taken, evidence=EVIDENCE)).ok
    assert world.send(world.retire(taken)).event().closed


@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 2), (2, 1), (2, 2)], ids=str)
def test_a_new_key_takes_over_with_its_proof(world: World, old: int, new: int) -> None:
    network = world.network()
    make: dict[int, Callable[[], Signer]] = {1: world.ed25519, 2: world.p256}
    device = world.device(network, signer=make[old]())
    signer = make[new]()
    before = world.read_device(device)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    old_receipt = world.receipt(device, 2, 20)

    event = world.send(world.possession(device, signer=signer), world.update(device, key=new_key(signer))).event()

    assert event == DeviceUpdated(device.address, device.owner.pubkey(), device.payout.pubkey(), 1_000, True)
    held = world.read_device(device)
    assert (held.key, held.key_kind) == (signer.public.raw33, new)
    assert (held.seq, held.index, held.receipt_context) == (1, before.index, before.receipt_context)
    assert world.send(old_receipt).error_name == "InvalidProof"
    assert world.send(world.receipt(replace(device, signer=signer), 2, 20)).event().reward == 10


def test_a_new_key_may_sign_the_transaction_itself(world: World) -> None:
    device = world.device(world.network())
    signer = world.ed25519()
    key = Pubkey(signer.public.public_bytes)
    message = world.possession_message(device, signer=signer)
    update = world.update(device, key=new_key(signer, message), proof=key)

    assert world.send(update).error_name == "InvalidProof"
    assert world.send(signed(update, key)).ok
    assert world.read_device(device).key == signer.public.raw33


def test_a_new_key_without_a_proof_of_its_own_is_refused(world: World) -> None:
    network = world.network()
    device, sibling = world.device(network), world.device(network)
    signer = world.ed25519()
    update = world.update(device, key=new_key(signer))
    stranger = world.keypair().pubkey()
    proofs = {
        "InvalidProof": [
            [],
            [world.possession(device)],
            [world.native(device.signer, world.possession_message(device, signer=signer))],
        ],
        "InvalidPossession": [
            [world.possession(sibling, signer=signer)],
            [world.possession(device, signer=signer, owner=stranger)],
            [world.native(signer, world.possession_message(device))],
        ],
    }
    before = world.data(device.address)
    for error, each in proofs.items():
        for proof in each:
            assert world.send(proof, update).error_name == error
    assert world.data(device.address) == before


def test_the_first_key_keeps_its_address_for_good(world: World) -> None:
    network = world.network()
    device = world.device(network)
    signer = world.ed25519()
    assert world.send(world.possession(device, signer=signer), world.update(device, key=new_key(signer))).ok

    again, terms = world.plan(network, signer=device.signer)

    assert again.address == device.address
    assert world.send(world.possession(again), world.register(again, terms)).error == "Custom(0)"


def test_all_at_once(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=10)
    signer, wallet, heir = world.p256(), world.keypair().pubkey(), world.keypair().pubkey()
    before = world.read_device(device)
    update = world.update(device, key=new_key(signer), capacity=20, payout=wallet, evidence=EVIDENCE, new_owner=heir)

    # The key is proven to the owner who signs, not to the one who comes.
    too_early = world.possession(device, signer=signer, owner=heir)
    assert world.send(too_early, update).error_name == "InvalidPossession"
    event = world.send(world.possession(device, signer=signer), update).event()

    assert event == DeviceUpdated(device.address, heir, wallet, 20, True)
    assert world.read_device(device) == replace(
        before,
        key=signer.public.raw33,
        key_kind=2,
        next_capacity=20,
        payout=wallet,
        evidence=EVIDENCE,
        owner=heir,
    )


def test_one_bad_part_refuses_the_whole(world: World) -> None:
    network = world.network()
    device = world.device(network, capacity=10)
    signer = world.p256()
    before = world.data(device.address), world.data(network.address)

    update = world.update(device, key=new_key(signer), capacity=20, evidence=EVIDENCE, new_owner=NOBODY)

    assert world.send(world.possession(device, signer=signer), update).error_name == "InvalidParameter"
    assert (world.data(device.address), world.data(network.address)) == before


def test_only_the_owner_updates(world: World) -> None:
    network = world.network()
    device = world.device(network)
    other = world.device(network)

    for stranger in (network.authority, device.payout, other.owner):
        update = world.update(device, evidence=EVIDENCE, owner=stranger.pubkey())
        assert world.send(update).error_name == "Unauthorized"
    key = Pubkey(device.signer.public.public_bytes)
    assert world.send(world.update(device, owner=key)).error_name == "Unauthorized"
    update = unsigned(world.update(device, evidence=EVIDENCE), device.owner.pubkey())
    assert world.send(update).error == "MissingRequiredSignature"


def test_a_device_of_another_network_is_refused(world: World) -> None:
    first, second = world.network(), world.network()
    device = world.device(first)

    for update in (
        world.update(device, network=second.address),
        world.update(device, capacity=1, network=second.address),
    ):
        assert world.send(update).error_name == "WrongNetwork"


@pytest.mark.parametrize("status", [0, 2, 3, 255])
def test_a_device_that_is_not_active_keeps_its_key_and_capacity(world: World, status: int) -> None:
    device = world.device(world.network())
    signer = world.ed25519()
    world.patch_device(device, status=status)
    before = world.read_device(device)
    proof = world.possession(device, signer=signer)

    for capacity in (0, 1_000, 1_001):
        assert world.send(world.update(device, capacity=capacity)).error_name == "DeviceInactive"
    assert world.send(proof, world.update(device, key=new_key(signer))).error_name == "DeviceInactive"
    both = world.update(device, capacity=0, payout=world.keypair().pubkey())
    assert world.send(both).error_name == "DeviceInactive"
    assert world.read_device(device) == before

    assert world.send(world.update(device, evidence=EVIDENCE)).ok
    assert world.read_device(device) == replace(before, evidence=EVIDENCE)


def test_the_owner_of_a_retired_device_still_says_where_its_pay_goes(world: World) -> None:
    network = world.network()
    device = world.device(network)
    wallet, heir = world.keypair(), world.keypair()
    network.mint.open(wallet.pubkey())
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    assert world.send(world.retire(device)).event().closed is False

    assert world.send(world.update(device, payout=wallet.pubkey(), new_owner=heir.pubkey())).ok

    assert world.send(world.claim([device], wallet, network)).event().amount == 10
    assert world.send(world.retire(device)).error_name == "Unauthorized"
    assert world.send(world.retire(replace(device, owner=heir))).event().closed is True


def test_without_a_new_key_the_proof_is_not_looked_at(world: World) -> None:
    device = world.device(world.network())

    assert world.send(world.update(device, evidence=EVIDENCE, proof=world.keypair().pubkey())).ok
    assert world.update(device).accounts[3].pubkey == INSTRUCTIONS_SYSVAR_ID
