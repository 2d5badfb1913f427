"""A network that takes disputes: devices that serve their records over HTTP, challengers, consumers, attestors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.attesting import Worker
from support.fleet import Fleet
from worktab.agent.records import Records
from worktab.agent.serving import Server
from worktab.core.messages import Message
from worktab.epochs.attesting.evidence import EvidenceSource, HttpEvidence
from worktab.epochs.attesting.requests import RECORDS_PATH
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.roles.accusations import DisputeEvidence, OpenedDispute
from worktab.roles.bonds import BondKeeper
from worktab.roles.consumer import Consumer
from worktab.roles.device import Device
from worktab.roles.disputes import Challenger, DisputeVoter
from worktab.roles.owner import Owner
from worktab.roles.trust_reading import DisputeView
from worktab.trust.accusing import challenge
from worktab.trust.asking import Asker
from worktab.trust.attesting import DisputeAttestor, Disputed
from worktab.trust.evidence import evidence_of
from worktab.trust.memory import DisputeMemory
from worktab.trust.receipts import ReceiptBook
from worktab.work.history import Entry, SignedReceipt
from worktab.work.wasm import VERIFIER_STACK, WasmRuntime

BOND: Final = 10_000
DEPOSIT: Final = 300
SLASH_BPS: Final = 5_000
LENGTH: Final = 36_000
"""Seconds that a dispute lasts."""

TAB: Final = 5_000
"""Base units in a tab."""

VERIFIER: Final = WasmRuntime(stack_bytes=VERIFIER_STACK)


@dataclass
class Accusable:
    """A bonded device, its owner, its spool and data, and the server that shows its records."""

    device: Device
    owner: Owner
    worker: Worker
    url: str = ""
    online: bool = True
    answers: Response | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> Pubkey:
        """The device's address."""
        return self.device.device

    def receipt(self, context: bytes, now: int) -> SignedReceipt:
        """A receipt over all of its records."""
        return self.worker.spool.sign_newest(self.device.signer, context, now)


class Court:
    """Three attestors of whom two decide, and whoever they are about; everything over real HTTP."""

    fleet: Fleet
    http: httpx.AsyncClient
    domain: bytes

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.keys = [Keypair() for _ in range(3)]
        self.devices: list[Accusable] = []

    @property
    def plan(self) -> dict[str, Any]:
        """What the network must be like."""
        return {
            "attestors": tuple(key.pubkey() for key in self.keys),
            "dispute_deposit": DEPOSIT,
            "slash_bps": SLASH_BPS,
            "challenge_delay": LENGTH,
        }

    async def join(self, fleet: Fleet) -> Self:
        """Sit in a network by `plan`."""
        self.fleet = fleet
        self.http = await self._stack.enter_async_context(httpx.AsyncClient(timeout=120))
        self.domain = await fleet.operator.reader.domain()
        return self

    # Parties

    async def device(self, *, bond: int = BOND, **terms: Any) -> Accusable:
        """A device with a bond, that shows its records."""
        fleet, owner = self.fleet, self.fleet.owner()
        made = await fleet.device(owner=owner, **({"capacity": 100_000} | terms))
        if bond:
            await fleet.mint.give(owner.owner.pubkey(), bond)
            await BondKeeper(fleet.sender, fleet.network, owner.owner).deposit(made.device, bond)
        accusable = Accusable(made, owner, Worker(self.folder / "devices", made.device))
        self._stack.callback(accusable.worker.close)
        accusable.url = await self._stack.enter_async_context(_serving(accusable))
        self.devices.append(accusable)
        return accusable

    async def consumer(self, balance: int = TAB) -> Consumer:
        """A consumer with a tab."""
        return await self.fleet.consumer(balance)

    def challenger(self, consumer: Consumer) -> Challenger:
        """A consumer as a challenger."""
        return Challenger(self.fleet.sender, self.fleet.network, consumer.key)

    def voter(self, number: int) -> DisputeVoter:
        """An attestor that votes by hand."""
        return DisputeVoter(self.fleet.sender, self.fleet.network, self.keys[number])

    def attestor(self, number: int, *sources: EvidenceSource, **options: Any) -> DisputeAttestor:
        """A new process of an attestor, which asks the devices unless told otherwise."""
        asker = Asker(sources or [self.evidence(number)], **options)
        return DisputeAttestor(self.voter(number), asker, DisputeMemory(self.folder / f"disputes-{number}.json"))

    def evidence(self, number: int) -> HttpEvidence:
        """The devices, asked by an attestor, whose clock is right."""
        urls = {each.address: each.url for each in self.devices}
        return HttpEvidence(urls, attestor=self.keys[number], domain=self.domain, client=self.http)

    async def look(self, number: int, **options: Any) -> Disputed:
        """What an attestor does about the only dispute."""
        [done] = await self.attestor(number, **options).look()
        await self.check()
        return done

    async def check(self) -> None:
        """Assert the ledger rule."""
        ledger = await self.fleet.operator.ledger()
        assert ledger.holds, ledger

    # Doings

    async def submit(self, accusable: Accusable) -> None:
        """Bring a device's newest receipt to the chain."""
        view = await accusable.device.view()
        receipt = accusable.receipt(view.device.receipt_context, view.now)
        await accusable.device.submit(receipt.message, receipt.signature, consent=accusable.owner.owner)

    async def claim(self, accusable: Accusable, more: int) -> None:
        """Bring a receipt to the chain that claims so many units more than the records have."""
        view, state = await accusable.device.view(), accusable.worker.state
        message = Message.receipt(view.device.receipt_context, state.seq, state.units + more, view.now, state.head)
        signature = accusable.device.signer.sign(message.encode())
        await accusable.device.submit(message, signature, consent=accusable.owner.owner)

    async def show(
        self, accusable: Accusable, entry: Entry, *receipts: SignedReceipt, challenger: Challenger | None = None
    ) -> DisputeEvidence:
        """What shows that a device signed a record."""
        view = await accusable.device.view()
        book, entries = ReceiptBook.of(view, list(receipts)), accusable.worker.spool.entries()
        room = (lambda evidence: True) if challenger is None else challenger.room
        return evidence_of(entries, entry.seq, view, book, room=room)

    async def dispute(self, challenger: Challenger, accusable: Accusable, entry: Entry) -> OpenedDispute:
        """Dispute a record, by the head on chain."""
        opened = await challenger.open(accusable.address, await self.show(accusable, entry))
        await self.check()
        return opened

    async def challenge(self, challenger: Challenger, accusable: Accusable, *receipts: SignedReceipt) -> OpenedDispute:
        """Examine a bundle of all records, and dispute what is wrong with them."""
        path = accusable.worker.bundle(self.folder)
        _, opened = await challenge(challenger, [path], VERIFIER, receipts)
        assert opened is not None
        return opened

    async def only(self) -> DisputeView:
        """The one open dispute."""
        [view] = await self.fleet.operator.reader.disputes()
        return view

    async def now(self) -> int:
        """The chain's clock."""
        return await self.fleet.chain.unix_time()

    async def go_to(self, share: float) -> None:
        """Let time pass until so much of the only dispute's time is over."""
        account = (await self.only()).account
        until = account.opened_at + int((account.deadline - account.opened_at) * share)
        await self.fleet.clock.advance(until - await self.now())

    async def balance(self, consumer: Consumer) -> int:
        """Base units that are free in a tab."""
        return (await consumer.tab()).tab.balance

    async def read(self, accusable: Accusable) -> DeviceAccount:
        """A device's account."""
        return await self.fleet.read(accusable.address)

    async def pool(self) -> int:
        """Base units that are free in the pool."""
        return (await self.fleet.operator.network()).pool_free


@asynccontextmanager
async def _serving(accusable: Accusable) -> AsyncIterator[str]:
    worker = accusable.worker
    records = Records(accusable.device, worker.spool, worker.blobs).route

    async def answer(request: Request) -> Response:
        accusable.asked.append(str(request.url.query))
        if not accusable.online:
            return Response(status_code=503)
        if accusable.answers is not None:
            return accusable.answers
        served: Response = await records.endpoint(request)
        return served

    server = Server.listen(Starlette(routes=[Route(RECORDS_PATH, answer)]), "127.0.0.1", 0, grace=1)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()
