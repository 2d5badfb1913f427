"""What `worktab epoch` tells of an epoch's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from worktab.cli.output import Amount, Name, Rows
from worktab.core.errors import VerificationError
from worktab.core.money import WHOLE_BPS
from worktab.epochs.data import EpochData
from worktab.epochs.errors import EpochNotFound
from worktab.epochs.publishing import newest
from worktab.epochs.sums import total
from worktab.epochs.terms import EpochTerms
from worktab.program.generated.accounts import Network
from worktab.roles.errors import WrongCluster


def held(folder: Path, epoch: int | None) -> EpochData:
    """The data of an epoch, the newest by default. Raises `EpochNotFound`, `EpochDamaged`, `StorageError`."""
    found = newest(folder) if epoch is None else EpochData.read(folder, epoch)
    if found is None:
        raise EpochNotFound(f"There are no epochs in {folder}")
    return found


def built_facts(data: EpochData, decimals: int, folder: Path, *, new: bool) -> dict[str, Any]:
    """What a build made, or found."""
    return {"built": new, **shown_facts(data, folder, decimals), "left_out": dict(sorted(data.left_out.items()))}


def shown_facts(data: EpochData, folder: Path, decimals: int) -> dict[str, Any]:
    """The data's own facts, and what they add to the data before; None where those are not here.

    Units are those that devices report, above what other paths paid: nothing here says that anybody bought them.
    """
    manifest, terms = data.manifest, EpochTerms.from_json(data.manifest.terms)
    before = _before(data, folder)
    classes = _classes(data, terms, before, decimals)
    return {
        "network": manifest.network,
        "epoch": Name(manifest.epoch),
        "first_epoch": Name(manifest.first_epoch),
        "payees": manifest.count,
        "devices": int((data.devices["active"] == 1).sum()),
        "devices_counted": int((data.devices["last_epoch"] == manifest.epoch).sum()),
        "receipts": len(data.receipts),
        "registrations": len(data.registrations),
        "units": manifest.units,
        "total": Amount(manifest.total, decimals),
        "reward": None if before is None else Amount(manifest.total - sum(each.reward for each in before), decimals),
        "budget": Amount(terms.budget() * manifest.epochs, decimals),
        "policy": str(manifest.policy.get("policy", "-")),
        "excluded": manifest.policy.get("exclude", []),
        "root": manifest.root.hex(),
        "data": manifest.hash().hex(),
        "folder": folder / str(manifest.epoch),
        "classes": Rows(classes, ("class", "devices", "units", "reward", "share", "budget_used", "utilisation")),
    }


def verified_facts(data: EpochData, account: Network | None) -> dict[str, Any]:
    """That the data are sound, and how they stand to the chain's newest final root.

    Raises `WrongCluster` where the data are of another cluster's network, `VerificationError` where the chain has
    another root for the epoch.
    """
    manifest = data.manifest
    facts: dict[str, Any] = {
        "epoch": Name(manifest.epoch),
        "sound": True,
        "root": manifest.root.hex(),
        "data": manifest.hash().hex(),
        "final": None,
    }
    if account is None:
        return facts
    if account.domain != manifest.domain:
        raise WrongCluster(
            "The data are of this network on another cluster",
            expected=account.domain.hex(),
            got=manifest.domain.hex(),
            next_step="Name the cluster of the data with --url, or check them with --offline",
        )
    if not account.root_count or account.root_epoch < manifest.epoch:
        return facts | {"final": False}
    if account.root_epoch == manifest.epoch and account.root != manifest.root:
        raise VerificationError(
            f"Epoch {manifest.epoch} became final with another root",
            expected=account.root.hex(),
            got=manifest.root.hex(),
            next_step="Take the data that were published by an attestor who approved that root",
        )
    return facts | {"final": account.root_epoch == manifest.epoch or None, "newest_final": Name(account.root_epoch)}


class _Sums(NamedTuple):
    """Lifetime sums of a class: work units and base units."""

    units: int
    reward: int


def _sums(data: EpochData) -> list[_Sums]:
    """Of each class in the order of their numbers."""
    devices = data.devices
    classes = (devices[devices["class"] == number] for number in range(len(data.manifest.terms["classes"])))
    return [_Sums(total(each["units"]), total(each["reward"])) for each in classes]


def _before(data: EpochData, folder: Path) -> list[_Sums] | None:
    """The sums of the data before these; None where they are not here."""
    if data.manifest.previous is None:
        return [_Sums(0, 0)] * len(data.manifest.terms["classes"])
    earlier = newest(folder, before=data.epoch)
    if earlier is None or earlier.manifest.hash() != data.manifest.previous:
        return None
    return _sums(earlier)


def _classes(data: EpochData, terms: EpochTerms, before: list[_Sums] | None, decimals: int) -> list[dict[str, Any]]:
    """What each class got: its share of all, and how far its budget and the capacity of its devices were used."""
    sums, epochs = _sums(data), data.manifest.epochs
    if before is None:
        return []
    added = [_Sums(new.units - old.units, new.reward - old.reward) for new, old in zip(sums, before, strict=True)]
    together, told = sum(each.reward for each in added), []
    for number, (class_, new) in enumerate(zip(terms.classes, added, strict=True)):
        if class_ is None:
            continue
        active = data.devices[(data.devices["class"] == number) & (data.devices["active"] == 1)]
        capacity = total(active["capacity"]) * epochs
        told.append(
            {
                "class": number,
                "devices": len(active),
                "units": new.units,
                "reward": Amount(new.reward, decimals),
                "share": _percent(new.reward, together),
                "budget_used": _percent(new.reward, class_.budget * epochs),
                "utilisation": _percent(new.units, capacity),
            }
        )
    return told


def _percent(part: int, whole: int) -> str:
    bps = part * WHOLE_BPS // whole if whole else 0
    return f"{bps // 100}.{bps % 100:02} %"
