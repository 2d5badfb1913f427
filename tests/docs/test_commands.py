"""The README's commands, one after the other on a localnet, as somebody types them."""

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

README = (Path(__file__).parents[2] / "README.md").read_text()
FIRST_PAY, SELLING, BUYING = (
    block.splitlines()
    for start in ("network create", "agent init", "tab open")
    for block in re.findall(rf"```console\n(scripts/worktab {start}.*?)```", README, re.DOTALL)
)


def test_first_pay_then_selling_and_buying(
    worktab_localnet: Localnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    answers: dict[str, Any] = {}

    def run(line: str) -> None:
        words = [env[word[1:]] if word.startswith("$") else word for word in shlex.split(line, comments=True)[1:]]
        words = [word.replace("http://127.0.0.1:8402", env.get("URL", "")) for word in words]
        result = invoke(*words, *([] if "--json" in words else ["--json"]), **env)
        assert result.exit_code == 0, (line, result.output)
        answer = answers[" ".join(words[:2])] = json.loads(result.stdout)
        for name in ("network", "device", "consumer", "invoice"):
            if isinstance(answer.get(name), str):
                env[name.upper()] = answer[name]

    for line in FIRST_PAY:
        run(line)

    [job] = answers["device run"]["jobs"]
    assert answers["device claim"]["paid"] == answers["device submit"]["reward"] == 2 * job["units"] == 142
    assert answers[f"stats {env['NETWORK']}"]["jobs"] == 1
    assert answers[f"verify {env['DEVICE']}"]["differing"] == []

    init, serve = SELLING
    run(init)
    daemon = AgentProcess(env, *shlex.split(serve)[3:])
    try:
        daemon.start()
        env["URL"] = daemon.url
        for line in BUYING:
            run(line)
    finally:
        assert daemon.stop() == 0, daemon.errors

    assert Path("result.bin").read_bytes() == b"bcd"
    # 71 units at half a base unit each, rounded up.
    assert answers["buy job.wasm"]["price"] == 36
    assert (answers["invoice pay"]["invoice"]["amount"], answers["invoice pay"]["left"]) == (3_000_000, 0)
