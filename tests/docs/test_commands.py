"""The README's commands, one after the other on a localnet, as somebody types them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from support.cli import invoke
from support.jobs import increment
from worktab.localnet import Localnet

README = (Path(__file__).parents[2] / "README.md").read_text()
[BLOCK] = re.findall(r"```console\n(scripts/worktab network create.*?)```", README, re.DOTALL)


def test_a_devices_first_pay(worktab_localnet: Localnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    for line in BLOCK.splitlines():
        words = [env[word[1:]] if word.startswith("$") else word for word in shlex.split(line, comments=True)[1:]]
        result = invoke(*words, *([] if "--json" in words else ["--json"]), **env)
        assert result.exit_code == 0, (line, result.output)
        answer = answers[" ".join(words[:2])] = json.loads(result.stdout)
        env |= {name.upper(): answer[name] for name in ("network", "device") if name in answer}

    [job] = answers["device run"]["jobs"]
    assert answers["device claim"]["paid"] == answers["device submit"]["reward"] == 2 * job["units"] == 142
    assert answers[f"stats {env['NETWORK']}"]["jobs"] == 1
    assert answers[f"verify {env['DEVICE']}"]["differing"] == []
