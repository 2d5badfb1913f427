"""Clients that do the same at the same time on a real node: done once, paid once, and each learns what became of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TypeVar

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.faulty_site import FEE, RECEIPT_FEE, Site
from support.fleet import SOL
from worktab.chain.sending import Sender
from worktab.localnet import Localnet
from worktab.roles.claiming import ClaimOutcome
from worktab.roles.device import SubmitOutcome

AT_ONCE = 10
"""Calls of each client that are on their way together."""

_Result = TypeVar("_Result")


@pytest.fixture
async def site(worktab_localnet: Localnet) -> AsyncIterator[Site]:
    async with Site.running(worktab_localnet) as site:
        yield site


class Client:
    """A client with a sender, a journal and a connection of its own."""

    def __init__(self, site: Site, sender: Sender) -> None:
        self._site = site
        self.payer = sender.fee_payer.pubkey()
        self.journal = sender.journal
        self.device, self.crank = site.device_by(sender), site.crank_by(sender)

    @classmethod
    async def start(cls, site: Site, payer: Keypair) -> Client:
        return cls(site, await site.sender(payer))

    async def repeat(self, times: int, deed: Callable[[], Awaitable[_Result]]) -> list[_Result]:
        """Do something so many times, some of them at once."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def one() -> _Result:
            async with turns:
                return await deed()

        return await asyncio.gather(*(one() for _ in range(times)))


@pytest.fixture(params=[2, 1], ids=["own payers", "one payer"])
async def payers(request: pytest.FixtureRequest, site: Site) -> list[Keypair]:
    """Who pays for each of two clients."""
    made = [Keypair() for _ in range(request.param)]
    for payer in made:
        await site.fleet.airdrop(payer.pubkey(), SOL)
    return [made[0], made[-1]]


async def landings(site: Site, payers: list[Keypair]) -> dict[Pubkey, int]:
    """How many transactions each payer has paid for."""
    return {payer.pubkey(): (await site.books(payer.pubkey())).transactions - 1 for payer in payers}


async def test_the_same_receipt_submitted_100_times_by_two_clients_is_recorded_once(
    site: Site, payers: list[Keypair]
) -> None:
    message = await site.fleet.receipt(site.device, 3, 30)
    clients = [await Client.start(site, payer) for payer in payers]
    before = await site.books()

    both = await asyncio.gather(*(each.repeat(100, partial(each.device.submit, *message)) for each in clients))

    submissions = [submission for one in both for submission in one]
    outcomes = Counter(each.outcome for each in submissions)
    assert outcomes.total() == 200
    # Two clients with one payer may make the very same transaction: it is one to the chain, and was recorded by both.
    made = {each.confirmed.signature for each in submissions if each.confirmed}
    assert len(made) == 1
    assert 1 <= outcomes[SubmitOutcome.RECORDED] <= 3 - len(set(payers))
    assert {each.reward for each in submissions if each.confirmed} == {60}
    assert [each.journal.unsettled() for each in clients] == [[], []]
    account = await site.fleet.read(site.device.device)
    assert (account.seq, account.units, account.rewards_owed) == (3, 30, 60)
    assert await site.books() - before == {"pool_free": -60, "pool_owed": 60, "rewards": 60}
    landed = await landings(site, payers)
    assert 1 <= sum(landed.values()) <= 2 * AT_ONCE
    for payer, count in landed.items():
        assert await site.fleet.lamports(payer) == SOL - count * RECEIPT_FEE


async def test_a_race_for_every_receipt_has_one_winner_each(site: Site, payers: list[Keypair]) -> None:
    clients = [await Client.start(site, payer) for payer in payers]
    for seq in range(1, 13):
        message = await site.fleet.receipt(site.device, seq, 10 * seq)
        both = await asyncio.gather(*(each.device.submit(*message) for each in clients))
        assert len({each.confirmed.signature for each in both if each.confirmed}) == 1
        assert all(each.confirmed or each.outcome is SubmitOutcome.ALREADY_RECORDED for each in both)
        account = await site.fleet.read(site.device.device)
        assert (account.seq, account.units, account.rewards_owed) == (seq, 10 * seq, 20 * seq)
    landed = await landings(site, payers)
    assert 12 <= sum(landed.values()) <= 24
    for payer, count in landed.items():
        assert await site.fleet.lamports(payer) == SOL - count * RECEIPT_FEE


async def test_two_cranks_that_claim_50_times_pay_once(site: Site, payers: list[Keypair]) -> None:
    clients = [await Client.start(site, payer) for payer in payers]
    device = site.device.device
    await site.fleet.earn(site.device, 1, 30)
    before = await site.books()

    both = await asyncio.gather(*(each.repeat(50, partial(each.crank.claim, [device])) for each in clients))

    claims = [claim for one in both for report in one for claim in report.devices]
    outcomes = Counter(claim.outcome for claim in claims)
    assert outcomes.total() == 100
    assert set(outcomes) <= {ClaimOutcome.PAID, ClaimOutcome.NOTHING_OWED}
    assert 1 <= outcomes[ClaimOutcome.PAID] <= 3 - len(set(payers))
    assert {claim.rewards for claim in claims if claim.outcome is ClaimOutcome.PAID} == {60}
    assert await site.books() - before == {"vault": -60, "pool_owed": -60, "paid": 60}
    landed = await landings(site, payers)
    rent = await site.direct.rent_exempt(165)
    spent = sum([SOL - await site.fleet.lamports(payer) for payer in landed])
    assert spent == FEE * sum(landed.values()) + rent, "the token account is made once"
    assert 1 <= sum(landed.values()) <= 2 * AT_ONCE


async def test_two_cranks_that_race_for_every_claim_pay_each_once(site: Site, payers: list[Keypair]) -> None:
    clients = [await Client.start(site, payer) for payer in payers]
    for seq in range(1, 7):
        await site.fleet.earn(site.device, seq, 10 * seq)
        before = await site.books()
        both = await asyncio.gather(*(each.crank.claim() for each in clients))
        assert await site.books() - before == {"vault": -20, "pool_owed": -20, "paid": 20}
        paid = {report.confirmed[0].signature for report in both if report.paid}
        assert len(paid) == 1
        assert {report.paid for report in both} <= {0, 20}
