"""Records and their data in one file, so that somebody else can verify them.

A bundle is a ZIP archive without compression:

    manifest.json       format, device, the state that the records follow, and how many there are
    entries.jsonl       one record a line: seq, units_total, head, record_hash, record, salt
    blobs/<sha256>      modules, inputs and outputs, as far as the device still has them

Bytes are written in hex. The same records and blobs give the same bytes, whoever exports them. Salts are inside: who
holds a bundle can check guesses at the inputs, and mostly has the inputs themselves.

What is opened may come from anyone. Nothing is unpacked to disk, nothing is decompressed, every size has a limit, and
what does not have this exact form is refused with EncodingError.
"""

from __future__ import annotations

import json
import os
import re
import struct
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from worktab.core._checks import Bytes32, bytes32
from worktab.core.errors import EncodingError, InputError, StorageError
from worktab.core.records import RECORD_SIZE, JobRecord
from worktab.work.blobs import BlobSource, checked_blob
from worktab.work.history import START, ChainState, Entry
from worktab.work.strict_json import as_bytes, as_object, as_uint, parse_object
from worktab.work.zip_directory import require_few_files

FORMAT: Final = 1
MAX_BUNDLE: Final = 4 << 30
"""Largest bundle in bytes."""

MAX_BLOB: Final = 256 << 20
"""Largest blob in a bundle in bytes."""

MAX_FILES: Final = 200_000
"""Most files in a bundle."""

MAX_ENTRIES: Final = 1_000_000
"""Most records in a bundle."""

_MAX_MANIFEST: Final = 4096
_MAX_LINE: Final = 2048
_MAX_LISTED: Final = 46 + 70 + 28  # a header, the name of a blob and its size and place in 64 bits
_MANIFEST: Final = "manifest.json"
_ENTRIES: Final = "entries.jsonl"
_BLOB_NAME: Final = re.compile(r"blobs/[0-9a-f]{64}")
# What the zipfile module raises on archives that are not what they say.
_ZIP_TROUBLE: Final = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error)


def export_bundle(
    path: str | Path, entries: Iterable[Entry], blobs: BlobSource, *, device: Bytes32, base: ChainState = START
) -> int:
    """Writes the records after `base`, in order, and the blobs they name to a new file at `path`.

    Blobs that are not held are left out; the verifier says so for each record. Returns the number of records. The
    file appears under its name only once it is whole.

    Args:
        path: the file; an existing one is replaced.
        entries: the records, in order.
        blobs: where their data is.
        device: 32-byte address of the Device account.
        base: the state that the first record follows.

    Raises:
        InputError: what `open_bundle` would refuse: too many records, files or bytes.
        StorageError: the file cannot be written.
        VerificationError: a blob is damaged.
    """
    address = bytes32(device, "device")
    target = Path(path)
    try:
        descriptor, partial = tempfile.mkstemp(dir=target.parent, prefix=".worktab-bundle-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                count = _write(file, entries, blobs, address, base)
            os.replace(partial, target)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(f"the bundle {target} could not be written", got=str(error)) from error
    return count


def _write(file: IO[bytes], entries: Iterable[Entry], blobs: BlobSource, device: bytes, base: ChainState) -> int:
    names: set[bytes] = set()
    count = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(_member(_ENTRIES), "w") as lines:
            for entry in entries:
                _require_room(count + 1, MAX_ENTRIES, "records")
                lines.write(_encode(_entry_fields(entry)))
                names.update((entry.record.module, entry.record.input, entry.record.output))
                count += 1
        manifest = {
            "format": FORMAT,
            "device": device.hex(),
            "base": {"seq": base.seq, "units": base.units, "head": base.head.hex()},
            "entries": count,
        }
        archive.writestr(_member(_MANIFEST), _encode(manifest))
        for name in sorted(names):
            data = blobs.get(name)
            if data is not None:
                _require_room(len(data), MAX_BLOB, "bytes in one blob")
                archive.writestr(_member(f"blobs/{name.hex()}"), data)
        _require_room(len(archive.filelist), MAX_FILES, "files")
    _require_room(file.tell(), MAX_BUNDLE, "bytes")
    return count


def _require_room(needed: int, most: int, what: str) -> None:
    if needed > most:
        advice = "Export fewer records at a time"
        raise InputError(f"these are too many {what} for one bundle", expected=f"at most {most}", next_step=advice)


def _member(name: str) -> zipfile.ZipInfo:
    # The default date and system would make the same records into other bytes elsewhere.
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system = 3
    member.external_attr = 0o644 << 16
    return member


def _encode(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _entry_fields(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "units_total": entry.units_total,
        "head": entry.head.hex(),
        "record_hash": entry.record_hash.hex(),
        "record": entry.record.encode().hex(),
        "salt": entry.salt.hex(),
    }


class Bundle:
    """An open bundle: a source of entries and of blobs. Close it, or use it as a context manager.

    Attributes:
        device: 32-byte address of the Device account, as the bundle states it.
        base: the state that the first record follows, as the bundle states it.
        count: how many records it states to hold.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Reads the manifest; use `open_bundle`."""
        self._archive = archive
        with _refused(_MANIFEST):
            manifest = parse_object(archive.read(_MANIFEST), ("format", "device", "base", "entries"))
            if as_uint(manifest["format"]) != FORMAT:
                raise EncodingError(
                    "the bundle has another format",
                    expected=str(FORMAT),
                    got=str(manifest["format"]),
                    next_step="Use the version of Worktab that wrote it",
                )
            base = as_object(manifest["base"], ("seq", "units", "head"))
            self.device = as_bytes(manifest["device"], 32)
            self.base = ChainState(as_uint(base["seq"]), as_uint(base["units"]), as_bytes(base["head"], 32))
            self.count = as_uint(manifest["entries"])
            if self.count > MAX_ENTRIES:
                raise EncodingError("the bundle is too large", expected=f"{MAX_ENTRIES} records", got=str(self.count))

    def entries(self) -> Iterator[Entry]:
        """The records, in the order they are written.

        Raises:
            EncodingError: a line does not have the form, or there are more or fewer than the manifest states.
            StorageError: the file cannot be read.
        """
        number = 0
        with _refused(_ENTRIES), self._archive.open(_ENTRIES) as lines:
            while line := lines.readline(_MAX_LINE):
                number += 1
                if number > self.count:
                    break
                yield _entry(line)
        if number != self.count:
            raise EncodingError("the bundle is not whole", expected=f"{self.count} records", got=f"{number} or more")

    def get(self, digest: Bytes32) -> bytes | None:
        """The bytes whose SHA-256 is `digest`, or None where the bundle does not hold them.

        Raises:
            VerificationError: what it holds under that name is something else.
            EncodingError: it is not where the bundle's directory says.
            StorageError: the file cannot be read.
        """
        wanted = bytes32(digest, "digest")
        name = f"blobs/{wanted.hex()}"
        if name not in self._archive.NameToInfo:
            return None
        with _refused(name):
            data = self._archive.read(name)
        return checked_blob(wanted, data)

    def close(self) -> None:
        """Closes the file."""
        self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_bundle(path: str | Path) -> Bundle:
    """Opens a bundle, from anyone; see the module's text.

    Raises:
        EncodingError: it does not have the form of a bundle.
        StorageError: the file cannot be read.
    """
    source = Path(path)
    try:
        size = source.stat().st_size
        if size > MAX_BUNDLE:
            raise EncodingError("the bundle is too large", expected=f"at most {MAX_BUNDLE} bytes", got=f"{size} bytes")
        with _refused(str(source)):
            require_few_files(source, MAX_FILES, _MAX_LISTED)
            archive = zipfile.ZipFile(source)
    except OSError as error:
        raise StorageError(f"the bundle {source} cannot be read", got=str(error)) from error
    try:
        _check_members(archive.infolist(), size)
        return Bundle(archive)
    except BaseException:
        archive.close()
        raise


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = {member.filename for member in members}
    if len(names) != len(members) or not {_MANIFEST, _ENTRIES} <= names:
        raise EncodingError("the archive is not a bundle", expected=f"{_MANIFEST}, {_ENTRIES} and blobs, each once")
    for member in members:
        name = member.filename
        largest = {_MANIFEST: _MAX_MANIFEST, _ENTRIES: MAX_BUNDLE}.get(name, MAX_BLOB)
        if name not in (_MANIFEST, _ENTRIES) and not _BLOB_NAME.fullmatch(name):
            raise EncodingError("the archive holds a foreign file", expected="blobs/<sha256>", got=repr(name[:100]))
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise EncodingError(f"{name} is compressed", expected="a bundle without compression")
        if member.flag_bits & 1:
            raise EncodingError(f"{name} is encrypted")
        if member.file_size > largest:
            raise EncodingError(f"{name} is too large", expected=f"at most {largest} bytes")
        if not 0 <= member.header_offset < size:
            raise EncodingError(f"{name} lies outside the archive")
    # Files that share bytes could add up to far more than the archive's own size.
    if sum(member.file_size for member in members) > size:
        raise EncodingError("the archive's files overlap")


def _entry(line: bytes) -> Entry:
    fields = parse_object(line, ("seq", "units_total", "head", "record_hash", "record", "salt"))
    state = ChainState(as_uint(fields["seq"]), as_uint(fields["units_total"]), as_bytes(fields["head"], 32))
    return Entry(
        state.seq,
        state.units,
        state.head,
        as_bytes(fields["record_hash"], 32),
        JobRecord.decode(as_bytes(fields["record"], RECORD_SIZE)),
        as_bytes(fields["salt"], 32),
    )


@contextmanager
def _refused(name: str) -> Iterator[None]:
    """Turns every complaint about a bundle's form into EncodingError, and trouble with the disk into StorageError."""
    try:
        yield
    except EncodingError:
        raise
    except (InputError, *_ZIP_TROUBLE) as error:
        raise EncodingError(
            f"{name} does not have the form of a bundle", got=str(error), next_step="Ask for the bundle again"
        ) from error
    except OSError as error:
        raise StorageError(f"{name} cannot be read", got=str(error)) from error
