"""Bundles: the same bytes for the same records, and nothing believed that a stranger put in one."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.jobs import DEVICE, echo, increment, record, salt
from worktab.core.errors import EncodingError, InputError, StorageError, VerificationError, WorktabError
from worktab.work import bundle
from worktab.work.blobs import BlobStore
from worktab.work.bundle import export_bundle, open_bundle
from worktab.work.history import START, ChainState
from worktab.work.spool import Spool
from worktab.work.verify import Finding, verify
from worktab.work.wasm import WasmRuntime
from worktab.work.worker import run_wasm_job

RUNTIME = WasmRuntime()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def exported(tmp_path: Path, blobs: BlobStore) -> Path:
    """Three jobs, one of them no WASM job, in a bundle."""
    times = iter(range(1_000, 2_000))
    with Spool.open(tmp_path / "spool", device=DEVICE) as spool:
        for job, data in ((echo(), b"one"), (increment(), b"two")):
            run_wasm_job(RUNTIME, spool, blobs, job, data, clock_ms=lambda: next(times), salt=lambda: salt(next(times)))
        spool.append(record(3), salt(3))
        assert export_bundle(tmp_path / "bundle", spool.entries(), blobs, device=DEVICE) == 3
    return tmp_path / "bundle"


def test_a_bundle_can_be_verified_by_somebody_else(tmp_path: Path, exported: Path) -> None:
    with Spool.open(tmp_path / "spool", device=DEVICE) as spool, open_bundle(exported) as opened:
        assert (opened.device, opened.base, opened.count) == (DEVICE, START, 3)
        assert list(opened.entries()) == list(spool.entries())
        assert list(opened.entries()) == list(spool.entries())
        result = verify(opened.entries(), opened, RUNTIME, base=opened.base)
        assert [check.findings for check in result.checks] == [
            (Finding.AGREES,),
            (Finding.AGREES,),
            (Finding.NOT_REPEATABLE,),
        ]
        assert result.end == spool.state()
        assert opened.get(sha256(b"two").digest()) == b"two"
        assert opened.get(sha256(b"uxp").digest()) == b"uxp"
        assert opened.get(record(3).input) is None


def test_the_same_records_give_the_same_bytes(tmp_path: Path, exported: Path, blobs: BlobStore) -> None:
    with open_bundle(exported) as opened:
        export_bundle(tmp_path / "again", opened.entries(), blobs, device=DEVICE)
        export_bundle(tmp_path / "from bundle", opened.entries(), opened, device=DEVICE)
    again = (tmp_path / "again").read_bytes()
    assert exported.read_bytes() == again == (tmp_path / "from bundle").read_bytes()
    # And on every machine.
    assert sha256(again).hexdigest() == "1b0e6868aa392369f9474e53753a1b125edb9f396d7381bffb72ff849376cc86"


def test_a_part_of_the_history_is_a_bundle_too(tmp_path: Path, exported: Path, blobs: BlobStore) -> None:
    with Spool.open(tmp_path / "spool", device=DEVICE) as spool:
        (first,) = spool.entries(1, 1)
        assert export_bundle(tmp_path / "part", spool.entries(2), blobs, device=DEVICE, base=first.state) == 2
    with open_bundle(tmp_path / "part") as opened:
        assert opened.base == first.state
        assert verify(opened.entries(), opened, RUNTIME, base=opened.base).differing == []
        assert opened.get(sha256(b"one").digest()) is None


def test_a_failed_export_leaves_nothing_and_harms_nothing(tmp_path: Path, exported: Path, blobs: BlobStore) -> None:
    before = exported.read_bytes()
    digest = sha256(b"two").digest()
    (path,) = (tmp_path / "blobs").rglob(digest.hex())
    path.write_bytes(b"damaged")
    with open_bundle(exported) as opened, pytest.raises(VerificationError):
        export_bundle(exported, opened.entries(), blobs, device=DEVICE)
    assert exported.read_bytes() == before
    assert [path.name for path in tmp_path.glob(".worktab*")] == []
    with pytest.raises(StorageError, match="could not be written"):
        export_bundle(tmp_path / "no" / "folder", [], blobs, device=DEVICE)
    with pytest.raises(InputError):
        export_bundle(tmp_path / "x", [], blobs, device=b"short")


@pytest.mark.parametrize(
    ("limit", "what"),
    [
        ("MAX_ENTRIES", "records"),
        ("MAX_FILES", "files"),
        ("MAX_BLOB", "bytes in one blob"),
        ("MAX_BUNDLE", "bytes"),
    ],
)
def test_what_could_not_be_opened_is_not_exported(
    tmp_path: Path, exported: Path, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch, limit: str, what: str
) -> None:
    with open_bundle(exported) as opened:
        entries = list(opened.entries())
    with zipfile.ZipFile(exported) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
    needed = {
        "MAX_ENTRIES": 3,
        "MAX_FILES": len(sizes),
        "MAX_BLOB": max(size for name, size in sizes.items() if name.startswith("blobs/")),
        "MAX_BUNDLE": exported.stat().st_size,
    }[limit]
    monkeypatch.setattr(bundle, limit, needed)
    assert export_bundle(tmp_path / "all", entries, blobs, device=DEVICE) == 3
    open_bundle(tmp_path / "all").close()
    monkeypatch.setattr(bundle, limit, needed - 1)
    with pytest.raises(InputError, match=f"too many {what} for one bundle; expected at most {needed - 1}"):
        export_bundle(tmp_path / "more", entries, blobs, device=DEVICE)
    assert not (tmp_path / "more").exists()


# Strangers' bundles

MANIFEST: dict[str, Any] = {
    "format": 1,
    "device": DEVICE.hex(),
    "base": {"seq": 0, "units": 0, "head": bytes(32).hex()},
    "entries": 1,
}
ENTRY: dict[str, Any] = {
    "seq": 1,
    "units_total": 10,
    "head": bytes(32).hex(),
    "record_hash": bytes(32).hex(),
    "record": record().encode().hex(),
    "salt": bytes(32).hex(),
}
BLOB = f"blobs/{sha256(b'x').hexdigest()}"


def write(
    path: Path,
    *,
    manifest: object = MANIFEST,
    entries: bytes = json.dumps(ENTRY).encode() + b"\n",
    more: tuple[tuple[str, bytes], ...] = (),
    **options: Any,
) -> Path:
    """A bundle with these parts, right or wrong."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("manifest.json", manifest if isinstance(manifest, bytes) else json.dumps(manifest))
        archive.writestr("entries.jsonl", entries)
        for name, data in more:
            archive.writestr(name, data)
    return path


def read_all(path: Path) -> None:
    with open_bundle(path) as opened:
        for entry in opened.entries():
            opened.get(entry.record.input)
        opened.get(sha256(b"x").digest())


def test_a_plain_one_is_read(tmp_path: Path) -> None:
    read_all(write(tmp_path / "bundle", more=((BLOB, b"x"),)))


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


BAD_MANIFESTS: dict[str, object] = {
    "not JSON": b"{",
    "deep": b"[" * 4_000,
    "a list": [],
    "a field too many": {**MANIFEST, "x": 1},
    "a field missing": without(MANIFEST, "device"),
    "another format": {**MANIFEST, "format": 2},
    "format is text": {**MANIFEST, "format": "1"},
    "format is true": {**MANIFEST, "format": True},
    "short device": {**MANIFEST, "device": "00"},
    "device in capitals": {**MANIFEST, "device": DEVICE.hex().upper()},
    "device with blanks": {**MANIFEST, "device": DEVICE.hex()[:-2] + "  "},
    "device is a number": {**MANIFEST, "device": 5},
    "seq too large": {**MANIFEST, "base": {**MANIFEST["base"], "seq": 2**63}},
    "units too large": {**MANIFEST, "base": {**MANIFEST["base"], "units": 2**64}},
    "base is no object": {**MANIFEST, "base": None},
    "count below zero": {**MANIFEST, "entries": -1},
    "count is a float": {**MANIFEST, "entries": 1.0},
    "digits without end": b'{"format":1,"device":"","base":{},"entries":' + b"9" * 4_200 + b"}",
    "a field that cannot be printed": {**MANIFEST, "\ud800": 1},
    "too large": b" " * 5_000 + json.dumps(MANIFEST).encode(),
}


@pytest.mark.parametrize("manifest", BAD_MANIFESTS.values(), ids=BAD_MANIFESTS.keys())
def test_a_bad_manifest_is_refused(tmp_path: Path, manifest: object) -> None:
    with pytest.raises(EncodingError) as refused:
        open_bundle(write(tmp_path / "bundle", manifest=manifest))
    assert str(refused.value).isascii()


def line(**fields: object) -> bytes:
    return json.dumps({**ENTRY, **fields}).encode() + b"\n"


BAD_ENTRIES: dict[str, bytes] = {
    "none": b"",
    "two": line() * 2,
    "not JSON": b"nonsense\n",
    "blank": b"\n" + line(),
    "a field too many": line(x=1),
    "a field missing": json.dumps(without(ENTRY, "salt")).encode(),
    "seq too large": line(seq=2**63),
    "negative": line(units_total=-1),
    "unknown meter": line(record="07" + record().encode().hex()[2:]),
    "short record": line(record=record().encode().hex()[2:]),
    "short salt": line(salt="00"),
    "a line without end": b'{"seq":"' + b"a" * 100_000 + b'"}\n',
    "invalid UTF-8": b"\xff\xfe\n",
}


@pytest.mark.parametrize("entries", BAD_ENTRIES.values(), ids=BAD_ENTRIES.keys())
def test_bad_entries_are_refused(tmp_path: Path, entries: bytes) -> None:
    path = write(tmp_path / "bundle", entries=entries)
    with pytest.raises(EncodingError):
        read_all(path)


BAD_NAMES = [
    "../evil",
    "/etc/passwd",
    "blobs/../../x",
    "blobs/",
    f"{BLOB}.txt",
    BLOB.upper(),
    f"blobs\\{'0' * 64}",
    "x",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_foreign_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EncodingError, match="holds a foreign file"):
        open_bundle(write(tmp_path / "bundle", more=((name, b""),)))
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="each once"):
        open_bundle(write(tmp_path / "bundle", more=((BLOB, b"x"), (BLOB, b"y"))))


def test_compressed_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match=r"manifest\.json is compressed"):
        open_bundle(write(tmp_path / "bundle", compression=zipfile.ZIP_DEFLATED))


def test_a_blob_that_is_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        read_all(write(tmp_path / "bundle", more=((BLOB, b"y"),)))


def test_an_archive_without_the_parts_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bundle", "w") as archive:
        archive.writestr("manifest.json", json.dumps(MANIFEST))
    with pytest.raises(EncodingError, match="not a bundle"):
        open_bundle(tmp_path / "bundle")
    (tmp_path / "text").write_text("text")
    with pytest.raises(EncodingError):
        open_bundle(tmp_path / "text")


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_BUNDLE", 100), ("MAX_BLOB", 0), ("MAX_FILES", 2), ("MAX_ENTRIES", 0)]
)
def test_sizes_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    path = write(tmp_path / "bundle", more=((BLOB, b"x"),))
    read_all(path)
    monkeypatch.setattr(bundle, limit, value)
    with pytest.raises(EncodingError):
        open_bundle(path)


def test_a_directory_is_not_held_in_memory_before_it_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "bundle", more=((BLOB, b"x"),))
    opened: list[object] = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *args: opened.append(args))
    monkeypatch.setattr(bundle, "MAX_FILES", 2)
    with pytest.raises(EncodingError, match="lists too many files; expected at most 2; got more"):
        open_bundle(path)
    monkeypatch.setattr(bundle, "MAX_FILES", 1)
    with pytest.raises(EncodingError, match="lists too many files; expected at most 1; got a directory of 234 bytes"):
        open_bundle(path)
    assert opened == []


def test_the_directory_of_a_64_bit_archive_is_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    path = write(tmp_path / "bundle", more=((BLOB, b"x"),))
    assert path.read_bytes().count(b"PK\x06\x06") == 1
    read_all(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x06\x06")
    data[at + 40 : at + 48] = (1 << 40).to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(EncodingError, match=f"got a directory of {1 << 40} bytes"):
        open_bundle(path)
    data[at : at + 4] = b"none"
    path.write_bytes(data)
    with pytest.raises(EncodingError, match="not where it says"):
        open_bundle(path)


def test_a_comment_has_no_place_in_a_bundle(tmp_path: Path) -> None:
    path = write(tmp_path / "bundle")
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"hello"
    with pytest.raises(EncodingError, match="without a comment"):
        open_bundle(path)


def _patched(change: Callable[[bytearray, int], None]) -> Callable[[Path], None]:
    """Changes the last member's header in the central directory."""

    def patch(path: Path) -> None:
        data = bytearray(path.read_bytes())
        change(data, data.rindex(b"PK\x01\x02"))
        path.write_bytes(data)

    return patch


def _grow(data: bytearray, at: int) -> None:
    data[at + 20 : at + 28] = (200_000).to_bytes(4, "little") * 2


def _encrypt(data: bytearray, at: int) -> None:
    data[at + 8] |= 1


def _outside(data: bytearray, at: int) -> None:
    data[at + 42 : at + 46] = (0xFFFF_FFFE).to_bytes(4, "little")


def _elsewhere(data: bytearray, at: int) -> None:
    data[at + 42 : at + 46] = (0).to_bytes(4, "little")


def test_files_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "bundle", more=((BLOB, b"x"),))
    _patched(_grow)(path)
    with pytest.raises(EncodingError, match="files overlap"):
        open_bundle(path)


@pytest.mark.parametrize("change", [_encrypt, _elsewhere, _outside])
def test_a_directory_that_lies_is_refused(tmp_path: Path, change: Callable[[bytearray, int], None]) -> None:
    path = write(tmp_path / "bundle", more=((BLOB, b"x"),))
    _patched(change)(path)
    with pytest.raises(EncodingError):
        read_all(path)


def test_a_directory_said_to_start_later_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "bundle")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x05\x06") + 16
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") + 1).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(EncodingError, match="lies outside the archive"):
        read_all(path)


@given(changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_damage_is_an_error_of_ours_or_none(
    changes: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("bundle") / "bundle", more=((BLOB, b"x"),))
    data = bytearray(path.read_bytes())
    for position, value in changes:
        data[position % len(data)] = value
    path.write_bytes(data)
    try:
        read_all(path)
    except WorktabError as error:
        assert isinstance(error, (EncodingError, VerificationError))  # noqa: PT017
    assert [each.name for each in path.parent.iterdir()] == ["bundle"]


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        open_bundle(tmp_path / "none")


def test_the_base_of_a_bundle_is_only_a_statement(exported: Path) -> None:
    with open_bundle(exported) as opened:
        other = ChainState(0, 1, bytes(32))
        result = verify(opened.entries(), opened, RUNTIME, base=other)
    assert result.checks[0].findings == (Finding.UNITS_DIFFER,)
