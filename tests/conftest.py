"""What all tests share: the chain they run on, and a network there."""

from __future__ import annotations

import functools
import signal
import ssl
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.fleet import Fleet, StartFleet

# Every HTTP client makes one, all of them alike. It reads all authorities of the system, and nobody here speaks TLS.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]

# Who runs the tests in the background of a shell has interrupts ignored, and so has every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["pytester", "support.adversarial_summary"]

_LEFT_OUT = pytest.StashKey[Counter[str]]()
_NO_CHAIN = "does not use the chain under test"
_CHAINS = {"worktab_chain", "worktab_localnet"}


@pytest.fixture
def start_fleet(worktab_chain: Any) -> StartFleet:
    """Makes a network by a plan; see `Fleet.start`."""
    from support.fleet import Fleet

    async def start(**plan: Any) -> Fleet:
        return await Fleet(worktab_chain).start(**plan)

    return start


@pytest.fixture
async def fleet(start_fleet: StartFleet) -> Fleet:
    """A network with one class and a full pool."""
    return await start_fleet()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a localnet only what uses the chain runs, less what can only be had embedded; all of it is counted."""
    if config.getoption("worktab_chain") != "localnet":
        return
    left_out = config.stash[_LEFT_OUT] = Counter[str]()
    kept, deselected = [], []
    for item in items:
        marker = item.get_closest_marker("embedded")
        uses_chain = not _CHAINS.isdisjoint(getattr(item, "fixturenames", ()))
        if uses_chain and marker is None:
            kept.append(item)
        else:
            deselected.append(item)
            left_out[str(marker.args[0]) if uses_chain and marker else _NO_CHAIN] += 1
    config.hook.pytest_deselected(items=deselected)
    items[:] = kept


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    left_out = config.stash.get(_LEFT_OUT, Counter[str]())
    if left_out:
        terminalreporter.section("left out on the localnet")
        for reason, count in left_out.most_common():
            terminalreporter.line(f"{count:4}  {reason}")
