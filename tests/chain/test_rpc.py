"""The RPC chain over real sockets, against the embedded chain behind HTTP: the same answers, and every fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from support.rpc_server import Drop, Fault, Http, Refuse, RpcServer
from support.transfers import SOL, lamports, pay, signed
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import AccountData, DataSize, DataSlice, Level, Memcmp
from worktab.chain.rpc import RpcChain
from worktab.chain.sending import OutcomeUnknown, Sender
from worktab.core.errors import ChainError, ConnectionFailed, InputError, SimulationFailed, StateError

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


@pytest.fixture
async def node() -> AsyncIterator[RpcServer]:
    async with RpcServer(EmbeddedChain()).running() as server:
        yield server


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
async def chain(node: RpcServer, pauses: list[float]) -> AsyncIterator[RpcChain]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with RpcChain(node.url, sleep=sleep, random=lambda: 0.5) as chain:
        yield chain


@pytest.fixture
def payer(node: RpcServer) -> Keypair:
    keypair = Keypair()
    node.chain.airdrop(keypair.pubkey(), 10 * SOL)
    return keypair


async def test_every_read_says_what_the_chain_says(node: RpcServer, chain: RpcChain, payer: Keypair) -> None:
    embedded, target = node.chain, Keypair().pubkey()
    good = await signed(embedded, payer, pay(payer, target, SOL))
    bad = await signed(embedded, payer, pay(payer, target, 100 * SOL))
    for transaction in (good, bad):
        await embedded.send(bytes(transaction))
    signatures = [good.signatures[0], Signature.default(), bad.signatures[0]]

    assert await chain.genesis_hash() == await embedded.genesis_hash()
    assert await chain.latest_blockhash() == await embedded.latest_blockhash()
    assert await chain.final_tip() == await embedded.final_tip()
    assert await chain.block_height() == await embedded.block_height()
    assert await chain.slot() == await embedded.slot()
    assert await chain.unix_time() == 1_800_000_000
    assert await chain.account(target) == AccountData(SOL, Pubkey.default(), b"")
    assert await chain.account(Keypair().pubkey()) is None
    assert await chain.rent_exempt(165) == 2_039_280
    assert await chain.statuses(signatures) == await embedded.statuses(signatures)
    for signature in signatures:
        assert await chain.transaction(signature) == await embedded.transaction(signature)
    node.fees = [3, 0, 7]
    assert await chain.recent_priority_fees([target]) == [3, 0, 7]


async def test_program_accounts_take_filters_and_slices(node: RpcServer, chain: RpcChain) -> None:
    program = Keypair().pubkey()
    keys = [Keypair().pubkey() for _ in range(3)]
    for key, data in zip(keys, (b"\x01aaaa", b"\x02aaaa", b"\x02bb"), strict=True):
        node.chain.set_account(key, AccountData(5, program, data))
    assert {key for key, _ in await chain.program_accounts(program)} == set(keys)
    filters: list[Memcmp | DataSize] = [Memcmp(0, b"\x02"), DataSize(5)]
    assert await chain.program_accounts(program, filters) == [(keys[1], AccountData(5, program, b"\x02aaaa"))]
    assert await chain.program_accounts(program, filters, DataSlice(1, 2)) == [
        (keys[1], AccountData(5, program, b"aa"))
    ]


async def test_many_accounts_are_asked_for_a_hundred_at_a_time(node: RpcServer, chain: RpcChain) -> None:
    keys = [Keypair().pubkey() for _ in range(201)]
    for number in (0, 99, 100, 200):
        node.chain.set_account(keys[number], AccountData(1 + number, MEMO, bytes([number])))
    found = await chain.accounts(keys)
    assert {number: account.lamports for number, account in enumerate(found) if account} == {
        0: 1,
        99: 100,
        100: 101,
        200: 201,
    }
    assert [len(params[0]) for method, params in node.calls if method == "getMultipleAccounts"] == [100, 100, 1]
    assert await chain.accounts([]) == []


async def test_statuses_are_asked_for_256_at_a_time(node: RpcServer, chain: RpcChain) -> None:
    assert await chain.statuses([Signature.new_unique() for _ in range(257)]) == [None] * 257
    assert [len(params[0]) for _, params in node.calls] == [256, 1]


async def test_the_genesis_hash_is_asked_for_once(node: RpcServer, chain: RpcChain) -> None:
    assert await chain.genesis_hash() == await chain.genesis_hash()
    assert len(node.calls) == 1


async def test_history_starts_at_the_first_blocks_height(node: RpcServer, chain: RpcChain) -> None:
    assert await chain.history_start() == 0
    node.first_block = await node.chain.slot() + 7
    assert await chain.history_start() == 7
    node.faults.extend([None, Refuse(-32001, "Block cleaned up", None)])
    assert await chain.history_start() == node.first_block


async def test_a_sender_works_over_rpc(node: RpcServer, chain: RpcChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    node.fees = [2_000_000]
    confirmed = await Sender(chain, fee_payer=payer).send([pay(payer, target, SOL)])
    assert (confirmed.units, confirmed.fee) == (450, 5_000 + 100)
    assert await lamports(chain, target) == SOL
    [[_, options]] = [params for method, params in node.calls if method == "sendTransaction"]
    assert options["skipPreflight"] is True
    simulations = [params[1] for method, params in node.calls if method == "simulateTransaction"]
    assert [(s["sigVerify"], s["replaceRecentBlockhash"]) for s in simulations] == [(False, True)]
    with pytest.raises(SimulationFailed, match="Custom"):
        await Sender(chain, fee_payer=payer).send([pay(payer, target, 100 * SOL)])


async def test_an_answer_lost_after_landing_is_found_out(node: RpcServer, chain: RpcChain, payer: Keypair) -> None:
    target = Keypair().pubkey()
    simulate_fees_blockhash: list[Fault | None] = [None, None, None]
    node.faults.extend([*simulate_fees_blockhash, Drop(after=True), Http(502), Drop(), Http(429)])
    confirmed = await Sender(chain, fee_payer=payer).send([pay(payer, target, SOL)])
    assert confirmed.fee == 5_000
    assert await lamports(chain, target) == SOL
    sent = [params[0] for method, params in node.calls if method == "sendTransaction"]
    assert len(sent) == 5
    assert len(set(sent)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Drop(),
        Http(429),
        Http(408),
        Http(500),
        Http(503),
        Http(200, body="<html>try later</html>"),
        Refuse(-32005, "Node is behind by 42 slots", {"numSlotsBehind": 42}),
        Refuse(429, "Too many requests"),
    ],
    ids=repr,
)
async def test_what_may_pass_is_tried_again(
    node: RpcServer, chain: RpcChain, pauses: list[float], fault: Fault
) -> None:
    node.faults.extend([fault] * 5)
    assert await chain.slot() == await node.chain.slot()
    assert pauses == [0.375, 0.75, 1.5, 3.0, 6.0], "doubling, three quarters of the longest with chance at one half"
    node.faults.extend([fault] * 6)
    with pytest.raises(ConnectionFailed, match="no usable answer"):
        await chain.slot()
    assert len(node.calls) == 12
    assert len(pauses) == 10


async def test_chance_spreads_a_pause_over_its_upper_half(node: RpcServer) -> None:
    for luck, pause in ((0.0, 0.25), (1.0, 0.5)):
        pauses: list[float] = []

        async def sleep(seconds: float, pauses: list[float] = pauses) -> None:
            pauses.append(seconds)

        node.faults.append(Http(503))
        async with RpcChain(node.url, sleep=sleep, random=lambda luck=luck: luck) as chain:  # type: ignore[misc]
            await chain.slot()
        assert pauses == [pause]


async def test_a_retry_after_header_is_honoured(node: RpcServer, chain: RpcChain, pauses: list[float]) -> None:
    node.faults.extend([Http(429, {"retry-after": "7"}), Http(429, {"retry-after": "nonsense"})])
    await chain.slot()
    assert pauses == [7.0, 0.75]
    in_ten_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)
    node.faults.append(Http(503, {"retry-after": in_ten_seconds}))
    await chain.slot()
    assert 5 < pauses[2] <= 10
    node.faults.append(Http(503, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    await chain.slot()
    assert pauses[3] == 0.375


async def test_a_server_that_wants_too_long_a_pause_is_given_up_on(
    node: RpcServer, chain: RpcChain, pauses: list[float]
) -> None:
    node.faults.append(Http(429, {"retry-after": "21"}))
    with pytest.raises(ConnectionFailed, match="HTTP 429"):
        await chain.slot()
    assert pauses == []


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_what_will_not_pass_is_not_tried_again(node: RpcServer, chain: RpcChain, status: int) -> None:
    node.faults.append(Http(status))
    with pytest.raises(ConnectionFailed, match=f"HTTP {status}"):
        await chain.slot()
    assert len(node.calls) == 1


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Refuse(-32601, "Method not found"), "Method not found"),
        (Refuse(-32602, "Invalid param: WrongSize"), "Invalid param: WrongSize"),
        (Refuse(-32003, "Transaction signature verification failure"), "TransactionSignatureVerificationFailure"),
        (Refuse(-32099, "Out of credits"), "error -32099"),
    ],
    ids=repr,
)
async def test_a_refusal_is_reported_at_once(node: RpcServer, chain: RpcChain, fault: Refuse, text: str) -> None:
    node.faults.append(fault)
    with pytest.raises(ChainError) as caught:
        await chain.slot()
    assert type(caught.value) is ChainError
    assert text in caught.value.got
    assert len(node.calls) == 1


async def test_a_node_that_lags_is_asked_until_it_has_caught_up(
    node: RpcServer, chain: RpcChain, pauses: list[float]
) -> None:
    slot = await node.chain.slot()
    node.lag.extend([2, 1])
    assert await chain.statuses([Signature.default()], search_history=True, not_before=slot) == [None]
    assert len(pauses) == 2
    assert {params[1]["searchTransactionHistory"] for _, params in node.calls} == {True}
    node.lag.extend([1] * 6)
    with pytest.raises(ConnectionFailed, match=f"behind slot {slot}"):
        await chain.statuses([Signature.default()], not_before=slot)


async def test_an_answer_that_solders_cannot_read_is_a_failure_of_ours(node: RpcServer, chain: RpcChain) -> None:
    def answer(value: object) -> Http:
        result = {"context": {"slot": 1}, "value": value}
        return Http(200, body=json.dumps({"jsonrpc": "2.0", "id": 0, "result": result}))

    node.faults.append(answer({"blockhash": "x", "lastValidBlockHeight": 1}))
    with pytest.raises(ChainError, match="a blockhash that is none"):
        await chain.latest_blockhash()
    clock = {"lamports": 1, "owner": str(MEMO), "data": ["", "base64"], "executable": False, "rentEpoch": 0}
    node.faults.append(answer({**clock, "space": 0}))
    with pytest.raises(ChainError, match="a Clock sysvar that is none"):
        await chain.unix_time()


async def test_a_refusal_without_its_data_is_a_failure_of_ours(node: RpcServer, chain: RpcChain) -> None:
    error = {"code": -32016, "message": "Minimum context slot has not been reached"}
    node.faults.append(Http(200, body=json.dumps({"jsonrpc": "2.0", "id": 0, "error": error})))
    with pytest.raises(ChainError, match="without a readable reason"):
        await chain.slot()
    assert len(node.calls) == 1


async def test_why_a_sending_was_refused_is_told_and_nothing_panics(
    node: RpcServer, chain: RpcChain, capfd: pytest.CaptureFixture[str]
) -> None:
    """As some nodes refuse a copy of what has landed."""
    error = {"code": -32002, "message": "This transaction has already been processed"}
    node.faults.append(Http(200, body=json.dumps({"jsonrpc": "2.0", "id": 0, "error": error})))
    with pytest.raises(ChainError) as caught:
        await chain.send(bytes(1))
    assert type(caught.value) is ChainError
    assert caught.value.got == "This transaction has already been processed"
    assert len(node.calls) == 1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "fault",
    [
        Http(200, body="<html>try later</html>"),
        Refuse(-32005, "Node is behind", None),
        Refuse(429, "Too many requests"),
    ],
    ids=repr,
)
async def test_a_sending_is_repeated_when_the_node_may_take_it_later(
    node: RpcServer, chain: RpcChain, payer: Keypair, pauses: list[float], fault: Fault
) -> None:
    target = Keypair().pubkey()
    transaction = await signed(node.chain, payer, pay(payer, target, SOL))
    node.faults.extend([fault] * 2)
    await chain.send(bytes(transaction))
    assert await lamports(chain, target) == SOL
    assert pauses == [0.375, 0.75]


async def test_nobody_listening_is_a_connection_failure(pauses: list[float]) -> None:
    async with RpcServer(EmbeddedChain()).running() as node:
        url = node.url

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with RpcChain(url, tries=2, sleep=sleep) as chain:
        with pytest.raises(ConnectionFailed, match="ConnectError"):
            await chain.slot()
    assert len(pauses) == 1


async def test_a_chain_that_dies_after_sending_leaves_an_unsettled_transaction(node: RpcServer, payer: Keypair) -> None:
    clock = SimpleNamespace(now=0.0)

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    node.faults.extend([None] * 4 + [Http(503)] * 1_000)
    async with RpcChain(node.url, sleep=sleep, tries=2) as chain:
        sender = Sender(chain, fee_payer=payer, patience=5.0, sleep=sleep, clock=lambda: clock.now)
        with pytest.raises(OutcomeUnknown):
            await sender.send([pay(payer, Keypair().pubkey(), SOL)])
        node.faults.clear()
        [resumed] = await sender.resume()
    assert resumed.confirmed is not None


async def test_levels_and_addresses_are_checked() -> None:
    with pytest.raises(InputError, match="CONFIRMED or FINALIZED"):
        RpcChain(level=Level.PROCESSED)
    with pytest.raises(InputError, match="http:// or https://"):
        RpcChain("ftp://example.org")


@pytest.mark.parametrize(("level", "name"), [(Level.CONFIRMED, "confirmed"), (Level.FINALIZED, "finalized")])
async def test_reads_carry_the_level(node: RpcServer, level: Level, name: str) -> None:
    async with RpcChain(node.url, level=level) as chain:
        await chain.slot()
        await chain.account(MEMO)
        await chain.final_tip()
    assert [params[-1]["commitment"] for _, params in node.calls] == [name, name, "finalized"]


async def test_the_environment_names_the_cluster(node: RpcServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHOR_PROVIDER_URL", node.url)
    async with RpcChain.from_env() as chain:
        assert await chain.slot() == await node.chain.slot()


@pytest.mark.parametrize("fault", [Drop(after=True), Drop(), Http(503, after=True), Http(200, body="<html>")], ids=repr)
async def test_an_airdrop_is_not_asked_for_twice(
    node: RpcServer, chain: RpcChain, pauses: list[float], fault: Fault
) -> None:
    key = Keypair().pubkey()
    node.faults.append(fault)
    with pytest.raises(ConnectionFailed, match="See whether it was done"):
        await chain.request_airdrop(key, SOL)
    assert await lamports(chain, key) == (SOL if getattr(fault, "after", False) else 0)
    assert [method for method, _ in node.calls].count("requestAirdrop") == 1


@pytest.mark.parametrize(
    "fault",
    [Http(429), Refuse(429, "Too many requests"), Refuse(-32005, "Node is behind", {"numSlotsBehind": 42})],
    ids=repr,
)
async def test_an_airdrop_that_was_not_made_is_asked_for_again(node: RpcServer, chain: RpcChain, fault: Fault) -> None:
    key = Keypair().pubkey()
    node.faults.extend([fault] * 2)
    await chain.request_airdrop(key, SOL)
    assert await lamports(chain, key) == SOL


async def test_a_closed_chain_says_so(chain: RpcChain) -> None:
    await chain.close()
    await chain.close()
    with pytest.raises(StateError, match="closed"):
        await chain.slot()


async def test_an_airdrop_arrives(node: RpcServer, chain: RpcChain) -> None:
    key = Keypair().pubkey()
    await chain.request_airdrop(key, SOL)
    assert await lamports(chain, key) == SOL
