"""The plugin's fixtures. They import what they need when a test asks for them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from worktab.testing.plugin import EMBEDDED, chain_of

try:
    import pytest_asyncio
except ModuleNotFoundError:
    pytest_asyncio = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from solders.keypair import Keypair

    from worktab.chain.embedded import EmbeddedChain
    from worktab.chain.sending import Sender
    from worktab.localnet import Localnet, LocalnetChain
    from worktab.roles.owner import Owner
    from worktab.roles.terms import NetworkPlan
    from worktab.testing.clock import Clock
    from worktab.testing.networks import Devices, Network
    from worktab.testing.tokens import Mint

SLOT_TIME: Final = 50
"""Milliseconds from block to block on the node that tests run on."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _asynchronous(function: _Function) -> _Function:
    """A fixture whose function is asynchronous, in either mode of pytest-asyncio."""
    made = pytest.fixture if pytest_asyncio is None else pytest_asyncio.fixture
    return made(function)  # type: ignore[return-value]


@pytest.fixture(scope="session")
def _worktab_event_loops(pytestconfig: pytest.Config) -> None:
    """Asynchronous fixtures need pytest-asyncio."""
    if pytest_asyncio is None or not pytestconfig.pluginmanager.is_registered(pytest_asyncio.plugin):
        pytest.fail("Worktab's fixtures need pytest-asyncio. Install worktab[testing]", pytrace=False)


@pytest.fixture(scope="session")
def worktab_localnet(pytestconfig: pytest.Config) -> Iterator[Localnet]:
    """A real node with the program deployed, started when first asked for and stopped at the end of the run.

    It listens on free ports and makes a block every 50 milliseconds. With pytest-xdist every worker has its own.
    """
    from worktab.localnet import Localnet, Options

    # The first start ever builds the node, which takes minutes and must be seen to be doing so.
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        localnet = Localnet.start(Options(slot_time=SLOT_TIME))
    with localnet:
        yield localnet


@_asynchronous
async def worktab_chain(
    request: pytest.FixtureRequest, _worktab_event_loops: None
) -> AsyncIterator[EmbeddedChain | LocalnetChain]:
    """The chain to test on, with the program deployed: what --worktab-chain says, embedded by default.

    An embedded chain is new for every test. A localnet is shared, and this is a connection to it, which belongs to
    the event loop that first uses it. A test without an event loop brings one:
    `with blocking(worktab_chain) as chain: chain(lambda _: worktab_devices(3))`.
    """
    if chain_of(request.config) == EMBEDDED:
        from worktab.testing.chains import embedded_chain

        yield embedded_chain()
        return
    async with _connection(request) as chain:
        yield chain


def _connection(request: pytest.FixtureRequest) -> LocalnetChain:
    from worktab.localnet import LocalnetChain

    url: str | None = request.config.getoption("worktab_rpc_url")
    if url:
        return LocalnetChain(url)
    localnet: Localnet = request.getfixturevalue("worktab_localnet")
    return localnet.chain()


@_asynchronous
async def _worktab_set_up(
    request: pytest.FixtureRequest, worktab_chain: EmbeddedChain | LocalnetChain
) -> AsyncIterator[EmbeddedChain | LocalnetChain]:
    """What fixtures set things up with: a connection of their own, so that the test is the first to use the other."""
    if chain_of(request.config) == EMBEDDED:
        yield worktab_chain
        return
    async with _connection(request) as chain:
        yield chain


@pytest.fixture
def worktab_clock(worktab_chain: EmbeddedChain | LocalnetChain) -> Clock:
    """The chain's time: `await worktab_clock.advance(60)`, `pass_epoch(network)`, `expire_blockhashes()`.

    An embedded chain's time stands still in between. A localnet's goes on by itself, and only ever forward.
    """
    from worktab.testing.clock import clock_of

    return clock_of(worktab_chain)


@_asynchronous
async def worktab_wallet(request: pytest.FixtureRequest, _worktab_set_up: EmbeddedChain | LocalnetChain) -> Keypair:
    """A new keypair with 10 SOL."""
    from solders.keypair import Keypair

    from worktab.chain.wallet import load_keypair
    from worktab.testing.chains import WALLET_LAMPORTS, fund

    given = bool(request.config.getoption("worktab_rpc_url") and os.environ.get("ANCHOR_WALLET"))
    wallet = Keypair()
    await fund(_worktab_set_up, wallet.pubkey(), WALLET_LAMPORTS, funder=load_keypair() if given else None)
    return wallet


@pytest.fixture
def worktab_sender(worktab_chain: EmbeddedChain | LocalnetChain, worktab_wallet: Keypair) -> Sender:
    """Sends transactions that `worktab_wallet` pays for; what roles are made with."""
    from worktab.testing.chains import sender_for

    return sender_for(worktab_chain, worktab_wallet)


@_asynchronous
async def worktab_mint(
    _worktab_set_up: EmbeddedChain | LocalnetChain, worktab_wallet: Keypair, worktab_sender: Sender
) -> Mint:
    """A new token of 6 decimals: `await worktab_mint.give(owner, amount)`, `await worktab_mint.balance(owner)`."""
    from worktab.testing.chains import sender_for
    from worktab.testing.tokens import Mint

    mint = await Mint.create(sender_for(_worktab_set_up, worktab_wallet))
    return replace(mint, sender=worktab_sender)


@pytest.fixture
def worktab_plan(worktab_mint: Mint) -> NetworkPlan:
    """The plan of `worktab_network`: one class, two base units for a unit of work, epochs of an hour.

    Override it to test on a network of your own making.
    """
    from worktab.testing.networks import plan_for

    return plan_for(worktab_mint)


@_asynchronous
async def worktab_network(
    _worktab_set_up: EmbeddedChain | LocalnetChain,
    worktab_wallet: Keypair,
    worktab_mint: Mint,
    worktab_plan: NetworkPlan,
) -> Network:
    """A new network by `worktab_plan` with 10,000,000 base units in its pool.

    `worktab_network.operator` runs it, `.address` names it, and `.owner()` makes an owner of devices.
    """
    from worktab.testing.chains import sender_for
    from worktab.testing.networks import Network

    sender = sender_for(_worktab_set_up, worktab_wallet)
    made = await Network.create(replace(worktab_mint, sender=sender), worktab_plan)
    return made.through(worktab_mint)


@pytest.fixture
def worktab_owner(worktab_network: Network) -> Owner:
    """Who owns the devices that `worktab_devices` makes."""
    return worktab_network.owner()


@pytest.fixture
def worktab_devices(worktab_network: Network, worktab_owner: Owner) -> Devices:
    """Makes devices: `await worktab_devices(3)` registers three with keys of their own.

    Their capacity counts from the next epoch on: `await worktab_clock.pass_epoch(worktab_network.address)`.
    """
    from worktab.testing.networks import devices_of

    return devices_of(worktab_network, worktab_owner)
