"""Watching: what is owed is taken in time, what would be lost is held off, and nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair

from support.fleet import StartFleet
from support.sla_scene import HOUR, SlaScene
from support.watching import (
    AHEAD,
    AMOUNT,
    Accused,
    BookOf,
    consumers_watcher,
    owners_watcher,
    watcher,
)
from worktab.chain.sending import Confirmed
from worktab.core.errors import ConnectionFailed, StorageError
from worktab.roles.accusations import DisputeFinding
from worktab.roles.errors import DeviceNotFound
from worktab.roles.sla_standing import SlaStage
from worktab.trust.watching.acting import Look
from worktab.trust.watching.deciding import Alarm, Contest, Deed
from worktab.trust.watching.running import watch
from worktab.trust.watching.seeing import Owed


@pytest.fixture
async def scene(start_fleet: StartFleet) -> SlaScene:
    made = SlaScene()
    return await made.join(await start_fleet(**made.plan))


def deeds(look: Look) -> list[tuple[Deed, int]]:
    """What a look did, and what moved; nothing of it failed."""
    assert [each.error for each in look.done if each.error] == []
    return [(each.action.deed, each.moved) for each in look.done]


def alarms(look: Look) -> list[Alarm]:
    """What a look warned of."""
    return [each.alarm for each in look.warnings]


async def test_a_consumer_is_paid_for_a_missed_sla_once(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.deliver(80)
    watching = consumers_watcher(scene)
    assert deeds(await watching.look()) == []
    await scene.pass_deadline(sla)
    assert deeds(await watching.look()) == []
    await scene.pass_contest(sla)

    vault = await scene.fleet.vault()
    assert deeds(await watching.look()) == [(Deed.ENFORCE, 60)]
    assert await scene.money() == (440, 0, 760)
    # One that is started again knows as much.
    assert deeds(await consumers_watcher(scene).look()) == []
    assert (await scene.money(), await scene.fleet.vault()) == ((440, 0, 760), vault)
    assert (await scene.fleet.operator.ledger()).holds


async def test_a_consumer_gets_its_lane_back_as_soon_as_an_sla_is_kept(scene: SlaScene) -> None:
    await scene.open()
    await scene.deliver(200)
    assert deeds(await consumers_watcher(scene).look()) == [(Deed.ENFORCE, 0)]
    assert not (await scene.consumer.tab()).lane(scene.nonce).promised
    assert (await scene.read())[0].slas_kept == 1


async def test_a_provider_is_warned_and_settles_before_the_deadline(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    voucher = await scene.fleet.voucher(scene.consumer, scene.device, scene.nonce, amount=190, units=190)
    lane = (scene.consumer.tab_address, scene.nonce)
    book = BookOf({lane: Owed(190, voucher)})
    watching = owners_watcher(scene, book=book)
    early = await watching.look()
    assert (deeds(early), alarms(early)) == ([], [])

    deadline = (await scene.slas.standing(sla)).account.deadline
    await scene.fleet.clock.set_time(deadline - AHEAD)
    near = await watching.look()
    assert deeds(near) == [(Deed.SETTLE, 190)]
    [warned] = near.warnings
    assert (warned.alarm, warned.subject, warned.until, warned.amount) == (Alarm.SLA_ENDS_SOON, sla, deadline, 5)
    assert warned.text == "0.00001 of 0.0002 are not delivered: that costs 0.000005"
    assert (await scene.slas.standing(sla)).delivered == 190
    again = await watching.look()
    assert (deeds(again), alarms(again)) == ([], [Alarm.SLA_ENDS_SOON])

    # The next voucher comes after the deadline: what is settled before the penalty counts.
    more = await scene.fleet.voucher(scene.consumer, scene.device, scene.nonce, amount=230, units=230)
    book.lanes = {lane: Owed(230, more)}
    await scene.pass_deadline(sla)
    late = await watching.look()
    assert (deeds(late), alarms(late)) == ([(Deed.SETTLE, 40)], [])
    assert deeds(await watching.look()) == [(Deed.ENFORCE, 0)]
    assert await scene.money() == (500, 0, 700)
    device, _, _ = await scene.read()
    assert (device.slas_kept, device.earnings_owed) == (1, 230)


@pytest.mark.parametrize(
    ("contest", "charged", "contests"),
    [
        (Contest.NEVER, 150, False),
        (Contest.SHORT, None, False),
        (Contest.SHORT, 100, False),
        (Contest.SHORT, 101, True),
        (Contest.ALWAYS, None, True),
    ],
)
async def test_a_provider_contests_as_it_is_told(
    scene: SlaScene, contest: Contest, charged: int | None, contests: bool
) -> None:
    sla = (await scene.open()).address
    await scene.deliver(100)
    lane = (scene.consumer.tab_address, scene.nonce)
    book = None if charged is None else BookOf({lane: Owed(charged, None)})
    await scene.pass_deadline(sla)
    watching = owners_watcher(scene, contest, book)

    look = await watching.look()
    assert deeds(look) == ([(Deed.CONTEST, 0)] if contests else [])
    assert alarms(look) == [Alarm.SLA_MISSED]
    expected = SlaStage.CONTESTED if contests else SlaStage.CONTESTABLE
    assert (await scene.slas.standing(sla)).stage is expected
    again = await watching.look()
    assert (deeds(again), alarms(again)) == ([], [Alarm.SLA_CONTESTED if contests else Alarm.SLA_MISSED])
    if not contests:
        await scene.pass_contest(sla)
        assert alarms(await watching.look()) == [Alarm.SLA_PENALTY_DUE]
        assert await scene.money() == (500, 100, 700)
        return
    await scene.pass_votes(sla)
    assert deeds(await watching.look()) == [(Deed.ENFORCE, 0)]
    assert await scene.money() == (500, 0, 700)


async def test_without_the_owners_key_nothing_is_contested(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    for key in (None, Keypair()):
        look = await watcher(scene, key=key, contest=Contest.ALWAYS, devices=[scene.device.device]).look()
        assert (deeds(look), alarms(look)) == ([], [Alarm.SLA_MISSED])


async def test_a_consumer_is_made_whole_for_a_record_that_was_found_wrong(scene: SlaScene) -> None:
    accused = await Accused(scene).open()
    watching = consumers_watcher(scene, None, accused.shown)
    look = await watching.look()
    [warned] = look.warnings
    assert (deeds(look), warned.alarm, warned.amount) == ([], Alarm.PURCHASE_DISPUTED, AMOUNT)

    await accused.vote(DisputeFinding.DIFFERS)
    before = (await scene.consumer.tab()).tab.balance, (await accused.challenger.tab()).tab.balance
    vault = await scene.fleet.vault()
    assert before == (700, 250)
    # The slash is 250: 120 for the record; of the rest, 67 for the challenger but 50 at most, and the pool.
    assert deeds(await watching.look()) == [(Deed.RESOLVE, AMOUNT + 50 + 50)]
    after = (await scene.consumer.tab()).tab.balance, (await accused.challenger.tab()).tab.balance
    assert after == (700 + AMOUNT, 250 + 50 + 50)
    assert ((await scene.read())[0].bond, await scene.fleet.vault()) == (250, vault)
    assert deeds(await watching.look()) == []
    assert (await scene.fleet.operator.ledger()).holds
    assert alarms(await owners_watcher(scene).look()) == []


async def test_a_challenger_waits_where_it_lacks_the_record(scene: SlaScene) -> None:
    accused = await Accused(scene).open()
    await accused.vote(DisputeFinding.DIFFERS)
    watching = consumers_watcher(scene, accused.challenger)
    look = await watching.look()
    assert (deeds(look), alarms(look)) == ([], [Alarm.RECORD_MISSING])
    assert alarms(await owners_watcher(scene).look()) == [Alarm.DEVICE_GUILTY]
    await accused.pass_deadline()
    assert deeds(await watching.look()) == []
    await accused.pass_showing()
    assert deeds(await watching.look()) == [(Deed.RESOLVE, 100)]
    assert (await accused.challenger.tab()).tab.balance == 350


async def test_a_record_that_can_not_be_shown_is_told_until_the_dispute_ends_without_it(scene: SlaScene) -> None:
    accused = await Accused(scene).open(tab=scene.device.device)
    await accused.vote(DisputeFinding.DIFFERS)
    watching = consumers_watcher(scene, accused.challenger, accused.shown)
    look = await watching.look()
    assert (deeds(look), alarms(look)) == ([], [Alarm.RECORD_MISSING])
    assert f"names {scene.device.device} as its consumer, which is no tab" in look.warnings[0].text
    await accused.pass_showing()
    assert deeds(await watching.look()) == [(Deed.RESOLVE, 100)]
    assert (await accused.challenger.tab()).tab.balance == 350


async def test_an_undecided_dispute_gives_its_challenger_most_of_the_deposit_back(scene: SlaScene) -> None:
    accused = await Accused(scene).open()
    bystander = consumers_watcher(scene, await scene.fleet.consumer(10), accused.shown)
    await accused.vote(DisputeFinding.DIFFERS, 1)
    await accused.pass_deadline()
    assert deeds(await bystander.look()) == []
    assert deeds(await consumers_watcher(scene, accused.challenger).look()) == [(Deed.RESOLVE, 45)]
    assert (await accused.challenger.tab()).tab.balance == 295
    assert (await scene.read())[0].bond == 505


async def test_a_provider_is_warned_of_a_dispute_and_ends_it_when_it_is_cleared(scene: SlaScene) -> None:
    accused = await Accused(scene).open()
    watching = owners_watcher(scene)
    look = await watching.look()
    view = await scene.slas.reader.dispute(accused.dispute)
    assert view is not None
    half = (view.account.opened_at + view.account.deadline) // 2
    assert [(each.alarm, each.until, each.amount) for each in look.warnings] == [(Alarm.DEVICE_DISPUTED, half, 500)]
    await scene.fleet.clock.set_time(half)
    assert [each.until for each in (await watching.look()).warnings] == [view.account.deadline]
    await accused.vote(DisputeFinding.AGREES)
    assert deeds(await watching.look()) == [(Deed.RESOLVE, 0)]
    assert (await scene.read())[0].bond == 550
    assert deeds(await watching.look()) == []


async def test_a_provider_is_told_of_its_bond(scene: SlaScene) -> None:
    await scene.keeper.leave(scene.device.device, 300)
    watching = owners_watcher(scene)
    assert alarms(await watching.look()) == []
    await scene.fleet.clock.set_time((await scene.keeper.status(scene.device.device)).leaves_at)
    [due] = (await watching.look()).warnings
    assert (due.alarm, due.subject, due.amount) == (Alarm.BOND_DUE, scene.device.device, 300)
    assert (await scene.keeper.finish(scene.device.device)).amount == 300
    assert alarms(await watching.look()) == []


async def test_what_fails_stops_nothing_else(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    lane = await scene.consumer.reserve(scene.device.device, 50)
    other = (await scene.open(nonce=lane.nonce, due=10, deadline=await scene.fleet.clock.now() + HOUR)).address
    await scene.pass_deadline(other)
    voucher = await scene.fleet.voucher(scene.consumer, scene.device, scene.nonce, amount=50, units=1)
    forged = replace(voucher, signature=bytes(64))
    book = BookOf({(scene.consumer.tab_address, scene.nonce): Owed(50, forged)})
    look = await owners_watcher(scene, Contest.ALWAYS, book).look()
    assert [(each.action.deed, each.error.code if each.error else None) for each in look.done] == [
        (Deed.SETTLE, "verification"),
        (Deed.CONTEST, None),
        (Deed.CONTEST, None),
    ]
    assert look.failed
    stages = {each.view.address: each.stage for each in await scene.slas.standings()}
    assert stages == {sla: SlaStage.CONTESTED, other: SlaStage.CONTESTED}


async def test_a_voucher_that_can_not_be_settled_is_contested_for_in_time(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    lane = (scene.consumer.tab_address, scene.nonce)
    voucher = await scene.fleet.voucher(scene.consumer, scene.device, scene.nonce, amount=250, units=1)
    look = await owners_watcher(scene, book=BookOf({lane: Owed(250, replace(voucher, signature=bytes(64)))})).look()
    assert [each.action.deed for each in look.done if each.error is None] == [Deed.CONTEST]
    assert (await scene.slas.standing(sla)).stage is SlaStage.CONTESTED


async def test_what_settling_makes_up_for_is_not_contested(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    lane = (scene.consumer.tab_address, scene.nonce)
    part = await scene.fleet.voucher(scene.consumer, scene.device, scene.nonce, amount=150, units=1)
    look = await owners_watcher(scene, book=BookOf({lane: Owed(150, part)})).look()
    assert (deeds(look), alarms(look)) == ([(Deed.SETTLE, 150)], [Alarm.SLA_MISSED])
    whole = await scene.fleet.voucher(scene.consumer, scene.device, scene.nonce, amount=250, units=1)
    look = await owners_watcher(scene, Contest.ALWAYS, BookOf({lane: Owed(250, whole)})).look()
    assert deeds(look) == [(Deed.SETTLE, 100)]
    assert (await scene.slas.standing(sla)).stage is SlaStage.KEPT


async def test_what_another_watcher_ends_meanwhile_needs_no_contest(
    scene: SlaScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    voucher = await scene.fleet.voucher(scene.consumer, scene.device, scene.nonce, amount=200, units=200)
    book = BookOf({(scene.consumer.tab_address, scene.nonce): Owed(200, voucher)})
    watching, send = owners_watcher(scene, Contest.ALWAYS, book), scene.fleet.sender.send

    async def before_another(*args: Any, **named: Any) -> Confirmed:
        monkeypatch.undo()
        confirmed = await send(*args, **named)
        assert deeds(await consumers_watcher(scene).look()) == [(Deed.ENFORCE, 0)]
        return confirmed

    monkeypatch.setattr(scene.fleet.sender, "send", before_another)
    assert deeds(await watching.look()) == [(Deed.SETTLE, 200)]
    assert (await scene.read())[0].slas_kept == 1


async def test_more_slas_cost_few_more_questions(scene: SlaScene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    chain = scene.fleet.chain
    for name in ("account", "accounts", "program_accounts", "unix_time"):
        monkeypatch.setattr(chain, name, counted(name, getattr(chain, name), asked))
    await scene.open()
    asked.clear()
    await owners_watcher(scene).look()
    one = len(asked)

    for _ in range(4):
        device = await scene.fleet.device(owner=scene.owner)
        lane = await scene.consumer.reserve(device.device, 20)
        terms = {"nonce": lane.nonce, "due": 10, "bps": 0, "deadline": await scene.fleet.clock.now() + HOUR}
        offer = await scene.buyer.offer(device.device, consumer=scene.consumer.consumer, **terms)
        await scene.buyer.open(offer, scene.owner.owner)
    asked.clear()
    look = await owners_watcher(scene).look()
    # One for the SLAs of each device; tabs and the clock are read once for all.
    assert (len(asked), look.failures) == (one + 4, ())


def counted(name: str, call: Callable[..., Awaitable[Any]], asked: list[str]) -> Callable[..., Awaitable[Any]]:
    """A question to a chain that is noted."""

    async def ask(*args: Any, **named: Any) -> Any:
        asked.append(name)
        return await call(*args, **named)

    return ask


async def test_a_book_in_use_and_a_device_that_is_gone_are_told(scene: SlaScene) -> None:
    sla = (await scene.open()).address
    await scene.pass_deadline(sla)
    stranger = Keypair().pubkey()
    book = BookOf({}, held=True)
    devices = [stranger, scene.device.device]
    look = await watcher(scene, devices=devices, books={scene.device.device: book}).look()
    assert [type(each) for each in look.failures] == [DeviceNotFound, StorageError]
    assert alarms(look) == [Alarm.SLA_MISSED]


async def test_watching_goes_on_past_whatever_fails(scene: SlaScene, monkeypatch: pytest.MonkeyPatch) -> None:
    sla = (await scene.open()).address
    await scene.pass_contest(sla)
    watching, stop = consumers_watcher(scene), asyncio.Event()
    known, left = watching.look, 2
    told: list[Look] = []
    failed: list[str] = []

    async def look() -> Look:
        nonlocal left
        if left:
            left -= 1
            raise ConnectionFailed("The node does not answer")
        if told:
            stop.set()
        return await known()

    monkeypatch.setattr(watching, "look", look)
    await watch(watching, stop, every=0.01, told=told.append, failed=lambda error: failed.append(error.code))
    assert failed == [ConnectionFailed.code] * 2
    assert [deeds(each) for each in told] == [[(Deed.ENFORCE, 100)], []]
    assert await scene.money() == (400, 0, 800)
