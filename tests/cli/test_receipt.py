"""`worktab receipt`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.cli import Cli
from worktab.core.messages import Message
from worktab.program.generated.accounts import Device
from worktab.program.generated.errors import WrongContext


def held(cli: Cli, device: str) -> Device:
    return cli.served.do(cli.fleet.read(Pubkey.from_string(device)))


def waiting(cli: Cli) -> tuple[str, Path, dict[str, Any]]:
    """A device whose receipt, over 142 units, was held back: its address, its key, and the receipt as shown."""
    device, key = cli.device(capacity=100)
    cli.work(device, b"abc", b"abc")
    assert cli.run("device", "submit", device, "--key", key).exit_code == 1
    return device, key, cli.json("receipt", "show", device, "--pending")


def test_show_what_the_chain_recorded(cli: Cli) -> None:
    device, key = cli.device()
    assert cli.failure("receipt", "show", device)["message"].startswith("The chain has recorded no receipt")
    cli.work(device)
    assert cli.run("device", "submit", device, "--key", key).exit_code == 0
    account = held(cli, device)
    message = Message.receipt(account.receipt_context, 1, 71, account.last_receipt_at, account.head)
    assert cli.json("receipt", "show", device) == {
        "device": device,
        "jobs": 1,
        "units": 71,
        "issued_at": account.last_receipt_at,
        "head": account.head.hex(),
        "context": account.receipt_context.hex(),
        "message": message.encode().hex(),
        "signature": None,
    }
    assert "signature  -" in cli.text("receipt", "show", device)


def test_show_what_waits_in_the_spool(cli: Cli) -> None:
    device, _, shown = waiting(cli)
    message = Message.decode(bytes.fromhex(shown["message"]))
    assert (shown["jobs"], shown["units"], shown["head"]) == (2, 142, message.head.hex())
    assert (message.seq, message.units, message.time) == (2, 142, shown["issued_at"])
    assert len(shown["signature"]) == 128
    offline = cli.run("receipt", "show", device, "--pending", "--json", ANCHOR_PROVIDER_URL="http://127.0.0.1:9")
    assert json.loads(offline.stdout) == shown


def test_show_says_when_nothing_waits(cli: Cli) -> None:
    device, key = cli.device()
    show = ("receipt", "show", device, "--pending")
    assert cli.failure(*show)["message"].startswith("There is no spool")
    cli.work(device)
    assert cli.failure(*show)["message"] == "No receipt waits in the spool"
    assert cli.run("device", "submit", device, "--key", key).exit_code == 0
    assert cli.failure(*show)["message"] == "No receipt waits in the spool"


def test_verify_tells_how_a_receipt_stands(cli: Cli) -> None:
    device, key, shown = waiting(cli)
    file = cli.file("receipt.json", json.dumps(shown).encode())
    verified = cli.json("receipt", "verify", file)
    assert verified == shown | {"signature_holds": True, "standing": "new"}
    cli.json("device", "submit", device, "--key", key, "--accept-cut")
    assert cli.json("receipt", "verify", file)["standing"] == "recorded"
    cli.next_epoch()
    cli.work(device)
    cli.run("device", "submit", device, "--key", key)
    assert cli.json("receipt", "verify", file)["standing"] == "superseded"


def test_verify_finds_what_is_wrong(cli: Cli) -> None:
    _, _, shown = waiting(cli)

    def error(code: int = 1, **changes: Any) -> dict[str, str]:
        return cli.failure("receipt", "verify", cli.file("r.json", json.dumps(shown | changes).encode()), code=code)

    message = Message.decode(bytes.fromhex(shown["message"]))

    def changed(**fields: Any) -> str:
        return replace(message, **fields).encode().hex()

    assert error(message=changed(units=143))["code"] == "verification"
    first, rest = int(shown["signature"][:2], 16), shown["signature"][2:]
    assert error(signature=f"{first ^ 1:02x}{rest}")["code"] == "verification"
    assert error(message=changed(context=bytes(32)))["code"] == WrongContext.code
    assert error(device=cli.network)["code"] == "device_not_found"
    assert error(device="me", code=2)["code"] == "input"
    assert error(message="00", code=2)["code"] == "encoding"
    possession = Message.key_possession(bytes(32)).encode().hex()
    assert error(message=possession, code=2)["message"] == "The message is no receipt"


def test_verify_finds_a_rival_of_what_is_recorded(cli: Cli) -> None:
    device, key, shown = waiting(cli)
    file = cli.file("receipt.json", json.dumps(shown).encode())
    folder = cli.folder / "data" / "worktab" / device
    folder.rename(cli.folder / "lost")
    cli.work(device, b"abcd", b"abcd")
    cli.json("device", "submit", device, "--key", key, "--accept-cut")
    error = cli.failure("receipt", "verify", file)
    assert (error["code"], held(cli, device).seq) == ("conflicting_history", 2)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"device": 1, "message": 2, "signature": 3}', b"[" * 100_000, b"\xff"]
)
def test_verify_refuses_files_that_hold_no_receipt(content: bytes, cli: Cli) -> None:
    error = cli.failure("receipt", "verify", cli.file("receipt.json", content), code=2)
    assert error["message"].endswith("holds no receipt")
