"""Every extension that Token-2022 knows of, in mints of the real program: refused, or safe in whatever moves tokens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from support.snapshots import snapshot
from support.tokens import Extension, create_mint
from support.tokens_flow import TokenFlow
from support.tokens_mints import ACCEPTED, REFUSED, Making, described_mint, extension_kinds
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID
from worktab.program.artefacts import program_idl

ACCOUNT_KINDS = {2, 5, 7, 8, 11, 13, 15, 17, 27}
"""Extensions of token accounts, which no mint has."""
KNOWN = set(range(1, 29))
"""All that the deployed program knows."""
POINTER = Extension(64, bytes([39, 0]) + bytes([9]) * 64)


def name_of(making: Making) -> str:
    return making.__name__.replace("_", " ")


def test_every_extension_of_a_mint_is_either_among_the_accepted_or_among_the_refused(world: World) -> None:
    accepted, refused = set[int](), set[int]()
    for making in ACCEPTED:
        described = making(world)
        world.must(*described.later)
        accepted |= set(extension_kinds(world.data(described.mint.address)))
    for extensions in REFUSED.values():
        refused |= set(extension_kinds(world.data(described_mint(world, *extensions).address)))

    assert accepted == {10, 18, 19, 20, 21, 22, 23, 25}
    assert refused == {1, 3, 4, 6, 9, 12, 14, 16, 24, 26, 28}
    assert accepted | refused | ACCOUNT_KINDS == KNOWN


def test_the_movements_are_all_that_the_program_has(world: World) -> None:
    with_vault = {
        each["name"]
        for each in program_idl()["instructions"]
        if any(account["name"] == "vault" for account in each["accounts"])
    }

    names = [each.name for each in TokenFlow(world, create_mint(world)).movements()]

    assert sorted(names) == sorted(with_vault - {"create_network"})


@pytest.mark.parametrize("extensions", REFUSED.values(), ids=REFUSED)
def test_a_refused_extension_is_refused_wherever_it_stands(world: World, extensions: Sequence[Extension]) -> None:
    for order in (extensions, [POINTER, *extensions], [*extensions, POINTER]):
        mint = described_mint(world, *order)
        network, create = world.create_network(world.terms(), mint=mint)
        before = snapshot(world)

        result = world.send(create)

        assert (result.error_name, result.events) == ("UnsafeMint", ())
        assert snapshot(world) == before
        assert world.account(network.address) is None
        assert world.account(network.vault) is None


@pytest.mark.parametrize("making", ACCEPTED, ids=name_of)
def test_an_accepted_extension_changes_no_amount_whatever_is_done_to_it(world: World, making: Making) -> None:
    described = making(world)
    flow = TokenFlow(world, described.mint)
    movements = flow.movements()
    vault = described.mint.balance(flow.network.address)
    assert vault == world.read_network(flow.network).accounted

    for step in described.later:
        world.must(step)
        assert described.mint.balance(flow.network.address) == vault
    for movement in movements:
        flow.do(movement)
    assert flow.refund().event().amount == 50

    after = world.read_network(flow.network)
    assert after.accounted == described.mint.balance(flow.network.address)
    assert after.accounted == vault + sum(each.vault for each in movements)
    assert (after.pool_owed, after.root_owed) == (0, 0)


@pytest.mark.parametrize("making", ACCEPTED, ids=name_of)
def test_a_mint_whose_authority_did_its_worst_before_is_no_worse(world: World, making: Making) -> None:
    described = making(world)
    world.must(*described.later)
    flow = TokenFlow(world, described.mint)

    for movement in flow.movements():
        flow.do(movement)


def test_metadata_that_make_a_mint_as_long_as_a_multisig_are_read_to_their_end(world: World) -> None:
    """A mint of 355 bytes would be taken for a multisig: the token program adds two, which are no extension."""
    described = next(each for each in ACCEPTED if each.__name__ == "metadata_that_come_later")(world)
    world.must(*described.later)
    data = world.data(described.mint.address)

    assert (len(data), data[-2:], data[165]) == (357, bytes(2), 1)
    assert extension_kinds(data) == [18, 19]
    assert described.mint.token_program == TOKEN_2022_PROGRAM_ID
    for movement in (flow := TokenFlow(world, described.mint)).movements():
        flow.do(movement)
