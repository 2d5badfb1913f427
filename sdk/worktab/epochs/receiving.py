"""Which receipts an epoch counts, and why it does not count the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from itertools import pairwise
from typing import Final

import numpy as np

from worktab.core.messages import MAGIC, MessageKind
from worktab.epochs.checking import WRONG_CONTEXT, WRONG_SIGNATURE
from worktab.epochs.data import EpochData
from worktab.epochs.matching import NONE, Matches
from worktab.ingest.rows import Rows, messages

MAX_NEW_JOBS: Final = np.uint64(1 << 32)
MAX_NEW_UNITS: Final = np.uint64(1 << 48)
"""The most that one receipt may add (PROTOCOL section 5, receipts)."""

Check = Callable[[Rows, Rows], Rows]
"""Findings of `checking.check_receipts` for these `RECEIPT` rows of devices at these places."""


class Reason(IntEnum):
    """Why a receipt is not counted. Reports have the name in lower case."""

    NONE = 0
    UNKNOWN_DEVICE = 1
    """Without registration or enrolment."""
    MALFORMED = 2
    AFTER_THE_EPOCH = 3
    """Its time is not before the epoch's end."""
    COUNTED = 4
    """By the previous data: no reproach, and not reported."""
    FORK = 5
    """As many jobs as another one, but other units or another head; or more jobs and fewer units."""
    OLDER = 6
    """Fewer jobs than one that counts."""
    EARLIER = 7
    """More jobs, but an earlier time than one that was counted."""
    NO_NEW_UNITS = 8
    """Nothing above what was counted, by whatever registration, or above the baseline."""
    JUMP = 9
    """More than 2^48 new units, or more than 2^32 new jobs."""
    WRONG_CONTEXT = 10
    """For another network, device or registration."""
    WRONG_SIGNATURE = 11
    EXCLUDED = 12
    """Of a device that the policy does not reward any more."""


def counted(
    receipts: Rows,
    at: Rows,
    matches: Matches,
    previous: EpochData | None,
    end: int,
    check: Check,
    excluded: Rows,
    left_out: Counter[str],
) -> Rows:
    """The rows of the receipts to count: of each device at most one, in the order of the devices.

    Why a receipt is not counted is noted in `left_out`.

    Args:
        receipts: `RECEIPT` rows in any order.
        at: for each receipt its device's place in `matches`.
        end: when the epoch ends, Unix seconds.
        excluded: addresses of devices whose receipts do not count.
    """
    fields = messages(receipts)
    seq, units, time, head, held = (column[at] for column in _standing(matches, previous))
    start = matches.start[at]
    same_seq = held & (fields["seq"] == seq)
    same = same_seq & (fields["units"] == units) & (fields["head"] == head).all(axis=1)
    with np.errstate(over="ignore"):
        jump = (fields["units"] - start > MAX_NEW_UNITS) | (fields["seq"] - seq > MAX_NEW_JOBS)
    reasons = np.zeros(len(receipts), "u1")
    # The first one that applies is given.
    for reason, applies in (
        (Reason.EXCLUDED, np.isin(matches.names, excluded)[at]),
        (Reason.UNKNOWN_DEVICE, ~matches.known[at]),
        (Reason.MALFORMED, ~_well_formed(fields)),
        (Reason.AFTER_THE_EPOCH, fields["time"] >= end),
        (Reason.COUNTED, same),
        (Reason.FORK, same_seq | ((fields["seq"] > seq) & (fields["units"] < units))),
        (Reason.OLDER, fields["seq"] < seq),
        (Reason.EARLIER, fields["time"] < time),
        (Reason.NO_NEW_UNITS, fields["units"] <= start),
        (Reason.JUMP, jump),
    ):
        reasons[applies & (reasons == Reason.NONE)] = reason
    left = np.flatnonzero(reasons == Reason.NONE)
    found = check(receipts[left], at[left])
    reasons[left[found == WRONG_CONTEXT]] = Reason.WRONG_CONTEXT
    reasons[left[found == WRONG_SIGNATURE]] = Reason.WRONG_SIGNATURE
    kept = _newest(receipts, at, np.flatnonzero(reasons == Reason.NONE), reasons)
    for reason, number in zip(*np.unique(reasons, return_counts=True), strict=True):
        if reason not in (Reason.NONE, Reason.COUNTED):
            left_out[Reason(reason).name.lower()] += int(number)
    return kept


def _standing(matches: Matches, previous: EpochData | None) -> tuple[Rows, ...]:
    """For each device seq, units, time and head of the newest receipt counted, and whether there is one."""
    size, held = len(matches.names), matches.state != NONE
    columns = np.zeros(size, "<u8"), np.zeros(size, "<u8"), np.zeros(size, "<i8"), np.zeros((size, 32), "u1")
    if previous is not None:
        rows = matches.state[held]
        for name, column in zip(("seq", "chain_units", "time", "head"), columns, strict=True):
            column[held] = previous.devices[name][rows]
    return *columns, held


def _well_formed(fields: Rows) -> Rows:
    formed: Rows = (
        (fields["magic"] == np.frombuffer(MAGIC, "u1")).all(axis=1)
        & (fields["kind"] == MessageKind.RECEIPT)
        & (fields["zero"] == 0).all(axis=1)
        & (fields["amount"] == 0)
        & (fields["time"] >= 0)
    )
    return formed


def _newest(receipts: Rows, at: Rows, rows: Rows, reasons: Rows) -> Rows:
    """Of each device the newest of these receipts, in the order of the devices; none of one that contradicts itself."""
    rows = rows[np.argsort(at[rows], kind="stable")]
    repeated = at[rows][1:] == at[rows][:-1]
    if not repeated.any():
        return rows
    several = np.append(repeated, False) | np.insert(repeated, 0, False)
    kept = rows[~several].tolist()
    contended = rows[several]
    for group in np.split(contended, np.flatnonzero(np.diff(at[contended])) + 1):
        kept += _newest_of(receipts, group.tolist(), reasons)
    chosen = np.array(kept, np.int64)
    return chosen[np.argsort(at[chosen], kind="stable")]


def _newest_of(receipts: Rows, group: list[int], reasons: Rows) -> list[int]:
    """The row of a device's newest receipt: of those with the most jobs the earliest, of these the one with the lower
    bytes. No row if two contradict each other."""
    fields = messages(receipts[group])
    states = list(zip(fields["seq"].tolist(), fields["units"].tolist(), map(bytes, fields["head"]), strict=True))
    history = sorted(set(states))
    if any(before[0] == after[0] or before[1] > after[1] for before, after in pairwise(history)):
        reasons[group] = Reason.FORK
        return []
    newest = [place for place, state in enumerate(states) if state == history[-1]]
    chosen = min(newest, key=lambda place: (int(fields["time"][place]), receipts[group[place]].tobytes()))
    reasons[group[:chosen] + group[chosen + 1 :]] = Reason.OLDER
    return [group[chosen]]
