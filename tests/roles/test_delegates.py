"""An agent's session key: its limits, its end, and its vouchers that stay good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet, StartFleet
from worktab.program.generated import errors
from worktab.roles.consumer import ChosenSlot, Consumer
from worktab.roles.errors import NoFreeSlot
from worktab.roles.settling import Settler
from worktab.roles.spending import DelegateSpending
from worktab.roles.tabs import DelegateStatus


async def agent_of(fleet: Fleet, consumer: Consumer, **terms: Any) -> Consumer:
    """An agent with a session key of these limits."""
    key = Keypair()
    await consumer.set_delegate(key.pubkey(), **({"allowance": 500} | terms))
    return Consumer(fleet.sender, fleet.network, key, tab_of=consumer.consumer)


async def left(consumer: Consumer) -> DelegateSpending:
    [delegate] = (await consumer.spending()).delegates
    return delegate


async def test_an_agent_spends_up_to_its_allowance(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    agent = await agent_of(fleet, consumer)
    lane = await agent.reserve(device.device, 300)
    assert (await left(consumer)).allowance == 200
    with pytest.raises(errors.AllowanceExceeded):
        await agent.reserve(device.device, 201)
    await agent.reserve(device.device, 200, nonce=lane.nonce)
    spent = await left(consumer)
    assert (spent.allowance, spent.available, spent.lanes, spent.period_left) == (0, 0, 1, None)

    # What a lane gives back is the consumer's, not the agent's.
    await agent.close_lane(lane.nonce)
    await fleet.clock.advance(3_600)
    assert (await agent.close_lane(lane.nonce)).returned == 500
    assert ((await consumer.tab()).tab.balance, (await left(consumer)).allowance) == (1_000, 0)
    with pytest.raises(errors.AllowanceExceeded):
        await agent.reserve(device.device, 1)


async def test_a_period_limits_what_is_spent_in_it(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    agent = await agent_of(fleet, consumer, period_limit=100, period_length=600)
    await agent.reserve(device.device, 70)
    now = await left(consumer)
    assert (now.allowance, now.period_left, now.available) == (430, 30, 30)
    with pytest.raises(errors.PeriodLimitExceeded):
        await agent.reserve(device.device, 31)
    assert now.period_ends_at is not None
    await fleet.clock.set_time(now.period_ends_at)
    later = await left(consumer)
    assert (later.allowance, later.period_left, later.period_ends_at) == (430, 100, now.period_ends_at + 600)
    await agent.reserve(device.device, 100)
    assert (await left(consumer)).period_left == 0


async def test_a_session_key_expires(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    expires_at = await fleet.clock.now() + 300
    agent = await agent_of(fleet, consumer, expires_at=expires_at)
    lane = await agent.reserve(device.device, 10)
    assert ((await left(consumer)).expired, (await left(consumer)).available) == (False, 490)
    await fleet.clock.set_time(expires_at)
    expired = await left(consumer)
    assert (expired.expired, expired.available, expired.expires_at) == (True, 0, expires_at)
    with pytest.raises(errors.DelegateExpired):
        await agent.reserve(device.device, 1)
    # What it signs for its lane remains good.
    voucher = await fleet.voucher(agent, device, lane.nonce, amount=10, units=1)
    assert (await Settler(fleet.sender, fleet.network).settle(voucher)).amount == 10


async def test_a_lane_and_a_class_have_limits(start_fleet: StartFleet) -> None:
    fleet = await start_fleet()
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    agent = await agent_of(fleet, consumer, lane_limit=50)
    lane = await agent.reserve(device.device, 50)
    with pytest.raises(errors.LaneLimitExceeded):
        await agent.reserve(device.device, 1, nonce=lane.nonce)
    assert (await agent.reserve(device.device, 50)).nonce == lane.nonce + 1
    other = await agent_of(fleet, consumer, classes=0b10)
    with pytest.raises(errors.ClassNotAllowed):
        await other.reserve(device.device, 1)


async def test_revoking_stops_spending_and_keeps_vouchers_good(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    agent = await agent_of(fleet, consumer)
    lane = await agent.reserve(device.device, 100)
    voucher = await fleet.voucher(agent, device, lane.nonce, amount=80, units=8)

    assert await consumer.revoke(agent.key.pubkey()) is not None
    assert await consumer.revoke(agent.key.pubkey()) is None
    assert await consumer.revoke(1) is None
    assert await consumer.revoke(Keypair().pubkey()) is None
    revoked = await left(consumer)
    assert (revoked.status, revoked.available, revoked.lanes) == (DelegateStatus.REVOKED, 0, 1)
    with pytest.raises(errors.DelegateRevoked):
        await agent.reserve(device.device, 1)

    before = (await fleet.read(device.device)).earnings_owed
    assert (await Settler(fleet.sender, fleet.network).settle(voucher)).amount == 80
    assert (await fleet.read(device.device)).earnings_owed == before + 80

    # Its slot is free as soon as its last lane has ended.
    await consumer.close_lane(lane.nonce)
    await fleet.clock.advance(3_600)
    await consumer.close_lane(lane.nonce)
    assert (await consumer.spending()).delegates == ()


async def test_slots_are_chosen_and_kept(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    keys = [Keypair() for _ in range(4)]
    slots = [(await consumer.set_delegate(key.pubkey(), allowance=10)).slot for key in keys]
    assert slots == [1, 2, 3, 4]
    with pytest.raises(NoFreeSlot) as full:
        await consumer.set_delegate(Keypair().pubkey(), allowance=10)
    assert full.value.code == "no_free_slot"

    # The same terms again, and nothing spent: there is nothing to do.
    assert await consumer.set_delegate(keys[2].pubkey(), allowance=10) == ChosenSlot(3, None)
    changed = await consumer.set_delegate(keys[2].pubkey(), allowance=11)
    assert (changed.slot, changed.confirmed is None) == (3, False)

    await consumer.revoke(2)
    assert (await consumer.set_delegate(replacement := Keypair().pubkey(), allowance=9)).slot == 2
    assert Pubkey((await consumer.tab()).delegate(2).key) == replacement
    # A slot whose lanes another key signs for is not given away.
    agent = Consumer(fleet.sender, fleet.network, keys[0], tab_of=consumer.consumer)
    await agent.reserve(device.device, 4)
    with pytest.raises(errors.SlotInUse):
        await consumer.set_delegate(Keypair().pubkey(), slot=1, allowance=9)


async def test_new_terms_start_afresh_and_old_vouchers_stay_good(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    agent = await agent_of(fleet, consumer, allowance=50)
    lane = await agent.reserve(device.device, 50)
    voucher = await fleet.voucher(agent, device, lane.nonce, amount=50, units=1)
    again = await consumer.set_delegate(agent.key.pubkey(), allowance=50)
    assert (again.slot, again.confirmed is None) == (1, False)
    fresh = await left(consumer)
    assert (fresh.allowance, fresh.lanes) == (50, 1)
    assert (await Settler(fleet.sender, fleet.network).settle(voucher)).amount == 50


async def test_spending_tells_of_everything(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(1_000), await fleet.device()
    agent = await agent_of(fleet, consumer, allowance=300, lane_limit=120, classes=1)
    mine = await consumer.reserve(device.device, 200)
    its = await agent.reserve(device.device, 100)
    settler = Settler(fleet.sender, fleet.network)
    await settler.settle(await fleet.voucher(consumer, device, mine.nonce, amount=150, units=15))
    await settler.settle(await fleet.voucher(agent, device, its.nonce, amount=30, units=2))
    await consumer.withdraw(40)

    spending = await consumer.spending()
    assert (spending.balance, spending.reserved, spending.deposited, spending.withdrawn, spending.spent) == (
        660,
        120,
        1_000,
        40,
        180,
    )
    assert [(each.nonce, each.paid, each.reserved, each.units, each.signer) for each in spending.lanes] == [
        (mine.nonce, 150, 50, 15, 0),
        (its.nonce, 30, 70, 2, 1),
    ]
    assert spending.delegates == (
        DelegateSpending(
            slot=1,
            key=agent.key.pubkey(),
            status=DelegateStatus.ACTIVE,
            allowance=200,
            period_left=None,
            period_ends_at=None,
            lane_limit=120,
            expires_at=0,
            expired=False,
            lanes=1,
            classes=1,
        ),
    )
    assert spending == replace(await agent.spending(), now=spending.now)
