"""From receipts to a root: a pure function of what was published before, what came since, the terms and the policy.

The same of these gives the same bytes, whatever the order of rows, the runner, the number of workers or the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Final, TypeVar

import numpy as np
from solders.pubkey import Pubkey

from worktab.core.errors import InputError, StateError
from worktab.epochs.checking import EnrolmentCheck, ReceiptCheck, check_enrolments, check_receipts
from worktab.epochs.data import EpochData, draft
from worktab.epochs.matching import Matches, distinct, match
from worktab.epochs.policy import Policy
from worktab.epochs.receiving import counted
from worktab.epochs.rewarding import reward
from worktab.epochs.room import have_room
from worktab.epochs.rows import carry_on
from worktab.epochs.runners import LocalRunner, Runner
from worktab.epochs.terms import EpochTerms
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import addresses
from worktab.ingest.rows import Rows

C = TypeVar("C")

CHUNK: Final = 4_096
"""Receipts checked in one go: about 0.2 s of one core, and a megabyte on its way to it."""

Progress = Callable[[int, int], None]
"""Told how many receipts were checked, and of how many."""


class NothingToReward(StateError):
    """No receipt was ever counted, so there is no payee and no root."""

    code = "nothing_to_reward"
    default_next_step = "Build an epoch in which devices worked"


def build(
    previous: EpochData | None,
    inputs: Inputs,
    terms: EpochTerms,
    policy: Policy,
    *,
    runner: Runner | None = None,
    verify: bool = True,
    progress: Progress | None = None,
) -> EpochData:
    """The data of epoch `inputs.epoch`, following the previous data.

    They pay for every epoch after the previous data's, or from the first that roots pay for. A device is paid for the
    units by which its newest receipt exceeds its baseline and those counted before, by whatever registration. Rows of
    inputs may come in any order and more than once. What is not counted is told by reason in `left_out` of the result
    and is no error.

    A registration counts from the first receipt counted under it. Where it brings another payout, the device's row
    under the old payee stays as it is, and one under the new payee takes what is new; so does a new row where a
    registration on chain takes the place of an enrolment, or the other way round.

    New payees for whom the root has no position wait for a later one, with the work of their devices. Nothing is kept
    about devices that wait: one that was never counted has its capacity for the later root's epochs alone.

    Args:
        previous: the data of the epoch published before; None for the network's first.
        inputs: registrations and receipts, as a store has them, or as another published them.
        terms: of the network.
        policy: how work is rewarded.
        runner: where signatures are checked; by default on all cores of this machine.
        verify: whether to check all signatures. Leave it out only where the store that gave the inputs is trusted.
        progress: told of checked receipts.

    Raises:
        NothingToReward: there is no payee at all.
        StateError: the epoch is not after the previous data's, or before the first that roots pay for.
        InputError: the previous data are of another network.
        PolicyError: the policy gave more than it may.
    """
    first_epoch = _first_epoch(previous, inputs.epoch, terms)
    checks = _Checks(terms, runner or LocalRunner(), verify, progress)
    left_out: Counter[str] = Counter()
    names, at = distinct(addresses(inputs.receipts["device"]))
    matches = match(names, inputs, previous, terms, checks.enrolments, left_out)
    rows = counted(
        inputs.receipts,
        at,
        matches,
        previous,
        terms.end(inputs.epoch),
        lambda receipts, at: checks.receipts(receipts, at, matches),
        _addresses(policy.exclude),
        left_out,
    )
    room = have_room(previous, matches.agreed["payout"][at[rows]])
    left_out["no_position"] += int((~room).sum())
    rows = rows[room]
    receipts, at = _taken(inputs.receipts, rows), at[rows]
    rewards, carry = reward(previous, matches, at, receipts, terms, policy, inputs.epoch, first_epoch)
    payees, devices = carry_on(previous, matches, at, receipts, rewards, carry, inputs.epoch)
    if not len(payees):
        raise NothingToReward(f"Up to epoch {inputs.epoch} there is nothing to reward", got=_told(left_out))
    before = None if previous is None else previous.manifest.hash()
    head = draft(terms, policy.to_json(), inputs.epoch, first_epoch, before)
    published = matches.found[at[matches.changed(previous)[at]]]
    return EpochData.seal(head, payees, devices, _taken(inputs.registrations, published), receipts, dict(+left_out))


def _first_epoch(previous: EpochData | None, epoch: int, terms: EpochTerms) -> int:
    """The first epoch to pay for."""
    if previous is not None and (previous.manifest.network, previous.manifest.domain) != (terms.network, terms.domain):
        raise InputError(
            "The previous data are of another network or cluster",
            expected=terms.named,
            got=f"{previous.manifest.network} (domain {previous.manifest.domain.hex()})",
        )
    first = terms.first_epoch if previous is None else max(terms.first_epoch, previous.epoch + 1)
    if epoch < first:
        raise StateError(f"Roots do not pay for epoch {epoch} any more, or not yet", expected=f"{first} or later")
    return first


class _Checks:
    """Signatures, checked by a runner where they are to be checked at all."""

    def __init__(self, terms: EpochTerms, runner: Runner, verify: bool, progress: Progress | None) -> None:
        self._terms = terms
        self._runner = runner
        self._verify = verify
        self._progress = progress or (lambda done, total: None)

    def enrolments(self, rows: Rows) -> Rows:
        """Whether each `REGISTRATION` row is a valid enrolment."""
        if not self._verify or not len(rows):
            return np.ones(len(rows), bool)
        chunks = (EnrolmentCheck(self._terms, rows[part]) for part in _parts(len(rows)))
        return np.concatenate(list(self._runner.map(check_enrolments, chunks)))

    def receipts(self, receipts: Rows, at: Rows, matches: Matches) -> Rows:
        """What is found about each `RECEIPT` row, of devices at these places."""
        if not self._verify or not len(receipts):
            return np.zeros(len(receipts), "u1")

        def chunks() -> Iterator[ReceiptCheck]:
            for part in _parts(len(receipts)):
                agreed = matches.agreed[at[part]]
                yield ReceiptCheck(
                    self._terms.domain, receipts[part], agreed["index"], agreed["key_kind"], agreed["key"]
                )

        found = np.zeros(len(receipts), "u1")
        done = 0
        self._progress(done, len(receipts))
        for each in self._runner.map(check_receipts, chunks()):
            found[done : done + len(each)] = each
            done += len(each)
            self._progress(done, len(receipts))
        return found


def _addresses(devices: Collection[Pubkey]) -> Rows:
    return addresses(np.frombuffer(b"".join(map(bytes, devices)), "u1").reshape(-1, 32))


def _taken(rows: Rows, chosen: Rows) -> Rows:
    """The chosen rows; no copy where these are all rows as they stand."""
    as_they_stand = len(chosen) == len(rows) and bool((chosen == np.arange(len(rows))).all())
    return rows if as_they_stand else rows[chosen]


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


def _told(left_out: Counter[str]) -> str:
    return ", ".join(f"{reason}: {number}" for reason, number in sorted((+left_out).items())) or "no receipts"
