"""Every date that the IDL lets a caller choose, at each edge of its range and around the clock, by clocks at theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from support.edges_case import Case
from support.edges_idl import number_arguments
from support.edges_life import TIME_BEGINS, TIME_ENDS
from support.edges_trust import Trust
from support.invoices import Desk
from support.svm import START
from support.world import World

YEAR, CHALLENGE = 31_536_000, 600
CLOCKS: Final = (TIME_BEGINS, -1, 0, START, TIME_ENDS - YEAR - 2 * CHALLENGE, TIME_ENDS - YEAR, TIME_ENDS)
FIXED: Final = {TIME_BEGINS, -1, 0, 1, (1 << 32) - 1, 1 << 32, TIME_ENDS}
AROUND: Final = (-1, 0, 1, YEAR, YEAR + 1)
"""Seconds from the clock."""


def invoice_due(world: World, due: int) -> Case:
    """A date is nothing but said: any that is not before Unix time."""
    desk, device = Desk(world), world.device(world.network(fund=0))
    invoice = desk.plan(device, world.keypair().pubkey(), 1, due=due)
    if due < 0:
        return Case(desk.create(invoice), "InvalidParameter")
    return Case(desk.create(invoice), read=lambda: desk.read(invoice).due, wanted=due)


def delegate_expiry(world: World, expires_at: int) -> Case:
    """0 is never; any other must be ahead of the clock."""
    tab = world.tab(world.network(fund=0))
    terms = world.delegate_terms(world.keypair(), expires_at=expires_at)
    error = "" if expires_at == 0 or expires_at > world.now else "InvalidParameter"
    return Case(world.set_delegate(tab, 1, terms), error, lambda: world.slot_of(tab).expires_at, expires_at)


def sla_deadline(world: World, deadline: int) -> Case:
    """Ahead of the clock, by a year at most; the dates that follow from it must be before the end of time."""
    network = world.network(fund=0, attestors=(world.keypair().pubkey(),), threshold=1)
    device, trust = world.device(network), Trust(world)
    lane = world.lane(world.tab(network, 10), device, 10)
    late = world.now + YEAR > TIME_ENDS
    if deadline <= world.now:
        error = "InvalidParameter"
    elif late:
        error = "Overflow"
    elif deadline > world.now + YEAR:
        error = "InvalidParameter"
    else:
        error = "Overflow" if deadline + 2 * CHALLENGE > TIME_ENDS else ""

    def read() -> object:
        sla = trust.read_sla(lane)
        return sla.start, sla.deadline, sla.contest_until, sla.decide_until

    wanted = (world.now, deadline, deadline + CHALLENGE, deadline + 2 * CHALLENGE)
    return Case(trust.promise(lane, 10, 0, deadline), error, read, wanted)


DATES: Final[dict[str, Callable[[World, int], Case]]] = {
    "create_invoice.terms.due": invoice_due,
    "set_delegate.terms.expires_at": delegate_expiry,
    "open_sla.terms.deadline": sla_deadline,
}


def test_no_date_of_the_interface_escapes() -> None:
    assert set(DATES) == number_arguments("i64")


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("path", DATES)
def test_a_date_at_an_edge_is_taken_or_refused_by_every_clock(path: str, clock: int) -> None:
    """A clock at an edge changes nothing but what is ahead of it."""
    for date in sorted(FIXED | {clock + seconds for seconds in AROUND}):
        if TIME_BEGINS <= date <= TIME_ENDS:
            world = World()
            world.now = clock
            DATES[path](world, date).check(world)
