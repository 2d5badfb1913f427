"""Exported proofs: the same bytes every time, whole or not at all, and nothing in them believed."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from support.hostile_server import hostile, packed
from support.proving import Person, epoch_data, people, site
from worktab.core.errors import StorageError
from worktab.epochs.layout import DEVICE
from worktab.epochs.proofs import files
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.errors import (
    EpochNotPublished,
    PayeeUnknown,
    ProofRefused,
    SourceForeign,
    SourceUnknown,
    SourceUnreachable,
)
from worktab.epochs.proofs.export import export, newest
from worktab.epochs.proofs.fetching import Folder, Site
from worktab.epochs.proofs.index import ENTRY
from worktab.epochs.proofs.sources import DataSource, ProofSource, ServerSource, StaticSource, open_source

COUNT = 2_100
NAMED = people(*[(at + 1, 3) if at % 3 == 0 else at + 1 for at in range(COUNT)])
BOOK = ProofBook(epoch_data(NAMED, epoch=4))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def static(folder: Path) -> StaticSource:
    return StaticSource(Folder(folder))


def test_an_export_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    done = export(BOOK, tmp_path / "a")
    export(ProofBook(epoch_data(NAMED, epoch=4)), tmp_path / "b")
    found = bytes_of(tmp_path / "a")
    assert found == bytes_of(tmp_path / "b")
    assert sorted(found) == sorted(
        ["latest.json", "4/export.json", "4/manifest.json", "4/index.bin", "4/index/000000.bin"]
        + [f"4/{kind}/{number:06}.bin" for kind in ("payees", "devices") for number in range(3)]
    )
    assert (done.epoch, done.files, done.written) == (4, 11, 11)
    assert done.size == sum(map(len, found.values()))
    assert json.loads(found["latest.json"]) == {
        "format": 1,
        "network": "11111111111111111111111111111111",
        "domain": (b"d" * 32).hex(),
        "epoch": 4,
        "root": BOOK.root.root.hex(),
        "count": COUNT,
        "total": str(sum(person.reward for person in NAMED)),
        "pages": 3,
        "shards": 1,
    }
    assert found["latest.json"] == found["4/export.json"]
    assert found["4/manifest.json"] == BOOK.manifest.encode()


def test_an_export_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(BOOK, tmp_path / "whole")
    whole, written, real = bytes_of(tmp_path / "whole"), 0, Path.replace

    class Cut(BaseException):
        pass

    def cut(self: Path, target: Path) -> Path:
        nonlocal written
        if written == left:
            raise Cut
        written += 1
        return real(self, target)

    for left in range(len(whole)):
        written, folder = 0, tmp_path / f"cut-{left}"
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", cut)
            with pytest.raises(Cut):
                export(BOOK, folder)
        assert newest(folder) is None
        there = {name: data for name, data in bytes_of(folder).items() if not name.endswith(".part")}
        assert there.items() <= whole.items()
        assert len(there) == left
        assert export(BOOK, folder).written == len(whole) - left
        assert bytes_of(folder) == whole
    assert export(BOOK, tmp_path / "whole").written == 0


def test_a_damaged_file_is_written_again(tmp_path: Path) -> None:
    export(BOOK, tmp_path)
    whole, page = bytes_of(tmp_path), tmp_path / "4" / "payees" / "000001.bin"
    page.write_bytes(page.read_bytes()[:-1] + b"x")
    assert export(BOOK, tmp_path).written == 1
    assert bytes_of(tmp_path) == whole


def test_the_newest_stays_the_newest(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    export(BOOK, tmp_path)
    older = ProofBook(epoch_data(NAMED[:3], epoch=2))
    export(older, tmp_path)
    assert newest(tmp_path) == 4
    assert (tmp_path / "2" / "export.json").is_file()
    export(ProofBook(epoch_data(NAMED[:3], epoch=5)), tmp_path)
    assert newest(tmp_path) == 5


def test_what_keeps_it_from_being_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        export(BOOK, tmp_path / "file")
    (tmp_path / "latest.json").write_text("[1]")
    with pytest.raises(StorageError, match="names no epoch"):
        export(BOOK, tmp_path)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    export(BOOK, tmp_path, told=lambda done, total: told.append((done, total)))
    assert told == [(done, 11) for done in range(1, 10)] + [(11, 11)]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    export(BOOK, tmp_path / "public")
    return tmp_path / "public"


async def check(source: ProofSource) -> None:
    """Everything a source can be asked."""
    for position in (0, 1, 1_023, 1_024, 2_047, 2_048, COUNT - 1):
        assert await source.proof(BOOK.root, NAMED[position].payout) == BOOK.proof_at(position)
        devices = await source.devices(BOOK.root, NAMED[position].payout)
        assert tuple(devices["reward"].tolist()) == NAMED[position].rewards
    page = await source.page(BOOK.root, 2)
    assert page.rows["reward"].tolist() == [person.reward for person in NAMED[2_048:]]
    assert await source.proof(BOOK.root, Keypair().pubkey()) is None
    with pytest.raises(PayeeUnknown):
        await source.devices(BOOK.root, Keypair().pubkey())
    await source.close()


async def test_a_folder_is_a_source(exported: Path) -> None:
    source = await open_source(str(exported))
    assert isinstance(source, StaticSource)
    await check(source)


async def test_any_web_server_is_a_source(exported: Path) -> None:
    async with site(Starlette(routes=[Mount("/cdn", StaticFiles(directory=exported))])) as url:
        source = await open_source(f"{url}/cdn")
        assert isinstance(source, StaticSource)
        await check(source)


async def test_published_data_are_a_source(tmp_path: Path) -> None:
    epoch_data(NAMED, epoch=4).write(tmp_path)
    source = await open_source(str(tmp_path))
    assert isinstance(source, DataSource)
    await check(source)


async def test_what_is_no_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnknown):
        await open_source(str(tmp_path))
    async with site(Starlette()) as url:
        with pytest.raises(SourceUnknown):
            await open_source(url)
    with pytest.raises(SourceUnreachable):
        await open_source("http://[")


async def test_the_index_is_cut_into_shards(tmp_path: Path) -> None:
    named = people(*[1] * 9_000)
    book = ProofBook(epoch_data(named))
    export(book, tmp_path)
    shards = [(tmp_path / "0" / "index" / f"{number:06}.bin").read_bytes() for number in range(3)]
    assert [len(shard) // ENTRY.itemsize for shard in shards] == [4_096, 4_096, 808]
    entries = [shard[at : at + 36] for shard in shards for at in range(0, len(shard), 36)]
    assert entries == sorted(entries)
    assert (tmp_path / "0" / "index.bin").read_bytes() == b"".join(shard[:32] for shard in shards)
    source = static(tmp_path)
    for position in (0, 4_095, 4_096, 8_999):
        assert await source.proof(book.root, named[position].payout) == book.proof_at(position)


VICTIM = NAMED[5]
"""A payee of page 0."""


def flipped(at: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        place = at % len(data)
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return change


HEADER = 24
ROW = 80


@pytest.mark.parametrize(
    "change",
    [
        flipped(0),  # the magic
        flipped(4),  # the page's number
        flipped(8),  # the epoch
        flipped(16),  # the count
        flipped(20),  # the rows
        flipped(HEADER + 5 * ROW),  # a payout
        flipped(HEADER + 5 * ROW + 32),  # a reward
        flipped(HEADER + 5 * ROW + 40),  # a devices root
        flipped(HEADER + 700 * ROW),  # somebody else's row
        flipped(-1),  # a sibling above the page
        lambda data: data[:-1],
        lambda data: data[: HEADER + 5 * ROW],
        lambda data: data[:10],
        lambda data: b"",
        lambda data: data + b"x",
        lambda data: data + bytes(32),
    ],
)
async def test_a_page_that_was_tampered_with_is_refused(change: Callable[[bytes], bytes], exported: Path) -> None:
    page = exported / "4" / "payees" / "000000.bin"
    page.write_bytes(change(page.read_bytes()))
    with pytest.raises(ProofRefused) as refused:
        await static(exported).proof(BOOK.root, VICTIM.payout)
    assert refused.value.code == "proof_refused"
    with pytest.raises(ProofRefused):
        await static(exported).page(BOOK.root, 0)
    assert await static(exported).proof(BOOK.root, NAMED[1_500].payout) == BOOK.proof_at(1_500)


async def test_another_page_in_its_place_is_refused(exported: Path) -> None:
    folder = exported / "4" / "payees"
    (folder / "000000.bin").write_bytes((folder / "000001.bin").read_bytes())
    with pytest.raises(ProofRefused):
        await static(exported).proof(BOOK.root, VICTIM.payout)


@pytest.mark.parametrize("told", [4, 3])
async def test_another_epochs_page_is_refused(told: int, exported: Path, tmp_path: Path) -> None:
    """As it is, and with the right epoch put into it."""
    export(ProofBook(epoch_data([person.raised(1) for person in NAMED], epoch=3)), tmp_path / "other")
    data = bytearray((tmp_path / "other" / "3" / "payees" / "000000.bin").read_bytes())
    struct.pack_into("<Q", data, 8, told)
    (exported / "4" / "payees" / "000000.bin").write_bytes(data)
    with pytest.raises(ProofRefused):
        await static(exported).proof(BOOK.root, VICTIM.payout)


async def test_an_epoch_that_is_not_there_is_told(exported: Path) -> None:
    later = ProofBook(epoch_data(NAMED, epoch=5)).root
    with pytest.raises(EpochNotPublished) as missing:
        await static(exported).proof(later, VICTIM.payout)
    assert (missing.value.code, missing.value.got) == ("epoch_not_published", "epoch 4")


def point(folder: Path, victim: Person, position: int) -> None:
    """Let the index name another position for a payee."""
    shard = folder / "4" / "index" / "000000.bin"
    data = bytearray(shard.read_bytes())
    at = data.index(bytes(victim.payout))
    struct.pack_into("<I", data, at + 32, position)
    shard.write_bytes(data)


@pytest.mark.parametrize("position", [6, 1_500, COUNT, 2**32 - 1])
async def test_an_index_that_names_anothers_position_is_refused(position: int, exported: Path) -> None:
    point(exported, VICTIM, position)
    with pytest.raises(ProofRefused):
        await static(exported).proof(BOOK.root, VICTIM.payout)


async def test_a_shard_that_is_cut_off_is_refused(exported: Path) -> None:
    shard = exported / "4" / "index" / "000000.bin"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(ProofRefused):
        await static(exported).proof(BOOK.root, VICTIM.payout)


@pytest.mark.parametrize("field", ["index", "units", "reward", "head"])
async def test_devices_that_were_tampered_with_are_refused(field: str, exported: Path) -> None:
    page, offset = exported / "4" / "devices" / "000000.bin", DEVICE.fields[field][1]  # type: ignore[index]
    page.write_bytes(flipped(HEADER + offset)(page.read_bytes()))
    with pytest.raises(ProofRefused):
        await static(exported).devices(BOOK.root, NAMED[0].payout)


async def test_devices_that_are_not_complete_are_refused(exported: Path) -> None:
    page = exported / "4" / "devices" / "000000.bin"
    data = page.read_bytes()
    for changed in (data[: -DEVICE.itemsize], data + bytes(DEVICE.itemsize), data[:-1], b""):
        page.write_bytes(changed)
        with pytest.raises(ProofRefused):
            await static(exported).devices(BOOK.root, VICTIM.payout)


async def test_a_file_that_is_too_large_is_refused(exported: Path) -> None:
    os.truncate(exported / "4" / "payees" / "000000.bin", 1 << 30)
    with pytest.raises(ProofRefused, match="too large"):
        await static(exported).proof(BOOK.root, VICTIM.payout)
    async with site(StaticFiles(directory=exported)) as url:
        source = StaticSource(Site(url))
        with pytest.raises(ProofRefused, match="too large"):
            await source.page(BOOK.root, 0)
        await source.close()


async def test_a_packed_file_is_refused() -> None:
    async with hostile(packed) as url:
        source = StaticSource(Site(url))
        with pytest.raises(ProofRefused, match="packed"):
            await source.page(BOOK.root, 0)
        await source.close()


async def test_a_site_that_is_busy_is_asked_again() -> None:
    answers, pauses = [503, 429, 200], list[float]()

    async def answer(_: object) -> Response:
        return Response(b"proof", answers.pop(0))

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with site(Starlette(routes=[Route("/{name:path}", answer)])) as url:
        source = Site(url, sleep=sleep)
        assert await source.get("x", 100) == b"proof"
        assert pauses == [0.5, 1.0]
        answers += [500] * 4
        with pytest.raises(SourceUnreachable, match="HTTP 500"):
            await source.get("x", 100)
        answers += [403]
        with pytest.raises(SourceUnreachable, match="HTTP 403"):
            await source.get("x", 100)
        assert answers == []
        await source.close()
    gone = Site(url, sleep=sleep)
    with pytest.raises(SourceUnreachable, match="ConnectError"):
        await gone.get("x", 100)
    await gone.close()


@pytest.mark.parametrize("said", [b"[]", b"{}", b"not json", b'{"epoch": 4}'])
async def test_a_server_that_answers_nonsense_is_refused(said: bytes) -> None:
    async def answer(_: object) -> Response:
        return Response(said)

    async with site(Starlette(routes=[Route("/{name:path}", answer)])) as url:
        source = ServerSource(Site(url))
        with pytest.raises(ProofRefused):
            await source.proof(BOOK.root, VICTIM.payout)
        await source.close()


def test_names_of_files_sort_as_their_numbers() -> None:
    assert files.payees_name(7) == "payees/000007.bin"
    assert files.devices_name(123_456) == "devices/123456.bin"
    assert files.shard_name(4_194_303) == "index/4194303.bin"


@pytest.mark.parametrize("theirs", [{"network": Keypair().pubkey()}, {"domain": b"o" * 32}], ids=["network", "cluster"])
async def test_a_server_of_another_network_is_told_from_a_false_one(tmp_path: Path, theirs: dict[str, Any]) -> None:
    book = ProofBook(epoch_data(NAMED[:3], epoch=5, **theirs))
    told = {"network": str(book.root.network), "domain": book.root.domain.hex()}

    async def health(request: Request) -> Response:
        return JSONResponse(told)

    async with site(Starlette(routes=[Route("/v1/health", health)])) as url:
        source = await open_source(url)
        with pytest.raises(SourceForeign):
            await source.proof(BOOK.root, NAMED[0].payout)
        with pytest.raises(SourceForeign):
            await source.page(BOOK.root, 0)
        await source.close()
