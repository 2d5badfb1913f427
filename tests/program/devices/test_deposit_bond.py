"""deposit_bond: what arrives, what it makes possible, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.builders import read_only, unsigned
from support.parties import CLASS, FUNDS, Device, Network
from support.svm import Result
from support.tokens import create_mint
from support.trust_scenes import TrustWorld
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import BondDeposited

U64 = 2**64 - 1


@pytest.fixture
def world() -> TrustWorld:
    """A new chain that checks bonds after every transaction."""
    return TrustWorld()


@pytest.fixture(params=[TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["token", "token-2022"])
def network(world: TrustWorld, request: pytest.FixtureRequest) -> Network:
    """A network of either token program, whose one class asks for a bond of 500."""
    mint = create_mint(world, token_program=request.param)
    return world.network(mint=mint, classes=(replace(CLASS, least_bond=500),))


@pytest.fixture
def device(world: TrustWorld, network: Network) -> Device:
    """A device without bond and capacity."""
    return world.device(network, capacity=0)


def refused(world: TrustWorld, device: Device, result: Result, name: str) -> None:
    """The deposit was refused for this reason, and nothing moved."""
    assert result.error_name == name
    assert world.read_device(device).bond == 0
    assert device.network.mint.balance(device.network.address) == FUNDS


def test_the_tokens_arrive_in_the_bond(world: TrustWorld, network: Network, device: Device) -> None:
    before = world.read_network(network), world.read_device(device)
    deposit = world.deposit_bond(device, 300)
    assert world.balance(device.owner, network.mint) == 300

    event = world.send(deposit).event()

    assert event == BondDeposited(device.address, amount=300, bond=300)
    assert world.read_network(network) == replace(before[0], accounted=FUNDS + 300)
    assert world.read_device(device) == replace(before[1], bond=300)
    assert network.mint.balance(network.address) == FUNDS + 300
    assert world.balance(device.owner, network.mint) == 0


def test_deposits_add_up(world: TrustWorld, network: Network, device: Device) -> None:
    world.bond(device, 300)

    assert world.send(world.deposit_bond(device, 1)).event() == BondDeposited(device.address, amount=1, bond=301)

    assert world.read_network(network).accounted == FUNDS + 301


def test_capacity_is_possible_from_the_least_bond_on(world: TrustWorld, network: Network, device: Device) -> None:
    world.bond(device, 499)
    assert world.send(world.update(device, capacity=10)).error_name == "BondTooSmall"

    world.bond(device, 1)

    assert world.send(world.update(device, capacity=10)).ok
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).event().reward == 10


def test_a_stray_transfer_is_no_bond(world: TrustWorld, network: Network, device: Device) -> None:
    world.must(network.mint.mint_to(network.vault, 77))

    world.bond(device, 5)

    assert world.read_device(device).bond == 5
    assert world.read_network(network).accounted == FUNDS + 5


def test_nothing_pauses_it(world: TrustWorld, network: Network, device: Device) -> None:
    assert world.send(world.pause(network, 31)).ok

    assert world.send(world.deposit_bond(device, 5)).ok


def test_only_the_owner_deposits(world: TrustWorld, network: Network, device: Device) -> None:
    stranger = world.keypair()

    refused(world, device, world.send(world.deposit_bond(device, 5, depositor=stranger)), "Unauthorized")
    deposit = unsigned(world.deposit_bond(device, 5), device.owner.pubkey())
    refused(world, device, world.send(deposit), "MissingRequiredSignature")


def test_the_next_owner_deposits_and_the_last_one_no_longer(
    world: TrustWorld, network: Network, device: Device
) -> None:
    heir = world.keypair()
    assert world.send(world.update(device, new_owner=heir.pubkey())).ok

    refused(world, device, world.send(world.deposit_bond(device, 5)), "Unauthorized")

    assert world.send(world.deposit_bond(device, 5, depositor=heir)).event().bond == 5


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_is_not_active_takes_none(world: TrustWorld, device: Device, status: int) -> None:
    world.patch_device(device, status=status)

    refused(world, device, world.send(world.deposit_bond(device, 5)), "DeviceInactive")


def test_a_deposit_of_nothing_is_refused(world: TrustWorld, device: Device) -> None:
    refused(world, device, world.send(world.deposit_bond(device, 0)), "InvalidParameter")


def test_more_than_the_source_has_is_refused(world: TrustWorld, network: Network, device: Device) -> None:
    deposit = world.deposit_bond(device, 10)
    world.must(
        network.mint.transfer(
            network.mint.account_of(device.owner.pubkey()),
            network.mint.open(world.payer.pubkey()),
            device.owner.pubkey(),
            1,
        )
    )

    refused(world, device, world.send(deposit), "Custom(1)")


def test_a_bond_stops_at_the_largest_number(world: TrustWorld, network: Network, device: Device) -> None:
    world.bond(device, U64 - FUNDS - 1_000)
    world.patch_device(device, bond=U64)

    result = world.send(world.deposit_bond(device, 1), check=False)

    assert result.error_name == "Overflow"


def test_a_device_of_another_network_is_refused(world: TrustWorld, network: Network, device: Device) -> None:
    other = world.network(mint=network.mint)
    deposit = world.deposit_bond(device, 5, network=other.address, vault=other.vault)

    refused(world, device, world.send(deposit), "WrongNetwork")
    assert network.mint.balance(other.address) == FUNDS


def test_another_vault_or_mint_is_refused(world: TrustWorld, network: Network, device: Device) -> None:
    other = world.network(mint=network.mint)
    own = network.mint.open(device.owner.pubkey())

    refused(world, device, world.send(world.deposit_bond(device, 5, vault=other.vault)), "AddressMismatch")
    refused(world, device, world.send(world.deposit_bond(device, 5, vault=own)), "ConstraintDuplicateMutableAccount")
    refused(world, device, world.send(world.deposit_bond(device, 5, mint=world.mint.address)), "AddressMismatch")


def test_the_vault_is_no_source(world: TrustWorld, network: Network, device: Device) -> None:
    result = world.send(world.deposit_bond(device, 5, source=network.vault))

    refused(world, device, result, "ConstraintDuplicateMutableAccount")


def test_a_source_of_somebody_else_is_refused(world: TrustWorld, network: Network, device: Device) -> None:
    victim = network.mint.open(world.keypair().pubkey(), 50)

    refused(world, device, world.send(world.deposit_bond(device, 5, source=victim)), "Custom(4)")


def test_a_frozen_source_is_refused(world: TrustWorld, network: Network, device: Device) -> None:
    deposit = world.deposit_bond(device, 5)
    world.must(network.mint.freeze(network.mint.account_of(device.owner.pubkey())))

    refused(world, device, world.send(deposit), "Custom(17)")


@pytest.mark.parametrize("name", ["network", "device", "source", "vault"])
def test_accounts_must_be_writable(world: TrustWorld, network: Network, device: Device, name: str) -> None:
    deposit = world.deposit_bond(device, 5)
    places: dict[str, Pubkey] = {
        "network": network.address,
        "device": device.address,
        "source": network.mint.account_of(device.owner.pubkey()),
        "vault": network.vault,
    }

    assert not world.send(read_only(deposit, places[name])).ok

    assert world.read_device(device).bond == 0
