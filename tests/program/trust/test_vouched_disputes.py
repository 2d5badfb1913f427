"""Disputes in which an attestor's word stands for the evidence that the device signed the record."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from support.builders import signed
from support.parties import Device, Tab
from support.trust import AGREES, DIFFERS, GUILTY, NOT_GUILTY, UNDECIDED, WITHHELD, Dispute
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, DEPOSIT, Court, TrustWorld


@pytest.fixture
def dispute(world: TrustWorld, device: Device, tab: Tab) -> Dispute:
    """A dispute that could be opened about a record that leads to nothing the device signed."""
    records = Records()
    records.add(tab, 70)
    return world.dispute_of(device, tab, records.entries[0])


def vouch(world: TrustWorld, dispute: Dispute, attestor: Keypair) -> str:
    """Why an attestor's signature does not open it; empty where it does."""
    return world.send(signed(world.open_dispute(dispute, proof=attestor.pubkey()), attestor.pubkey())).error_name


def test_an_attestor_stands_for_the_evidence(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    assert vouch(world, dispute, court.attestors[2]) == ""

    opened = world.read_dispute(dispute)
    assert (opened.vouched, opened.votes.yes, opened.votes.no) == (1, 0, 0)
    assert (world.read_tab(dispute.tab).balance, world.read_device(dispute.device).open_disputes) == (
        10_000 - DEPOSIT,
        1,
    )


def test_nobody_else_does(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    strangers = world.keypair(), dispute.device.owner, dispute.tab.consumer
    for signer in strangers:
        assert vouch(world, dispute, signer) == "InvalidProof"
    assert world.send(world.open_dispute(dispute, proof=court.attestors[0].pubkey())).error_name == "InvalidProof"

    assert world.account(dispute.address) is None


def test_the_device_can_not_be_found_to_withhold_it(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    assert vouch(world, dispute, court.attestors[0]) == ""
    world.advance(CHALLENGE - 1)
    for attestor in court.attestors:
        assert world.send(world.vote_dispute(dispute, attestor, WITHHELD)).error_name == "RecordNotSigned"
    world.advance(1)

    event = world.send(world.resolve_dispute(dispute)).event()

    assert (event.verdict, event.to_bond, event.deposit_back) == (UNDECIDED, 10, 90)
    assert world.read_device(dispute.device).bond == 1_010


@pytest.mark.parametrize(("finding", "verdict", "bond"), [(DIFFERS, GUILTY, 500), (AGREES, NOT_GUILTY, 1_100)])
def test_it_is_judged_like_any_other(
    world: TrustWorld, court: Court, dispute: Dispute, finding: int, verdict: int, bond: int
) -> None:
    assert vouch(world, dispute, court.attestors[0]) == ""
    court.vote(dispute, finding)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert event.verdict == verdict
    assert world.read_device(dispute.device).bond == bond
