"""The feed over RPC with a node that fails, lags and is rate limited; and the parts that need no node."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from support.feeding import Payer, Time
from support.rpc_server import Drop, Fault, Http, Refuse, RpcServer
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.feed import CursorFile, Feed, Start, websocket_url
from worktab.chain.feed.listening import Listener
from worktab.chain.feed.patience import Pauses
from worktab.chain.protocol import Level
from worktab.chain.rpc import RpcChain
from worktab.core.errors import InputError, StorageError

BEHIND = Refuse(-32005, "Node is behind by 42 slots", {"numSlotsBehind": 42})
TROUBLES: list[Fault | None] = [Http(429), Http(429, {"retry-after": "1"}), Http(503), Drop(), Drop(after=True), BEHIND]


@pytest.mark.parametrize("seed", range(3))
async def test_a_busy_node_loses_and_repeats_nothing(seed: int) -> None:
    chance, time = random.Random(seed), Time()
    embedded = EmbeddedChain()
    payer = Payer(embedded)
    sent = [*await payer.send(50), await payer.fail(), *await payer.send(49)]
    async with RpcServer(embedded).running() as node, RpcChain(node.url, sleep=time.sleep) as chain:
        # Readers that wait at the same time all move the one clock, so patience is long.
        options = time.options() | {"since": sent[0].signature, "follow": False, "patience": 1e6}
        async with Feed(chain, payer.address, **options) as feed:
            node.faults.extend(chance.choice([*TROUBLES, None, None]) for _ in range(400))
            assert [delivery async for delivery in feed] == sent[1:]
        assert len(node.faults) < 300, "or nothing was tested"


async def test_the_history_is_asked_of_a_node_that_has_reached_the_newest_slot_seen() -> None:
    time, embedded = Time(), EmbeddedChain()
    payer = Payer(embedded)
    await payer.send(40)
    async with RpcServer(embedded).running() as node, RpcChain(node.url) as chain:
        options = time.options() | {"since": Start.OLDEST, "follow": False}
        async with Feed(chain, payer.address, **options) as feed:
            assert len([delivery async for delivery in feed]) == 40
        asked = [
            params[1].get("minContextSlot") for method, params in node.calls if method == "getSignaturesForAddress"
        ]
    assert len(asked) >= 3
    assert set(asked) == {await embedded.slot()}


class Nobody:
    """Hears nothing."""

    def opened(self) -> None:
        raise AssertionError

    def heard(self, signature: Signature, slot: int, logs: tuple[str, ...]) -> None:
        raise AssertionError


async def test_sockets_that_cannot_be_had_are_tried_with_growing_pauses() -> None:
    async with RpcServer(EmbeddedChain()).running() as node:
        free = node.url.replace("http", "ws")
    time, enough = Time(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        await time.sleep(seconds)
        if len(time.pauses) == 9:
            enough.set()
            await asyncio.Event().wait()

    pauses = Pauses(sleep, lambda: 0.5, lambda: time.now)
    listener = Listener(free, Pubkey.default(), Level.CONFIRMED, Nobody(), ping=1.0, pauses=pauses)
    await enough.wait()
    assert time.pauses == [0.375, 0.75, 1.5, 3.0, 6.0, 12.0, 15.0, 15.0, 15.0]
    assert listener.trouble.startswith("ConnectionRefusedError")
    listener.renew()
    await listener.close()


@pytest.mark.parametrize(("luck", "pause"), [(0.0, 0.25), (1.0, 0.5)])
async def test_chance_spreads_a_pause_over_its_upper_half(luck: float, pause: float) -> None:
    time = Time()
    await Pauses(time.sleep, lambda: luck, lambda: time.now).after(1)
    assert time.pauses == [pause]


@pytest.mark.parametrize(
    ("rpc", "ws"),
    [
        ("http://127.0.0.1:8899", "ws://127.0.0.1:8900"),
        ("http://localhost", "ws://localhost"),
        ("https://api.example.org", "wss://api.example.org"),
        ("https://api.example.org:8443/?key=1:2", "wss://api.example.org:8444/?key=1:2"),
        ("https://user:1234@example.org/v1", "wss://user:1234@example.org/v1"),
        ("http://[::1]:08899", "ws://[::1]:8900"),
        ("http://[::1]", "ws://[::1]"),
    ],
)
def test_the_websocket_address_follows_from_that_for_rpc(rpc: str, ws: str) -> None:
    assert websocket_url(rpc) == ws
    assert RpcChain(rpc).ws_url == ws
    assert RpcChain(rpc, ws_url="wss://other.example.org").ws_url == "wss://other.example.org"


def test_no_websocket_address() -> None:
    with pytest.raises(InputError, match="ws:// or wss://"):
        RpcChain("http://127.0.0.1:8899", ws_url="http://127.0.0.1:8900")


@pytest.mark.parametrize("wrong", ["", "127.0.0.1:8899", "ftp://example.org", "http://", "http://x:99999", "http://[x"])
def test_no_web_address(wrong: str) -> None:
    with pytest.raises(InputError, match="not a web address"):
        websocket_url(wrong)
    with pytest.raises(InputError, match="not a web address"):
        RpcChain(wrong, ws_url="ws://127.0.0.1:8900")


def test_a_cursor_file_holds_the_newest_signature_whole(tmp_path: Path) -> None:
    file = CursorFile(tmp_path / "cursor")
    assert file.read() is None
    signatures = [Signature.new_unique() for _ in range(3)]
    for signature in signatures:
        file.write(signature)
        assert file.read() == signature
    assert (tmp_path / "cursor").read_text() == f"{signatures[2]}\n"
    assert [each.name for each in tmp_path.iterdir()] == ["cursor"]


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 500, str(Signature(bytes(range(64)))).encode()[:-9]])
def test_a_file_that_holds_no_cursor_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes").write_bytes(content)
    with pytest.raises(StorageError, match="holds no cursor"):
        CursorFile(tmp_path / "notes").read()
    assert (tmp_path / "notes").read_bytes() == content


def test_a_cursor_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        CursorFile(tmp_path).read()
    with pytest.raises(StorageError, match="cannot be written"):
        CursorFile(tmp_path / "no" / "folder").write(Signature.new_unique())
    unknown = CursorFile(Path("~nobody-of-this-name/cursor"))
    assert unknown.read() is None
    with pytest.raises(StorageError, match="cannot be written"):
        unknown.write(Signature.new_unique())
