"""Building Worktab's own node, once for each version of its sources, into the user's cache.

${XDG_CACHE_HOME:-~/.cache}/worktab/
├── localnet-<16 hex digits>/worktab-localnet    finished; the digits stand for sources, lock file and toolchain
├── localnet-target/                             what the compiler keeps, so that an interrupted build goes on
├── localnet-source/                             a copy of the sources: nothing is written beside the originals
└── localnet-build.lock                          held while one process builds
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from worktab.chain.durable import sync_folder
from worktab.core.errors import StorageError
from worktab.localnet.compiling import compile_node
from worktab.localnet.options import Report
from worktab.localnet.tools import TOOLCHAIN, prepare_tools

NAME: Final = "worktab-localnet"
_SOURCES = Path(__file__).with_name("node")


def built_node() -> Path | None:
    """The node that was built from these sources, None if it was not built yet."""
    node = _place()
    return node if node.is_file() else None


def build(report: Report) -> Path:
    """The node, built if it was not yet: about 15 minutes the first time, seconds after a change of its own sources.

    Two processes build it once. An interrupted build leaves nothing half done and goes on from there. Raises
    `ToolMissing` with what to install, `BuildFailed`, `StorageError`.
    """
    if (ready := built_node()) is not None:
        return ready
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with _alone(report):
            if (ready := built_node()) is not None:
                return ready
            prepare_tools(report)
            compiled = compile_node(_copy_sources(), cache_folder() / "localnet-target", report)
            return _put_in_place(compiled)
    except OSError as error:
        raise StorageError(
            f"The node cannot be built in {cache_folder()}",
            got=str(error.strerror or error),
            next_step="Make room, or name another folder with XDG_CACHE_HOME",
        ) from error


def cache_folder() -> Path:
    """Where this user's caches for Worktab are. As the convention has it, a relative XDG_CACHE_HOME does not count."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "worktab"


def _place() -> Path:
    digest = hashlib.sha256(TOOLCHAIN.encode())
    for name, content in sorted(_sources().items()):
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "little") + part)
    return cache_folder() / f"localnet-{digest.hexdigest()[:16]}" / NAME


def _sources() -> dict[str, bytes]:
    """The crate's files by their path in it."""
    files = [_SOURCES / "Cargo.toml", _SOURCES / "Cargo.lock", *(_SOURCES / "src").rglob("*.rs")]
    return {file.relative_to(_SOURCES).as_posix(): file.read_bytes() for file in files}


def _copy_sources() -> Path:
    """The crate in a place that can be written to and is the same for every checkout.

    Files that have not changed keep their times, by which the compiler tells what to build again.
    """
    target, sources = cache_folder() / "localnet-source", _sources()
    for old in list(target.rglob("*")):
        if old.is_file() and old.relative_to(target).as_posix() not in sources:
            old.unlink()
    for name, content in sources.items():
        file = target / name
        if not file.is_file() or file.read_bytes() != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    return target


def _put_in_place(compiled: Path) -> Path:
    """Copies the finished node to where it is looked for: whole or not at all."""
    node = _place()
    node.parent.mkdir(parents=True, exist_ok=True)
    draft = node.with_suffix(".new")
    shutil.copy(compiled, draft)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(node)
    sync_folder(node.parent)
    return node


@contextmanager
def _alone(report: Report) -> Iterator[None]:
    """While no other process builds."""
    with (cache_folder() / "localnet-build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Waiting for another process, which builds the node")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
