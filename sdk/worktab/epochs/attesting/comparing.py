"""How published data differ from what an attestor builds itself, and which of it is a reason to refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from worktab.core.commitments import EpochCommitment
from worktab.epochs.attesting.merging import named
from worktab.epochs.attesting.population import NONE, Population, newest
from worktab.epochs.attesting.verdicts import Objection, Reason
from worktab.epochs.data import EpochData
from worktab.epochs.terms import EpochTerms
from worktab.ingest.rows import Rows
from worktab.program.generated.accounts import Network
from worktab.roles.commitments import next_root_epoch

_REGISTERED: Final = ("key", "key_kind", "class", "enrolled", "capacity")


def against_chain(commitment: EpochCommitment, network: Network) -> list[Objection]:
    """What the chain would refuse when the commitment is to become final: more than pool or budgets hold."""
    found = []
    increase = commitment.total - network.root_total
    if increase > network.pool_free:
        detail = f"it promises {increase} base units more than the final root; the pool holds {network.pool_free}"
        found.append(Objection(Reason.TOTAL_BEYOND_POOL, detail))
    epochs = commitment.epoch + 1 - next_root_epoch(network)
    allowed = sum(each.budget for each in network.classes if each.meter) * epochs
    if increase > allowed:
        detail = (
            f"it promises {increase} base units more than the final root; {epochs} epochs have budgets of {allowed}"
        )
        found.append(Objection(Reason.TOTAL_BEYOND_BUDGET, detail))
    return found


def against_manifest(
    commitment: EpochCommitment, data: EpochData, terms: EpochTerms, policy: Mapping[str, object]
) -> list[Objection]:
    """Where the numbers committed to are not those of the data, or these were made by other rules."""
    made, found = data.commitment(), []
    for name in ("epoch", "root", "count", "total", "units"):
        committed, published = getattr(commitment, name), getattr(made, name)
        if committed != published:
            detail = f"its {name} is {_told(committed)}, that of the published data {_told(published)}"
            found.append(Objection(Reason.COMMITMENT_DIFFERS, detail))
    if data.manifest.policy != policy:
        detail = f"rewards are given by {data.manifest.policy}, and not by {policy}"
        found.append(Objection(Reason.UNKNOWN_POLICY, detail))
    if data.manifest.terms != terms.to_json():
        ours, theirs = terms.to_json(), data.manifest.terms
        names = ", ".join(sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)))
        found.append(Objection(Reason.OTHER_TERMS, f"these terms are not the network's: {names}"))
    return found


def against_rebuilt(data: EpochData, rebuilt: EpochData) -> list[Objection]:
    """Where the published inputs give something else than what was published."""
    if rebuilt.manifest == data.manifest:
        return []
    detail = f"the published inputs give root {rebuilt.manifest.root.hex()}, not {data.manifest.root.hex()}"
    same = min(len(rebuilt.payees), len(data.payees))
    differ = np.flatnonzero(
        (rebuilt.payees["reward"][:same] != data.payees["reward"][:same])
        | (rebuilt.payees["payout"][:same] != data.payees["payout"][:same]).any(axis=1)
    )
    if len(differ):
        at = int(differ[0])
        detail += (
            f"; {len(differ):,} payees differ: the one at position {at} has {data.payees['reward'][at]} base units in "
            f"place of {rebuilt.payees['reward'][at]}"
        )
    dropped = {reason: count for reason, count in rebuilt.left_out.items() if count}
    if dropped:
        detail += "; not counted: " + ", ".join(f"{count} for {reason}" for reason, count in sorted(dropped.items()))
    return [Objection(Reason.DIFFERENT_ROOT, detail, len(differ))]


def against_own(
    data: EpochData,
    own: EpochData,
    base: EpochData | None,
    *,
    before: int,
    forked: Callable[[bytes], bool],
) -> list[Objection]:
    """What the published data leave out or have otherwise than an attestor's own.

    Args:
        data: the published data.
        own: what the attestor built of its own receipts and those published.
        base: what both are built on.
        before: Unix seconds; a receipt of its own that is not older need not have been known.
        forked: whether a device signed two histories.
    """
    theirs, ours = Population.of(data, base), Population.of(own, base)
    return [
        *_missing(data, ours, before),
        *_registrations(theirs, ours),
        *_uncounted(theirs, own, forked),
    ]


def _missing(data: EpochData, ours: Population, before: int) -> list[Objection]:
    """Devices whose newest receipt is not counted, though it was there in good time."""
    at = newest(data.devices, ours.devices)
    lacking = (at == NONE) | (data.devices["seq"][at] < ours.devices["seq"])
    devices = ours.devices["device"][lacking & (ours.devices["time"] < before)]
    return _object(Reason.MISSING_RECEIPTS, "devices had sent receipts in good time that it does not count", devices)


def _registrations(theirs: Population, ours: Population) -> list[Objection]:
    """Devices that both count, by other registrations."""
    at = newest(ours.devices, theirs.devices)
    both = np.flatnonzero(at != NONE)
    at = at[both]
    left, right = theirs.devices[both], ours.devices[at]
    low = theirs.start[both] < ours.start[at]
    different = (theirs.payouts[both] != ours.payouts[at]).any(axis=1)
    for name in _REGISTERED:
        differ = left[name] != right[name]
        different |= differ.any(axis=1) if differ.ndim > 1 else differ
    # A newer enrolment than the attestor's own is the device's to make.
    different &= ~((left["enrolled"] == 1) & (left["serial"] > right["serial"]))
    told = "devices are counted from below what the path of receipts has paid"
    return [
        *_object(Reason.BASELINE_TOO_LOW, told, left["device"][low]),
        *_object(
            Reason.REGISTRATION_DIFFERS,
            "devices have another payout, key, class or capacity",
            left["device"][different],
        ),
    ]


def _uncounted(theirs: Population, own: EpochData, forked: Callable[[bytes], bool]) -> list[Objection]:
    """Devices that only the published data count."""
    at = newest(own.devices, theirs.devices)
    alone = theirs.devices["device"][(at == NONE) | (own.devices["seq"][at] < theirs.devices["seq"])]
    two = np.array([forked(device.tobytes()) for device in alone], bool)
    return [
        *_object(Reason.FORKED_DEVICE, "devices that signed two histories are counted", alone[two]),
        *_object(Reason.REGISTRATION_DIFFERS, "devices are counted that are not registered so", alone[~two]),
    ]


def _object(reason: Reason, told: str, devices: Rows) -> list[Objection]:
    return [Objection(reason, f"{len(devices):,} {told}", len(devices), named(devices))] if len(devices) else []


def _told(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
