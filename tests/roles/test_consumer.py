"""A consumer's tab through the SDK: money in and out, lanes, delegates, and a sponsor who pays for everything."""

from __future__ import annotations

from solders.keypair import Keypair

from support.fleet import Fleet
from worktab.roles.consumer import Consumer


async def test_smoke(fleet: Fleet) -> None:
    device = await fleet.device()
    key = Keypair()
    consumer = Consumer(fleet.sender, fleet.network, key)
    await consumer.open()
    await fleet.mint.give(key.pubkey(), 1000)
    await consumer.deposit(1000)
    lane = await consumer.reserve(device.device, 300)
    view = await consumer.tab()
    assert (view.tab.balance, view.reserved) == (700, 300)
    voucher = consumer.voucher(view, device.device, lane.nonce, amount=5, units=3, seq=1, head=bytes(32))
    voucher.verify(key.pubkey(), await consumer.reader.domain())
    assert type(voucher).from_json(voucher.to_json()) == voucher
