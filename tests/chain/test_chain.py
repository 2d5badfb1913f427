"""What every chain does, embedded or behind a node: landing, expiry, duplicates, simulation, reads, programs."""

from __future__ import annotations

import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from support.chains import AnyChain, deploy, land, offer, set_account
from support.noop import NOOP
from support.transfers import SOL, lamports, pay, signed
from worktab.chain.protocol import AccountData, DataSize, DataSlice, Failure, Memcmp
from worktab.core.errors import ChainError, InputError
from worktab.testing.chains import fund
from worktab.testing.clock import Clock

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
ED25519 = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")


@pytest.fixture
def chain(worktab_chain: AnyChain) -> AnyChain:
    return worktab_chain


@pytest.fixture
async def payer(chain: AnyChain) -> Keypair:
    keypair = Keypair()
    await fund(chain, keypair.pubkey(), 10 * SOL)
    return keypair


async def test_a_transfer_lands(chain: AnyChain, payer: Keypair) -> None:
    target, before = Keypair().pubkey(), await chain.slot()
    transaction = await signed(chain, payer, pay(payer, target, SOL))

    status = await land(chain, transaction)

    assert before < status.slot <= await chain.slot()
    assert status.error is None
    assert await lamports(chain, target) == SOL
    assert await lamports(chain, payer.pubkey()) == 10 * SOL - SOL - 5_000
    landed = await chain.transaction(transaction.signatures[0])
    assert landed is not None
    assert (landed.slot, landed.units, landed.fee, landed.error) == (status.slot, 150, 5_000, None)
    assert landed.logs == (f"Program {SYSTEM_PROGRAM} invoke [1]", f"Program {SYSTEM_PROGRAM} success")


async def test_a_failing_transaction_lands_pays_its_fee_and_says_why(chain: AnyChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    transaction = await signed(chain, payer, pay(payer, target, SOL), pay(payer, target, 100 * SOL))

    status = await land(chain, transaction)

    assert status.error == Failure("Custom(1)", instruction=1, custom=1)
    assert await chain.account(target) is None
    assert await lamports(chain, payer.pubkey()) == 10 * SOL - 5_000
    landed = await chain.transaction(transaction.signatures[0])
    assert landed is not None
    assert landed.error == status.error
    assert landed.logs[-1] == f"Program {SYSTEM_PROGRAM} failed: custom program error: 0x1"


async def test_the_same_bytes_twice_are_applied_once(chain: AnyChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    transaction = await signed(chain, payer, pay(payer, target, SOL))
    await land(chain, transaction)
    await offer(chain, bytes(transaction))
    assert await lamports(chain, target) == SOL


async def test_duplicates_are_recognised_after_many_other_transactions(chain: AnyChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    first = await signed(chain, payer, pay(payer, target, SOL))
    await land(chain, first)
    for number in range(1, 100):
        await chain.send(bytes(await signed(chain, payer, pay(payer, target, number))))
    await land(chain, await signed(chain, payer, pay(payer, target, 100)))

    await offer(chain, bytes(first))

    assert await lamports(chain, target) == SOL + sum(range(1, 101))


async def test_a_transaction_whose_blockhash_expired_is_dropped(
    chain: AnyChain, payer: Keypair, worktab_clock: Clock
) -> None:
    transaction = await signed(chain, payer, pay(payer, Keypair().pubkey(), SOL))
    await worktab_clock.expire_blockhashes()

    await offer(chain, bytes(transaction))

    assert await lamports(chain, payer.pubkey()) == 10 * SOL
    assert await chain.statuses([transaction.signatures[0]], search_history=True) == [None]
    assert await chain.transaction(transaction.signatures[0]) is None


async def test_a_made_up_blockhash_is_dropped(chain: AnyChain, payer: Keypair) -> None:
    message = MessageV0.try_compile(payer.pubkey(), [pay(payer, Keypair().pubkey(), SOL)], [], Hash.new_unique())
    await offer(chain, bytes(VersionedTransaction(message, [payer])))
    assert await lamports(chain, payer.pubkey()) == 10 * SOL


async def test_a_bad_signature_is_dropped(chain: AnyChain, payer: Keypair) -> None:
    good = await signed(chain, payer, pay(payer, Keypair().pubkey(), SOL))
    forged = VersionedTransaction.populate(good.message, [Keypair().sign_message(b"something else")])
    await offer(chain, bytes(forged))
    assert await lamports(chain, payer.pubkey()) == 10 * SOL
    assert await chain.statuses([forged.signatures[0]]) == [None]


async def test_a_payer_without_funds_is_dropped(chain: AnyChain) -> None:
    poor = Keypair()
    transaction = await signed(chain, poor, pay(poor, Keypair().pubkey(), 1))
    await offer(chain, bytes(transaction))
    assert await chain.statuses([transaction.signatures[0]]) == [None]


@pytest.mark.parametrize("raw", [b"\x01junk", bytes(1_233)], ids=["junk", "large"])
async def test_what_is_no_transaction_is_refused(chain: AnyChain, raw: bytes) -> None:
    with pytest.raises(ChainError):
        await chain.send(raw)


async def test_simulation_reports_and_changes_nothing(chain: AnyChain, payer: Keypair) -> None:
    message = (await signed(chain, payer, pay(payer, Keypair().pubkey(), SOL))).message
    unsigned = VersionedTransaction.populate(message, [Signature.default()])

    simulation = await chain.simulate(unsigned)

    assert (simulation.units, simulation.error) == (150, None)
    assert simulation.logs == (f"Program {SYSTEM_PROGRAM} invoke [1]", f"Program {SYSTEM_PROGRAM} success")
    assert await lamports(chain, payer.pubkey()) == 10 * SOL
    await offer(chain, bytes(unsigned))
    assert await lamports(chain, payer.pubkey()) == 10 * SOL, "signatures are checked again after a simulation"


async def test_simulation_does_not_look_at_the_blockhash(chain: AnyChain, payer: Keypair) -> None:
    message = MessageV0.try_compile(payer.pubkey(), [pay(payer, Keypair().pubkey(), SOL)], [], Hash.default())
    assert (await chain.simulate(VersionedTransaction(message, [payer]))).error is None


async def test_simulation_of_a_failure_names_it(chain: AnyChain, payer: Keypair) -> None:
    simulation = await chain.simulate(await signed(chain, payer, pay(payer, Keypair().pubkey(), 100 * SOL)))
    assert simulation.error == Failure("Custom(1)", instruction=0, custom=1)
    poor = Keypair()
    simulation = await chain.simulate(await signed(chain, poor, pay(poor, Keypair().pubkey(), 1)))
    assert simulation.error == Failure("AccountNotFound")


async def test_signature_programs_are_on_in_simulation_too(chain: AnyChain, payer: Keypair) -> None:
    key, message = Keypair(), b"worktab"
    header = bytes([1, 0]) + b"".join(n.to_bytes(2, "little") for n in (48, 0xFFFF, 16, 0xFFFF, 112, 7, 0xFFFF))
    good = header + bytes(key.pubkey()) + bytes(key.sign_message(message)) + message
    bad = good[:-1] + b"!"
    assert (await chain.simulate(await signed(chain, payer, Instruction(ED25519, good, [])))).error is None
    failure = (await chain.simulate(await signed(chain, payer, Instruction(ED25519, bad, [])))).error
    assert failure is not None
    assert failure.instruction == 0


async def test_accounts_come_in_order_and_closed_ones_are_none(chain: AnyChain, payer: Keypair) -> None:
    keypair, gone = Keypair(), Keypair()
    await fund(chain, gone.pubkey(), SOL)
    await set_account(chain, keypair.pubkey(), AccountData(7, MEMO, b"abc"))
    await land(chain, await signed(chain, gone, pay(gone, payer.pubkey(), SOL - 5_000)))
    found = await chain.accounts([gone.pubkey(), keypair.pubkey(), payer.pubkey()])
    assert found == [None, AccountData(7, MEMO, b"abc"), AccountData(11 * SOL - 5_000, SYSTEM_PROGRAM, b"")]


async def test_program_accounts_filter_and_slice(chain: AnyChain) -> None:
    program = Keypair().pubkey()
    data = [b"\x01aaaa", b"\x02aaaa", b"\x02bbbb", b"\x02aaaaa"]
    keys = [Keypair().pubkey() for _ in data]
    for key, content in zip(keys, data, strict=True):
        await set_account(chain, key, AccountData(5, program, content))
    await set_account(chain, Keypair().pubkey(), AccountData(5, MEMO, data[1]))

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
    await set_account(chain, keys[0], AccountData(0, program, b""))
    assert await found() == set(keys[1:])
    with pytest.raises(ChainError):
        await found(*[DataSize(5)] * 5)


async def test_a_deployed_program_runs(chain: AnyChain, payer: Keypair) -> None:
    program = Keypair().pubkey()
    call = Instruction(program, b"hello", [])
    assert (await chain.simulate(await signed(chain, payer, call))).error is not None

    await deploy(chain, program, NOOP)

    simulation = await chain.simulate(await signed(chain, payer, call))
    assert (simulation.error, simulation.units) == (None, 2)
    with pytest.raises(InputError, match="does not load"):
        await deploy(chain, program, b"junk")


async def test_airdrops_add_up(chain: AnyChain) -> None:
    key = Keypair().pubkey()
    for number in range(1, 4):
        await fund(chain, key, SOL)
        assert await lamports(chain, key) == number * SOL
