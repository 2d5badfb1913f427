"""Lanes whose device changes: its owner, key and payout, its retirement, and another registration under its key."""

from __future__ import annotations

import pytest

from support.consumers import CLOSE_DELAY, entry
from support.parties import Device, Lane, Network
from support.world import World
from worktab.program.generated.types import NewKey


def closed_and_registered_again(world: World, device: Device) -> Device:
    """The device retired with nothing owed, and registered anew under its key."""
    world.must(world.retire(device))
    assert world.account(device.address) is None
    return world.device(device.network, signer=device.signer, owner=device.owner)


def test_a_lane_outlives_a_closed_device_and_ends_by_delay(world: World, lane: Lane) -> None:
    world.must(world.retire(lane.device))
    assert not world.send(world.voucher(lane, 40)).ok
    assert not world.send(world.waive(lane)).ok

    world.must(world.close_lane(lane))
    world.advance(CLOSE_DELAY)
    world.must(world.close_lane(lane))

    assert (world.read_tab(lane.tab).balance, world.lanes(lane.tab)) == (1_000, ())


def test_a_lane_for_an_earlier_registration_ends_by_delay(world: World, lane: Lane) -> None:
    again = closed_and_registered_again(world, lane.device)
    assert (again.address, again.index) == (lane.device.address, lane.device.index + 1)
    assert world.send(world.voucher(lane, 40)).error_name == "ForeignLane"
    assert world.send(world.add(lane, 10)).error_name == "ForeignLane"
    assert world.send(world.waive(lane)).error_name == "ForeignLane"

    world.must(world.close_lane(lane))
    world.advance(CLOSE_DELAY)
    world.must(world.close_lane(lane))

    assert world.read_tab(lane.tab).balance == 1_000
    assert world.read_device(again).earnings_owed == 0


def test_a_new_registration_gets_lanes_of_its_own(world: World, lane: Lane) -> None:
    again = closed_and_registered_again(world, lane.device)
    new = world.lane(lane.tab, again, 50)

    assert world.send(world.voucher(new, 50)).ok
    said = [entry(lane, 40), entry(Lane(lane.tab, again, new.nonce, new.signer), 50)]
    assert world.send(world.batch(lane.tab, said, [again])).error_name == "StaleVoucher"

    assert [(each.device, each.paid) for each in world.lanes(lane.tab)] == [
        (lane.device.index, 0),
        (again.index, 50),
    ]


def test_a_device_with_earnings_stays_until_they_are_claimed(world: World, lane: Lane) -> None:
    world.must(world.voucher(lane, 40))
    world.must(world.retire(lane.device))

    assert world.read_device(lane.device).status == 3
    assert world.send(world.voucher(lane, 60)).event().amount == 20
    assert world.send(world.reserve(lane.tab, lane.device, 10)).error_name == "DeviceInactive"


def test_an_owner_waives_also_for_a_retired_device(world: World, lane: Lane) -> None:
    world.must(world.voucher(lane, 40))
    world.must(world.retire(lane.device))

    assert world.send(world.waive(lane)).event().returned == 60


def test_vouchers_survive_a_change_of_key_payout_and_owner(world: World, lane: Lane) -> None:
    """A lane is the device's by index: who holds it now is paid."""
    device, signer, heir = lane.device, world.ed25519(), world.keypair()
    key = NewKey(key=signer.public.raw33, kind=1, possession=None)
    world.must(world.possession(device, signer=signer), world.update(device, key=key))
    world.must(world.update(device, payout=heir.pubkey()))
    world.must(world.update(device, new_owner=heir.pubkey()))

    assert world.send(world.voucher(lane, 40)).event().amount == 40

    assert world.read_device(device).earnings_owed == 40


def test_a_sale_is_the_owners_own_by_who_owns_the_device_when_it_settles(
    world: World, network: Network, device: Device
) -> None:
    consumer = world.keypair()
    lane = world.lane(world.tab(network, 100, consumer=consumer), device, 100)
    world.must(world.voucher(lane, 10))
    world.must(world.update(device, new_owner=consumer.pubkey()))
    world.must(world.voucher(lane, 30))

    held = world.read_device(device)

    assert (held.units_sold, held.units_self_sold) == (30, 20)
    assert (held.earnings_owed, held.self_earnings_owed) == (30, 20)


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_any_device_sells_whatever_its_kind_of_key(world: World, network: Network, kind: str) -> None:
    signer = world.p256() if kind == "p256" else world.ed25519()
    device = world.device(network, signer=signer)
    lane = world.lane(world.tab(network, 100), device, 100)

    assert world.send(world.voucher(lane, 40)).event().amount == 40


def test_a_network_on_the_path_of_roots_settles_as_well(world: World) -> None:
    network = world.network(reward_path=2)
    device = world.device(network)
    lane = world.lane(world.tab(network, 100), device, 100)

    assert world.send(world.voucher(lane, 40)).event().amount == 40
    assert world.read_network(network).pool_owed == 0
