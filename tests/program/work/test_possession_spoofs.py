"""register_device: the possession of a key, faked in the ways that matter most."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.builders import signed
from support.forged_layouts import ATTACKS
from support.forgery import Scene, sysvar_image
from support.parties import Network
from support.world import World
from worktab.program.generated.types import DeviceTerms

LIES = [
    "key elsewhere",
    "everything elsewhere",
    "key in another instruction",
    "message in another instruction",
    "another program with the same data",
    "the signature two before",
    "no signature at all",
    "the attackers own key",
]


@dataclass(frozen=True, slots=True)
class Registration(Scene):
    """A device still to be registered: both messages are the one that would prove its key's possession."""

    terms: DeviceTerms

    def submit(self) -> Instruction:
        """register_device instead."""
        return self.world.register(self.device, self.terms)


@pytest.fixture(params=["ed25519", "p256"])
def registration(request: pytest.FixtureRequest, world: World, network: Network) -> Registration:
    """A device of each kind, and an attacker with a key of the same kind."""
    make = world.p256 if request.param == "p256" else world.ed25519
    device, terms = world.plan(network, signer=make())
    message = world.possession_message(device)
    return Registration(world, device, make(), message, message, terms)


def assert_refused(registration: Registration, *instructions: Instruction, place: int, error: str) -> None:
    """The program refuses, and there is no device."""
    result = registration.world.send(*instructions)
    assert (result.error_name, result.instruction) == (error, place)
    assert registration.world.account(registration.device.address) is None
    assert registration.world.read_network(registration.device.network).next_device_index == 0


def test_the_accepted_layout_registers(registration: Registration) -> None:
    assert registration.world.send(registration.honest(), registration.submit()).event().index == 0


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_possession_registers_nothing(registration: Registration, name: str) -> None:
    lie = ATTACKS[name](registration)

    assert_refused(registration, *lie, place=len(lie) - 1, error="InvalidProof")


def test_a_copy_of_the_instructions_sysvar_is_refused(registration: Registration) -> None:
    world, fake = registration.world, Keypair().pubkey()
    register = world.register(registration.device, registration.terms, proof=fake)
    lie = [registration.native(registration.shown), register]
    world.set_account(fake, sysvar_image(lie, 1), world.keypair().pubkey())

    assert_refused(registration, register, place=0, error="InvalidProof")


def test_an_argument_that_the_key_did_not_sign_is_refused(registration: Registration) -> None:
    world, device = registration.world, registration.device
    message = registration.genuine
    unsigned_key = world.register(device, registration.terms, possession=message, proof=Pubkey(registration.key[-32:]))
    assert_refused(registration, unsigned_key, place=0, error="InvalidProof")

    by_owner = world.register(device, registration.terms, possession=message, proof=device.owner.pubkey())
    assert_refused(registration, signed(by_owner, device.owner.pubkey()), place=0, error="InvalidProof")


def test_a_possession_shown_to_one_owner_is_of_no_use_to_another(registration: Registration) -> None:
    """Whoever sees the honest transaction on its way can't take the device."""
    world, device = registration.world, registration.device
    thief = world.keypair()
    register = world.register(device, registration.terms, owner=thief.pubkey())

    assert_refused(registration, registration.honest(), register, place=1, error="InvalidPossession")


def test_a_receipt_is_no_proof_of_possession(registration: Registration) -> None:
    world, device = registration.world, registration.device
    receipt = world.native(device.signer, world.receipt_message(device, 1, 1))

    assert_refused(registration, receipt, registration.submit(), place=1, error="InvalidPossession")
