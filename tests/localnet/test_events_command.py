"""`worktab events --follow` as a process against a real node: interrupted, killed, started again, cut off."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from support.fleet import Fleet
from support.node import LIMIT
from support.proxy import Proxy
from worktab.localnet import Localnet
from worktab.roles.device import Device


class Command:
    """The command as a process, and the lines it prints."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def seqs(self, number: int) -> list[int]:
        """The job numbers in its next so many lines."""
        assert self._process.stdout is not None
        async with asyncio.timeout(LIMIT):
            lines = [await self._process.stdout.readline() for _ in range(number)]
        return [json.loads(line)["data"]["seq"] for line in lines]

    async def end(self, how: signal.Signals) -> tuple[int, str, str]:
        """Its exit code, and what else it had printed, after a signal."""
        self._process.send_signal(how)
        async with asyncio.timeout(LIMIT):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def following(fleet: Fleet, *args: object, url: str) -> AsyncIterator[Command]:
    """The command, which does not outlive the block."""
    words = ["events", fleet.network, "--follow", "--json", "--type", "ReceiptSubmitted", *args]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "worktab.cli", *map(str, words)),
        env=os.environ | {"ANCHOR_PROVIDER_URL": url, "PYTHONUNBUFFERED": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def fleet(worktab_localnet: Localnet) -> AsyncIterator[Fleet]:
    async with Fleet(worktab_localnet.chain()) as fleet:
        yield await fleet.start()


@pytest.fixture
async def device(fleet: Fleet) -> Device:
    device = await fleet.device()
    await fleet.next_epoch()
    return device


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
async def test_it_goes_on_where_it_was_ended(
    worktab_localnet: Localnet, fleet: Fleet, device: Device, tmp_path: Path, end: signal.Signals
) -> None:
    seen = tmp_path / "seen"
    await fleet.earn(device, 1, 10)
    async with following(fleet, "--cursor", seen, url=worktab_localnet.rpc_url) as command:
        assert await command.seqs(1) == [1]
        await fleet.earn(device, 2, 20)
        assert await command.seqs(1) == [2]
        [newest] = await fleet.chain.history(fleet.network, limit=1)
        # The line was there before the file was.
        async with asyncio.timeout(LIMIT):
            while seen.read_text() != f"{newest.signature}\n":
                await asyncio.sleep(0.01)
        code, out, err = await command.end(end)
    assert (code, out) == ({signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}[end], "")
    assert "Traceback" not in err
    await fleet.earn(device, 3, 30)
    async with following(fleet, "--cursor", seen, url=worktab_localnet.rpc_url) as command:
        assert await command.seqs(1) == [3]
        await fleet.earn(device, 4, 40)
        assert await command.seqs(1) == [4]


async def test_sockets_that_break_under_it(worktab_localnet: Localnet, fleet: Fleet, device: Device) -> None:
    async with (
        Proxy(worktab_localnet.ws_url).running() as proxy,
        following(fleet, "--ws-url", proxy.url, url=worktab_localnet.rpc_url) as command,
    ):
        for seq in range(1, 5):
            async with asyncio.timeout(LIMIT):
                while proxy.accepted < seq:
                    await asyncio.sleep(0.01)
            if seq % 2:
                proxy.drop()
            await fleet.earn(device, seq, seq * 10)
            if not seq % 2:
                proxy.drop()
            assert await command.seqs(1) == [seq]
        assert (await command.end(signal.SIGINT))[:2] == (130, "")


async def test_nobody_reads_on(worktab_localnet: Localnet, fleet: Fleet, device: Device) -> None:
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m worktab.cli events {fleet.network} --follow --json | head -n 1",
        env=os.environ | {"ANCHOR_PROVIDER_URL": worktab_localnet.rpc_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    reading = asyncio.create_task(process.communicate())
    async with asyncio.timeout(LIMIT):
        for seq in count(1):  # it ends at the first line after its reader did
            await fleet.earn(device, seq, seq)
            if reading.done():
                break
    out, err = await reading
    assert json.loads(out)["event"] == "NetworkCreated"
    assert err == b""
