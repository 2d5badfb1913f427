"""What a localnet's chain can do that no cluster allows: its clock, its accounts, its programs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.sysvar import CLOCK

from support.node import LIMIT, localnet
from support.noop import NOOP
from support.rpc_server import Refuse, RpcServer
from worktab.chain.building import compile_message, sign
from worktab.chain.deployed import DATA_HEADER, LOADER, program_data_address
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import BLOCKHASH_LIFE, AccountData
from worktab.chain.sending import Sender
from worktab.core.errors import ChainError, InputError
from worktab.localnet import Localnet, LocalnetChain
from worktab.localnet.chain import LARGEST_ACCOUNT
from worktab.localnet.errors import NodeCannot, NodeFailed
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID


@pytest.fixture(scope="module")
def node() -> Iterator[Localnet]:
    with localnet(slot_time=20) as running:
        yield running


@pytest.fixture
async def chain(node: Localnet) -> AsyncIterator[LocalnetChain]:
    async with node.chain() as connected:
        yield connected


async def no_sleep(seconds: float) -> None: ...


# The clock


@pytest.mark.parametrize("seconds", [0, 1, 2, 3, 60, 86_400, 10 * 365 * 86_400])
async def test_advance_lets_so_many_seconds_pass(chain: LocalnetChain, seconds: int) -> None:
    started, before = time.monotonic(), await chain.unix_time()
    await chain.advance(seconds)
    now = await chain.unix_time()
    assert before + seconds <= now <= before + seconds + (time.monotonic() - started) + 2


async def test_advancing_in_small_steps_adds_up(chain: LocalnetChain) -> None:
    before = await chain.unix_time()
    for _ in range(20):
        await chain.advance(5)
    assert await chain.unix_time() >= before + 100


async def test_time_never_goes_back(node: Localnet, chain: LocalnetChain) -> None:
    seen: list[int] = []
    done = asyncio.Event()

    async def watch() -> None:
        async with node.chain() as other:
            while not done.is_set():
                seen.append(await other.unix_time())

    watching = asyncio.create_task(watch())
    for seconds in (1, 2, 3, 1, 30, 1, 2):
        await chain.advance(seconds)
    done.set()
    await watching
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] >= 30


async def test_time_never_goes_back_with_slow_blocks() -> None:
    with localnet(slot_time=1_000) as slow:
        async with slow.chain() as chain:
            before = await chain.unix_time()
            for seconds in (1, 2, 10):
                await chain.advance(seconds)
                now = await chain.unix_time()
                assert now >= before + seconds
                before = now


async def test_set_time_goes_forward_only(chain: LocalnetChain) -> None:
    target = await chain.unix_time() + 1_000
    await chain.set_time(target)
    assert target <= await chain.unix_time() < target + LIMIT
    with pytest.raises(InputError, match=r"The chain's clock only moves forward; expected \d+ or later; got 1000"):
        await chain.set_time(1_000)
    await chain.set_time(await chain.unix_time())
    assert target <= await chain.unix_time() < target + LIMIT


async def test_time_that_is_no_time(chain: LocalnetChain) -> None:
    with pytest.raises(InputError, match="seconds is out of range"):
        await chain.advance(-1)
    with pytest.raises(InputError, match="seconds is not an integer"):
        await chain.advance(0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unix_time is out of range"):
        await chain.set_time(-1)


async def test_blockhashes_survive_a_jump(node: Localnet, chain: LocalnetChain) -> None:
    blockhash, target = await chain.latest_blockhash(), Keypair().pubkey()
    await chain.advance(7 * 86_400)
    give = transfer(TransferParams(from_pubkey=node.wallet.pubkey(), to_pubkey=target, lamports=10**9))
    message = compile_message(node.wallet.pubkey(), [give], (), blockhash.hash, limit=1_000)
    await chain.send(bytes(sign(message, [node.wallet])))
    await chain.next_block()
    assert await chain.account(target) == AccountData(10**9, Pubkey.default(), b"")


# Blockhashes


async def test_expired_blockhashes_are_good_for_nothing(node: Localnet, chain: LocalnetChain) -> None:
    blockhash, target = await chain.latest_blockhash(), Keypair().pubkey()
    give = transfer(TransferParams(from_pubkey=node.wallet.pubkey(), to_pubkey=target, lamports=10**9))
    message = compile_message(node.wallet.pubkey(), [give], (), blockhash.hash, limit=1_000)
    signed = sign(message, [node.wallet])
    height = await chain.block_height()
    await chain.expire_blockhashes()
    assert await chain.block_height() > max(height + BLOCKHASH_LIFE, blockhash.last_valid_block_height)
    assert (await chain.latest_blockhash()).hash != blockhash.hash
    await chain.send(bytes(signed))
    await chain.next_block()
    assert await chain.statuses([signed.signatures[0]], search_history=True) == [None]
    assert await chain.account(target) is None


async def test_a_node_that_stands_still_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worktab.localnet.chain._LONGEST_WAIT", 0.0)
    async with RpcServer(EmbeddedChain()).running() as still, LocalnetChain(still.url, slot_time=1) as chain:
        with pytest.raises(NodeFailed, match="The node makes no blocks"):
            await chain.next_block()


# Accounts


@pytest.mark.parametrize(
    "account",
    [
        AccountData(1, Pubkey.default(), b""),
        AccountData(2**64 - 1, PROGRAM_ID, bytes(range(256)) * 40),
        AccountData(2**53 + 1, Pubkey.new_unique(), b"\0"),
    ],
)
async def test_accounts_are_written_as_they_are(chain: LocalnetChain, account: AccountData) -> None:
    address = Pubkey.new_unique()
    await chain.set_account(address, AccountData(7, PROGRAM_ID, b"before"))
    await chain.set_account(address, account)
    assert await chain.account(address) == account


async def test_the_largest_account(chain: LocalnetChain) -> None:
    address, largest = Pubkey.new_unique(), AccountData(1, PROGRAM_ID, b"\x07" * LARGEST_ACCOUNT)
    await chain.set_account(address, largest)
    assert await chain.account(address) == largest
    with pytest.raises(InputError, match=f"at most {LARGEST_ACCOUNT} bytes of data; got {LARGEST_ACCOUNT + 1} bytes"):
        await chain.set_account(address, AccountData(1, PROGRAM_ID, largest.data + b"\x08"))
    assert await chain.account(address) == largest


async def test_zero_lamports_remove_an_account(chain: LocalnetChain) -> None:
    address, program = Pubkey.new_unique(), Pubkey.new_unique()
    there, gone = AccountData(7, program, b"data"), AccountData(0, program, b"data")
    await chain.set_account(address, there)
    assert await chain.program_accounts(program) == [(address, there)]
    await chain.set_account(address, gone)
    assert await chain.account(address) is None
    assert await chain.program_accounts(program) == []
    await chain.set_account(address, gone)


async def test_accounts_that_the_node_does_not_take(chain: LocalnetChain) -> None:
    address = Pubkey.new_unique()
    with pytest.raises(InputError, match=f"does not take the executable account {address}"):
        await chain.set_account(address, AccountData(10**9, Pubkey.new_unique(), b"no program", executable=True))
    assert await chain.account(address) is None
    with pytest.raises(ChainError, match=r"The RPC node refused the request; got .*surfnet_timeTravel"):
        await chain.set_account(CLOCK, AccountData(10**9, Pubkey.default(), b"late"))


# Programs


async def test_a_program_can_be_called_at_once_and_replaced(node: Localnet, chain: LocalnetChain) -> None:
    address, call = Pubkey.new_unique(), b"\xff"
    sender = Sender(chain, fee_payer=node.wallet, poll=0.02)
    assert await chain.program(address) is None
    for program in (NOOP, program_binary(), NOOP):  # the last is shorter than what it replaces
        await chain.deploy(address, program)
        assert await chain.program(address) == program
        deployed = await chain.account(address)
        assert deployed is not None
        assert (deployed.owner, deployed.executable) == (LOADER, True)
    confirmed = await sender.send([Instruction(address, call, [])])
    assert confirmed.logs[-1] == f"Program {address} success"
    await chain.deploy(address, program_binary())
    with pytest.raises(ChainError):  # Worktab's knows no such instruction
        await sender.send([Instruction(address, call, [])])


async def test_a_large_program_is_written_in_parts(chain: LocalnetChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worktab.localnet.chain._PROGRAM_CHUNK", 10_000)
    address = Pubkey.new_unique()
    await chain.deploy(address, program_binary())
    assert await chain.program(address) == program_binary()
    data = await chain.account(program_data_address(address))
    assert data is not None
    assert len(data.data) == DATA_HEADER + len(program_binary())


async def test_what_cannot_be_deployed(node: Localnet, chain: LocalnetChain) -> None:
    address, good = Pubkey.new_unique(), program_binary()
    for_this_machine = Path(sys.executable).read_bytes()
    for bad in (b"text", b"", b"\x7fELF", good[:5_000], good[:3_000] + bytes(50) + good[3_050:], for_this_machine):
        with pytest.raises(InputError, match="does not load; expected an SBF shared object"):
            await chain.deploy(address, bad)
        assert await chain.program(address) is None
    wallet = node.wallet.pubkey()
    with pytest.raises(InputError, match=f"No program can be deployed at {wallet}"):
        await chain.deploy(wallet, NOOP)


# Refusals


async def test_a_node_that_is_no_simulator_says_so() -> None:
    node = RpcServer(EmbeddedChain())
    async with node.running(), LocalnetChain(node.url, sleep=no_sleep) as chain:
        for attempt, method in (
            (lambda: chain.advance(60), "surfnet_timeTravel"),
            (lambda: chain.set_account(Pubkey.new_unique(), AccountData(1, PROGRAM_ID, b"")), "surfnet_setAccount"),
        ):
            plan = [None] * (method == "surfnet_timeTravel")  # what is asked before
            node.faults.extend([*plan, Refuse(-32_601, "Method not found")])
            with pytest.raises(NodeCannot, match=f"This node has no {method}. Use Worktab's own node"):
                await attempt()


async def test_refusals_say_why() -> None:
    node = RpcServer(EmbeddedChain())
    async with node.running(), LocalnetChain(node.url, sleep=no_sleep) as chain:
        node.faults.append(Refuse(-32_603, "Internal error", "no room"))
        with pytest.raises(ChainError, match="refused the request; got Internal error: no room"):
            await chain.set_account(Pubkey.new_unique(), AccountData(1, PROGRAM_ID, b""))
