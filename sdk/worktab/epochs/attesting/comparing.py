"""How published data differ from what an attestor builds itself, and which of it is a reason to refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from worktab.core.commitments import EpochCommitment
from worktab.epochs.attesting.merging import named
from worktab.epochs.attesting.population import NONE, Population, newest
from worktab.epochs.attesting.verdicts import Objection, Reason
from worktab.epochs.attesting.versions import Versions
from worktab.epochs.data import EpochData
from worktab.epochs.manifest import canonical
from worktab.epochs.matching import places
from worktab.epochs.terms import EpochTerms
from worktab.ingest.kept import CLOSED, addresses
from worktab.ingest.rows import Rows, messages
from worktab.ingest.store import ReceiptStore
from worktab.program.generated.accounts import Network
from worktab.roles.commitments import next_root_epoch

_REGISTERED: Final = ("key", "key_kind", "class", "enrolled", "capacity")
_PAID: Final = "devices are counted from below what the path of receipts has paid"


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
    if canonical(data.manifest.policy) != canonical(policy):
        detail = f"rewards are given by {data.manifest.policy}, and not by {policy}"
        found.append(Objection(Reason.UNKNOWN_POLICY, detail))
    if canonical(data.manifest.terms) != canonical(terms.to_json()):
        ours, theirs = terms.to_json(), data.manifest.terms
        names = ", ".join(sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)))
        found.append(Objection(Reason.OTHER_TERMS, f"these terms are not the network's: {names}"))
    return found


def against_rebuilt(data: EpochData, rebuilt: EpochData) -> list[Objection]:
    """Where the published inputs give something else than what was published."""
    # By their hashes: numbers that are equal in Python are not always in JSON.
    if rebuilt.manifest.hash() == data.manifest.hash():
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


@dataclass(frozen=True, slots=True)
class Held:
    """What an attestor holds against published data.

    Attributes:
        store: its own receipts and registrations.
        versions: registrations on chain that were replaced.
        terms: of the network.
        before: Unix seconds; a receipt that arrived here from then on need not have been known to others.
    """

    store: ReceiptStore
    versions: Versions
    terms: EpochTerms
    before: int

    def in_time(self, epoch: int) -> Rows:
        """Receipts of an epoch that others must have known."""
        return self.store.inputs(epoch, arrived_before=self.before).receipts


def against_own(data: EpochData, own: EpochData | None, base: EpochData | None, held: Held) -> list[Objection]:
    """What the published data leave out or have otherwise than what an attestor built, on the same `base`, of its own
    receipts and those published; `own` is None where none of them counts.

    The published inputs give the published rewards: where devices, receipts and what they are paid from are right, so
    are the rewards.
    """
    theirs = Population.of(data, base)
    ours = Population.NOBODY if own is None else Population.of(own, base)
    return [
        *_missing(data, ours, held),
        *_registrations(data.epoch, theirs, ours, held),
        *_uncounted(data.epoch, theirs, ours if own is None else own, held),
    ]


def _missing(data: EpochData, ours: Population, held: Held) -> list[Objection]:
    """Devices with a receipt that was there in good time, and that is newer than what is counted."""
    at = newest(data.devices, ours.devices)
    counted = _at(data.devices["seq"], at)
    lacking = counted < ours.devices["seq"]
    if not lacking.any():
        return []
    known = held.in_time(data.epoch)
    place = places(addresses(known["device"]), addresses(ours.devices["device"]))
    devices = ours.devices["device"][lacking & (_at(messages(known)["seq"], place) > counted)]
    return _object(Reason.MISSING_RECEIPTS, "devices had sent receipts in good time that it does not count", devices)


def _registrations(epoch: int, theirs: Population, ours: Population, held: Held) -> list[Objection]:
    """Devices that both count, from other units or by registrations that are neither signed nor were on chain."""
    at = newest(ours.devices, theirs.devices)
    both = np.flatnonzero(at != NONE)
    at = at[both]
    left, right = theirs.devices[both], ours.devices[at]
    low = (theirs.start[both] < ours.start[at]) | (left["baseline"] < right["baseline"])
    high = (theirs.start[both] > ours.start[at]) | (left["baseline"] > right["baseline"])
    # An enrolment is the device's to make: whichever was signed counts, but for the capacity, which nobody signs.
    largest = np.array([0 if each is None else each.max_capacity for each in held.terms.classes], "<u8")
    enrolled = left["enrolled"] == 1
    different = enrolled & (left["capacity"] != largest[np.minimum(left["class"], len(largest) - 1)])
    other = (theirs.payouts[both] != ours.payouts[at]).any(axis=1)
    for name in _REGISTERED:
        differ = left[name] != right[name]
        other |= differ.any(axis=1) if differ.ndim > 1 else differ
    for place in np.flatnonzero(~enrolled & other).tolist():
        different[place] = not _was_on_chain(left[place], theirs.payouts[both[place]], epoch, held)
    return [
        *_object(Reason.BASELINE_TOO_LOW, _PAID, left["device"][low]),
        *_object(Reason.UNITS_LEFT_OUT, "devices have done work that is left out", left["device"][high]),
        *_object(
            Reason.REGISTRATION_DIFFERS,
            "devices have another payout, key, class or capacity",
            left["device"][different],
        ),
    ]


def _uncounted(epoch: int, theirs: Population, own: EpochData | Population, held: Held) -> list[Objection]:
    """Devices that only the published data count."""
    at = newest(own.devices, theirs.devices)
    forked, low, unknown = [], [], []
    for place in np.flatnonzero(_at(own.devices["seq"], at) < theirs.devices["seq"]).tolist():
        row, start = theirs.devices[place], int(theirs.start[place])
        accounts = _accounts(row, held.store)
        if len(held.store.fork(row["device"].tobytes())):
            forked.append(place)
        elif row["enrolled"] == 0:
            if not _was_on_chain(row, theirs.payouts[place], epoch, held):
                unknown.append(place)
        elif not (len(accounts) and held.versions.registered_since(row["device"].tobytes(), held.terms.end(epoch))):
            unknown.append(place)
        elif start < int(accounts["row"]["baseline"].max()):
            low.append(place)
    devices = theirs.devices["device"]
    return [
        *_object(Reason.FORKED_DEVICE, "devices that signed two histories are counted", devices[forked]),
        *_object(Reason.BASELINE_TOO_LOW, _PAID, devices[low]),
        *_object(Reason.REGISTRATION_DIFFERS, "devices are counted that are not registered so", devices[unknown]),
    ]


def _at(column: Rows, at: Rows) -> Rows:
    """The numbers at these places; 0 at `NONE`, the last place of all."""
    found: Rows = np.append(column, np.zeros(1, column.dtype))[at]
    return found


def _was_on_chain(row: Rows, payout: Rows, epoch: int, held: Held) -> bool:
    """Whether a device is counted by a registration that was on chain at the epoch's end or later."""
    versions = held.versions.at(row["device"].tobytes(), int(row["index"]), held.store.facts, epoch)
    same = (versions["payout"] == payout).all(axis=1) & (versions["baseline"] == row["baseline"])
    for name in _REGISTERED:
        equal = versions[name] == row[name]
        same &= equal.all(axis=1) if equal.ndim > 1 else equal
    return bool(same.any())


def _accounts(row: Rows, store: ReceiptStore) -> Rows:
    """A device's accounts on chain that are not closed, as `KEPT` rows."""
    kept = store.kept(row["device"].reshape(1, 32))
    found: Rows = kept[(kept["active"] != CLOSED) & (kept["row"]["enrolled"] == 0)]
    return found


def _object(reason: Reason, told: str, devices: Rows) -> list[Objection]:
    return [Objection(reason, f"{len(devices):,} {told}", len(devices), named(devices))] if len(devices) else []


def _told(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
