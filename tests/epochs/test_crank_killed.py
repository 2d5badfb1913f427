"""A crank that is killed at any point goes on when it is started again: everyone is paid exactly once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from solders.keypair import Keypair

from support.fleet import StartFleet
from support.proving import Publisher, people
from support.rooted import Rooted
from support.rpc_server import RpcServer
from worktab.chain.embedded import EmbeddedChain
from worktab.core.errors import StateError
from worktab.epochs.cranking import CrankJournal
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.events import RootClaimed
from worktab.program.logs import events_from_logs

PAYEES = 60


def command(node: RpcServer, folder: Path, network: object) -> tuple[list[str], dict[str, str]]:
    """A start of the real program, and its environment."""
    args = [
        "crank",
        "--network",
        str(network),
        "--proofs",
        str(folder / "epochs"),
        "--journal",
        str(folder / "journal"),
    ]
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "ANCHOR_PROVIDER_URL": node.url,
        "ANCHOR_WALLET": str(folder / "payer.json"),
        "XDG_DATA_HOME": str(folder / "data"),
    }
    return [sys.executable, "-m", "worktab.cli", *args, "--create-accounts", "--at-once", "3", "--yes", "--json"], env


def sends(node: RpcServer) -> int:
    return sum(method == "sendTransaction" for method, _ in node.calls)


async def payments(chain: EmbeddedChain, network: object) -> Counter[object]:
    """How often each wallet was paid, by the events of everything that ever landed."""
    paid: Counter[object] = Counter()
    for logged in await chain.history(network):  # type: ignore[arg-type]
        landed = await chain.transaction(logged.signature)
        assert landed is not None
        if landed.error is None:
            found = events_from_logs(landed.logs, PROGRAM_ID)
            paid.update(event.payout for event in found if isinstance(event, RootClaimed) and event.amount)
    return paid


@pytest.mark.embedded("the node that is looked into serves an embedded chain")
async def test_a_crank_killed_again_and_again_pays_everyone_once(start_fleet: StartFleet, tmp_path: Path) -> None:
    rooted = await Rooted.start(start_fleet)
    fleet, named = rooted.fleet, people(*range(1, PAYEES + 1))
    await Publisher(rooted, tmp_path / "epochs").publish(0, named)
    vault, payer = await fleet.vault(), Keypair()
    await fleet.airdrop(payer.pubkey(), 100 * 10**9)
    (tmp_path / "payer.json").write_text(payer.to_json())
    assert isinstance(fleet.chain, EmbeddedChain)
    async with RpcServer(fleet.chain).running() as node:
        args, env = command(node, tmp_path, fleet.network)
        for more in (1, 2, 3, 5):
            before, calls = sends(node), len(node.calls)
            victim = await asyncio.create_subprocess_exec(*args, env=env, stdout=asyncio.subprocess.PIPE)
            async with asyncio.timeout(120):
                while len(node.calls) == calls:
                    await asyncio.sleep(0.02)
                while sends(node) < before + more:
                    await asyncio.sleep(0)
            victim.kill()
            assert await victim.wait() == -signal.SIGKILL
        survivor = await asyncio.create_subprocess_exec(*args, env=env, stdout=asyncio.subprocess.PIPE)
        said, _ = await survivor.communicate()
        assert survivor.returncode == 0
        again = await asyncio.create_subprocess_exec(*args, env=env, stdout=asyncio.subprocess.PIPE)
        nothing, _ = await again.communicate()
    assert [await fleet.mint.balance(person.payout) for person in named] == list(range(1, PAYEES + 1))
    assert await fleet.vault() == vault - sum(range(1, PAYEES + 1))
    assert await payments(fleet.chain, fleet.network) == {person.payout: 1 for person in named}
    report = json.loads(said)
    assert report["resumed_transactions"] > 0
    assert report["claimed"] == len({each["payout"] for each in report["payees"]}) > 0
    assert (json.loads(nothing)["claimed"], json.loads(nothing)["transactions"]) == (0, 0)
    with CrankJournal(tmp_path / "journal") as journal:
        assert journal.unsettled() == []


def test_a_journal_is_held_by_one_and_forgets_what_ended(tmp_path: Path) -> None:
    with CrankJournal(tmp_path / "journal") as journal:
        journal.put("claim root", "one", 5, b"raw")
        journal.put("claim root", "two", 6, b"raw")
        journal.settle("one", "confirmed")
        with pytest.raises(StateError, match="in use"):
            CrankJournal(tmp_path / "journal")
    with CrankJournal(tmp_path / "journal") as journal:
        assert [sent.signature for sent in journal.unsettled()] == ["two"]
        assert journal.outcome("one") is None
