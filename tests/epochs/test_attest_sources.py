"""Where published data come from, over real sockets, and what becomes of data that are not what was committed to."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from support.attesting import Scene
from support.chains import pass_blocks
from support.fleet import StartFleet
from worktab.agent.serving import Server
from worktab.epochs.attesting.errors import DataUnavailable
from worktab.epochs.attesting.reports import Action
from worktab.epochs.attesting.sources import MOST_MANIFEST, AnyData, FolderData, HttpData
from worktab.epochs.data import EpochData


@pytest.fixture
async def published(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[tuple[Scene, EpochData]]:
    """An epoch that the first of three attestors committed to, and its data."""
    scene = await Scene(tmp_path).start(start_fleet)
    first, second, _ = scene.members
    one, two = scene.parties
    for party in scene.parties:
        party.worker.work()
    receipts = one.receipt(), two.receipt()
    first.take(*receipts)
    second.take(receipts[0])
    await scene.end_epoch()
    await scene.look(first, commit=True)
    yield scene, EpochData.read(first.published, 0)
    scene.close()


@pytest.fixture
async def url(published: tuple[Scene, EpochData]) -> AsyncIterator[str]:
    """What the first attestor publishes, on a real socket."""
    scene, _ = published
    app = Starlette(routes=[Mount("/epochs", StaticFiles(directory=scene.members[0].published))])
    server = Server.listen(app, "127.0.0.1", 0, grace=1)
    await server.start()
    yield server.url + "/epochs"
    await server.stop()


async def test_data_come_over_http_and_from_a_folder_alike(
    published: tuple[Scene, EpochData], url: str, tmp_path: Path
) -> None:
    scene, data = published
    async with httpx.AsyncClient(timeout=120) as client:
        for number, source in enumerate((HttpData(url, client=client), FolderData(scene.members[0].published))):
            folder = tmp_path / f"fetched-{number}"
            folder.mkdir()
            found = await AnyData((source,)).fetch(0, data.manifest.hash(), folder)
            assert found.manifest == data.manifest
            assert np.array_equal(found.devices, data.devices)
            found.check()


async def test_an_attestor_judges_what_it_fetches_over_http(published: tuple[Scene, EpochData], url: str) -> None:
    scene, data = published
    second = scene.members[1]
    attestor = second.attestor(grace=3_600)
    async with httpx.AsyncClient(timeout=120) as client:
        attestor.judge.source = HttpData(url, client=client)
        await pass_blocks(scene.fleet.chain, 2)
        report = await attestor.look()
    [judged] = report.judged
    assert judged.verdict is not None
    assert (judged.action, judged.verdict.merged) == (Action.APPROVED, 1)
    assert EpochData.read(second.published, 0).manifest == data.manifest


async def test_what_is_not_what_was_committed_to_is_unavailable(
    published: tuple[Scene, EpochData], url: str, tmp_path: Path
) -> None:
    scene, data = published
    folder, wanted = tmp_path / "fetched", data.manifest.hash()
    place = scene.members[0].published / "0"
    async with httpx.AsyncClient(timeout=120) as client:
        http, here = HttpData(url, client=client), FolderData(scene.members[0].published)
        for source in (http, here):
            with pytest.raises(DataUnavailable) as caught:
                await source.fetch(0, bytes(32), folder)
            assert caught.value.got == wanted.hex()
            with pytest.raises(DataUnavailable):
                await source.fetch(1, wanted, folder)
        with pytest.raises(DataUnavailable) as caught:
            await HttpData(url, client=client, most=100).fetch(0, wanted, folder)
        assert caught.value.expected == "at most 100 bytes"
        with pytest.raises(DataUnavailable):
            await HttpData("http://127.0.0.1:9", client=client).fetch(0, wanted, folder)
        good = (place / "devices.bin").read_bytes()
        (place / "devices.bin").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        for source in (http, here):
            with pytest.raises(DataUnavailable):
                await source.fetch(0, wanted, folder)
        (place / "devices.bin").write_bytes(good + b"more")
        with pytest.raises(DataUnavailable) as caught:
            await http.fetch(0, wanted, folder)
        assert caught.value.expected == f"at most {len(good)} bytes"
        (place / "devices.bin").unlink()
        for source in (http, here):
            with pytest.raises(DataUnavailable):
                await source.fetch(0, wanted, folder)
        for damaged in (b"{}", b"[" * 100_000, b"x" * (MOST_MANIFEST + 1)):
            (place / "manifest.json").write_bytes(damaged)
            for source in (http, here):
                with pytest.raises(DataUnavailable):
                    await source.fetch(0, sha256(damaged).digest(), folder)


async def test_sources_are_asked_until_one_has_it(published: tuple[Scene, EpochData], tmp_path: Path) -> None:
    scene, data = published
    other = tmp_path / "other"
    shutil.copytree(scene.members[0].published, other)
    shutil.rmtree(scene.members[0].published)
    sources = AnyData((FolderData(scene.members[0].published), FolderData(other)))
    assert (await sources.fetch(0, data.manifest.hash(), tmp_path / "fetched")).manifest == data.manifest
    with pytest.raises(DataUnavailable):
        await AnyData(()).fetch(0, bytes(32), tmp_path / "fetched")


async def test_data_replaced_while_they_are_read_are_not_taken(
    published: tuple[Scene, EpochData], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, data = published
    place = scene.members[0].published
    other = EpochData.seal(data.manifest, data.payees, data.devices, data.registrations[:0], data.receipts, {})
    read = EpochData.read

    def replaced(directory: Path, index: int) -> EpochData:
        other.write(directory, replace=True)
        return read(directory, index)

    monkeypatch.setattr(EpochData, "read", replaced)
    with pytest.raises(DataUnavailable) as caught:
        await FolderData(place).fetch(0, data.manifest.hash(), tmp_path / "fetched")
    assert (caught.value.expected, caught.value.got) == (
        f"SHA-256 {data.manifest.hash().hex()}",
        other.manifest.hash().hex(),
    )
