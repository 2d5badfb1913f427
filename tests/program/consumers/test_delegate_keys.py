"""Revoked, expired and replaced keys: no new spending, and every voucher they signed stays good."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.consumers import CLOSE_DELAY, entry
from support.effects import effects
from support.parties import Device, Lane, Network, Tab
from support.world import World

Ending = Callable[[World, Tab, Lane], None]


def revoked(world: World, tab: Tab, lane: Lane) -> None:
    """The consumer revokes the key."""
    world.must(world.set_delegate(tab, 1, None))


def expired(world: World, tab: Tab, lane: Lane) -> None:
    """The key's time is over."""
    world.must(world.set_delegate(tab, 1, world.delegate_terms(lane.signer, expires_at=world.now + 1)))
    world.advance(1_000)


def limited(world: World, tab: Tab, lane: Lane) -> None:
    """The key may spend no more than it already did."""
    world.must(world.set_delegate(tab, 1, world.delegate_terms(lane.signer, allowance=1, lane_limit=1, classes=128)))


@pytest.mark.parametrize(
    ("ending", "error"),
    [(revoked, "DelegateRevoked"), (expired, "DelegateExpired"), (limited, "ClassNotAllowed")],
    ids=["revoked", "expired", "limited"],
)
def test_a_key_that_may_spend_no_more_still_pays_what_it_promised(
    world: World, tab: Tab, device: Device, ending: Ending, error: str
) -> None:
    lane = world.lane(tab, device, 100, signer=world.delegate(tab))
    voucher, batch = (
        world.voucher(lane, 40),
        world.batch(tab, [entry(lane, 70)], [device], number=1, signer=lane.signer),
    )

    ending(world, tab, lane)

    assert world.send(world.reserve(tab, device, 1, signer=lane.signer)).error_name == error
    assert world.send(world.add(lane, 1)).error_name == error
    assert world.send(voucher).event().amount == 40
    assert world.send(batch).event().entries[0].amount == 30
    # Signed afterwards: the reserve is set aside for it, whatever the consumer thinks of the key by now.
    assert world.send(world.voucher(lane, 100)).event().amount == 30
    assert world.read_device(device).earnings_owed == 100


def test_a_slot_takes_no_other_key_while_lanes_name_it(world: World, tab: Tab, device: Device) -> None:
    key, successor = world.delegate(tab, 1), world.keypair()
    lane = world.lane(tab, device, 100, signer=key)
    voucher = world.voucher(lane, 100)
    replacement = world.set_delegate(tab, 1, world.delegate_terms(successor))

    assert world.send(replacement).error_name == "SlotInUse"
    world.must(world.set_delegate(tab, 1, None))
    assert world.send(replacement).error_name == "SlotInUse"
    assert world.send(voucher).ok
    assert world.send(replacement).error_name == "SlotInUse"
    world.must(world.waive(lane))

    assert world.send(replacement).ok
    assert world.slot_of(tab).key == bytes(successor.pubkey())


def test_a_replaced_key_spends_and_signs_no_more(world: World, tab: Tab, device: Device) -> None:
    old, new = world.delegate(tab, 1), world.keypair()
    world.must(world.set_delegate(tab, 1, world.delegate_terms(new)))
    lane = world.lane(tab, device, 100, signer=new)

    assert world.send(world.reserve(tab, device, 1, signer=old)).error_name == "Unauthorized"
    assert world.send(world.voucher(lane, 40, signer=old)).error_name == "InvalidProof"
    assert world.send(world.close_lane(lane, signer=old)).error_name == "Unauthorized"
    assert world.send(world.voucher(lane, 40)).ok


def test_a_revoked_slot_is_freed_when_its_last_lane_ends(world: World, tab: Tab, device: Device) -> None:
    empty = world.read_tab(tab).delegates
    key = world.delegate(tab, 1)
    lanes = [world.lane(tab, device, 10, signer=key) for _ in range(3)]
    world.must(world.set_delegate(tab, 1, None))
    for left, lane in zip((2, 1), lanes, strict=False):
        changes = effects(world, world.waive(lane))[tab.address]
        assert changes["delegates.0.lanes"] == -1
        assert (world.slot_of(tab).lanes, world.slot_of(tab).status) == (left, 2)

    world.must(world.waive(lanes[2]))

    assert world.read_tab(tab).delegates == empty


def test_an_active_slot_stays_when_its_last_lane_ends(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 1, allowance=50)
    world.must(world.waive(world.lane(tab, device, 10, signer=key)))

    held = world.slot_of(tab)

    assert (held.key, held.lanes, held.status, held.allowance) == (bytes(key.pubkey()), 0, 1, 40)


def test_a_revoked_key_may_be_taken_up_again(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 1)
    lane = world.lane(tab, device, 10, signer=key)
    world.must(world.set_delegate(tab, 1, None))

    world.must(world.set_delegate(tab, 1, world.delegate_terms(key, allowance=5)))

    assert (world.slot_of(tab).status, world.slot_of(tab).lanes) == (1, 1)
    assert world.send(world.add(lane, 5)).ok
    assert world.send(world.add(lane, 1)).error_name == "AllowanceExceeded"


def test_a_revoked_key_still_closes_its_lanes(world: World, tab: Tab, device: Device) -> None:
    lane = world.lane(tab, device, 10, signer=world.delegate(tab, 1))
    world.must(world.set_delegate(tab, 1, None))

    assert world.send(world.close_lane(lane)).ok
    world.advance(CLOSE_DELAY)
    assert world.send(world.close_lane(lane)).ok

    assert (world.lanes(tab), world.read_tab(tab).balance) == ((), 1_000)


def test_a_revoked_delegate_does_not_come_back_by_another_slot(world: World, tab: Tab, device: Device) -> None:
    """Its lanes are of the first slot: a second number for the key would split what it may spend from what it signs."""
    key = world.delegate(tab, 1)
    world.lane(tab, device, 10, signer=key)
    world.must(world.set_delegate(tab, 1, None))

    for slot in (2, 3, 4):
        assert world.send(world.set_delegate(tab, slot, world.delegate_terms(key))).error_name == "InvalidParameter"


def test_a_consumer_who_is_a_delegate_elsewhere_keeps_both_apart(
    world: World, network: Network, tab: Tab, device: Device
) -> None:
    mine = world.tab(network, 500)
    world.must(world.set_delegate(tab, 1, world.delegate_terms(mine.consumer, allowance=30)))

    theirs = world.lane(tab, device, 30, signer=mine.consumer)
    own = world.lane(mine, device, 400)

    assert (world.slot_of(tab).allowance, world.read_tab(mine).balance) == (0, 100)
    assert world.send(world.voucher(theirs, 30)).ok
    assert world.send(world.voucher(own, 400)).ok


def test_lanes_of_four_delegates_and_the_consumer_are_told_apart(world: World, tab: Tab, device: Device) -> None:
    keys = [tab.consumer, *(world.delegate(tab, slot) for slot in (1, 2, 3, 4))]
    lanes = [world.lane(tab, device, 10, signer=key) for key in keys]

    for number, lane in enumerate(lanes):
        for key in keys:
            expected = "" if key == lane.signer else "InvalidProof"
            assert world.send(world.voucher(lane, 1 + number, signer=key)).error_name == expected

    assert [each.paid for each in world.lanes(tab)] == [1, 2, 3, 4, 5]
    assert [each.lanes for each in world.read_tab(tab).delegates] == [1, 1, 1, 1]


def test_a_delegate_holds_no_more_lanes_than_can_be_counted(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 1)
    world.patch_slot(tab, 1, lanes=(1 << 16) - 1)

    assert world.send(world.reserve(tab, device, 10, signer=key)).error_name == "Overflow"
    assert (world.lanes(tab), world.read_tab(tab).balance) == ((), 1_000)
