"""Accounts in files, as Solana's command line writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import base58
import pytest
from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.core.errors import InputError, StorageError
from worktab.localnet.accounts import read_account, write_account

OWNER = Pubkey.from_bytes(bytes([9] * 32))
DATA = bytes(range(256))

DUMP = """{
  "pubkey": "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T",
  "account": {
    "lamports": 1461600,
    "data": ["AAEC", "base64"],
    "owner": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "executable": false,
    "rentEpoch": 18446744073709551615,
    "space": 3
  }
}"""


def test_a_dump_of_solanas_command_line(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text(DUMP)
    token = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
    assert read_account(file) == AccountData(1_461_600, token, b"\0\1\2")


@pytest.mark.parametrize(
    "account",
    [AccountData(1, OWNER, b""), AccountData(2**64 - 1, OWNER, DATA * 100), AccountData(5, OWNER, b"\0", True)],
)
def test_what_is_written_is_read(tmp_path: Path, account: AccountData) -> None:
    write_account(tmp_path / "a", OWNER, account)
    assert read_account(tmp_path / "a") == account
    assert json.loads((tmp_path / "a").read_text())["pubkey"] == str(OWNER)


def test_base58(tmp_path: Path) -> None:
    facts = json.loads(DUMP)
    facts["account"]["data"] = [base58.b58encode(DATA).decode(), "base58"]
    (tmp_path / "a").write_text(json.dumps(facts))
    assert read_account(tmp_path / "a").data == DATA


@pytest.mark.parametrize(
    "change",
    [
        {"lamports": -1},
        {"lamports": 2**64},
        {"lamports": 1.0},
        {"lamports": True},
        {"lamports": None},
        {"executable": 0},
        {"owner": "nobody"},
        {"owner": 7},
        {"data": "AAEC"},
        {"data": ["AAE", "base64"]},
        {"data": ["AA?C", "base64"]},
        {"data": ["0OIl", "base58"]},
        {"data": ["AAEC", "base64+zstd"]},
        {"data": {"parsed": {}}},
    ],
)
def test_what_is_no_account(tmp_path: Path, change: dict[str, Any]) -> None:
    facts = json.loads(DUMP)
    facts["account"] |= change
    (tmp_path / "a").write_text(json.dumps(facts))
    with pytest.raises(InputError, match=f"The file {tmp_path}/a holds no account; expected the JSON that `solana "):
        read_account(tmp_path / "a")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"7", b"\xff", b'{"account": []}', b"[" * 100_000])
def test_what_is_no_json_of_an_account(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match="holds no account"):
        read_account(tmp_path / "a")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"The account file {tmp_path}/a cannot be read; got No such file"):
        read_account(tmp_path / "a")
