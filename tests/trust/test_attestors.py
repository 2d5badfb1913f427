"""Attestors of disputes: what they are shown, what they remember, and what they live through."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey
from starlette.responses import Response

from support.attesting import ABC_UNITS
from support.disputes import BOND, DEPOSIT, Accusable, Court
from worktab.core.errors import ChainError, ConnectionFailed, StorageError
from worktab.epochs.attesting.errors import EvidenceWithheld
from worktab.epochs.attesting.evidence import FolderEvidence, HttpEvidence, Wanted
from worktab.epochs.attesting.requests import RECORDS_PATH, RecordsRequest
from worktab.epochs.attesting.watching import repeat
from worktab.roles.accusations import DisputeFinding, DisputeVerdict, Shown
from worktab.trust.attesting import DisputeAction, Disputed
from worktab.trust.memory import DisputeMemory, Known
from worktab.trust.receipts import signed_states
from worktab.work.bundle import open_bundle
from worktab.work.history import ChainState, Entry


async def disputed(court: Court, **lies: Any) -> tuple[Accusable, Entry]:
    """A device whose one record is disputed."""
    device, other = await court.device(), await court.consumer()
    entry = device.worker.claim(**lies)
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    return device, entry


async def test_all_attestors_at_once(court: Court) -> None:
    device, _ = await disputed(court, output=bytes(32))
    looks = await asyncio.gather(*(court.attestor(number).look() for number in range(3)))
    actions = [done.action for [done] in looks]
    assert DisputeAction.VOTED in actions
    await court.attestor(0).look()
    assert await court.fleet.operator.reader.disputes() == []
    assert (await court.read(device)).bond == BOND // 2


async def test_several_disputes_in_one_look(court: Court) -> None:
    other = await court.consumer()
    devices = [await court.device() for _ in range(3)]
    entries = [
        each.worker.claim(output=bytes(32)) if number else each.worker.claim() for number, each in enumerate(devices)
    ]
    await court.fleet.next_epoch()
    for device, entry in zip(devices, entries, strict=True):
        await court.submit(device)
        await court.dispute(court.challenger(other), device, entry)
    devices[1].online = False
    found = {each.view.account.device: each for each in await court.attestor(0).look()}
    assert [found[each.address].finding for each in devices] == [DisputeFinding.AGREES, None, DisputeFinding.DIFFERS]
    assert [found[each.address].action for each in devices] == [
        DisputeAction.VOTED,
        DisputeAction.WAITING,
        DisputeAction.VOTED,
    ]


async def test_a_stranger_finds_nothing_and_may_still_end_what_is_over(court: Court) -> None:
    device, _ = await disputed(court)
    court.keys[0] = type(court.keys[0])()
    assert (await court.look(0)).action is DisputeAction.NONE
    assert device.asked == []
    await court.go_to(1.0)
    assert (await court.look(0)).verdict is DisputeVerdict.UNDECIDED


async def test_what_a_device_serves_ends_no_look(court: Court) -> None:
    device, _ = await disputed(court)
    for number, answer in enumerate(
        (
            Response(b""),
            Response(b"PK\x03\x04" + bytes(100)),
            Response(status_code=500),
            Response(status_code=302, headers={"location": "http://127.0.0.1:9"}),
        )
    ):
        device.answers = answer
        await court.go_to(0.02 * number)
        done = await court.look(0)
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    # What was served and is no bundle is asked for once more, with the records around it.
    assert len(device.asked) == 6


async def test_a_device_is_not_asked_in_every_look(court: Court) -> None:
    device, _ = await disputed(court)
    device.online = False
    for _ in range(5):
        await court.look(0)
    assert len(device.asked) == 1
    await court.go_to(1 / 60)
    await court.look(0)
    assert len(device.asked) == 2


async def test_many_tries_at_one_time_are_not_enough(court: Court) -> None:
    device, _ = await disputed(court)
    device.online = False
    await court.go_to(0.95)
    for _ in range(4):
        assert (await court.look(0)).finding is None
    await court.go_to(0.97)
    assert (await court.look(0)).finding is None
    await court.go_to(0.99)
    # Three tries by now, over less than a tenth of the time.
    assert (await court.look(0)).finding is None
    assert len(device.asked) == 3


async def test_what_is_too_large_is_left_to_others(court: Court) -> None:
    await disputed(court)
    attestor = court.attestor(0, max_units=ABC_UNITS - 1)
    for _ in range(2):
        [done] = await attestor.look()
        assert (done.finding, done.action) == (None, DisputeAction.ABSTAINED)


async def test_receipts_of_an_ingest_bind_earlier_records(court: Court) -> None:
    """Where the head on chain is older than the disputed record."""
    device, other = await court.device(), await court.consumer()
    entries = device.worker.work(b"abc", b"abc")
    view = await device.device.view()
    receipt = device.receipt(view.device.receipt_context, view.now)
    row = bytes(device.address) + receipt.message.encode() + receipt.signature
    await court.challenger(other).open(device.address, await court.show(device, entries[1], receipt))
    assert (await court.look(0)).detail == "it agrees, but the records before it were not all shown"
    attestor = court.attestor(0)
    attestor.signed = lambda address, account: signed_states(row, address, account)
    await court.go_to(0.1)
    [done] = await attestor.look()
    assert (done.finding, done.action) == (DisputeFinding.REPEATED, DisputeAction.VOTED)


async def test_a_request_names_the_record(court: Court, tmp_path: Path) -> None:
    device, entry = await disputed(court)
    device.worker.work(b"abd")
    assert device.worker.spool.adopt(ChainState(5, 500, b"h" * 32), last_time=0) == 2
    source = court.evidence(0)
    [path] = await source.fetch(Wanted(device.address, 1, 1, (1,), entry.record_hash), tmp_path)
    with open_bundle(path) as bundle:
        assert [each.record_hash for each in bundle.entries()] == [entry.record_hash]
        assert bundle.get(entry.record.input) == b"abc"
    with pytest.raises(EvidenceWithheld):
        await source.fetch(Wanted(device.address, 1, 1, (1,)), tmp_path)
    with pytest.raises(EvidenceWithheld):
        await source.fetch(Wanted(device.address, 1, 1, (1,), bytes(32)), tmp_path)
    assert f"record={entry.record_hash.hex()}" in device.asked[0]
    asked = RecordsRequest(1, 1)
    signed = asked.headers(domain=court.domain, device=bytes(device.address), attestor=court.keys[0], now=0)
    for named in ("00", "zz", "00" * 33):
        answer = await court.http.get(
            device.url + RECORDS_PATH, params={**asked.query, "record": named}, headers=signed
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "input")


async def test_a_node_that_fails_ends_one_look_and_not_the_attestor(court: Court) -> None:
    await disputed(court)
    attestor, stop = court.attestor(0), asyncio.Event()
    told: list[tuple[Disputed, ...]] = []
    failed: list[str] = []

    async def look() -> tuple[Disputed, ...]:
        if not failed:
            raise ConnectionFailed("away")
        return await attestor.look()

    def say(looked: tuple[Disputed, ...]) -> None:
        told.append(looked)
        stop.set()

    await asyncio.wait_for(
        repeat(look, stop, every=0.01, told=say, failed=lambda error: failed.append(error.code)), 120
    )
    assert failed == ["connection"]
    assert [each.action for [each] in told] == [DisputeAction.VOTED]


async def test_a_dispute_that_the_chain_refuses_does_not_hold_up_the_others(court: Court) -> None:
    await disputed(court)
    await disputed(court)
    attestor = court.attestor(0)
    vote = attestor.voter.vote
    refused: list[Pubkey] = []

    async def fail_once(dispute: Pubkey, finding: DisputeFinding) -> object:
        if not refused:
            refused.append(dispute)
            raise ChainError("no")
        return await vote(dispute, finding)

    attestor.voter.vote = fail_once  # type: ignore[method-assign, assignment]
    actions = sorted(each.action.value for each in await attestor.look())
    assert actions == ["failed", "voted"]
    assert sorted(each.action.value for each in await attestor.look()) == ["kept", "voted"]


def test_memory(tmp_path: Path) -> None:
    file, dispute, other = tmp_path / "deep" / "disputes.json", Pubkey.new_unique(), Pubkey.new_unique()
    memory = DisputeMemory(file)
    assert memory.get(dispute, 5) == Known(5)
    known = Known(5, DisputeFinding.WITHHELD, "asked", None, 3, 10, 20)
    memory.put(dispute, known)
    memory.put(other, Known(7))
    assert DisputeMemory(file).get(dispute, 5) == known
    # Opened again about the same record, it is another dispute.
    assert DisputeMemory(file).get(dispute, 6) == Known(6)
    memory.keep([dispute])
    assert DisputeMemory(file).get(other, 7) == Known(7)
    assert DisputeMemory(file).get(dispute, 5) == known
    for damaged in ("{", "[]", f'{{"{dispute}": {{}}}}', '{"x": {}}', f'{{"{dispute}": {{"opened_at": "5"}}}}'):
        file.write_text(damaged)
        with pytest.raises(StorageError):
            DisputeMemory(file)


async def test_memory_keeps_the_record_that_was_shown(court: Court, tmp_path: Path) -> None:
    _, entry = await disputed(court, output=bytes(32))
    await court.look(0)
    view = await court.only()
    known = DisputeMemory(court.folder / "disputes-0.json").get(view.address, view.account.opened_at)
    assert known == Known(view.account.opened_at, DisputeFinding.DIFFERS, known.detail, Shown(entry.record, entry.salt))
    assert (court.folder / "disputes-0.json").stat().st_mode & 0o077 == 0


async def test_sources_say_whether_they_ask_the_device(court: Court) -> None:
    assert (FolderEvidence.asks_device, HttpEvidence.asks_device) == (False, True)
    device, _ = await disputed(court)
    gone = HttpEvidence("http://127.0.0.1:9", attestor=court.keys[0], domain=court.domain, client=court.http)
    for share in (0.0, 0.3, 0.8):
        await court.go_to(share)
        [done] = await court.attestor(0, FolderEvidence(court.folder / "none"), gone).look()
    assert done.finding is DisputeFinding.WITHHELD
    assert "127.0.0.1:9 does not answer" in done.detail
    assert device.asked == []


async def test_honest_device_after_a_spiteful_challenge_works_on(court: Court) -> None:
    device, _ = await disputed(court)
    owed = (await court.read(device)).rewards_owed
    for number in (0, 1):
        await court.look(number)
    account = await court.read(device)
    assert (account.rewards_owed, account.open_disputes, account.bond) == (owed, 0, BOND + DEPOSIT)
    device.worker.work(b"more")
    await court.submit(device)
    assert (await court.read(device)).seq == 2
