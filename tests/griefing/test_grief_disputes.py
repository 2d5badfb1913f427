"""Disputes as a weapon: spam, loops that nobody decides, last seconds, and what each costs whoever opens them."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from support import changes
from support.griefing import Griefer, Worth, end, honest, money, open_by, working, worth
from support.parties import Device, Network, Tab
from support.trust import AGREES, DIFFERS
from support.trust_scenes import CHALLENGE, DEPOSIT, UNBONDING, Court, TrustWorld, court_of
from support.world import BINARY

SYSVAR_CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")


@pytest.fixture
def device(court: Court) -> Device:
    """A device with a bond of 1,000, owed rewards of 70."""
    return working(court)


@pytest.fixture
def tab(griefer: Griefer, network: Network) -> Tab:
    """The attacker's tab, with ten deposits."""
    return griefer.tab(network, 10 * DEPOSIT)


def test_disputes_by_the_dozen_pay_the_device(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost: a deposit each, and fees; the rent comes back. The device's rewards and bond wait until attestors agreed;
    it works and earns meanwhile, and ends up richer by every deposit."""
    records = honest(10)
    disputes = [world.dispute_of(device, tab, entry) for entry in records.entries]
    for dispute in disputes:
        open_by(griefer, dispute, records)
    assert world.read_device(device).open_disputes == 10
    assert world.send(world.receipt(device, 2, 100)).event().reward == 30
    assert world.send(world.claim([device], device.payout, court.network)).event().amount == 0

    for dispute in disputes:
        court.vote(dispute, AGREES)
        end(court, dispute)

    assert world.send(world.claim([device], device.payout, court.network)).event().amount == 100
    assert (worth(world, device).bond, money(world, tab)) == (1_000 + 10 * DEPOSIT, (0, 0))
    assert world.read_network(court.network).disputes_not_guilty == 10


def test_loops_that_nobody_decides_cost_a_tenth_each_time(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost: a tenth of the deposit a challenge delay, as long as attestors sleep. Rewards wait; between two loops their
    claim goes with the resolution, so that the next dispute comes too late."""
    records = honest(1)
    for loop in range(1, 4):
        dispute = world.dispute_of(device, tab, records.entries[0])
        open_by(griefer, dispute, records)
        world.advance(CHALLENGE)
        assert worth(world, device).bond == 1_000 + (loop - 1) * 10
        if loop < 3:
            end(court, dispute)
    resolve = world.resolve_dispute(dispute, rent_payer=griefer.key)

    assert world.send(resolve, world.claim([device], device.payout, court.network)).ok

    assert worth(world, device) == Worth(wallet=70, rewards=0, earnings=0, bond=1_030)
    assert money(world, tab) == (10 * DEPOSIT - 30, 0)


def test_loops_that_overlap_hold_rewards_and_bond_as_long_as_they_are_paid_for(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost: two tenths of the deposit a challenge delay while attestors sleep, two deposits where they don't. Rewards
    and a bond that is due wait; the device gets what it costs. Attestors that vote end it."""
    records = honest(2)
    world.must(world.withdraw_bond(device, 1_000))
    first, second = (world.dispute_of(device, tab, entry) for entry in records.entries)
    open_by(griefer, first, records)
    for _ in range(UNBONDING // (CHALLENGE // 2)):
        world.advance(CHALLENGE // 2)
        open_by(griefer, second, records)
        world.advance(CHALLENGE // 2)
        end(court, first)
        first, second = second, first
    tenths = 24 * DEPOSIT // 10
    assert worth(world, device).bond == 1_000 + tenths
    assert money(world, tab) == (10 * DEPOSIT - tenths - DEPOSIT, 0)
    assert world.send(world.withdraw_bond(device)).error_name == "DisputeOpen"

    court.vote(first, AGREES)
    resolve = world.resolve_dispute(first, rent_payer=griefer.key)
    assert world.send(resolve, world.withdraw_bond(device)).ok

    assert world.balance(device.owner, court.network.mint) == 1_000
    assert worth(world, device).bond == tenths + DEPOSIT


def test_a_dispute_in_the_last_second_of_unbonding_holds_the_bond_once(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost: a tenth of the deposit, or all of it. A true device gets its bond a challenge delay later, with what the
    attacker lost; an untrue one is slashed in its last second."""
    records = honest(1)
    world.must(world.withdraw_bond(device, 1_000))
    world.advance(UNBONDING - 1)
    dispute = world.dispute_of(device, tab, records.entries[0])
    open_by(griefer, dispute, records)
    world.advance(1)
    assert world.send(world.withdraw_bond(device)).error_name == "DisputeOpen"
    world.advance(CHALLENGE - 1)

    released = world.send(world.resolve_dispute(dispute, rent_payer=griefer.key), world.withdraw_bond(device))

    assert released.ok
    assert world.balance(device.owner, court.network.mint) == 1_000
    assert worth(world, device).bond == 10
    assert money(world, tab) == (10 * DEPOSIT - 10, 0)


def test_a_dispute_keeps_a_retired_device_open_at_a_price(
    world: TrustWorld, griefer: Griefer, court: Court, tab: Tab
) -> None:
    """Cost: a tenth of the deposit each time, which is the device's bond then. It leaves an unbonding delay later, and
    the account closes; the rent waits so long."""
    device, records = court.device(0), honest(1)
    dispute = world.dispute_of(device, tab, records.entries[0])
    open_by(griefer, dispute, records)
    assert not world.must(world.retire(device)).event().closed
    world.advance(CHALLENGE)
    end(court, dispute)

    assert world.send(world.retire(device)).error_name == "DeviceInactive"
    world.must(world.withdraw_bond(device, 10))
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device), world.retire(device)).ok

    assert world.account(device.address) is None
    assert world.balance(device.owner, court.network.mint) == 10
    assert money(world, tab) == (10 * DEPOSIT - 10, 0)


def test_attestors_that_are_removed_leave_disputes_undecided_never_decided(
    world: TrustWorld, court: Court, device: Device, tab: Tab
) -> None:
    """The authority's cost: an announcement that everybody sees. A device that was about to be found guilty loses
    nothing, gets a tenth of the deposit, and can be disputed again. Once enough agreed, it is too late for that."""
    records = court.paid_record(tab, 70)
    dispute = world.dispute(device, tab, records)
    court.vote(dispute, DIFFERS, 1)
    court.must(world.propose(court.network, changes.remove_attestor(court.attestors[2].pubkey())))
    shown = world.resolve_dispute(dispute, shown=dispute.entry)
    assert world.send(shown).error_name == "DisputeUndecided"
    world.advance(CHALLENGE)

    assert world.send(shown).event().to_bond == 10
    assert money(world, tab) == (10 * DEPOSIT - 10, 0)
    court.convict(device, tab, records.entries[0], records)
    assert worth(world, device).bond == 505


def test_a_friend_that_disputes_first_gets_the_challengers_part(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost to the cheater: what any conviction costs, less the challenger's part. Nobody else can open the same dispute
    meanwhile, and nobody has to: attestors decide it all the same."""
    consumer = world.tab(court.network, 0)
    records = court.paid_record(consumer, 70)
    dispute = world.dispute_of(device, tab, records.entries[0])
    open_by(griefer, dispute, records)
    court.vote(dispute, DIFFERS)

    event = world.send(world.resolve_dispute(dispute, shown=dispute.entry, rent_payer=griefer.key)).event()

    assert (event.to_consumer, event.to_challenger, event.to_pool) == (70, DEPOSIT, 330)
    assert (money(world, tab), money(world, consumer)) == ((11 * DEPOSIT, 0), (70, 0))


def test_a_rent_payer_that_became_a_program_does_not_hold_a_dispute_open(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device, tab: Tab
) -> None:
    """Cost: a program's rent. Lamports reach a wallet also after a program was deployed at its address."""
    records, payer = honest(1), world.keypair(lamports=10**9)
    dispute = world.dispute_of(device, tab, records.entries[0])
    signature = world.accuse(dispute, records)[0]
    court.must(signature, world.open_dispute(dispute, payer=payer.pubkey()))
    world.runtime.add_program(payer.pubkey(), BINARY)
    world.advance(CHALLENGE)
    rent, before = world.lamports(dispute.address), world.lamports(payer.pubkey())

    assert world.send(world.resolve_dispute(dispute, rent_payer=payer.pubkey())).ok

    assert world.lamports(payer.pubkey()) == before + rent
    assert world.send(world.claim([device], device.payout, court.network)).event().amount == 70


def test_loops_cost_nothing_where_a_tenth_of_the_deposit_is_nothing(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: fees, where a network asks for less than 10 base units and its attestors sleep: deposits must be worth
    something. Attestors that vote take all of it."""
    court = court_of(world, dispute_deposit=9)
    device, tab, records = working(court), griefer.tab(court.network, 9), honest(1)
    dispute = world.dispute_of(device, tab, records.entries[0])
    for _ in range(3):
        open_by(griefer, dispute, records)
        world.advance(CHALLENGE)
        end(court, dispute)
    assert (money(world, tab), worth(world, device).bond) == ((9, 0), 1_000)

    open_by(griefer, dispute, records)
    court.vote(dispute, AGREES)
    end(court, dispute)

    assert (money(world, tab), worth(world, device).bond) == ((0, 0), 1_009)


def test_a_guilty_owner_that_never_closes_keeps_its_challengers_rent(
    world: TrustWorld, griefer: Griefer, court: Court, device: Device
) -> None:
    """Cost to the owner: the rent of its device's account, which is more. The challenger has its deposit and as much
    again; the rent of the dispute comes back only when the device's account closes."""
    challenger = world.tab(court.network, DEPOSIT)
    records = court.paid_record(challenger, 0)
    dispute = court.convict(device, challenger, records.entries[0], records)
    world.must(world.withdraw_bond(device, 500))
    world.advance(UNBONDING)
    world.must(world.withdraw_bond(device))

    assert world.send(world.close_dispute(dispute)).error_name == "TooSoon"
    assert money(world, challenger) == (2 * DEPOSIT, 0)
    assert world.lamports(dispute.address) < world.lamports(device.address)
    before, rent = (
        world.lamports(world.payer.pubkey()),
        world.lamports(dispute.address) + world.lamports(device.address),
    )
    fees = world.must(world.retire(device), world.close_dispute(dispute)).fee
    assert world.lamports(world.payer.pubkey()) == before + rent - fees
