"""A real PostgreSQL for tests: made in a folder of its own, reached by a socket in it, and stopped."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

_INSTALLED: Final = Path("/usr/lib/postgresql")
_LIMIT: Final = 120.0
_NAMES: Final = itertools.count(1)


class PostgresServer:
    """One server; `stop` and `start` may be repeated."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder, folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            user = _other_user()
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
            os.chown(folder, user.pw_uid, user.pw_gid)
        command = [_program("initdb"), "--auth=trust", "--username=worktab", "--encoding=UTF8", "--locale=C"]
        subprocess.run(
            [*command, "--pgdata", str(self._data)],
            check=True,
            capture_output=True,
            cwd=folder,
            timeout=_LIMIT,
            **self._as,
        )

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Where a database is."""
        return f"postgresql://worktab@/{database}?host={self._folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [
                _program("postgres"),
                *("-D", str(self._data), "-k", str(self._folder)),
                *("-c", "listen_addresses=", "-c", "max_connections=50"),
                # The system outlives the server, however that ends.
                *("-c", "fsync=off"),
            ],
            stdout=log,
            stderr=log,
            cwd=self._folder,
            **self._as,
        )
        log.close()
        end = time.monotonic() + _LIMIT
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                said = (self._folder / "log").read_text(errors="replace")
                assert self._process.poll() is None, said
                assert time.monotonic() < end, said
                time.sleep(0.02)
            else:
                return

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: by SIGINT with all transactions rolled back, by SIGQUIT as in a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_LIMIT)
            self._process = None

    def new_database(self) -> str:
        """The address of a database that nothing is in."""
        name = f"test_{next(_NAMES)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that runs until the end of the block, and its folder."""
    # Below /tmp, for the path of a socket may be no longer than a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="worktab-pg-", dir="/tmp"))
    try:
        server = PostgresServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder)


def _program(name: str) -> str:
    newest = sorted(_INSTALLED.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which(name)
    assert found, "PostgreSQL is missing. On Debian or Ubuntu: sudo apt-get install postgresql"
    return found


def _other_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
