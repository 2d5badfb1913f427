"""anchorpy's Program for Worktab, without a node and with one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from anchorpy import Program, Provider, Wallet
from node import Node
from solana.rpc.async_api import AsyncClient
from solders.keypair import Keypair

from worktab.anchor import program

HERE = Path(__file__).parent
PATIENCE = 60  # seconds for the localnet to stop


@pytest.fixture(scope="session")
def offline() -> Program:
    """The program with a provider that reaches nobody."""
    return program(Provider(AsyncClient("http://127.0.0.1:9"), Wallet(Keypair())))


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A localnet, run by the environment that has the chains. It ends with its input."""
    python = os.environ["WORKTAB_PYTHON"]
    command = [python, str(HERE / "run_localnet.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = process.stdout.readline()
            assert told, f"the localnet did not start: exit code {process.wait()}"
            yield Node.from_json(json.loads(told))
        finally:
            process.stdin.close()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()


@pytest.fixture
async def worktab(node: Node) -> AsyncIterator[Program]:
    """The program on the localnet, with the localnet's wallet."""
    async with program(Provider(AsyncClient(node.rpc), Wallet(node.wallet))) as made:
        yield made
