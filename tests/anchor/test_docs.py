"""docs/anchorpy.md works as printed."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from anchorpy import Program
from node import Node, tokens
from solders.keypair import Keypair
from stage import next_epoch, open_stage, receipt_of, register

from worktab.core.keys import Ed25519Signer

[EXAMPLE, CALLS] = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "anchorpy.md").read_text("utf-8"), re.DOTALL
)


async def test_five_lines(worktab: Program, node: Node, tmp_path: Path) -> None:
    stage = await open_stage(worktab, node, id=100)
    wallet = tmp_path / "id.json"
    wallet.write_text(json.dumps(list(bytes(node.wallet))))
    told = os.environ | {"ANCHOR_PROVIDER_URL": node.rpc, "ANCHOR_WALLET": str(wallet)}
    done = subprocess.run([sys.executable, "-c", EXAMPLE], env=told, capture_output=True, text=True, check=True)
    assert f"{stage.network} 1000000" in done.stdout.splitlines()


async def test_a_receipt_and_a_claim(worktab: Program, node: Node) -> None:
    owner, key = Keypair(), Ed25519Signer.generate()
    stage = await open_stage(worktab, node, id=101)
    device = await register(stage, key, owner)
    await next_epoch(stage)
    purse = node.purse(owner.pubkey())
    names: dict[str, Any] = {
        "worktab": worktab,
        "network": stage.network,
        "device": device,
        "key": key,
        "message": await receipt_of(stage, device, jobs=1, units=7_000_000),
    }
    await stage.open_purse(owner.pubkey())
    code = compile(CALLS, "docs/anchorpy.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, names)
    assert inspect.iscoroutine(running)
    await running
    assert await tokens(stage.connection, purse) == 14
