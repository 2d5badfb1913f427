"""The authority changes hands in two steps: it proposes, the other accepts."""

from __future__ import annotations

from dataclasses import replace

from support import changes
from support.builders import unsigned
from support.parties import DELAY, NOBODY
from support.world import World
from worktab.program.generated.events import AuthorityAccepted, UpdateProposed


def test_the_proposed_authority_takes_over_when_it_accepts(world: World) -> None:
    network, heir = world.network(), world.keypair()
    before = world.read_network(network)

    event = world.send(world.propose(network, changes.authority(heir.pubkey()))).event()

    assert event == UpdateProposed(network.address, 6, 0, effective_at=0, values=(0,) * 5, key=heir.pubkey())
    assert world.read_network(network) == replace(before, pending_authority=heir.pubkey())

    event = world.send(world.accept(network, heir)).event()

    assert event == AuthorityAccepted(network.address, heir.pubkey())
    assert world.read_network(network) == replace(before, authority=heir.pubkey())
    assert world.send(world.propose(network, changes.fees(1, 1))).error_name == "Unauthorized"
    assert world.send(world.propose(network, changes.fees(1, 1), signer=heir)).ok


def test_until_then_the_old_authority_rules(world: World) -> None:
    network, heir = world.network(), world.keypair()
    assert world.send(world.propose(network, changes.authority(heir.pubkey()))).ok

    assert world.send(world.propose(network, changes.fees(1, 1), signer=heir)).error_name == "Unauthorized"
    assert world.send(world.pause(network, 1, signer=heir)).error_name == "Unauthorized"
    assert world.send(world.propose(network, changes.fees(1, 1))).ok


def test_nobody_else_accepts(world: World) -> None:
    guardian = world.keypair()
    network, heir, stranger = world.network(guardian=guardian.pubkey()), world.keypair(), world.keypair()
    assert world.send(world.propose(network, changes.authority(heir.pubkey()))).ok

    for signer in (stranger, guardian, network.authority):
        assert world.send(world.accept(network, signer)).error_name == "Unauthorized"
    assert world.send(unsigned(world.accept(network, heir), heir.pubkey())).error == "MissingRequiredSignature"


def test_an_authority_is_accepted_once(world: World) -> None:
    network, heir = world.network(), world.keypair()
    assert world.send(world.propose(network, changes.authority(heir.pubkey()))).ok
    assert world.send(world.accept(network, heir)).ok

    assert world.send(world.accept(network, heir)).error_name == "Unauthorized"


def test_where_nobody_was_proposed_nobody_accepts(world: World) -> None:
    network, stranger = world.network(), world.keypair()

    assert world.send(world.accept(network, stranger)).error_name == "Unauthorized"


def test_a_proposal_can_be_withdrawn_or_replaced(world: World) -> None:
    network, first, second = world.network(), world.keypair(), world.keypair()
    assert world.send(world.propose(network, changes.authority(first.pubkey()))).ok
    assert world.send(world.propose(network, changes.authority(second.pubkey()))).ok
    assert world.send(world.accept(network, first)).error_name == "Unauthorized"

    assert world.send(world.propose(network, changes.authority(NOBODY))).ok
    assert world.read_network(network).pending_authority == NOBODY
    assert world.send(world.accept(network, second)).error_name == "Unauthorized"


def test_a_handover_withdraws_what_the_old_authority_announced(world: World) -> None:
    network, heir = world.network(), world.keypair()
    before = world.read_network(network)
    assert world.send(world.propose(network, changes.fees(7, 0))).ok
    pending = world.read_network(network).pending

    assert world.send(world.propose(network, changes.authority(heir.pubkey()))).ok
    assert world.read_network(network).pending == pending
    assert world.send(world.accept(network, heir)).ok

    assert world.read_network(network) == replace(before, authority=heir.pubkey())
    world.advance(DELAY)
    assert world.send(world.apply(network)).error_name == "NothingPending"


def test_withdrawing_a_change_leaves_the_proposed_authority(world: World) -> None:
    network, heir = world.network(), world.keypair()
    assert world.send(world.propose(network, changes.authority(heir.pubkey()))).ok
    assert world.send(world.propose(network, changes.fees(7, 0))).ok
    assert world.send(world.propose(network, changes.CANCEL)).ok

    assert world.send(world.accept(network, heir)).ok


def test_the_address_stays_that_of_the_creator(world: World) -> None:
    network, heir = world.network(), world.keypair()
    assert world.send(world.propose(network, changes.authority(heir.pubkey()))).ok
    assert world.send(world.accept(network, heir)).ok
    device = world.device(network)
    world.next_epoch(network)

    assert world.send(world.receipt(device, 1, 10)).ok
    assert world.send(world.claim([device], device.payout, network)).event().amount == 10
    assert world.read_network(network).creator == network.authority.pubkey()
