"""resolve_dispute: when a dispute ends, and where deposit, bond and rewards go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.effects import effects
from support.parties import FUNDS, Device, Network, Tab
from support.svm import Instructions
from support.trust import AGREES, DIFFERS, GUILTY, NOT_GUILTY, UNDECIDED, Dispute
from support.trust_records import Entry, Records
from support.trust_scenes import CHALLENGE, Court, TrustWorld, court_of
from worktab.program.generated import accounts as state
from worktab.program.generated.events import DisputeResolved

NOBODY = Pubkey.default()


@pytest.fixture
def consumer(world: TrustWorld, network: Network) -> Tab:
    """The tab that the disputed record names, empty."""
    return world.tab(network)


@pytest.fixture
def dispute(world: TrustWorld, court: Court, device: Device, tab: Tab, consumer: Tab) -> Dispute:
    """A dispute about a record of 70 base units, challenged by another tab."""
    return world.dispute(device, tab, court.paid_record(consumer))


def resolved(world: TrustWorld, dispute: Dispute, shown: Entry | None = None, **accounts: Pubkey) -> str:
    """The error of a resolution."""
    return world.send(world.resolve_dispute(dispute, shown=shown, **accounts)).error_name


# Guilty


def test_guilty_pays_consumer_challenger_and_pool(
    world: TrustWorld, court: Court, network: Network, device: Device, tab: Tab, consumer: Tab
) -> None:
    world.next_epoch(network)
    world.must(world.receipt(device, 1, 300))
    dispute = world.dispute(device, tab, court.paid_record(consumer))
    court.vote(dispute, DIFFERS)
    before = world.read_network(network), world.read_device(device), world.read_tab(tab), world.read_tab(consumer)
    account = world.read_dispute(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert event == DisputeResolved(
        dispute=dispute.address,
        device=device.address,
        tab=dispute.tab.address,
        verdict=GUILTY,
        consumer_tab=consumer.address,
        to_consumer=70,
        deposit_back=100,
        to_challenger=100,
        to_pool=330,
        forfeited=300,
        to_bond=0,
    )
    classes = before[0].classes
    assert world.read_network(network) == replace(
        before[0],
        pool_free=FUNDS + 330,
        pool_owed=0,
        total_rewards=0,
        total_slashed=500,
        disputes_guilty=1,
        classes=(replace(classes[0], next_total_capacity=0), *classes[1:]),
    )
    assert world.read_device(device) == replace(
        before[1],
        bond=500,
        rewards_owed=0,
        lifetime_rewards=0,
        open_disputes=0,
        status=2,
        capacity=1_000,
        next_capacity=0,
        capacity_epoch=2,
    )
    assert world.read_tab(tab) == replace(before[2], balance=10_100, deposited=10_200)
    assert world.read_tab(consumer) == replace(before[3], balance=70, deposited=70)
    assert world.read_dispute(dispute) == replace(account, deposit=0, verdict=GUILTY)
    assert network.mint.balance(network.address) == before[0].accounted == FUNDS + 11_000


@pytest.mark.parametrize(
    ("bond", "bps", "amount", "deposit", "consumer", "challenger", "pool"),
    [
        # A quarter of the slash, rounded up, is the pool's whatever else is due.
        (1_000, 10_000, 2**64 - 1, 100, 750, 0, 250),
        (1_000, 10_000, 700, 100, 700, 50, 250),
        (1_000, 10_000, 650, 100, 650, 100, 250),
        (1_000, 10_000, 649, 100, 649, 100, 251),
        (1_000, 10_000, 0, 100, 0, 100, 900),
        (1_000, 5_000, 70, 100, 70, 100, 330),
        (1_000, 1, 70, 100, 0, 0, 0),
        (10_000, 1, 70, 100, 0, 0, 1),
        (1_000, 0, 70, 100, 0, 0, 0),
        (999, 5_000, 1_000, 100, 374, 0, 125),
        (0, 10_000, 70, 100, 0, 0, 0),
        (1, 10_000, 70, 100, 0, 0, 1),
        (2, 10_000, 70, 100, 1, 0, 1),
        (3, 10_000, 70, 100, 2, 0, 1),
        (4, 10_000, 70, 100, 3, 0, 1),
        (5, 10_000, 70, 100, 3, 0, 2),
        (6, 10_000, 70, 100, 4, 0, 2),
        (7, 10_000, 70, 100, 5, 0, 2),
        (8, 10_000, 70, 100, 6, 0, 2),
        (9, 10_000, 70, 100, 6, 0, 3),
        (9, 10_000, 2, 1, 2, 1, 6),
        (9, 5_000, 2, 100, 2, 1, 1),
    ],
)
def test_parts_of_a_slash(
    world: TrustWorld,
    bond: int,
    bps: int,
    amount: int,
    deposit: int,
    consumer: int,
    challenger: int,
    pool: int,
) -> None:
    court = court_of(world, slash_bps=bps, dispute_deposit=deposit)
    device, tab, buyer = court.device(bond), world.tab(court.network, 1_000), world.tab(court.network)
    dispute = world.dispute(device, tab, court.paid_record(buyer, amount))
    court.vote(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.to_consumer, event.to_challenger, event.to_pool) == (consumer, challenger, pool)
    assert (event.deposit_back, event.consumer_tab) == (deposit, buyer.address if consumer else NOBODY)
    assert world.read_device(device).bond == bond - consumer - challenger - pool
    assert world.read_tab(buyer).balance == consumer
    assert world.read_tab(tab).balance == 1_000 + challenger
    held = world.read_network(court.network)
    assert (held.pool_free, held.total_slashed) == (FUNDS + pool, consumer + challenger + pool)
    assert world.read_device(device).status == 2


def test_what_slas_hold_is_never_slashed(world: TrustWorld, device: Device, court: Court, tab: Tab) -> None:
    world.patch_network(court.network, slash_bps=9_000)
    world.sla(world.lane(tab, device, 1_000), 850, 10_000)
    records = court.paid_record(tab, 2**40)
    dispute = world.dispute(device, world.tab(court.network, 1_000), records)
    court.vote(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.to_consumer, event.to_challenger, event.to_pool) == (112, 0, 38)
    held = world.read_device(device)
    assert (held.bond, held.bond_held) == (850, 850)


@pytest.mark.parametrize(
    ("bps", "leaving", "held", "left"),
    [
        (5_000, 400, 0, 400),
        (5_000, 600, 0, 500),
        (9_000, 700, 0, 100),
        (10_000, 1_000, 0, 0),
        (5_000, 600, 100, 400),
        (9_500, 700, 300, 0),
    ],
)
def test_what_is_leaving_is_slashed_and_cut_to_what_is_left(
    world: TrustWorld, court: Court, device: Device, tab: Tab, bps: int, leaving: int, held: int, left: int
) -> None:
    world.patch_network(court.network, slash_bps=bps)
    if held:
        world.sla(world.lane(tab, device, 1_000), held, 10_000)
    court.must(world.withdraw_bond(device, leaving))
    due = world.read_device(device).unbonding_at
    records = court.paid_record(world.tab(court.network))

    court.convict(device, tab, records.entries[0], records)

    after = world.read_device(device)
    assert (after.unbonding, after.unbonding_at) == (left, due)
    assert after.bond == max(1_000 - 1_000 * bps // 10_000, held)
    world.now = due
    assert world.send(world.withdraw_bond(device)).error_name == ("" if left else "NothingOwed")


def test_each_guilty_dispute_slashes_what_is_left(world: TrustWorld, court: Court, device: Device, tab: Tab) -> None:
    records = Records()
    for _ in range(3):
        records.add(world.tab(court.network), 70)
    disputes = [world.dispute(device, tab, records, entry) for entry in records.entries]
    bonds = []
    for dispute in disputes:
        court.vote(dispute)
        assert resolved(world, dispute, dispute.entry) == ""
        bonds.append(world.read_device(device).bond)

    assert bonds == [500, 250, 125]
    held = world.read_network(court.network)
    assert (held.total_slashed, held.disputes_guilty) == (875, 3)
    # Of the third, 125 base units: 32 for the pool, 70 for the consumer, 23 for the challenger.
    assert world.read_tab(tab).balance == 10_000 + 100 + 100 + 23


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_is_not_active_stays_what_it_is(
    world: TrustWorld, court: Court, dispute: Dispute, status: int
) -> None:
    if status == 3:
        court.must(world.retire(dispute.device))
    else:
        world.patch_device(dispute.device, status=2)
    before = world.read_device(dispute.device)
    court.vote(dispute)

    assert resolved(world, dispute, dispute.entry) == ""

    assert world.read_device(dispute.device) == replace(before, bond=500, open_disputes=0)


def test_a_suspended_device_does_nothing_more(world: TrustWorld, court: Court, device: Device, tab: Tab) -> None:
    network = court.network
    world.next_epoch(network)
    world.must(world.receipt(device, 1, 10))
    dispute = world.dispute(device, tab, court.paid_record(tab))
    court.vote(dispute)
    assert resolved(world, dispute, dispute.entry) == ""

    refused: list[Instructions] = [
        world.receipt(device, 2, 20),
        world.update(device, capacity=1),
        world.deposit_bond(device, 5),
        world.reserve(dispute.tab, device, 5),
    ]

    assert [world.send(each).error_name for each in refused] == ["DeviceInactive"] * 4
    world.next_epoch(network)
    assert world.send(world.update(device, payout=world.keypair().pubkey())).ok
    assert world.read_network(network).classes[0].next_total_capacity == 0


# The record shown


def test_long_after_the_deadline_the_record_must_be_shown(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.vote(dispute)
    world.advance(2 * CHALLENGE - 1)
    assert resolved(world, dispute, consumer_tab=world.payer.pubkey()) == "RecordNeeded"
    world.advance(1)

    resolve = world.resolve_dispute(dispute, consumer_tab=world.payer.pubkey())
    event = world.send(resolve).event()

    assert (event.verdict, event.consumer_tab, event.to_consumer) == (GUILTY, NOBODY, 0)
    assert (event.to_challenger, event.to_pool) == (100, 400)


def test_after_the_deadline_it_may_be_shown(world: TrustWorld, court: Court, dispute: Dispute, consumer: Tab) -> None:
    court.vote(dispute)
    world.advance(100 * CHALLENGE)

    assert resolved(world, dispute, dispute.entry) == ""

    assert world.read_tab(consumer).balance == 70


@pytest.mark.parametrize("after", [0, CHALLENGE])
def test_another_record_or_salt_is_refused(
    world: TrustWorld, court: Court, dispute: Dispute, consumer: Tab, after: int
) -> None:
    court.vote(dispute)
    world.advance(after)
    entry = dispute.entry
    richer = replace(entry, record=replace(entry.record, amount=71))
    for lie in (replace(entry, salt=bytes(32)), richer, replace(entry, record=replace(entry.record, tab=bytes(32)))):
        assert resolved(world, dispute, lie, consumer_tab=consumer.address) == "WrongRecord"

    assert resolved(world, dispute, entry) == ""


def test_the_consumers_tab_is_the_one_that_the_record_names(
    world: TrustWorld, court: Court, dispute: Dispute, tab: Tab
) -> None:
    court.vote(dispute)
    for other in (tab.address, world.tab(court.network).address, world.payer.pubkey(), dispute.device.address):
        error = resolved(world, dispute, dispute.entry, consumer_tab=other)
        assert error in ("AddressMismatch", "ConstraintDuplicateMutableAccount")

    assert resolved(world, dispute, dispute.entry) == ""


@pytest.mark.parametrize("what", ["payer", "network", "a tab"])
def test_where_nobody_paid_any_account_stands_in_the_consumers_place(
    world: TrustWorld, court: Court, device: Device, tab: Tab, what: str
) -> None:
    records = Records()
    records.add(None, 999)
    dispute = world.dispute(device, tab, records)
    court.vote(dispute)
    bystander = world.tab(court.network)
    account = {"payer": world.payer.pubkey(), "network": world.network().address, "a tab": bystander.address}[what]

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry, consumer_tab=account)).event()

    assert (event.consumer_tab, event.to_consumer, event.to_challenger, event.to_pool) == (NOBODY, 0, 100, 400)
    assert world.read_tab(bystander).balance == 0


def test_a_record_of_a_tab_of_another_network_pays_the_pool(
    world: TrustWorld, court: Court, device: Device, tab: Tab
) -> None:
    foreign = world.tab(court_of(world).network, 5)
    dispute = world.dispute(device, tab, court.paid_record(foreign))
    court.vote(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.consumer_tab, event.to_consumer, event.to_pool) == (NOBODY, 0, 400)
    assert world.read_tab(foreign).balance == 5


@pytest.mark.parametrize("kind", ["wallet", "device", "nothing"])
def test_a_record_that_names_no_tab_pays_the_pool(
    world: TrustWorld, court: Court, device: Device, tab: Tab, kind: str
) -> None:
    other = court.device()
    address = {"wallet": world.payer.pubkey(), "device": other.address, "nothing": world.keypair().pubkey()}[kind]
    records = Records()
    records.add(address, 70)
    before = world.data(other.address)
    dispute = world.dispute(device, tab, records)
    court.vote(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.consumer_tab, event.to_consumer, event.to_pool) == (NOBODY, 0, 400)
    assert world.data(other.address) == before


def close(world: TrustWorld, tab: Tab) -> None:
    """Empties a tab and closes it."""
    if balance := world.read_tab(tab).balance:
        world.must(world.withdraw(tab, balance))
    now = world.now
    world.slot += 10
    world.now = now
    world.must(world.close_tab(tab))


def test_a_consumer_that_closed_its_tab_leaves_its_part_to_the_pool(
    world: TrustWorld, court: Court, dispute: Dispute, consumer: Tab
) -> None:
    court.vote(dispute)
    close(world, consumer)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.consumer_tab, event.to_consumer, event.to_challenger, event.to_pool) == (NOBODY, 0, 100, 400)


def test_a_tab_that_was_opened_again_gets_its_part(
    world: TrustWorld, court: Court, dispute: Dispute, consumer: Tab, tab: Tab
) -> None:
    court.vote(dispute)
    for each in (consumer, tab):
        close(world, each)
        world.must(world.open_tab(each))

    assert resolved(world, dispute, dispute.entry) == ""

    assert (world.read_tab(consumer).balance, world.read_tab(tab).balance) == (70, 200)


@pytest.mark.parametrize(
    ("finding", "to_pool", "bond"), [(DIFFERS, 330 + 200, 500), (AGREES, 0, 1_100), (None, 90, 1_010)]
)
def test_a_challenger_that_closed_its_tab_leaves_its_part_to_the_pool(
    world: TrustWorld, court: Court, dispute: Dispute, tab: Tab, finding: int | None, to_pool: int, bond: int
) -> None:
    if finding is not None:
        court.vote(dispute, finding)
    close(world, tab)
    world.advance(CHALLENGE)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert (event.to_pool, event.to_challenger, event.deposit_back) == (to_pool, 0, 0)
    assert world.read_network(court.network).pool_free == FUNDS + to_pool
    assert world.read_device(dispute.device).bond == bond
    assert world.account(tab.address) is None


# Not guilty, and undecided


@pytest.mark.parametrize("after", [0, CHALLENGE - 1, CHALLENGE, 10 * CHALLENGE])
def test_not_guilty_pays_the_device(
    world: TrustWorld, network: Network, court: Court, dispute: Dispute, tab: Tab, after: int
) -> None:
    court.vote(dispute, AGREES)
    world.advance(after)
    before = world.read_network(network), world.read_device(dispute.device), world.read_tab(tab)

    event = world.send(world.resolve_dispute(dispute, consumer_tab=world.payer.pubkey())).event()

    assert event == DisputeResolved(
        dispute.address, dispute.device.address, tab.address, NOT_GUILTY, NOBODY, 0, 0, 0, 0, 0, to_bond=100
    )
    assert world.read_network(network) == replace(before[0], disputes_not_guilty=1)
    assert world.read_device(dispute.device) == replace(before[1], bond=1_100, open_disputes=0)
    assert world.read_tab(tab) == before[2]
    assert before[2].balance == 9_900
    assert world.account(dispute.address) is None


@pytest.mark.parametrize(("deposit", "to_bond"), [(1, 0), (9, 0), (10, 1), (19, 1), (100, 10), (109, 10), (1_000, 100)])
def test_undecided_costs_a_tenth(world: TrustWorld, deposit: int, to_bond: int) -> None:
    court = court_of(world, dispute_deposit=deposit)
    device, tab = court.device(), world.tab(court.network, 1_000)
    dispute = world.dispute(device, tab, court.paid_record(tab))
    court.vote(dispute, DIFFERS, 1)
    world.advance(CHALLENGE - 1)
    anybody = world.payer.pubkey()
    assert resolved(world, dispute, consumer_tab=anybody) == "DisputeUndecided"
    world.advance(1)
    before = world.read_network(court.network), world.read_device(device)

    event = world.send(world.resolve_dispute(dispute, consumer_tab=anybody)).event()

    assert event == DisputeResolved(
        dispute.address, device.address, tab.address, UNDECIDED, NOBODY, 0, deposit - to_bond, 0, 0, 0, to_bond
    )
    assert world.read_network(court.network) == before[0]
    assert world.read_device(device) == replace(before[1], bond=1_000 + to_bond, open_disputes=0)
    assert world.read_tab(tab).balance == 1_000 - to_bond
    assert world.account(dispute.address) is None


def test_an_outcome_that_needs_no_record_ignores_what_is_shown(
    world: TrustWorld, court: Court, dispute: Dispute
) -> None:
    court.vote(dispute, AGREES)
    lie = replace(dispute.entry, salt=bytes(32))

    assert resolved(world, dispute, lie) == ""


# Rent, and who calls


@pytest.mark.parametrize("finding", [AGREES, None], ids=["not guilty", "undecided"])
def test_the_rent_goes_back_to_who_paid_it(
    world: TrustWorld, court: Court, device: Device, tab: Tab, finding: int | None
) -> None:
    payer, stranger = world.keypair(lamports=10**9), world.keypair(lamports=10**9)
    records = court.paid_record(tab)
    dispute = world.dispute_of(device, tab, records.entries[0])
    native, _ = world.accuse(dispute, records)
    court.must(native, world.open_dispute(dispute, payer=payer.pubkey()))
    if finding is not None:
        court.vote(dispute, finding)
    world.advance(CHALLENGE)

    result = world.send(world.resolve_dispute(dispute, rent_payer=payer.pubkey()), payer=stranger)

    assert result.ok
    assert world.lamports(payer.pubkey()) == 10**9
    assert world.lamports(stranger.pubkey()) == 10**9 - result.fee


def test_guilty_moves_no_lamports(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.vote(dispute)

    changed = effects(world, world.resolve_dispute(dispute, shown=dispute.entry))

    assert [each for each in changed.values() if "lamports" in each] == []
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Dispute.SIZE)
    assert world.lamports(dispute.address) == rent


def test_other_accounts_than_its_own_are_refused(world: TrustWorld, court: Court, dispute: Dispute, tab: Tab) -> None:
    court.vote(dispute)
    other, stranger = court_of(world), world.keypair(lamports=10**9).pubkey()

    def error(**accounts: Pubkey) -> str:
        return resolved(world, dispute, dispute.entry, **accounts)

    assert error(tab=world.tab(court.network).address) == "AddressMismatch"
    assert error(device=court.device().address) == "AddressMismatch"
    assert error(rent_payer=stranger) == "AddressMismatch"
    assert error(network=other.network.address) == "WrongNetwork"
    assert world.read_tab(tab).balance == 9_900
    assert world.read_device(dispute.device).open_disputes == 1


@pytest.mark.parametrize("finding", [AGREES, DIFFERS, None], ids=["not guilty", "guilty", "undecided"])
def test_a_dispute_ends_once(world: TrustWorld, court: Court, dispute: Dispute, finding: int | None) -> None:
    if finding is not None:
        court.vote(dispute, finding)
    world.advance(CHALLENGE)
    resolve = world.resolve_dispute(dispute, shown=dispute.entry)

    twice = world.send(resolve, resolve)

    assert (twice.ok, twice.instruction) == (False, 1)
    assert world.send(resolve).ok
    before = world.read_network(court.network), world.read_device(dispute.device)
    again = world.send(resolve)
    assert not again.ok
    if finding == DIFFERS:
        assert again.error_name == "DisputeOver"
    assert (world.read_network(court.network), world.read_device(dispute.device)) == before


def test_nothing_pauses_it(world: TrustWorld, court: Court, dispute: Dispute) -> None:
    court.vote(dispute)
    assert world.send(world.pause(court.network, 31)).ok

    assert resolved(world, dispute, dispute.entry) == ""


@pytest.mark.parametrize("name", ["disputes_guilty", "disputes_not_guilty", "total_slashed"])
def test_statistics_stop_at_their_largest(
    world: TrustWorld, court: Court, network: Network, dispute: Dispute, name: str
) -> None:
    largest = 2**64 - 1 if name == "total_slashed" else 2**32 - 1
    world.patch_network(network, **{name: largest})
    court.vote(dispute, AGREES if name == "disputes_not_guilty" else DIFFERS)

    assert resolved(world, dispute, dispute.entry) == ""

    assert getattr(world.read_network(network), name) == largest


def test_rewards_that_statistics_no_longer_know_are_forfeited(
    world: TrustWorld, court: Court, network: Network, device: Device, tab: Tab
) -> None:
    world.next_epoch(network)
    world.must(world.receipt(device, 1, 10))
    dispute = world.dispute(device, tab, court.paid_record(tab))
    world.patch_device(dispute.device, lifetime_rewards=4)
    world.patch_network(network, total_rewards=3)
    court.vote(dispute)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event()

    assert event.forfeited == 10
    assert (world.read_device(dispute.device).lifetime_rewards, world.read_network(network).total_rewards) == (0, 0)
