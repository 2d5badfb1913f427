"""Work that others pay for with their share: idle capacity, greedy devices, edges of epochs, a pool that leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support import changes
from support.griefing import SIGNATURE, Griefer, worth
from support.parties import CLASS, DELAY, EPOCH, FUNDS, Device, Network
from support.trust_scenes import CHALLENGE, TrustWorld, court_of

BUDGET = 1_000


def register(world: TrustWorld, griefer: Griefer, network: Network, capacity: int) -> Device:
    """A device of the attacker's, at its expense."""
    device, terms = world.plan(network, owner=griefer.wallet, capacity=capacity, open_payout=False)
    griefer.attack(world.possession(device), world.register(device, terms, payer=griefer.key))
    return device


def test_idle_devices_thin_shares_where_capacity_is_free(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: fees; the rent comes back. The victim's share falls to its part of all capacity: why networks ask for bonds
    or admission. What nobody earns stays in the pool."""
    network = world.network(classes=(replace(CLASS, budget=BUDGET),))
    victim = world.device(network, capacity=1_000)
    idle = [register(world, griefer, network, 1_000) for _ in range(9)]
    world.next_epoch(network)

    assert world.send(world.receipt(victim, 1, 1_000)).error_name == "RewardLimited"
    assert world.send(world.receipt(victim, 1, 100)).event().reward == 100
    assert world.read_network(network).pool_free == FUNDS - 100

    for device in idle:
        griefer.attack(world.retire(device, rent_payer=griefer.key))
    assert griefer.spent == 9 * 3 * SIGNATURE
    world.next_epoch(network)
    assert world.send(world.receipt(victim, 2, 1_100)).event().reward == BUDGET


@pytest.mark.parametrize(
    ("terms", "error"),
    [({"admission": 1}, "AdmissionRequired"), ({"classes": (replace(CLASS, least_bond=1_000),)}, "BondTooSmall")],
    ids=["admission", "least bond"],
)
def test_admission_or_a_least_bond_keeps_idle_capacity_out(
    world: TrustWorld, griefer: Griefer, terms: dict[str, Any], error: str
) -> None:
    """Cost: fees. Without the network's word, or a bond, nobody announces capacity."""
    network = world.network(**terms)
    device, registration = world.plan(network, owner=griefer.wallet, capacity=1_000)

    refused = griefer.attempt(world.possession(device), world.register(device, registration, payer=griefer.key))

    assert refused.error_name == error
    assert world.read_network(network).classes[0].next_total_capacity == 0


def test_a_least_bond_that_comes_later_leaves_idle_capacity_where_it_is(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: fees, once. Idle devices earn nothing without the bond, but the bonded victim's share stays thinned out;
    the network opens another class, which none of them gets into."""
    asking = replace(CLASS, budget=BUDGET, least_bond=1_000)
    network = world.network(classes=(replace(asking, least_bond=0),))
    victim = world.device(network, capacity=1_000)
    world.bond(victim, 1_000)
    idle = [register(world, griefer, network, 1_000) for _ in range(9)]
    for number in (0, 1):
        world.must(world.propose(network, changes.class_terms(number, asking)))
        world.advance(DELAY)
        world.must(world.apply(network))
    world.next_epoch(network)
    assert world.send(world.receipt(idle[0], 1, 1)).error_name == "BondTooSmall"
    assert world.send(world.receipt(victim, 1, 101)).error_name == "RewardLimited"

    moved = world.device(network, class_=1, capacity=0)
    world.bond(moved, 1_000)
    world.must(world.update(moved, capacity=1_000))
    world.next_epoch(network)

    assert world.send(world.receipt(moved, 1, 1_000)).event().reward == BUDGET


def test_one_device_never_earns_more_than_its_share(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: nothing that works brings more. A greedy device leaves the others' shares untouched, also with consent."""
    network = world.network(classes=(replace(CLASS, budget=BUDGET),))
    victim, greedy = world.device(network, capacity=1_000), register(world, griefer, network, 1_000)
    world.next_epoch(network)

    taken = world.send(world.receipt(greedy, 1, 1_000, consent=griefer.wallet))
    more = world.send(world.receipt(greedy, 2, 2_000, consent=griefer.wallet))

    assert (taken.event().reward, more.event().reward) == (500, 0)
    assert world.send(world.receipt(victim, 1, 500)).event().reward == 500


def test_the_edge_of_an_epoch_gives_two_shares_and_no_more(world: TrustWorld) -> None:
    """Cost: none, gain: none. The last second of one epoch and the first of the next are two epochs."""
    network = world.network(classes=(replace(CLASS, budget=BUDGET),))
    victim, edgy = world.device(network, capacity=1_000), world.device(network, capacity=1_000)
    world.next_epoch(network)
    world.next_epoch(network, before=1)
    assert world.send(world.receipt(edgy, 1, 500)).event().reward == 500
    world.advance(1)
    assert world.send(world.receipt(edgy, 2, 1_000)).event().reward == 500
    world.advance(EPOCH - 1)
    assert world.send(world.receipt(edgy, 3, 1_500)).error_name == "RewardLimited"
    assert world.send(world.receipt(victim, 1, 500)).event().reward == 500


def test_capacity_announced_at_the_edge_does_not_count_backwards(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: fees. Capacity announced in the last second thins the next epoch only, and not the running one."""
    network = world.network(classes=(replace(CLASS, budget=BUDGET),))
    victim = world.device(network, capacity=1_000)
    world.next_epoch(network)
    register(world, griefer, network, 1_000_000)

    assert world.send(world.receipt(victim, 1, 1_000)).event().reward == BUDGET
    world.next_epoch(network)
    assert world.send(world.receipt(victim, 2, 1_001)).error_name == "RewardLimited"


def test_a_pool_that_leaves_takes_nothing_that_is_owed(world: TrustWorld) -> None:
    """The authority's cost: an announcement that everybody sees for the whole delay. What was accrued until then is
    paid; units that would earn nothing are not recorded against the device's will."""
    network = world.network(fund=1_000)
    device = world.device(network)
    destination = network.mint.open(network.authority.pubkey())
    world.must(world.propose(network, changes.withdraw_pool(1_000, destination)))
    world.next_epoch(network)
    world.must(world.receipt(device, 1, 300))
    assert world.send(world.withdraw_pool(network, destination)).error_name == "NotDue"
    world.advance(DELAY)

    assert world.send(world.withdraw_pool(network, destination)).event().amount == 700
    limited = world.send(world.receipt(device, 2, 400))

    assert limited.error_name == "RewardLimited"
    assert world.read_device(device).units == 300
    assert world.send(world.claim([device], device.payout, network)).ok
    assert worth(world, device).total == 300
    world.must(world.fund(network, 100))
    assert world.send(world.receipt(device, 2, 400)).event().reward == 100


def test_capacity_at_the_end_of_numbers_shuts_out_capacity_not_devices(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: 65,536 devices' rent, which comes back, and fees, on a network whose class allows the largest capacity to
    anybody. Others then register without capacity; those that are there go on."""
    network = world.network(classes=(replace(CLASS, max_capacity=1 << 48),))
    victim = world.device(network, capacity=1_000)
    world.patch_class(network, next_total_capacity=(1 << 64) - 1)
    late, terms = world.plan(network, capacity=1)

    assert world.send(world.possession(late), world.register(late, terms)).error_name == "Overflow"
    assert world.send(world.possession(late), world.register(late, replace(terms, capacity=0))).ok
    assert world.send(world.update(victim, capacity=999)).ok
    assert world.must(world.retire(victim)).event().closed


def test_indexes_used_up_stop_registrations_and_nothing_else(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: two signatures for each of some 4,300,000,000 registrations: about 43,000 SOL, where nobody admits devices.
    The network takes no device any more; those that it has go on."""
    network = world.network()
    victim = world.device(network)
    world.patch_network(network, next_device_index=(1 << 32) - 2)
    last = register(world, griefer, network, 0)
    late, terms = world.plan(network)

    assert world.read_device(last).index == (1 << 32) - 2
    assert world.send(world.possession(late), world.register(late, terms)).error_name == "Overflow"
    world.next_epoch(network)
    assert world.send(world.receipt(victim, 1, 10)).event().reward == 10
    assert world.send(world.claim([victim], victim.payout, network)).ok
    assert worth(world, victim).total == 10


def test_one_bond_does_not_stand_for_the_capacity_of_many_devices(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: fees. The owner wants its bond back for the next device, as the penalty of an SLA with its own second
    wallet: what the class asks for can't be promised."""
    court = court_of(world, classes=(replace(CLASS, budget=BUDGET, least_bond=1_000),))
    network = court.network
    device = court.device(1_000, capacity=0)
    court.must(world.update(device, capacity=1_000))
    lane = world.lane(griefer.tab(network, 1_000), device, 1_000)

    assert world.send(world.open_sla(world.sla_of(lane, 1, 10_000))).error_name == "BondHeld"

    world.bond(device, 1)
    sla = world.sla(lane, 1, 10_000, deadline=world.now + 1)
    world.advance(1 + CHALLENGE)
    assert griefer.attack(world.enforce_sla(sla)).event().penalty == 1
    assert worth(world, device).bond == 1_000
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, BUDGET)).event().reward == BUDGET
