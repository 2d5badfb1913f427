"""Sales on a fleet's network: a consumer with a tab, and vouchers that settle."""

from __future__ import annotations

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet
from worktab.roles.consumer import Consumer
from worktab.roles.settling import Settler


async def consumer_of(fleet: Fleet, deposit: int, *, key: Keypair | None = None) -> Consumer:
    """A consumer with this balance in base units, besides what it had; nobody but the payer needs lamports."""
    consumer = Consumer(fleet.sender, fleet.network, key or Keypair())
    await consumer.open()
    await fleet.mint.give(consumer.consumer, deposit)
    await consumer.deposit(deposit)
    return consumer


async def settle(consumer: Consumer, device: Pubkey, nonce: int, amount: int, units: int) -> None:
    """Sign for what a lane owes in all, and settle it."""
    voucher = consumer.voucher(await consumer.tab(), device, nonce, amount=amount, units=units, seq=1, head=bytes(32))
    await Settler(consumer.sender, consumer.address).settle(voucher)


async def sell(fleet: Fleet, device: Pubkey, amount: int, units: int, *, to: Keypair | None = None) -> None:
    """Sell a device's work for so many base units, to a new consumer or to this one."""
    consumer = await consumer_of(fleet, amount, key=to)
    lane = await consumer.reserve(device, amount)
    await settle(consumer, device, lane.nonce, amount, units)
