"""The wrong account at a movement's other end, or in the vault's or mint's place: refused, and nothing moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from support.snapshots import snapshot
from support.svm import Svm
from support.tokens import Mint, create_mint
from support.tokens_flow import TokenFlow
from support.tokens_kinds import flow_of, name_of, spl_token, token_2022
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

OTHER = {TOKEN_PROGRAM_ID: TOKEN_2022_PROGRAM_ID, TOKEN_2022_PROGRAM_ID: TOKEN_PROGRAM_ID}
REFUSALS = {
    "AddressMismatch",
    "WrongPayoutAccount",
    "VaultMismatch",
    "ConstraintDuplicateMutableAccount",
    "Custom(3)",  # of another mint
    "Custom(4)",  # of another owner
    "IncorrectProgramId",
    "InvalidAccountOwner",
    "InvalidAccountData",
    "MissingAccount",
}


@pytest.fixture(params=[spl_token, token_2022], ids=name_of)
def flow(request: pytest.FixtureRequest, world: World) -> TokenFlow:
    """A scene with a token of either program."""
    making: Callable[[Svm], Mint] = request.param
    return flow_of(world, making)


def with_other(instruction: Instruction, old: Pubkey, new: Pubkey) -> Instruction:
    """The instruction with another account in the place of one."""
    metas = [
        AccountMeta(new if each.pubkey == old else each.pubkey, each.is_signer, each.is_writable)
        for each in instruction.accounts
    ]
    return Instruction(instruction.program_id, instruction.data, metas)


def assert_refused(
    world: World, flow: TokenFlow, place: Callable[[TokenFlow, Pubkey], Pubkey], *others: Pubkey
) -> None:
    for movement in flow.movements():
        before = snapshot(world)
        for other in others:
            result = world.send(with_other(movement.instruction, place(flow, movement.account), other))
            assert result.error_name in REFUSALS, (movement.name, result.error_name, result.logs)
            assert snapshot(world) == before
        flow.do(movement)


def test_accounts_that_are_not_its_own_at_the_other_end(world: World, flow: TokenFlow) -> None:
    """The vault itself, accounts of another mint or program, a wallet, a mint, and the network."""
    stranger = world.keypair(lamports=10**9).pubkey()
    foreign = [create_mint(world, token_program=program).open(stranger, 10_000) for program in OTHER]
    accounts = [flow.network.vault, *foreign, stranger, flow.mint.address, flow.network.address]

    assert_refused(world, flow, lambda _, account: account, *accounts)


def test_another_account_in_the_vaults_place(world: World, flow: TokenFlow) -> None:
    """The vault of another network of the same mint, and an account that the network owns besides it."""
    other = world.network(mint=flow.mint, fund=5_000)

    assert_refused(world, flow, lambda flow, _: flow.network.vault, other.vault, other.address)


def test_another_account_in_the_mints_place(world: World, flow: TokenFlow) -> None:
    other = create_mint(world, token_program=flow.mint.token_program)

    assert_refused(world, flow, lambda flow, _: flow.mint.address, other.address, flow.network.vault)


def test_another_program_in_the_token_programs_place(world: World, flow: TokenFlow) -> None:
    """The program to call is the network's own, whatever is passed: without it there is nothing to call."""
    for movement in flow.movements():
        before = snapshot(world)
        swapped = with_other(movement.instruction, flow.mint.token_program, OTHER[flow.mint.token_program])
        result = world.send(swapped)
        assert not result.ok
        assert result.error != "ProgramFailedToComplete"
        assert snapshot(world) == before
        flow.do(movement)
