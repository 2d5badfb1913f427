"""Where deposits and fundings come from: an owner's account, one that others may spend from, or several owners'."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from support.earning import burning
from support.parties import Device
from support.snapshots import snapshot
from support.svm import Svm
from support.tokens import Mint, token_amount
from support.tokens_accounts import ACCOUNT_OWNER, CLOSE_ACCOUNT, by_members, create_multisig, holding
from support.tokens_flow import TokenFlow
from support.tokens_kinds import flow_of, name_of, spl_token, token_2022
from support.world import World

OWNER_MISMATCH, INSUFFICIENT = 4, 1


@pytest.fixture(params=[spl_token, token_2022], ids=name_of)
def flow(request: pytest.FixtureRequest, world: World) -> TokenFlow:
    """A scene with a token of either program."""
    making: Callable[[Svm], Mint] = request.param
    return flow_of(world, making)


def named(instruction: Instruction, old: Pubkey, new: Pubkey) -> Instruction:
    """The instruction with an account in another's place that does not sign."""
    metas = [
        AccountMeta(new, is_signer=False, is_writable=each.is_writable) if each.pubkey == old else each
        for each in instruction.accounts
    ]
    return Instruction(instruction.program_id, instruction.data, metas)


def test_a_delegate_spends_what_was_approved_and_no_more(world: World, flow: TokenFlow) -> None:
    agent = world.keypair()
    source = flow.mint.open(world.keypair().pubkey(), 1_000)
    world.must(holding(world, flow.mint, source).approve(agent.pubkey(), 300))
    deposit = world.deposit(flow.tab, 200, depositor=agent, source=source)
    too_much = world.deposit(flow.tab, 101, depositor=agent, source=source)
    fund = world.fund(flow.network, 100, funder=agent.pubkey(), source=source)

    assert flow.must(deposit).event().depositor == agent.pubkey()
    before = snapshot(world)
    assert world.send(too_much).error_number == INSUFFICIENT
    assert snapshot(world) == before
    assert flow.must(fund).event().amount == 100
    assert world.send(fund).error_number == OWNER_MISMATCH
    assert token_amount(world.data(source)) == 700


def test_a_delegate_of_everything_spends_what_is_there_and_no_more(world: World, flow: TokenFlow) -> None:
    agent = world.keypair()
    source = flow.mint.open(world.keypair().pubkey(), 50)
    world.must(holding(world, flow.mint, source).approve(agent.pubkey(), 2**64 - 1))

    assert world.send(world.deposit(flow.tab, 51, depositor=agent, source=source)).error_number == INSUFFICIENT
    assert flow.must(world.deposit(flow.tab, 50, depositor=agent, source=source)).event().amount == 50


def test_who_may_close_an_account_may_not_spend_from_it(world: World, flow: TokenFlow) -> None:
    closer = world.keypair()
    source = flow.mint.open(world.keypair().pubkey(), 50)
    world.must(holding(world, flow.mint, source).hand_over(CLOSE_ACCOUNT, closer.pubkey()))

    assert world.send(world.deposit(flow.tab, 1, depositor=closer, source=source)).error_number == OWNER_MISMATCH


def test_an_account_that_was_handed_on_is_its_new_owners(world: World) -> None:
    flow = flow_of(world, spl_token)
    old, new = world.keypair(), world.keypair()
    source = flow.mint.account_of(old.pubkey())
    by_the_old = world.deposit(flow.tab, 50, depositor=old)
    world.must(holding(world, flow.mint, source).hand_over(ACCOUNT_OWNER, new.pubkey()))

    assert world.send(by_the_old).error_number == OWNER_MISMATCH
    assert flow.must(world.deposit(flow.tab, 50, depositor=new, source=source)).event().amount == 50


def test_members_of_a_multisig_pay_in_by_a_delegate_they_agreed_on(world: World, flow: TokenFlow) -> None:
    """One signature is passed on: a member's own is not the multisig's, and a multisig signs nothing itself."""
    members, agent = [world.keypair() for _ in range(3)], world.keypair()
    multisig = create_multisig(world, flow.mint, members, 2)
    source = flow.mint.open(multisig, 1_000)
    by_one = world.deposit(flow.tab, 10, depositor=members[0], source=source)
    before = snapshot(world)
    assert world.send(by_one).error_number == OWNER_MISMATCH
    in_its_name = named(by_one, members[0].pubkey(), multisig)
    assert world.send(by_members(in_its_name, multisig, members[:2])).error == "MissingRequiredSignature"
    assert snapshot(world) == before

    approve = holding(world, flow.mint, source).approve(agent.pubkey(), 10)
    assert world.send(by_members(approve, multisig, members[:1])).error == "MissingRequiredSignature"
    world.must(by_members(approve, multisig, members[1:]))
    assert flow.must(world.deposit(flow.tab, 10, depositor=agent, source=source)).event().amount == 10
    assert token_amount(world.data(source)) == 990


def test_a_multisig_is_paid_like_any_wallet(world: World, flow: TokenFlow) -> None:
    """As a device's payout wallet, and where a consumer or an authority sends its money."""
    members = [world.keypair() for _ in range(2)]
    multisig = create_multisig(world, flow.mint, members, 2)
    account = flow.mint.open(multisig)
    device: Device = world.device(flow.network)
    flow.must(world.update(device, payout=multisig))
    flow.must(world.voucher(world.lane(flow.tab, device, 100), 100))
    claim = world.claim([device], device.payout, flow.network, payout=multisig, payout_account=account)

    assert flow.must(world.withdraw(flow.tab, 30, destination=account)).event().amount == 30
    assert flow.must(flow.desk.collect(flow.network, account)).event().amount == 40
    assert flow.must(burning(claim, flow.network)).event().amount == 93
    assert token_amount(world.data(account)) == 30 + 40 + 93
