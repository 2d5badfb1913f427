"""submit_receipt: messages, devices and accounts that are not what they have to be."""

from __future__ import annotations

from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair

from support.parties import FUNDS, GENESIS, Device, Network
from support.world import World
from worktab.core import contexts
from worktab.program.generated import PROGRAM_ID

AMOUNT_AT = 56
MAX_U64 = 2**64 - 1


@pytest.mark.parametrize("amount", [1, 2**56, MAX_U64])
def test_a_receipt_names_no_amount(world: World, device: Device, amount: int) -> None:
    receipt = world.receipt(device, 1, 1, edit={AMOUNT_AT: amount.to_bytes(8, "little")})

    assert world.send(receipt).error_name == "WrongMessage"


@pytest.mark.parametrize("at", range(8))
def test_magic_kind_and_zeros_are_fixed(world: World, device: Device, at: int) -> None:
    byte = world.receipt_message(device, 1, 1)[at] ^ 0x80

    assert world.send(world.receipt(device, 1, 1, edit={at: bytes([byte])})).error_name == "WrongMessage"


@pytest.mark.parametrize("at", range(8, 40))
def test_every_byte_of_the_context_counts(world: World, device: Device, at: int) -> None:
    byte = world.receipt_message(device, 1, 1)[at] ^ 1

    assert world.send(world.receipt(device, 1, 1, edit={at: bytes([byte])})).error_name == "WrongContext"


def test_a_receipt_is_bound_to_its_device_index_network_cluster_and_program(world: World, network: Network) -> None:
    signer = world.ed25519()
    device = world.device(network, signer=signer)
    elsewhere = world.device(world.network(), signer=signer)
    other = world.device(network)
    world.next_epoch(network)
    other_cluster = contexts.domain(GENESIS[::-1], PROGRAM_ID, network.address)
    other_program = contexts.domain(GENESIS, other.address, network.address)
    foreign = {
        "another device": other.receipt_context,
        "another network": elsewhere.receipt_context,
        "another index": contexts.receipt_context(network.domain, device.address, device.index + 1),
        "another cluster": contexts.receipt_context(other_cluster, device.address, device.index),
        "another program": contexts.receipt_context(other_program, device.address, device.index),
        "possession": contexts.key_context(
            network.domain, device.address, signer.public.kind, signer.public.raw33, device.owner.pubkey()
        ),
    }

    for name, context in foreign.items():
        assert world.send(world.receipt(device, 1, 1, context=context)).error_name == "WrongContext", name

    assert world.send(world.receipt(device, 1, 1)).ok


def test_receipts_of_an_earlier_registration_are_worthless(world: World, network: Network) -> None:
    signer, owner = world.ed25519(), world.keypair()
    first = world.device(network, signer=signer, owner=owner)
    world.next_epoch(network)
    old = world.receipt(first, 5, 50)
    assert world.send(world.retire(first)).event().closed
    again = world.device(network, signer=signer, owner=owner)
    world.next_epoch(network)
    assert (again.address, again.index) == (first.address, first.index + 1)

    assert world.send(old).error_name == "WrongContext"

    assert world.send(world.receipt(again, 1, 1)).ok


@pytest.mark.parametrize(("flags", "error"), [(2, "Paused"), (31, "Paused"), (29, "")])
def test_only_the_pause_of_receipts_stops_receipts(
    world: World, network: Network, device: Device, flags: int, error: str
) -> None:
    assert world.send(world.pause(network, flags)).ok
    assert world.send(world.receipt(device, 1, 1)).error_name == error

    assert world.send(world.pause(network, 0)).ok
    assert world.send(world.receipt(device, 2, 2)).ok


def test_a_retired_device_reports_no_more(world: World, device: Device) -> None:
    assert world.send(world.receipt(device, 1, 1)).ok
    assert not world.send(world.retire(device)).event().closed

    assert world.send(world.receipt(device, 2, 2)).error_name == "DeviceInactive"


@pytest.mark.parametrize("status", [0, 2, 3, 4, 255])
def test_only_an_active_device_reports(world: World, device: Device, status: int) -> None:
    world.patch_device(device, status=status)
    assert world.send(world.receipt(device, 1, 1)).error_name == "DeviceInactive"

    world.patch_device(device, status=1)
    assert world.send(world.receipt(device, 1, 1)).ok


@pytest.mark.parametrize(("bond", "error"), [(0, "BondTooSmall"), (499, "BondTooSmall"), (500, ""), (501, "")])
def test_a_device_bonds_what_its_class_asks(world: World, bond: int, error: str) -> None:
    """The class came to ask for it after the device had announced its capacity."""
    network = world.network()
    device = world.device(network)
    world.next_epoch(network)
    world.patch_class(network, least_bond=500)
    world.send(network.mint.mint_to(network.vault, 1_000))
    world.patch_device(device, bond=bond)
    world.patch_network(network, accounted=FUNDS + bond)

    assert world.send(world.receipt(device, 1, 1)).error_name == error


@pytest.mark.parametrize("class_", [1, 7, 8, 255])
def test_a_device_of_no_class_is_not_rewarded(world: World, device: Device, class_: int) -> None:
    world.patch_device(device, class_=class_)

    assert world.send(world.receipt(device, 1, 1)).error_name == "UnknownClass"


def test_a_new_key_signs_from_now_on_and_the_old_one_no_more(world: World, device: Device) -> None:
    assert world.send(world.receipt(device, 1, 1)).ok
    successor = world.p256()
    world.patch_device(device, key=successor.public.raw33, key_kind=2)

    assert world.send(world.receipt(device, 2, 2)).error_name == "InvalidProof"
    assert world.send(world.receipt(device, 2, 2, signer=successor)).ok


def test_a_device_is_recorded_in_its_own_network_only(world: World, network: Network, device: Device) -> None:
    other = world.network()
    native, _ = world.receipt(device, 1, 1)

    assert world.send(native, world.submit(device, network=other.address)).error_name == "WrongNetwork"


def test_copies_of_accounts_that_the_program_does_not_own_are_refused(
    world: World, network: Network, device: Device
) -> None:
    native, _ = world.receipt(device, 1, 1)
    attacker = Keypair().pubkey()
    for name, real in (("network", network.address), ("device", device.address)):
        copy = Keypair().pubkey()
        world.set_account(copy, world.data(real), attacker)

        accounts: dict[str, Any] = {name: copy}
        result = world.send(native, world.submit(device, **accounts))

        assert (result.error_name, result.instruction) == ("IllegalOwner", 1), name


def test_accounts_of_another_kind_are_refused(world: World, network: Network, device: Device) -> None:
    native, _ = world.receipt(device, 1, 1)
    other_network, other_device = world.network(), world.device(network)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"network": other_device.address}, "AccountDataTooSmall"),
        ({"device": other_network.address}, "InvalidAccountData"),
        ({"device": network.address}, "ConstraintDuplicateMutableAccount"),
        ({"device": network.vault}, "AccountDataTooSmall"),
        ({"device": device.owner.pubkey()}, "AccountDataTooSmall"),
        ({"network": network.vault}, "AccountDataTooSmall"),
    ]

    for accounts, error in cases:
        result = world.send(native, world.submit(device, **accounts))

        assert (result.error_name, result.instruction) == (error, 1), accounts
    assert world.read_device(device).seq == 0


@pytest.mark.parametrize("place", [0, 1], ids=["network", "device"])
def test_a_read_only_account_is_refused(world: World, device: Device, place: int) -> None:
    native, submit = world.receipt(device, 1, 1)

    result = world.send(native, read_only(submit, place))

    assert (result.error_name, result.instruction) == ("ReadonlyDataModified", 1)


def read_only(instruction: Instruction, place: int) -> Instruction:
    """The instruction with one account no longer writable."""
    metas = instruction.accounts
    metas[place] = AccountMeta(metas[place].pubkey, metas[place].is_signer, is_writable=False)
    return Instruction(instruction.program_id, instruction.data, metas)
