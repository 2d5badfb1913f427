"""Real nodes for tests: started on free ports, asked without an event loop, and looked after."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from worktab.chain.sync import blocking
from worktab.localnet import Localnet, LocalnetChain, Options

LIMIT = 120.0
"""Seconds that anything a test waits for may take on a busy machine."""

_Result = TypeVar("_Result")


@contextmanager
def localnet(**options: Any) -> Iterator[Localnet]:
    """A running localnet with these `Options`, fast blocks unless they say otherwise; stopped at the end."""
    with Localnet.start(Options(**{"slot_time": 50, **options})) as running:
        yield running


def on_chain(node: Localnet, ask: Callable[[LocalnetChain], Awaitable[_Result]]) -> _Result:
    """What a node's chain answers."""
    with blocking(node.chain()) as chain:
        return chain(ask)


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


def is_free(url: str) -> bool:
    """Whether a server could listen at an address."""
    host, port = url.rpartition("/")[2].rsplit(":", 1)
    try:
        socket.create_server((host, int(port))).close()
    except OSError:
        return False
    return True
