"""The account that a receipt's proof is read from: the true instructions sysvar, or the device's key as a signer."""

from __future__ import annotations

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.sysvar import CLOCK, RENT, SLOT_HASHES

from support.builders import signed, unsigned
from support.forgery import Scene, sysvar_image
from support.parties import Device, Network
from support.world import World
from worktab.core.addresses import SYSTEM_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID


def assert_refused(scene: Scene, *instructions: Instruction) -> None:
    """The program, called last, takes this for no proof."""
    result = scene.world.send(*instructions)
    assert (result.error_name, result.instruction) == ("InvalidProof", len(instructions) - 1)
    assert scene.world.read_device(scene.device).seq == 0


@pytest.mark.parametrize("owner", ["attacker", "program", "sysvars"])
def test_a_copy_of_the_instructions_sysvar_is_refused(scene: Scene, owner: str) -> None:
    """The copy tells of a signature instruction that never ran, in the very bytes the true sysvar would have."""
    world, fake = scene.world, Keypair().pubkey()
    owners = {
        "attacker": world.keypair().pubkey(),
        "program": PROGRAM_ID,
        "sysvars": Pubkey.from_string("Sysvar1111111111111111111111111111111111111"),
    }
    lie = [scene.native(scene.shown), world.submit(scene.device, proof=fake)]
    world.set_account(fake, sysvar_image(lie, 1), owners[owner])

    assert_refused(scene, lie[1])
    assert_refused(scene, scene.noop(), lie[1])
    assert_refused(scene, scene.honest(), lie[1])


@pytest.mark.parametrize("sysvar", [CLOCK, RENT, SLOT_HASHES, SYSTEM_PROGRAM_ID], ids=str)
def test_another_sysvar_is_refused(scene: Scene, sysvar: Pubkey) -> None:
    assert_refused(scene, scene.honest(), scene.world.submit(scene.device, proof=sysvar))


def test_the_sysvar_next_to_a_message_argument_proves_nothing(scene: Scene) -> None:
    world = scene.world
    for shown in (scene.genuine, scene.forged):
        assert_refused(scene, scene.honest(), world.submit(scene.device, shown=shown))
        assert_refused(scene, world.submit(scene.device, shown=shown))


def test_a_message_argument_of_somebody_else_is_refused(scene: Scene) -> None:
    world, device = scene.world, scene.device
    for somebody in (world.payer, device.owner, device.payout, device.network.authority, world.keypair()):
        submit = world.submit(device, shown=scene.forged, proof=somebody.pubkey())

        assert_refused(scene, signed(submit, somebody.pubkey()))


def key_of(device: Device) -> Pubkey:
    """The address of an Ed25519 device's key."""
    return Pubkey(device.signer.public.public_bytes)


def test_a_message_argument_needs_the_keys_signature(world: World, device: Device) -> None:
    message = world.receipt_message(device, 1, 10)
    submit = world.submit(device, shown=message, proof=key_of(device))

    assert world.send(unsigned(submit, key_of(device))).error_name == "InvalidProof"
    assert world.send(signed(submit, key_of(device))).ok


def test_the_keys_signature_without_a_message_argument_proves_nothing(world: World, device: Device) -> None:
    native, _ = world.receipt(device, 1, 10)
    submit = signed(world.submit(device, proof=key_of(device)), key_of(device))

    assert world.send(submit).error_name == "InvalidProof"
    assert world.send(native, submit).error_name == "InvalidProof"


def test_only_an_ed25519_key_can_sign_a_transaction(world: World, network: Network) -> None:
    """The first 32 bytes of a P-256 key may happen to be somebody's address."""
    device = world.device(network, signer=world.p256())
    world.next_epoch(network)
    somebody = world.keypair()
    submit = world.submit(device, shown=world.receipt_message(device, 1, 10), proof=somebody.pubkey())
    for last in (0, 1):
        world.patch_device(device, key=bytes(somebody.pubkey()) + bytes([last]))
        assert world.send(signed(submit, somebody.pubkey())).error_name == "InvalidProof"


def test_every_byte_of_the_signing_key_is_compared(world: World, device: Device) -> None:
    key = device.signer.public.raw33
    submit = signed(
        world.submit(device, shown=world.receipt_message(device, 1, 10), proof=key_of(device)), key_of(device)
    )
    for at in range(32):
        changed = bytearray(key)
        changed[at] ^= 1
        world.patch_device(device, key=bytes(changed))
        assert world.send(submit).error_name == "InvalidProof", at

    world.patch_device(device, key=key)
    assert world.send(submit).ok


@pytest.mark.parametrize("size", [0, 1, 103])
def test_a_short_message_argument_is_no_argument(world: World, device: Device, size: int) -> None:
    submit = signed(
        world.submit(device, shown=world.receipt_message(device, 1, 10), proof=key_of(device)), key_of(device)
    )
    short = Instruction(submit.program_id, submit.data[: 2 + size], submit.accounts)

    result = world.send(short)

    assert (result.ok, world.read_device(device).seq) == (False, 0)
