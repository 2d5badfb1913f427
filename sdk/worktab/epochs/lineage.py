"""A folder of epochs, each built on an earlier one of them, down to the network's final root."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from worktab.core.errors import StateError, StorageError, WorktabError
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochExists
from worktab.epochs.manifest import Manifest, canonical
from worktab.epochs.terms import EpochTerms
from worktab.program.generated.accounts import Network

MANIFEST: Final = "manifest.json"


class PreviousUnknown(StateError):
    """The data that an epoch is built on are not here, or do not lead to the network's final root."""

    code = "previous_unknown"
    default_next_step = "Fetch them from an attestor who approved the root; --data names where `worktab attest` looks"


def base(folder: Path, epoch: int, network: Network, terms: EpochTerms) -> EpochData | None:
    """What the next root of an epoch is built on: the newest earlier one that leads to the final root, each by the hash
    of the manifest it follows, and each that is not final by the network's present terms. None before the first.

    Raises:
        PreviousUnknown: the final root's data are not here.
        EpochDamaged: a file is not what its manifest says.
        StorageError: the disk is failing.
    """
    known = manifests(folder)
    for index in sorted((index for index in known if index < epoch), reverse=True):
        if leads(known[index], known, network, terms):
            return EpochData.read(folder, index)
    if network.root_count:
        raise PreviousUnknown(
            f"The data of the final root, of epoch {network.root_epoch}, are not in {folder}",
            expected=f"data of hash {network.root_data.hex()}",
        )
    return None


def manifests(folder: Path) -> dict[int, Manifest]:
    """The manifests of all epochs here; one that is damaged is as good as not there. Raises `StorageError`."""
    found = {}
    try:
        for path in folder.glob(f"*/{MANIFEST}"):
            if not path.parent.name.isdecimal():
                continue
            try:
                manifest = Manifest.decode(path.read_bytes())
            except WorktabError:
                continue
            if str(manifest.epoch) == path.parent.name:
                found[manifest.epoch] = manifest
    except OSError as error:
        raise StorageError(f"{folder} cannot be read", got=str(error)) from error
    return found


def leads(manifest: Manifest, known: Mapping[int, Manifest], network: Network, terms: EpochTerms) -> bool:
    """Whether data were built on the final root's by these terms, or are those."""
    by_hash = {each.hash(): each for each in known.values()}
    present = canonical(terms.to_json())
    at: Manifest | None = manifest
    while at is not None:
        if network.root_count and at.epoch <= network.root_epoch:
            return (at.epoch, at.hash()) == (network.root_epoch, network.root_data)
        if canonical(at.terms) != present:
            return False
        if at.previous is None:
            return not network.root_count
        at = by_hash.get(at.previous)
    return False


def put(folder: Path, data: EpochData, network: Network) -> Path:
    """Publish an epoch, in place of another version of it that is not final.

    Raises:
        EpochExists: a final root covers the epoch, and other data of it are here.
        StorageError: the folder can't be written.
    """
    manifest = data.manifest
    final = (manifest.epoch, manifest.hash()) == (network.root_epoch, network.root_data)
    covered = network.root_count > 0 and manifest.epoch <= network.root_epoch
    if not covered or final:
        return data.write(folder, replace=True)
    try:
        return data.write(folder)
    except EpochExists as error:
        raise EpochExists(
            f"Epoch {data.epoch} is in {folder} with other data, and epoch {network.root_epoch} is final",
            next_step="What a final root was built on stays as it is: use another folder",
        ) from error
