"""Accounts as files, in the JSON form of Solana's command line (`solana account ADDRESS --output json`)."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

import base58
from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.core.errors import InputError, StorageError

_FORM = 'the JSON that `solana account ADDRESS --output json` prints, with its data in "base64" or "base58"'
_U64 = 2**64


def read_account(file: Path) -> AccountData:
    """The account in a file. Raises `StorageError` if it cannot be read, `InputError` if it holds no account."""
    try:
        content = file.expanduser().read_bytes()
    except OSError as error:
        raise StorageError(f"The account file {file} cannot be read", got=str(error.strerror)) from error
    try:
        return _account(json.loads(content)["account"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"The file {file} holds no account", expected=_FORM, got=f"{type(error).__name__}: {error}"
        ) from error


def write_account(file: Path, address: Pubkey, account: AccountData) -> None:
    """Write an account to a file. Raises `OSError` as the file system does."""
    facts = {
        "pubkey": str(address),
        "account": {
            "lamports": account.lamports,
            "data": [base64.b64encode(account.data).decode(), "base64"],
            "owner": str(account.owner),
            "executable": account.executable,
            "rentEpoch": _U64 - 1,
            "space": len(account.data),
        },
    }
    file.write_text(json.dumps(facts))


def _account(facts: dict[str, Any]) -> AccountData:
    lamports, executable = facts["lamports"], facts["executable"]
    if type(lamports) is not int or not 0 <= lamports < _U64 or type(executable) is not bool:
        raise ValueError("lamports or executable")
    return AccountData(lamports, Pubkey.from_string(facts["owner"]), _data(facts["data"]), executable)


def _data(data: Any) -> bytes:
    text, encoding = data
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(f"data: {error}") from error
    if encoding == "base58":
        return base58.b58decode(text)
    raise ValueError(f"data in {encoding!r}")
