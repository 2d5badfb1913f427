"""Frozen accounts: a vault that lets nothing in or out until it is thawed, and whoever is at a payment's other end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support import changes
from support.edges_trust import DIFFERS, Accusation, Trust
from support.snapshots import snapshot
from support.svm import Svm
from support.tokens import Mint, create_mint
from support.tokens_flow import FUND, ROOT, TokenFlow
from support.tokens_kinds import flow_of, name_of, spl_token, token_2022
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

FROZEN, CANNOT_FREEZE, OWNER_MISMATCH = 17, 16, 4
"""Errors of both token programs."""
PAID, UNPAYABLE = 0, 5
SKIPPING = {"claim", "claim_root"}
"""What anybody may crank: an account that can't be paid is skipped there."""


@pytest.fixture(params=[spl_token, token_2022], ids=name_of)
def flow(request: pytest.FixtureRequest, world: World) -> TokenFlow:
    """A scene with a token of either program, which its issuer may freeze."""
    making: Callable[[Svm], Mint] = request.param
    return flow_of(world, making)


def test_a_frozen_vault_lets_nothing_in_or_out_and_all_of_it_once_thawed(world: World, flow: TokenFlow) -> None:
    movements = flow.movements()
    world.must(flow.mint.freeze(flow.network.vault))
    before = snapshot(world)

    for movement in movements:
        result = world.send(movement.instruction)
        assert (movement.name, result.error_number) == (movement.name, FROZEN)
        assert snapshot(world) == before

    world.must(flow.mint.thaw(flow.network.vault))
    for movement in movements:
        flow.do(movement)


def test_a_frozen_vault_takes_everything_else_of_its_transaction_along(world: World, flow: TokenFlow) -> None:
    movements = flow.movements()
    world.must(flow.mint.freeze(flow.network.vault))
    before = snapshot(world)

    for movement in movements:
        lane = world.reserve(flow.tab, flow.device, 10)
        assert world.send(lane, world.voucher(flow.lane, 500), movement.instruction).error_number == FROZEN
        assert snapshot(world) == before


def test_a_frozen_vault_stops_no_arithmetic(world: World, flow: TokenFlow) -> None:
    """What moves no tokens goes on: work, reserves, vouchers, invoices, refunds and the ends of lanes."""
    world.must(flow.mint.freeze(flow.network.vault))

    flow.must(world.receipt(flow.device, 2, 100))
    lane = world.lane(flow.tab, flow.device, 60)
    flow.must(world.voucher(lane, 50))
    flow.must(world.waive(lane))
    assert flow.refund().event().amount == 50

    tab, device = world.read_tab(flow.tab), world.read_device(flow.device)
    assert (tab.balance, device.earnings_owed) == (8_000 - 60 + 10 - 100 + 50, 400 + 50 + 50)
    world.must(flow.mint.thaw(flow.network.vault))
    assert flow.desk.claim(flow.device).event().amount == 70 + 500 - 25 - 12


def test_a_frozen_vault_stops_no_promise_and_no_dispute(world: World, flow: TokenFlow) -> None:
    """Penalties, deposits and slashes move between tabs, bonds and pool, inside the vault."""
    trust, attestor = Trust(world), flow.roots.attestors[0]
    flow.must(world.propose(flow.network, changes.change(12, 100, 10_000)), world.apply(flow.network))
    world.must(flow.mint.freeze(flow.network.vault))
    lane = world.lane(flow.tab, flow.device, 40)
    flow.must(trust.promise(lane, 40, 5_000, world.now + 1))
    world.advance(601)
    assert flow.must(trust.enforce(lane)).event().penalty == 20
    accusation = Accusation(flow.device, flow.tab, seq=2)
    flow.must(world.receipt(flow.device, 2, 100, head=accusation.head))
    flow.must(trust.accuse(accusation))
    flow.must(trust.find(accusation, attestor, DIFFERS))

    event = flow.must(trust.resolve(accusation)).event()

    assert (event.to_challenger, event.to_pool, event.forfeited) == (100, 880, 70)
    assert world.read_tab(flow.tab).balance == 8_000 - 40 + 20 + 100
    assert world.read_device(flow.device).bond == 0


def test_a_frozen_vault_still_has_its_strays_counted(world: World, flow: TokenFlow) -> None:
    """A funding of nothing moves nothing: it only credits what the vault holds already."""
    world.must(flow.mint.mint_to(flow.network.vault, 77))
    fund = world.fund(flow.network, 0)
    world.must(flow.mint.freeze(flow.network.vault))

    event = flow.must(fund).event()

    assert (event.amount, event.surplus) == (0, 77)


def test_a_frozen_account_at_the_other_end_harms_itself_alone(world: World, flow: TokenFlow) -> None:
    movements = flow.movements()
    for frozen in movements:
        world.must(flow.mint.freeze(frozen.account))
        before = flow.holdings(frozen)
        kept = snapshot(world)

        result = world.send(frozen.instruction)

        assert flow.holdings(frozen) == before
        if frozen.name in SKIPPING:
            assert result.event().amount == 0
        else:
            assert (frozen.name, result.error_number) == (frozen.name, FROZEN)
        assert snapshot(world) == kept
    for other in movements:
        world.must(flow.mint.thaw(other.account))
        flow.do(other)


def test_a_frozen_payout_account_leaves_its_neighbours_paid(world: World, flow: TokenFlow) -> None:
    """In one transaction, with the claims of others before and behind it; what is owed stays owed until the thaw."""
    device, payee = flow.device, flow.root.payee(0)
    for owner in (device.payout.pubkey(), payee.payout):
        world.must(flow.mint.freeze(flow.mint.account_of(owner)))
    other = world.device(flow.network)
    flow.must(world.voucher(world.lane(flow.tab, other, 40), 40))
    claims = {each.name: each.instruction for each in flow.movements() if each.name in SKIPPING}
    paid = world.claim([other], other.payout, flow.network)

    events: tuple[Any, ...] = flow.must(claims["claim"], claims["claim_root"], paid).events

    assert [each.amount for each in events] == [0, 0, 37]
    assert (events[0].entries[0].outcome, events[1].outcome) == (UNPAYABLE, UNPAYABLE)
    held = world.read_device(device)
    assert (held.rewards_owed, held.earnings_owed) == (70, 400)
    assert (flow.roots.watermark(0), world.read_network(flow.network).root_owed) == (0, ROOT)

    for owner in (device.payout.pubkey(), payee.payout):
        world.must(flow.mint.thaw(flow.mint.account_of(owner)))
    later: tuple[Any, ...] = flow.must(claims["claim"], claims["claim_root"]).events
    assert [each.amount for each in later] == [440, ROOT]


@pytest.mark.parametrize("program", [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["spl token", "token-2022"])
def test_a_mint_without_freeze_authority_freezes_nobody(world: World, program: Pubkey) -> None:
    mint = create_mint(world, token_program=program, freezable=False)
    network = world.network(mint=mint)

    assert world.send(mint.freeze(network.vault)).error_number == CANNOT_FREEZE
    assert mint.balance(network.address) == 10 * FUND


def test_only_the_issuer_freezes(world: World, flow: TokenFlow) -> None:
    stranger = Mint(world, flow.mint.address, flow.mint.token_program, flow.network.authority)

    assert world.send(stranger.freeze(flow.network.vault)).error_number == OWNER_MISMATCH
