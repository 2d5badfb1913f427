"""submit_receipt: capacity, share, budget and pool, and who may agree to a reward that one of them cuts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from support.builders import signed, unsigned
from support.parties import CLASS, FUNDS, Device, Network
from support.world import World
from worktab.core.keys import Ed25519Signer
from worktab.program.generated.events import ReceiptSubmitted
from worktab.program.generated.types import Change

WIDE = 1_000_000
"""A capacity, share, budget or pool that no test here gets near."""


def network_of(world: World, *, fund: int = FUNDS, **terms: Any) -> Network:
    """A network of one class; `terms` replace those of the default class. Its parameters change without delay."""
    return world.network(fund=fund, parameter_delay=0, classes=(replace(CLASS, **terms),))


def key_of(device: Device) -> Keypair:
    """The key of an Ed25519 device, as a signer of transactions."""
    assert isinstance(device.signer, Ed25519Signer)
    return Keypair.from_json(device.signer.to_json_bytes().decode())


def transfer_of(source: Keypair, target: Keypair) -> Instruction:
    """A transfer of lamports, signed by its source."""
    return transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=target.pubkey(), lamports=1_000_000))


def capacity_limit(world: World) -> Device:
    """A device of which only its capacity of 500 units stops more than 500 base units."""
    return world.device(network_of(world), capacity=500)


def share_limit(world: World) -> Device:
    """One of two devices that share a budget of 1,000 equally; the other one earns nothing."""
    network = network_of(world, budget=1_000)
    world.device(network, capacity=WIDE)
    return world.device(network, capacity=WIDE)


def budget_limit(world: World) -> Device:
    """A device whose share is 700, of a budget of 1,400 that has 500 left.

    That takes a budget lowered within the epoch: the sum of shares is never above the budget.
    """
    network = network_of(world, budget=1_800)
    other = world.device(network, capacity=WIDE)
    device = world.device(network, capacity=WIDE)
    world.next_epoch(network)
    assert world.send(world.receipt(other, 1, 900)).event().reward == 900
    lowered = Change(1, 0, (CLASS.meter, CLASS.rate, CLASS.max_capacity, CLASS.least_bond, 1_400), Pubkey.default())
    assert world.send(world.propose(network, lowered), world.apply(network)).ok
    return device


def pool_limit(world: World) -> Device:
    """A device whose network has 500 base units in its pool."""
    return world.device(network_of(world, fund=500), capacity=WIDE)


LIMITS = [capacity_limit, share_limit, budget_limit, pool_limit]


@pytest.fixture(params=LIMITS, ids=[limit.__name__ for limit in LIMITS])
def limited(request: pytest.FixtureRequest, world: World) -> Device:
    """A device that exactly one limit keeps from earning more than 500 base units, at one a unit."""
    device: Device = request.param(world)
    if world.epoch(device.network) == 0:
        world.next_epoch(device.network)
    return device


def test_up_to_a_limit_anyone_may_bring_the_receipt(world: World, limited: Device) -> None:
    pool = world.read_network(limited.network).pool_free

    assert world.send(world.receipt(limited, 1, 500)).event() == ReceiptSubmitted(
        device=limited.address, seq=1, units=500, eligible=500, reward=500
    )

    assert world.read_network(limited.network).pool_free == pool - 500
    assert world.read_device(limited).rewards_owed == 500


def test_one_unit_over_a_limit_a_relayer_is_refused(world: World, limited: Device) -> None:
    before = world.read_device(limited)

    assert world.send(world.receipt(limited, 1, 501)).error_name == "RewardLimited"

    assert world.read_device(limited) == before


def test_a_limit_reached_in_two_steps_is_the_same(world: World, limited: Device) -> None:
    assert world.send(world.receipt(limited, 1, 499)).event().reward == 499
    assert world.send(world.receipt(limited, 2, 501)).error_name == "RewardLimited"
    assert world.send(world.receipt(limited, 2, 500)).event().reward == 1
    assert world.send(world.receipt(limited, 3, 501)).error_name == "RewardLimited"
    assert world.send(world.receipt(limited, 3, 501, consent=limited.owner)).event().reward == 0


@pytest.mark.parametrize("by", ["owner", "device"])
def test_with_consent_the_reward_is_cut_and_the_rest_is_lost(world: World, limited: Device, by: str) -> None:
    consent = limited.owner if by == "owner" else key_of(limited)

    event = world.send(world.receipt(limited, 1, 503, consent=consent)).event()

    assert (event.units, event.reward) == (503, 500)
    after = world.read_device(limited)
    assert (after.units, after.rewards_owed, after.lifetime_rewards, after.carry) == (503, 500, 500, 0)

    # In a later epoch, with a fuller pool, nothing of what was cut comes back.
    assert world.send(world.fund(limited.network, 1_000)).ok
    world.next_epoch(limited.network)
    assert world.send(world.receipt(limited, 2, 504)).event().reward == 1


def test_nobody_else_can_agree_to_a_cut(world: World, limited: Device) -> None:
    over = world.receipt_message(limited, 1, 501)
    for stranger in (world.keypair(), limited.payout, limited.network.authority, world.payer):
        assert world.send(world.receipt(limited, 1, 501, consent=stranger)).error_name == "RewardLimited"

    # The owner is named and does not sign.
    native, submit = world.receipt(limited, 1, 501, consent=limited.owner)
    assert world.send(native, unsigned(submit, limited.owner.pubkey())).error_name == "RewardLimited"

    # The owner signs the transaction for something else: that is no consent.
    rent = transfer_of(world.payer, limited.owner)
    back = transfer_of(limited.owner, world.payer)
    assert world.send(rent, back, world.native(limited.signer, over), world.submit(limited)).error_name == (
        "RewardLimited"
    )


def test_a_device_that_brings_its_receipt_itself_agrees_to_the_cut(world: World, limited: Device) -> None:
    key = key_of(limited).pubkey()
    shown = world.receipt_message(limited, 1, 503)

    event = world.send(signed(world.submit(limited, shown=shown, proof=key), key)).event()

    assert (event.units, event.reward) == (503, 500)


def test_consent_is_found_wherever_it_stands(world: World, limited: Device) -> None:
    native, submit = world.receipt(limited, 1, 501, consent=limited.owner)
    others = [AccountMeta(world.keypair().pubkey(), each, is_writable=False) for each in (False, True, False)]
    metas = [*submit.accounts[:3], *others, submit.accounts[3], *others]

    assert world.send(native, Instruction(submit.program_id, submit.data, metas)).event().reward == 500


def test_consent_to_a_receipt_that_nothing_cuts_changes_nothing(world: World, limited: Device) -> None:
    stranger = world.keypair()

    assert world.send(world.receipt(limited, 1, 400, consent=stranger)).event().reward == 400
    assert world.send(world.receipt(limited, 2, 500, consent=limited.owner)).event().reward == 100


def test_the_owner_of_a_p256_device_consents_for_it(world: World) -> None:
    device = world.device(network_of(world), signer=world.p256(), capacity=500)
    world.next_epoch(device.network)

    assert world.send(world.receipt(device, 1, 501)).error_name == "RewardLimited"
    assert world.send(world.receipt(device, 1, 501, consent=device.owner)).event().reward == 500


def test_a_former_owner_can_not_consent(world: World) -> None:
    device, heir = world.device(network_of(world), capacity=500), world.keypair()
    world.next_epoch(device.network)
    assert world.send(world.update(device, new_owner=heir.pubkey())).ok

    assert world.send(world.receipt(device, 1, 501, consent=device.owner)).error_name == "RewardLimited"
    assert world.send(world.receipt(device, 1, 501, consent=heir)).event().reward == 500


@pytest.mark.parametrize("by", ["owner", "device"])
def test_in_its_first_epoch_a_device_earns_nothing(world: World, by: str) -> None:
    device = world.device(network_of(world), capacity=500)
    consent = device.owner if by == "owner" else key_of(device)
    world.next_epoch(device.network, before=1)
    assert world.send(world.receipt(device, 1, 1)).error_name == "RewardLimited"

    assert world.send(world.receipt(device, 1, 300, consent=consent)).event() == ReceiptSubmitted(
        device=device.address, seq=1, units=300, eligible=0, reward=0
    )
    assert world.read_device(device).carry == 0

    world.next_epoch(device.network)
    assert world.send(world.receipt(device, 2, 800)).event().reward == 500


def test_a_device_without_capacity_earns_nothing(world: World) -> None:
    device = world.device(network_of(world), capacity=0)
    world.next_epoch(device.network)

    assert world.send(world.receipt(device, 1, 1)).error_name == "RewardLimited"
    assert world.send(world.receipt(device, 1, 1, consent=device.owner)).event().reward == 0


def test_where_work_has_no_price_nothing_is_cut(world: World) -> None:
    device = world.device(network_of(world, rate=0, budget=0, fund=0), capacity=500)
    assert world.send(world.receipt(device, 1, 100)).event().eligible == 0
    world.next_epoch(device.network)

    assert world.send(world.receipt(device, 2, 2**40)).event() == ReceiptSubmitted(
        device=device.address, seq=2, units=2**40, eligible=500, reward=0
    )
    assert world.read_network(device.network).total_units == 2**40


def test_within_capacity_units_count_even_where_their_pay_is_cut(world: World) -> None:
    device = world.device(network_of(world, budget=300), capacity=500)
    world.next_epoch(device.network)

    cut = world.send(world.receipt(device, 1, 450, consent=device.owner)).event()

    assert (cut.eligible, cut.reward) == (450, 300)
    after = world.read_device(device)
    assert (after.epoch_units, after.epoch_rewards) == (450, 300)
