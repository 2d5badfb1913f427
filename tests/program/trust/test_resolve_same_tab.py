"""A consumer who challenges the work it paid for itself: its tab is named twice."""

from __future__ import annotations

from support.parties import Device, Tab
from support.trust import GUILTY
from support.trust_scenes import Court, TrustWorld


def test_a_challenger_who_is_the_consumer_gets_both(world: TrustWorld, court: Court, device: Device, tab: Tab) -> None:
    records = court.paid_record(tab, 70)
    dispute = world.dispute(device, tab, records)
    court.vote(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.verdict, event.consumer_tab) == (GUILTY, tab.address)
    assert (event.to_consumer, event.deposit_back, event.to_challenger, event.to_pool) == (70, 100, 100, 330)
    assert world.read_tab(tab).balance == 10_000 + 70 + 100
    assert world.read_device(device).bond == 500
