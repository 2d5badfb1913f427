"""Events from the feed: all of a network, no other's, in order, and what is said when they cannot be read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from support.fleet import FUNDS, Fleet
from support.mortal import Yielding
from worktab.chain.building import compile_message, sign
from worktab.chain.feed import Start
from worktab.chain.protocol import AccountData, Logged
from worktab.core.errors import ConnectionFailed
from worktab.core.messages import Message
from worktab.program.generated import events, instructions
from worktab.roles.claiming import Crank
from worktab.roles.device import Device
from worktab.roles.events import EVENT_TYPES, EventsUnreadable, NetworkEvent, NetworkEvents
from worktab.roles.owner import Owner
from worktab.roles.proving import prove_by_signature

SO_FAR: dict[str, Any] = {"since": Start.OLDEST, "follow": False}


async def collect(source: NetworkEvents) -> list[NetworkEvent]:
    async with source:
        return [item async for item in source]


def names(found: list[NetworkEvent]) -> list[str]:
    return [type(item.event).__name__ for item in found]


Receipts = list[tuple[Device, tuple[Message, bytes]]]
"""Receipts of devices, of any networks."""


def submitting(receipts: Receipts) -> list[Instruction]:
    """What records them in one transaction."""
    made = []
    for device, (message, signature) in receipts:
        proof = prove_by_signature(device.signer.public, message, signature)
        passed = instructions.SubmitReceiptAccounts(network=device.address, device=device.device, proof=proof.account)
        made += proof.lead(instructions.submit_receipt(passed, receipt=proof.shown))
    return made


async def land_failing(fleet: Fleet, made: list[Instruction]) -> None:
    """Land a transaction that a sender would not send."""
    blockhash = (await fleet.chain.latest_blockhash()).hash
    transaction = sign(compile_message(fleet.payer.pubkey(), made, (), blockhash, limit=100_000), [fleet.payer])
    await fleet.chain.send(bytes(transaction))
    async with asyncio.timeout(120):
        while (await fleet.chain.history(fleet.network, limit=1))[0].signature != transaction.signatures[0]:
            await asyncio.sleep(0.02)


async def neighbour(fleet: Fleet) -> tuple[Fleet, Device]:
    """Another network on the same chain, with a device whose capacity counts."""
    other = await Fleet(fleet.chain).start()
    device = await other.device()
    await fleet.next_epoch()
    await other.next_epoch()
    return other, device


async def test_the_life_of_a_network_from_the_start(fleet: Fleet) -> None:
    device = await fleet.device(capacity=400)
    await fleet.next_epoch()
    await fleet.earn(device, 3, 50)
    await Crank(fleet.sender, fleet.network).claim([device.device])
    found = await collect(NetworkEvents(fleet.chain, fleet.network, **SO_FAR))
    assert names(found) == ["NetworkCreated", "PoolFunded", "DeviceRegistered", "ReceiptSubmitted", "Claimed"]
    created, funded, registered, submitted, claimed = [item.event for item in found]
    assert isinstance(created, events.NetworkCreated)
    assert (created.authority, created.mint) == (fleet.authority.pubkey(), fleet.mint.address)
    assert isinstance(funded, events.PoolFunded)
    assert (funded.amount, funded.surplus) == (FUNDS, 0)
    assert isinstance(registered, events.DeviceRegistered)
    assert (registered.network, registered.device, registered.capacity) == (fleet.network, device.device, 400)
    assert submitted == events.ReceiptSubmitted(device.device, 3, 50, 50, 100)
    assert isinstance(claimed, events.Claimed)
    assert claimed.amount == 100
    assert {item.index for item in found} == {0}
    slots = [item.slot for item in found]
    assert slots == sorted(slots)
    history = [entry.signature for entry in await fleet.chain.history(fleet.network) if not entry.failed]
    assert [item.signature for item in found] == history[::-1]


async def test_kinds_and_networks_are_told_apart_even_within_one_transaction(fleet: Fleet) -> None:
    mine = await fleet.device()
    other, theirs = await neighbour(fleet)
    receipts = [(mine, await fleet.receipt(mine, 1, 10)), (theirs, await other.receipt(theirs, 2, 20))]
    await fleet.sender.send(submitting(receipts))

    receipts_only: dict[str, Any] = SO_FAR | {"kinds": [events.ReceiptSubmitted]}
    of_mine = await collect(NetworkEvents(fleet.chain, fleet.network, **receipts_only))
    of_theirs = await collect(NetworkEvents(fleet.chain, other.network, **receipts_only))
    assert [(item.event, item.index) for item in of_mine] == [(events.ReceiptSubmitted(mine.device, 1, 10, 10, 20), 0)]
    assert [(item.event, item.index) for item in of_theirs] == [
        (events.ReceiptSubmitted(theirs.device, 2, 20, 20, 40), 1)
    ]
    assert of_mine[0].signature == of_theirs[0].signature

    since = (await fleet.chain.history(fleet.network, limit=2))[1].signature
    late = await collect(NetworkEvents(fleet.chain, fleet.network, since=since, follow=False))
    assert [item.event for item in late] == [of_mine[0].event], "without having seen the devices register"
    both = await collect(NetworkEvents(fleet.chain, since=since, follow=False))
    assert [item for item in both if item.signature == of_mine[0].signature] == [of_mine[0], of_theirs[0]]
    types = NetworkEvents(fleet.chain, fleet.network, kinds=[events.PoolFunded, events.DeviceRegistered], **SO_FAR)
    assert names(await collect(types)) == ["PoolFunded", "DeviceRegistered"]


async def test_a_device_that_is_gone_had_its_network(fleet: Fleet) -> None:
    owner = fleet.owner()
    await fleet.airdrop(owner.owner.pubkey(), 10**9)
    device = await fleet.device(owner=owner)
    [newest] = await fleet.chain.history(fleet.network, limit=1)
    retired = await Owner(fleet.sender, fleet.network, owner=owner.owner).retire(device.device)
    assert retired.closed
    found = await collect(NetworkEvents(fleet.chain, fleet.network, since=newest.signature, follow=False))
    assert [item.event for item in found] == [events.DeviceRetired(device.device, True)]


async def test_what_a_failed_transaction_logged_did_not_happen(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    first, second = await fleet.receipt(device, 1, 10), await fleet.receipt(device, 2, 20)
    await fleet.sender.send(submitting([(device, second)]))
    good = await fleet.receipt(device, 3, 30)
    await land_failing(fleet, submitting([(device, good), (device, first)]))
    entries = await fleet.chain.history(fleet.network)
    assert [entry.failed for entry in entries[:2]] == [True, False]
    landed = await fleet.chain.transaction(entries[0].signature)
    assert landed is not None
    assert any(line.startswith("Program data: ") for line in landed.logs), "it logged an event before it failed"
    found = await collect(NetworkEvents(fleet.chain, fleet.network, kinds=[events.ReceiptSubmitted], **SO_FAR))
    assert [item.event for item in found] == [events.ReceiptSubmitted(device.device, 2, 20, 20, 40)]


async def test_the_cursor_moves_when_a_transaction_is_dealt_with(fleet: Fleet) -> None:
    devices = [await fleet.device(), await fleet.device()]
    await fleet.next_epoch()
    await fleet.sender.send(submitting([(each, await fleet.receipt(each, 1, 10)) for each in devices]))
    signatures = [entry.signature for entry in await fleet.chain.history(fleet.network)][::-1]
    kinds = [events.ReceiptSubmitted]
    async with NetworkEvents(fleet.chain, fleet.network, kinds=kinds, **SO_FAR) as source:
        assert source.cursor is None
        cursors: list[Signature | None] = []
        for index in (0, 1):
            assert (await anext(source)).index == index
            cursors.append(source.cursor)
        assert cursors == signatures[-2:], "those without a wanted event were passed over"
        assert await anext(source, None) is None

    async with NetworkEvents(fleet.chain, fleet.network, kinds=kinds, **SO_FAR) as source:
        seen = []
        while (transaction := await source.next_transaction()) is not None:
            assert source.cursor == transaction.signature
            seen.append((transaction.signature, len(transaction.events)))
    assert seen == [(each, 0) for each in signatures[:-1]] + [(signatures[-1], 2)]


async def test_a_wait_cancelled_at_any_step_loses_nothing(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    for seq in range(1, 5):
        await fleet.earn(device, seq, seq * 10)
    expected = await collect(NetworkEvents(fleet.chain, fleet.network, **SO_FAR))
    [oldest] = (await fleet.chain.history(fleet.network))[-1:]
    found: list[NetworkEvent] = []
    chain: Any = Yielding(fleet.chain)
    async with NetworkEvents(chain, fleet.network, since=oldest.signature, follow=False) as source:
        steps = 1
        while len(found) < len(expected) - 1:
            waiting = asyncio.ensure_future(anext(source))
            for _ in range(steps):
                await asyncio.sleep(0)
            waiting.cancel()
            [outcome] = await asyncio.gather(waiting, return_exceptions=True)
            if isinstance(outcome, NetworkEvent):
                found.append(outcome)
            else:
                steps += 1
    assert found == expected[1:]


async def test_entered_again_its_cursor_is_not_ahead_of_what_was_given(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    await fleet.earn(device, 1, 10)
    chain: Any = Yielding(fleet.chain)
    newest = await fleet.chain.history(fleet.network, limit=1)
    failing = True

    async def history(address: Pubkey, *, before: Signature | None = None, **_: Any) -> list[Logged]:
        return [] if before else newest  # all that the node keeps

    async def accounts(addresses: list[Pubkey]) -> list[AccountData | None]:
        if failing:
            raise ConnectionFailed("The RPC node gave no usable answer")
        return await fleet.chain.accounts(addresses)

    chain.history, chain.accounts = history, accounts
    source = NetworkEvents(chain, fleet.network, **SO_FAR)
    async with source:
        with pytest.raises(ConnectionFailed):
            await anext(source)
    failing = False
    async with source:
        assert source.cursor is None
        assert (await anext(source)).event == events.ReceiptSubmitted(device.device, 1, 10, 10, 20)
        assert source.cursor == newest[0].signature


class Garbled:
    """A chain that shows one transaction's logs otherwise than they were."""

    def __init__(self, chain: Any, signature: Signature, logs: tuple[str, ...]) -> None:
        self._chain, self._signature, self._logs = chain, signature, logs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def transaction(self, signature: Signature) -> Any:
        landed = await self._chain.transaction(signature)
        return replace(landed, logs=self._logs) if signature == self._signature else landed


@pytest.mark.parametrize(
    ("kept", "added", "left", "why"),
    [
        (1, ["Log truncated"], 0, "cut short"),
        (-1, ["Log truncated"], 1, "cut short"),
        (2, ["Program 11111111111111111111111111111111 success"], 0, "not that of one whole transaction"),
    ],
)
async def test_events_that_cannot_be_read_are_said_to_be_so_and_the_next_ones_are_given(
    fleet: Fleet, kept: int, added: list[str], left: int, why: str
) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    for seq in (1, 2, 3):
        await fleet.earn(device, seq, seq * 10)
    signatures = [entry.signature for entry in await fleet.chain.history(fleet.network, limit=3)][::-1]
    landed = await fleet.chain.transaction(signatures[1])
    assert landed is not None
    chain: Any = Garbled(fleet.chain, signatures[1], (*landed.logs[:kept], *added))
    async with NetworkEvents(chain, fleet.network, kinds=[events.ReceiptSubmitted], **SO_FAR) as source:
        seqs = [(await anext(source)).event.seq for _ in range(1 + left)]  # type: ignore[attr-defined]
        assert source.cursor == signatures[0]
        with pytest.raises(EventsUnreadable, match="cannot all be read") as caught:
            await anext(source)
        assert (caught.value.signature, caught.value.slot) == (signatures[1], landed.slot)
        assert why in caught.value.got
        assert source.cursor == signatures[1]
        seqs += [item.event.seq async for item in source]  # type: ignore[attr-defined]
    assert seqs == [1, *[2][:left], 3]

    async with NetworkEvents(chain, fleet.network, since=signatures[0], follow=False) as source:
        transaction = await source.next_transaction()
        assert transaction is not None
        assert (len(transaction.events), transaction.error is None) == (left, False)
        transaction = await source.next_transaction()
        assert transaction is not None
        assert (len(transaction.events), transaction.error) == (1, None)


async def test_what_happens_is_told_as_it_happens(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    async with NetworkEvents(fleet.chain, fleet.network) as source:
        await fleet.earn(device, 1, 10)
        async with asyncio.timeout(120):
            item = await anext(source)
        assert item.event == events.ReceiptSubmitted(device.device, 1, 10, 10, 20)


async def test_another_programs_network_has_no_events_of_this_one(fleet: Fleet) -> None:
    assert await collect(NetworkEvents(fleet.chain, fleet.network, program_id=Pubkey.new_unique(), **SO_FAR)) == []
    assert await collect(NetworkEvents(fleet.chain, Keypair().pubkey(), **SO_FAR)) == []


def test_every_event_has_a_name() -> None:
    assert len(EVENT_TYPES) == len(events.EVENTS)
    assert EVENT_TYPES["ReceiptSubmitted"] is events.ReceiptSubmitted
