"""create_network under attack: repeated, in another's name, with other accounts, and by a stranger who was first."""

from __future__ import annotations

import pytest
from solders.system_program import TransferParams, transfer

from support.builders import unsigned
from support.tokens import Mint
from support.world import World
from worktab.core.addresses import TOKEN_PROGRAM_ID
from worktab.program.generated import accounts as state


def test_a_network_is_created_once(world: World) -> None:
    network, create = world.create_network(world.terms())
    assert world.send(create).ok
    before = world.data(network.address)

    again = world.send(create)

    assert (again.ok, again.error) == (False, "Custom(0)")
    assert world.data(network.address) == before


def test_creators_and_numbers_tell_networks_apart(world: World) -> None:
    creator, other = world.keypair(), world.keypair()
    made = [world.network(fund=0, authority=who, id=number) for who in (creator, other) for number in (0, 1)]

    assert len({network.address for network in made}) == 4
    assert len({world.read_network(network).domain for network in made}) == 4


def test_nobody_creates_a_network_in_anothers_name(world: World) -> None:
    creator, thief = world.keypair(), world.keypair()
    _, create = world.create_network(world.terms(), authority=creator)
    assert world.send(unsigned(create, creator.pubkey())).error == "MissingRequiredSignature"

    _, create = world.create_network(world.terms(), authority=creator, creator=thief.pubkey())
    assert world.send(create).error == "InvalidSeeds"


def test_only_the_networks_own_vault_is_taken(world: World) -> None:
    thief = world.keypair().pubkey()
    for vault in (world.mint.open(thief), thief):
        network, create = world.create_network(world.terms(), vault=vault)
        assert world.send(create).error == "InvalidSeeds"
        assert world.account(network.address) is None


def test_another_program_in_a_programs_place_is_refused(world: World) -> None:
    terms = world.terms()
    _, associated = world.create_network(terms, associated_token_program=TOKEN_PROGRAM_ID)
    _, system = world.create_network(terms, system_program=TOKEN_PROGRAM_ID)

    assert world.send(associated).error == "IncorrectProgramId"
    assert world.send(system).error == "IncorrectProgramId"


def test_a_vault_that_a_stranger_made_is_taken_over(world: World) -> None:
    network, create = world.create_network(world.terms())
    world.mint.open(network.address, 5)

    assert world.send(create).ok

    assert world.read_network(network).accounted == 0
    event = world.send(world.fund(network, 10)).event()
    assert (event.amount, event.surplus) == (10, 5)
    assert world.read_network(network).pool_free == 15


@pytest.mark.parametrize("lamports", [1_000_000, 10**9], ids=["less than the rent", "more than the rent"])
def test_lamports_at_the_address_do_not_stop_the_network(world: World, lamports: int) -> None:
    network, create = world.create_network(world.terms())
    gift = transfer(TransferParams(from_pubkey=world.payer.pubkey(), to_pubkey=network.address, lamports=lamports))
    world.must(gift)

    assert world.send(create).ok

    rent = world.runtime.minimum_balance_for_rent_exemption(state.Network.SIZE)
    assert world.lamports(network.address) == max(rent, lamports)
    assert world.read_network(network).version == 1


def test_a_payer_without_lamports_creates_nothing(world: World) -> None:
    poor = world.keypair(lamports=1_000_000)
    network, create = world.create_network(world.terms(), payer=poor.pubkey())

    assert world.send(create).error == "Custom(1)"
    assert world.account(network.address) is None


def test_networks_of_one_mint_keep_their_tokens_apart(world: World) -> None:
    mint: Mint = world.mint
    first, second = world.network(mint=mint, fund=10), world.network(mint=mint, fund=20)

    assert (mint.balance(first.address), mint.balance(second.address)) == (10, 20)
    assert [world.read_network(each).pool_free for each in (first, second)] == [10, 20]
