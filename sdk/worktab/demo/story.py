"""The demo from an empty chain to paid owners."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from solders.keypair import Keypair

from worktab.agent.app import JobLimits
from worktab.core.money import reward
from worktab.core.records import Meter
from worktab.demo.buying import Agent, allowance, buy_own, hire, open_tab, paying
from worktab.demo.devices import Shop, three_parties
from worktab.demo.digits import decode_output
from worktab.demo.getting_paid import Claimed, Settled, bill, claim, settle_and_submit
from worktab.demo.jobs import JobPlan, count_correct
from worktab.demo.purchases import Purchase
from worktab.demo.report import AgentReport, Checked, DeviceReport, Report, Shown
from worktab.demo.shopping import LIMIT, Shopping, shopping
from worktab.demo.stage import BURN_BPS, DECIMALS, FEE_BPS, Stage
from worktab.roles.stats import device_stats
from worktab.roles.terms import WorkClass
from worktab.work.history import Entry
from worktab.work.verify import everything, one_in, verify
from worktab.work.wasm import VERIFIER_STACK, WasmRuntime

RATE: Final = 1_000_000
"""Reward in base units for 1,000,000 work units."""

DEPOSIT: Final = 2 * LIMIT
"""Base units in the consumer's tab: what its agent may spend, and as much for itself."""

_SPARE: Final = 2
"""Each device offers this many times the capacity that all jobs will need."""

_SAMPLE: Final = 4
"""One record in so many is executed again, and every one where there are few."""

_FEW: Final = 48


async def run_demo(plan: JobPlan, folder: Path, *, on_job: Callable[[], None] = lambda: None) -> Report:
    """Let an agent buy jobs from three devices within its limit; let them get paid, and check it all.

    The cheapest device goes down in the middle of an answer, and later does a job that nobody buys; the second one's
    owner buys from its own device; the third does a job on account, for which an invoice is paid.

    `folder` takes the devices' spools and books and the buyers' purses; `on_job` is called after each job. Raises
    `WasmJobError` if the job fails, and what selling, buying and the roles raise.
    """
    began = time.perf_counter()
    wanted = shopping(plan)
    async with _three_shops(plan, wanted, folder) as (stage, shops):
        first, second, third = shops
        setup = await stage.spent()

        consumer = await open_tab(stage, Keypair(), DEPOSIT)
        hired = await hire(stage, consumer)
        async with paying(hired, folder / "agent", DEPOSIT, wanted.requests) as http:
            agent = Agent(http, hired, plan, wanted, shops)
            bought_cpu_ns = -time.process_time_ns()
            await agent.buy_all(on_job)
            bought_cpu_ns += time.process_time_ns()
            await agent.ask_for_everything()
        most = second.price.cost(wanted.max_units)
        own = await buy_own(await open_tab(stage, second.party.owner, most), second, plan, wanted, folder / "owner")
        first.work(plan.module, plan.inputs[0])
        on_account = third.work(plan.module, plan.inputs[0])
        left, buying = await allowance(hired), await stage.spent()

        settled = [await settle_and_submit(stage, shop) for shop in shops]
        invoice = await bill(stage, third, on_account, consumer)
        before = await stage.operator.ledger()
        claimed = [await claim(stage, shop) for shop in shops]
        paid = await stage.spent()

        purchases = [*agent.bought.purchases, own]
        devices = [await _report(stage, *each, purchases) for each in zip(shops, settled, claimed, strict=True)]
        outputs = agent.bought.outputs
        return Report(
            jobs=wanted.jobs,
            images=None if plan.images is None else sum(map(len, plan.images)),
            correct=None if plan.images is None else sum(map(count_correct, plan.images, outputs)),
            shown=None if plan.images is None else Shown(plan.images[0][0], decode_output(outputs[0])[0].digit),
            decimals=DECIMALS,
            rate=RATE,
            fee_bps=FEE_BPS,
            burn_bps=BURN_BPS,
            devices=tuple(devices),
            agent=AgentReport(str(hired.key.pubkey()), LIMIT, left, agent.bought.refusal),
            fail_over=agent.bought.fail_over,
            invoice=invoice,
            deposited=DEPOSIT + most,
            minted=stage.minted,
            supply=await stage.supply(),
            checked=await _check(stage, shops, bought_cpu_ns),
            before=before,
            after=await stage.operator.ledger(),
            setup=setup,
            buying=buying,
            paying=paid,
            seconds=time.perf_counter() - began,
        )


@asynccontextmanager
async def _three_shops(plan: JobPlan, wanted: Shopping, folder: Path) -> AsyncIterator[tuple[Stage, list[Shop]]]:
    """A network with three devices of different owners, which sell until the block ends; the cheapest is first."""
    parties = three_parties()
    stage = Stage([party.pays for party in parties if party.pays])
    capacity = _SPARE * wanted.fuel * wanted.jobs
    budget, _ = reward(0, len(parties) * capacity, RATE)
    await stage.create_network(WorkClass(rate=RATE, max_capacity=capacity, budget=budget, meter=Meter.WASM_FUEL))
    for party in parties:
        await stage.register(party.key, party.owner, capacity)
    await stage.pass_an_epoch()  # capacity counts from the epoch after a registration
    largest = max(map(len, plan.inputs))
    limits = JobLimits(default_units=wanted.max_units, max_units=wanted.everything, input_limit=largest)
    shops: list[Shop] = []
    try:
        for party, price in zip(parties, wanted.prices, strict=True):
            shop = Shop(stage, party, folder, price, limits)
            await shop.open()
            shops.append(shop)
        yield stage, shops
    finally:
        for shop in shops:
            await shop.close()


async def _check(stage: Stage, shops: Sequence[Shop], bought_cpu_ns: int) -> Checked:
    """Execute a sample of all records again: each device's first, and others drawn by a blockhash from after them."""
    records = sum(shop.spool.state().seq for shop in shops)
    seed = bytes((await stage.chain.latest_blockhash()).hash)
    drawn = everything if records < _FEW else one_in(_SAMPLE, seed)
    runtime = WasmRuntime(stack_bytes=VERIFIER_STACK)

    def sample(entry: Entry) -> bool:
        return entry.seq == 1 or drawn(entry)

    found = [verify(shop.spool.entries(), shop.blobs, runtime, sample=sample) for shop in shops]
    return Checked(
        records=records,
        executed=sum(each.executed for each in found),
        differing=sum(len(each.differing) for each in found),
        cpu_ns=sum(each.cpu_ns for each in found),
        work_cpu_ns=(
            sum(each.execution_cpu_ns for each in found)
            * sum(each.wasm_units for each in found)
            // sum(each.executed_units for each in found)
        ),
        bought_cpu_ns=bought_cpu_ns,
    )


async def _report(
    stage: Stage, shop: Shop, settled: Settled, claimed: Claimed, purchases: Sequence[Purchase]
) -> DeviceReport:
    view, state = await shop.device.view(), shop.spool.state()
    held = view.device
    paid = [entry.record.amount for entry in shop.spool.entries() if any(entry.record.tab)]
    return DeviceReport(
        name=shop.party.name,
        relayed=shop.party.pays is None,
        price=shop.price.rate,
        bought=tuple(each for each in purchases if each.device == shop.address),
        records=(len(paid), sum(paid)),
        stats=device_stats(shop.address, held, view.network, await stage.chain.unix_time()),
        recorded=(held.seq, held.units, held.head) == (state.seq, state.units, state.head),
        settled=settled,
        claimed=claimed,
        wallet=await stage.tokens(shop.party.owner.pubkey()),
    )
