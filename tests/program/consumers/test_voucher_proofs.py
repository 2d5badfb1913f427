"""The account that a settlement's proof is read from: the true instructions sysvar, or the lane's signer signing."""

from __future__ import annotations

import pytest
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.sysvar import CLOCK, RENT, SLOT_HASHES

from support.builders import signed, unsigned
from support.consumers import entry
from support.forgery import sysvar_image
from support.parties import Network
from support.voucher_scenes import KINDS, VoucherScene, voucher_scene
from support.world import World
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, SYSTEM_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, world: World, network: Network) -> VoucherScene:
    """A voucher and a batch, of a consumer and of a delegate."""
    return voucher_scene(world, network, request.param)


def settle(scene: VoucherScene, proof: Pubkey, shown: bytes | None = None) -> Instruction:
    """settle_voucher or settle_batch with this proof."""
    world, lane = scene.world, scene.lane
    if not scene.batch:
        return world.settle(lane, shown=shown, proof=proof)
    entries = [entry(lane, 10)]
    return world.settle_batch(lane.tab, entries, [lane.device], number=scene.number, shown=shown, proof=proof)


def assert_refused(scene: VoucherScene, *instructions: Instruction) -> None:
    """The program, called last, takes this for no proof."""
    result = scene.world.send(*instructions)
    assert (result.error_name, result.instruction) == ("InvalidProof", len(instructions) - 1)
    assert scene.paid == 0


def key_of(scene: VoucherScene) -> Pubkey:
    """The address of the lane's signer."""
    return scene.lane.signer.pubkey()


def test_a_message_argument_and_the_signers_signature_are_a_proof(scene: VoucherScene) -> None:
    result = scene.world.send(signed(settle(scene, key_of(scene), scene.genuine), key_of(scene)))

    assert (result.ok, scene.paid) == (True, 10)


@pytest.mark.parametrize("owner", ["attacker", "program", "sysvars"])
def test_a_copy_of_the_instructions_sysvar_is_refused(scene: VoucherScene, owner: str) -> None:
    """The copy tells of a signature instruction that never ran, in the very bytes the true sysvar would have."""
    world, fake = scene.world, scene.world.keypair().pubkey()
    owners = {
        "attacker": world.keypair().pubkey(),
        "program": PROGRAM_ID,
        "sysvars": Pubkey.from_string("Sysvar1111111111111111111111111111111111111"),
    }
    lie = settle(scene, fake)
    world.set_account(fake, sysvar_image([scene.native(scene.shown), lie], 1), owners[owner])

    assert_refused(scene, lie)
    assert_refused(scene, scene.noop(), lie)
    assert_refused(scene, scene.honest(), lie)


@pytest.mark.parametrize("sysvar", [CLOCK, RENT, SLOT_HASHES, SYSTEM_PROGRAM_ID], ids=str)
def test_another_sysvar_is_refused(scene: VoucherScene, sysvar: Pubkey) -> None:
    assert_refused(scene, scene.honest(), settle(scene, sysvar))


def test_the_sysvar_next_to_a_message_argument_proves_nothing(scene: VoucherScene) -> None:
    for shown in (scene.genuine, scene.forged):
        assert_refused(scene, scene.honest(), settle(scene, INSTRUCTIONS_SYSVAR_ID, shown))
        assert_refused(scene, settle(scene, INSTRUCTIONS_SYSVAR_ID, shown))


def test_a_message_argument_of_somebody_else_is_refused(scene: VoucherScene) -> None:
    world, device = scene.world, scene.lane.device
    second = world.delegate(scene.lane.tab, 4)
    others = [world.payer, device.owner, device.payout, device.network.authority, second]
    if scene.number:
        others.append(scene.lane.tab.consumer)
    for somebody in others:
        assert_refused(scene, signed(settle(scene, somebody.pubkey(), scene.genuine), somebody.pubkey()))


def test_a_message_argument_needs_the_keys_signature(scene: VoucherScene) -> None:
    shown = settle(scene, key_of(scene), scene.genuine)

    assert_refused(scene, unsigned(shown, key_of(scene)))
    assert scene.world.send(signed(shown, key_of(scene))).ok


def test_the_keys_signature_without_a_message_argument_proves_nothing(scene: VoucherScene) -> None:
    bare = signed(settle(scene, key_of(scene)), key_of(scene))

    assert_refused(scene, bare)
    assert_refused(scene, scene.honest(), bare)


@pytest.mark.parametrize("cut", [1, 52, 104, 105])
def test_a_short_message_argument_is_no_argument(scene: VoucherScene, cut: int) -> None:
    whole = signed(settle(scene, key_of(scene), scene.genuine), key_of(scene))

    result = scene.world.send(Instruction(PROGRAM_ID, whole.data[:-cut], whole.accounts))

    assert (result.ok, scene.paid) == (False, 0)


def test_other_kinds_are_refused_as_an_argument_too(scene: VoucherScene) -> None:
    message = scene.genuine[:4] + b"\x01" + scene.genuine[5:]

    result = scene.world.send(signed(settle(scene, key_of(scene), message), key_of(scene)))

    assert (result.error_name, scene.paid) == ("WrongMessage", 0)
