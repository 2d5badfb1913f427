"""A real node that is overloaded: whole lives go through, nothing is done twice, pauses are as long as asked for."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from solders.keypair import Keypair

from support.faulty_node import Call, Fault, busy, overloaded
from support.faulty_site import RECEIPT_FEE, Site
from support.fleet import SOL
from support.jobs import record, salt
from worktab.chain.sending import OutcomeUnknown
from worktab.chain.tokens import read_token_account
from worktab.core.contexts import receipt_context
from worktab.core.errors import ConnectionFailed
from worktab.core.messages import Message
from worktab.localnet import Localnet
from worktab.roles.claiming import ClaimOutcome, Crank
from worktab.roles.device import Device
from worktab.roles.submitting import Submitter
from worktab.testing.networks import Network, devices_of, plan_for
from worktab.testing.tokens import Mint
from worktab.work.spool import Spool


@pytest.fixture
async def site(worktab_localnet: Localnet) -> AsyncIterator[Site]:
    async with Site.running(worktab_localnet) as site:
        yield site


Plan = Callable[[Call], Fault | None]


def every(nth: int, fault: Fault) -> Plan:
    """Each so-manieth request, whatever it asks for."""
    number = itertools.count(1)
    return lambda call: None if next(number) % nth else fault


def bursts(length: int, fault: Fault) -> Plan:
    """So many requests in a row, then as many and two more are answered."""
    number = itertools.count()
    return lambda call: fault if next(number) % (2 * length + 2) < length else None


def after(calm: int, fault: Fault) -> Plan:
    """All requests but the first."""
    number = itertools.count()
    return lambda call: None if next(number) < calm else fault


def by_chance(seed: int) -> Plan:
    """Four in ten, of one kind or the other, but no more than five in a row."""
    chance, row = random.Random(seed), itertools.count()

    def plan(call: Call) -> Fault | None:
        nonlocal row
        if chance.random() < 0.4 and next(row) < 5:
            return chance.choice([busy(), overloaded, busy("2")])
        row = itertools.count()
        return None

    return plan


STORMS: dict[str, tuple[Callable[[], Plan], list[float]]] = {
    "every second": (lambda: every(2, busy()), [0.5]),
    "every third, for 7 seconds": (lambda: every(3, busy("7")), [7.0]),
    "bursts": (lambda: bursts(5, busy()), [0.5, 1.0, 2.0, 4.0, 8.0]),
    "bursts, for 7 seconds": (lambda: bursts(5, busy("7")), [7.0, 7.0, 7.0, 7.0, 8.0]),
    "bursts of 503": (lambda: bursts(5, overloaded), [0.5, 1.0, 2.0, 4.0, 8.0]),
}
"""Storms, and the pauses that they ask for again and again."""


@pytest.mark.parametrize("storm", STORMS)
async def test_a_whole_life_goes_through_a_storm(site: Site, storm: str) -> None:
    plan, pauses = STORMS[storm]
    site.road.plan = plan()
    await live(site)
    faults = sum(site.road.faults.values())
    assert faults > 30
    rounds = -(-faults // len(pauses))
    assert site.pauses == (pauses * rounds)[:faults], "one for each answer that did not come, as long as was asked for"


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_whole_life_goes_through_any_weather(site: Site, seed: int) -> None:
    site.road.plan = by_chance(seed)
    await live(site)
    assert len(site.pauses) == sum(site.road.faults.values()) > 30


async def live(site: Site) -> None:
    """A token, a network, two devices, their receipts and their pay, all of it over the road."""
    wallet, owner = Keypair(), Keypair()
    await site.direct.request_airdrop(wallet.pubkey(), SOL)
    sender = await site.sender(wallet)
    mint = await Mint.create(sender)
    network = await Network.create(mint, plan_for(mint), funds=1_000)
    devices = await devices_of(network, network.owner(owner))(2)
    await site.fleet.clock.pass_epoch(network.address)
    for device, seq in itertools.product(devices, (1, 2)):
        assert (await device.submit(*await receipt(device, seq, 20 * seq))).reward == 40
    crank = Crank(sender, network.address)
    for outcome, paid in ((ClaimOutcome.PAID, 160), (ClaimOutcome.NOTHING_OWED, 0)):
        report = await crank.claim()
        assert [each.outcome for each in report.devices] == [outcome] * 2
        assert report.paid == paid

    signed, landed = site.road.sent(), await site.direct.history(wallet.pubkey())
    assert len(signed) == 11, "nothing was signed twice"
    assert [each.failed for each in landed if each.signature in signed] == [False] * 11
    held = await read_token_account(site.direct, mint.account_of(owner.pubkey()))
    assert held is not None
    assert held.amount == 160
    assert (await network.operator.ledger()).holds


async def receipt(device: Device, seq: int, units: int) -> tuple[Message, bytes]:
    """A receipt of a device with its signature."""
    view = await device.view()
    context = receipt_context(view.network.domain, view.address, view.device.index)
    message = Message.receipt(context, seq, units, view.now, b"h" * 32)
    return message, device.signer.sign(message.encode())


async def test_a_storm_that_breaks_out_at_any_request_of_a_flush_loses_nothing(site: Site, tmp_path: Path) -> None:
    kinds: set[type[ConnectionFailed]] = set()
    with Spool.open(tmp_path / "spool", device=bytes(site.device.device)) as spool:
        sender = await site.sender(journal=spool.journal, patience=0.0)
        submitter, before = Submitter(site.device_by(sender), spool), await site.books()
        for flushes in itertools.count(1):
            spool.append(record(flushes, units=10), salt(flushes))
            site.road.plan = after(flushes, busy())
            try:
                flushed = await submitter.flush()
            except ConnectionFailed as error:
                kinds.add(type(error))
                site.road.heal()
                flushed = await submitter.flush()
            else:
                break  # it broke out too late to be felt
            finally:
                site.road.heal()
            assert flushed.seq == flushes
    assert flushes > 5
    assert kinds == {ConnectionFailed, OutcomeUnknown}
    assert await site.books() - before == {
        "payer": -flushes * RECEIPT_FEE,
        "transactions": flushes,
        "pool_free": -flushes * 20,
        "pool_owed": flushes * 20,
        "rewards": flushes * 20,
    }
    account = await site.fleet.read(site.device.device)
    assert (account.seq, account.units) == (flushes, flushes * 10)


async def test_a_pause_too_long_to_wait_for_is_left_to_the_caller(site: Site) -> None:
    device = site.device_by(await site.sender())
    site.road.on("getMultipleAccounts", busy("21"))
    with pytest.raises(ConnectionFailed, match="HTTP 429"):
        await device.view()
    assert site.pauses == []
    assert (await device.view()).device.seq == 0
