"""Transactions withheld until the chain can accept them no more: proven dead before anything is signed anew.

Blocks are made by hand here: at every look of a sender one, but for a leap to just before a transaction's last.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from solders.signature import Signature

from support.faulty_node import Call, Fault, Forward, Reply, Withheld
from support.faulty_site import FEE, RECEIPT_FEE, Blocks, Site, nothing
from support.jobs import record, salt
from support.node import localnet as running_localnet
from worktab.chain.protocol import BLOCKHASH_LIFE
from worktab.chain.sending import Sender
from worktab.core.errors import ChainError, TransactionExpired
from worktab.localnet import Localnet
from worktab.roles.errors import ClaimIncomplete
from worktab.roles.submitting import Submitter
from worktab.work.spool import Spool

FINAL = 31
"""Blocks until a block of this node is final."""


@pytest.fixture(scope="module")
def localnet() -> Iterator[Localnet]:
    with running_localnet() as localnet:
        yield localnet


@pytest.fixture
async def site(localnet: Localnet) -> AsyncIterator[Site]:
    async with Site.running(localnet) as site:
        await site.fleet.earn(site.device, 1, 30)
        await site.fleet.mint.give(site.fleet.authority.pubkey(), 500)
        yield site


@pytest.fixture
async def blocks(site: Site) -> AsyncIterator[Blocks]:
    async with Blocks.by_hand(site.direct) as blocks:
        yield blocks


@pytest.fixture
async def sender(site: Site, blocks: Blocks) -> Sender:
    return await sender_at(site, blocks)


async def sender_at(site: Site, blocks: Blocks, **options: Any) -> Sender:
    """A sender for which half a second is a block, or the leap to just before the last that may hold what it sends."""
    blocks.leap = (await site.direct.latest_blockhash()).last_valid_block_height - 5
    return await site.sender(poll=0.5, rebroadcast=2.0, sleep=blocks.sleep, clock=blocks.clock, **options)


async def submit(site: Site, sender: Sender) -> None:
    message = await site.fleet.receipt(site.device, 2, 50)
    assert (await site.device_by(sender).submit(*message)).reward == 40


async def claim(site: Site, sender: Sender) -> None:
    try:
        report = await site.crank_by(sender).claim([site.device.device])
    except ClaimIncomplete as error:
        raise error.__cause__ or error from None
    assert report.paid == 60


async def fund(site: Site, sender: Sender) -> None:
    assert (await site.operator_by(sender).fund_pool(500)).amount == 500


Deed = Callable[[Site, Sender], Awaitable[None]]
DEEDS = pytest.mark.parametrize("deed", [submit, claim, fund], ids=["receipt", "claim", "fund pool"])


async def changes_of(site: Site, deed: Deed) -> dict[str, int]:
    """What a deed changes when it is done once."""
    if deed is submit:
        return {"payer": -RECEIPT_FEE, "transactions": 1, "pool_free": -40, "pool_owed": 40, "rewards": 40}
    if deed is claim:
        rent = await site.direct.rent_exempt(165)
        return {"payer": -FEE - rent, "transactions": 1, "vault": -60, "pool_owed": -60, "paid": 60}
    return {"payer": -2 * FEE, "transactions": 1, "funder": -500, "vault": 500, "pool_free": 500}


def withhold(site: Site) -> Withheld:
    """From now on nothing that is sent arrives."""
    withheld = Withheld()
    site.road.plan = lambda call: withheld if call.method == "sendTransaction" else None
    return withheld


async def deliver(site: Site, blocks: Blocks, withheld: Withheld) -> Signature:
    """What was withheld arrives, however late."""
    [raw] = withheld.raws
    with suppress(ChainError):  # the node may say that it is too late
        await site.direct.send(raw)
    await blocks.make(2)
    return withheld.calls[0].signature


@DEEDS
async def test_expiry_is_proven_and_a_late_copy_does_nothing(
    site: Site, blocks: Blocks, sender: Sender, deed: Deed
) -> None:
    before, withheld = await site.books(), withhold(site)
    last_valid = (await site.direct.latest_blockhash()).last_valid_block_height

    with pytest.raises(TransactionExpired, match="safe to build and sign it again"):
        await deed(site, sender)

    assert (await site.direct.final_tip()).block_height == last_valid + 1, "no sooner, no later"
    *looks, last_look = site.road.called("getSignatureStatuses")
    assert [last_look.params[1]["searchTransactionHistory"]] == [True]
    assert {look.params[1]["searchTransactionHistory"] for look in looks} == {False}
    assert len(withheld.raws) == 1, "the same bytes all the time"
    assert len(withheld.calls) > 8, "and sent again and again"
    signature = await deliver(site, blocks, withheld)
    assert await site.direct.statuses([signature], search_history=True) == [None]
    assert await site.books() - before == {}

    site.road.heal()
    await deed(site, sender)
    assert await deliver(site, blocks, withheld) == signature
    assert await site.direct.statuses([signature], search_history=True) == [None]
    assert await site.books() - before == await changes_of(site, deed)


@DEEDS
@pytest.mark.parametrize("late", [0, 1], ids=["in the last block", "a block too late"])
async def test_what_lands_unseen_in_the_last_block_is_found(
    site: Site, blocks: Blocks, sender: Sender, deed: Deed, late: int
) -> None:
    before, withheld = await site.books(), Withheld()
    last_valid = (await site.direct.latest_blockhash()).last_valid_block_height
    faults: dict[str, Fault] = {"sendTransaction": withheld, "getSignatureStatuses": unseen}
    site.road.plan = lambda call: faults.get(call.method)

    async def arrive() -> None:
        if blocks.height == last_valid - 1 + late:
            await deliver(site, blocks, withheld)

    blocks.between = arrive
    if late:
        with pytest.raises(TransactionExpired):
            await deed(site, sender)
        assert await site.books() - before == {}
        return
    await deed(site, sender)

    assert site.road.called("getSignatureStatuses")[-1].params[1]["searchTransactionHistory"] is True
    [signature] = site.road.sent()
    [status] = await site.direct.statuses([signature], search_history=True)
    assert status is not None
    assert await blocks.height_of(status.slot) == last_valid
    assert await site.books() - before == await changes_of(site, deed)


async def unseen(call: Call, forward: Forward) -> Reply | None:
    """A node that keeps no recent statuses: only a search of its history finds anything."""
    reply = await forward()
    if reply is None or call.params[1]["searchTransactionHistory"]:
        return reply
    return call.reply(reply.result | {"value": [None]})


@DEEDS
async def test_after_a_restart_long_past_its_life_a_lost_transaction_is_proven_dead(
    site: Site, blocks: Blocks, deed: Deed
) -> None:
    class Killed(BaseException):
        pass

    async def die() -> None:
        if len(withheld.calls) == 2:
            raise Killed

    before, withheld = await site.books(), withhold(site)
    sender = await sender_at(site, blocks)
    blocks.between = die
    with pytest.raises(Killed):
        await deed(site, sender)
    [sent] = sender.journal.unsettled()
    blocks.between = nothing
    await blocks.make(2 * BLOCKHASH_LIFE + FINAL)

    [resumed] = await (await sender_at(site, blocks, journal=sender.journal)).resume()

    assert isinstance(resumed.error, TransactionExpired)
    assert resumed.sent == sent
    await deliver(site, blocks, withheld)
    assert await site.books() - before == {}
    site.road.heal()
    await deed(site, sender)
    await deliver(site, blocks, withheld)
    assert await site.books() - before == await changes_of(site, deed)


async def test_a_flush_that_expired_is_made_good_by_the_next(localnet: Localnet, tmp_path: Path) -> None:
    async with Site.running(localnet) as site, Blocks.by_hand(site.direct) as blocks:
        before = await site.books()
        with Spool.open(tmp_path / "spool", device=bytes(site.device.device)) as spool:
            copies: list[Withheld] = []
            for number in range(1, 4):
                spool.append(record(number, units=30), salt(number))
                copies.append(withhold(site))
                sender = await sender_at(site, blocks, journal=spool.journal)
                submitter = Submitter(site.device_by(sender), spool)
                with pytest.raises(TransactionExpired):
                    await submitter.flush()
                assert spool.journal.outcome(str(copies[-1].calls[0].signature)) == "expired"
            site.road.heal()

            flushed = await submitter.flush()

            assert (flushed.seq, flushed.reward) == (3, 180)
            for withheld in copies:
                await deliver(site, blocks, withheld)
            assert spool.landed() == spool.state()
        account = await site.fleet.read(site.device.device)
        assert (account.seq, account.units, account.rewards_owed) == (3, 90, 180)
        assert await site.books() - before == {
            "payer": -RECEIPT_FEE,
            "transactions": 1,
            "pool_free": -180,
            "pool_owed": 180,
            "rewards": 180,
        }
