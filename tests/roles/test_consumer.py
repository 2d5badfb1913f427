"""A consumer's tab through the SDK: money in and out, lanes and their ends, and a sponsor who pays for everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair

from support.fleet import SOL, Fleet, StartFleet
from worktab.chain.protocol import Landed
from worktab.core.errors import ChainError
from worktab.program.generated import errors
from worktab.program.generated.accounts import Tab
from worktab.roles.base import program_sender
from worktab.roles.consumer import Consumer, LaneEnd, OpenedTab, Withdrawal
from worktab.roles.errors import DeviceNotFound, TabNotFound, WrongCluster
from worktab.roles.settling import Settler
from worktab.roles.tabs import LANE_SIZE
from worktab.testing.chains import sender_for


async def test_money_goes_into_a_tab_and_out_again(fleet: Fleet) -> None:
    consumer = Consumer(fleet.sender, fleet.network, Keypair())
    with pytest.raises(TabNotFound) as missing:
        await consumer.tab()
    assert missing.value.code == "tab_not_found"

    opened = await consumer.open()
    assert opened.address == consumer.tab_address
    assert opened.confirmed is not None
    assert await consumer.open() == OpenedTab(consumer.tab_address, None)

    vault = await fleet.vault()
    await fleet.mint.give(consumer.consumer, 1_000)
    await consumer.deposit(700)
    assert (await fleet.mint.balance(consumer.consumer), await fleet.vault()) == (300, vault + 700)
    spending = await consumer.spending()
    assert (spending.balance, spending.deposited, spending.withdrawn, spending.spent) == (700, 700, 0, 0)

    first = await consumer.withdraw(200)
    assert (first.amount, first.destination) == (200, fleet.mint.account_of(consumer.consumer))
    assert (await fleet.mint.balance(consumer.consumer), await fleet.vault()) == (500, vault + 500)
    with pytest.raises(errors.InsufficientBalance):
        await consumer.withdraw(501)
    assert (await consumer.withdraw()).amount == 500
    assert (await fleet.mint.balance(consumer.consumer), await fleet.vault()) == (1_000, vault)
    assert await consumer.withdraw() == Withdrawal(0, first.destination, None)

    assert await consumer.close() is not None
    assert await consumer.close() is None
    with pytest.raises(TabNotFound):
        await consumer.deposit(1)


async def test_what_is_withdrawn_may_go_elsewhere(fleet: Fleet) -> None:
    consumer, friend = await fleet.consumer(50), Keypair().pubkey()
    account = await fleet.mint.give(friend, 0)
    assert (await consumer.withdraw(20, destination=account)).destination == account
    assert (await fleet.mint.balance(friend), (await consumer.tab()).tab.balance) == (20, 30)


async def test_a_sponsor_pays_everything(fleet: Fleet) -> None:
    sponsor, wallet, device = Keypair(), Keypair(), await fleet.device()
    await fleet.airdrop(sponsor.pubkey(), SOL)
    await fleet.mint.give(sponsor.pubkey(), 900)
    consumer = Consumer(sender_for(fleet.chain, sponsor), fleet.network, wallet)
    rent = await fleet.chain.rent_exempt(Tab.SIZE)
    lane_rent = await fleet.chain.rent_exempt(Tab.SIZE + LANE_SIZE) - rent

    opened = (await consumer.open()).confirmed
    assert opened is not None
    assert opened.fee is not None
    assert await fleet.lamports(sponsor.pubkey()) == SOL - rent - opened.fee
    assert await fleet.lamports(consumer.tab_address) == rent

    deposited = await consumer.deposit(900, source_owner=sponsor)
    agent = Keypair()
    await consumer.set_delegate(agent.pubkey(), allowance=100)
    spender = Consumer(consumer.sender, fleet.network, agent, tab_of=wallet.pubkey())
    before = await fleet.lamports(sponsor.pubkey())
    lane = await spender.reserve(device.device, 60)
    assert lane.confirmed.fee is not None
    assert await fleet.lamports(sponsor.pubkey()) == before - lane_rent - lane.confirmed.fee
    assert await fleet.lamports(consumer.tab_address) == rent + lane_rent
    assert (await consumer.withdraw(840)).amount == 840

    assert [await fleet.lamports(key.pubkey()) for key in (wallet, agent)] == [0, 0]
    assert deposited.fee is not None
    assert await fleet.mint.balance(sponsor.pubkey()) == 0
    # What is withdrawn is the consumer's, whoever paid it in.
    assert await fleet.mint.balance(wallet.pubkey()) == 840


async def test_a_tab_gives_all_rent_back_to_who_opened_it(fleet: Fleet) -> None:
    sponsor, device = Keypair(), await fleet.device()
    await fleet.airdrop(sponsor.pubkey(), SOL)
    consumer = await fleet.consumer(40, sender=sender_for(fleet.chain, sponsor))
    consumer.sender = fleet.sender  # others pay the fees from here on
    held = await fleet.lamports(sponsor.pubkey())
    tab_rent = await fleet.chain.rent_exempt(Tab.SIZE)
    lane_rent = await fleet.chain.rent_exempt(Tab.SIZE + LANE_SIZE) - tab_rent

    lane = await consumer.reserve(device.device, 40)
    assert await fleet.lamports(sponsor.pubkey()) == held
    await consumer.close_lane(lane.nonce)
    await fleet.clock.advance(3_600)
    await consumer.close_lane(lane.nonce)
    assert await fleet.lamports(sponsor.pubkey()) == held + lane_rent
    with pytest.raises(errors.TabNotEmpty):
        await consumer.close()
    await consumer.withdraw()
    await consumer.close()
    assert await fleet.lamports(sponsor.pubkey()) == held + lane_rent + tab_rent
    assert await fleet.lamports(consumer.tab_address) == 0


async def test_lanes_are_reserved_topped_up_and_named(fleet: Fleet) -> None:
    consumer, device, other = await fleet.consumer(1_000), await fleet.device(), await fleet.device()
    first = await consumer.reserve(device.device, 100)
    second = await consumer.reserve(other.device, 250)
    assert (second.nonce, second.index, second.reserved) == (first.nonce + 1, 1, 250)
    more = await consumer.reserve(device.device, 50, nonce=first.nonce)
    assert (more.nonce, more.index, more.reserved) == (first.nonce, 0, 150)

    view = await consumer.tab()
    assert (view.tab.balance, view.reserved, view.spent) == (600, 400, 0)
    assert [(lane.index, lane.nonce, lane.reserved, lane.signer) for lane in view.lanes] == [
        (0, first.nonce, 150, 0),
        (1, second.nonce, 250, 0),
    ]
    assert view.signer_of(view.lanes[0]) == consumer.consumer
    with pytest.raises(errors.InsufficientBalance):
        await consumer.reserve(device.device, 601)
    with pytest.raises(errors.LaneNotFound):
        view.lane(second.nonce + 1)
    with pytest.raises(DeviceNotFound):
        await consumer.reserve(Keypair().pubkey(), 1)
    with pytest.raises(errors.ForeignLane):
        await consumer.reserve(other.device, 1, nonce=first.nonce)


async def test_a_reservation_is_found_where_the_node_keeps_no_logs(fleet: Fleet) -> None:
    consumer, device, other = await fleet.consumer(), await fleet.device(), await fleet.device()
    await consumer.reserve(device.device, 1)
    known = consumer.sender.chain.transaction

    async def silent(signature: Any) -> Landed | None:
        landed = await known(signature)
        return replace(landed, logs=()) if landed else None

    consumer.sender.chain.transaction = silent  # type: ignore[method-assign]
    try:
        lane = await consumer.reserve(other.device, 7)
        end = await consumer.close_lane(lane.nonce)
        await fleet.clock.advance(3_600)
        ended = await consumer.close_lane(lane.nonce)
    finally:
        consumer.sender.chain.transaction = known  # type: ignore[method-assign]
    assert (lane.index, lane.reserved, lane.nonce) == (1, 7, (await consumer.tab()).tab.nonce - 1)
    assert (end.ended, ended.ended, ended.returned) == (False, True, 7)


async def test_a_lane_ends_after_its_delay(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(100), await fleet.device()
    lane = await consumer.reserve(device.device, 60)

    began = await fleet.clock.now()
    started = await consumer.close_lane(lane.nonce)
    assert started.confirmed is not None
    assert (started.ended, started.returned) == (False, 0)
    assert began + 3_600 <= started.may_end_at <= await fleet.clock.now() + 3_600
    # Too early: nothing is sent, and what is said stays the same.
    assert await consumer.close_lane(lane.nonce) == replace(started, confirmed=None)
    with pytest.raises(errors.LaneClosing):
        await consumer.reserve(device.device, 1, nonce=lane.nonce)

    # It settles all the while.
    settled = await Settler(fleet.sender, fleet.network).settle(
        await fleet.voucher(consumer, device, lane.nonce, amount=25, units=5)
    )
    assert settled.amount == 25
    await fleet.clock.set_time(started.may_end_at)
    ended = await consumer.close_lane(lane.nonce)
    assert (ended.ended, ended.returned, ended.may_end_at) == (True, 35, 0)
    assert ((await consumer.tab()).tab.balance, (await consumer.tab()).lanes) == (75, ())
    assert await consumer.close_lane(lane.nonce) == LaneEnd(lane.nonce, True, 0, 0, None)
    with pytest.raises(errors.LaneNotFound):
        await consumer.close_lane(lane.nonce + 1)


async def test_the_devices_owner_releases_a_lane_at_once(fleet: Fleet) -> None:
    consumer, owner = await fleet.consumer(100), fleet.owner()
    device = await fleet.device(owner=owner)
    lane = await consumer.reserve(device.device, 60)
    assert await owner.release_lane(device.device, consumer.tab_address, lane.nonce) is not None
    assert (await consumer.tab()).tab.balance == 100
    assert await owner.release_lane(device.device, consumer.tab_address, lane.nonce) is None
    with pytest.raises(errors.LaneNotFound):
        await owner.release_lane(device.device, consumer.tab_address, lane.nonce + 1)
    with pytest.raises(TabNotFound):
        await owner.release_lane(device.device, Keypair().pubkey(), 1)
    other = await consumer.reserve(device.device, 60)
    with pytest.raises(errors.Unauthorized):
        await fleet.owner().release_lane(device.device, consumer.tab_address, other.nonce)


async def test_a_voucher_is_signed_only_within_its_lane(fleet: Fleet) -> None:
    consumer, device = await fleet.consumer(), await fleet.device()
    lane = await consumer.reserve(device.device, 100)
    view = await consumer.tab()
    terms: dict[str, Any] = {"units": 3, "seq": 1, "head": b"h" * 32}

    voucher = consumer.voucher(view, device.device, lane.nonce, amount=100, expires_at=9, **terms)
    voucher.verify(consumer.consumer, await consumer.reader.domain())
    assert (voucher.amount, voucher.units, voucher.seq, voucher.expires_at) == (100, 3, 1, 9)
    with pytest.raises(errors.OverReserve, match="at most 100; got 101"):
        consumer.voucher(view, device.device, lane.nonce, amount=101, **terms)
    with pytest.raises(errors.LaneNotFound):
        consumer.voucher(view, device.device, lane.nonce + 1, amount=1, **terms)
    stranger = Consumer(fleet.sender, fleet.network, Keypair(), tab_of=consumer.consumer)
    with pytest.raises(errors.ForeignLane):
        stranger.voucher(view, device.device, lane.nonce, amount=1, **terms)
    elsewhere = await fleet.consumer(0)
    with pytest.raises(errors.ForeignLane):
        elsewhere.voucher(view, device.device, lane.nonce, amount=1, **terms)


async def test_a_tab_of_another_cluster_is_refused(start_fleet: StartFleet) -> None:
    fleet = await start_fleet()
    consumer = await fleet.consumer(0)
    account = await fleet.chain.account(consumer.tab_address)
    assert account is not None
    forged = bytearray(account.data)
    forged[Tab.OFFSETS["domain"]] ^= 1
    await fleet.set_account(consumer.tab_address, replace(account, data=bytes(forged)))
    with pytest.raises(WrongCluster, match=r"Tab .* belongs to another cluster"):
        await consumer.tab()


async def test_what_is_no_tab_of_this_network_is_refused(fleet: Fleet) -> None:
    device, consumer = await fleet.device(), await fleet.consumer(0)
    reader = fleet.operator.reader
    other = await Fleet(fleet.chain).start()
    with pytest.raises(TabNotFound, match="in another network"):
        await other.operator.reader.find_tabs([consumer.tab_address])
    with pytest.raises(TabNotFound, match="There is no tab at"):
        await reader.find_tabs([device.device])
    # Lamports alone make no tab.
    await fleet.airdrop(ghost := Keypair().pubkey(), SOL)
    assert await reader.find_tabs([ghost, Keypair().pubkey()]) == [None, None]
    assert [view.address for view in await reader.tabs()] == [consumer.tab_address]


async def test_a_delegate_may_not_do_what_is_the_consumers(fleet: Fleet) -> None:
    consumer, agent = await fleet.consumer(100), Keypair()
    await consumer.set_delegate(agent.pubkey(), allowance=100)
    spender = Consumer(fleet.sender, fleet.network, agent, tab_of=consumer.consumer)
    for forbidden in (
        spender.open(),
        spender.withdraw(1),
        spender.close(),
        spender.revoke(1),
        spender.set_delegate(agent.pubkey(), allowance=1_000),
    ):
        with pytest.raises(errors.Unauthorized, match="expected the consumer"):
            await forbidden
    assert (await consumer.tab()).tab.balance == 100


async def test_a_payer_without_lamports_is_told_before_anything_happens(fleet: Fleet) -> None:
    poor = Consumer(program_sender(fleet.chain, fee_payer=Keypair()), fleet.network, Keypair())
    with pytest.raises(ChainError):
        await poor.open()
    assert await fleet.chain.account(poor.tab_address) is None
