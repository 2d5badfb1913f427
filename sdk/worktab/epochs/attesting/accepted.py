"""The epochs that an attestor stands by, in the folder that it publishes them from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from worktab.core.errors import StateError, StorageError, WorktabError
from worktab.epochs.attesting.sources import MANIFEST
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochExists
from worktab.epochs.manifest import Manifest
from worktab.program.generated.accounts import Network


class PreviousUnknown(StateError):
    """The data that an epoch is built on are not here, or do not lead to the network's final root."""

    code = "previous_unknown"
    default_next_step = "Pass where they are published as --data; they are checked against the final root"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A folder of published epochs, each built on an earlier one of them, down to the network's final root."""

    folder: Path

    def base(self, epoch: int, network: Network) -> EpochData | None:
        """What the next root of an epoch is built on: the newest earlier one; None before the first.

        Raises:
            PreviousUnknown: the final root's data are not here.
            StorageError: the disk is failing.
        """
        known = self._manifests()
        for index in sorted((index for index in known if index < epoch), reverse=True):
            if _leads(known[index], known, network):
                return EpochData.read(self.folder, index)
        if network.root_count:
            raise PreviousUnknown(f"The data of the final root, of epoch {network.root_epoch}, are not here")
        return None

    def find(self, epoch: int, manifest: bytes | None, network: Network) -> EpochData | None:
        """What a publisher built an epoch on, by the hash of its manifest; None for nothing at all.

        Raises:
            PreviousUnknown: it is not here, or does not lead to the final root.
            StorageError: the disk is failing.
        """
        known = self._manifests()
        if manifest is None and not network.root_count:
            return None
        for index, each in known.items():
            if index < epoch and each.hash() == manifest and _leads(each, known, network):
                return EpochData.read(self.folder, index)
        named = "nothing" if manifest is None else f"data of hash {manifest.hex()}"
        raise PreviousUnknown(f"Epoch {epoch} is built on {named}", expected="data that lead to the final root")

    def holding(self, epoch: int, manifest: bytes) -> EpochData | None:
        """An epoch whose manifest has this hash; None where it is not here. Raises `StorageError`."""
        held = self._manifests().get(epoch)
        return EpochData.read(self.folder, epoch) if held is not None and held.hash() == manifest else None

    def put(self, data: EpochData) -> Path:
        """Publish an epoch, in place of another version of it. Raises `StorageError`."""
        try:
            return data.write(self.folder)
        except EpochExists:
            shutil.rmtree(self.folder / str(data.epoch), ignore_errors=True)
            return data.write(self.folder)

    def drop(self, epoch: int, manifest: bytes) -> None:
        """Stand by an epoch of this hash no more; another version of it stays. Raises `StorageError`."""
        held = self._manifests().get(epoch)
        if held is not None and held.hash() == manifest:
            shutil.rmtree(self.folder / str(epoch), ignore_errors=True)

    def _manifests(self) -> dict[int, Manifest]:
        found = {}
        try:
            for path in self.folder.glob(f"*/{MANIFEST}"):
                if not path.parent.name.isdecimal():
                    continue
                try:
                    manifest = Manifest.decode(path.read_bytes())
                except WorktabError:
                    continue  # damaged: as good as not there
                if str(manifest.epoch) == path.parent.name:
                    found[manifest.epoch] = manifest
        except OSError as error:
            raise StorageError(f"{self.folder} cannot be read", got=str(error)) from error
        return found


def _leads(manifest: Manifest, known: dict[int, Manifest], network: Network) -> bool:
    """Whether data were built on the final root's, or are those."""
    by_hash = {each.hash(): each for each in known.values()}
    at: Manifest | None = manifest
    while at is not None:
        if network.root_count and at.epoch <= network.root_epoch:
            return (at.epoch, at.root) == (network.root_epoch, network.root)
        if at.previous is None:
            return not network.root_count
        at = by_hash.get(at.previous)
    return False
