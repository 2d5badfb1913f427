"""Two nodes behind one address, one of which has stopped hearing of new blocks: it is never taken at its word."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from solders.sysvar import CLOCK

from support.faulty_node import Call, Fault
from support.faulty_site import FEE, Blocks, Site
from support.jobs import record, salt
from support.lagging_node import Behind, behind
from support.node import localnet as running_localnet
from worktab.chain.sending import OutcomeUnknown, Sender
from worktab.core.errors import TransactionExpired
from worktab.localnet import Localnet
from worktab.program.generated.errors import StaleSequence
from worktab.roles.submitting import Submitter
from worktab.work.spool import Spool


@pytest.fixture(scope="module")
def localnet() -> Iterator[Localnet]:
    with running_localnet() as localnet:
        yield localnet


@pytest.fixture
async def site(localnet: Localnet) -> AsyncIterator[Site]:
    async with Site.running(localnet) as site:
        await site.fleet.mint.give(site.fleet.authority.pubkey(), 1_000)
        yield site


@pytest.fixture
async def lagging(localnet: Localnet, site: Site) -> Behind:
    """A node that stopped before the test began."""
    return await behind(localnet.rpc_url, [site.fleet.network, site.device.device, site.fleet.mint.address, CLOCK])


def pool(lagging: Behind, seed: int) -> Callable[[Call], Fault | None]:
    """Every request goes to one node or the other. Blockhashes come from the one that lives: others may be too old."""
    chance = random.Random(seed)
    return lambda call: lagging if chance.random() < 0.5 and call.method != "getLatestBlockhash" else None


@pytest.mark.parametrize("seed", range(2))
async def test_what_landed_is_never_signed_again(site: Site, lagging: Behind, seed: int) -> None:
    sender = await site.sender(rebroadcast=0.05)
    site.road.plan = pool(lagging, seed)
    before = await site.books()
    for number in range(1, 11):
        assert (await site.operator_by(sender).fund_pool(number)).amount == number
        assert await site.books() - before == {
            "payer": -2 * FEE * number,
            "transactions": number,
            "funder": -sum(range(number + 1)),
            "vault": sum(range(number + 1)),
            "pool_free": sum(range(number + 1)),
        }
    assert len(site.road.sent()) == 10
    assert sum(site.road.faults.values()) > 20


async def leaping_sender(site: Site, blocks: Blocks, **options: Any) -> Sender:
    """A sender for which half a second is a block, or the leap to just before the last that may hold what it sends."""
    blocks.leap = (await site.direct.latest_blockhash()).last_valid_block_height - 5
    return await site.sender(poll=0.5, rebroadcast=2.0, sleep=blocks.sleep, clock=blocks.clock, **options)


FUNDED = {"payer": -2 * FEE, "transactions": 1, "funder": -7, "vault": 7, "pool_free": 7}
"""What funding the pool with 7 base units changes."""


async def test_the_last_look_is_not_left_to_a_node_that_lags(site: Site, lagging: Behind) -> None:
    async with Blocks.by_hand(site.direct) as blocks:
        before, sender = await site.books(), await leaping_sender(site, blocks)
        last_looks = 0

        def plan(call: Call) -> Fault | None:
            nonlocal last_looks
            if call.method != "getSignatureStatuses":
                return None
            last_looks += call.params[1]["searchTransactionHistory"]
            return lagging if last_looks <= 3 else None

        site.road.plan = plan
        assert (await site.operator_by(sender).fund_pool(7)).amount == 7
        assert last_looks == 4
        assert site.pauses == [0.5, 1.0, 2.0]
        assert blocks.height > blocks.leap + 30, "only the last look was at a node that knows"
    assert len(site.road.sent()) == 1
    assert await site.books() - before == FUNDED


async def test_where_only_a_node_that_lags_answers_nothing_is_taken_for_expired(site: Site, lagging: Behind) -> None:
    async with Blocks.by_hand(site.direct) as blocks:
        before, sender = await site.books(), await leaping_sender(site, blocks, patience=5.0)
        site.road.plan = lambda call: lagging if call.method == "getSignatureStatuses" else None
        with pytest.raises(OutcomeUnknown, match="behind slot"):
            await site.operator_by(sender).fund_pool(7)
        [sent] = sender.journal.unsettled()
        [resumed] = await sender.resume()
        assert isinstance(resumed.error, OutcomeUnknown)
        assert sender.journal.unsettled() == [sent]
        site.road.heal()
        [resumed] = await sender.resume()
        assert resumed.confirmed is not None
        assert sender.journal.unsettled() == []
    assert await site.books() - before == FUNDED


async def test_a_blockhash_too_old_to_land_with_costs_nothing(site: Site, lagging: Behind) -> None:
    async with Blocks.by_hand(site.direct) as blocks:
        await blocks.make(160)
        before, sender = await site.books(), await site.sender(sleep=blocks.sleep, clock=blocks.clock)
        site.road.on("getLatestBlockhash", lagging)
        site.road.on("getEpochInfo", lagging, lagging)
        with pytest.raises(TransactionExpired):
            await site.operator_by(sender).fund_pool(7)
        assert await site.books() - before == {}
        assert (await site.operator_by(sender).fund_pool(7)).amount == 7
    assert await site.books() - before == FUNDED


@pytest.mark.parametrize("seed", range(2))
async def test_a_device_in_such_a_pool_records_and_is_paid_once(
    site: Site, lagging: Behind, tmp_path: Path, seed: int
) -> None:
    site.road.plan = pool(lagging, seed)
    before, rounds, told = await site.books(), 8, 0
    with Spool.open(tmp_path / "spool", device=bytes(site.device.device)) as spool:
        sender = await site.sender(journal=spool.journal, rebroadcast=0.05)
        submitter = Submitter(site.device_by(sender), spool)
        for number in range(1, rounds + 1):
            spool.append(record(number, units=10), salt(number))
            for _ in range(2):  # the second has nothing to do
                with suppress(StaleSequence):  # what one node did not know, the other refused
                    assert (await submitter.flush()).seq == number
            told += (await site.crank_by(sender).claim([site.device.device])).paid
        site.road.heal()
        assert (await submitter.flush()).seq == rounds
        await site.crank_by(sender).claim([site.device.device])
        assert spool.landed() == spool.state()
        assert spool.journal.unsettled() == []
    account = await site.fleet.read(site.device.device)
    assert (account.seq, account.units, account.rewards_owed) == (rounds, 10 * rounds, 0)
    changes, paid = await site.books() - before, 20 * rounds
    assert told <= paid, "less where a node did not show what a transaction logged"
    assert changes["transactions"] == len(site.road.sent())
    del changes["transactions"], changes["payer"]
    assert changes == {"vault": -paid, "pool_free": -paid, "rewards": paid, "paid": paid}
