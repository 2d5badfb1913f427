"""The folder a chain is kept in: one node at a time, one genesis hash for good."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import base58
from solders.hash import Hash
from solders.keypair import Keypair

from worktab.chain.durable import sync_folder
from worktab.chain.wallet import load_keypair, save_new_keypair
from worktab.core.errors import InputError, StorageError
from worktab.localnet.errors import LedgerInUse

WALLET_FILE: Final = "wallet.json"
"""The folder's own wallet."""

_LOCK, _GENESIS, _NODE, _SET_UP = "lock", "genesis", "node", "set-up"
_WAIT = 3.0  # seconds that a node which was told to stop may take
_POLL = 0.05


class Ledger:
    """A ledger folder, held until `close`.

    The node inherits the lock, so that the folder is held as long as either lives.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing, and hold it. Raises `LedgerInUse`, `StorageError`."""
        self.folder = folder.expanduser().resolve()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                f"The ledger folder {self.folder} cannot be used", got=str(error.strerror), next_step="Name another one"
            ) from error
        try:
            self._hold()
        except BaseException:
            os.close(self.lock)
            raise

    def genesis_hash(self) -> bytes:
        """The chain's genesis hash, 32 bytes: random, chosen once. Raises `StorageError`, `InputError`."""
        text = self._kept(_GENESIS, base58.b58encode(new_genesis_hash()).decode())
        try:
            genesis = base58.b58decode(text)
        except ValueError:
            genesis = b""
        if len(genesis) != Hash.LENGTH:
            raise InputError(
                f"The file {self.folder / _GENESIS} holds no genesis hash",
                expected="32 bytes in base58",
                got=repr(text[:60]),
            )
        return genesis

    def wallet(self) -> Keypair:
        """The folder's own wallet, made once. Raises `StorageError`, `KeyFormatError`."""
        file = self.folder / WALLET_FILE
        return load_keypair(file) if file.exists() else save_new_keypair(file)

    def keep_to(self, node: str) -> None:
        """Keep the folder to one kind of node: they do not read each other's files. Raises `InputError`."""
        known = self._kept(_NODE, node)
        if known != node:
            raise InputError(
                f"The chain in {self.folder} was made by another kind of node",
                expected=known,
                got=node,
                next_step=f"Take --node {known} (in Python: node={known!r}), or name another folder",
            )

    @property
    def is_set_up(self) -> bool:
        """Whether the chain got everything that a new one gets."""
        return (self.folder / _SET_UP).exists()

    def mark_set_up(self) -> None:
        """Remember that the chain got everything that a new one gets. Raises `StorageError`."""
        try:
            (self.folder / _SET_UP).touch()
        except OSError as error:
            raise StorageError(f"The folder {self.folder} cannot be used", got=str(error.strerror)) from error

    @property
    def held(self) -> bool:
        """Whether the folder is held."""
        return self.lock >= 0

    def close(self) -> None:
        """Let go of the folder. A second call does nothing."""
        if self.held:
            os.close(self.lock)
            self.lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _kept(self, name: str, first: str) -> str:
        """The line in a file, which is `first` from the first time on."""
        file = self.folder / name
        try:
            if not file.exists():
                draft = file.with_suffix(".new")
                draft.write_text(first + "\n")
                draft.replace(file)
                sync_folder(self.folder)
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"The file {file} cannot be used", got=str(error)) from error

    def _hold(self) -> None:
        until = time.monotonic() + _WAIT
        while True:
            try:
                return fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise LedgerInUse(
                        f"Another node runs on the ledger {self.folder}",
                        next_step="Stop that node, or name another folder",
                    ) from None
                time.sleep(_POLL)


def new_genesis_hash() -> bytes:
    """32 random bytes, so that no signature for one chain is good for another."""
    return secrets.token_bytes(Hash.LENGTH)
