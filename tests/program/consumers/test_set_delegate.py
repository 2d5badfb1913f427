"""Delegates are set, changed and revoked by the consumer; their terms are checked where they are made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.builders import read_only, signed, unsigned
from support.consumers import U64
from support.effects import effects
from support.parties import Device, Tab
from support.svm import START
from support.world import World
from worktab.program.generated.types import Delegate

FREE = Delegate(bytes(32), *[0] * 11)


def test_a_delegate_is_set(world: World, tab: Tab) -> None:
    key = world.keypair()
    terms = world.delegate_terms(
        key, allowance=500, period_limit=50, period_length=60, lane_limit=70, expires_at=world.now + 9, classes=0b101
    )

    changes = effects(world, world.set_delegate(tab, 2, terms))

    assert set(changes) == {tab.address}
    assert world.read_tab(tab).delegates == (
        FREE,
        Delegate(
            key=bytes(key.pubkey()),
            allowance=500,
            period_limit=50,
            period_spent=0,
            period=0,
            lane_limit=70,
            set_at=world.now,
            expires_at=world.now + 9,
            period_length=60,
            lanes=0,
            classes=0b101,
            status=1,
        ),
        FREE,
        FREE,
    )
    assert {name.split(".")[1] for name in changes[tab.address]} == {"1"}


def test_the_event_tells_the_terms(world: World, tab: Tab) -> None:
    key = world.keypair()
    terms = world.delegate_terms(
        key, allowance=500, period_limit=50, period_length=60, lane_limit=70, expires_at=world.now + 9, classes=5
    )

    event = world.send(world.set_delegate(tab, 4, terms)).event()

    assert type(event).__name__ == "DelegateSet"
    assert (event.tab, event.slot, event.status) == (tab.address, 4, 1)
    assert {name: getattr(event, name) for name, _ in terms.FIELDS} == {
        name: getattr(terms, name) for name, _ in terms.FIELDS
    }


def test_a_revoked_delegate_without_lanes_leaves_a_free_slot(world: World, tab: Tab) -> None:
    before = world.data(tab.address)
    key = world.delegate(tab, 3)

    event = world.send(world.set_delegate(tab, 3, None)).event()

    assert (event.slot, event.status, event.key, event.allowance, event.classes) == (3, 0, key.pubkey(), 0, 0)
    assert world.data(tab.address) == before


def test_a_revoked_delegate_with_lanes_keeps_its_key(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 1)
    world.lane(tab, device, 10, signer=key)

    changes = effects(world, world.set_delegate(tab, 1, None))

    assert changes == {tab.address: {"delegates.0.status": 1}}
    assert world.slot_of(tab).status == 2


def test_the_event_of_a_revoked_key_that_stays_says_so(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 1)
    world.lane(tab, device, 10, signer=key)

    event = world.send(world.set_delegate(tab, 1, None)).event()

    assert (event.status, event.key, event.allowance) == (2, key.pubkey(), 0)


def test_what_is_not_active_is_not_revoked(world: World, tab: Tab, device: Device) -> None:
    assert world.send(world.set_delegate(tab, 1, None)).error_name == "DelegateRevoked"
    key = world.delegate(tab, 1)
    world.lane(tab, device, 10, signer=key)
    world.must(world.set_delegate(tab, 1, None))

    assert world.send(world.set_delegate(tab, 1, None)).error_name == "DelegateRevoked"


def test_terms_replace_earlier_ones_whole(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 1, allowance=100, period_limit=60, period_length=1_000)
    world.lane(tab, device, 60, signer=key)
    world.advance(1_500)
    terms = world.delegate_terms(key, allowance=80, period_limit=30, period_length=500, lane_limit=20, classes=1)

    assert world.send(world.set_delegate(tab, 1, terms)).ok

    held = world.slot_of(tab)
    assert (held.allowance, held.period_limit, held.period_spent, held.period) == (80, 30, 0, 0)
    assert (held.period_length, held.lane_limit, held.classes, held.set_at) == (500, 20, 1, world.now)
    assert (held.lanes, held.status) == (1, 1)


@pytest.mark.parametrize("slot", [0, 5, 255])
def test_there_are_four_slots(world: World, tab: Tab, slot: int) -> None:
    terms = world.delegate_terms(world.keypair())

    assert world.send(world.set_delegate(tab, slot, terms)).error_name == "InvalidParameter"
    assert world.send(world.set_delegate(tab, slot, None)).error_name == "InvalidParameter"
    assert world.read_tab(tab).delegates == (FREE,) * 4


@pytest.mark.parametrize(
    "change",
    [
        {"key": Pubkey.default()},
        {"classes": 0},
        {"lane_limit": 0},
        {"allowance": 0},
        {"expires_at": -1},
        {"expires_at": -(1 << 63)},
        {"period_limit": 1, "period_length": 0},
        {"period_limit": 0, "period_length": 1},
        {"expires_at": START},
        {"expires_at": 1},
    ],
    ids=str,
)
def test_terms_that_can_only_be_a_mistake_are_refused(world: World, tab: Tab, change: dict[str, Any]) -> None:
    terms = replace(world.delegate_terms(world.keypair()), **change)

    assert world.send(world.set_delegate(tab, 1, terms)).error_name == "InvalidParameter"
    assert world.slot_of(tab) == FREE


@pytest.mark.parametrize(
    "change",
    [
        {"allowance": 1, "lane_limit": 1, "classes": 128},
        {"period_limit": 1, "period_length": 1},
        {"period_limit": U64, "period_length": (1 << 32) - 1},
        {"expires_at": (1 << 63) - 1},
        {"expires_at": START + 1},
    ],
    ids=str,
)
def test_terms_at_their_edges_are_accepted(world: World, tab: Tab, change: dict[str, Any]) -> None:
    terms = replace(world.delegate_terms(world.keypair()), **change)

    assert world.send(world.set_delegate(tab, 1, terms)).ok


def test_a_key_has_one_number(world: World, tab: Tab) -> None:
    key = world.delegate(tab, 2)
    for slot in (1, 3, 4):
        assert world.send(world.set_delegate(tab, slot, world.delegate_terms(key))).error_name == "InvalidParameter"
    for slot in (1, 2, 3, 4):
        terms = world.delegate_terms(tab.consumer)
        assert world.send(world.set_delegate(tab, slot, terms)).error_name == "InvalidParameter"

    assert world.send(world.set_delegate(tab, 2, world.delegate_terms(key))).ok


def test_a_revoked_key_that_lanes_name_has_its_number_still(world: World, tab: Tab, device: Device) -> None:
    key = world.delegate(tab, 2)
    lane = world.lane(tab, device, 10, signer=key)
    world.must(world.set_delegate(tab, 2, None))
    elsewhere = world.set_delegate(tab, 1, world.delegate_terms(key))
    assert world.send(elsewhere).error_name == "InvalidParameter"

    world.must(world.waive(lane))

    assert world.send(elsewhere).ok


def test_only_the_consumer_sets_delegates(world: World, tab: Tab, device: Device) -> None:
    delegate = world.delegate(tab, 1)
    terms = world.delegate_terms(world.keypair())
    for somebody in (delegate, world.payer, device.owner, tab.network.authority):
        for said in (terms, None):
            instruction = world.set_delegate(tab, 1, said, consumer=somebody.pubkey())
            assert world.send(signed(instruction, somebody.pubkey())).error_name == "Unauthorized"

    assert world.send(unsigned(world.set_delegate(tab, 1, None), tab.consumer.pubkey())).error == (
        "MissingRequiredSignature"
    )
    assert world.slot_of(tab).key == bytes(delegate.pubkey())


def test_a_delegate_is_of_one_tab(world: World, tab: Tab, device: Device) -> None:
    delegate, other = world.delegate(tab, 1), world.tab(tab.network, 100)

    assert world.send(world.reserve(other, device, 10, signer=delegate)).error_name == "Unauthorized"
    assert world.send(world.set_delegate(other, 1, None, consumer=tab.consumer.pubkey())).error_name == "Unauthorized"


def test_what_is_no_tab_or_read_only_is_refused(world: World, tab: Tab, device: Device) -> None:
    terms = world.delegate_terms(world.keypair())
    for address in (device.address, tab.network.address, tab.network.vault, world.keypair().pubkey()):
        assert not world.send(world.set_delegate(tab, 1, terms, tab=address)).ok

    assert not world.send(read_only(world.set_delegate(tab, 1, terms), tab.address)).ok
    assert world.slot_of(tab) == FREE


def test_setting_the_same_terms_again_starts_them_anew(world: World, tab: Tab, device: Device) -> None:
    """A replayed instruction can't do this: the consumer signs each transaction. Its wallet should know."""
    key = world.keypair()
    grant = world.set_delegate(tab, 1, world.delegate_terms(key, allowance=100))
    world.must(grant)
    world.lane(tab, device, 100, signer=key)
    assert world.send(world.reserve(tab, device, 1, signer=key)).error_name == "AllowanceExceeded"

    world.must(grant)

    assert world.slot_of(tab).allowance == 100
