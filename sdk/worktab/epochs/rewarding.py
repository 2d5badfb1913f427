"""What the counted receipts earn, class by class."""

from __future__ import annotations

import numpy as np

from worktab.core.money import RATE_UNITS
from worktab.epochs.data import EpochData
from worktab.epochs.errors import PolicyError
from worktab.epochs.matching import NONE, Matches
from worktab.epochs.policy import ClassWork, Policy
from worktab.epochs.sums import U64_MAX, products, sums, total
from worktab.epochs.terms import EpochTerms
from worktab.ingest.rows import Rows, messages


def reward(
    previous: EpochData | None,
    matches: Matches,
    at: Rows,
    receipts: Rows,
    terms: EpochTerms,
    policy: Policy,
    epoch: int,
    first_epoch: int,
) -> tuple[Rows, Rows]:
    """The reward in base units and the new carry for each counted receipt, of devices at these places.

    A class gets at most its budget for every epoch paid for, and no more than leaves the lifetime total a u64.

    Raises:
        PolicyError: the policy gave more than that, or something else than it must.
    """
    work = _work(previous, matches, at, receipts, epoch, first_epoch)
    rewards, carries = np.zeros(len(at), "<u8"), work["carry"].copy()
    room = U64_MAX - (previous.manifest.total if previous is not None else 0)
    for number, each in enumerate(terms.classes):
        rows = np.flatnonzero(work["class"] == number)
        if each is None or not len(rows):
            continue
        budget = min(each.budget * (epoch - first_epoch + 1), room)
        columns = (work[name][rows] for name in ("units", "capacity", "epochs", "carry"))
        given, carry = policy.rewards(ClassWork(number, each, budget, *columns))
        _require_fair(policy, given, carry, len(rows), budget)
        rewards[rows], carries[rows] = given, carry
        room -= total(given)
    return rewards, carries


def _work(
    previous: EpochData | None, matches: Matches, at: Rows, receipts: Rows, epoch: int, first_epoch: int
) -> dict[str, Rows]:
    """Columns of `ClassWork`, and the class.

    A device that was counted before has its capacity for one epoch; for each one between, in which it was not counted,
    no more than what was published as its capacity then. Any other has it for the epochs paid for.
    """
    capacity, carry = matches.agreed["capacity"][at], np.zeros(len(at), "<u8")
    before, epochs = capacity.copy(), np.full(len(at), epoch - first_epoch + 1, "<u8")
    active, state = matches.active[at], matches.state[at]
    if previous is not None:
        known, held = np.flatnonzero(active != NONE), np.flatnonzero(state != NONE)
        devices = previous.devices
        epochs[known] = np.uint64(epoch) - devices["last_epoch"][active[known]]
        before[known] = np.minimum(devices["capacity"][active[known]], capacity[known])
        carry[held] = devices["carry"][state[held]]
    return {
        "class": matches.agreed["class"][at],
        "units": messages(receipts)["units"] - matches.start[at],
        "capacity": sums(capacity, products(before, epochs - np.uint64(1))),
        "epochs": epochs,
        "carry": carry,
    }


def _require_fair(policy: Policy, given: Rows, carry: Rows, count: int, budget: int) -> None:
    columns = all(each.dtype == np.uint64 and each.shape == (count,) for each in (given, carry))
    if not columns or int(carry.max(initial=0)) >= RATE_UNITS:
        raise PolicyError(
            f"{type(policy).__name__} gave no rewards and carries",
            expected=f"{count} u64 of each, carries below {RATE_UNITS}",
        )
    if total(given) > budget:
        raise PolicyError(
            f"{type(policy).__name__} gave more than the class's budget", expected=str(budget), got=str(total(given))
        )
