"""claim: accounts that do not belong there are refused, and nothing is paid or lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.earning import earning
from support.parties import Device, Network
from support.tokens import create_mint
from support.world import World
from worktab.core.addresses import (
    ASSOCIATED_TOKEN_PROGRAM_ID,
    SYSTEM_PROGRAM_ID,
    TOKEN_2022_PROGRAM_ID,
    TOKEN_PROGRAM_ID,
    associated_token_address,
)
from worktab.program.generated import PROGRAM_ID

AMOUNT_AT = 64


@pytest.fixture
def device(world: World, network: Network) -> Device:
    """A device that is owed 70 base units."""
    return earning(world, network, 70)


def assert_refused(world: World, device: Device, claim: Instruction, error: str) -> None:
    """The claim fails and everything stays as it was; a right one still pays."""
    network, before = device.network, world.read_network(device.network)
    vault = network.mint.balance(network.address)

    result = world.send(claim)

    assert (result.error_name, result.instruction) == (error, 0), result.logs
    assert world.read_network(network) == before
    assert (network.mint.balance(network.address), world.read_device(device).rewards_owed) == (vault, 70)
    assert world.send(world.claim([device], device.payout, network)).event().amount == 70


def token_account(world: World, network: Network, owner: Pubkey) -> Pubkey:
    """A token account of the network's mint that is nobody's associated one."""
    address = Keypair().pubkey()
    template = world.data(network.vault)
    world.set_account(address, template[:32] + bytes(owner) + bytes(8) + template[72:], TOKEN_PROGRAM_ID)
    return address


def with_bump(claim: Instruction, bump: int) -> Instruction:
    """The claim with another bump as its argument."""
    return Instruction(claim.program_id, claim.data[:1] + bytes([bump]), claim.accounts)


# Where the pay would go


@pytest.mark.parametrize("off", [-1, 1, -128])
def test_a_wrong_bump_is_refused(world: World, network: Network, device: Device, off: int) -> None:
    claim = world.claim([device], device.payout, network)
    bump = network.mint.bump_of(device.payout.pubkey())
    assert claim.data[1] == bump

    assert_refused(world, device, with_bump(claim, (bump + off) % 256), "WrongPayoutAccount")


def test_another_account_of_the_wallet_is_refused(world: World, network: Network, device: Device) -> None:
    other = token_account(world, network, device.payout.pubkey())

    claim = world.claim([device], device.payout, network, payout_account=other)

    assert_refused(world, device, claim, "WrongPayoutAccount")


def test_an_address_of_another_bump_is_skipped(world: World, network: Network, device: Device) -> None:
    """The address fits its bump, but no token account can be made there: it is skipped like a missing one."""
    seeds = [bytes(device.payout.pubkey()), bytes(TOKEN_PROGRAM_ID), bytes(network.mint.address)]
    bump = network.mint.bump_of(device.payout.pubkey())
    for lower in range(bump - 1, -1, -1):
        try:
            address = Pubkey.create_program_address([*seeds, bytes([lower])], ASSOCIATED_TOKEN_PROGRAM_ID)
        except ValueError:
            continue
        break

    claim = with_bump(world.claim([device], device.payout, network, payout_account=address), lower)

    assert world.send(claim).event().entries[0].outcome == 5
    assert world.read_device(device).rewards_owed == 70


def test_somebody_elses_account_is_refused(world: World, network: Network, device: Device) -> None:
    thief = world.keypair()
    theirs = network.mint.open(thief.pubkey())
    claim = world.claim([device], device.payout, network, payout_account=theirs)

    assert_refused(world, device, with_bump(claim, network.mint.bump_of(thief.pubkey())), "WrongPayoutAccount")


def test_an_account_of_another_mint_is_refused(world: World, network: Network, device: Device) -> None:
    other, wallet = create_mint(world), device.payout.pubkey()
    claim = world.claim([device], device.payout, network, payout_account=other.open(wallet))

    assert_refused(world, device, with_bump(claim, other.bump_of(wallet)), "WrongPayoutAccount")


def test_the_address_under_the_other_token_program_is_refused(world: World, network: Network, device: Device) -> None:
    address, bump = associated_token_address(device.payout.pubkey(), network.mint.address, TOKEN_2022_PROGRAM_ID)
    claim = world.claim([device], device.payout, network, payout_account=address)

    assert_refused(world, device, with_bump(claim, bump), "WrongPayoutAccount")


def test_the_vault_is_nobodys_payout_account(world: World, network: Network, device: Device) -> None:
    claim = world.claim([device], device.payout, network, payout=network.address, payout_account=network.vault)

    assert_refused(world, device, claim, "ConstraintDuplicateMutableAccount")


# Where the pay would come from


def test_another_vault_is_refused(world: World, network: Network, device: Device) -> None:
    for vault in (token_account(world, network, network.address), world.network().vault):
        claim = world.claim([device], device.payout, network, vault=vault)
        assert world.send(claim).error_name == "AddressMismatch"

    assert_refused(world, device, claim, "AddressMismatch")


def test_another_mint_is_refused(world: World, network: Network, device: Device) -> None:
    claim = world.claim([device], device.payout, network, mint=create_mint(world).address)

    assert_refused(world, device, claim, "AddressMismatch")


@pytest.mark.parametrize("program", [SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, PROGRAM_ID], ids=str)
def test_without_its_token_program_nothing_moves(
    world: World, network: Network, device: Device, program: Pubkey
) -> None:
    claim = world.claim([device], device.payout, network, token_program=program)

    assert_refused(world, device, claim, "MissingAccount")


def test_a_copy_of_the_network_is_refused(world: World, network: Network, device: Device) -> None:
    copy = Keypair().pubkey()
    world.set_account(copy, world.data(network.address), SYSTEM_PROGRAM_ID)

    assert_refused(world, device, world.claim([device], device.payout, network, network=copy), "IllegalOwner")


# What stands in the place of a device


def other_networks_device(world: World, device: Device) -> Pubkey:
    return earning(world, world.network(), 70, payout=device.payout).address


def copy_of_the_device(world: World, device: Device) -> Pubkey:
    copy = Keypair().pubkey()
    world.set_account(copy, world.data(device.address), TOKEN_PROGRAM_ID)
    return copy


def another_network(world: World, device: Device) -> Pubkey:
    return world.network().address


def wrong_discriminator(world: World, device: Device) -> Pubkey:
    address = Keypair().pubkey()
    world.set_account(address, bytes(8) + world.data(device.address)[8:], PROGRAM_ID)
    return address


def a_shorter_account(world: World, device: Device) -> Pubkey:
    address = Keypair().pubkey()
    world.set_account(address, world.data(device.address)[:8].ljust(511, b"\0"), PROGRAM_ID)
    return address


def a_system_account_with_data(world: World, device: Device) -> Pubkey:
    address = Keypair().pubkey()
    world.set_account(address, bytes(80), SYSTEM_PROGRAM_ID)
    return address


def an_empty_account_of_a_program(world: World, device: Device) -> Pubkey:
    address = Keypair().pubkey()
    world.set_account(address, b"", TOKEN_PROGRAM_ID)
    return address


def a_token_account(world: World, device: Device) -> Pubkey:
    return device.network.mint.open(world.keypair().pubkey())


def the_mint_of_another(world: World, device: Device) -> Pubkey:
    return create_mint(world).address


def the_vault(world: World, device: Device) -> Pubkey:
    return device.network.vault


def the_network_itself(world: World, device: Device) -> Pubkey:
    return device.network.address


def the_payout_account(world: World, device: Device) -> Pubkey:
    return device.network.mint.account_of(device.payout.pubkey())


FOREIGN: list[tuple[Callable[[World, Device], Pubkey], str]] = [
    (other_networks_device, "WrongNetwork"),
    (copy_of_the_device, "IllegalOwner"),
    (another_network, "InvalidAccountData"),
    (wrong_discriminator, "InvalidAccountData"),
    (a_shorter_account, "AccountDataTooSmall"),
    (a_system_account_with_data, "AccountDataTooSmall"),
    (an_empty_account_of_a_program, "AccountDataTooSmall"),
    (a_token_account, "AccountDataTooSmall"),
    (the_mint_of_another, "AccountDataTooSmall"),
    (the_vault, "ConstraintDuplicateMutableAccount"),
    (the_network_itself, "ConstraintDuplicateMutableAccount"),
    (the_payout_account, "ConstraintDuplicateMutableAccount"),
]


@pytest.mark.parametrize(("make", "error"), FOREIGN, ids=[make.__name__ for make, _ in FOREIGN])
def test_what_is_no_device_of_the_network_is_refused(
    world: World, network: Network, device: Device, make: Callable[[World, Device], Pubkey], error: str
) -> None:
    foreign = make(world, device)

    assert_refused(world, device, world.claim([device, foreign], device.payout, network), error)


def test_a_read_only_device_is_refused(world: World, network: Network, device: Device) -> None:
    claim = world.claim([], device.payout, network)
    meta = AccountMeta(device.address, is_signer=False, is_writable=False)

    read_only = Instruction(claim.program_id, claim.data, [*claim.accounts, meta])

    assert_refused(world, device, read_only, "ConstraintMut")


# A ledger that does not add up: the state is tampered with, no instruction leads there


def tampered(world: World, device: Device, **fields: Any) -> str:
    """What a claim fails with after these fields of the network were changed; they are changed back."""
    network, before = device.network, world.read_network(device.network)
    world.patch_network(network, **fields)
    result = world.send(world.claim([device], device.payout, network), check=False)
    world.patch_network(network, **{name: getattr(before, name) for name in fields})
    return result.error_name


def test_a_ledger_that_holds_too_little_pays_nothing(world: World, device: Device) -> None:
    assert tampered(world, device, pool_owed=69) == "Overflow"
    assert tampered(world, device, accounted=69) == "Overflow"

    assert world.send(world.claim([device], device.payout, device.network)).event().amount == 70


def test_a_vault_short_of_tokens_pays_nothing_and_loses_nothing(world: World, network: Network, device: Device) -> None:
    vault, before = world.data(network.vault), world.read_network(network)
    world.set_data(network.vault, vault[:AMOUNT_AT] + (69).to_bytes(8, "little") + vault[AMOUNT_AT + 8 :])

    result = world.send(world.claim([device], device.payout, network), check=False)

    # The token program's own "insufficient funds".
    assert (result.error, result.instruction) == ("Custom(1)", 0)
    assert f"Program {TOKEN_PROGRAM_ID} failed" in " ".join(result.logs)
    assert (world.read_network(network), world.read_device(device).rewards_owed) == (before, 70)
    world.set_data(network.vault, vault)
    assert world.send(world.claim([device], device.payout, network)).event().amount == 70


def test_sums_past_all_amounts_fail(world: World, network: Network, device: Device) -> None:
    other = earning(world, network, 30, payout=device.payout)
    world.patch_device(other, rewards_owed=2**64 - 70)

    result = world.send(world.claim([device, other], device.payout, network), check=False)

    assert result.error_name == "Overflow"
    assert world.balance(device.payout) == 0
