"""How devices get paid: an invoice, vouchers settled, receipts submitted, and claims."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.demo.devices import Shop
from worktab.demo.stage import Stage
from worktab.roles.claiming import Crank
from worktab.roles.consumer import Consumer
from worktab.roles.invoicing import Issuer
from worktab.roles.submitting import Submitter
from worktab.work.history import Entry

_MONTH = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Billed:
    """An invoice that was made, checked and paid. Amounts in base units, units of work."""

    device: Pubkey
    invoice: Pubkey
    units: int
    amount: int
    misfits: tuple[str, ...]
    paid: int
    outstanding: int

    @property
    def holds(self) -> bool:
        """Whether nothing was odd about it, and all of it was paid."""
        return not self.misfits and (self.paid, self.outstanding) == (self.amount, 0)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a device brought to the chain.

    vouchers  base units that settling moved to its earnings
    exact     whether that was, for every lane, exactly what was charged
    receipts  how many it took
    reward    base units that they accrued
    """

    vouchers: int
    exact: bool
    receipts: int
    reward: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim paid for a device, in base units."""

    earnings: int
    fee: int
    burn: int
    rewards: int
    paid: int


async def settle_and_submit(stage: Stage, shop: Shop) -> Settled:
    """Bring a device's vouchers and its receipts to the chain."""
    settlements = await shop.provider.settle(at_once=True)
    now = await stage.chain.unix_time()
    flushed = await Submitter(shop.device, shop.spool, clock=lambda: now).flush()
    return Settled(
        vouchers=sum(each.moved for each in settlements),
        exact=all(each.exact for each in settlements),
        receipts=len(flushed.submissions),
        reward=flushed.reward,
    )


async def bill(stage: Stage, shop: Shop, job: Entry, consumer: Consumer) -> Billed:
    """Have a device's owner make an invoice for a job, and the consumer check and pay it from its tab."""
    issuer = Issuer(stage.sender(), stage.operator.address, shop.party.owner)
    units, due = job.record.units, await stage.chain.unix_time() + _MONTH
    made = await issuer.create(
        shop.address, consumer=consumer.consumer, amount=shop.price.cost(units), units=units, due=due, head=job.head
    )
    misfits = await consumer.check_invoice(made.view)
    paid = await consumer.pay_invoice(made.view)
    return Billed(
        device=shop.address,
        invoice=made.address,
        units=units,
        amount=made.view.invoice.amount,
        misfits=tuple(each.value for each in misfits),
        paid=paid.amount,
        outstanding=paid.outstanding,
    )


async def claim(stage: Stage, shop: Shop) -> Claimed:
    """Have a device's owner paid. Anyone may ask for that; here it is the relay."""
    claimed = await Crank(stage.sender(), stage.operator.address).claim([shop.address])
    return Claimed(claimed.earnings, claimed.fee, claimed.burn, claimed.rewards, claimed.paid)
