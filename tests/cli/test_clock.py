"""`worktab clock`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from support.cli import Cli, invoke
from support.node import LIMIT
from worktab.localnet import Localnet


def show(node: Localnet, *args: object) -> dict[str, Any]:
    result = invoke("clock", "--url", node.rpc_url, *args, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def refusal(node: Localnet, *args: object) -> tuple[int, dict[str, str]]:
    result = invoke("clock", "--url", node.rpc_url, *args, "--json")
    return result.exit_code, json.loads(result.stdout)["error"]


def test_the_time_of_any_chain(cli: Cli) -> None:
    before = int(cli.served.time())
    facts = cli.json("clock")
    assert list(facts) == ["unix_time", "time", "slot", "block_height"]
    assert before <= facts["unix_time"] <= before + LIMIT
    assert datetime.fromisoformat(facts["time"]) == datetime.fromtimestamp(facts["unix_time"], UTC)
    assert facts["slot"] > 0
    assert cli.text("clock").startswith("unix time")


def test_a_localnets_clock_moves_when_told(worktab_localnet: Localnet) -> None:
    before = show(worktab_localnet)
    after = show(worktab_localnet, "--advance", 3_600)
    assert before["unix_time"] + 3_600 <= after["unix_time"] < before["unix_time"] + 3_600 + LIMIT
    assert after["block_height"] >= before["block_height"]
    target = after["unix_time"] + 86_400
    day = datetime.fromtimestamp(target, UTC).isoformat()
    assert target <= show(worktab_localnet, "--set", day)["unix_time"] < target + LIMIT


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--set", "1000"), 2, "The chain's clock only moves forward"),
        (("--set", "soon"), 2, "--set is no time"),
        (("--set", "1000", "--advance", "1"), 2, "The clock is told to do two things"),
    ],
)
def test_what_cannot_be(worktab_localnet: Localnet, args: tuple[str, ...], code: int, message: str) -> None:
    exit_code, error = refusal(worktab_localnet, *args)
    assert (exit_code, error["message"], error["code"]) == (code, message, "input")
