"""claim: who is paid what, and what each of many devices in one claim comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.earning import earning
from support.parties import FUNDS, Device, Network
from support.world import World
from worktab.program.generated.events import Claimed
from worktab.program.generated.types import ClaimEntry

PAID, NOTHING_OWED, OTHER_PAYOUT, DISPUTED, CLOSED = range(5)
NO_INDEX = 2**32 - 1


def vault_of(world: World, network: Network) -> int:
    """Base units in the network's vault."""
    return network.mint.balance(network.address)


@pytest.mark.parametrize("by_stranger", [True, False])
def test_a_claim_pays_the_payout_wallet_exactly(world: World, network: Network, by_stranger: bool) -> None:
    device = earning(world, network, 250)
    network_before, before = world.read_network(network), world.read_device(device)
    payer = world.keypair(lamports=10**9) if by_stranger else None

    result = world.send(world.claim([device], device.payout, network), payer=payer)

    assert result.event() == Claimed(
        network=network.address,
        payout=device.payout.pubkey(),
        amount=250,
        fee=0,
        burn=0,
        entries=(ClaimEntry(0, 250, 0, PAID),),
    )
    assert world.balance(device.payout) == 250
    assert vault_of(world, network) == FUNDS - 250
    assert world.read_device(device) == replace(before, rewards_owed=0)
    assert world.read_network(network) == replace(network_before, pool_owed=0, accounted=FUNDS - 250)
    assert (network_before.pool_free, network_before.pool_owed) == (FUNDS - 250, 250)


def test_a_claim_adds_to_what_the_wallet_holds(world: World, network: Network) -> None:
    device = earning(world, network, 250)
    network.mint.open(device.payout.pubkey(), 1_000)

    assert world.send(world.claim([device], device.payout, network)).ok

    assert world.balance(device.payout) == 1_250


def test_twenty_devices_are_paid_by_one_transfer(world: World, network: Network) -> None:
    payout = world.keypair()
    devices = [world.device(network, payout=payout) for _ in range(20)]
    world.next_epoch(network)
    for device in devices:
        assert world.send(world.receipt(device, 1, 10 + device.index)).ok
    total = sum(10 + index for index in range(20))

    result = world.send(world.claim(devices, payout, network))

    assert result.event() == Claimed(
        network=network.address,
        payout=payout.pubkey(),
        amount=total,
        fee=0,
        burn=0,
        entries=tuple(ClaimEntry(index, 10 + index, 0, PAID) for index in range(20)),
    )
    assert sum("invoke [2]" in line for line in result.logs) == 1
    assert (world.balance(payout), vault_of(world, network)) == (total, FUNDS - total)
    assert [world.read_device(each).rewards_owed for each in devices] == [0] * 20
    assert world.read_network(network).pool_owed == 0


def test_work_after_a_claim_is_paid_by_the_next(world: World, network: Network) -> None:
    device = earning(world, network, 250)
    assert world.send(world.claim([device], device.payout, network)).event().amount == 250
    assert world.send(world.receipt(device, 2, 300)).event().reward == 50

    assert world.send(world.claim([device], device.payout, network)).event().amount == 50

    assert world.balance(device.payout) == 300
    assert world.read_device(device).lifetime_rewards == 300


def test_a_second_claim_finds_nothing_owed(world: World, network: Network) -> None:
    device = earning(world, network, 250)
    claim = world.claim([device], device.payout, network)
    assert world.send(claim).ok
    before = world.read_network(network)

    again = world.send(claim)

    assert (again.event().amount, again.event().entries) == (0, (ClaimEntry(0, 0, 0, NOTHING_OWED),))
    assert "invoke [2]" not in " ".join(again.logs)
    assert (world.balance(device.payout), world.read_network(network)) == (250, before)


def test_a_device_named_twice_is_paid_once(world: World, network: Network) -> None:
    device = earning(world, network, 250)

    event = world.send(world.claim([device, device, device], device.payout, network)).event()

    assert event.entries == (
        ClaimEntry(0, 250, 0, PAID),
        ClaimEntry(0, 0, 0, NOTHING_OWED),
        ClaimEntry(0, 0, 0, NOTHING_OWED),
    )
    assert (event.amount, world.balance(device.payout), vault_of(world, network)) == (250, 250, FUNDS - 250)


def test_two_claims_in_one_transaction_pay_once(world: World, network: Network) -> None:
    device = earning(world, network, 250)
    claim = world.claim([device], device.payout, network)

    result = world.send(claim, claim)

    assert [each.amount for each in result.events if isinstance(each, Claimed)] == [250, 0]
    assert world.balance(device.payout) == 250


def test_a_device_earns_and_is_paid_in_one_transaction(world: World, network: Network, device: Device) -> None:
    result = world.send(world.receipt(device, 1, 40), world.claim([device], device.payout, network))

    assert result.ok
    assert world.balance(device.payout) == 40


def test_a_claim_for_no_device_pays_nothing(world: World, network: Network) -> None:
    nobody = world.keypair()

    event = world.send(world.claim([], nobody, network)).event()

    assert event == Claimed(network=network.address, payout=nobody.pubkey(), amount=0, fee=0, burn=0, entries=())


def test_devices_that_are_not_paid_do_not_stop_those_that_are(world: World, network: Network) -> None:
    payout = world.keypair()
    first, last = earning(world, network, 100, payout=payout), earning(world, network, 30, payout=payout)
    other = earning(world, network, 50)
    idle = world.device(network, payout=payout)
    disputed = earning(world, network, 70, payout=payout)
    world.patch_device(disputed, open_disputes=1)
    closed = world.device(network, payout=payout)
    assert world.send(world.retire(closed)).event().closed

    event = world.send(world.claim([first, other, idle, closed, disputed, last], payout, network)).event()

    assert event == Claimed(
        network=network.address,
        payout=payout.pubkey(),
        amount=130,
        fee=0,
        burn=0,
        entries=(
            ClaimEntry(first.index, 100, 0, PAID),
            ClaimEntry(other.index, 50, 0, OTHER_PAYOUT),
            ClaimEntry(idle.index, 0, 0, NOTHING_OWED),
            ClaimEntry(NO_INDEX, 0, 0, CLOSED),
            ClaimEntry(disputed.index, 70, 0, DISPUTED),
            ClaimEntry(last.index, 30, 0, PAID),
        ),
    )
    assert (world.balance(payout), world.balance(other.payout)) == (130, 0)
    owed = [world.read_device(each).rewards_owed for each in (first, other, idle, disputed, last)]
    assert owed == [0, 50, 0, 70, 0]
    assert world.read_network(network).pool_owed == 120


def test_a_disputed_device_is_paid_once_no_dispute_is_open(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    claim = world.claim([device], device.payout, network)
    for disputes, amount in ((2, 0), (1, 0), (0, 70)):
        world.patch_device(device, open_disputes=disputes)
        assert world.send(claim).event().amount == amount
    assert world.balance(device.payout) == 70


def test_a_new_payout_wallet_gets_what_was_owed_before(world: World, network: Network) -> None:
    device, heir = earning(world, network, 70), world.keypair()
    network.mint.open(heir.pubkey())
    assert world.send(world.update(device, payout=heir.pubkey())).ok

    to_old = world.send(world.claim([device], device.payout, network)).event()
    to_new = world.send(world.claim([device], heir, network)).event()

    assert to_old.entries == (ClaimEntry(0, 70, 0, OTHER_PAYOUT),)
    assert to_new.entries == (ClaimEntry(0, 70, 0, PAID),)
    assert (world.balance(device.payout), world.balance(heir)) == (0, 70)


def test_a_new_owner_changes_nothing_about_the_payout(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    assert world.send(world.update(device, new_owner=world.keypair().pubkey())).ok

    assert world.send(world.claim([device], device.payout, network)).event().amount == 70


def test_nothing_pauses_a_claim(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    assert world.send(world.pause(network, 31)).ok

    assert world.send(world.claim([device], device.payout, network)).event().amount == 70


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_works_no_more_is_paid_what_it_earned(world: World, network: Network, status: int) -> None:
    device = earning(world, network, 70)
    world.patch_device(device, status=status)

    assert world.send(world.claim([device], device.payout, network)).event().amount == 70


def test_a_retired_device_closes_after_its_last_pay(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    assert not world.send(world.retire(device)).event().closed

    result = world.send(world.claim([device], device.payout, network), world.retire(device))

    assert result.ok
    assert world.account(device.address) is None
    assert world.balance(device.payout) == 70
    # The very same claim, landing a second time, finds the device closed, with or without lamports left there.
    for _ in range(2):
        again = world.send(world.claim([device], device.payout, network)).event()
        assert again.entries == (ClaimEntry(NO_INDEX, 0, 0, CLOSED),)
        world.runtime.airdrop(device.address, 10**9)


def test_a_device_that_closes_within_the_transaction_is_skipped(world: World, network: Network) -> None:
    payout = world.keypair()
    device, leaving = earning(world, network, 70, payout=payout), world.device(network, payout=payout)

    result = world.send(world.retire(leaving), world.claim([leaving, device], payout, network))

    assert result.ok
    claimed = result.events[1]
    assert isinstance(claimed, Claimed)
    assert claimed.entries == (ClaimEntry(NO_INDEX, 0, 0, CLOSED), ClaimEntry(device.index, 70, 0, PAID))


def test_tokens_that_strayed_into_the_vault_change_nothing(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    world.send(network.mint.mint_to(network.vault, 5_000))

    assert world.send(world.claim([device], device.payout, network)).ok

    assert vault_of(world, network) == FUNDS + 5_000 - 70
    assert world.read_network(network).accounted == FUNDS - 70


def test_what_roots_owe_is_left_alone(world: World, network: Network) -> None:
    device = earning(world, network, 70)
    before = world.read_network(network)
    world.patch_network(network, pool_free=before.pool_free - 500, pool_owed=570, root_owed=500, root_total=500)

    assert world.send(world.claim([device], device.payout, network)).ok

    after = world.read_network(network)
    assert (after.pool_owed, after.root_owed) == (500, 500)
