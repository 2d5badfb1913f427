"""Signatures that are not the device's own over this receipt, or not shown in the one accepted layout."""

from __future__ import annotations

import pytest
from solders.compute_budget import set_compute_unit_limit
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from support.forged_layouts import ATTACKS
from support.forgery import HEADER, Scene, new_signer, scene_of
from support.parties import Network
from support.world import World
from worktab.core.addresses import ED25519_PROGRAM_ID, SECP256R1_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KINDS = ["ed25519", "p256"]


def assert_refused(scene: Scene, *instructions: Instruction, error: str = "InvalidProof") -> None:
    """The program refuses, in its own instruction: everything before it succeeded."""
    [place] = [at for at, each in enumerate(instructions) if each.program_id == PROGRAM_ID]
    result = scene.world.send(*instructions)
    assert (result.error_name, result.instruction) == (error, place)
    assert scene.world.read_device(scene.device).seq == 0


def assert_native_refuses(scene: Scene, native: Instruction, error: str) -> None:
    """The native program refuses, and the transaction with it."""
    result = scene.world.send(native, scene.submit())
    assert (result.error, result.instruction) == (error, 0)
    assert scene.world.read_device(scene.device).seq == 0


def test_the_accepted_layout_is_accepted(scene: Scene) -> None:
    assert scene.world.send(scene.honest(), scene.submit()).event().reward == 10


def test_other_instructions_around_the_pair_do_not_matter(scene: Scene) -> None:
    around = [scene.noop(bytes([each])) for each in range(8)]

    result = scene.world.send(
        set_compute_unit_limit(200_000), *around[:6], scene.attackers(), scene.honest(), scene.submit(), *around[6:]
    )

    assert result.event().reward == 10


@pytest.mark.parametrize("name", ATTACKS)
def test_every_other_layout_is_refused(scene: Scene, name: str) -> None:
    assert_refused(scene, *ATTACKS[name](scene))


@pytest.mark.parametrize("at", range(HEADER))
def test_every_byte_of_the_header_is_fixed(scene: Scene, at: int) -> None:
    for value in {0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF} - {scene.honest().data[at]}:
        data = bytearray(scene.honest().data)
        data[at] = value

        result = scene.world.send(Instruction(scene.program, bytes(data), []), scene.submit())

        # Either the native program can't find a good signature so, or the program does not take this header.
        assert result.instruction == 0 or (result.error_name, result.instruction) == ("InvalidProof", 1), value
    assert scene.world.read_device(scene.device).seq == 0


def test_every_byte_of_the_key_is_compared(scene: Scene) -> None:
    key = scene.device.signer.public.raw33
    for at in range(len(scene.key)):
        changed = bytearray(key)
        changed[at] ^= 1
        scene.world.patch_device(scene.device, key=bytes(changed))
        assert_refused(scene, scene.honest(), scene.submit())

    scene.world.patch_device(scene.device, key=key)
    assert scene.world.send(scene.honest(), scene.submit()).ok


def test_every_byte_of_the_native_programs_id_is_compared(scene: Scene) -> None:
    for at in range(32):
        lookalike = bytearray(bytes(scene.program))
        lookalike[at] ^= 1
        noop = scene.noop(scene.native(scene.shown).data, at=Pubkey(bytes(lookalike)))
        assert_refused(scene, noop, scene.submit())


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_one_kind_does_not_sign_for_a_device_of_the_other(world: World, network: Network, kind: str) -> None:
    scene = scene_of(world, network, kind)
    other = new_signer(world, "ed25519" if kind == "p256" else "p256")

    assert_refused(scene, world.native(other, scene.forged), scene.submit())


def test_the_kind_of_key_decides_which_program_must_have_checked_it(world: World, network: Network) -> None:
    """The same 32 bytes under the name of the other kind are another key."""
    scene = scene_of(world, network, "ed25519")
    world.patch_device(scene.device, key_kind=2)
    assert_refused(scene, scene.honest(), scene.submit())

    scene = scene_of(world, network, "p256")
    world.patch_device(scene.device, key_kind=1)
    assert_refused(scene, scene.honest(), scene.submit())


def test_one_signature_serves_one_instruction(scene: Scene) -> None:
    result = scene.world.send(scene.honest(), scene.submit(), scene.submit())

    assert (result.error_name, result.instruction) == ("InvalidProof", 2)


def test_a_signature_in_an_earlier_transaction_is_none(scene: Scene) -> None:
    assert scene.world.send(scene.honest()).ok

    assert_refused(scene, scene.submit())


@pytest.mark.parametrize("kind", [2, 3, 4], ids=["voucher", "possession", "batch voucher"])
def test_a_device_that_signed_something_else_signed_no_receipt(scene: Scene, kind: int) -> None:
    message = scene.genuine[:4] + bytes([kind]) + scene.genuine[5:]

    assert_refused(scene, scene.world.native(scene.device.signer, message), scene.submit(), error="WrongMessage")


# What the native programs refuse by themselves


@pytest.mark.parametrize(("part", "at"), [("signature", 0), ("signature", 63), ("message", 0), ("message", 103)])
def test_a_flipped_bit_breaks_the_signature(scene: Scene, part: str, at: int) -> None:
    data = bytearray(scene.honest().data)
    data[(scene.signature_at if part == "signature" else scene.message_at) + at] ^= 1

    result = scene.world.send(Instruction(scene.program, bytes(data), []), scene.submit())

    assert (result.ok, result.instruction) == (False, 0)
    assert scene.world.read_device(scene.device).seq == 0


def test_somebody_elses_signature_is_not_the_devices(scene: Scene) -> None:
    body = scene.key + scene.by_attacker() + scene.forged

    assert_native_refuses(scene, scene.native(body), "Custom(2)")


def test_a_missing_byte_is_missed(scene: Scene) -> None:
    assert_native_refuses(scene, scene.native(scene.honest().data[HEADER:-1]), "Custom(3)")


def test_no_signatures_are_nothing_to_check(scene: Scene) -> None:
    assert_native_refuses(scene, scene.native(scene.honest().data[HEADER:], count=0), "Custom(4)")


def test_high_s_is_refused(world: World, network: Network) -> None:
    scene = scene_of(world, network, "p256")
    signature = scene.by_device()
    high = P256_ORDER - int.from_bytes(signature[32:])
    body = scene.key + signature[:32] + high.to_bytes(32) + scene.genuine

    assert_native_refuses(scene, scene.native(body), "Custom(2)")


@pytest.mark.parametrize("kind", KINDS)
def test_data_for_one_native_program_means_nothing_to_the_other(world: World, network: Network, kind: str) -> None:
    scene = scene_of(world, network, kind)
    other = SECP256R1_PROGRAM_ID if kind == "ed25519" else ED25519_PROGRAM_ID

    result = world.send(Instruction(other, scene.honest().data, []), scene.submit())

    assert (result.ok, result.instruction) == (False, 0)
