"""The epochs that an attestor stands by, in the folder that it publishes them from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from worktab.epochs import lineage
from worktab.epochs.attesting.results import Result
from worktab.epochs.data import EpochData
from worktab.epochs.lineage import PreviousUnknown, leads, manifests
from worktab.epochs.terms import EpochTerms
from worktab.program.generated.accounts import Network


@dataclass(frozen=True, slots=True)
class Accepted:
    """A folder of published epochs, each built on an earlier one of them, down to the network's final root."""

    folder: Path

    def base(self, epoch: int, network: Network, terms: EpochTerms) -> EpochData | None:
        """What the next root of an epoch is built on: the newest earlier one; None before the first.

        Raises what `lineage.base` raises.
        """
        return lineage.base(self.folder, epoch, network, terms)

    def find(self, epoch: int, manifest: bytes | None, network: Network, terms: EpochTerms) -> EpochData | None:
        """What a publisher built an epoch on, by the hash of its manifest; None for nothing at all.

        Raises:
            PreviousUnknown: it is not here, or does not lead to the final root by these terms.
            StorageError: the disk is failing.
        """
        known = manifests(self.folder)
        if manifest is None and not network.root_count:
            return None
        for index, each in known.items():
            if index < epoch and each.hash() == manifest and leads(each, known, network, terms):
                return EpochData.read(self.folder, index)
        named = "nothing" if manifest is None else f"data of hash {manifest.hex()}"
        raise PreviousUnknown(f"Epoch {epoch} is built on {named}", expected="data that lead to the final root")

    def holding(self, epoch: int, manifest: bytes) -> EpochData | None:
        """An epoch whose manifest has this hash; None where it is not here. Raises `StorageError`."""
        held = manifests(self.folder).get(epoch)
        return EpochData.read(self.folder, epoch) if held is not None and held.hash() == manifest else None

    def put(self, data: EpochData, network: Network) -> Path:
        """Publish an epoch, in place of another version of it that is not final.

        Raises `EpochExists`, `StorageError`.
        """
        return lineage.put(self.folder, data, network)

    def drop(self, result: Result) -> None:
        """Stand by a result no more; others of its epoch stay. Raises `StorageError`."""
        held = manifests(self.folder).get(result.epoch)
        if held is not None and Result.of(held) == result:
            shutil.rmtree(self.folder / str(result.epoch), ignore_errors=True)
