"""A localnet: a node that runs, and what one needs to use it."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sync import blocking
from worktab.core.errors import ChainError, InputError, StateError
from worktab.localnet.backends.base import Backend, Launch
from worktab.localnet.backends.choosing import choose
from worktab.localnet.chain import LocalnetChain
from worktab.localnet.errors import NodeCannot, NodeFailed
from worktab.localnet.ledger import Ledger, new_genesis_hash
from worktab.localnet.options import Options
from worktab.localnet.ports import check_free, check_host, free_range, is_free
from worktab.localnet.process import NodeProcess
from worktab.localnet.rigging import Rigged, rig
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID

_TRIES: Final = 5
"""Starts with new free ports when somebody else took one of them in the meantime."""


class Localnet:
    """A local node with the Worktab program deployed, a funded wallet and a test token; made by `start`.

    It ends with `stop`, at the end of its `with` block, or with this process, however that ends.
    """

    def __init__(self, options: Options, backend: Backend) -> None:
        """For `start`: everything but the node. Raises `LedgerInUse`, `StorageError`, `InputError`."""
        self._options, self._backend = options, backend
        self._process: NodeProcess | None = None
        self._rigged: Rigged | None = None
        with ExitStack() as held:
            self._ledger = None if options.ledger is None else held.enter_context(Ledger(options.ledger))
            if self._ledger is not None:
                self._ledger.keep_to(backend.name)
                folder, genesis = self._ledger.folder, self._ledger.genesis_hash()
                self.wallet = options.wallet or self._ledger.wallet()
            else:
                folder = Path(held.enter_context(_scratch())) if backend.keeps_files else Path("/")
                genesis = new_genesis_hash()
                self.wallet = options.wallet or Keypair()
            self._launch = Launch(
                host=options.host,
                rpc_port=options.rpc_port or 0,
                ws_port=options.ws_port or 0,
                slot_time=options.slot_time,
                folder=folder,
                keeps=self._ledger is not None,
                genesis=genesis,
                wallet=self.wallet.pubkey(),
                accounts=options.accounts,
                programs=((PROGRAM_ID, program_binary()), *options.programs),
            )
            self._held = held.pop_all()

    @classmethod
    def start(cls, options: Options | None = None) -> Self:
        """Start a node and set it up; returns when all is ready. Builds the node first where that is needed.

        Raises `InputError`, `PortTaken`, `LedgerInUse`, `NodeFailed`, `NodeCannot`, `ToolMissing`, `BuildFailed`,
        `StorageError`, and `ChainError` when the node does not do as it should.
        """
        options = options if options is not None else Options()
        backend = choose(options.node, options.report, keeps=options.ledger is not None)
        if options.ledger is not None and not backend.keeps_chains:
            raise NodeCannot("This node's chains end with it")
        if options.unix_time is not None and not backend.simulates:
            raise NodeCannot("This node's clock cannot be set")
        localnet = cls(options, backend)
        try:
            localnet._run_on_free_ports()
            localnet._set_up()
        except BaseException:
            localnet.stop()
            raise
        return localnet

    @property
    def rpc_url(self) -> str:
        """Where the node serves JSON-RPC."""
        return self._launch.rpc_url

    @property
    def ws_url(self) -> str:
        """Where the node takes subscriptions."""
        return self._launch.ws_url

    @property
    def genesis_hash(self) -> bytes:
        """The 32 bytes that name this chain."""
        return self._ready().genesis_hash

    @property
    def mint(self) -> Pubkey:
        """The test token, with 6 decimals. The wallet is its mint authority and got 1,000,000 tokens."""
        return self._ready().mint

    @property
    def ledger(self) -> Path | None:
        """The folder that the chain is kept in, None for a chain that ends with the node."""
        return None if self._ledger is None else self._ledger.folder

    @property
    def pid(self) -> int | None:
        """The number of the node's process, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.runs else None

    def chain(self) -> LocalnetChain:
        """A new connection, for one event loop; the caller closes it."""
        return LocalnetChain(self.rpc_url, self.ws_url, slot_time=self._options.slot_time)

    def stop(self) -> None:
        """Stop the node in good order, and let go of its ledger. A second call does nothing."""
        try:
            if self._process is not None:
                self._process.stop()
        finally:
            self._held.close()

    def kill(self) -> None:
        """End the node at once, as a power cut would (SIGKILL). The ledger stays held, for `restart`."""
        if self._process is not None:
            self._process.kill()

    def wait(self) -> NoReturn:
        """Return never, unless the node ends by itself: then this raises `NodeFailed` with what it said."""
        if self._process is None:
            raise StateError("This localnet was not started", next_step="Make one with Localnet.start()")
        self._process.wait()

    def restart(self) -> None:
        """Stop the node if it runs, and start it again on the same ports and ledger.

        Raises `StateError` without a ledger or after `stop`, otherwise as `start`.
        """
        if self._ledger is None or not self._ledger.held:
            raise StateError(
                "This localnet cannot be started again",
                expected="one with a ledger, which was not stopped",
                next_step="Start a new one: Localnet.start(Options(ledger=..))",
            )
        if self._process is not None:
            self._process.stop()
        self._check_ports()
        self._run()
        self._set_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run_on_free_ports(self) -> None:
        wanted = self._launch
        check_host(wanted.host)
        for left in reversed(range(_TRIES)):
            self._launch = self._with_ports(wanted)
            self._check_ports()
            try:
                self._run()
            except NodeFailed:
                if not left or (wanted.rpc_port and wanted.ws_port) or self._ports_are_free():
                    raise
            else:
                return

    def _with_ports(self, wanted: Launch) -> Launch:
        """The launch with free ports in place of those that were not asked for, side by side as clients expect it."""
        rpc, ws = wanted.rpc_port, wanted.ws_port
        rpc = rpc or (ws - 1 if ws > 1 else free_range(wanted.host, 2))
        ws = ws or rpc + 1
        if self._backend.ws_follows and ws != rpc + 1:
            raise InputError(
                "This node takes subscriptions on the port after that for RPC",
                expected=f"port {rpc + 1} for websockets",
                got=str(ws),
            )
        return replace(wanted, rpc_port=rpc, ws_port=ws)

    def _check_ports(self) -> None:
        check_free(self._launch.host, self._launch.rpc_port, "rpc_port; on the command line --rpc-port")
        check_free(self._launch.host, self._launch.ws_port, "ws_port; on the command line --ws-port")

    def _ports_are_free(self) -> bool:
        return all(is_free(self._launch.host, port) for port in (self._launch.rpc_port, self._launch.ws_port))

    def _run(self) -> None:
        """Start the node and wait until it answers. If it does not, it does not run on."""
        locks = [] if self._ledger is None else [self._ledger.lock]
        process = NodeProcess(self._backend.command(self._launch), keep_open=locks, folder=self._launch.folder)
        try:
            self._backend.wait(process, self._answers, self._options.patience)
        except BaseException:
            process.kill()
            raise
        self._process = process

    def _answers(self) -> bool:
        with blocking(LocalnetChain(self.rpc_url, tries=1, timeout=5.0)) as chain:
            try:
                return chain(lambda node: node.slot()) > 0
            except ChainError:
                return False

    def _set_up(self) -> None:
        ledger = self._ledger
        with blocking(self.chain()) as chain:
            self._rigged = chain(
                lambda node: rig(
                    node,
                    self._launch,
                    self.wallet,
                    simulates=self._backend.simulates,
                    unix_time=self._options.unix_time,
                    resumed=ledger is not None and ledger.is_set_up,
                )
            )
        if ledger is not None:
            ledger.mark_set_up()

    def _ready(self) -> Rigged:
        if self._rigged is None:
            raise StateError("This localnet was not started", next_step="Make one with Localnet.start()")
        return self._rigged


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="worktab-localnet-")
