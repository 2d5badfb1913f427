"""A folder of published epochs, and the next one built into it."""

from __future__ import annotations

from pathlib import Path

from worktab.epochs.building import Progress, build
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochDamaged, EpochExists
from worktab.epochs.lineage import base, put
from worktab.epochs.manifest import canonical
from worktab.epochs.policy import Policy
from worktab.epochs.runners import Runner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.store import ReceiptStore
from worktab.program.generated.accounts import Network


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

    An epoch that is there already, built by the same policy and terms on the same data, is read and checked instead, so
    that a build which was cut off is simply repeated. One that was built otherwise is replaced, unless a final root
    covers it.

    Raises:
        PreviousUnknown: the data of the final root are not in the folder.
        EpochDamaged: published data are damaged, or another network's.
        EpochExists: the epoch is there, built otherwise, and a final root covers it.
        Also what `build` and `EpochData.write` raise.
    """
    covered = network.root_count > 0 and epoch <= network.root_epoch
    there = epoch in published(directory)
    previous = None if covered and there else base(directory, epoch, network, terms)
    if there:
        held = EpochData.read(directory, epoch)
        held.check()
        if (held.manifest.network, held.manifest.domain) != (terms.network, terms.domain):
            raise EpochDamaged(
                f"Epoch {epoch} in {directory} is another network's, or of another cluster",
                expected=terms.named,
                got=f"{held.manifest.network} (domain {held.manifest.domain.hex()})",
            )
        if covered and epoch == network.root_epoch and held.manifest.hash() != network.root_data:
            raise EpochDamaged(
                f"Epoch {epoch} in {directory} is not the one that is final",
                expected=f"data of hash {network.root_data.hex()}",
                got=held.manifest.hash().hex(),
                next_step="Remove it, and fetch the data from an attestor who approved of the root",
            )
        on = None if previous is None else previous.manifest.hash()
        same = held.manifest.previous == on and canonical(held.manifest.terms) == canonical(terms.to_json())
        if held.manifest.policy == policy.to_json() and (covered or same):
            return held, False
        if covered:
            raise EpochExists(
                f"Epoch {epoch} in {directory} was built by another policy, and is final",
                expected=str(policy.to_json()),
                got=str(held.manifest.policy),
                next_step="What is final stays as it is",
            )
    data = build(previous, store.inputs(epoch), terms, policy, runner=runner, verify=verify, progress=progress)
    put(directory, data, network)
    return data, True
