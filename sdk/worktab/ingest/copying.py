"""Rows of a fixed size to and from PostgreSQL's binary COPY, all at once.

Where every column has a fixed size, so has every row: numpy reads and writes millions without a loop.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from worktab.core.errors import StorageError
from worktab.ingest.rows import Rows

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"


class Columns:
    """The columns of a COPY: their names and the bytes of each; 8 stands for a bigint, too."""

    def __init__(self, **sizes: int) -> None:
        self._sizes = sizes
        fields: list[tuple[Any, ...]] = [("columns", ">i2")]
        for name, size in sizes.items():
            fields += [(f"{name} size", ">i4"), (name, "u1", (size,))]
        self._dtype = np.dtype(fields)

    def encode(self, **values: Rows) -> bytes:
        """A whole COPY of columns: bytes in any shape, or big-endian numbers of 8 bytes."""
        parts = {
            name: np.ascontiguousarray(values[name]).view("u1").reshape(-1, size) for name, size in self._sizes.items()
        }
        rows = np.zeros(len(next(iter(parts.values()))), self._dtype)
        rows["columns"] = len(self._sizes)
        for name, size in self._sizes.items():
            rows[f"{name} size"], rows[name] = size, parts[name]
        return _HEADER + rows.tobytes() + _TRAILER

    def decode(self, copied: bytes) -> Rows:
        """The rows of a whole COPY, with a field for each column. Raises `StorageError` for anything else."""
        end = len(copied) - len(_TRAILER)
        if end < len(_HEADER) or (end - len(_HEADER)) % self._dtype.itemsize or copied[end:] != _TRAILER:
            raise StorageError("The database holds rows of another size", next_step="Look who else writes to it")
        return np.frombuffer(copied, self._dtype, (end - len(_HEADER)) // self._dtype.itemsize, len(_HEADER))
