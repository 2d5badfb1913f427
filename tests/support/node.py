"""Real nodes for tests: started on free ports, and looked after."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from worktab.localnet import Localnet, Options

LIMIT = 30.0
"""Seconds that anything a test waits for may take on a busy machine."""


@contextmanager
def localnet(**options: Any) -> Iterator[Localnet]:
    """A running localnet with these `Options`, fast blocks unless they say otherwise; stopped at the end."""
    with Localnet.start(Options(**{"slot_time": 50, **options})) as running:
        yield running


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait for something to become true. Fails when it does not."""
    until = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < until, f"still not so after {LIMIT:g} seconds: {what}"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_zombie(pid: int) -> bool:
    """Whether a process has ended and nobody has waited for it."""
    return os.path.exists(f"/proc/{pid}") and not lives(pid)


def listens(url: str) -> bool:
    """Whether a server takes connections at an address."""
    host, port = url.rpartition("/")[2].rsplit(":", 1)
    with closing(socket.socket()) as client:
        client.settimeout(5)
        return client.connect_ex((host, int(port))) == 0
