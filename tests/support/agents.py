"""A device's daemon as a process of its own, and what it says of itself."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support.cli import Cli

COMMAND: Final = [sys.executable, "-m", "worktab.cli"]
_LIMIT: Final = 120.0


class AgentProcess:
    """`worktab agent serve` with these arguments, in the environment of a user; `start` may be repeated."""

    def __init__(self, env: Mapping[str, str], *args: object) -> None:
        self._env, self._args = {**os.environ, **env}, [str(each) for each in args]
        self._process: subprocess.Popen[str] | None = None
        self.facts: dict[str, Any] = {}
        self.errors: list[str] = []

    @property
    def url(self) -> str:
        """Where it sells."""
        url: str = self.facts["url"]
        return url

    def start(self) -> None:
        """Start it, again on the port that it had, and wait until it says where it listens."""
        again = bool(self.facts)
        told = self._start(self.url.rpartition(":")[2] if again else str(free_port()))
        if "in use" in told and not again:  # another process was given the same free port meanwhile
            told = self._start(str(free_port()))
        self.facts = json.loads(told)

    def _start(self, port: str) -> str:
        """What it says first: a line where it listens, or all of its error."""
        self._process = subprocess.Popen(
            [*COMMAND, "agent", "serve", "--json", *self._args, "--port", port],
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        # Nobody else would end it where it never says anything.
        watch = threading.Timer(_LIMIT, self._process.kill)
        watch.start()
        line = self._process.stdout.readline()
        watch.cancel()
        if not line:
            raise AssertionError(self._process.communicate(timeout=_LIMIT)[1])
        return line if line.startswith('{"') else line + "".join(self._process.communicate(timeout=_LIMIT))

    def kill(self) -> None:
        """End it at once, with no chance to do anything more."""
        self._end(signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and wait for it; its exit code."""
        return self._end(number)

    def metrics(self) -> dict[str, float]:
        """What it counts, by name and labels as Prometheus writes them."""
        text = httpx.get(self.facts["metrics"], timeout=120).raise_for_status().text
        return {
            each.name + "".join(f"{{{key}={value}}}" for key, value in each.labels.items()): each.value
            for family in text_string_to_metric_families(text)
            for each in family.samples
        }

    def wait_for(self, **wanted: float) -> dict[str, float]:
        """Its metrics, once they are at least these."""
        limit = time.monotonic() + _LIMIT
        while True:
            found = self.metrics()
            if all(found[f"worktab_{name}"] >= value for name, value in wanted.items()):
                return found
            assert time.monotonic() < limit, found
            time.sleep(0.05)

    def _end(self, number: int) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        _, errors = process.communicate(timeout=_LIMIT)
        self.errors.append(errors)
        return process.returncode


def free_port() -> int:
    """A port that stays free while nobody listens there: the system gives out none of these by itself."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def agent(cli: Cli, device: str, key: object, *args: object) -> Iterator[AgentProcess]:
    """A daemon of a device, until the block ends."""
    made = AgentProcess(cli.env, "--device", device, "--key", key, *args)
    try:
        made.start()
        yield made
    finally:
        made.kill()
