"""register_device: what a new device holds, which terms are refused, and who pays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from support.builders import signed, unsigned
from support.parties import CLASS, NOBODY
from support.world import World
from worktab.core import contexts
from worktab.core.addresses import TOKEN_PROGRAM_ID, find_device
from worktab.core.keys import Ed25519Signer
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.events import DeviceRegistered
from worktab.program.generated.types import ClassTerms

U32 = 2**32 - 1
U64 = 2**64 - 1
EVIDENCE = bytes([0xEE] * 32)
OTHER_CLASS = ClassTerms(meter=3, rate=5, max_capacity=50, least_bond=0, budget=500)


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_a_new_device_holds_its_terms_and_nothing_else(world: World, kind: str) -> None:
    network = world.network(classes=(CLASS, OTHER_CLASS))
    world.device(network)
    payer = world.keypair(lamports=10**9)
    signer = world.ed25519() if kind == "Ed25519" else world.p256()
    device, terms = world.plan(network, signer=signer, capacity=40, class_=1, evidence=EVIDENCE)
    before = world.read_network(network)

    event = world.send(world.possession(device), world.register(device, terms, payer=payer.pubkey())).event()

    address, bump = find_device(PROGRAM_ID, network.address, signer.public)
    assert event == DeviceRegistered(network.address, address, device.owner.pubkey(), index=1, class_=1, capacity=40)
    assert world.read_device(device) == state.Device(
        network=network.address,
        owner=device.owner.pubkey(),
        payout=device.payout.pubkey(),
        rent_payer=payer.pubkey(),
        domain=network.domain,
        receipt_context=contexts.receipt_context(network.domain, address, 1),
        head=bytes(32),
        evidence=EVIDENCE,
        seq=0,
        units=0,
        last_receipt_at=0,
        epoch=0,
        epoch_units=0,
        epoch_rewards=0,
        capacity=0,
        next_capacity=40,
        capacity_epoch=1,
        carry=0,
        rewards_owed=0,
        earnings_owed=0,
        bond=0,
        bond_held=0,
        unbonding=0,
        unbonding_at=0,
        units_sold=0,
        units_self_sold=0,
        units_counted=0,
        self_units_counted=0,
        self_earnings_owed=0,
        units_unrewarded=0,
        reward_waiting=0,
        units_for_roots=0,
        lifetime_rewards=0,
        revenue_claimed=0,
        fees_paid=0,
        burned=0,
        index=1,
        open_disputes=0,
        open_slas=0,
        slas_kept=0,
        slas_missed=0,
        fee_carry=0,
        burn_carry=0,
        key=signer.public.raw33,
        key_kind={"Ed25519": 1, "P-256": 2}[kind],
        class_=1,
        status=1,
        bump=bump,
        version=1,
        reserved=bytes(2),
    )
    joined = replace(before.classes[1], next_total_capacity=40, devices=1)
    classes = (before.classes[0], joined, *before.classes[2:])
    assert world.read_network(network) == replace(before, next_device_index=2, classes=classes)


def test_a_key_that_signs_the_transaction_itself_shows_its_message(world: World) -> None:
    network = world.network()
    device, terms = world.plan(network)
    key = Pubkey(device.signer.public.public_bytes)
    register = world.register(device, terms, possession=world.possession_message(device), proof=key)

    assert world.send(signed(register, key)).event().device == device.address
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).event().reward == 10


def test_one_wallet_may_be_payer_owner_payout_and_key(world: World) -> None:
    network = world.network()
    wallet = world.keypair(lamports=10**9)
    signer = Ed25519Signer(wallet.secret())
    device, terms = world.plan(network, owner=wallet, payout=wallet, signer=signer)
    register = world.register(
        device,
        terms,
        possession=world.possession_message(device),
        payer=wallet.pubkey(),
        proof=wallet.pubkey(),
    )

    assert world.send(register, payer=wallet).ok

    held = world.read_device(device)
    assert {held.owner, held.payout, held.rent_payer} == {wallet.pubkey()}


def test_rent_is_paid_by_the_payer_alone(world: World) -> None:
    network = world.network()
    payer, owner = world.keypair(lamports=10**9), world.keypair(lamports=10**9)

    device = world.device(network, payer=payer, owner=owner)

    rent = world.runtime.minimum_balance_for_rent_exemption(state.Device.SIZE)
    assert world.lamports(device.address) == rent
    assert world.lamports(payer.pubkey()) == 10**9 - rent
    assert world.lamports(owner.pubkey()) == 10**9


def test_indexes_count_up_across_classes(world: World) -> None:
    network = world.network(classes=(CLASS, OTHER_CLASS))
    devices = [world.device(network, class_=number % 2, capacity=1) for number in range(4)]

    assert [world.read_device(each).index for each in devices] == [0, 1, 2, 3]
    held = world.read_network(network)
    assert [each.devices for each in held.classes[:3]] == [2, 2, 0]
    assert held.next_device_index == 4


def test_one_key_may_serve_two_networks(world: World) -> None:
    first, second = world.network(), world.network()
    signer = world.ed25519()

    made = [world.device(network, signer=signer) for network in (first, second)]

    assert made[0].address != made[1].address
    assert [world.read_device(each).network for each in made] == [first.address, second.address]


def test_a_key_is_registered_once(world: World) -> None:
    network = world.network()
    device = world.device(network)
    before = world.data(device.address), world.data(network.address)

    again, terms = world.plan(network, signer=device.signer, owner=device.owner, capacity=7)
    other, other_terms = world.plan(network, signer=device.signer)

    assert world.send(world.possession(again), world.register(again, terms)).error == "Custom(0)"
    assert world.send(world.possession(other), world.register(other, other_terms)).error == "Custom(0)"
    assert (world.data(device.address), world.data(network.address)) == before


@pytest.mark.parametrize("capacity", [0, 1, CLASS.max_capacity])
def test_a_capacity_up_to_the_largest_is_accepted(world: World, capacity: int) -> None:
    network = world.network()

    device = world.device(network, capacity=capacity)

    assert world.read_device(device).next_capacity == capacity
    assert world.read_network(network).classes[0].next_total_capacity == capacity


@pytest.mark.parametrize("capacity", [CLASS.max_capacity + 1, U64])
def test_a_capacity_over_the_largest_is_refused(world: World, capacity: int) -> None:
    network = world.network()
    device, terms = world.plan(network, capacity=capacity)

    assert world.send(world.possession(device), world.register(device, terms)).error_name == "CapacityTooLarge"
    assert world.account(device.address) is None


@pytest.mark.parametrize("class_", [1, 7, 8, 255])
def test_a_class_that_the_network_does_not_have_is_refused(world: World, class_: int) -> None:
    network = world.network()
    device, terms = world.plan(network, class_=class_)

    assert world.send(world.possession(device), world.register(device, terms)).error_name == "UnknownClass"


def test_a_payout_that_leads_nowhere_is_refused(world: World) -> None:
    network = world.network()
    device, terms = world.plan(network)

    for payout in (NOBODY, network.address):
        register = world.register(device, replace(terms, payout=payout))
        assert world.send(world.possession(device), register).error_name == "InvalidParameter"


def test_the_owner_must_sign(world: World) -> None:
    network = world.network()
    device, terms = world.plan(network)
    register = unsigned(world.register(device, terms), device.owner.pubkey())

    assert world.send(world.possession(device), register).error == "MissingRequiredSignature"


def test_a_paused_registration_is_refused(world: World) -> None:
    network = world.network()
    device, terms = world.plan(network)
    assert world.send(world.pause(network, 1)).ok

    assert world.send(world.possession(device), world.register(device, terms)).error_name == "Paused"


def test_only_the_derived_address_is_taken(world: World) -> None:
    network = world.network()
    device, terms = world.plan(network)
    elsewhere, _ = find_device(PROGRAM_ID, network.address, world.ed25519().public)

    register = world.register(device, terms, device=elsewhere)

    assert world.send(world.possession(device), register).error == "InvalidSeeds"


def test_another_program_in_the_system_programs_place_is_refused(world: World) -> None:
    device, terms = world.plan(world.network())
    register = world.register(device, terms, system_program=TOKEN_PROGRAM_ID)

    assert world.send(world.possession(device), register).error == "IncorrectProgramId"


@pytest.mark.parametrize("lamports", [1_000_000, 10**9], ids=["less than the rent", "more than the rent"])
def test_lamports_at_the_address_do_not_stop_the_device(world: World, lamports: int) -> None:
    network = world.network()
    device, terms = world.plan(network)
    world.must(transfer(TransferParams(from_pubkey=world.payer.pubkey(), to_pubkey=device.address, lamports=lamports)))

    assert world.send(world.possession(device), world.register(device, terms)).ok

    rent = world.runtime.minimum_balance_for_rent_exemption(state.Device.SIZE)
    assert world.lamports(device.address) == max(rent, lamports)


def test_a_payer_without_lamports_registers_nothing(world: World) -> None:
    device, terms = world.plan(world.network())
    poor: Keypair = world.keypair(lamports=1_000_000)

    register = world.register(device, terms, payer=poor.pubkey())

    assert world.send(world.possession(device), register).error == "Custom(1)"


def test_counters_at_their_end_refuse_another_device(world: World) -> None:
    network = world.network()
    device, terms = world.plan(network)
    register = [world.possession(device), world.register(device, terms)]
    genuine = world.read_network(network)

    world.patch_network(network, next_device_index=U32)
    assert world.send(register).error_name == "Overflow"
    world.patch_network(network, next_device_index=0)
    world.patch_class(network, devices=U32)
    assert world.send(register).error_name == "Overflow"
    world.patch_class(network, devices=0, next_total_capacity=U64 - 999)
    assert world.send(register).error_name == "Overflow"
    world.patch_class(network, next_total_capacity=U64 - 1_000)
    assert world.send(register).ok
    assert world.read_network(network).classes[0].next_total_capacity == U64
    assert genuine.classes[0].next_total_capacity == 0
