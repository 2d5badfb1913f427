"""set_pause: who stops new work and who lets it go on, and that no flag stops an exit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support import changes
from support.builders import unsigned
from support.world import World
from worktab.program.generated.events import PauseSet

REGISTER, SUBMIT, RESERVE, COMMIT, FINALIZE = 1, 2, 4, 8, 16
ALL = 31


@pytest.mark.parametrize("flags", [0, REGISTER, SUBMIT, RESERVE, COMMIT, FINALIZE, ALL])
def test_the_authority_sets_any_flags(world: World, flags: int) -> None:
    network = world.network()
    before = world.read_network(network)

    event = world.send(world.pause(network, flags)).event()

    assert event == PauseSet(network.address, flags)
    assert world.read_network(network) == replace(before, pause=flags)
    assert world.send(world.pause(network, ALL ^ flags)).ok
    assert world.read_network(network).pause == ALL ^ flags
    assert world.send(world.pause(network, 0)).ok
    assert world.read_network(network).pause == 0


@pytest.mark.parametrize("flags", [32, 64, 128, 255, 33])
def test_flags_that_mean_nothing_are_refused(world: World, flags: int) -> None:
    guardian = world.keypair()
    network = world.network(guardian=guardian.pubkey())

    assert world.send(world.pause(network, flags)).error_name == "InvalidParameter"
    assert world.send(world.pause(network, flags, signer=guardian)).error_name == "InvalidParameter"
    assert world.read_network(network).pause == 0


def test_the_guardian_adds_flags_and_takes_none_away(world: World) -> None:
    guardian = world.keypair()
    network = world.network(guardian=guardian.pubkey())
    accepted = [SUBMIT, SUBMIT, SUBMIT | REGISTER, ALL]
    for flags in accepted:
        assert world.send(world.pause(network, flags, signer=guardian)).event() == PauseSet(network.address, flags)

    for flags in (0, SUBMIT, ALL ^ FINALIZE):
        assert world.send(world.pause(network, flags, signer=guardian)).error_name == "Unauthorized"
    assert world.read_network(network).pause == ALL

    assert world.send(world.pause(network, SUBMIT)).ok
    assert world.send(world.pause(network, REGISTER, signer=guardian)).error_name == "Unauthorized"


def test_nobody_else_pauses(world: World) -> None:
    attestor, stranger = world.keypair(), world.keypair()
    network = world.network(attestors=(attestor.pubkey(),), threshold=1)

    for signer in (attestor, stranger):
        for flags in (0, SUBMIT):
            assert world.send(world.pause(network, flags, signer=signer)).error_name == "Unauthorized"
    paused = unsigned(world.pause(network, ALL), network.authority.pubkey())
    assert world.send(paused).error == "MissingRequiredSignature"


def test_a_replaced_guardian_pauses_no_more(world: World) -> None:
    old, new = world.keypair(), world.keypair()
    network = world.network(guardian=old.pubkey(), parameter_delay=0)
    assert world.send(world.propose(network, changes.guardian(new.pubkey()))).ok
    assert world.send(world.pause(network, SUBMIT, signer=new)).error_name == "Unauthorized"
    assert world.send(world.apply(network)).ok

    assert world.send(world.pause(network, SUBMIT, signer=old)).error_name == "Unauthorized"
    assert world.send(world.pause(network, SUBMIT, signer=new)).ok


@pytest.mark.parametrize("flags", range(ALL + 1))
def test_each_flag_stops_its_own_work_and_no_other(world: World, flags: int) -> None:
    network = world.network()
    device = world.device(network)
    world.next_epoch(network)
    planned, terms = world.plan(network)
    assert world.send(world.pause(network, flags)).ok

    registered = world.send(world.possession(planned), world.register(planned, terms))
    submitted = world.send(world.receipt(device, 1, 10))

    assert registered.error_name == ("Paused" if flags & REGISTER else "")
    assert submitted.error_name == ("Paused" if flags & SUBMIT else "")


def test_work_goes_on_after_a_pause(world: World) -> None:
    network = world.network()
    device = world.device(network)
    world.next_epoch(network)
    receipt = world.receipt(device, 1, 10)
    assert world.send(world.pause(network, ALL)).ok
    assert world.send(receipt).error_name == "Paused"

    assert world.send(world.pause(network, 0)).ok

    assert world.send(receipt).event().reward == 10


def test_nothing_stops_an_exit_or_the_owners_own_affairs(world: World) -> None:
    network = world.network(parameter_delay=0)
    device = world.device(network)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    assert world.send(world.pause(network, ALL)).ok

    assert world.send(world.update(device, capacity=5)).ok
    assert world.send(world.retire(device)).event().closed is False
    assert world.send(world.claim([device], device.payout, network)).event().amount == 10
    assert world.send(world.retire(device)).event().closed is True
    assert world.balance(device.payout) == 10
    assert world.send(world.fund(network, 1)).ok
    assert world.send(world.propose(network, changes.fees(1, 1)), world.apply(network)).ok
