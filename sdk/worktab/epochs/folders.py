"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from worktab.chain.durable import sync_folder
from worktab.core.errors import StorageError
from worktab.epochs.errors import EpochDamaged, EpochExists, EpochNotFound
from worktab.ingest.rows import Rows


def publish(directory: Path, index: int, contents: Mapping[str, memoryview], *, replace: bool = False) -> Path:
    """Writes files as the folder `<directory>/<index>`, which appears only once all of them are on the disk.

    The same contents are left as they are. Others that are to be replaced go only once the new ones are on the disk;
    cut off in between, the folder is not there at all.

    Raises:
        EpochExists: the folder is there with other contents, which are not to be replaced.
        StorageError: it can't be written.
    """
    folder = directory / str(index)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not folder.exists() or (replace and _differing(folder, contents)):
            partial = Path(tempfile.mkdtemp(prefix=f".{index}-", dir=directory))
            try:
                _write(partial, contents)
                if replace and folder.exists():
                    _move_away(folder)
                os.rename(partial, folder)
            except FileExistsError:
                pass  # somebody else was faster
            except OSError:
                if not folder.exists():
                    raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            sync_folder(directory)
        differing = _differing(folder, contents)
    except OSError as error:
        raise StorageError(f"epoch {index} could not be written to {directory}", got=str(error)) from error
    if differing:
        raise EpochExists(f"Epoch {index} is in {directory} with other data", got=f"another {differing[0]}")
    return folder


def read_file(path: Path, dtype: np.dtype[Any]) -> Rows:
    """A file of rows, mapped from the disk.

    Raises:
        EpochDamaged: it is no whole number of rows.
        EpochNotFound: it is missing.
        StorageError: it can't be read.
    """
    try:
        size = path.stat().st_size
        if size % dtype.itemsize:
            raise EpochDamaged(
                f"{path.name} is damaged", expected=f"rows of {dtype.itemsize} bytes", got=f"{size} bytes"
            )
        # There is nothing to map in an empty file.
        return np.memmap(path, dtype, "r") if size else np.zeros(0, dtype)
    except FileNotFoundError:
        raise EpochNotFound(f"{path.name} of an epoch is missing", expected=str(path)) from None
    except OSError as error:
        raise StorageError(f"{path} could not be read", got=str(error)) from error


def _write(folder: Path, contents: Mapping[str, memoryview]) -> None:
    for name, content in contents.items():
        with open(folder / name, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    folder.chmod(0o755)
    sync_folder(folder)


def _move_away(folder: Path) -> None:
    """Takes a folder out of sight at once, and then away."""
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    os.rename(folder, aside / folder.name)
    shutil.rmtree(aside, ignore_errors=True)


def _differing(folder: Path, contents: Mapping[str, memoryview]) -> list[str]:
    """The files that have other bytes than these."""
    return [name for name, content in contents.items() if not _holds(folder / name, content)]


def _holds(path: Path, content: memoryview) -> bool:
    """Whether a file has exactly these bytes."""
    if not path.exists() or path.stat().st_size != len(content):
        return False
    with open(path, "rb") as file:
        at = 0
        while piece := file.read(1 << 20):
            if piece != content[at : at + len(piece)]:
                return False
            at += len(piece)
    return True
