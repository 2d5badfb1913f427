"""Proofs that a device's key is held: in which form they count, and that a copied one is worthless."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from support.builders import put, signed
from support.parties import Device, Network
from support.svm import Result
from support.world import World
from worktab.core import contexts
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, SECP256R1_PROGRAM_ID
from worktab.core.messages import Message
from worktab.core.native import signature_instruction_data
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.types import DeviceTerms, NewKey

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def planned(world: World, kind: str = "Ed25519") -> tuple[Device, DeviceTerms]:
    return world.plan(world.network(), signer=world.ed25519() if kind == "Ed25519" else world.p256())


def address_of(network: Network, kind: int, key: bytes) -> Pubkey:
    """A device's address, also for keys that the SDK would not let pass."""
    seed = hashlib.sha256(bytes([kind]) + key).digest()
    return Pubkey.find_program_address([b"device", bytes(network.address), seed], PROGRAM_ID)[0]


def register(world: World, device: Device, terms: DeviceTerms, *before: Instruction) -> Result:
    """Registers with other instructions in front; what is refused must leave nothing behind."""
    result = world.send(before, world.register(device, terms))
    assert result.ok == (world.account(device.address) is not None)
    return result


def proof_of(
    world: World,
    device: Device,
    *,
    domain: bytes | None = None,
    address: Pubkey | None = None,
    owner: Pubkey | None = None,
) -> Instruction:
    """A signature by the device's key over a possession message with parts of its context replaced."""
    key = device.signer.public
    context = contexts.key_context(
        domain or device.network.domain, address or device.address, key.kind, key.raw33, owner or device.owner.pubkey()
    )
    return world.native(device.signer, Message.key_possession(context).encode())


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_a_proof_for_something_else_is_refused(world: World, kind: str) -> None:
    device, terms = planned(world, kind)
    network, other = device.network, world.network()
    stranger = world.keypair().pubkey()
    copied = {
        "another owner": proof_of(world, device, owner=stranger),
        "another device": proof_of(world, device, address=stranger),
        "another network": proof_of(world, device, domain=other.domain),
        "another cluster": proof_of(world, device, domain=contexts.domain(bytes(32), PROGRAM_ID, network.address)),
    }
    for name, proof in copied.items():
        assert register(world, device, terms, proof).error_name == "InvalidPossession", name
    assert register(world, device, terms, world.possession(device)).ok


def test_a_proof_copied_by_another_owner_is_refused(world: World) -> None:
    device, terms = planned(world)
    thief = replace(device, owner=world.keypair())

    assert register(world, thief, terms, world.possession(device)).error_name == "InvalidPossession"


def test_a_proof_for_another_key_of_the_device_is_refused(world: World) -> None:
    device, terms = planned(world)
    message = world.possession_message(device, signer=world.ed25519())

    assert register(world, device, terms, world.native(device.signer, message)).error_name == "InvalidPossession"


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_a_proof_by_another_key_is_refused(world: World, kind: str) -> None:
    device, terms = planned(world, kind)
    message = world.possession_message(device)
    for stranger in (world.ed25519(), world.p256()):
        assert register(world, device, terms, world.native(stranger, message)).error_name == "InvalidProof"


@pytest.mark.parametrize("offset", [0, 3, 4, 5, 7, 8, 39, 40, 48, 56, 64, 72, 103])
def test_every_byte_of_the_message_counts(world: World, offset: int) -> None:
    device, terms = planned(world)
    message = world.possession_message(device)
    altered = put(message, {offset: bytes([message[offset] ^ 1])})

    proof = world.native(device.signer, altered)

    assert register(world, device, terms, proof).error_name == "InvalidPossession"


def test_a_receipt_is_no_proof(world: World) -> None:
    device, terms = planned(world)
    context = world.possession_message(device)[8:40]
    receipt = world.native(device.signer, world.receipt_message(device, 1, 1, context=context))

    assert register(world, device, terms, receipt).error_name == "InvalidPossession"


def test_a_proof_must_stand_right_before_the_instruction(world: World) -> None:
    device, terms = planned(world)
    proof, other = world.possession(device), world.native(world.ed25519(), bytes(104))

    assert register(world, device, terms).error_name == "InvalidProof"
    assert register(world, device, terms, proof, other).error_name == "InvalidProof"
    after = world.send(world.register(device, terms), proof)
    assert after.error_name == "InvalidProof"
    assert register(world, device, terms, other, proof).ok


def test_one_proof_serves_one_instruction(world: World) -> None:
    network = world.network()
    first, terms = world.plan(network)
    second, others = world.plan(network)
    second = replace(second, index=1)

    shared = world.send(world.possession(first), world.register(first, terms), world.register(second, others))
    assert (shared.error_name, shared.instruction) == ("InvalidProof", 2)

    assert world.send(
        world.possession(first),
        world.register(first, terms),
        world.possession(second),
        world.register(second, others),
    ).ok


def test_only_the_true_instructions_sysvar_shows_signatures(world: World) -> None:
    device, terms = planned(world)
    copy = world.keypair().pubkey()
    world.set_account(copy, bytes(4096), INSTRUCTIONS_SYSVAR_ID)

    for proof in (copy, device.owner.pubkey(), Pubkey(device.signer.public.public_bytes)):
        refused = world.send(world.possession(device), world.register(device, terms, proof=proof))
        assert refused.error_name == "InvalidProof"


def test_a_shown_message_needs_the_keys_own_signature(world: World) -> None:
    device, terms = planned(world)
    key, message = Pubkey(device.signer.public.public_bytes), world.possession_message(device)
    owner = device.owner.pubkey()
    for proof in (key, owner, INSTRUCTIONS_SYSVAR_ID):
        shown = world.register(device, terms, possession=message, proof=proof)
        assert world.send(shown).error_name == "InvalidProof"
    native_too = world.register(device, terms, possession=message)
    assert world.send(world.possession(device), native_too).error_name == "InvalidProof"


def test_a_shown_message_must_be_the_right_one(world: World) -> None:
    device, terms = planned(world)
    key = Pubkey(device.signer.public.public_bytes)
    for message in (bytes(104), world.possession_message(device, owner=world.keypair().pubkey())):
        shown = signed(world.register(device, terms, possession=message, proof=key), key)
        assert world.send(shown).error_name == "InvalidPossession"


def test_a_p256_key_shows_no_message(world: World) -> None:
    device, terms = planned(world, "P-256")
    # A wallet whose 32 bytes begin the key's 33 could only be made by chance; any other is refused as well.
    wallet = world.keypair().pubkey()
    shown = world.register(device, terms, possession=world.possession_message(device), proof=wallet)

    assert world.send(signed(shown, wallet)).error_name == "InvalidProof"


def test_the_high_s_twin_of_a_p256_signature_is_refused(world: World) -> None:
    device, terms = planned(world, "P-256")
    message = world.possession_message(device)
    signature = device.signer.sign(message)
    high = signature[:32] + (P256_ORDER - int.from_bytes(signature[32:])).to_bytes(32)
    twins = [
        Instruction(SECP256R1_PROGRAM_ID, signature_instruction_data(device.signer.public, each, message), [])
        for each in (high, signature)
    ]

    refused = register(world, device, terms, twins[0])
    assert (refused.ok, refused.instruction) == (False, 0)
    assert register(world, device, terms, twins[1]).ok


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_a_signature_that_is_wrong_is_refused(world: World, kind: str) -> None:
    device, terms = planned(world, kind)
    genuine = world.possession(device)
    end = len(genuine.data)
    for offset in (end - 104 - 64, end - 104 - 1, end - 1):
        data = put(genuine.data, {offset: bytes([genuine.data[offset] ^ 1])})
        refused = register(world, device, terms, Instruction(genuine.program_id, data, []))
        assert (refused.ok, refused.instruction) == (False, 0), offset


KEYS = {
    "kind 0": (0, bytes([5] * 32) + b"\0"),
    "kind 3": (3, bytes([5] * 32) + b"\0"),
    "kind 255": (255, bytes([5] * 32) + b"\0"),
    "Ed25519 with a 33rd byte": (1, bytes([5] * 32) + b"\1"),
    "P-256 that begins with 0": (2, b"\0" + bytes([5] * 32)),
    "P-256 that begins with 1": (2, b"\1" + bytes([5] * 32)),
    "P-256 that begins with 4": (2, b"\4" + bytes([5] * 32)),
    "P-256 of zeros": (2, bytes(33)),
}


@pytest.mark.parametrize(("kind", "key"), KEYS.values(), ids=KEYS)
def test_a_key_in_another_than_its_one_form_is_refused(world: World, kind: int, key: bytes) -> None:
    network = world.network()
    device, terms = world.plan(network)
    strange = replace(terms, key=key, key_kind=kind)
    address = address_of(network, kind, key)

    refused = world.send(world.possession(device), world.register(device, strange, device=address))
    assert refused.error_name == "InvalidKey"

    held = world.device(network)
    update = world.update(held, key=NewKey(key, kind, None))
    assert world.send(world.possession(held), update).error_name == "InvalidKey"


def test_an_ed25519_key_is_not_taken_for_a_p256_key(world: World) -> None:
    # One string of 33 bytes that has the form of both kinds: what is signed names the kind.
    network = world.network()
    signer = next(each for each in iter(world.ed25519, None) if each.public.raw33[0] == 2)
    device, terms = world.plan(network, signer=signer)
    as_p256 = replace(terms, key_kind=2)
    address = address_of(network, 2, terms.key)

    refused = world.send(world.possession(device), world.register(device, as_p256, device=address))

    assert refused.error_name == "InvalidProof"
    assert register(world, device, terms, world.possession(device)).ok
