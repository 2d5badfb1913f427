"""The demo's three devices, each with a key and an owner, and, once registered, a shop in a folder of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solders.keypair import Keypair
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worktab.agent.app import JOBS_PATH, JobLimits, job_app
from worktab.agent.jobs import JobRunner
from worktab.agent.modules import Modules
from worktab.agent.records import Records
from worktab.agent.serving import Server
from worktab.core.addresses import find_device
from worktab.core.keys import Ed25519Signer, KeyKind, P256Signer
from worktab.demo.stage import Stage
from worktab.market.pricing import Price
from worktab.market.provider.provider import Limits, Provider
from worktab.program.generated import PROGRAM_ID
from worktab.roles.device import Device
from worktab.roles.proving import as_signer
from worktab.roles.settling import Settler
from worktab.work.blobs import BlobStore
from worktab.work.history import Entry
from worktab.work.spool import Spool
from worktab.work.wasm import WasmRuntime
from worktab.work.worker import run_wasm_job

_GRACE: Final = 10


@dataclass(frozen=True, slots=True)
class Party:
    """A device to be: its name, its key and its owner. A Solana keypair as its key signs and pays for itself."""

    name: str
    key: P256Signer | Ed25519Signer | Keypair
    owner: Keypair

    @property
    def kind(self) -> KeyKind:
        """The kind of the device's key."""
        return as_signer(self.key).public.kind

    @property
    def pays(self) -> Keypair | None:
        """The device's key where it signs transactions and pays for them; None where a relay does."""
        return self.key if isinstance(self.key, Keypair) else None


def three_parties() -> tuple[Party, ...]:
    """A device of each kind, with new keys and owners."""
    return (
        Party("phone", P256Signer.generate(), Keypair()),
        Party("sensor", Ed25519Signer.generate(), Keypair()),
        Party("server", Keypair(), Keypair()),
    )


@dataclass(frozen=True, slots=True)
class BrokenAnswer:
    """An answer that broke off: bytes of its body that were sent, of how many."""

    sent: int
    length: int


class Shop:
    """A registered device that sells jobs over HTTP; `open` and `close` may be repeated, as after a crash.

    It shows attestors its records. What it must not forget is in its folder: the spool with its records, the book with
    vouchers, charges and answers.
    """

    device: Device
    spool: Spool
    provider: Provider
    _runner: JobRunner
    _frail: Frail
    _server: FrailServer

    def __init__(
        self,
        stage: Stage,
        party: Party,
        folder: Path,
        price: Price,
        limits: JobLimits,
        runtime: WasmRuntime | None = None,
    ) -> None:
        self.party, self.price = party, price
        self._runtime = runtime or WasmRuntime()
        self._stage, self._folder, self._limits = stage, folder / party.name, limits
        self.blobs = BlobStore(self._folder / "blobs")
        self.address, _ = find_device(PROGRAM_ID, stage.operator.address, as_signer(party.key).public)

    async def open(self) -> None:
        """Sell, on a free port."""
        self.spool = Spool.open(self._folder / "spool.sqlite", device=self.address)
        network = self._stage.operator.address
        self.device = Device(
            self._stage.sender(self.party.pays, self.spool.journal),
            network,
            signer=self.party.key,
            signs_transactions=self.party.pays is not None,
        )
        self.provider = await Provider.open(
            self.device,
            self.spool,
            self._folder / "book.sqlite",
            settler=Settler(self.device.sender, network),
            limits=Limits(low_requests=0),
        )
        self._runner = JobRunner(self.spool, self.blobs, runtime=self._runtime)
        app = job_app(
            self.provider,
            self._runner,
            Modules(self._folder / "modules"),
            price=self.price,
            limits=self._limits,
            routes=[Records(self.device, self.spool, self.blobs).route],
        )
        self._frail = Frail(app)
        self._server = FrailServer.listen(self._frail, "127.0.0.1", 0, grace=_GRACE)
        self.url = self._server.url
        await self._server.start()

    async def close(self) -> None:
        """Let go of everything but the folder."""
        await self._server.stop()
        self._runner.close()
        await self.provider.close()
        self.spool.close()

    def break_next_answer(self) -> None:
        """Go down in the middle of the next answer that was bought."""
        self._frail.go_down = self._server.go_down

    @property
    def broken(self) -> BrokenAnswer | None:
        """The answer that broke off since it opened."""
        return self._frail.broken

    def work(self, module: bytes, input: bytes) -> Entry:
        """Run and record a job that nobody has paid yet."""
        return run_wasm_job(self._runtime, self.spool, self.blobs, module, input)


class FrailServer(Server):
    """A server that can be cut off."""

    def go_down(self) -> None:
        """As when the machine loses its power: every connection breaks, and no other is taken."""
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()


class Frail:
    """An application whose server goes down in the middle of an answer, once it is told how."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.go_down: Callable[[], None] | None = None
        self.broken: BrokenAnswer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        go_down = self.go_down
        if go_down is None or scope["type"] != "http" or scope["path"] != JOBS_PATH:
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def break_off(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == 200:
                start = message
            elif start is None:
                await send(message)
            else:
                await self._break_off(start, message["body"], send, go_down)

        await self._app(scope, receive, break_off)

    async def _break_off(self, start: Message, body: bytes, send: Send, go_down: Callable[[], None]) -> None:
        half = body[: len(body) // 2]
        if body:  # without one, the whole answer would be in its headers
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})
        self.broken, self.go_down = BrokenAnswer(len(half), len(body)), None
        go_down()
        await asyncio.sleep(0)  # uvicorn learns of it, and takes the answer for what it is: over
