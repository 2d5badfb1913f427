"""What holders do with their own token accounts, and nobody with a vault: memos, CPI guards, delegates, new owners."""

from __future__ import annotations

import pytest

from support.builders import unsigned
from support.snapshots import snapshot
from support.tokens import token_amount
from support.tokens_accounts import (
    ACCOUNT_OWNER,
    CLOSE_ACCOUNT,
    CPI_GUARD,
    MEMO,
    Holding,
    holding,
    memo,
)
from support.tokens_flow import Movement, TokenFlow
from support.tokens_kinds import flow_of, token_2022
from support.world import World

OWNER_MISMATCH, IMMUTABLE_OWNER, NO_MEMO, GUARDED = 4, 34, 36, 42
"""Errors of the token programs."""
SKIPPING = {"claim", "claim_root"}


@pytest.fixture
def flow(world: World) -> TokenFlow:
    """A scene with a token of Token-2022."""
    return flow_of(world, token_2022)


def enters(movement: Movement) -> bool:
    return movement.vault > 0


def switch(world: World, flow: TokenFlow, movement: Movement, kind: int, *, on: bool) -> None:
    """Switches an extension of the account at the movement's other end."""
    held = holding(world, flow.mint, movement.account)
    world.must(held.make_room(kind), held.switch(kind, on))


def test_a_memo_is_never_given(world: World, flow: TokenFlow) -> None:
    """A crank skips who asks for one; whoever names such an account as a destination is refused, memo or not, as the
    transfer is an inner instruction. Money still goes in from such an account."""
    for movement in flow.movements():
        switch(world, flow, movement, MEMO, on=True)
        before = snapshot(world)
        for attempt in ([movement.instruction], [memo(), movement.instruction]):
            if enters(movement):
                continue
            result = world.send(*attempt)
            if movement.name in SKIPPING:
                assert result.event().amount == 0
            else:
                assert (movement.name, result.error_number) == (movement.name, NO_MEMO)
            assert snapshot(world) == before
        if not enters(movement):
            switch(world, flow, movement, MEMO, on=False)
        flow.do(movement)


def test_a_cpi_guard_keeps_its_own_tokens_in_and_no_pay_out(world: World, flow: TokenFlow) -> None:
    """A program may not move tokens of a guarded account in its owner's name; pay into it arrives."""
    for movement in flow.movements():
        switch(world, flow, movement, CPI_GUARD, on=True)
        if enters(movement):
            before = snapshot(world)
            assert (movement.name, world.send(movement.instruction).error_number) == (movement.name, GUARDED)
            assert snapshot(world) == before
            switch(world, flow, movement, CPI_GUARD, on=False)
        flow.do(movement)


def test_behind_a_cpi_guard_a_delegate_still_pays_in(world: World, flow: TokenFlow) -> None:
    agent = world.keypair()
    consumer = flow.tab.consumer.pubkey()
    source = flow.mint.open(consumer, 500)
    held = holding(world, flow.mint, source)
    world.must(held.make_room(CPI_GUARD), held.switch(CPI_GUARD, True), held.approve(agent.pubkey(), 120))
    deposit = world.deposit(flow.tab, 120, depositor=agent, source=source)

    assert flow.must(deposit).event().amount == 120
    assert world.send(deposit).error_number == OWNER_MISMATCH
    assert token_amount(world.data(source)) == 380


def test_nobody_switches_anything_on_a_vault(world: World, flow: TokenFlow) -> None:
    """It takes the network's signature, which it gives to transfers and burns alone."""
    vault, thief = flow.network.vault, world.keypair(lamports=10**9)
    before = snapshot(world)
    for owner in (flow.network.address, thief.pubkey()):
        held = Holding(world, flow.mint, vault, owner)
        attacks = [
            held.make_room(MEMO, CPI_GUARD),
            held.switch(MEMO, True),
            held.switch(CPI_GUARD, True),
            held.approve(thief.pubkey(), 2**64 - 1),
            held.hand_over(CLOSE_ACCOUNT, thief.pubkey()),
            held.hand_over(ACCOUNT_OWNER, thief.pubkey()),
            held.withdraw_lamports(thief.pubkey()),
            flow.mint.transfer(vault, flow.mint.account_of(flow.tab.consumer.pubkey()), owner, 1),
            flow.mint.close(vault, owner),
        ]
        for attack in attacks:
            result = world.send(unsigned(attack, owner) if owner == flow.network.address else attack)
            assert not result.ok
            assert result.error != "ProgramFailedToComplete"
            assert snapshot(world) == before
    data = world.data(vault)
    assert (data[72:76], data[129:133]) == (bytes(4), bytes(4)), "neither delegate nor close authority"


def test_a_vault_that_asked_for_memos_would_still_let_everything_out(world: World, flow: TokenFlow) -> None:
    """It can't come to be; written past every rule, deposits wait and no exit does."""
    movements = flow.movements()
    data = world.data(flow.network.vault)
    asking = data + bytes([MEMO, 0, 1, 0, 1])
    for movement in movements:
        world.set_data(flow.network.vault, world.data(flow.network.vault)[: len(data)] + asking[len(data) :])
        if enters(movement):
            before = snapshot(world)
            assert world.send(movement.instruction).error_number == NO_MEMO
            assert snapshot(world) == before
            world.set_data(flow.network.vault, world.data(flow.network.vault)[: len(data)])
        flow.do(movement)


def test_a_payout_account_of_token_2022_never_changes_hands(world: World, flow: TokenFlow) -> None:
    account = flow.mint.account_of(flow.device.payout.pubkey())
    sell = holding(world, flow.mint, account).hand_over(ACCOUNT_OWNER, world.keypair().pubkey())

    assert world.send(sell).error_number == IMMUTABLE_OWNER
