"""What strangers publish, commit to and serve costs an attestor a bounded time, and never its life."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from support.attesting import Scene
from support.attesting_acts import all_work, commit_by_hand, own_data, reasons
from support.fleet import StartFleet
from worktab.agent.serving import Server
from worktab.core.errors import EncodingError
from worktab.epochs.attesting import comparing, judging, records, sampler
from worktab.epochs.attesting.attestor import MOST_ALONE
from worktab.epochs.attesting.errors import DataUnavailable, EvidenceWithheld
from worktab.epochs.attesting.evidence import MOST_REQUESTS, HttpEvidence, Wanted
from worktab.epochs.attesting.records import Drawn, Outcome
from worktab.epochs.attesting.reports import Action
from worktab.epochs.attesting.requests import MOST_RECORDS
from worktab.epochs.attesting.sources import HttpData
from worktab.epochs.attesting.verdicts import Reason
from worktab.epochs.building import build
from worktab.epochs.manifest import Manifest
from worktab.roles.attesting import Attestor


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    made = await Scene(tmp_path).start(start_fleet)
    yield made
    made.close()


@asynccontextmanager
async def dripping() -> AsyncIterator[str]:
    """A server that answers a byte at a time, without end."""

    async def drip(request: Request) -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            while not await request.is_disconnected():
                yield b"x"
                await asyncio.sleep(0.01)

        return StreamingResponse(body())

    server = Server.listen(Starlette(routes=[Route("/{path:path}", drip)]), "127.0.0.1", 0, grace=1)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


async def test_who_drips_is_given_up(tmp_path: Path) -> None:
    wanted = Wanted(Pubkey.new_unique(), 1, 1, ())
    async with dripping() as url, httpx.AsyncClient(timeout=120) as client:
        source = HttpEvidence(url, attestor=Keypair(), domain=bytes(32), client=client, longest=0.2)
        with pytest.raises(EvidenceWithheld, match="takes too long"):
            await source.fetch(wanted, tmp_path)
        data = HttpData(url, client=client, longest=0.2)
        with pytest.raises(DataUnavailable, match="takes too long"):
            await data.fetch(0, bytes(32), tmp_path)


async def test_who_claims_endless_jobs_is_asked_for_none(tmp_path: Path) -> None:
    most = MOST_REQUESTS * MOST_RECORDS
    device = Pubkey.new_unique()
    assert len(Wanted(device, 1, most, ()).requests()) == MOST_REQUESTS
    for last in (most + 1, 1 << 62):
        with pytest.raises(EvidenceWithheld, match="too many records"):
            Wanted(device, 1, last, ()).requests()


async def test_a_full_disk_is_no_end(tmp_path: Path) -> None:
    wanted = Wanted(Pubkey.new_unique(), 1, 1, ())
    async with dripping() as url, httpx.AsyncClient(timeout=120) as client:
        source = HttpEvidence(url, attestor=Keypair(), domain=bytes(32), client=client)
        with pytest.raises(EvidenceWithheld, match="cannot be kept"):
            await source.fetch(wanted, tmp_path / "nowhere")


async def test_a_manifest_that_cannot_be_one_is_told_as_such(scene: Scene) -> None:
    await all_work(scene)
    true = (await own_data(scene.members[0])).manifest
    for field in ("policy", "terms"):
        facts = json.loads(true.encode()) | {field: {"x": "HERE"}}
        text = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
        assert getattr(Manifest.decode(text), field) == {"x": "HERE"}
        for value in (
            b"NaN",
            b"-Infinity",
            b"1.0",
            b"1e400",
            b"9" * 5_000,
            b"[" * 100_000,
            b"[" * 5_000 + b"]" * 5_000,
        ):
            with pytest.raises(EncodingError):
                Manifest.decode(text.replace(b'"HERE"', value))


async def test_a_manifest_with_nan_in_it_stops_nobody(scene: Scene) -> None:
    liar, honest, _ = scene.members
    await all_work(scene)
    data = await own_data(liar)
    data.write(liar.published)
    facts = json.loads(data.manifest.encode()) | {"policy": {"policy": float("nan")}}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    (liar.published / "0" / "manifest.json").write_bytes(text)
    forged = replace(data.commitment(), data=sha256(text).digest())
    await Attestor(scene.fleet.sender, scene.fleet.network, liar.key).commit(forged)
    report = await scene.look(honest, commit=True)
    assert reasons(report) == [Reason.DATA_UNAVAILABLE]
    assert report.committed is not None
    assert report.committed.address is not None


async def test_what_nobody_thought_of_is_told_and_holds_up_nothing_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    liar, first, second = scene.members
    await all_work(scene)
    await commit_by_hand(scene, liar, await own_data(liar), units=7)
    bad = await scene.only()
    compare = comparing.against_manifest

    def fails(commitment: Any, *args: Any) -> Any:
        if commitment.units == 7:
            raise IndexError("out of bounds")
        return compare(commitment, *args)

    monkeypatch.setattr(judging, "against_manifest", fails)
    with caplog.at_level(logging.ERROR):
        report = await scene.look(first, commit=True)
    assert reasons(report) == [Reason.NOT_JUDGED]
    assert f"Commitment {bad.address} could not be judged" in caplog.text
    assert report.judged[0].action is Action.NONE
    assert report.committed is not None
    good = report.committed.address
    actions = {each.view.address: each.action for each in (await scene.look(second)).judged}
    assert actions == {bad.address: Action.NONE, good: Action.APPROVED}
    # It is judged again, and may then be understood.
    monkeypatch.undo()
    judged = {each.view.address: each for each in (await scene.look(second)).judged}
    assert reasons(judged[bad.address]) == [Reason.COMMITMENT_DIFFERS]


async def test_records_that_break_the_check_are_withheld(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, _ = scene.members
    broken, other = scene.parties
    await all_work(scene)
    check = records.check

    def fails(drawn: Drawn, *args: Any, **options: Any) -> Any:
        if drawn.device == broken.address:
            raise IndexError("out of bounds")
        return check(drawn, *args, **options)

    monkeypatch.setattr(sampler, "check", fails)
    with caplog.at_level(logging.ERROR):
        report = await scene.look(first, commit=True)
    assert f"Records of {broken.address} could not be checked" in caplog.text
    assert report.committed is not None
    assert report.committed.address is not None
    assert report.withheld == (broken.address,)
    assert report.to_json()["withheld"] == [str(broken.address)]
    report = await scene.look(second)
    [judged] = report.judged
    assert judged.verdict is not None
    assert judged.verdict.sample is not None
    facts = judged.verdict.sample.to_json()
    assert (facts["checked"], facts["unavailable"], facts["withheld"]) == (1, 1, [str(broken.address)])
    assert judged.verdict.sample.of(Outcome.AGREES)[0].device == other.address


async def test_the_same_result_is_judged_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    liar, honest, _ = scene.members
    await all_work(scene)
    data = await own_data(liar)
    data.write(liar.published)
    role = Attestor(scene.fleet.sender, scene.fleet.network, liar.key)
    for ms in range(12):
        await role.commit(replace(data.commitment(), check_ms=ms))
    built: list[Any] = []

    def counted(*args: Any, **options: Any) -> Any:
        built.append(args)
        return build(*args, **options)

    monkeypatch.setattr(judging, "build", counted)
    report = await scene.look(honest, commit=True)
    # What was published, and its own.
    assert len(built) == 2
    assert [each.verdict is not None and each.verdict.approve for each in report.judged] == [True] * 12
    assert [each.action for each in report.judged].count(Action.APPROVED) == 1
    assert report.judged[0].verdict is not None
    assert report.judged[0].verdict.sample is not None
    assert report.cpu_ns == report.judged[0].verdict.sample.cpu_ns
    # One more of them, in a later look, is known at once.
    await role.commit(replace(data.commitment(), check_ms=99))
    built.clear()
    report = await scene.look(honest)
    assert [each.verdict for each in report.judged] == [None] * 13
    assert len(built) == 1


async def test_one_alone_gets_a_few_judgements_a_look(scene: Scene) -> None:
    liar, first, second = scene.members
    await all_work(scene)
    data = await own_data(liar)
    data.write(liar.published)
    role = Attestor(scene.fleet.sender, scene.fleet.network, liar.key)
    for units in range(MOST_ALONE + 2):
        await role.commit(replace(data.commitment(), units=units))
    report = await scene.look(first, commit=True)
    found = [reasons(each)[0] for each in report.judged]
    assert found.count(Reason.COMMITMENT_DIFFERS) == MOST_ALONE
    assert found.count(Reason.ONE_OF_MANY) == 2
    assert report.committed is not None
    # An honest one among them is found all the same, and the rest are looked at next time.
    actions = {each.view.address: each.action for each in (await scene.look(second)).judged}
    assert actions[report.committed.address] is Action.APPROVED  # type: ignore[index]
    again = [each.verdict for each in (await scene.look(first)).judged]
    assert [reasons_of.objections[0].reason for reasons_of in again if reasons_of] == [Reason.COMMITMENT_DIFFERS] * 2
