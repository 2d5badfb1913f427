"""Who buys: a consumer with a tab, and the agent that spends from it, from the cheapest device that answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx
from solders.keypair import Keypair

from worktab.agent.app import JOBS_PATH, MAX_UNITS_HEADER, MODULES_PATH
from worktab.demo.devices import BrokenAnswer, Shop
from worktab.demo.jobs import JobPlan
from worktab.demo.purchases import Bought, FailOver, Purchase, Refusal, Use
from worktab.demo.shopping import LIMIT, Shopping
from worktab.demo.stage import Stage
from worktab.market.buyer.bill import Purpose
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.client import paying_client
from worktab.market.buyer.delivery import Patience
from worktab.market.buyer.purse import Purse
from worktab.market.offers import Delivery, Order, buy
from worktab.program.generated.errors import AllowanceExceeded
from worktab.roles.consumer import Consumer

_PATIENCE: Final = Patience(tries=3, first=0.05)
_DAY: Final = 86_400


async def open_tab(stage: Stage, key: Keypair, deposit: int) -> Consumer:
    """A consumer with so many base units in its tab. It has no lamports: the relay pays the fees."""
    await stage.give(key.pubkey(), deposit)
    consumer = Consumer(stage.sender(), stage.operator.address, key)
    await consumer.open()
    await consumer.deposit(deposit)
    return consumer


async def hire(stage: Stage, consumer: Consumer) -> Consumer:
    """An agent with a session key of its own, which may spend `LIMIT` of a consumer's tab, for a day."""
    key, now = Keypair(), await stage.chain.unix_time()
    await consumer.set_delegate(key.pubkey(), allowance=LIMIT, expires_at=now + _DAY)
    return Consumer(stage.sender(), stage.operator.address, key, tab_of=consumer.consumer)


@asynccontextmanager
async def paying(consumer: Consumer, purse: Path, budget: int, requests: int) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that pays from a consumer's tab; at the end it leaves the devices exact vouchers."""
    with Purse.open(purse) as held:
        client = paying_client(consumer, held, Budget(budget), requests=requests, patience=_PATIENCE)
        async with client as http:
            yield http


def order(plan: JobPlan, job: int, max_units: int) -> Order:
    """The order of one job of a plan, counted from 0, that may take so many work units."""
    module, input = sha256(plan.module).digest(), plan.inputs[job]
    path, headers = f"{JOBS_PATH}?module={module.hex()}", {MAX_UNITS_HEADER: str(max_units)}
    return Order(path, input, max_units, module=module, input=sha256(input).digest(), headers=headers)


class Agent:
    """Buys a plan's jobs. Its budget is all of the tab, so that the program alone stops it at its limit."""

    def __init__(
        self, http: httpx.AsyncClient, consumer: Consumer, plan: JobPlan, shopping: Shopping, shops: Sequence[Shop]
    ) -> None:
        self.bought = Bought()
        self._http, self._consumer, self._plan = http, consumer, plan
        self._shopping, self._shops = shopping, shops

    async def buy_all(self, on_job: Callable[[], None]) -> None:
        """Bring every device the module, and buy every job; the cheapest device goes down in the middle of one.

        It stays down until all is bought. Then it is asked once more for the answer that broke off.
        """
        broken, breaking = self._shopping.breaks_at, self._shops[0]
        for shop in self._shops:
            (await self._http.put(shop.url + MODULES_PATH, content=self._plan.module)).raise_for_status()
        deliveries = []
        for job in range(self._shopping.jobs):
            if job == broken:
                breaking.break_next_answer()
            deliveries.append(await self._buy(job, compare=self._shopping.compared(job)))
            on_job()
        self.bought.outputs = [each.response.content for each in deliveries]
        await self._ask_again(broken, breaking, deliveries[broken])

    async def ask_for_everything(self) -> None:
        """Order all jobs once more, in one, from the cheapest device: the program refuses to set so much aside."""
        most, shop = self._shopping.everything, self._shops[0]
        try:
            await buy(self._http, [shop.url], order(self._plan, 0, most))
        except AllowanceExceeded as error:
            view, seller = await self._consumer.tab(), shop.provider.seller
            on_lane = sum(lane.most for lane in view.lanes if lane.index == seller.index)
            room = on_lane - sum(each.price for each in self.bought.of(shop.address))
            self.bought.refusal = Refusal(shop.price.cost(most), room, await allowance(self._consumer), error)

    async def _buy(self, job: int, *, compare: bool) -> Delivery:
        wanted = order(self._plan, job, self._shopping.max_units)
        delivery = await buy(self._http, [shop.url for shop in self._shops], wanted, verify=int(compare))
        for each in delivery.bill.attempts:
            if each.error is None and each.device is not None:
                use = Use.RESULT if each.purpose is Purpose.RESULT else Use.COMPARE
                self.bought.purchases.append(Purchase(job, each.device, use, each.units, each.price))
        return delivery

    async def _ask_again(self, job: int, shop: Shop, instead: Delivery) -> None:
        """Ask a device that went down, and is back, for an answer that was replaced by another device's."""
        charged = sum(each.price for each in self.bought.of(shop.address))
        broken, error = shop.broken, instead.bill.attempts[0].error
        await shop.close()
        await shop.open()
        again = await buy(self._http, [shop.url], order(self._plan, job, self._shopping.max_units))
        receipt = again.bought.receipt
        self.bought.purchases.append(Purchase(job, shop.address, Use.RETRY, receipt.units, receipt.price))
        self.bought.fail_over = FailOver(
            job=job,
            device=shop.address,
            successor=instead.bought.receipt.device,
            error=error or "",
            broken=broken or BrokenAnswer(0, 0),
            charged=(charged, receipt.charged.amount),
            price=receipt.price,
            repeated=again.bought.repeated,
            same=again.response.content == instead.response.content,
        )


async def allowance(agent: Consumer) -> int:
    """Base units that an agent may still set aside."""
    [left] = [each.allowance for each in (await agent.spending()).delegates if each.key == agent.key.pubkey()]
    return left


async def buy_own(consumer: Consumer, shop: Shop, plan: JobPlan, shopping: Shopping, purse: Path) -> Purchase:
    """Have a device's owner buy the plan's first job from its own device."""
    async with paying(consumer, purse, shop.price.cost(shopping.max_units), 1) as http:
        receipt = (await buy(http, [shop.url], order(plan, 0, shopping.max_units))).bought.receipt
    return Purchase(0, shop.address, Use.OWN, receipt.units, receipt.price)
