"""How many tokens there are: all that can be, more later, fewer by burning; and mints that close and come back."""

from __future__ import annotations

import struct

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from support.consumers import U64
from support.invoices import supply
from support.snapshots import snapshot
from support.tokens import Extension, Mint, create_mint, token_amount
from support.tokens_flow import TokenFlow
from support.tokens_mints import create_again, described_mint, transfer_checked
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

OVERFLOW = 14
"""Error of both token programs: more tokens than a number can say."""
PROGRAMS = pytest.mark.parametrize(
    "program", [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["spl token", "token-2022"]
)
_SET_AUTHORITY, _MINT_TOKENS, _CLOSE = 6, 0, 9


def close(mint: Mint, to: Pubkey, authority: Pubkey) -> Instruction:
    metas = [(mint.address, False, True), (to, False, True), (authority, True, False)]
    return Instruction(mint.token_program, bytes([_CLOSE]), [AccountMeta(*each) for each in metas])


@PROGRAMS
def test_all_the_tokens_there_can_be_are_deposited_sold_and_paid_out(world: World, program: Pubkey) -> None:
    mint = create_mint(world, token_program=program)
    network = world.network(mint=mint, fund=0, fee_bps=3_000)
    device, tab = world.device(network), world.tab(network)
    mint.open(tab.consumer.pubkey())
    assert world.send(world.deposit(tab, U64)).event().amount == U64
    assert world.send(mint.mint_to(network.vault, 1)).error_number == OVERFLOW

    lane = world.lane(tab, device, U64)
    assert world.send(world.voucher(lane, U64, 0)).event().amount == U64
    event = world.send(world.claim([device], device.payout, network)).event()

    fee = U64 * 3_000 // 10_000
    assert (event.amount, event.fee, event.burn) == (U64 - fee, fee, 0)
    assert mint.balance(device.payout.pubkey()) == U64 - fee
    after = world.read_network(network)
    assert (after.accounted, after.fees, after.total_revenue) == (fee, fee, U64)
    assert world.read_device(device).fee_carry == U64 * 3_000 % 10_000


@PROGRAMS
def test_tokens_that_were_burnt_may_be_issued_again_and_lifetimes_stop(world: World, program: Pubkey) -> None:
    """A tab's lifetime totals pass all the tokens there are by depositing again what came back."""
    mint = create_mint(world, token_program=program)
    network = world.network(mint=mint, fund=0)
    tab = world.tab(network)
    account = mint.open(tab.consumer.pubkey(), U64)
    deposit = world.deposit(tab, 0)
    deposit = Instruction(deposit.program_id, deposit.data[:1] + U64.to_bytes(8, "little"), deposit.accounts)
    withdraw = world.withdraw(tab, U64)

    for rounds in range(3):
        assert world.send(deposit).event().amount == U64
        held = world.read_tab(tab)
        assert (held.balance, held.deposited, held.withdrawn) == (U64, U64, U64 if rounds else 0)
        assert world.send(withdraw).event().amount == U64
        assert token_amount(world.data(account)) == U64

    assert world.read_network(network).accounted == 0


@PROGRAMS
def test_what_the_issuer_mints_later_is_the_vaults_only_by_a_funding(world: World, program: Pubkey) -> None:
    mint = create_mint(world, token_program=program)
    network = world.network(mint=mint, fund=100)
    assert supply(world, network) == 100

    world.must(mint.mint_to(network.vault, U64 - 100))
    assert world.read_network(network).accounted == 100
    assert world.send(mint.mint_to(network.vault, 1)).error_number == OVERFLOW

    assert world.send(world.fund(network, 0)).event().surplus == U64 - 100
    after = world.read_network(network)
    assert (after.pool_free, after.accounted, mint.balance(network.address)) == (U64, U64, U64)


@PROGRAMS
def test_a_burn_makes_room_for_as_many_new_tokens(world: World, program: Pubkey) -> None:
    mint = create_mint(world, token_program=program)
    flow = TokenFlow(world, mint)
    claim = next(each for each in flow.movements() if each.name == "claim")
    spare = mint.open(world.keypair().pubkey())
    world.must(mint.mint_to(spare, U64 - supply(world, flow.network)))
    before = token_amount(world.data(spare))

    flow.do(claim)

    assert supply(world, flow.network) == U64 - 10
    assert world.send(mint.mint_to(spare, 11)).error_number == OVERFLOW
    world.must(mint.mint_to(spare, 10))
    assert token_amount(world.data(spare)) == before + 10


@PROGRAMS
def test_a_mint_without_an_issuer_goes_on_as_it_is(world: World, program: Pubkey) -> None:
    flow = TokenFlow(world, create_mint(world, token_program=program))
    movements = flow.movements()
    metas = [AccountMeta(flow.mint.address, False, True), AccountMeta(flow.mint.authority.pubkey(), True, False)]
    world.must(Instruction(program, bytes([_SET_AUTHORITY, _MINT_TOKENS, 0]), metas))

    for movement in movements:
        flow.do(movement)


# Mints that close


@PROGRAMS
def test_a_mint_without_a_close_authority_never_closes(world: World, program: Pubkey) -> None:
    """Not even one of which no token exists: so no network's mint is ever replaced by another of its address."""
    mint = create_mint(world, token_program=program)
    network = world.network(mint=mint, fund=0)
    assert supply(world, network) == 0
    before = snapshot(world)

    for authority in (mint.authority, network.authority):
        assert not world.send(close(mint, world.payer.pubkey(), authority.pubkey())).ok
        assert snapshot(world) == before


def test_a_mint_that_can_close_would_come_back_with_other_rules(world: World) -> None:
    """Why a close authority is refused: an account of the old mint is one of the new, and a permanent delegate of the
    new one takes what the old one's rules kept safe."""
    keeper = world.keypair()
    mint = described_mint(world, Extension(32, bytes([25, 1]) + bytes(keeper.pubkey())))
    _, create = world.create_network(world.terms(), mint=mint)
    assert world.send(create).error_name == "UnsafeMint"

    victim = mint.open(world.keypair().pubkey())
    world.must(close(mint, world.payer.pubkey(), keeper.pubkey()))
    assert world.account(mint.address) is None
    thief = world.keypair()
    create_again(world, mint, Extension(32, bytes([35]) + bytes(thief.pubkey())))
    world.must(mint.mint_to(victim, 1_000))
    loot = mint.open(thief.pubkey())

    world.must(transfer_checked(mint, victim, loot, thief.pubkey(), 1_000))

    assert (token_amount(world.data(victim)), token_amount(world.data(loot))) == (0, 1_000)


def test_should_a_mint_tax_its_transfers_after_all_nothing_counts_that_did_not_arrive(world: World) -> None:
    """It can't come to be; written past every rule, deposits are refused, and what leaves is what the ledger says."""
    flow = TokenFlow(world, create_mint(world, token_program=TOKEN_2022_PROGRAM_ID))
    movements = flow.movements()
    one_percent = struct.pack("<QQH", 0, U64, 100)
    extend(world, flow.mint.address, struct.pack("<HH", 1, 108) + bytes([9]) * 64 + bytes(8) + one_percent * 2, kind=1)
    for account in {flow.network.vault, *(each.account for each in movements)}:
        extend(world, account, struct.pack("<HHQ", 2, 8, 0), kind=2)

    for movement in movements:
        before, state = flow.holdings(movement), snapshot(world)
        result = world.send(movement.instruction)
        after = flow.holdings(movement)
        if movement.vault > 0:
            assert (movement.name, result.error_name) == (movement.name, "VaultMismatch")
            assert snapshot(world) == state
        else:
            tax = -(-movement.outside // 100)
            assert (after[0] - before[0], after[1] - before[1]) == (movement.outside - tax, movement.vault)
    assert world.read_network(flow.network).accounted == flow.mint.balance(flow.network.address)


def extend(world: World, address: Pubkey, extension: bytes, *, kind: int) -> None:
    """Writes an extension behind what a mint (1) or a token account (2) has, past every rule."""
    data = world.data(address)
    start = data if len(data) > 165 else data.ljust(165, b"\0") + bytes([kind])
    world.set_data(address, start + extension)
