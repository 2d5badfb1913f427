"""The pytest plugin: `--worktab-chain`, and fixtures for a chain, a clock, a wallet, a token, a network and devices.

pytest loads this module wherever Worktab is installed, so it imports next to nothing.
"""

from __future__ import annotations

from typing import Final

import pytest

EMBEDDED: Final = "embedded"
LOCALNET: Final = "localnet"
CHAINS: Final = (EMBEDDED, LOCALNET)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("worktab", "Worktab: networks of devices that get paid for work")
    group.addoption(
        "--worktab-chain",
        choices=CHAINS,
        help="what Worktab's fixtures run on: a chain inside the test process, or a real node of its own",
    )
    group.addoption(
        "--worktab-rpc-url",
        metavar="URL",
        help="a localnet that runs already, to use in place of one of the test run's own; "
        "the wallet in ANCHOR_WALLET, where it is set, pays for the tests' wallets",
    )
    parser.addini("worktab_chain", f"what Worktab's fixtures run on: {' or '.join(CHAINS)}", default=EMBEDDED)


def pytest_configure(config: pytest.Config) -> None:
    chosen = config.getini("worktab_chain")
    if chosen not in CHAINS:
        raise pytest.UsageError(f"worktab_chain is {' or '.join(CHAINS)}, not {chosen!r}")
    if config.getoption("worktab_rpc_url") and chain_of(config) != LOCALNET:
        raise pytest.UsageError(f"--worktab-rpc-url needs --worktab-chain={LOCALNET}")
    # Not above: it imports pytest-asyncio, which pytest wants to import before anybody else does.
    from worktab.testing import fixtures

    config.pluginmanager.register(fixtures, fixtures.__name__)


def pytest_report_header(config: pytest.Config) -> str | None:
    if chain_of(config) == EMBEDDED:
        return None
    return f"worktab: {config.getoption('worktab_rpc_url') or 'a localnet of its own'}"


def chain_of(config: pytest.Config) -> str:
    """What the fixtures run on: "embedded" or "localnet"."""
    chosen: str = config.getoption("worktab_chain") or config.getini("worktab_chain")
    return chosen
