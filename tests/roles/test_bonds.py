"""A device's bond: put in, told to leave, and paid out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.keypair import Keypair

from support.fleet import CLASS, Fleet, StartFleet
from worktab.core.times import utc
from worktab.program.generated import errors
from worktab.roles.bonds import BondKeeper, BondStatus
from worktab.roles.device import Device
from worktab.roles.errors import DeviceNotFound
from worktab.roles.owner import Owner

DAY = 86_400
BONDED = (replace(CLASS, least_bond=100),)
"""A class that asks for a bond of 100 base units."""


async def bonded(fleet: Fleet, bond: int = 0, tokens: int = 1_000) -> tuple[BondKeeper, Device]:
    """A device with this bond, with capacity where that is enough, and its owner with so many tokens beside it."""
    owner = fleet.owner()
    device = await fleet.device(owner=owner, capacity=0)
    keeper = BondKeeper(fleet.sender, fleet.network, owner.owner)
    await fleet.mint.give(owner.owner.pubkey(), tokens + bond)
    if bond:
        await keeper.deposit(device.device, bond)
    if bond >= 100:
        await owner.update(device.device, capacity=700)
    return keeper, device


async def test_a_bond_is_put_in_and_shown(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=BONDED)
    keeper, device = await bonded(fleet)
    vault = await fleet.vault()
    before = await keeper.status(device.device)
    assert (before.bond, before.least, before.missing, before.next_capacity) == (0, 100, 100, 0)

    made = await keeper.deposit(device.device, 60)
    again = await keeper.deposit(device.device, 60)

    assert (made.amount, made.status.bond, made.status.missing) == (60, 60, 40)
    assert (again.status.bond, again.status.staying, again.status.free, again.status.missing) == (120, 120, 120, 0)
    assert await fleet.vault() == vault + 120
    assert await fleet.mint.balance(keeper.owner.pubkey()) == 880
    assert (await fleet.read(device.device)).bond == 120
    assert (await fleet.operator.ledger()).holds


async def test_a_deposit_up_to_a_total_adds_what_is_missing_once(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=BONDED)
    keeper, device = await bonded(fleet, 30)
    assert (await keeper.deposit_up_to(device.device, 100)).amount == 70
    repeated = await keeper.deposit_up_to(device.device, 100)
    assert (repeated.amount, repeated.confirmed, repeated.status.bond) == (0, None, 100)
    # What is leaving does not stay.
    await keeper.leave(device.device, 25)
    assert (await keeper.deposit_up_to(device.device, 100)).amount == 25
    assert (await fleet.read(device.device)).bond == 125


async def test_a_bond_leaves_after_the_delay(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=BONDED, challenge_delay=DAY, unbonding_delay=2 * DAY)
    keeper, device = await bonded(fleet, 150)
    await fleet.next_epoch()

    leaving = await keeper.leave(device.device, 50)
    status = leaving.status
    assert (status.bond, status.leaving, status.staying, status.free, status.missing) == (150, 50, 100, 100, 0)
    assert (status.capacity, status.next_capacity, status.may_finish) == (700, 700, False)
    assert 0 <= await fleet.clock.now() + 2 * DAY - status.leaves_at < DAY
    # A repeat does not start the delay again.
    repeated = await keeper.leave(device.device, 50)
    assert (repeated.confirmed, repeated.status.leaves_at) == (None, status.leaves_at)
    with pytest.raises(errors.BondNotDue) as early:
        await keeper.finish(device.device)
    assert early.value.expected == f"{utc(status.leaves_at)} at the earliest"

    await fleet.clock.set_time(status.leaves_at)
    assert (await keeper.status(device.device)).may_finish
    vault, tokens = await fleet.vault(), await fleet.mint.balance(keeper.owner.pubkey())
    finished = await keeper.finish(device.device)
    assert (finished.amount, finished.status.bond, finished.status.leaving, finished.status.leaves_at) == (
        50,
        100,
        0,
        0,
    )
    assert await fleet.vault() == vault - 50
    assert await fleet.mint.balance(keeper.owner.pubkey()) == tokens + 50
    assert (await fleet.operator.ledger()).holds
    done = await keeper.finish(device.device)
    assert (done.amount, done.confirmed, await fleet.vault()) == (0, None, vault - 50)


async def test_what_leaves_takes_capacity_with_it_and_may_stay_after_all(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=BONDED)
    keeper, device = await bonded(fleet, 100)
    await fleet.next_epoch()
    status = await keeper.status(device.device)
    assert (status.capacity_after(0), status.capacity_after(1)) == (700, 0)

    left = (await keeper.leave(device.device, 1)).status
    assert (left.missing, left.capacity, left.next_capacity) == (1, 700, 0)
    kept = (await keeper.leave(device.device, 0)).status
    assert (kept.leaving, kept.leaves_at, kept.staying, kept.next_capacity) == (0, 0, 100, 0)
    assert (await keeper.leave(device.device, 0)).confirmed is None
    await fleet.next_epoch()
    assert (await keeper.status(device.device)).capacity == 0

    assert (await keeper.leave(device.device, 1)).status.missing == 1
    await Owner(fleet.sender, fleet.network, owner=keeper.owner).retire(device.device)
    ended = await keeper.status(device.device)
    assert (ended.bond, ended.leaving, ended.ended, ended.missing) == (100, 1, True, 0)


async def test_the_bond_goes_to_another_account_where_told(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(challenge_delay=0, unbonding_delay=0)
    keeper, device = await bonded(fleet, 40)
    other = await fleet.mint.give(Keypair().pubkey(), 1)
    await keeper.leave(device.device, 40)
    assert (await keeper.finish(device.device, destination=other)).amount == 40
    assert (await fleet.mint.balance(keeper.owner.pubkey()), (await fleet.read(device.device)).bond) == (1_000, 0)


async def test_only_the_owner_keeps_a_bond_and_no_more_than_there_is(fleet: Fleet) -> None:
    keeper, device = await bonded(fleet, 40)
    stranger = BondKeeper(fleet.sender, fleet.network, Keypair())
    await fleet.mint.give(stranger.owner.pubkey(), 10)
    with pytest.raises(errors.Unauthorized):
        await stranger.deposit(device.device, 1)
    with pytest.raises(errors.Unauthorized):
        await stranger.leave(device.device, 1)
    with pytest.raises(errors.BondHeld) as held:
        await keeper.leave(device.device, 41)
    assert held.value.expected == "at most 40"
    with pytest.raises(errors.InvalidParameter):
        await keeper.deposit(device.device, 0)
    with pytest.raises(DeviceNotFound):
        await keeper.status(Keypair().pubkey())
    assert (await fleet.read(device.device)).bond == 40


def test_what_an_open_dispute_holds_back_is_told() -> None:
    status = BondStatus(90, 20, 30, 500, 70, 5, 5, 1, 500)
    assert (status.staying, status.free, status.promisable, status.missing) == (60, 40, 0, 30)
    assert replace(status, least=15).promisable == 25
    assert replace(status, ended=True).missing == 0
    assert not status.may_finish
    assert replace(status, open_disputes=0).may_finish
    assert not replace(status, open_disputes=0, now=499).may_finish
