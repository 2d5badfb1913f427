"""A device that promises its bond to an accomplice, so that nothing is left to answer for its records."""

from __future__ import annotations

import pytest

from support.parties import Device, Lane, Tab
from support.trust import GUILTY, Sla
from support.trust_scenes import CHALLENGE, Court, TrustWorld


def promised_away(world: TrustWorld, device: Device) -> Sla:
    """The whole bond behind a promise to a second key of the owner, due in a second."""
    accomplice = world.tab(device.network, 1_000)
    lane: Lane = world.lane(accomplice, device, 1_000)
    return world.sla(lane, 1_000, 10_000, deadline=world.now + 1)


@pytest.mark.xfail(
    strict=True,
    reason="what an SLA holds is never slashed, and an SLA with an accomplice holds all of a bond for nothing",
)
@pytest.mark.parametrize("when", ["before the dispute", "while it is open"])
def test_a_promise_to_an_accomplice_does_not_keep_a_bond_from_the_consumer(
    world: TrustWorld, court: Court, device: Device, tab: Tab, when: str
) -> None:
    consumer = world.tab(court.network)
    records = court.paid_record(consumer, 70)
    sla = promised_away(world, device) if when == "before the dispute" else None
    dispute = world.dispute(device, tab, records)
    sla = sla or promised_away(world, device)
    court.vote(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    world.now = sla.deadline + CHALLENGE
    away = world.send(world.enforce_sla(sla)).event().penalty
    print(f"\nslashed {event.to_consumer + event.to_challenger + event.to_pool}, taken away by the accomplice {away}")
    assert (event.verdict, event.to_consumer, event.to_challenger) == (GUILTY, 70, 100)
