"""Guilty devices, their friends, and whoever hurries: what a conviction costs, and what can't be got around."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.builders import signed
from support.griefing import Griefer, later_slot, money, open_by, working, worth
from support.parties import Device, Network, Tab
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, DEPOSIT, UNBONDING, Court, TrustWorld, court_of
from worktab.program.generated.types import NewKey

SYSVAR_CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")


@pytest.fixture
def device(court: Court) -> Device:
    """A device with a bond of 1,000, owed rewards of 70."""
    return working(court)


@pytest.fixture
def tab(griefer: Griefer, network: Network) -> Tab:
    """The attacker's tab, with ten deposits."""
    return griefer.tab(network, 10 * DEPOSIT)


def test_nobody_hurries_past_the_consumer(world: TrustWorld, griefer: Griefer, court: Court, tab: Tab) -> None:
    """Cost: fees. Without the record a guilty dispute ends only a challenge delay after the deadline; until then
    whoever has the record makes the consumer whole."""
    device, consumer = court.device(1_000), world.tab(court.network, 0)
    records = court.paid_record(consumer, 70)
    dispute = world.dispute_of(device, tab, records.entries[0])
    open_by(griefer, dispute, records)
    world.advance(CHALLENGE - 1)
    court.vote(dispute)
    hurry = world.resolve_dispute(dispute, rent_payer=griefer.key)
    for seconds in (0, 1, CHALLENGE - 1):
        world.advance(seconds)
        assert griefer.attempt(hurry).error_name == "RecordNeeded"

    shown = world.resolve_dispute(dispute, shown=records.entries[0], rent_payer=griefer.key)
    assert world.send(shown).event().to_consumer == 70
    assert money(world, consumer) == (70, 0)


def test_another_record_or_another_tab_steals_nothing(
    world: TrustWorld, griefer: Griefer, court: Court, tab: Tab
) -> None:
    """Cost: fees. The record's hash is what was disputed, and its tab the only one that is paid."""
    device, consumer = court.device(1_000), world.tab(court.network, 0)
    records = court.paid_record(consumer, 70)
    mine = court.paid_record(tab, 500).entries[0]
    dispute = world.dispute(device, tab, records)
    court.vote(dispute)

    assert griefer.attempt(world.resolve_dispute(dispute, shown=mine)).error_name == "WrongRecord"
    diverted = world.resolve_dispute(dispute, shown=dispute.entry, consumer_tab=tab.address)
    assert griefer.attempt(diverted).error_name == "AddressMismatch"
    assert world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event().to_consumer == 70
    assert money(world, consumer) == (70, 0)


def test_a_challenger_that_closes_its_tab_gives_its_part_away(
    world: TrustWorld, griefer: Griefer, court: Court, tab: Tab
) -> None:
    """Cost: deposit and reward. The dispute ends all the same, and the consumer is paid."""
    device, consumer = court.device(1_000), world.tab(court.network, 0)
    records = court.paid_record(consumer, 70)
    dispute = world.dispute(device, tab, records)
    court.vote(dispute)
    later_slot(world)
    griefer.attack(world.withdraw(tab, 9 * DEPOSIT), world.close_tab(tab, rent_payer=griefer.key))
    pool = world.read_network(court.network).pool_free

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.to_consumer, event.to_pool) == (70, 500 - 70 + DEPOSIT)
    assert world.read_network(court.network).pool_free == pool + 500 - 70 + DEPOSIT
    assert money(world, consumer) == (70, 0)


def test_a_consumers_tab_closed_and_opened_again_is_paid(
    world: TrustWorld, court: Court, griefer: Griefer, tab: Tab
) -> None:
    """Cost to whoever waits for the consumer to close: a deposit at risk. A tab of the same consumer is the same
    one."""
    device, consumer = court.device(1_000), world.tab(court.network, 0)
    records = court.paid_record(consumer, 70)
    later_slot(world)
    court.must(world.close_tab(consumer))
    dispute = world.dispute(device, tab, records)
    court.vote(dispute)
    later_slot(world)
    court.must(world.open_tab(consumer))

    assert world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event().to_consumer == 70

    assert money(world, consumer) == (70, 0)


def convict_self(world: TrustWorld, court: Court, device: Device, tab: Tab, seq: int, records: Records) -> None:
    """The owner's own tab disputes a false record that names it as the consumer of more than the bond."""
    dispute = world.dispute(device, tab, records, records.entries[seq])
    court.vote(dispute)
    court.must(world.resolve_dispute(dispute, shown=dispute.entry))


def test_a_self_dispute_gets_three_quarters_of_each_slash_and_loses_the_device(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost: a quarter of every slash, rewards that wait, and the registration. What is not slashed waits the unbonding
    delay as ever."""
    records = Records()
    for _ in range(3):
        records.add(tab, 10**9)
    pool = world.read_network(court.network).pool_free

    for seq in range(3):
        convict_self(world, court, device, tab, seq, records)

    slashes, quarters = [500, 250, 125], [125, 63, 32]
    assert money(world, tab) == (10 * DEPOSIT + sum(slashes) - sum(quarters), 0)
    assert world.read_network(court.network).pool_free == pool + sum(quarters) + 70
    left = world.read_device(device)
    assert (left.bond, left.status, left.rewards_owed) == (125, 2, 0)
    assert world.send(world.withdraw_bond(device)).error_name == "NothingOwed"
    assert world.send(world.receipt(device, 2, 100)).error_name == "DeviceInactive"


def test_a_bond_drained_by_self_disputes_leaves_a_later_consumer_less(
    world: TrustWorld, court: Court, device: Device, tab: Tab
) -> None:
    """Cost to the cheater: a quarter of each slash, and the device. Who disputes after three of them is made whole out
    of half of an eighth of the bond: disputes that are already open don't help, resolutions count in their order."""
    consumer, challenger = world.tab(court.network, 0), world.tab(court.network, DEPOSIT)
    records = court.paid_record(consumer, 70)
    for _ in range(3):
        records.add(tab, 10**9)
    dispute = world.dispute(device, challenger, records, records.entries[0])
    for seq in (1, 2, 3):
        convict_self(world, court, device, tab, seq, records)

    court.vote(dispute)
    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.to_consumer, event.to_challenger, event.to_pool) == (46, 0, 16)
    assert (money(world, consumer), money(world, challenger)) == ((46, 0), (DEPOSIT, 0))
    assert worth(world, device).bond == 125 - 62


def test_a_record_that_names_the_owners_friend_leaves_the_challenger_its_deposit_only(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost to the cheater: a quarter of the slash instead of all of it. The challenger gets no reward, and loses
    nothing but fees: the amount of a record is the device's own word."""
    challenger = world.tab(court.network, DEPOSIT)
    records = Records()
    records.add(tab, 10**9)

    court.convict(device, challenger, records.entries[0], records)

    assert money(world, challenger) == (DEPOSIT, 0)
    assert money(world, tab) == (10 * DEPOSIT + 375, 0)
    assert world.read_device(device).status == 2


def test_a_guilty_owner_that_registers_again_starts_from_nothing(
    world: TrustWorld, court: Court, device: Device, tab: Tab
) -> None:
    """Cost: the slash, rewards that waited, an unbonding delay for the rest. The same key gets a new index, no bond and
    no history; the same false record, signed again, is disputed again in one transaction with the end of the old."""
    records = court.paid_record(tab, 70)
    old = court.convict(device, tab, records.entries[0], records)
    world.must(world.withdraw_bond(device, 500))
    world.advance(UNBONDING)
    world.must(world.withdraw_bond(device), world.retire(device))
    assert world.account(device.address) is None
    again, terms = world.plan(court.network, owner=device.owner, signer=device.signer)
    court.must(world.possession(again), world.register(again, terms))
    court.must(world.deposit_bond(again, 1_000))

    held = world.read_device(again)
    assert (again.address, held.index, held.bond, held.slas_kept) == (device.address, device.index + 1, 1_000, 0)
    fresh = world.dispute_of(again, tab, records.entries[0])
    assert fresh.address == old.address
    assert world.send(world.close_dispute(old), world.accuse(fresh, records)).ok
    court.vote(fresh)
    assert world.send(world.resolve_dispute(fresh, shown=fresh.entry)).ok
    assert world.read_device(again).bond == 500


def test_a_record_that_names_an_odd_tab_is_punished_in_the_end(
    world: TrustWorld, court: Court, device: Device, tab: Tab
) -> None:
    """What the device gains by it is time, until a challenge delay after the deadline: its rewards wait meanwhile, and
    are forfeited with those before."""
    records = Records()
    records.add(device.address, 70)
    dispute = world.dispute(device, tab, records)
    court.vote(dispute)
    world.advance(2 * CHALLENGE - 1)
    world.must(world.receipt(device, 2, 100))
    assert world.send(world.claim([device], device.payout, court.network)).event().amount == 0
    world.advance(1)

    event = world.send(world.resolve_dispute(dispute)).event()

    assert (event.to_challenger, event.to_pool, event.forfeited) == (DEPOSIT, 400, 100)
    assert (world.read_device(device).status, worth(world, device).total) == (2, 500)


@pytest.mark.parametrize("hiding", ["by another key", "by a receipt that is a transaction's signature"])
def test_a_receipt_of_records_that_nobody_is_shown_hides_older_ones(
    world: TrustWorld, court: Court, device: Device, tab: Tab, hiding: str
) -> None:
    """Cost to the cheater: two fees. Its head moves on by records that it shows to nobody; the head that the false
    record led to is no longer on chain, and either the key that signed for it has changed, or nobody but the chain ever
    had that signature. A receipt that the challenger holds, by a key that stays, is what can't be hidden."""
    records = court.paid_record(tab, 70)
    receipt = world.receipt_message(device, 2, 100, head=records.head)
    evidence = world.native(device.signer, receipt)
    dispute = world.dispute_of(device, tab, replace(records.entries[0], seq=2))
    if hiding == "by another key":
        court.must(evidence, world.submit(device))
        key = world.ed25519()
        change = NewKey(key.public.raw33, int(key.public.kind), None)
        court.must(world.possession(device, signer=key), world.update(device, key=change))
        court.must(world.receipt(device, 3, 110, signer=key))
        found = [evidence]
    else:
        signer = Pubkey(device.signer.public.public_bytes)
        court.must(signed(world.submit(device, shown=receipt, proof=signer), signer))
        assert world.read_device(device).head == records.head
        court.must(world.receipt(device, 3, 110))
        found = []

    assert world.send(found, world.open_dispute(dispute)).error_name == "InvalidProof"

    if hiding == "by another key":
        assert money(world, tab) == (10 * DEPOSIT, 0)
    else:
        assert world.send(evidence, world.open_dispute(dispute)).ok


def test_where_devices_are_admitted_a_key_does_not_change_unseen(world: TrustWorld, court: Court) -> None:
    """Cost to the cheater: the network's word. Without it older receipts stay evidence."""
    network = court_of(world, admission=1).network
    device = world.device(network, admission=network.authority)
    key = world.ed25519()
    change = world.update(device, key=NewKey(key.public.raw33, int(key.public.kind), None))

    assert world.send(world.possession(device, signer=key), change).error_name == "AdmissionRequired"
