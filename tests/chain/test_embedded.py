"""What is the embedded chain's own: blocks and a clock that move only when told, exact to the block and the second."""

from __future__ import annotations

import hashlib

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from support.transfers import SOL, lamports, pay, signed
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import Level, Status, Tip
from worktab.core.errors import ChainError, InputError

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
ED25519 = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")
FIRST_SLOT = 435_888_000


@pytest.fixture
def chain() -> EmbeddedChain:
    return EmbeddedChain()


@pytest.fixture
def payer(chain: EmbeddedChain) -> Keypair:
    keypair = Keypair()
    chain.airdrop(keypair.pubkey(), 10 * SOL)
    return keypair


async def test_what_lands_makes_one_block_final_at_once(chain: EmbeddedChain, payer: Keypair) -> None:
    transaction = await signed(chain, payer, pay(payer, Keypair().pubkey(), SOL))
    before, hash_before = await chain.final_tip(), await chain.latest_blockhash()

    await chain.send(bytes(transaction))

    assert await chain.final_tip() == Tip(before.slot + 1, before.block_height + 1)
    hash_after = await chain.latest_blockhash()
    assert hash_after.hash != hash_before.hash
    assert hash_after.last_valid_block_height == hash_before.last_valid_block_height + 1
    [status] = await chain.statuses([transaction.signatures[0]])
    assert status == Status(before.slot + 1, Level.FINALIZED)


async def test_what_is_dropped_or_simulated_makes_no_block(chain: EmbeddedChain, payer: Keypair) -> None:
    target, poor = Keypair().pubkey(), Keypair()
    landed = await signed(chain, payer, pay(payer, target, SOL))
    await chain.send(bytes(landed))
    tip = await chain.final_tip()
    await chain.send(bytes(landed))
    await chain.send(bytes(await signed(chain, poor, pay(poor, target, 1))))
    await chain.simulate(await signed(chain, payer, pay(payer, target, SOL)))
    assert await chain.final_tip() == tip


async def test_a_blockhash_lives_for_150_blocks_and_not_one_more(chain: EmbeddedChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    last, late = [bytes(await signed(chain, payer, pay(payer, target, amount))) for amount in (SOL, 2 * SOL)]
    valid_until = (await chain.latest_blockhash()).last_valid_block_height
    assert valid_until == await chain.block_height() + 150

    chain.advance(slots=149)
    await chain.send(last)
    assert await chain.block_height() == valid_until
    await chain.send(late)

    assert await lamports(chain, target) == SOL


@pytest.mark.parametrize(("raw", "message"), [(b"\x01junk", "not a transaction"), (bytes(1_233), "too large")])
async def test_what_is_no_transaction_is_refused(chain: EmbeddedChain, raw: bytes, message: str) -> None:
    with pytest.raises(ChainError, match=message):
        await chain.send(raw)


async def test_statuses_older_than_150_blocks_need_the_history(chain: EmbeddedChain, payer: Keypair) -> None:
    transaction = await signed(chain, payer, pay(payer, Keypair().pubkey(), SOL))
    await chain.send(bytes(transaction))
    chain.advance(slots=150)
    assert (await chain.statuses([transaction.signatures[0]]))[0] is not None
    chain.advance(slots=1)
    assert await chain.statuses([transaction.signatures[0]]) == [None]
    unknown, found = await chain.statuses([Signature.default(), transaction.signatures[0]], search_history=True)
    assert unknown is None
    assert found is not None


async def test_time_and_slots_move_only_when_told_and_apart(chain: EmbeddedChain) -> None:
    assert (await chain.unix_time(), await chain.final_tip()) == (1_800_000_000, Tip(FIRST_SLOT, 0))
    chain.advance(seconds=3_600)
    assert (await chain.unix_time(), await chain.final_tip()) == (1_800_003_600, Tip(FIRST_SLOT, 0))
    chain.advance(slots=7)
    assert (await chain.unix_time(), await chain.final_tip()) == (1_800_003_600, Tip(FIRST_SLOT + 7, 7))
    chain.set_time(1_000)
    assert (await chain.unix_time(), await chain.slot(), await chain.block_height()) == (1_000, FIRST_SLOT + 7, 7)
    with pytest.raises(InputError, match="only move forward"):
        chain.advance(slots=-1)


async def test_the_clock_sysvar_says_the_same(chain: EmbeddedChain) -> None:
    chain.set_time(1_812_345_678)
    clock = await chain.account(Pubkey.from_string("SysvarC1ock11111111111111111111111111111111"))
    assert clock is not None
    assert int.from_bytes(clock.data[32:40], "little") == 1_812_345_678


async def test_programs_can_look_back_on_512_finished_slots(chain: EmbeddedChain) -> None:
    sysvar = Pubkey.from_string("SysvarS1otHashes111111111111111111111111111")

    async def slots() -> list[int]:
        account = await chain.account(sysvar)
        assert account is not None
        count = int.from_bytes(account.data[:8], "little")
        return [int.from_bytes(account.data[8 + 40 * n : 16 + 40 * n], "little") for n in range(count)]

    assert await slots() == [FIRST_SLOT]
    chain.advance(slots=3)
    assert await slots() == [FIRST_SLOT + 3, FIRST_SLOT + 2, FIRST_SLOT + 1, FIRST_SLOT]
    assert await chain.slot() == FIRST_SLOT + 3
    chain.advance(slots=1_000)
    assert await slots() == [FIRST_SLOT + 1_003 - n for n in range(512)]


async def test_genesis_hash_is_fixed_and_can_be_chosen() -> None:
    assert await EmbeddedChain().genesis_hash() == hashlib.sha256(b"worktab/embedded").digest()
    assert await EmbeddedChain(genesis_hash=bytes(range(32))).genesis_hash() == bytes(range(32))
    with pytest.raises(InputError, match="got 31 bytes"):
        EmbeddedChain(genesis_hash=bytes(31))


def test_too_small_airdrops_are_refused(chain: EmbeddedChain) -> None:
    with pytest.raises(ChainError, match="InsufficientFundsForRent"):
        chain.airdrop(Keypair().pubkey(), 1)


async def test_small_answers(chain: EmbeddedChain) -> None:
    assert await chain.rent_exempt(0) == 890_880
    assert await chain.rent_exempt(165) == 2_039_280
    assert await chain.recent_priority_fees([Keypair().pubkey()]) == []
    assert await chain.history_start() == 0
    async with chain as same:
        assert same is chain
