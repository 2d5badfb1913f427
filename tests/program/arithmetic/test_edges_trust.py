"""Basis points and quarters of bonds, at every edge: rounded down, and every base unit of a slash goes somewhere."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from support.edges_case import U64
from support.edges_trust import AGREES, DIFFERS, Accusation, Trust
from support.parties import Device, Network, Tab
from support.world import World

BPS = (0, 1, 9, 3_333, 5_000, 9_999, 10_000)
SMALL = (1, 2, 3, 4, 5, 7, 9_999, 10_000, 10_001)
HALF = 1 << 63


class Case:
    """A network whose disputes cost a deposit, and a device with a bond."""

    def __init__(self, world: World, bond: int, deposit: int, slash_bps: int) -> None:
        self.world, self.trust = world, Trust(world)
        self.attestor: Keypair = world.keypair()
        self.network: Network = world.network(
            fund=0,
            attestors=(self.attestor.pubkey(),),
            threshold=1,
            dispute_deposit=deposit,
            slash_bps=slash_bps,
        )
        self.device: Device = world.device(self.network)
        self.challenger: Tab = world.tab(self.network, deposit)
        self.buyer: Tab = world.tab(self.network)
        if bond:
            world.must(self.trust.bond(self.device, bond))

    def end(self, finding: int | None, paid: int = 0) -> tuple[int, ...]:
        """A dispute from its beginning to its end; what was moved, and the pool, both tabs and the bond after it."""
        world = self.world
        accusation = Accusation(self.device, self.challenger, amount=paid, paid_by=self.buyer)
        world.patch_device(self.device, seq=1, head=accusation.head)
        world.must(self.trust.accuse(accusation))
        if finding is None:
            world.advance(600)
        else:
            world.must(self.trust.find(accusation, self.attestor, finding))
        event = world.send(self.trust.resolve(accusation)).event()
        after = (
            world.read_network(self.network).pool_free,
            world.read_tab(self.buyer).balance,
            world.read_tab(self.challenger).balance,
            world.read_device(self.device).bond,
        )
        assert (event.to_pool, event.to_consumer, event.deposit_back + event.to_challenger) == after[:3]
        return after


def slashed(bond: int, deposit: int, bps: int, paid: int) -> tuple[int, ...]:
    """What the protocol says, in numbers without an end: a quarter at least, rounded up, is the pool's."""
    total = bond * bps // 10_000
    shared = total - -(-total // 4)
    consumer = min(paid, shared)
    challenger = min(deposit, shared - consumer)
    return total - consumer - challenger, consumer, deposit + challenger, bond - total


@pytest.mark.parametrize("bps", BPS)
def test_every_base_unit_of_a_small_slash_goes_somewhere(world: World, bps: int) -> None:
    for bond in (0, *SMALL):
        for deposit, paid in ((1, 0), (1, 1), (2, U64), (10_000, 3)):
            case = Case(world, bond, deposit, bps)
            assert case.end(DIFFERS, paid) == slashed(bond, deposit, bps, paid), (bond, deposit, paid)


@pytest.mark.parametrize("bps", BPS)
@pytest.mark.parametrize(("bond", "deposit"), [(U64 - 1, 1), (HALF, HALF - 1), (1, U64 - 1), ((1 << 62) + 3, HALF)])
@pytest.mark.parametrize("paid", [0, 1, (1 << 32) - 1, 1 << 32, HALF, U64])
def test_every_base_unit_of_the_largest_slash_goes_somewhere(bond: int, deposit: int, bps: int, paid: int) -> None:
    case = Case(World(), bond, deposit, bps)

    assert case.end(DIFFERS, paid) == slashed(bond, deposit, bps, paid)


@pytest.mark.parametrize("deposit", [1, 9, 10, 11, 99, (1 << 32) - 1, 1 << 32, HALF, U64])
def test_a_tenth_of_a_deposit_is_rounded_down(world: World, deposit: int) -> None:
    assert Case(world, 0, deposit, 10_000).end(None) == (0, 0, deposit - deposit // 10, deposit // 10)


@pytest.mark.parametrize("deposit", [1, HALF, U64])
def test_a_deposit_that_was_lost_is_the_devices_whole(world: World, deposit: int) -> None:
    assert Case(world, 0, deposit, 10_000).end(AGREES) == (0, 0, 0, deposit)


@pytest.mark.parametrize("bps", BPS)
def test_a_penalty_is_never_more_than_was_held_for_it(world: World, bps: int) -> None:
    """Held and paid are each rounded down: whatever was delivered, the bond that is free stays what it was."""
    network = world.network(fund=0, attestors=(world.keypair().pubkey(),), threshold=1, challenge_delay=1)
    trust, device = Trust(world), world.device(network)
    world.must(trust.bond(device, 1_000_000))
    for due in SMALL:
        for delivered in sorted({0, 1, due // 2, due - 1}):
            tab = world.tab(network, due)
            lane = world.lane(tab, device, due)
            world.must(trust.promise(lane, due, bps, world.now + 1))
            held = world.read_device(device)
            assert held.bond_held == due * bps // 10_000
            if 0 < delivered < due:
                world.must(world.voucher(lane, delivered))
            world.advance(2)
            event = world.send(trust.enforce(lane)).event()
            missing = due - event.delivered
            assert event.penalty == missing * bps // 10_000 <= held.bond_held
            after = world.read_device(device)
            assert (after.bond, after.bond_held) == (held.bond - event.penalty, 0)


@pytest.mark.parametrize("bps", BPS)
def test_a_penalty_of_half_of_all_there_is_is_exact(world: World, bps: int) -> None:
    network = world.network(fund=0, attestors=(world.keypair().pubkey(),), threshold=1, challenge_delay=1)
    trust, device, due = Trust(world), world.device(network), HALF - 1
    world.must(trust.bond(device, HALF))
    lane = world.lane(world.tab(network, due), device, due)
    world.must(trust.promise(lane, due, bps, world.now + 1))
    world.must(world.voucher(lane, 1, 0))
    world.advance(2)

    assert world.send(trust.enforce(lane)).event().penalty == (due - 1) * bps // 10_000
    assert world.read_device(device).bond == HALF - (due - 1) * bps // 10_000
