"""Events are enough to rebuild a network's ledger and statistics (PROTOCOL section 6): bonds, what SLAs hold, deposits
of disputes, tabs with what penalties and disputes brought them, and every total.

Random histories of sales, rewards and roots do the same in `test_ledger_property.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.books_checks import Audit
from support.changes import change
from support.invoices import Desk
from support.parties import DELAY, Device, Tab
from support.trust import AGREES, DIFFERS
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, UNBONDING, Court, TrustWorld, court_of
from support.world import World


class Audited(TrustWorld):
    """A world that audits its first network after every transaction that `send` sends."""

    audit: Audit | None = None

    def check_ledger(self) -> None:
        super().check_ledger()
        if self.audit is not None:
            self.audit.check()


@pytest.fixture
def court() -> Iterator[Court]:
    world = Audited()
    court = court_of(world, fee_bps=100, burn_bps=50, parameter_delay=DELAY)
    world.audit = Audit(world, court.network)
    yield court
    assert world.audit.books.totals.accounted == world.read_network(court.network).accounted


def told(court: Court) -> Audit:
    world = court.world
    assert isinstance(world, Audited)
    assert world.audit is not None
    world.audit.check()
    return world.audit


def working(court: Court, tab: Tab | None = None, bond: int = 1_000) -> tuple[Device, Records]:
    """A bonded device whose newest receipt covers two records, both owed by a tab, for which 20 base units are owed."""
    world, device = court.world, court.device(bond)
    world.next_epoch(court.network)
    records = Records()
    for _ in range(2):
        records.add(tab, 70)
    court.must(world.receipt(device, 2, records.units, head=records.head))
    return device, records


def test_bonds(court: Court) -> None:
    world, device = court.world, court.device(1_000)
    book = told(court).books.devices[device.address]
    assert (book.bond, book.leaving) == (1_000, 0)
    court.must(world.withdraw_bond(device, 700))
    court.must(world.withdraw_bond(device, 300))
    assert (book.bond, book.leaving) == (1_000, 300)
    world.advance(UNBONDING)
    court.must(world.withdraw_bond(device))
    assert (book.bond, book.leaving) == (700, 0)
    court.must(world.withdraw_bond(device, 700))
    court.must(world.withdraw_bond(device, 0))
    assert (book.bond, book.leaving) == (700, 0)


@pytest.mark.parametrize(
    ("delivered", "upheld", "penalty", "kept", "missed"),
    [(800, None, 0, 1, 0), (500, None, 150, 0, 1), (500, True, 150, 0, 1), (500, False, 0, 0, 0)],
)
def test_slas(court: Court, delivered: int, upheld: bool | None, penalty: int, kept: int, missed: int) -> None:
    world, device = court.world, court.device(1_000)
    lane = court.lane(device)
    sla = world.sla(lane, 800, 5_000)
    book = told(court).books.devices[device.address]
    tab = told(court).books.tabs[lane.tab.address]
    assert (book.held, book.open_slas) == (400, 1)
    court.must(world.voucher(lane, delivered))
    world.now = sla.deadline
    if upheld is not None:
        court.must(world.contest_sla(sla))
        court.decide(sla, upheld)
    else:
        world.advance(CHALLENGE)
    before = tab.balance
    court.must(world.enforce_sla(sla))
    assert (book.held, book.open_slas, book.kept, book.missed) == (0, 0, kept, missed)
    assert (book.bond, tab.balance) == (1_000 - penalty, before + penalty)


def test_a_guilty_device(court: Court) -> None:
    world = court.world
    consumer, challenger = world.tab(court.network, 500), world.tab(court.network, 500)
    device, records = working(court, consumer)
    court.must(world.withdraw_bond(device, 900))
    books = told(court).books
    assert books.totals.pool_owed == 20
    court.convict(device, challenger, records.entries[0], records)
    book = told(court).books.devices[device.address]
    # Half of the bond: the consumer gets its 70, the challenger its 100 and as much again, the pool the rest.
    assert (book.bond, book.leaving, book.rewards_owed, book.lifetime_rewards) == (500, 500, 0, 0)
    assert books.tabs[consumer.address].balance == 570
    assert books.tabs[challenger.address].balance == 600
    assert (books.totals.slashed, books.totals.guilty, books.totals.pool_owed) == (500, 1, 0)
    assert not books.disputes


def test_a_device_that_is_not_guilty_and_a_dispute_that_nobody_decides(court: Court) -> None:
    world, challenger = court.world, court.world.tab(court.network, 500)
    device, records = working(court)
    disputes = [world.dispute(device, challenger, records, entry) for entry in records.entries]
    books = told(court).books
    assert (len(books.disputes), books.devices[device.address].open_disputes) == (2, 2)
    assert books.tabs[challenger.address].balance == 300
    court.vote(disputes[0], AGREES)
    court.must(world.resolve_dispute(disputes[0]))
    world.advance(CHALLENGE)
    court.must(world.resolve_dispute(disputes[1]))
    assert books.devices[device.address].bond == 1_000 + 100 + 10
    assert books.tabs[challenger.address].balance == 390
    assert (books.totals.guilty, books.totals.not_guilty, books.totals.slashed) == (0, 1, 0)


@pytest.mark.parametrize("finding", [DIFFERS, AGREES, None])
@pytest.mark.parametrize("shown", [True, False])
def test_tabs_that_closed_meanwhile(court: Court, finding: int | None, shown: bool) -> None:
    world = court.world
    consumer, challenger = world.tab(court.network, 0), world.tab(court.network, 100)
    device, records = working(court, consumer)
    dispute = world.dispute(device, challenger, records, records.entries[0])
    Desk(world).next_slot(2)
    for tab in (consumer, challenger):
        court.must(world.close_tab(tab))
    books, before = told(court).books, told(court).books.totals.pool_free
    if finding is not None:
        court.vote(dispute, finding)
    world.advance(2 * CHALLENGE)  # until then a guilty one needs the record shown
    court.must(world.resolve_dispute(dispute, shown=records.entries[0] if shown else None))
    told(court)
    # What the challenger would get, and the consumer, is the pool's; and so are the rewards of a guilty device.
    gained = {DIFFERS: 100 + 500 + 20, AGREES: 0, None: 90}[finding]
    assert books.totals.pool_free == before + gained
    assert books.devices[device.address].bond == {DIFFERS: 500, AGREES: 1_100, None: 1_010}[finding]


def test_a_challenger_that_came_back(court: Court) -> None:
    world, challenger = court.world, court.world.tab(court.network, 100)
    device, records = working(court)
    dispute = world.dispute(device, challenger, records, records.entries[0])
    Desk(world).next_slot(2)
    court.must(world.close_tab(challenger))
    court.must(world.open_tab(challenger))
    world.advance(CHALLENGE)
    court.must(world.resolve_dispute(dispute))
    told(court)
    assert told(court).books.tabs[challenger.address].balance == 90


def test_the_pool_is_taken_back_and_fees_are_counted(court: Court) -> None:
    world, device = court.world, court.device()
    lane = court.lane(device, 1_000)
    court.must(world.voucher(lane, 1_000))
    desk = Desk(world)
    assert desk.claim(device).ok
    totals = told(court).books.totals
    assert (totals.fees_taken, totals.burned, totals.fees, totals.revenue) == (10, 5, 10, 1_000)
    account = court.network.mint.open(court.network.authority.pubkey())
    court.must(desk.collect(court.network, account))
    assert (totals.fees_taken, totals.fees) == (10, 0)
    court.must(world.propose(court.network, change(11, 400, key=account)))
    world.advance(DELAY)
    before = totals.pool_free
    court.must(world.withdraw_pool(court.network, account))
    assert totals.pool_free == before - 400


def test_invoices_and_owners_who_buy_from_themselves(court: Court) -> None:
    world, device = court.world, court.device()
    desk, tab = Desk(world), world.tab(court.network, 1_000, consumer=device.owner)
    invoice = desk.sell(device, tab, 300, 30)
    court.must(desk.refund(invoice, tab, 100))
    sales = told(court).books.devices[device.address].sales
    assert (sales.earnings, sales.units, sales.own_units) == (200, 20, 20)
    assert desk.claim(device).ok
    assert told(court).books.totals.units_self_sold == 20


def test_what_another_network_does_is_not_booked(court: Court) -> None:
    books, before = told(court).books, len(told(court).books.devices)
    world: World = court.world
    other = court_of(world)
    other.device()
    other.lane(other.device())
    told(court)
    assert (len(books.devices), len(books.tabs)) == (before, 0)
