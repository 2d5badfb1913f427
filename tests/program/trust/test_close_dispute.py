"""close_dispute, and everything that could make a dispute count twice: reopened, replayed, registered again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.builders import read_only
from support.parties import Device, Tab
from support.trust import AGREES, Dispute
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, UNBONDING, Court, TrustWorld, court_of
from worktab.core.records import next_head
from worktab.program.generated.events import DisputeClosed

IN_USE = "Custom(0)"


@pytest.fixture
def records(tab: Tab) -> Records:
    """A record that the tab owes 70 for, and one more."""
    records = Records()
    records.add(tab, 70)
    records.add()
    return records


@pytest.fixture
def guilty(court: Court, device: Device, tab: Tab, records: Records) -> Dispute:
    """A dispute about the first of them that ended guilty."""
    return court.convict(device, tab, records.entries[0], records)


def leave(world: TrustWorld, device: Device) -> None:
    """The device takes its bond, retires and closes."""
    world.must(world.withdraw_bond(device, world.read_device(device).bond))
    world.advance(UNBONDING)
    world.must(world.withdraw_bond(device))
    assert world.must(world.retire(device)).event().closed


def register_again(world: TrustWorld, device: Device) -> Device:
    """The same key again, with a bond of 1,000: another index at the same address."""
    again = world.device(device.network, owner=device.owner, signer=device.signer)
    world.bond(again, 1_000)
    assert (again.address, again.index) == (device.address, device.index + 1)
    return again


# Closing


def test_while_the_device_is_there_it_stays(world: TrustWorld, guilty: Dispute) -> None:
    close = world.close_dispute(guilty)
    assert world.send(close).error_name == "TooSoon"
    world.must(world.withdraw_bond(guilty.device, 500))
    world.advance(UNBONDING)
    world.must(world.withdraw_bond(guilty.device))
    assert world.send(close).error_name == "TooSoon"
    assert world.must(world.retire(guilty.device)).event().closed

    assert world.send(close).event() == DisputeClosed(guilty.address, guilty.device.address)

    assert world.account(guilty.address) is None


def test_a_retired_device_that_could_not_close_yet_is_there(world: TrustWorld, guilty: Dispute) -> None:
    assert not world.must(world.retire(guilty.device)).event().closed

    assert world.send(world.close_dispute(guilty)).error_name == "TooSoon"


def test_the_rent_goes_back_to_who_paid_it(
    world: TrustWorld, court: Court, device: Device, tab: Tab, records: Records
) -> None:
    payer, stranger = world.keypair(lamports=10**9), world.keypair(lamports=10**9)
    dispute = world.dispute_of(device, tab, records.entries[0])
    native, _ = world.accuse(dispute, records)
    court.must(native, world.open_dispute(dispute, records.later(dispute.entry), payer=payer.pubkey()))
    court.vote(dispute)
    court.must(world.resolve_dispute(dispute, shown=dispute.entry, rent_payer=payer.pubkey()))
    leave(world, device)
    assert world.send(world.close_dispute(dispute)).error_name == "AddressMismatch"

    result = world.send(world.close_dispute(dispute, rent_payer=payer.pubkey()), payer=stranger)

    assert result.ok
    assert world.lamports(payer.pubkey()) == 10**9
    assert world.lamports(stranger.pubkey()) == 10**9 - result.fee


def test_it_closes_once(world: TrustWorld, guilty: Dispute) -> None:
    leave(world, guilty.device)
    close = world.close_dispute(guilty)

    twice = world.send(close, close)

    assert (twice.ok, twice.instruction) == (False, 1)
    assert world.send(close).ok
    assert not world.send(close).ok


def test_an_open_one_does_not_close(world: TrustWorld, device: Device, tab: Tab, records: Records) -> None:
    dispute = world.dispute(device, tab, records, records.entries[0])

    assert world.send(world.close_dispute(dispute)).error_name == "TooSoon"


def test_another_devices_absence_closes_nothing(world: TrustWorld, court: Court, guilty: Dispute) -> None:
    gone = court.device(0)
    assert world.must(world.retire(gone)).event().closed

    for device in (gone.address, court.device().address, world.keypair().pubkey()):
        assert world.send(world.close_dispute(guilty, device=device)).error_name == "AddressMismatch"


def test_lamports_at_the_address_of_a_device_that_closed_are_no_device(world: TrustWorld, guilty: Dispute) -> None:
    leave(world, guilty.device)
    world.runtime.airdrop(guilty.device.address, 10**7)

    assert world.send(world.close_dispute(guilty)).ok


@pytest.mark.parametrize("name", ["dispute", "rent_payer"])
def test_accounts_must_be_writable(world: TrustWorld, guilty: Dispute, name: str) -> None:
    stranger = world.keypair(lamports=10**9)
    leave(world, guilty.device)
    address = {"dispute": guilty.address, "rent_payer": world.payer.pubkey()}[name]

    assert not world.send(read_only(world.close_dispute(guilty), address), payer=stranger).ok

    assert world.account(guilty.address) is not None


# The same record again


def test_one_that_ended_guilty_is_not_opened_again(world: TrustWorld, guilty: Dispute, records: Records) -> None:
    rival = replace(guilty, tab=world.tab(guilty.device.network, 1_000))

    for dispute in (guilty, rival):
        assert world.send(world.accuse(dispute, records)).error == IN_USE

    assert world.read_device(guilty.device).bond == 500


@pytest.mark.parametrize("finding", [AGREES, None], ids=["not guilty", "undecided"])
def test_one_that_ended_otherwise_may_be_opened_again_for_another_deposit(
    world: TrustWorld, court: Court, device: Device, tab: Tab, records: Records, finding: int | None
) -> None:
    gained = 100 if finding == AGREES else 10
    for times in (1, 2, 3):
        dispute = world.dispute(device, tab, records, records.entries[0])
        assert world.read_dispute(dispute).votes.yes == world.read_dispute(dispute).votes.no == 0
        if finding is not None:
            court.vote(dispute, finding)
        world.advance(CHALLENGE)
        court.must(world.resolve_dispute(dispute, consumer_tab=world.payer.pubkey()))

        assert world.read_device(device).bond == 1_000 + times * gained
        assert world.read_tab(tab).balance == 10_000 - times * gained


def test_acquitted_once_it_may_be_found_guilty_later(
    world: TrustWorld, court: Court, device: Device, tab: Tab, records: Records
) -> None:
    dispute = world.dispute(device, tab, records, records.entries[0])
    court.vote(dispute, AGREES)
    court.must(world.resolve_dispute(dispute, consumer_tab=world.payer.pubkey()))

    court.convict(device, tab, records.entries[0], records)

    held = world.read_network(court.network)
    assert (held.disputes_guilty, held.disputes_not_guilty) == (1, 1)


def test_the_same_record_at_another_place_of_the_chain_is_another_dispute(
    world: TrustWorld, court: Court, device: Device, tab: Tab
) -> None:
    """A device that signs one hash at two places answers for both."""
    first = Records().add(tab, 70)
    chain = Records()
    chain.extend(4)
    second = replace(first, seq=5, before=chain.head)
    chain.entries.append(second)
    chain.head = next_head(second.before, second.hash)
    alone = Records()
    alone.add(tab, 70)

    court.convict(device, tab, first, alone)
    court.convict(device, tab, second, chain)

    assert world.read_device(device).bond == 250


# The same key again


def test_a_key_registered_again_is_not_the_device_that_was_found_guilty(
    world: TrustWorld, court: Court, guilty: Dispute, records: Records, tab: Tab
) -> None:
    leave(world, guilty.device)
    again = register_again(world, guilty.device)
    old = world.receipt_message(guilty.device, records.seq, records.units, head=records.head)
    other = world.dispute_of(again, tab, records.entries[1])

    # What the last registration signed is no evidence against this one.
    assert world.send(world.native(again.signer, old), world.open_dispute(other)).error_name == "WrongContext"
    # The same record signed anew is, once the old dispute has closed.
    fresh = replace(guilty, device=again)
    assert world.send(world.accuse(fresh, records)).error == IN_USE
    assert world.send(world.close_dispute(guilty)).ok

    court.convict(again, tab, records.entries[0], records)
    assert world.read_device(again).bond == 500
    assert world.send(world.close_dispute(fresh)).error_name == "TooSoon"


def test_an_open_dispute_keeps_a_device_from_closing(
    world: TrustWorld, court: Court, tab: Tab, records: Records
) -> None:
    device = court.device(0)
    dispute = world.dispute(device, tab, records, records.entries[0])
    assert not world.must(world.retire(device)).event().closed
    assert world.send(world.retire(device)).error_name == "DeviceInactive"
    court.vote(dispute)
    court.must(world.resolve_dispute(dispute, shown=dispute.entry))

    assert world.must(world.retire(device)).event().closed


def test_the_dispute_of_another_network_at_the_same_record_is_another_account(
    world: TrustWorld, guilty: Dispute, records: Records
) -> None:
    other = court_of(world)
    device = world.device(other.network, signer=guilty.device.signer)
    tab = world.tab(other.network, 1_000)

    dispute = world.dispute(device, tab, records, records.entries[0])

    assert dispute.address != guilty.address
    names: set[Pubkey] = {world.read_dispute(each).network for each in (guilty, dispute)}
    assert names == {guilty.device.network.address, other.network.address}
