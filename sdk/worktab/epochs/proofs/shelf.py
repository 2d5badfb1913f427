"""The epoch that a server serves: the newest final one whose data are here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from worktab.core.errors import EncodingError, StorageError, WorktabError
from worktab.epochs.manifest import Manifest
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.errors import EpochNotPublished, NoFinalRoot
from worktab.epochs.proofs.files import MANIFEST
from worktab.epochs.proofs.root import Root
from worktab.epochs.proofs.sources import read_book

_LOG: Final = logging.getLogger(__name__)


class Shelf:
    """A folder of published epochs, and the proofs of one of them.

    book     the proofs that are served; None before there are any
    missing  index of the newest final epoch where its data are not here, or not those of its root; else None
    """

    def __init__(self, folder: Path, final: Callable[[], Awaitable[Root]] | None) -> None:
        """Serves from `folder` what `final` says is the network's newest final root.

        Without it the newest epoch in the folder is served, be its root final or not.
        """
        self.folder: Final = folder
        self.checked: Final = final is not None
        self._final = final
        self.book: ProofBook | None = None
        self.missing: int | None = None
        self._manifests: dict[int, Manifest] = {}

    async def refresh(self) -> bool:
        """Load a newer epoch where there is one; whether there was.

        What is served stays served where the newer one cannot be: its proofs were good, and whoever uses them is told
        of which epoch they are.

        Raises `EpochNotPublished`, `ProofRefused`, what `EpochData.read` raises, and what `final` raises but for
        `NoFinalRoot`.
        """
        try:
            root = await self._final() if self._final else self.newest()
        except NoFinalRoot:
            return False
        if self.book is not None and self.book.root == root:
            self.missing = None
            return False
        try:
            book = await asyncio.to_thread(read_book, self.folder, root)
        except WorktabError:
            self.missing = root.epoch
            raise
        self.book, self.missing = book, None
        return True

    async def watch(self, every: float, failed: Callable[[Exception], None]) -> None:
        """Refresh every so many seconds, until cancelled. `failed` is told of every failure."""
        while True:
            await asyncio.sleep(every)
            try:
                if await self.refresh() and self.book is not None:
                    _LOG.info("Epoch %d is served from now on", self.book.root.epoch)
            except Exception as error:  # a server outlives whatever happens here
                known = isinstance(error, WorktabError)
                _LOG.warning("The newest final epoch cannot be served: %s", error, exc_info=not known)
                failed(error)

    def epochs(self) -> list[int]:
        """The epochs that have data here, oldest first."""
        try:
            found = [each.name for each in self.folder.iterdir() if (each / MANIFEST).is_file()]
        except OSError as error:
            raise StorageError(f"The folder {self.folder} cannot be read", got=str(error.strerror)) from error
        return sorted(int(name) for name in found if name.isascii() and name.isdecimal() and str(int(name)) == name)

    def manifest(self, epoch: int) -> Manifest:
        """The manifest of an epoch. Raises `EpochNotPublished`, `StorageError`."""
        if epoch not in self._manifests:
            file = self.folder / str(epoch) / MANIFEST
            try:
                self._manifests[epoch] = Manifest.decode(file.read_bytes())
            except FileNotFoundError:
                raise EpochNotPublished(f"There are no data of epoch {epoch} here") from None
            except (OSError, EncodingError) as error:
                raise StorageError(f"The manifest {file} cannot be read", got=str(error)) from error
        return self._manifests[epoch]

    def newest(self) -> Root:
        """The root of the newest epoch here, be it final or not. Raises `NoFinalRoot`, `StorageError`."""
        for epoch in reversed(self.epochs()):
            if self.manifest(epoch).count:
                return Root.published(self.manifest(epoch))
        raise NoFinalRoot(f"There is no epoch with payees in {self.folder}")
