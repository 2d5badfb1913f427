"""withdraw_bond: bond leaves in two steps, what is leaving counts no longer, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support import changes
from support.builders import unsigned
from support.parties import CLASS, DELAY, FUNDS, Device, Network
from support.tokens import create_mint
from support.trust_scenes import UNBONDING, Court, TrustWorld, court_of
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated.events import BondLeaving, BondWithdrawn, DeviceRetired

BOND = 1_000
LEAST = 500


@pytest.fixture
def world() -> TrustWorld:
    """A new chain that checks bonds after every transaction."""
    return TrustWorld()


@pytest.fixture(params=[TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["token", "token-2022"])
def court(world: TrustWorld, request: pytest.FixtureRequest) -> Court:
    """A network of either token program, whose one class asks for a bond of 500."""
    mint = create_mint(world, token_program=request.param)
    return court_of(world, mint=mint, classes=(replace(CLASS, least_bond=LEAST),))


@pytest.fixture
def network(court: Court) -> Network:
    return court.network


@pytest.fixture
def device(world: TrustWorld, court: Court) -> Device:
    """A device with a bond of 1,000 and a capacity of 100, in the second epoch."""
    device = court.device(BOND, capacity=0)
    court.must(world.update(device, capacity=100))
    world.next_epoch(court.network)
    return device


def leaving(world: TrustWorld, device: Device) -> tuple[int, int, int]:
    """Bond, what of it is leaving, and from when on."""
    held = world.read_device(device)
    return held.bond, held.unbonding, held.unbonding_at


# Saying what is to leave


def test_what_leaves_is_announced_and_stays_for_now(world: TrustWorld, network: Network, device: Device) -> None:
    before = world.read_network(network), world.read_device(device)

    event = world.send(world.withdraw_bond(device, 400)).event()

    due = world.now + UNBONDING
    assert event == BondLeaving(device.address, amount=400, due=due, capacity=100)
    assert world.read_device(device) == replace(before[1], unbonding=400, unbonding_at=due)
    assert world.read_network(network) == before[0]
    assert network.mint.balance(network.address) == FUNDS + BOND


def test_it_is_paid_when_due_and_not_a_second_before(world: TrustWorld, network: Network, device: Device) -> None:
    assert world.send(world.withdraw_bond(device, 400)).ok
    take, before = world.withdraw_bond(device), world.read_device(device)
    world.advance(UNBONDING - 1)
    assert world.send(take).error_name == "BondNotDue"
    world.advance(1)

    event = world.send(take).event()

    wallet = network.mint.account_of(device.owner.pubkey())
    assert event == BondWithdrawn(device.address, wallet, amount=400, bond=600)
    assert world.read_device(device) == replace(before, bond=600, unbonding=0, unbonding_at=0)
    assert world.read_network(network).accounted == FUNDS + 600
    assert network.mint.balance(network.address) == FUNDS + 600
    assert world.balance(device.owner, network.mint) == 400


def test_it_is_paid_once(world: TrustWorld, device: Device) -> None:
    assert world.send(world.withdraw_bond(device, 400)).ok
    world.advance(UNBONDING)
    take = world.withdraw_bond(device)

    twice = world.send(take, take)

    assert (twice.error_name, twice.instruction) == ("NothingOwed", 1)
    assert world.send(take).ok
    assert world.send(take).error_name == "NothingOwed"
    assert leaving(world, device) == (600, 0, 0)


def test_where_nothing_leaves_nothing_is_owed(world: TrustWorld, device: Device) -> None:
    world.advance(10 * UNBONDING)

    assert world.send(world.withdraw_bond(device)).error_name == "NothingOwed"


@pytest.mark.parametrize("amount", [1, 399, 400, 401, BOND])
def test_a_new_amount_takes_the_place_of_the_last_and_waits_anew(
    world: TrustWorld, device: Device, amount: int
) -> None:
    assert world.send(world.withdraw_bond(device, 400)).ok
    world.advance(UNBONDING)

    assert world.send(world.withdraw_bond(device, amount)).event().amount == amount

    assert leaving(world, device) == (BOND, amount, world.now + UNBONDING)
    assert world.send(world.withdraw_bond(device)).error_name == "BondNotDue"
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device)).event().bond == BOND - amount


def test_with_0_all_of_it_stays(world: TrustWorld, device: Device) -> None:
    assert world.send(world.withdraw_bond(device, 400)).ok

    event = world.send(world.withdraw_bond(device, 0)).event()

    assert event == BondLeaving(device.address, amount=0, due=0, capacity=100)
    assert leaving(world, device) == (BOND, 0, 0)
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device)).error_name == "NothingOwed"


@pytest.mark.parametrize("amount", [BOND + 1, 2**64 - 1])
def test_no_more_than_the_bond_leaves(world: TrustWorld, device: Device, amount: int) -> None:
    assert world.send(world.withdraw_bond(device, amount)).error_name == "BondHeld"
    assert leaving(world, device) == (BOND, 0, 0)


def test_what_an_sla_holds_does_not_leave(world: TrustWorld, court: Court, device: Device) -> None:
    world.sla(court.lane(device), 1_000, 3_000)

    assert world.send(world.withdraw_bond(device, 701)).error_name == "BondHeld"
    assert world.send(world.withdraw_bond(device, 700)).ok
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device)).event().bond == 300


def test_the_delay_is_that_of_the_announcement(world: TrustWorld, network: Network, device: Device) -> None:
    assert world.send(world.withdraw_bond(device, 400)).ok
    world.patch_network(network, unbonding_delay=10 * UNBONDING)
    world.advance(UNBONDING)

    assert world.send(world.withdraw_bond(device)).ok

    world.patch_network(network, unbonding_delay=0)
    assert world.send(world.withdraw_bond(device, 100), world.withdraw_bond(device)).ok
    assert leaving(world, device) == (500, 0, 0)


# What is leaving counts no longer


def test_above_the_least_bond_capacity_stays(world: TrustWorld, network: Network, device: Device) -> None:
    assert world.send(world.withdraw_bond(device, BOND - LEAST)).event().capacity == 100

    assert world.send(world.receipt(device, 1, 10)).event().reward == 10
    assert world.read_network(network).classes[0].next_total_capacity == 100


def test_below_the_least_bond_capacity_ends_with_the_epoch_and_receipts_at_once(
    world: TrustWorld, network: Network, device: Device
) -> None:
    assert world.send(world.receipt(device, 1, 10)).ok

    event = world.send(world.withdraw_bond(device, BOND - LEAST + 1)).event()

    assert event.capacity == 0
    held, class_ = world.read_device(device), world.read_network(network).classes[0]
    assert (held.capacity, held.next_capacity, held.capacity_epoch) == (100, 0, 2)
    assert (class_.total_capacity, class_.next_total_capacity) == (100, 0)
    assert world.send(world.receipt(device, 2, 20)).error_name == "BondTooSmall"


def test_capacity_that_ended_is_announced_anew_once_the_bond_stays(
    world: TrustWorld, network: Network, device: Device
) -> None:
    assert world.send(world.withdraw_bond(device, BOND)).ok
    assert world.send(world.update(device, capacity=100)).error_name == "BondTooSmall"

    assert world.send(world.withdraw_bond(device, 0)).event().capacity == 0
    assert world.send(world.update(device, capacity=100)).ok

    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).event().reward == 10


def test_a_deposit_makes_up_for_what_is_leaving(world: TrustWorld, network: Network, device: Device) -> None:
    assert world.send(world.withdraw_bond(device, BOND)).ok
    world.bond(device, LEAST - 1)
    assert world.send(world.update(device, capacity=100)).error_name == "BondTooSmall"
    world.bond(device, 1)

    assert world.send(world.update(device, capacity=100)).ok
    assert world.send(world.receipt(device, 1, 1)).ok
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device)).event().bond == LEAST


# Disputes, and devices that are not active


def test_while_a_dispute_is_open_nothing_is_paid(world: TrustWorld, court: Court, device: Device) -> None:
    tab = world.tab(court.network, 1_000)
    assert world.send(world.withdraw_bond(device, BOND)).ok
    dispute = world.dispute(device, tab, court.paid_record(tab))
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device)).error_name == "DisputeOpen"

    assert world.send(world.resolve_dispute(dispute, consumer_tab=world.payer.pubkey())).ok

    assert world.send(world.withdraw_bond(device)).event().amount == BOND
    assert leaving(world, device) == (10, 0, 0)


def test_while_a_dispute_is_open_what_leaves_may_be_announced(world: TrustWorld, court: Court, device: Device) -> None:
    tab = world.tab(court.network, 1_000)
    world.dispute(device, tab, court.paid_record(tab))

    assert world.send(world.withdraw_bond(device, BOND)).event().amount == BOND


def test_a_suspended_devices_bond_leaves(world: TrustWorld, device: Device) -> None:
    world.patch_device(device, status=2)
    assert world.send(world.withdraw_bond(device, BOND)).ok
    world.advance(UNBONDING)

    assert world.send(world.withdraw_bond(device)).event().bond == 0


def test_a_retired_device_closes_once_its_bond_has_left(world: TrustWorld, device: Device) -> None:
    assert world.send(world.retire(device)).event() == DeviceRetired(device.address, closed=False)
    assert world.send(world.withdraw_bond(device, BOND)).event().capacity == 0
    world.advance(UNBONDING)
    assert world.send(world.retire(device)).error_name == "DeviceInactive"
    assert world.send(world.withdraw_bond(device)).ok

    assert world.send(world.retire(device)).event() == DeviceRetired(device.address, closed=True)

    assert world.account(device.address) is None
    assert world.balance(device.owner, device.network.mint) == BOND


def test_nothing_pauses_it(world: TrustWorld, network: Network, device: Device) -> None:
    assert world.send(world.pause(network, 31)).ok

    assert world.send(world.withdraw_bond(device, BOND)).ok
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device)).ok


def test_a_longer_delay_applied_meanwhile_binds_the_next_announcement(
    world: TrustWorld, network: Network, device: Device
) -> None:
    assert world.send(world.propose(network, changes.delays(DELAY, 3_600, 600, 9_000))).ok
    world.advance(DELAY)
    assert world.send(world.apply(network)).ok

    assert world.send(world.withdraw_bond(device, 1)).event().due == world.now + 9_000


# Who, and where to


@pytest.mark.parametrize("amount", [400, None], ids=["announce", "take"])
def test_only_the_owner_of_now_withdraws(world: TrustWorld, device: Device, amount: int | None) -> None:
    assert world.send(world.withdraw_bond(device, 300)).ok
    world.advance(UNBONDING)
    stranger, heir = world.keypair(), world.keypair()

    withdraw = world.withdraw_bond(device, amount, owner=stranger.pubkey())
    assert world.send(withdraw).error_name == "Unauthorized"
    missing = unsigned(world.withdraw_bond(device, amount), device.owner.pubkey())
    assert world.send(missing).error == "MissingRequiredSignature"
    assert world.send(world.update(device, new_owner=heir.pubkey())).ok
    assert world.send(world.withdraw_bond(device, amount)).error_name == "Unauthorized"

    assert world.send(world.withdraw_bond(device, amount, owner=heir.pubkey())).ok


def test_any_account_of_the_mint_will_do(world: TrustWorld, network: Network, device: Device) -> None:
    stranger = world.keypair()
    assert world.send(world.withdraw_bond(device, 400)).ok
    world.advance(UNBONDING)

    assert world.send(world.withdraw_bond(device, destination=network.mint.open(stranger.pubkey()))).ok

    assert world.balance(stranger, network.mint) == 400


@pytest.mark.parametrize("kind", ["vault", "missing", "frozen", "other mint"])
def test_where_no_token_can_go_nothing_leaves(world: TrustWorld, network: Network, device: Device, kind: str) -> None:
    assert world.send(world.withdraw_bond(device, 400)).ok
    world.advance(UNBONDING)
    destination = {
        "vault": network.vault,
        "missing": network.mint.account_of(world.keypair().pubkey()),
        "frozen": network.mint.open(world.keypair().pubkey()),
        "other mint": world.mint.open(device.owner.pubkey()),
    }[kind]
    if kind == "frozen":
        world.must(network.mint.freeze(destination))
    before = world.read_device(device)

    assert not world.send(world.withdraw_bond(device, destination=destination)).ok

    assert world.read_device(device) == before
    assert network.mint.balance(network.address) == FUNDS + BOND
    assert world.send(world.withdraw_bond(device)).ok


@pytest.mark.parametrize("amount", [400, None], ids=["announce", "take"])
def test_another_network_vault_or_mint_is_refused(
    world: TrustWorld, network: Network, device: Device, amount: int | None
) -> None:
    assert world.send(world.withdraw_bond(device, 300)).ok
    world.advance(UNBONDING)
    other, own = world.network(mint=network.mint), network.mint.open(world.keypair().pubkey())

    def refused(**accounts: Any) -> str:
        return world.send(world.withdraw_bond(device, amount, **accounts)).error_name

    assert refused(network=other.address, vault=other.vault) == "WrongNetwork"
    assert refused(vault=other.vault) == "AddressMismatch"
    assert refused(vault=own) == "AddressMismatch"
    assert refused(mint=world.mint.address) == "AddressMismatch"
    assert leaving(world, device)[:2] == (BOND, 300)
