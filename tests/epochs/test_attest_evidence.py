"""Evidence: devices that show their records to attestors alone, folders of bundles, and what becomes of bad answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.attesting import Worker
from support.fleet import Fleet, StartFleet
from support.hostile_server import Answering, dripping, hostile, packed
from worktab.agent.records import Records
from worktab.agent.serving import Server
from worktab.core.errors import InputError, StorageError
from worktab.epochs.attesting import evidence, requests
from worktab.epochs.attesting.errors import EvidenceWithheld
from worktab.epochs.attesting.evidence import AnyEvidence, FolderEvidence, HttpEvidence, Wanted, read_addresses
from worktab.epochs.attesting.requests import RECORDS_PATH, RecordsRequest
from worktab.roles.device import Device
from worktab.work import wasm
from worktab.work.bundle import open_bundle

ATTESTOR, SECOND = Keypair(), Keypair()
NOW = 1_800_000_000


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The application on a real socket."""
    server = Server.listen(app, "127.0.0.1", 0, grace=1)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


class Scene:
    """A device of a network with two attestors, its records served."""

    def __init__(self, fleet: Fleet, device: Device, worker: Worker, url: str, http: httpx.AsyncClient) -> None:
        self.fleet, self.device, self.worker, self.url, self.http = fleet, device, worker, url, http
        self.domain = b""

    def source(self, **options: Any) -> HttpEvidence:
        given = {"url": self.url, "attestor": ATTESTOR, "clock": lambda: NOW + 0.5, **options}
        url = given.pop("url")
        return HttpEvidence(url, domain=self.domain, client=self.http, **given)

    async def ask(self, **query: str) -> tuple[int, str]:
        """Status and code of an answer to an attestor."""
        try:
            signed = RecordsRequest.parse(query.items())
        except InputError:
            signed = RecordsRequest(1, 1)
        headers = signed.headers(domain=self.domain, device=bytes(self.device.device), attestor=ATTESTOR, now=NOW)
        answer = await self.http.get(self.url + RECORDS_PATH, params=query, headers=headers)
        return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
async def scene(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Scene]:
    fleet = await start_fleet(attestors=(ATTESTOR.pubkey(), SECOND.pubkey()))
    device = await fleet.device()
    worker = Worker(tmp_path, device.device)
    worker.work(b"abc", b"abd", b"abc", b"abe")
    app = Starlette(routes=[Records(device, worker.spool, worker.blobs, clock=lambda: NOW).route])
    async with serving(app) as url, httpx.AsyncClient(timeout=120) as http:
        made = Scene(fleet, device, worker, url, http)
        made.domain = await device.reader.domain()
        yield made
    worker.close()


async def test_a_device_shows_records_and_the_data_asked_for(scene: Scene, tmp_path: Path) -> None:
    wanted = Wanted(scene.device.device, 2, 4, (3,))
    [path] = await scene.source().fetch(wanted, tmp_path)
    entries = list(scene.worker.spool.entries())
    with open_bundle(path) as bundle:
        assert (bundle.device, bundle.base, bundle.count) == (bytes(scene.device.device), entries[0].state, 3)
        assert list(bundle.entries()) == entries[1:]
        asked, other = entries[2].record, entries[3].record
        assert [bundle.get(name) for name in (asked.input, asked.output)] == [b"abc", b"bcd"]
        assert bundle.get(asked.module) is not None
        assert bundle.get(other.input) is None
    assert [each.name for each in tmp_path.glob("*.bundle")] == [path.name]


async def test_no_attestor_takes_the_turns_of_another(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is refused may find the records withheld, which costs the device its bond."""
    wanted = Wanted(scene.device.device, 1, 1, (1,))
    folders = [tmp_path / str(number) for number in range(5)]
    for folder in folders:
        folder.mkdir()
    ready, go = threading.Semaphore(0), threading.Event()
    show, store = scene.worker.blobs.get, scene.worker.blobs

    def slow(digest: bytes) -> bytes | None:
        ready.release()
        assert go.wait(60)
        return show(digest)

    monkeypatch.setattr(store, "get", slow)
    asked = [asyncio.create_task(scene.source().fetch(wanted, folder)) for folder in folders[:4]]
    for _ in range(2):
        assert await asyncio.to_thread(ready.acquire, timeout=60)
    monkeypatch.setattr(store, "get", show)
    [path] = await scene.source(attestor=SECOND).fetch(wanted, folders[4])
    assert not any(task.done() for task in asked)
    go.set()
    found = await asyncio.gather(*asked)
    assert {each.read_bytes() for [each] in found} == {path.read_bytes()}


async def test_a_damaged_output_does_not_hide_its_record(scene: Scene, tmp_path: Path) -> None:
    [entry] = scene.worker.spool.entries(1, 1)
    name = entry.record.output.hex()
    [held] = tmp_path.rglob(name)
    held.write_bytes(b"rotten")
    [path] = await scene.source().fetch(Wanted(scene.device.device, 1, 1, (1,)), tmp_path)
    with open_bundle(path) as bundle:
        assert list(bundle.entries()) == [entry]
        assert (bundle.get(entry.record.input), bundle.get(entry.record.output)) == (b"abc", None)


def test_attestors_take_the_largest_record_that_a_job_may_have() -> None:
    assert evidence.MOST_BYTES >= wasm.MODULE_LIMIT + wasm.MEMORY_LIMIT + wasm.OUTPUT_LIMIT + (16 << 20)


async def test_records_that_were_pruned_are_left_out(scene: Scene, tmp_path: Path) -> None:
    spool = scene.worker.spool
    spool.confirm(scene.worker.state)
    spool.prune(3)
    [path] = await scene.source().fetch(Wanted(scene.device.device, 1, 4, ()), tmp_path)
    with open_bundle(path) as bundle:
        assert (bundle.base.seq, bundle.count) == (2, 2)
    with pytest.raises(EvidenceWithheld) as caught:
        await scene.source().fetch(Wanted(scene.device.device, 1, 2, ()), tmp_path)
    assert caught.value.got == "status 404"


async def test_many_records_come_in_parts(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_RECORDS", 3)
    monkeypatch.setattr(evidence, "MOST_DATA", 1)
    wanted = Wanted(scene.device.device, 1, 4, (1, 2, 4))
    asked = [(each.first, each.last, each.data) for each in wanted.requests()]
    assert asked == [(1, 1, (1,)), (2, 3, (2,)), (4, 4, (4,))]
    paths = await scene.source().fetch(wanted, tmp_path)
    found = []
    for path in paths:
        with open_bundle(path) as bundle:
            found += list(bundle.entries())
    assert found == list(scene.worker.spool.entries())


@pytest.mark.parametrize(
    "options",
    [
        {"attestor": Keypair()},
        {"clock": lambda: NOW + requests.CLOCKS + 1},
        {"clock": lambda: NOW - requests.CLOCKS - 1},
    ],
    ids=["stranger", "later", "earlier"],
)
async def test_records_are_shown_to_attestors_only(scene: Scene, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(EvidenceWithheld) as caught:
        await scene.source(**options).fetch(Wanted(scene.device.device, 1, 4, ()), tmp_path)
    assert caught.value.got == "status 403"


@pytest.mark.parametrize(("answer", "longest", "message"), [(packed, 60, "packed"), (dripping, 0.3, "takes too long")])
async def test_answers_that_do_harm_are_not_read(
    scene: Scene, tmp_path: Path, answer: Answering, longest: float, message: str
) -> None:
    async with hostile(answer) as url:
        with pytest.raises(EvidenceWithheld, match=message):
            await scene.source(url=url, longest=longest).fetch(Wanted(scene.device.device, 1, 4, ()), tmp_path)


async def test_a_signature_stands_for_one_device_network_and_request(scene: Scene) -> None:
    asked, device = RecordsRequest(1, 2), bytes(scene.device.device)
    headers = asked.headers(domain=scene.domain, device=device, attestor=ATTESTOR, now=NOW)
    for good in (headers, {name.lower(): value for name, value in headers.items()}):
        answer = await scene.http.get(scene.url + RECORDS_PATH, params=asked.query, headers=good)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    wrong = [
        RecordsRequest(1, 3).headers(domain=scene.domain, device=device, attestor=ATTESTOR, now=NOW),
        RecordsRequest(1, 2, (1,)).headers(domain=scene.domain, device=device, attestor=ATTESTOR, now=NOW),
        RecordsRequest(1, 2, (), bytes(32)).headers(domain=scene.domain, device=device, attestor=ATTESTOR, now=NOW),
        asked.headers(domain=bytes(32), device=device, attestor=ATTESTOR, now=NOW),
        asked.headers(domain=scene.domain, device=bytes(Pubkey.new_unique()), attestor=ATTESTOR, now=NOW),
        headers | {"WORKTAB-TIME": str(NOW + 1)},
        headers | {"WORKTAB-SIGNATURE": "00"},
        headers | {"WORKTAB-SIGNATURE": "zz"},
        headers | {"WORKTAB-ATTESTOR": "nobody"},
        {name: value for name, value in headers.items() if name != "WORKTAB-TIME"},
        {},
    ]
    for each in wrong:
        answer = await scene.http.get(scene.url + RECORDS_PATH, params=asked.query, headers=each)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_an_attestor")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"from": "0", "to": "1"}, (400, "input")),
        ({"from": "2", "to": "1"}, (400, "input")),
        ({"from": "1", "to": "50001"}, (400, "input")),
        ({"from": "1", "to": "x"}, (400, "input")),
        ({"from": "1"}, (400, "input")),
        ({"from": "1", "to": "1", "data": "2"}, (400, "input")),
        ({"from": "1", "to": "1", "more": "2"}, (400, "input")),
        ({"from": "1", "to": "1" * 21}, (400, "input")),
        ({"from": "1", "to": "5"}, (404, "evidence_withheld")),
        ({"from": "5", "to": "6"}, (404, "evidence_withheld")),
    ],
)
async def test_what_cannot_be_shown_is_refused(scene: Scene, query: dict[str, str], expected: tuple[int, str]) -> None:
    assert await scene.ask(**query) == expected


async def test_bad_answers_are_withheld_evidence(tmp_path: Path) -> None:
    async def large(request: Request) -> Response:
        return Response(b"x" * 2_000)

    app = Starlette(routes=[Route("/large" + RECORDS_PATH, large)])
    wanted = Wanted(Pubkey.new_unique(), 1, 1, ())
    async with serving(app) as url, httpx.AsyncClient(timeout=120) as http:
        options: dict[str, Any] = {"attestor": ATTESTOR, "domain": bytes(32), "client": http}
        for where, most, told in (
            (url + "/large", 1_999, "is too large"),
            (url + "/nothing", 9_999, "shows no records"),
            ("http://127.0.0.1:9", 9_999, "does not answer"),
            ("http://[", 9_999, "does not answer"),
        ):
            with pytest.raises(EvidenceWithheld) as caught:
                await HttpEvidence(where, most=most, **options).fetch(wanted, tmp_path)
            assert told in caught.value.message
        with pytest.raises(EvidenceWithheld):
            await HttpEvidence({}, **options).fetch(wanted, tmp_path)
        [path] = await HttpEvidence({wanted.device: url + "/large"}, most=2_000, **options).fetch(wanted, tmp_path)
        assert path.read_bytes() == b"x" * 2_000


async def test_sources_are_asked_in_their_order(tmp_path: Path) -> None:
    device = Pubkey.new_unique()
    empty, full = tmp_path / "empty", tmp_path / "full"
    for folder in (empty, full):
        folder.mkdir()
    (full / f"{device}.bundle").write_bytes(b"held")
    wanted = Wanted(device, 1, 1, ())
    both = AnyEvidence((FolderEvidence(empty), FolderEvidence(full)))
    assert await both.fetch(wanted, tmp_path) == [full / f"{device}.bundle"]
    with pytest.raises(EvidenceWithheld):
        await AnyEvidence((FolderEvidence(empty),)).fetch(wanted, tmp_path)
    with pytest.raises(EvidenceWithheld):
        await AnyEvidence(()).fetch(wanted, tmp_path)


def test_addresses_of_devices_are_read_from_a_file(tmp_path: Path) -> None:
    one, two = Pubkey.new_unique(), Pubkey.new_unique()
    file = tmp_path / "devices"
    file.write_text(f"# where they are\n{one} http://one\n\n  {two}   http://two/x # two\n")
    assert read_addresses(file) == {one: "http://one", two: "http://two/x"}
    for wrong in (f"{one}", "nobody http://one", f"{one} http://one extra"):
        file.write_text(wrong)
        with pytest.raises(InputError):
            read_addresses(file)
    with pytest.raises(StorageError):
        read_addresses(tmp_path / "none")
