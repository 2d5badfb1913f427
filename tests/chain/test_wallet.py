"""Key files: read what Solana's tools write, write what they read, never lose or show a key."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from solders.keypair import Keypair

from worktab.chain.wallet import default_keypair_path, load_keypair, save_new_keypair
from worktab.core.errors import KeyFormatError, StorageError

# `solana-keygen`'s form: seed and public key. The seed is 32 times the byte 1.
SEED_OF_ONES = Keypair.from_seed(bytes([1] * 32))


def test_a_key_file_is_an_array_of_64_bytes(tmp_path: Path) -> None:
    file = tmp_path / "id.json"
    file.write_text(json.dumps([1] * 32 + list(bytes(SEED_OF_ONES.pubkey()))))
    assert load_keypair(file) == SEED_OF_ONES
    assert load_keypair(str(file)) == SEED_OF_ONES


def test_the_default_file_is_the_wallet_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ANCHOR_WALLET", raising=False)
    assert default_keypair_path() == tmp_path / ".config" / "solana" / "id.json"
    saved = save_new_keypair(default_keypair_path())
    assert load_keypair() == saved
    monkeypatch.setenv("ANCHOR_WALLET", "~/other.json")
    assert default_keypair_path() == tmp_path / "other.json"
    assert save_new_keypair("~/other.json") == load_keypair()
    assert load_keypair() != saved


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"There is no key file at .*none.json.*save_new_keypair"):
        load_keypair(tmp_path / "none.json")


def test_an_unreadable_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Is a directory"):
        load_keypair(tmp_path)


SECRET = list(bytes(SEED_OF_ONES))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"{}",
        b"\xff\xfe",
        json.dumps(SECRET[:63]).encode(),
        json.dumps([*SECRET, 7]).encode(),
        json.dumps([*SECRET[:-1], 256]).encode(),
        json.dumps([*SECRET[:-1], -1]).encode(),
        json.dumps([*SECRET[:-1], SECRET[-1] ^ 1]).encode(),
    ],
)
def test_a_file_without_a_keypair_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "id.json"
    file.write_bytes(content)
    with pytest.raises(KeyFormatError, match="holds no keypair") as caught:
        load_keypair(file)
    assert caught.value.got == ""
    assert caught.value.__cause__ is None


def test_a_new_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "id.json"
    previous = os.umask(0)
    try:
        keypair = save_new_keypair(file)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == list(bytes(keypair))
    assert list(file.parent.iterdir()) == [file], "no draft is left behind"


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "id.json"
    first = save_new_keypair(file)
    with pytest.raises(StorageError, match="already"):
        save_new_keypair(file)
    assert load_keypair(file) == first
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError, match="No space left on device"):
        save_new_keypair(tmp_path / "id.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        save_new_keypair(tmp_path / "file" / "id.json")
