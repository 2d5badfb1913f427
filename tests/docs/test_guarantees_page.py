"""What docs/guarantees.md has somebody type on one machine, from a new network to a challenge."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from support.agents import AgentProcess
from support.cli import invoke
from support.jobs import increment
from worktab.localnet import Localnet

PAGE = (Path(__file__).parents[2] / "docs" / "guarantees.md").read_text()
TOKEN = 1_000_000
KEYS = {"attestor.json": "ATTESTOR", "consumer.json": "CONSUMER"}


def blocks() -> list[list[list[str]]]:
    """The commands, block by block, without `scripts/worktab`."""
    [section] = re.findall(r"^## All of it on one machine\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    found = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [[shlex.split(line, comments=True)[1:] for line in block.splitlines()] for block in found]


def test_all_of_it_on_one_machine(worktab_localnet: Localnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wallet.json").write_text(worktab_localnet.wallet.to_json())
    Path("job.wasm").write_bytes(increment())
    Path("input.bin").write_bytes(b"abc")
    env = {
        "ANCHOR_PROVIDER_URL": worktab_localnet.rpc_url,
        "ANCHOR_WALLET": "wallet.json",
        "XDG_DATA_HOME": str(tmp_path),
        "MINT": str(worktab_localnet.mint),
    }
    other = "7"  # a number of its own, since the localnet is shared

    def run(words: list[str], *more: str) -> dict[str, Any]:
        filled = [env[word[1:]] if word.startswith("$") else word for word in words]
        filled = [word.replace("http://127.0.0.1:8402", env.get("URL", "")) for word in filled]
        result = invoke(*filled, *more, "--json", **env)
        assert result.exit_code == 0, (words, result.output)
        answer: dict[str, Any] = json.loads(result.stdout)
        for name in ("network", "device"):
            if isinstance(answer.get(name), str):
                env[name.upper()] = answer[name]
        if words[:2] == ["device", "keygen"] and words[2] in KEYS:
            env[KEYS[words[2]]] = answer["public_key"]
        return answer

    (keygen, create, fund), (*enter, serve), [attest], (*buy, show, promise, challenge, stats) = blocks()
    run(keygen)
    run(create, "--id", other)
    run(fund)
    for words in enter:
        run(words)
    shown = run(["bond", "status", "$DEVICE"])
    assert (shown["free"], shown["least"], shown["capacity"]) == (20 * TOKEN, 10 * TOKEN, 10**9)

    daemon = AgentProcess(env, *serve[2:])
    try:
        daemon.start()
        env["URL"] = daemon.url
        for words in buy:
            run(words)
        [lane] = run(show)["lanes"]
        env["LANE"] = str(lane["nonce"])
        run(promise)
        assert run(["bond", "status", "$DEVICE"])["held_by_slas"] == 5 * TOKEN // 2
        [examined] = run(challenge)["devices"]
        assert (examined["executed"], examined["suspects"], examined["dispute"]) == (1, [], None)
        assert run([word for word in attest if word != "--watch"])["disputes"] == []
        assert run(stats)["guarantees"]["slas_open"] == 1
    finally:
        assert daemon.stop() == 0, daemon.errors
