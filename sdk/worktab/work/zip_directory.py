"""How many files a ZIP archive lists, found out before all of them are held in memory.

`zipfile` turns the whole directory into objects when it opens an archive, many bytes for each byte of a stranger's
file. The archives looked at here end as `zipfile` itself ends them, without a comment, so that every reader finds the
same directory.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from worktab.core.errors import EncodingError

_END: Final = struct.Struct("<4s8sLL2s")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_END_64: Final = struct.Struct("<4s36sQQ")
_HEADER: Final = 46
"""Size of an entry without its name, extra field and comment in bytes."""

_LENGTHS: Final = struct.Struct("<HHH")
_LENGTHS_AT: Final = 28
_TAILS: Final = _END_64.size + _LOCATOR_64.size + _END.size


def require_few_files(path: Path, most_files: int, longest_entry: int) -> None:
    """Checks that the archive lists at most `most_files` files, without reading more than those can take.

    Args:
        path: the archive.
        most_files: how many files it may list.
        longest_entry: what one of them may take in the directory on average, in bytes.

    Raises:
        EncodingError: it lists more, or does not end as an archive without a comment does.
        OSError: the file cannot be read.
        struct.error: an entry is cut short.
    """
    with path.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(max(length - _TAILS, 0))
        size, end = _directory(file.read(_TAILS), length)
        if size > most_files * longest_entry:
            raise _too_many(most_files, f"a directory of {size} bytes")
        if size > end:
            raise EncodingError("the archive is cut short", expected=f"a directory of {size} bytes")
        file.seek(end - size)
        directory = file.read(size)
    at = files = 0
    while at < size:
        at += _HEADER + sum(_LENGTHS.unpack_from(directory, at + _LENGTHS_AT))
        files += 1
        if files > most_files:
            raise _too_many(most_files, "more")


def _directory(tail: bytes, length: int) -> tuple[int, int]:
    """The directory's size and where it ends, from the last bytes of a file of `length` bytes."""
    end = tail[-_END.size :]
    if len(end) < _END.size or end[:4] != b"PK\x05\x06" or end[-2:] != bytes(2):
        raise EncodingError("the file does not end as an archive without a comment does")
    size = _END.unpack(end)[2]
    locator = tail[-_END.size - _LOCATOR_64.size : -_END.size]
    if locator[:4] != b"PK\x06\x07":
        return size, length - _END.size
    # A reader that looks where the locator points, and one that looks right before it, must find the same record.
    start = length - _TAILS
    if tail[:4] != b"PK\x06\x06" or _LOCATOR_64.unpack(locator)[2] != start:
        raise EncodingError("the archive's end is not where it says")
    return _END_64.unpack(tail[: _END_64.size])[2], start


def _too_many(most_files: int, got: str) -> EncodingError:
    return EncodingError("the archive lists too many files", expected=f"at most {most_files}", got=got)
