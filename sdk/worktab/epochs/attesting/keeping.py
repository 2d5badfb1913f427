"""What an attestor keeps of accounts, by their addresses, in a file that is always whole."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from solders.pubkey import Pubkey

from worktab.chain.durable import sync_folder
from worktab.core.errors import EncodingError, StorageError

_Value = TypeVar("_Value")


class KeptByAddress(Generic[_Value]):
    """Values by address, in a JSON file. It is the attestor's alone to read: what it judges may not be public yet.

    path         of the file; made, with its folder, when there is something to keep
    encode       a value as JSON's own types
    decode       the value again; raises `EncodingError` or `ValueError` for what is none
    without_it   what happens where a damaged file is removed
    """

    def __init__(
        self,
        path: Path,
        encode: Callable[[_Value], object],
        decode: Callable[[object], _Value],
        *,
        without_it: str,
    ) -> None:
        """Reads the file, where there is one. Raises `StorageError`."""
        self._path, self._encode = path, encode
        self._values: dict[Pubkey, _Value] = {}
        try:
            data = json.loads(path.read_bytes())
            self._values = {Pubkey.from_string(name): decode(value) for name, value in data.items()}
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StorageError(f"{path} cannot be read", got=str(error)) from error
        except (ValueError, AttributeError, RecursionError, EncodingError) as error:
            next_step = f"Remove it: {without_it}"
            raise StorageError(f"{path} is damaged", got=str(error), next_step=next_step) from error

    def find(self, address: Pubkey) -> _Value | None:
        """What is kept of an account."""
        return self._values.get(address)

    def values(self) -> Iterable[tuple[Pubkey, _Value]]:
        """All that is kept."""
        return self._values.items()

    def put(self, address: Pubkey, value: _Value) -> None:
        """Keep it; on the disk when this returns. Raises `StorageError`."""
        if self._values.get(address) != value:
            self._write({**self._values, address: value})

    def keep(self, open_: Collection[Pubkey]) -> None:
        """Forget all but these accounts. Raises `StorageError`."""
        if not self._values.keys() <= set(open_):
            self._write({address: value for address, value in self._values.items() if address in open_})

    def _write(self, values: dict[Pubkey, _Value]) -> None:
        """Known from here on only once it is on the disk: what could not be kept is kept the next time."""
        text = json.dumps({str(address): self._encode(value) for address, value in values.items()}, indent=1)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, beside = tempfile.mkstemp(dir=self._path.parent, prefix=".attest-")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, self._path)
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise
            sync_folder(self._path.parent)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written", got=str(error)) from error
        self._values = values
