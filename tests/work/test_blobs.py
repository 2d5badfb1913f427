"""Blobs by their hash: whole or absent, and never something else."""

from __future__ import annotations

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worktab.core.errors import InputError, StorageError, VerificationError
from worktab.work.blobs import BlobStore


@given(blobs=st.lists(st.binary(max_size=100), max_size=5))
@settings(max_examples=20, deadline=None)
def test_what_is_put_is_found_under_its_hash(blobs: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("blobs")
    store = BlobStore(folder)
    assert [store.put(blob) for blob in blobs] == [sha256(blob).digest() for blob in blobs]
    for again in (store, BlobStore(folder)):
        assert [again.get(sha256(blob).digest()) for blob in blobs] == blobs
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names == {sha256(blob).hexdigest() for blob in blobs}


def test_what_is_not_held_is_none(tmp_path: Path) -> None:
    assert BlobStore(tmp_path / "new" / "folder").get(bytes(32)) is None


def test_a_changed_blob_is_told_apart_and_healed_by_putting_it_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest = store.put(b"content")
    (path,) = tmp_path.rglob(digest.hex())
    path.write_bytes(b"Content")
    with pytest.raises(VerificationError, match=f"expected SHA-256 {digest.hex()}"):
        store.get(digest)
    assert store.put(b"content") == digest
    assert store.get(digest) == b"content"


def test_a_digest_has_32_bytes(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        BlobStore(tmp_path).get(b"../../etc/passwd")


def test_what_cannot_be_read_or_written_is_a_storage_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(StorageError, match="cannot use the blob folder"):
        BlobStore(file)
    store = BlobStore(tmp_path / "store")
    digest = sha256(b"x").digest()
    (tmp_path / "store" / digest.hex()[:2] / digest.hex()).mkdir(parents=True)
    with pytest.raises(StorageError, match="could not be read"):
        store.get(digest)
    with pytest.raises(StorageError, match="could not be stored"):
        store.put(b"x")
    assert list((tmp_path / "store" / "partial").iterdir()) == []


def test_a_file_that_another_process_finishes_meanwhile_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    BlobStore(tmp_path)
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([folder / "finished"]))
    assert BlobStore(tmp_path).get(sha256(b"x").digest()) is None


def test_what_killed_writers_left_is_removed_after_an_hour(tmp_path: Path) -> None:
    BlobStore(tmp_path)
    old, new = tmp_path / "partial" / "old", tmp_path / "partial" / "new"
    for path, age in ((old, 3_700), (new, 3_500)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    BlobStore(tmp_path)
    assert list((tmp_path / "partial").iterdir()) == [new]
