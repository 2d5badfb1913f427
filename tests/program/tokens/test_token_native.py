"""Wrapped SOL of both token programs: lamports given to a vault, unwrapping, closing, and what can't be burnt."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from support import changes
from support.builders import unsigned
from support.snapshots import snapshot
from support.svm import Svm
from support.tokens import Mint
from support.tokens_accounts import Holding
from support.tokens_flow import TokenFlow
from support.tokens_kinds import NATIVE, flow_of, name_of
from support.world import World
from support.wrapped_sol import wrapped_sol

_SYNC_NATIVE = 17
REFUSALS = {"MissingRequiredSignature", "Custom(4)", "Custom(10)"}
"""No signature, another owner, or not for wrapped SOL."""


@pytest.fixture(params=NATIVE, ids=name_of)
def flow(request: pytest.FixtureRequest, world: World) -> TokenFlow:
    """A scene of wrapped SOL."""
    making: Callable[[Svm], Mint] = request.param
    return flow_of(world, making)


def sync(flow: TokenFlow) -> Instruction:
    """Has the token program count the lamports that the vault holds."""
    metas = [AccountMeta(flow.network.vault, is_signer=False, is_writable=True)]
    return Instruction(flow.mint.token_program, bytes([_SYNC_NATIVE]), metas)


def test_lamports_given_to_a_vault_count_for_nothing_until_somebody_says_so(world: World, flow: TokenFlow) -> None:
    """Given at any moment, counted at any moment, in the middle of everything else: no movement is disturbed."""
    strays = 0
    accounted = world.read_network(flow.network).accounted
    for gift, movement in enumerate(flow.movements(), 1_000):
        world.runtime.airdrop(flow.network.vault, gift)
        lamports = world.lamports(flow.network.vault)
        flow.do(movement)
        assert world.lamports(flow.network.vault) == lamports + movement.vault
        accounted += movement.vault
        world.must(sync(flow))
        strays += gift
        assert flow.mint.balance(flow.network.address) == accounted + strays
        assert world.read_network(flow.network).accounted == accounted

    event = flow.must(world.fund(flow.network, 0)).event()

    assert (event.amount, event.surplus) == (0, strays)
    assert world.read_network(flow.network).accounted == accounted + strays


def test_a_vault_whose_lamports_are_counted_twice_gains_nothing(world: World, flow: TokenFlow) -> None:
    world.runtime.airdrop(flow.network.vault, 5)
    fund = world.fund(flow.network, 0)

    assert flow.must(sync(flow), sync(flow), fund).event().surplus == 5
    assert flow.must(sync(flow), fund).event().surplus == 0


def test_nobody_unwraps_closes_or_empties_a_vault(world: World, flow: TokenFlow) -> None:
    world.runtime.airdrop(flow.network.vault, 10**9)
    thief = world.keypair(lamports=10**9).pubkey()
    before = snapshot(world)
    for owner in (flow.network.address, thief):
        vault = Holding(world, flow.mint, flow.network.vault, owner)
        for attack in (vault.unwrap(thief), vault.withdraw_lamports(thief), flow.mint.close(vault.account, owner)):
            result = world.send(unsigned(attack, owner) if owner == flow.network.address else attack)
            assert result.error in REFUSALS
            assert snapshot(world) == before


def test_a_payout_account_unwrapped_and_closed_between_two_claims_is_paid_once_it_is_back(
    world: World, flow: TokenFlow
) -> None:
    movements = {each.name: each for each in flow.movements()}
    flow.do(movements["claim"])
    wallet = flow.device.payout.pubkey()
    world.must(flow.mint.close(flow.mint.account_of(wallet), wallet))
    flow.must(world.voucher(flow.lane, 500))

    assert flow.desk.claim(flow.device).event().amount == 0
    assert world.read_device(flow.device).earnings_owed == 100

    flow.mint.open(wallet)
    assert flow.desk.claim(flow.device).event().amount == 95
    assert flow.mint.balance(wallet) == 95


def test_wrapped_sol_of_spl_token_is_never_set_to_burn(world: World) -> None:
    mint = wrapped_sol(world)
    assert world.send(world.create_network(world.terms(burn_bps=1), mint=mint)[1]).error_name == "InvalidParameter"
    network = world.network(mint=mint)
    assert world.send(world.propose(network, changes.fees(0, 1))).error_name == "InvalidParameter"


def test_wrapped_sol_of_token_2022_is_never_set_to_burn(world: World) -> None:
    mint = NATIVE[1](world)
    assert world.send(world.create_network(world.terms(burn_bps=1), mint=mint)[1]).error_name == "InvalidParameter"
    network = world.network(mint=mint)
    assert world.send(world.propose(network, changes.fees(0, 1))).error_name == "InvalidParameter"


def test_the_mint_of_wrapped_sol_is_the_one_that_token_2022_made(world: World) -> None:
    mint = NATIVE[1](world)
    derived = Pubkey.find_program_address([b"native-mint"], mint.token_program)[0]

    assert mint.address == derived
    assert world.data(mint.address)[44:46] == bytes([9, 1])
    assert flow_of(world, lambda _: mint).mint == mint
