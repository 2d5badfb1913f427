"""The admission flag: whose signature a network asks for, and for what."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from support import changes
from support.builders import unsigned
from support.parties import Device, Network
from support.world import World
from worktab.program.generated.types import NewKey


@pytest.fixture
def attestors(world: World) -> list[Keypair]:
    return [world.keypair() for _ in range(3)]


@pytest.fixture
def network(world: World, attestors: list[Keypair]) -> Network:
    """A network that admits devices by hand."""
    keys = tuple(each.pubkey() for each in attestors)
    return world.network(admission=1, attestors=keys, threshold=2, guardian=world.keypair().pubkey(), parameter_delay=0)


@pytest.fixture
def device(world: World, network: Network) -> Device:
    return world.device(network, admission=network.authority, capacity=500)


def admitted(world: World, network: Network, admission: Keypair | None) -> str:
    """The error of registering a new device with this admission; empty if there was none."""
    device, terms = world.plan(network)
    return world.send(world.possession(device), world.register(device, terms, admission=admission)).error_name


def test_the_authority_or_any_attestor_admits(world: World, network: Network, attestors: list[Keypair]) -> None:
    for signer in (network.authority, *attestors):
        assert admitted(world, network, signer) == ""
    assert world.read_network(network).classes[0].devices == 4


def test_nobody_else_admits(world: World, network: Network) -> None:
    other = world.network()
    owner = world.keypair()
    device, terms = world.plan(network, owner=owner)

    assert admitted(world, network, None) == "AdmissionRequired"
    assert admitted(world, network, world.keypair()) == "AdmissionRequired"
    assert admitted(world, network, other.authority) == "AdmissionRequired"
    own = world.register(device, terms, admission=owner)
    assert world.send(world.possession(device), own).error_name == "AdmissionRequired"
    assert world.read_network(network).classes[0].devices == 0


def test_an_admission_must_be_signed(world: World, network: Network) -> None:
    device, terms = world.plan(network)
    register = unsigned(world.register(device, terms, admission=network.authority), network.authority.pubkey())

    assert world.send(world.possession(device), register).error == "MissingRequiredSignature"


def test_the_guardian_does_not_admit(world: World) -> None:
    guardian = world.keypair()
    network = world.network(admission=1, guardian=guardian.pubkey())

    assert admitted(world, network, guardian) == "AdmissionRequired"


def test_an_authority_that_owns_the_device_still_has_to_be_named(world: World, network: Network) -> None:
    device, terms = world.plan(network, owner=network.authority)

    unnamed = world.register(device, terms)
    assert world.send(world.possession(device), unnamed).error_name == "AdmissionRequired"
    named = world.register(device, terms, admission=network.authority)
    assert world.send(world.possession(device), named).ok


def test_a_proposed_authority_admits_once_it_has_accepted(world: World, network: Network) -> None:
    heir = world.keypair()
    assert world.send(world.propose(network, changes.authority(heir.pubkey()))).ok
    assert admitted(world, network, heir) == "AdmissionRequired"
    assert world.send(world.accept(network, heir)).ok

    assert admitted(world, network, heir) == ""
    assert admitted(world, network, network.authority) == "AdmissionRequired"


def test_without_the_flag_any_signer_may_stand_there(world: World) -> None:
    network = world.network(admission=0)

    assert admitted(world, network, None) == ""
    assert admitted(world, network, world.keypair()) == ""


def test_a_key_change_is_admitted_like_a_registration(
    world: World, network: Network, device: Device, attestors: list[Keypair]
) -> None:
    signer = world.p256()
    key = NewKey(signer.public.raw33, int(signer.public.kind), None)
    proof = world.possession(device, signer=signer)

    for admission in (None, world.keypair(), device.owner):
        update = world.update(device, key=key, admission=admission)
        assert world.send(proof, update).error_name == "AdmissionRequired"
    assert world.read_device(device).key == device.signer.public.raw33

    assert world.send(proof, world.update(device, key=key, admission=attestors[2])).ok
    assert world.read_device(device).key == signer.public.raw33


def test_a_capacity_rise_is_admitted_and_a_fall_is_free(world: World, network: Network, device: Device) -> None:
    for capacity, error in ((501, "AdmissionRequired"), (500, ""), (499, ""), (500, "AdmissionRequired"), (0, "")):
        assert world.send(world.update(device, capacity=capacity)).error_name == error, capacity

    assert world.send(world.update(device, capacity=1, admission=world.keypair())).error_name == "AdmissionRequired"
    assert world.send(world.update(device, capacity=1_000, admission=network.authority)).ok
    assert world.read_device(device).next_capacity == 1_000


def test_a_rise_is_counted_from_the_capacity_announced_last(world: World, network: Network, device: Device) -> None:
    world.next_epoch(network)
    assert world.send(world.update(device, capacity=100)).ok
    assert world.read_device(device).capacity == 500

    assert world.send(world.update(device, capacity=101)).error_name == "AdmissionRequired"


def test_payout_evidence_and_owner_need_no_admission(world: World, network: Network, device: Device) -> None:
    wallet = world.keypair()

    changed = world.update(device, payout=wallet.pubkey(), evidence=bytes([1] * 32), new_owner=wallet.pubkey())

    assert world.send(changed).ok


def test_a_refused_rise_takes_the_rest_of_the_update_with_it(world: World, device: Device) -> None:
    before = world.data(device.address)

    refused = world.update(device, capacity=501, payout=world.keypair().pubkey())

    assert world.send(refused).error_name == "AdmissionRequired"
    assert world.data(device.address) == before


def test_the_flag_asks_only_for_what_comes_after_it(world: World) -> None:
    network = world.network(parameter_delay=0)
    device = world.device(network, capacity=10)
    assert world.send(world.propose(network, changes.admission(1)), world.apply(network)).ok

    assert admitted(world, network, None) == "AdmissionRequired"
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    assert world.send(world.update(device, capacity=11)).error_name == "AdmissionRequired"
    assert world.send(world.retire(device)).ok
