"""A folder of published epochs, and the next one built into it."""

from __future__ import annotations

from pathlib import Path

from worktab.core.errors import StateError
from worktab.epochs.building import Progress, build
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochDamaged, EpochExists, EpochNotFound
from worktab.epochs.policy import Policy
from worktab.epochs.runners import Runner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.store import ReceiptStore
from worktab.program.generated.accounts import Network


class RootMismatch(StateError):
    """The published data are not those of the network's newest final root."""

    code = "root_mismatch"
    default_next_step = "Fetch the folder of that epoch from an attestor who approved the root"


def published(directory: Path) -> list[int]:
    """The epochs that have data here, oldest first; none where there is no such folder."""
    names = [each.parent.name for each in directory.glob("*/manifest.json")]
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal() and str(int(name)) == name)


def newest(directory: Path, before: int | None = None) -> EpochData | None:
    """The newest published epoch, or the newest one before another; None where there is none.

    Raises:
        EpochDamaged: a file is not what its manifest says.
        StorageError: it can't be read.
    """
    found = [index for index in published(directory) if before is None or index < before]
    return EpochData.read(directory, found[-1]) if found else None


def require_final(data: EpochData | None, directory: Path, network: Network) -> None:
    """Refuses data that do not go back to the network's newest final root.

    Args:
        data: what is to be built on; None for nothing.

    Raises:
        RootMismatch: they do not, or those of the root are not here.
        EpochDamaged: published data are damaged.
    """
    if not network.root_count:
        return
    index = network.root_epoch
    if data is None or data.epoch < index:
        raise RootMismatch(
            f"Epoch {index} has a final root, and its data are not in {directory}",
            got="nothing" if data is None else f"epoch {data.epoch}",
        )
    try:
        final = data if data.epoch == index else EpochData.read(directory, index)
    except EpochNotFound:
        raise RootMismatch(f"Epoch {index} has a final root, and its data are not in {directory}") from None
    if final.manifest.root != network.root:
        raise RootMismatch(
            f"The data of epoch {index} in {directory} are not those of its final root",
            expected=network.root.hex(),
            got=final.manifest.root.hex(),
        )


def build_next(
    directory: Path,
    epoch: int,
    store: ReceiptStore,
    network: Network,
    terms: EpochTerms,
    policy: Policy,
    *,
    runner: Runner | None = None,
    verify: bool = True,
    progress: Progress | None = None,
) -> tuple[EpochData, bool]:
    """The data of an epoch, published in the folder, and whether they were built now.

    An epoch that is there already is read and checked instead, so that a build which was cut off is simply repeated.

    Raises:
        RootMismatch: what is in the folder is not what the network made final.
        EpochDamaged: published data are damaged, or another network's.
        EpochExists: the epoch is there, built by another policy.
        Also what `build` and `EpochData.write` raise.
    """
    if epoch in published(directory):
        held = EpochData.read(directory, epoch)
        held.check()
        if (held.manifest.network, held.manifest.domain) != (terms.network, terms.domain):
            raise EpochDamaged(
                f"Epoch {epoch} in {directory} is another network's",
                expected=str(terms.network),
                got=str(held.manifest.network),
            )
        if held.manifest.policy != policy.to_json():
            raise EpochExists(
                f"Epoch {epoch} in {directory} was built by another policy",
                expected=str(policy.to_json()),
                got=str(held.manifest.policy),
            )
        return held, False
    previous = newest(directory, before=epoch)
    require_final(previous, directory, network)
    data = build(previous, store.inputs(epoch), terms, policy, runner=runner, verify=verify, progress=progress)
    data.write(directory)
    return data, True
