"""A node as a process: started, heard of, and ended together with whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

from worktab.core.errors import StorageError
from worktab.localnet.errors import NodeFailed, ToolMissing

_STOP_LIMIT = 15.0
"""Seconds a node may take to stop before it is killed."""

_POLL = 0.02
_TAIL = 4_000


class NodeProcess:
    """A running node. It holds the reading end of a pipe that ends with this process, however that ends."""

    def __init__(self, command: Sequence[str], *, keep_open: Sequence[int] = (), folder: Path | None = None) -> None:
        """Start a command, which must end when its standard input does.

        keep_open  file descriptors that it inherits
        folder     to run in

        Raises `ToolMissing` if the program cannot be run, `StorageError` if there is no room for what it says.
        """
        self._said: IO[bytes] = _scratch()
        self._complained: IO[bytes] = _scratch()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=self._said,
                stderr=self._complained,
                pass_fds=tuple(keep_open),
                cwd=folder,
                start_new_session=True,  # Ctrl-C at the terminal is for us; we then stop the node in good order
            )
        except OSError as error:
            self._close_files()
            raise ToolMissing(
                f"The node {command[0]} cannot be run", got=str(error.strerror), next_step="Name another one"
            ) from error

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def wait_for_addresses(self, limit: float) -> None:
        """Return when the node has said where it listens. Raises `NodeFailed` as `wait_until`."""
        self.wait_until(lambda: any(_names_addresses(line) for line in _read(self._said).splitlines()), limit)

    def wait_until(self, ready: Callable[[], bool], limit: float) -> None:
        """Return when `ready` says so. Raises `NodeFailed` if the node ends, or after `limit` seconds."""
        until = time.monotonic() + limit
        while True:
            running = self.runs  # asked first: what a node said before it ended still counts
            if ready():
                return
            if not running:
                raise NodeFailed("The node ended before it answered", got=self._end(_tail(self._said)))
            if time.monotonic() > until:
                raise NodeFailed(
                    "The node did not answer in time",
                    expected=f"{limit:g} seconds",
                    got=_tail(self._complained) or _tail(self._said),
                )
            time.sleep(_POLL)

    def wait(self) -> NoReturn:
        """Wait until the node ends by itself. Raises `NodeFailed`."""
        self._process.wait()
        raise NodeFailed("The node ended by itself", got=self._end())

    def stop(self) -> None:
        """End the node in good order, or by force when it takes too long. A second call does nothing."""
        if self.runs:
            assert self._process.stdin is not None
            with suppress(OSError):
                self._process.stdin.close()
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_LIMIT)
        self.kill()

    def kill(self) -> None:
        """End the node at once, as a power cut would (SIGKILL). A second call does nothing."""
        if self.runs:
            self._signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        self._close_files()

    def _end(self, otherwise: str = "") -> str:
        """How the process ended, and the last that it complained of, or what is to be told otherwise."""
        said = _tail(self._complained) or otherwise
        return f"exit code {self._process.returncode}" + (f": {said}" if said else "")

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _close_files(self) -> None:
        self._said.close()
        self._complained.close()


def _scratch() -> IO[bytes]:
    # A file in place of a pipe: a node that talks a lot never waits for us to listen.
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise StorageError("There is no room for a temporary file", got=str(error.strerror)) from error


def _read(file: IO[bytes]) -> bytes:
    return os.pread(file.fileno(), 1 << 20, 0)


def _tail(file: IO[bytes]) -> str:
    if file.closed:
        return ""
    end = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), _TAIL, max(0, end - _TAIL)).decode(errors="replace").strip()


def _names_addresses(line: bytes) -> bool:
    """Whether a line is JSON with both addresses, which a node prints when it answers there."""
    try:
        facts = json.loads(line)
    except ValueError:
        return False
    return isinstance(facts, dict) and {"rpc", "ws"} <= set(facts)
