"""Signatures that are not the lane signer's own over this voucher or batch, or not shown in the one accepted layout."""

from __future__ import annotations

from typing import Any

import pytest
from solders.compute_budget import set_compute_unit_limit
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from support.builders import put
from support.forged_layouts import ATTACKS
from support.forgery import HEADER
from support.parties import Network
from support.voucher_scenes import KINDS, VoucherScene, voucher_scene
from support.world import World
from worktab.program.generated import PROGRAM_ID


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, world: World, network: Network) -> VoucherScene:
    """A voucher and a batch, of a consumer and of a delegate."""
    return voucher_scene(world, network, request.param)


def assert_refused(scene: VoucherScene, *instructions: Instruction, error: str = "InvalidProof") -> None:
    """The program refuses, in its own instruction: everything before it succeeded."""
    [place] = [at for at, each in enumerate(instructions) if each.program_id == PROGRAM_ID]
    result = scene.world.send(*instructions)
    assert (result.error_name, result.instruction) == (error, place)
    assert scene.paid == 0


def test_the_accepted_layout_is_accepted(scene: VoucherScene) -> None:
    assert scene.world.send(scene.honest(), scene.submit()).ok
    assert scene.paid == 10


def test_other_instructions_around_the_pair_do_not_matter(scene: VoucherScene) -> None:
    around = [scene.noop(bytes([each])) for each in range(4)]
    budget = set_compute_unit_limit(200_000)

    result = scene.world.send(budget, *around[:3], scene.attackers(), scene.honest(), scene.submit(), around[3])

    assert (result.ok, scene.paid) == (True, 10)


@pytest.mark.parametrize("name", ATTACKS)
def test_every_other_layout_is_refused(scene: VoucherScene, name: str) -> None:
    assert_refused(scene, *ATTACKS[name](scene))


@pytest.mark.parametrize("at", range(HEADER))
def test_every_byte_of_the_header_is_fixed(scene: VoucherScene, at: int) -> None:
    for value in {0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF} - {scene.honest().data[at]}:
        native = Instruction(scene.program, put(scene.honest().data, {at: bytes([value])}), [])

        result = scene.world.send(native, scene.submit())

        # Either the native program can't find a good signature so, or the program does not take this header.
        assert result.instruction == 0 or (result.error_name, result.instruction) == ("InvalidProof", 1), value
    assert scene.paid == 0


def test_every_byte_of_the_key_is_compared(scene: VoucherScene) -> None:
    world, tab, key = scene.world, scene.lane.tab, bytes(scene.lane.signer.pubkey())

    def write(changed: bytes) -> None:
        if scene.number:
            world.patch_slot(tab, scene.number, key=changed)
        else:
            world.patch_tab(tab, consumer=Pubkey(changed))

    for at in range(32):
        write(put(key, {at: bytes([key[at] ^ 1])}))
        assert_refused(scene, scene.honest(), scene.submit())
    write(key)
    assert world.send(scene.honest(), scene.submit()).ok


def test_every_byte_of_the_native_programs_id_is_compared(scene: VoucherScene) -> None:
    program = bytes(scene.program)
    for at in range(32):
        lookalike = Pubkey(put(program, {at: bytes([program[at] ^ 1])}))
        assert_refused(scene, scene.noop(scene.native(scene.shown).data, at=lookalike), scene.submit())


def test_one_signature_serves_one_instruction(scene: VoucherScene) -> None:
    result = scene.world.send(scene.honest(), scene.submit(), scene.submit())

    assert (result.error_name, result.instruction) == ("InvalidProof", 2)
    assert scene.paid == 0


def test_a_signature_in_an_earlier_transaction_is_none(scene: VoucherScene) -> None:
    assert scene.world.send(scene.honest()).ok

    assert_refused(scene, scene.submit())


def test_a_flipped_bit_breaks_the_signature(scene: VoucherScene) -> None:
    honest = scene.honest().data
    for at in (scene.signature_at, scene.signature_at + 63, scene.message_at, scene.end - 1):
        native = Instruction(scene.program, put(honest, {at: bytes([honest[at] ^ 1])}), [])

        result = scene.world.send(native, scene.submit())

        assert (result.ok, result.instruction, scene.paid) == (False, 0, 0)


# Kinds of messages


def test_a_signer_who_signed_something_else_did_not_sign_this(scene: VoucherScene) -> None:
    """A receipt, a voucher or a batch whose context happened to be the right one is of the wrong kind still."""
    for kind in {0, 1, 2, 3, 4, 5, 255} - {4 if scene.batch else 2}:
        native = scene.world.native(scene.device.signer, put(scene.genuine, {4: bytes([kind])}))

        assert_refused(scene, native, scene.submit(), error="WrongMessage")


@pytest.mark.parametrize("at", [0, 1, 2, 3, 5, 6, 7])
def test_magic_and_zeros_are_fixed(scene: VoucherScene, at: int) -> None:
    native = scene.world.native(scene.device.signer, put(scene.genuine, {at: b"\x01"}))

    assert_refused(scene, native, scene.submit(), error="WrongMessage")


def test_every_byte_of_the_context_is_compared(scene: VoucherScene) -> None:
    for at in range(8, 40):
        native = scene.world.native(scene.device.signer, put(scene.genuine, {at: bytes([scene.genuine[at] ^ 1])}))
        assert_refused(scene, native, scene.submit(), error="WrongContext")


def test_a_batch_says_nothing_but_context_and_time(world: World, network: Network) -> None:
    scene = voucher_scene(world, network, "consumer's batch")
    for at in (*range(40, 64), *range(72, 104)):
        native = world.native(scene.device.signer, put(scene.genuine, {at: b"\x01"}))
        assert_refused(scene, native, scene.submit(), error="WrongMessage")


def test_sequence_and_head_of_a_voucher_are_between_consumer_and_device(world: World, network: Network) -> None:
    """The chain does not know the device's chain of records here: any are settled."""
    scene = voucher_scene(world, network, "consumer's voucher")
    for amount, said in ((10, {"seq": 0}), (20, {"seq": (1 << 64) - 1, "head": b"\xff" * 32}), (30, {"seq": 5})):
        fields: dict[str, Any] = said
        assert world.send(world.voucher(scene.lane, amount, **fields)).ok
        assert scene.paid == amount


# Whose key


def test_only_the_lanes_own_signer_moves_it(world: World, network: Network) -> None:
    """Not another delegate, not the consumer where a delegate opened it, and not the device."""
    tab, device = world.tab(network, 1_000), world.device(network)
    first, second = world.delegate(tab, 1), world.delegate(tab, 2)
    by_consumer, by_first = world.lane(tab, device, 100), world.lane(tab, device, 100, signer=first)

    for signer in (first, second, device.owner, world.payer):
        assert world.send(world.voucher(by_consumer, 10, signer=signer)).error_name == "InvalidProof"
    for signer in (tab.consumer, second, device.owner, world.payer):
        assert world.send(world.voucher(by_first, 10, signer=signer)).error_name == "InvalidProof"

    assert [lane.paid for lane in world.lanes(tab)] == [0, 0]
