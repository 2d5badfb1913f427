"""Which registration counts for each device that sent a receipt, and where the device stood before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from worktab.core.enrolments import FIRST_ENROLLED_INDEX
from worktab.epochs.terms import EpochTerms
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import addresses
from worktab.ingest.rows import REGISTRATION, Rows

if TYPE_CHECKING:
    from worktab.epochs.data import EpochData

AGREED: Final = np.dtype(
    [
        ("payout", "u1", (32,)),
        ("key", "u1", (33,)),
        ("key_kind", "u1"),
        ("class", "u1"),
        ("enrolled", "u1"),
        ("index", "<u4"),
        ("capacity", "<u8"),
        ("baseline", "<u8"),
        ("serial", "<u8"),
    ]
)
"""What of a registration goes into rewards: if none of it changed, it need not be published again."""

NONE: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """A row for each of some devices, in the order of their addresses.

    Attributes:
        names: the devices' addresses.
        agreed: `AGREED` rows of the registration that counts.
        found: row among the registrations of the inputs, or `NONE` where it is the one of the previous data.
        known: whether any counts.
        active: row of the device in the previous data that took its newest receipt, or `NONE`.
        state: row of the previous data where the history of this registration stands, or `NONE`.
        counted: the most lifetime units that the previous data counted of the device, by whatever registration.
    """

    names: Rows
    agreed: Rows
    found: Rows
    known: Rows
    active: Rows
    state: Rows
    counted: Rows

    @property
    def start(self) -> Rows:
        """For each device the units from which on roots pay: those counted before, or its baseline if that is more.

        Units belong to the device's key: signing them again for another registration brings nothing.
        """
        start: Rows = np.maximum(self.agreed["baseline"], self.counted)
        return start

    def changed(self, previous: EpochData | None) -> Rows:
        """Whether the registration is another than the one that the previous data counted by."""
        changed: Rows = (self.found != NONE) & (self.active == NONE)
        both = np.flatnonzero((self.found != NONE) & (self.active != NONE))
        if previous is not None and len(both):
            changed[both] = _differ(agreed_in(previous, self.active[both]), self.agreed[both])
        return changed


def distinct(values: Rows) -> tuple[Rows, Rows]:
    """The different addresses among these in their order, and where each of these is among them."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.append(True, ordered[1:] != ordered[:-1])[: len(values)]
    at = np.empty(len(values), np.int64)
    at[order] = np.cumsum(first) - 1
    return ordered[first], at


def places(names: Rows, wanted: Rows) -> Rows:
    """Where each wanted address is in sorted `names`, or `NONE`."""
    found = np.full(len(wanted), NONE, np.int64)
    if len(names) and len(wanted):
        order = np.argsort(wanted, kind="stable")
        at = np.minimum(np.searchsorted(names, wanted[order]), len(names) - 1)
        found[order] = np.where(names[at] == wanted[order], at, NONE)
    return found


def match(
    names: Rows,
    inputs: Inputs,
    previous: EpochData | None,
    terms: EpochTerms,
    enrolments_hold: Callable[[Rows], Rows],
    left_out: Counter[str],
) -> Matches:
    """What counts in the epoch of the inputs for the devices with these addresses, which are sorted and different.

    A registration on chain comes before an enrolment, a higher index before a lower one and a higher serial before a
    lower one. Enrolments that the previous data did not count by are kept only if `enrolments_hold` says so of their
    rows. What is dropped is counted in `left_out`.
    """
    count = len(names)
    found, active, state = (np.full(count, NONE, np.int64) for _ in range(3))
    agreed, known = np.zeros(count, AGREED), np.zeros(count, bool)
    counted = np.zeros(count, "<u8")
    matches = Matches(names, agreed, found, known, active, state, counted)
    if previous is not None:
        _put_active(matches, previous)
    registrations = inputs.registrations
    rows = np.flatnonzero(places(names, addresses(registrations["device"])) != NONE)
    rows = rows[_allowed(registrations, rows, terms, left_out)]
    _put_registrations(matches, registrations, rows, enrolments_hold, left_out)
    if previous is not None:
        _put_states(matches, previous)
    return matches


def agreed_in(data: EpochData, rows: Rows) -> Rows:
    """The `AGREED` rows that these rows of devices were counted by."""
    devices = data.devices[rows]
    agreed = np.zeros(len(rows), AGREED)
    agreed["payout"] = data.payees["payout"][devices["position"]]
    for name in AGREED.names[1:] if AGREED.names else ():
        agreed[name] = devices[name]
    return agreed


def _put_active(matches: Matches, previous: EpochData) -> None:
    active = np.flatnonzero(previous.devices["active"] == 1)
    at = places(matches.names, addresses(previous.devices["device"][active]))
    active, at = active[at != NONE], at[at != NONE]
    matches.active[at] = active
    matches.known[at] = True
    matches.agreed[at] = agreed_in(previous, active)
    matches.counted[at] = previous.devices["chain_units"][active]


def _allowed(registrations: Rows, rows: Rows, terms: EpochTerms, left_out: Counter[str]) -> Rows:
    """Whether each of these registrations can be one: of a class in use, for an enrolment one without a bond; paying to
    a wallet, which neither the network nor the zero address is."""
    used, open_ = np.zeros(256, bool), np.zeros(256, bool)
    for number, each in enumerate(terms.classes):
        used[number], open_[number] = each is not None, each is not None and each.least_bond == 0
    enrolled, class_ = registrations["enrolled"][rows] == 1, registrations["class"][rows]
    allowed: Rows = np.where(enrolled, open_[class_], used[class_])
    allowed &= enrolled == (registrations["index"][rows] >= FIRST_ENROLLED_INDEX)
    for nobody in (bytes(32), bytes(terms.network)):
        allowed &= (registrations["payout"][rows] != np.frombuffer(nobody, "u1")).any(axis=1)
    left_out["registration_not_allowed"] += int((~allowed).sum())
    return allowed


def _put_registrations(
    matches: Matches,
    registrations: Rows,
    rows: Rows,
    enrolments_hold: Callable[[Rows], Rows],
    left_out: Counter[str],
) -> None:
    """Puts the registrations in these rows in force, unless the previous data have a newer one."""
    rows = _ranked(registrations, rows)
    at = places(matches.names, addresses(registrations["device"][rows]))
    agreed = np.zeros(len(rows), AGREED)
    for name in AGREED.names or ():
        agreed[name] = registrations[name][rows]
    enrolled = agreed["enrolled"] == 1
    same = (matches.active[at] != NONE) & (matches.agreed["index"][at] == agreed["index"])
    older = enrolled & same & (agreed["serial"] < matches.agreed["serial"][at])
    unproven = np.flatnonzero(enrolled & ~older & (~same | _differ(matches.agreed[at], agreed)))
    holds = np.ones(len(rows), bool)
    holds[unproven] = enrolments_hold(registrations[rows[unproven]])
    left_out["enrolment_signature"] += int((~holds).sum())
    kept = np.flatnonzero(holds & ~older)
    # Those of one device follow each other, the highest last.
    kept = kept[np.append(at[kept][1:] != at[kept][:-1], True)[: len(kept)]]
    at, rows, agreed = at[kept], rows[kept], agreed[kept]
    matches.found[at] = rows
    matches.known[at] = True
    matches.agreed[at] = agreed


def _ranked(registrations: Rows, rows: Rows) -> Rows:
    """These registrations by device, and each device's by rank, the highest last."""
    names = addresses(registrations["device"][rows])
    order = np.argsort(names, kind="stable")
    if not (names[order[1:]] == names[order[:-1]]).any():
        return rows[order]
    each = registrations[rows]
    # Among equals the bytes decide, so that the order they came in does not.
    whole = each.view(f"S{REGISTRATION.itemsize}").reshape(-1)
    return rows[np.lexsort((whole, each["serial"], each["index"], each["enrolled"] == 0, names))]


def _put_states(matches: Matches, previous: EpochData) -> None:
    """Finds the rows where the histories stand: the active one, or one of the same index that was active before; and
    what any row that was active before counted."""
    devices = previous.devices
    active = np.flatnonzero(matches.active != NONE)
    same = devices["index"][matches.active[active]] == matches.agreed["index"][active]
    matches.state[active[same]] = matches.active[active[same]]
    other = active[~same]
    frozen = np.flatnonzero(devices["active"] == 0)
    at = places(matches.names, addresses(devices["device"][frozen]))
    frozen, at = frozen[at != NONE], at[at != NONE]
    np.maximum.at(matches.counted, at, devices["chain_units"][frozen])
    at = places(matches.names[other], matches.names[at])
    for row, place in zip(frozen[at != NONE].tolist(), other[at[at != NONE]].tolist(), strict=True):
        if devices["index"][row] == matches.agreed["index"][place]:
            held = int(matches.state[place])
            if held == NONE or devices["seq"][row] > devices["seq"][held]:
                matches.state[place] = row


def _differ(left: Rows, right: Rows) -> Rows:
    """Whether rows of one type differ."""
    size = left.dtype.itemsize
    different: Rows = (
        (np.ascontiguousarray(left).view("u1").reshape(-1, size))
        != (np.ascontiguousarray(right).view("u1").reshape(-1, size))
    ).any(axis=1)
    return different
