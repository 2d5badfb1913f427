"""Disputes from end to end: cheats are caught, the honest are not, and every base unit is accounted for."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import Response

from support.attesting import ABC_UNITS
from support.disputes import BOND, DEPOSIT, SLASH_BPS, TAB, VERIFIER, Court
from worktab.program.generated.errors import DisputeUndecided, TooSoon
from worktab.roles.accusations import DisputeFinding, DisputeVerdict, OpenOutcome
from worktab.roles.bonds import BondKeeper
from worktab.roles.terms import DeviceStatus
from worktab.trust.accusing import accuse, challenge
from worktab.trust.attesting import DisputeAction
from worktab.trust.challenging import Examined, Fault, overclaimed
from worktab.trust.published import open_published
from worktab.work.history import ChainState

SLASH = BOND * SLASH_BPS // 10_000


@pytest.mark.parametrize(
    "lies",
    [{"output": bytes(32)}, {"units": ABC_UNITS + 1}, {"units": ABC_UNITS - 1}, {"units": 2**48}],
    ids=["output", "inflated", "deflated", "most-inflated"],
)
async def test_a_cheat_is_slashed_and_everybody_else_is_made_whole(court: Court, lies: dict[str, Any]) -> None:
    device, honest = await court.device(), await court.device()
    consumer, other = await court.consumer(), await court.consumer()
    device.worker.work(b"abd")
    device.worker.claim(amount=700, tab=bytes(consumer.tab_address), **lies)
    honest.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(honest)
    view = await device.device.view()
    receipt = device.receipt(view.device.receipt_context, view.now)
    challenger = court.challenger(other)
    pool, bond = await court.pool(), (await court.read(device)).bond
    assert bond == BOND

    opened = await court.challenge(challenger, device, receipt)
    assert opened.outcome is OpenOutcome.OPENED
    assert await court.balance(other) == TAB - DEPOSIT
    assert (await court.read(device)).open_disputes == 1

    first = await court.look(0)
    assert (first.finding, first.action, first.verdict) == (DisputeFinding.DIFFERS, DisputeAction.VOTED, None)
    second = await court.look(1)
    assert (second.action, second.verdict) == (DisputeAction.RESOLVED, DisputeVerdict.GUILTY)
    assert await court.attestor(2).look() == ()

    account = await court.read(device)
    assert (account.bond, account.status, account.open_disputes) == (BOND - SLASH, DeviceStatus.SUSPENDED, 0)
    assert account.next_capacity == 0
    assert await court.balance(consumer) == TAB + 700
    assert await court.balance(other) == TAB + DEPOSIT
    assert await court.pool() == pool + SLASH - 700 - DEPOSIT
    assert ((await court.read(honest)).bond, (await court.read(honest)).status) == (BOND, DeviceStatus.ACTIVE)
    network = await court.fleet.operator.network()
    assert (network.total_slashed, network.disputes_guilty, network.disputes_not_guilty) == (SLASH, 1, 0)

    again = await challenger.open(
        device.address, await court.show(device, list(device.worker.spool.entries())[1], receipt)
    )
    assert (again.outcome, again.confirmed) == (OpenOutcome.ENDED_GUILTY, None)
    assert await court.balance(other) == TAB + DEPOSIT


async def test_an_honest_device_gets_the_deposit(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    examined, none = await challenge(court.challenger(other), [device.worker.bundle(court.folder)], VERIFIER)
    assert (none, examined.executed, examined.suspects) == (None, 1, [])
    before = await court.read(device)
    assert before.rewards_owed == 2 * ABC_UNITS
    opened = await court.dispute(court.challenger(other), device, entry)
    assert opened.view.account.seq == 1

    assert [(await court.look(number)).finding for number in (0, 1)] == [DisputeFinding.AGREES] * 2
    account = await court.read(device)
    assert (account.bond, account.status) == (BOND + DEPOSIT, DeviceStatus.ACTIVE)
    assert (account.rewards_owed, account.next_capacity) == (2 * ABC_UNITS, before.next_capacity)
    assert await court.balance(other) == TAB - DEPOSIT
    assert await court.fleet.operator.reader.disputes(open_only=False) == []


async def test_the_rewards_of_a_cheat_go_back_to_the_pool(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    cheat = device.worker.claim(units=1_000)
    await court.fleet.next_epoch()
    pool = await court.pool()
    await court.submit(device)
    assert (await court.pool(), (await court.read(device)).rewards_owed) == (pool - 2_000, 2_000)
    await court.dispute(court.challenger(other), device, cheat)
    for number in (0, 1):
        await court.look(number)
    assert (await court.read(device)).rewards_owed == 0
    # Nobody paid for it, so that nobody is made whole.
    assert await court.pool() == pool + SLASH - DEPOSIT
    assert await court.balance(other) == TAB + DEPOSIT


async def test_unpaid_work_shown_twice_is_found_and_convicted(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    entries = device.worker.work(b"abc", b"abd", b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    opened = await court.challenge(court.challenger(other), device)
    assert (opened.view.account.seq, opened.view.account.record_hash) == (3, entries[2].record_hash)
    again = await court.challenge(court.challenger(other), device)
    assert (again.outcome, again.address, again.confirmed) == (OpenOutcome.ALREADY_OPEN, opened.address, None)
    first = await court.look(0)
    assert (first.finding, first.detail) == (
        DisputeFinding.REPEATED,
        "job 1 has the same module and input, and nobody paid for either",
    )
    assert (await court.look(1)).verdict is DisputeVerdict.GUILTY


@pytest.mark.parametrize(("first_paid", "second_paid"), [(True, False), (False, True), (True, True)])
async def test_work_that_somebody_paid_for_may_be_repeated(court: Court, first_paid: bool, second_paid: bool) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    paid: dict[str, Any] = {"amount": 10, "tab": bytes(consumer.tab_address)}
    device.worker.claim(**(paid if first_paid else {}))
    second = device.worker.claim(**(paid if second_paid else {}))
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, second)
    assert [(await court.look(number)).finding for number in (0, 1)] == [DisputeFinding.AGREES] * 2
    assert (await court.read(device)).status == DeviceStatus.ACTIVE


async def test_attestors_who_disagree_leave_it_undecided_and_cost_a_tenth(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    opened = await court.dispute(court.challenger(other), device, entry)
    # One lies, one tells the truth, one sleeps.
    await court.voter(0).vote(opened.address, DisputeFinding.DIFFERS)
    assert (await court.look(1)).finding is DisputeFinding.AGREES
    with pytest.raises(DisputeUndecided):
        await court.challenger(other).resolve(opened.address)
    await court.go_to(1.0)
    assert (await court.look(1)).verdict is DisputeVerdict.UNDECIDED
    assert await court.balance(other) == TAB - DEPOSIT // 10
    assert ((await court.read(device)).bond, (await court.read(device)).status) == (
        BOND + DEPOSIT // 10,
        DeviceStatus.ACTIVE,
    )
    assert (await court.challenger(other).resolve(opened.address)).verdict is None


@pytest.mark.parametrize("lies", [{}, {"output": bytes(32)}], ids=["not-guilty", "guilty"])
async def test_an_attestor_that_others_overtake_comes_late(
    court: Court, monkeypatch: pytest.MonkeyPatch, lies: dict[str, Any]
) -> None:
    device, other = await court.device(), await court.consumer()
    entry = device.worker.claim(**lies)
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    late = court.attestor(2)
    ask = late.asker.ask

    async def overtaken(*args: Any, **options: Any) -> Any:
        found = await ask(*args, **options)
        for number in (0, 1):
            await court.look(number)
        return found

    monkeypatch.setattr(late.asker, "ask", overtaken)
    [seen] = await late.look()
    assert (seen.finding, seen.action, seen.lamports) == (
        DisputeFinding.DIFFERS if lies else DisputeFinding.AGREES,
        DisputeAction.LATE,
        0,
    )
    assert await late.look() == ()


async def test_a_lying_attestor_convicts_nobody_alone(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    opened = await court.dispute(court.challenger(other), device, entry)
    await court.voter(0).vote(opened.address, DisputeFinding.DIFFERS)
    assert (await court.look(1)).action is DisputeAction.VOTED
    assert (await court.look(2)).verdict is DisputeVerdict.NOT_GUILTY
    assert (await court.read(device)).bond == BOND + DEPOSIT


async def test_a_restart_neither_asks_nor_votes_again(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    opened = await court.dispute(court.challenger(other), device, entry)
    assert (await court.look(0)).action is DisputeAction.VOTED
    asked = len(device.asked)
    device.answers = Response(b"something else")
    done = await court.look(0)
    assert (done.action, done.finding, done.lamports) == (DisputeAction.KEPT, DisputeFinding.AGREES, 0)
    # Its vote is void after a change of attestors, and cast again from memory.
    await court.voter(0).vote(opened.address, DisputeFinding.WITHDRAWN)
    done = await court.look(0)
    assert (done.action, done.finding) == (DisputeAction.VOTED, DisputeFinding.AGREES)
    assert len(device.asked) == asked
    assert (await court.only()).account.votes.no == 0b1


async def test_a_dispute_opened_again_is_judged_again(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    challenger = court.challenger(other)
    for _ in range(2):
        await court.dispute(challenger, device, entry)
        asked = len(device.asked)
        assert [(await court.look(number)).finding for number in (0, 1)] == [DisputeFinding.AGREES] * 2
        assert len(device.asked) > asked
        await court.fleet.clock.advance(1)
    assert (await court.read(device)).bond == BOND + 2 * DEPOSIT


async def test_tabs_that_closed_leave_their_part_to_the_pool(court: Court) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    cheat = device.worker.claim(output=bytes(32), amount=100, tab=bytes(consumer.tab_address))
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, cheat)
    for gone in (consumer, other):
        await gone.withdraw()
        await gone.close()
    pool = await court.pool()
    for number in (0, 1):
        await court.look(number)
    assert await court.pool() == pool + SLASH + DEPOSIT + 2 * ABC_UNITS


async def test_a_guilty_dispute_is_closed_with_the_device(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    cheat = device.worker.claim(output=bytes(32))
    await court.fleet.next_epoch()
    await court.submit(device)
    challenger = court.challenger(other)
    opened = await court.dispute(challenger, device, cheat)
    for number in (0, 1):
        await court.look(number)
    with pytest.raises(TooSoon):
        await challenger.close(opened.address)
    keeper = BondKeeper(court.fleet.sender, court.fleet.network, device.owner.owner)
    await keeper.leave(device.address, BOND - SLASH)
    await court.fleet.clock.advance(604_800)
    await keeper.finish(device.address)
    assert (await device.owner.retire(device.address)).closed
    rent = await court.fleet.lamports(opened.address)
    payer = await court.fleet.lamports(court.fleet.payer.pubkey())
    closed = await challenger.close(opened.address)
    assert closed is not None
    assert await court.fleet.lamports(court.fleet.payer.pubkey()) == payer + rent - (closed.fee or 0)
    assert await challenger.close(opened.address) is None


@pytest.mark.parametrize("paid", [False, True])
async def test_a_receipt_that_claims_more_than_its_records_is_found_and_convicted(court: Court, paid: bool) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    device.worker.work(b"abc", b"abd")
    device.worker.claim(b"abe", **({"amount": 9, "tab": bytes(consumer.tab_address)} if paid else {}))
    await court.fleet.next_epoch()
    await court.claim(device, 1_000)
    view, path = await device.device.view(), device.worker.bundle(court.folder)
    owed = view.device.rewards_owed
    assert owed == 2 * (3 * ABC_UNITS + 1_000)
    with open_published([path]) as published:
        suspect = overclaimed(published, ChainState(view.device.seq, view.device.units, view.device.head))
        assert suspect is not None
        detail = f"a receipt for job 3 claims {3 * ABC_UNITS + 1_000} units, all records up to it have {3 * ABC_UNITS}"
        assert (suspect.seq, suspect.fault, suspect.detail) == (3, Fault.OVERCLAIMED, detail)
        found = Examined(suspects=[suspect])
        accusation = await accuse(court.challenger(other), published, found, view)
    assert accusation.evidence is not None
    await court.challenger(other).open(device.address, accusation.evidence)
    # A later receipt does not undo it.
    device.worker.work(b"abf")
    await court.claim(device, 1_000)
    first = await court.look(0)
    assert first.finding is DisputeFinding.DIFFERS
    assert first.detail.endswith(f"units, all records up to it have {4 * ABC_UNITS}")
    pool = await court.pool()
    assert (await court.look(1)).verdict is DisputeVerdict.GUILTY
    taken = 2 * (4 * ABC_UNITS + 1_000)
    assert (await court.read(device)).rewards_owed == 0
    assert await court.pool() == pool + SLASH - DEPOSIT - (9 if paid else 0) + taken


async def test_a_receipt_that_claims_less_is_no_guilt(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    entries = device.worker.work(b"abc", b"abd")
    await court.fleet.next_epoch()
    await court.claim(device, -10)
    await court.dispute(court.challenger(other), device, entries[1])
    assert [(await court.look(number)).finding for number in (0, 1)] == [DisputeFinding.AGREES] * 2
