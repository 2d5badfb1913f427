"""Answers lost after a transaction landed, for every kind of transaction: it lands once, and the caller learns it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from solders.keypair import Keypair

from support.faulty_node import BlackHole, Call, Fault, FaultyNode, Forward, Reply, busy, drop, lose
from support.faulty_site import FEE, RECEIPT_FEE, Site
from support.fleet import SOL
from worktab.core.errors import ConnectionFailed
from worktab.localnet import Localnet
from worktab.roles.claiming import ClaimOutcome
from worktab.roles.device import SubmitOutcome
from worktab.roles.operator import Operator


@pytest.fixture
async def site(worktab_localnet: Localnet) -> AsyncIterator[Site]:
    async with Site.running(worktab_localnet) as site:
        yield site


def sends(*faults: Fault) -> Callable[[FaultyNode], None]:
    """Faults of the first sendings of each transaction."""

    def arrange(road: FaultyNode) -> None:
        seen: Counter[bytes] = Counter()

        def plan(call: Call) -> Fault | None:
            if call.method != "sendTransaction":
                return None
            seen[call.raw] += 1
            return faults[seen[call.raw] - 1] if seen[call.raw] <= len(faults) else None

        road.plan = plan

    return arrange


def looks(count: int) -> Callable[[FaultyNode], None]:
    """Of each transaction the first looks are lost on the way there, and as many answers that show it landed."""

    def arrange(road: FaultyNode) -> None:
        asked: Counter[str] = Counter()
        told: Counter[str] = Counter()

        async def look(call: Call, forward: Forward) -> Reply | None:
            signature = call.params[0][0]
            asked[signature] += 1
            if asked[signature] <= count:
                return None
            reply = await forward()
            if reply is not None and reply.result["value"] != [None]:
                told[signature] += 1
                return reply if told[signature] > count else None
            return reply

        road.plan = lambda call: look if call.method == "getSignatureStatuses" else None

    return arrange


def every_answer(every: int) -> Callable[[FaultyNode], None]:
    """Of every method each so-manieth answer is lost, the first among them."""

    def arrange(road: FaultyNode) -> None:
        count: Counter[str] = Counter()

        def plan(call: Call) -> Fault | None:
            count[call.method] += 1
            return lose if count[call.method] % every == 1 else None

        road.plan = plan

    return arrange


def details(road: FaultyNode) -> None:
    """Nobody ever learns what a landed transaction logged."""
    road.plan = lambda call: lose if call.method == "getTransaction" else None


LOSSES = {
    "a sending's answer": sends(lose),
    "a sending, then the answer to the next, then the next": sends(drop, lose, drop),
    "all answers to sendings": sends(*[lose] * 7),
    "looks": looks(3),
    "more looks than one answer is tried for": looks(8),
    "every other answer": every_answer(2),
    "details": details,
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_each_kind_of_transaction_lands_once(site: Site, loss: str) -> None:
    sender = await site.sender(rebroadcast=0.05)
    rent = site.direct.rent_exempt
    told = loss != "details"
    LOSSES[loss](site.road)
    before = await site.books()

    authority = Keypair()
    plan = site.fleet.plan(id=2)
    created = await Operator.of_plan(sender, plan, authority=authority).create_network(plan)
    assert (await site.direct.account(created.address)) is not None
    size = len((await site.direct.account(created.address)).data)  # type: ignore[union-attr]
    spent = 2 * FEE + await rent(size) + await rent(165)
    after = await site.books()
    assert after - before == {"payer": -spent, "transactions": 1}

    await site.fleet.mint.give(site.fleet.authority.pubkey(), 500)
    before = await site.books()
    funded = await site.operator_by(sender).fund_pool(500)
    assert (funded.amount, funded.surplus) == (500, 0 if told else None)
    after = await site.books()
    assert after - before == {
        "payer": -2 * FEE,
        "transactions": 1,
        "funder": -500,
        "vault": 500,
        "pool_free": 500,
    }

    before, key = after, Keypair()
    registered = await site.owner_by(sender).register(key, capacity=1)
    assert registered.index == 1
    size = len((await site.direct.account(registered.address)).data)  # type: ignore[union-attr]
    after = await site.books()
    assert after - before == {"payer": -3 * FEE - await rent(size), "transactions": 1, "devices": 1}

    before, message = after, await site.fleet.receipt(site.device, 3, 30)
    submitted = await site.device_by(sender).submit(*message)
    assert submitted.outcome is SubmitOutcome.RECORDED
    assert submitted.reward == (60 if told else None)
    after = await site.books()
    assert after - before == {
        "payer": -RECEIPT_FEE,
        "transactions": 1,
        "pool_free": -60,
        "pool_owed": 60,
        "rewards": 60,
    }

    before, claimed = after, await site.crank_by(sender).claim([site.device.device])
    [claim] = claimed.devices
    assert (claim.outcome, claim.rewards) == (ClaimOutcome.PAID if told else ClaimOutcome.UNKNOWN, 60)
    after = await site.books()
    assert after - before == {
        "payer": -FEE - await rent(165),
        "transactions": 1,
        "vault": -60,
        "pool_owed": -60,
        "paid": 60,
    }

    assert len(site.road.sent()) == 5, "nothing was signed twice"
    assert sender.journal.unsettled() == []
    assert sum(site.road.faults.values()) >= 5


async def test_what_vanished_in_a_black_hole_changes_nothing_when_it_comes_out(site: Site) -> None:
    hole = BlackHole()
    for method in ("simulateTransaction", "getLatestBlockhash", "sendTransaction", "getSignatureStatuses"):
        site.road.on(method, hole)
    await site.fleet.mint.give(site.fleet.authority.pubkey(), 500)
    before = await site.books()
    sender = await site.sender(chain=await site.chain(timeout=0.5))
    assert (await site.operator_by(sender).fund_pool(500)).amount == 500
    assert await hole.let_go() == 4
    assert len(site.road.sent()) == 1
    await site.direct.next_block()
    assert await site.books() - before == {
        "payer": -2 * FEE,
        "transactions": 1,
        "funder": -500,
        "vault": 500,
        "pool_free": 500,
    }


@pytest.mark.parametrize(("fault", "given"), [(lose, SOL), (drop, 0)], ids=["lost", "dropped"])
async def test_an_airdrop_is_given_once_at_most(site: Site, fault: Fault, given: int) -> None:
    chain, wallet = await site.chain(), Keypair().pubkey()
    site.road.on("requestAirdrop", fault)
    with pytest.raises(ConnectionFailed, match="See whether it was done"):
        await chain.request_airdrop(wallet, SOL)
    assert await site.fleet.lamports(wallet) == given
    if not given:
        await chain.request_airdrop(wallet, SOL)
    assert await site.fleet.lamports(wallet) == SOL


async def test_an_airdrop_refused_for_now_is_given_once(site: Site) -> None:
    chain, wallet = await site.chain(), Keypair().pubkey()
    site.road.on("requestAirdrop", busy(), busy("3"))
    await chain.request_airdrop(wallet, SOL)
    assert await site.fleet.lamports(wallet) == SOL
    assert site.pauses == [0.5, 3.0]
