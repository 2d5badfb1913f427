"""The embedded chain against what a cluster would do: landing, expiry, duplicates, time, reads."""

from __future__ import annotations

import hashlib

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from support.transfers import SOL, lamports, pay, signed
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import AccountData, DataSize, DataSlice, Failure, Level, Memcmp, Tip
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


async def test_a_transfer_lands_and_makes_one_block(chain: EmbeddedChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    transaction = await signed(chain, payer, pay(payer, target, SOL))
    before, hash_before = await chain.final_tip(), await chain.latest_blockhash()

    await chain.send(bytes(transaction))

    assert await lamports(chain, target) == SOL
    assert await lamports(chain, payer.pubkey()) == 10 * SOL - SOL - 5_000
    assert await chain.final_tip() == Tip(before.slot + 1, before.block_height + 1)
    hash_after = await chain.latest_blockhash()
    assert hash_after.hash != hash_before.hash
    assert hash_after.last_valid_block_height == hash_before.last_valid_block_height + 1
    [status] = await chain.statuses([transaction.signatures[0]])
    assert status is not None
    assert (status.slot, status.level, status.error) == (before.slot + 1, Level.FINALIZED, None)
    landed = await chain.transaction(transaction.signatures[0])
    assert landed is not None
    assert (landed.slot, landed.units, landed.fee, landed.error) == (before.slot + 1, 150, 5_000, None)
    assert landed.logs == (f"Program {SYSTEM_PROGRAM} invoke [1]", f"Program {SYSTEM_PROGRAM} success")


async def test_a_failing_transaction_lands_pays_its_fee_and_says_why(chain: EmbeddedChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    transaction = await signed(chain, payer, pay(payer, target, SOL), pay(payer, target, 100 * SOL))

    await chain.send(bytes(transaction))

    assert await chain.account(target) is None
    assert await lamports(chain, payer.pubkey()) == 10 * SOL - 5_000
    [status] = await chain.statuses([transaction.signatures[0]])
    assert status is not None
    assert status.error == Failure("Custom(1)", instruction=1, custom=1)
    landed = await chain.transaction(transaction.signatures[0])
    assert landed is not None
    assert landed.error == status.error
    assert landed.logs[-1] == f"Program {SYSTEM_PROGRAM} failed: custom program error: 0x1"


async def test_the_same_bytes_twice_are_applied_once(chain: EmbeddedChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    raw = bytes(await signed(chain, payer, pay(payer, target, SOL)))
    await chain.send(raw)
    tip = await chain.final_tip()

    await chain.send(raw)

    assert await lamports(chain, target) == SOL
    assert await chain.final_tip() == tip


async def test_duplicates_are_recognised_after_many_other_transactions(chain: EmbeddedChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    raw = bytes(await signed(chain, payer, pay(payer, target, SOL)))
    await chain.send(raw)
    for number in range(100):
        await chain.send(bytes(await signed(chain, payer, pay(payer, target, 1 + number))))

    await chain.send(raw)

    assert await lamports(chain, target) == SOL + sum(range(1, 101))


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


async def test_expire_blockhash_ends_every_blockhash_issued_so_far(chain: EmbeddedChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    transaction = await signed(chain, payer, pay(payer, target, SOL))
    chain.expire_blockhash()

    await chain.send(bytes(transaction))

    assert await chain.account(target) is None
    assert await chain.statuses([transaction.signatures[0]], search_history=True) == [None]
    assert await chain.transaction(transaction.signatures[0]) is None


async def test_a_made_up_blockhash_is_dropped(chain: EmbeddedChain, payer: Keypair) -> None:
    message = MessageV0.try_compile(payer.pubkey(), [pay(payer, Keypair().pubkey(), SOL)], [], Hash.new_unique())
    await chain.send(bytes(VersionedTransaction(message, [payer])))
    assert await lamports(chain, payer.pubkey()) == 10 * SOL


async def test_a_bad_signature_is_dropped(chain: EmbeddedChain, payer: Keypair) -> None:
    good = await signed(chain, payer, pay(payer, Keypair().pubkey(), SOL))
    forged = VersionedTransaction.populate(good.message, [Keypair().sign_message(b"something else")])
    await chain.send(bytes(forged))
    assert await lamports(chain, payer.pubkey()) == 10 * SOL
    assert await chain.statuses([forged.signatures[0]]) == [None]


async def test_a_payer_without_funds_is_dropped(chain: EmbeddedChain) -> None:
    poor = Keypair()
    transaction = await signed(chain, poor, pay(poor, Keypair().pubkey(), 1))
    tip = await chain.final_tip()
    await chain.send(bytes(transaction))
    assert await chain.statuses([transaction.signatures[0]]) == [None]
    assert await chain.final_tip() == tip


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


async def test_simulation_reports_and_changes_nothing(chain: EmbeddedChain, payer: Keypair) -> None:
    message = (await signed(chain, payer, pay(payer, Keypair().pubkey(), SOL))).message
    unsigned = VersionedTransaction.populate(message, [Signature.default()])
    tip = await chain.final_tip()

    simulation = await chain.simulate(unsigned)

    assert (simulation.units, simulation.error) == (150, None)
    assert simulation.logs == (f"Program {SYSTEM_PROGRAM} invoke [1]", f"Program {SYSTEM_PROGRAM} success")
    assert await lamports(chain, payer.pubkey()) == 10 * SOL
    assert await chain.final_tip() == tip
    await chain.send(bytes(unsigned))
    assert await lamports(chain, payer.pubkey()) == 10 * SOL, "signatures are checked again after a simulation"


async def test_simulation_does_not_look_at_the_blockhash(chain: EmbeddedChain, payer: Keypair) -> None:
    message = MessageV0.try_compile(payer.pubkey(), [pay(payer, Keypair().pubkey(), SOL)], [], Hash.default())
    assert (await chain.simulate(VersionedTransaction(message, [payer]))).error is None


async def test_simulation_of_a_failure_names_it(chain: EmbeddedChain, payer: Keypair) -> None:
    simulation = await chain.simulate(await signed(chain, payer, pay(payer, Keypair().pubkey(), 100 * SOL)))
    assert simulation.error == Failure("Custom(1)", instruction=0, custom=1)
    poor = Keypair()
    simulation = await chain.simulate(await signed(chain, poor, pay(poor, Keypair().pubkey(), 1)))
    assert simulation.error == Failure("AccountNotFound")


async def test_signature_programs_are_on_in_simulation_too(chain: EmbeddedChain, payer: Keypair) -> None:
    key, message = Keypair(), b"worktab"
    header = bytes([1, 0]) + b"".join(n.to_bytes(2, "little") for n in (48, 0xFFFF, 16, 0xFFFF, 112, 7, 0xFFFF))
    good = header + bytes(key.pubkey()) + bytes(key.sign_message(message)) + message
    bad = good[:-1] + b"!"
    assert (await chain.simulate(await signed(chain, payer, Instruction(ED25519, good, [])))).error is None
    failure = (await chain.simulate(await signed(chain, payer, Instruction(ED25519, bad, [])))).error
    assert failure is not None
    assert failure.instruction == 0


async def test_accounts_come_in_order_and_closed_ones_are_none(chain: EmbeddedChain, payer: Keypair) -> None:
    keypair, gone = Keypair(), Keypair()
    chain.airdrop(gone.pubkey(), SOL)
    chain.set_account(keypair.pubkey(), AccountData(7, MEMO, b"abc"))
    await chain.send(bytes(await signed(chain, gone, pay(gone, payer.pubkey(), SOL - 5_000))))
    found = await chain.accounts([gone.pubkey(), keypair.pubkey(), payer.pubkey()])
    assert found == [None, AccountData(7, MEMO, b"abc"), AccountData(11 * SOL - 5_000, SYSTEM_PROGRAM, b"")]


async def test_program_accounts_filter_and_slice(chain: EmbeddedChain) -> None:
    program = Keypair().pubkey()
    data = [b"\x01aaaa", b"\x02aaaa", b"\x02bbbb", b"\x02aaaaa"]
    keys = [Keypair().pubkey() for _ in data]
    for key, content in zip(keys, data, strict=True):
        chain.set_account(key, AccountData(5, program, content))
    chain.set_account(Keypair().pubkey(), AccountData(5, MEMO, data[1]))

    async def found(*filters: Memcmp | DataSize) -> set[Pubkey]:
        return {key for key, _ in await chain.program_accounts(program, filters)}

    assert await found() == set(keys)
    assert await found(DataSize(5)) == set(keys[:3])
    assert await found(Memcmp(0, b"\x02")) == set(keys[1:])
    assert await found(Memcmp(1, b"aaaa"), DataSize(5)) == set(keys[:2])
    assert await found(Memcmp(4, b"aa")) == {keys[3]}
    assert await found(Memcmp(5, b"\x00")) == set()
    sliced = await chain.program_accounts(program, [Memcmp(0, b"\x01")], DataSlice(1, 2))
    assert sliced == [(keys[0], AccountData(5, program, b"aa"))]
    chain.set_account(keys[0], AccountData(0, program, b""))
    assert await found() == set(keys[1:])
    with pytest.raises(ChainError, match="Too many filters"):
        await found(*[DataSize(5)] * 5)


async def test_a_deployed_program_runs(chain: EmbeddedChain, payer: Keypair) -> None:
    memo = await chain.account(MEMO)
    assert memo is not None
    copy = Keypair().pubkey()
    note = Instruction(copy, b"hello", [AccountMeta(payer.pubkey(), is_signer=True, is_writable=False)])
    assert (await chain.simulate(await signed(chain, payer, note))).error is not None

    chain.deploy(copy, memo.data)

    simulation = await chain.simulate(await signed(chain, payer, note))
    assert simulation.error is None
    assert any("hello" in line for line in simulation.logs)
    with pytest.raises(InputError, match="does not load"):
        chain.deploy(copy, b"junk")


async def test_airdrops_add_up_and_too_small_ones_are_refused(chain: EmbeddedChain) -> None:
    key = Keypair().pubkey()
    for _ in range(3):
        await chain.request_airdrop(key, SOL)
    assert await lamports(chain, key) == 3 * SOL
    with pytest.raises(ChainError, match="InsufficientFundsForRent"):
        chain.airdrop(Keypair().pubkey(), 1)


async def test_small_answers(chain: EmbeddedChain) -> None:
    assert await chain.rent_exempt(0) == 890_880
    assert await chain.rent_exempt(165) == 2_039_280
    assert await chain.recent_priority_fees([Keypair().pubkey()]) == []
    assert await chain.history_start() == 0
    async with chain as same:
        assert same is chain
