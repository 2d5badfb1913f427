"""Disputes in which an attestor's word stands for the evidence that the device signed the record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair

from support.builders import signed
from support.parties import Device, Tab
from support.trust import AGREES, DIFFERS, GUILTY, NOT_GUILTY, UNDECIDED, WITHHELD, Dispute
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, DEPOSIT, UNBONDING, Court, TrustWorld


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


@pytest.mark.parametrize(("seq", "error"), [(0, "RecordNotSigned"), (2, ""), (2**64 - 1, "")])
def test_there_is_no_record_before_the_first(
    world: TrustWorld, court: Court, dispute: Dispute, seq: int, error: str
) -> None:
    named = world.dispute_of(dispute.device, dispute.tab, replace(dispute.entry, seq=seq))

    assert vouch(world, named, court.attestors[0]) == error


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


def leave_undecided(world: TrustWorld, court: Court, dispute: Dispute, late: int = 0) -> None:
    """A vouched dispute that nobody decides, ended so many seconds after its deadline."""
    assert vouch(world, dispute, court.attestors[0]) == ""
    world.advance(CHALLENGE + late)
    world.must(world.resolve_dispute(dispute))


@pytest.mark.parametrize(
    ("before", "late", "due"),
    [
        (UNBONDING - CHALLENGE, 0, UNBONDING + CHALLENGE),
        (UNBONDING - CHALLENGE, 7, UNBONDING + 7 + CHALLENGE),
        (UNBONDING - 2 * CHALLENGE, 0, UNBONDING),
        (UNBONDING - 2 * CHALLENGE + 1, 0, UNBONDING + 1),
        (0, 0, UNBONDING),
    ],
)
def test_after_one_that_nobody_decides_the_bond_stays_a_challenge_delay(
    world: TrustWorld, court: Court, dispute: Dispute, before: int, late: int, due: int
) -> None:
    start, device = world.now, dispute.device
    world.must(world.withdraw_bond(device, 1_000))
    world.advance(before)
    leave_undecided(world, court, dispute, late)

    assert world.read_device(device).unbonding_at == start + due
    world.now = start + due - 1
    assert world.send(world.withdraw_bond(device)).error_name == "BondNotDue"
    world.advance(1)
    assert world.send(world.withdraw_bond(device)).ok
    assert world.balance(device.owner, court.network.mint) == 1_000


def test_a_bond_that_does_not_leave_is_given_no_date(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    leave_undecided(world, court, dispute)

    held = world.read_device(dispute.device)
    assert (held.unbonding, held.unbonding_at) == (0, 0)


@pytest.mark.parametrize("vouched", [False, True], ids=["shown to be signed", "vouched for and decided"])
def test_no_other_dispute_moves_the_bonds_date(
    world: TrustWorld, court: Court, device: Device, tab: Tab, vouched: bool
) -> None:
    start, records = world.now, Records()
    records.add(tab, 70)
    dispute = world.dispute_of(device, tab, records.entries[0])
    world.must(world.withdraw_bond(device, 1_000))
    world.advance(UNBONDING - CHALLENGE)
    if vouched:
        assert vouch(world, dispute, court.attestors[0]) == ""
        court.vote(dispute, AGREES)
    else:
        court.must(world.accuse(dispute, records))
    world.advance(CHALLENGE)

    assert world.send(world.resolve_dispute(dispute), world.withdraw_bond(device)).ok

    assert world.now == start + UNBONDING
    assert world.balance(device.owner, court.network.mint) == 1_000
