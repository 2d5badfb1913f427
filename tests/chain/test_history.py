"""The history of an address: the same answers embedded and over RPC, page by page, and what nodes do to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM_PROGRAM

from support.rpc_server import Refuse, RpcServer
from support.transfers import SOL, pay, signed
from worktab.chain.building import compile_message, sign
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.lookup import create_table, extend_table, fetch_table
from worktab.chain.protocol import Chain, Level, Logged
from worktab.chain.rpc import RpcChain
from worktab.chain.sending import Sender
from worktab.core.errors import ConnectionFailed, InputError

BEHIND = Refuse(-32016, "Minimum context slot has not been reached", {"contextSlot": 7})


@pytest.fixture
def embedded() -> EmbeddedChain:
    return EmbeddedChain()


@pytest.fixture
async def node(embedded: EmbeddedChain) -> AsyncIterator[RpcServer]:
    async with RpcServer(embedded).running() as server:
        yield server


@pytest.fixture
async def rpc(node: RpcServer) -> AsyncIterator[RpcChain]:
    async def sleep(seconds: float) -> None:
        pass

    async with RpcChain(node.url, sleep=sleep, tries=3) as chain:
        yield chain


@pytest.fixture(params=["embedded", "rpc"])
def chain(request: pytest.FixtureRequest, embedded: EmbeddedChain, rpc: RpcChain) -> Chain:
    return embedded if request.param == "embedded" else rpc


@pytest.fixture
def payer(embedded: EmbeddedChain) -> Keypair:
    keypair = Keypair()
    embedded.airdrop(keypair.pubkey(), 1_000 * SOL)
    return keypair


async def send(chain: EmbeddedChain, payer: Keypair, target: Pubkey, lamports: int = SOL) -> Logged:
    transaction = await signed(chain, payer, pay(payer, target, lamports))
    await chain.send(bytes(transaction))
    landed = await chain.transaction(transaction.signatures[0])
    assert landed is not None
    return Logged(transaction.signatures[0], landed.slot, landed.error is not None)


async def test_newest_first_failed_ones_included_for_every_address_named(
    chain: Chain, embedded: EmbeddedChain, payer: Keypair
) -> None:
    one, two = Keypair().pubkey(), Keypair().pubkey()
    first = await send(embedded, payer, one)
    second = await send(embedded, payer, two, 10_000 * SOL)
    third = await send(embedded, payer, one)
    assert [first.failed, second.failed, third.failed] == [False, True, False]
    assert await chain.history(payer.pubkey()) == [third, second, first]
    assert await chain.history(SYSTEM_PROGRAM) == [third, second, first]
    assert await chain.history(one) == [third, first]
    assert await chain.history(two) == [second]
    assert await chain.history(Keypair().pubkey()) == []


async def test_before_until_and_limit_cut_a_window(chain: Chain, embedded: EmbeddedChain, payer: Keypair) -> None:
    made = [await send(embedded, payer, Keypair().pubkey()) for _ in range(6)]
    newest, unknown = made[::-1], Signature.new_unique()

    async def window(**options: Any) -> list[Logged]:
        return await chain.history(payer.pubkey(), **options)

    assert await window(limit=2) == newest[:2]
    assert await window(before=newest[1].signature, limit=2) == newest[2:4]
    assert await window(until=newest[3].signature) == newest[:3]
    assert await window(before=newest[1].signature, until=newest[4].signature) == newest[2:4]
    assert await window(before=newest[5].signature) == []
    assert await window(until=newest[0].signature) == []
    assert await window(before=unknown) == [], "a node that does not know it says nothing"
    assert await window(until=unknown) == newest, "a node that does not know it lists all"


@pytest.mark.parametrize("limit", [0, 1_001, -1])
async def test_a_limit_outside_of_1_to_1000_is_refused(chain: Chain, limit: int) -> None:
    with pytest.raises(InputError, match="1 to 1000"):
        await chain.history(SYSTEM_PROGRAM, limit=limit)


async def test_addresses_from_lookup_tables_count(embedded: EmbeddedChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    sender = Sender(embedded, fee_payer=payer)
    create, address = await create_table(embedded, authority=payer.pubkey(), payer=payer.pubkey())
    await sender.send([create])
    for extension in extend_table(address, [target], authority=payer.pubkey(), payer=payer.pubkey()):
        await sender.send([extension])
    table = await fetch_table(embedded, address)
    blockhash = (await embedded.latest_blockhash()).hash
    message = compile_message(payer.pubkey(), [pay(payer, target, SOL)], [table], blockhash, limit=1_000)
    assert target not in message.account_keys
    transaction = sign(message, [payer])
    await embedded.send(bytes(transaction))
    assert await embedded.history(target) == [Logged(transaction.signatures[0], await embedded.slot(), False)]


async def test_what_a_node_lists_below_the_level_is_left_out_and_does_not_end_a_page(
    node: RpcServer, rpc: RpcChain, embedded: EmbeddedChain, payer: Keypair
) -> None:
    made = [await send(embedded, payer, Keypair().pubkey()) for _ in range(5)]
    node.settled = {made[4].signature: "processed", made[3].signature: "processed", made[1].signature: "confirmed"}
    assert await rpc.history(payer.pubkey()) == [made[2], made[1], made[0]]
    assert await rpc.history(payer.pubkey(), limit=1) == [made[2]]
    assert await rpc.history(payer.pubkey(), limit=2) == [made[2], made[1]]
    async with RpcChain(node.url, level=Level.FINALIZED) as final:
        assert await final.history(payer.pubkey(), limit=2) == [made[2], made[0]]
    assert {params[1]["commitment"] for _, params in node.calls} == {"confirmed", "finalized"}


async def test_a_node_behind_the_slot_asked_for_is_asked_again(
    node: RpcServer, rpc: RpcChain, embedded: EmbeddedChain, payer: Keypair
) -> None:
    made = await send(embedded, payer, Keypair().pubkey())
    node.faults.extend([BEHIND, BEHIND])
    assert await rpc.history(payer.pubkey(), not_before=made.slot) == [made]
    assert [params[1].get("minContextSlot") for _, params in node.calls] == [made.slot] * 3
    node.faults.extend([BEHIND] * 3)
    with pytest.raises(ConnectionFailed, match=f"behind slot {made.slot}"):
        await rpc.history(payer.pubkey(), not_before=made.slot)


async def test_transactions_of_version_1_are_asked_for(node: RpcServer, rpc: RpcChain) -> None:
    """A node refuses to show one to who does not say to take it, and one that cannot be read would end a feed."""
    assert await rpc.transaction(Signature.new_unique()) is None
    [(_, params)] = node.calls
    assert params[1]["maxSupportedTransactionVersion"] == 1
