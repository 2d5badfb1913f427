"""A device's program killed at any step of a flush to a real node goes on from its journal when it starts again."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from solders.keypair import Keypair

from support.faulty_node import Call, FaultyNode, Forward, Reply, first, then
from support.faulty_site import RECEIPT_FEE, Site
from support.flush_victim import Order
from support.node import localnet as running_localnet
from worktab.localnet import Localnet
from worktab.work.spool import Spool

TESTS = Path(__file__).parents[1]
JOBS = 30
"""Jobs that each start of the program adds."""

Kill = Callable[[], Awaitable[None]]


@pytest.fixture(scope="module")
def localnet() -> Iterator[Localnet]:
    # Slow blocks: what one program left behind must still be good when the next one has started.
    with running_localnet(slot_time=200) as localnet:
        yield localnet


def at(method: str, when: Callable[[Kill], object]) -> Callable[[FaultyNode, Kill], None]:
    """The program dies at the first request of a method."""
    return lambda road, kill: road.on(method, when(kill))  # type: ignore[arg-type]


def when_it_landed(road: FaultyNode, kill: Kill) -> None:
    """The program dies when it would hear that its transaction has landed."""

    async def look(call: Call, forward: Forward) -> Reply | None:
        reply = await forward()
        if reply is not None and reply.result["value"] != [None]:
            await kill()
        return reply

    road.plan = lambda call: look if call.method == "getSignatureStatuses" else None


MOMENTS = {
    "before it looks": at("getMultipleAccounts", first),
    "before it is signed": at("getLatestBlockhash", then),
    "before it is sent": at("sendTransaction", first),
    "before it is sent, again": at("sendTransaction", first),
    "when it was sent": at("sendTransaction", then),
    "when it landed": when_it_landed,
    "before the spool marks it": at("getTransaction", first),
    "when all is known": at("getTransaction", then),
}
"""When each program in turn is killed."""


async def test_a_program_killed_again_and_again_brings_every_job_to_the_chain_once(
    localnet: Localnet, tmp_path: Path
) -> None:
    signer = Keypair()
    async with Site.running(localnet, signer=signer) as site:
        before, payer = await site.books(), site.fleet.payer

        def order(start: int) -> Order:
            return Order(
                spool=str(tmp_path / "spool"),
                url=site.road.url,
                network=str(site.fleet.network),
                device=str(site.device.device),
                signer=str(signer),
                payer=str(payer),
                first=start * JOBS + 1,
                last=(start + 1) * JOBS,
            )

        for start, moment in enumerate(MOMENTS.values()):
            async with started(order(start)) as victim:

                async def kill(victim: asyncio.subprocess.Process = victim) -> None:
                    victim.kill()
                    await victim.wait()

                moment(site.road, kill)
                assert await victim.communicate() == (b"", b"")
                assert victim.returncode == -signal.SIGKILL
            site.road.heal()
            account = await site.fleet.read(site.device.device)
            assert account.rewards_owed == 20 * account.seq, "ten units a job, two base units each"
        async with started(order(len(MOMENTS))) as survivor:
            said, complained = await survivor.communicate()
        assert (survivor.returncode, complained) == (0, b"")

        jobs = (len(MOMENTS) + 1) * JOBS
        assert int(said) == jobs
        with Spool.open(tmp_path / "spool", device=bytes(site.device.device)) as spool:
            account, state = await site.fleet.read(site.device.device), spool.state()
            assert (account.seq, account.units, account.head) == (state.seq, state.units, state.head)
            assert (state.seq, state.units) == (jobs, 10 * jobs)
            assert spool.landed() == state
            assert spool.journal.unsettled() == []
            assert {spool.journal.outcome(str(signature)) for signature in site.road.sent()} == {"confirmed"}
        receipts = len(site.road.sent())
        assert await site.books() - before == {
            "payer": -receipts * RECEIPT_FEE,
            "transactions": receipts,
            "pool_free": -20 * jobs,
            "pool_owed": 20 * jobs,
            "rewards": 20 * jobs,
        }


@asynccontextmanager
async def started(order: Order) -> AsyncIterator[asyncio.subprocess.Process]:
    """A device's program, which does not outlive the block."""
    command = [sys.executable, "-m", "support.flush_victim", json.dumps(asdict(order))]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, cwd=TESTS)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
