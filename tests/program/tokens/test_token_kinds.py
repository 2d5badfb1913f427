"""Whatever moves tokens, with every kind of token: exact to the base unit, and none made or lost but those burnt."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.svm import Svm
from support.tokens import Mint, token_amount
from support.tokens_flow import EARNINGS, FEE_BPS, TokenFlow
from support.tokens_kinds import ISSUED, NATIVE, flow_of, name_of
from support.world import World


def held(world: World, mint: Mint) -> int:
    """Base units in all accounts of a token."""
    accounts = world.runtime.get_program_accounts(mint.token_program)
    of_mint = [each.data for _, each in accounts if each.data[:32] == bytes(mint.address) and len(each.data) != 82]
    return sum(token_amount(data) for data in of_mint)


@pytest.fixture(params=[*ISSUED, *NATIVE], ids=name_of)
def flow(request: pytest.FixtureRequest, world: World) -> TokenFlow:
    """A scene of each kind of token."""
    making: Callable[[Svm], Mint] = request.param
    return flow_of(world, making)


def test_each_movement_moves_what_it_says_and_nothing_else(world: World, flow: TokenFlow) -> None:
    movements = flow.movements()
    for movement in movements:
        held_before, vault_before = held(world, flow.mint), flow.mint.balance(flow.network.address)

        flow.do(movement)

        burnt = EARNINGS * flow.burn_bps // 10_000 if movement.name == "claim" else 0
        assert held(world, flow.mint) == held_before - burnt
        after = world.read_network(flow.network)
        assert after.accounted == flow.mint.balance(flow.network.address) == vault_before + movement.vault
    assert world.read_network(flow.network).fees == EARNINGS * FEE_BPS // 10_000


def test_what_the_ledger_says_is_the_same_for_every_kind(world: World, flow: TokenFlow) -> None:
    """Decimals and programs are for show: amounts are base units."""
    for movement in flow.movements():
        flow.do(movement)
    flow.refund()

    network, tab = world.read_network(flow.network), world.read_tab(flow.tab)
    burnt = 1_200 * flow.burn_bps // 10_000
    assert (network.pool_free, network.pool_owed, network.fees) == (1_000_130 - 700, 0, 20)
    assert (tab.balance, tab.deposited, tab.withdrawn) == (8_050, 10_300, 200)
    assert world.read_device(flow.device).earnings_owed == 50
    assert (
        network.accounted == 1_000_000 + 500 + 10_300 - 200 - 70 - 300 - (1_200 - 60 - burnt) - 40 - burnt + 850 - 700
    )
    assert network.decimals == world.data(flow.mint.address)[44]
