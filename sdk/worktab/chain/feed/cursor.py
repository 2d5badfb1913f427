"""A cursor on disk."""

from __future__ import annotations

import os
from pathlib import Path

from solders.signature import Signature

from worktab.chain.durable import sync_folder
from worktab.core.errors import StorageError

_MOST = 200  # bytes; a signature takes at most 88


class CursorFile:
    """A file that holds the signature of the newest transaction dealt with, and nothing else.

    Write it after a transaction was dealt with: a crash in between then repeats that one, and loses none. At any
    moment the file holds one whole signature, the last or the one before it, also after a power cut.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.expanduser(path))  # raises nothing over a user whom nobody knows, as Path's does

    def read(self) -> Signature | None:
        """The signature, None where there is no file. Raises `StorageError` if the file holds something else."""
        try:
            with self.path.open("rb") as file:
                text = file.read(_MOST).decode(errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"The cursor file {self.path} cannot be read", got=str(error.strerror)) from error
        try:
            return Signature.from_string(text)
        except ValueError:
            raise StorageError(
                f"The file {self.path} holds no cursor",
                expected="one signature in base58",
                got=repr(text[:20]),
                next_step="Name another file",
            ) from None

    def write(self, cursor: Signature) -> None:
        """Replace what the file holds, durably. Raises `StorageError`."""
        partial = self.path.with_name(self.path.name + ".partial")
        try:
            with partial.open("w") as file:
                file.write(f"{cursor}\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise StorageError(f"The cursor file {self.path} cannot be written", got=str(error.strerror)) from error
