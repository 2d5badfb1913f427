"""Checking receipts: form, time, context and signature, many at once.

A receipt that passes is one that the chain would take from the device's registration: signatures are checked by the
rule of the native programs (`worktab.core.keys`). Whether it goes with earlier ones is the store's to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worktab.core._signatures import verify_ed25519, verify_p256
from worktab.core.keys import KeyKind
from worktab.core.messages import MAGIC, MessageKind
from worktab.ingest.facts import Facts
from worktab.ingest.kept import addresses
from worktab.ingest.rows import Rows, messages
from worktab.ingest.store import Verdicts
from worktab.ingest.verdicts import Verdict

MOST_AHEAD: Final = 300
"""Seconds that a receipt's time may be ahead of the clock."""

_VERIFY: Final[dict[int, tuple[Callable[[bytes, bytes, bytes], bool], int]]] = {
    KeyKind.ED25519: (verify_ed25519, 32),
    KeyKind.P256: (verify_p256, 33),
}


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What the checks said.

    verdicts  of each receipt; `STORED` where it passed
    indices   of each receipt the index of its device's registration; 0 without one
    """

    verdicts: Verdicts
    indices: NDArray[np.uint32]

    @property
    def passed(self) -> NDArray[np.bool_]:
        """Which receipts passed."""
        passed: NDArray[np.bool_] = self.verdicts == Verdict.STORED
        return passed


def check(receipts: Rows, registrations: Rows, facts: Facts, now: int) -> Checked:
    """Check `RECEIPT` rows by the `KEPT` rows that count of their devices, sorted by device. `now` in Unix seconds."""
    message = messages(receipts)
    verdicts = np.full(len(receipts), Verdict.STORED, np.uint8)
    indices = np.zeros(len(receipts), np.uint32)
    place, known = _places(receipts, registrations)
    indices[known] = registrations["row"]["index"][place[known]]
    # From the last reason to the first, so that the first counts.
    verdicts[~known] = Verdict.DEVICE_UNKNOWN
    verdicts[message["time"] < facts.created_at] = Verdict.TIME_TOO_EARLY
    verdicts[message["time"] > now + MOST_AHEAD] = Verdict.TIME_AHEAD
    verdicts[~_formed(message)] = Verdict.MALFORMED
    _check_signatures(receipts, registrations, facts, place, verdicts)
    return Checked(verdicts, indices)


def _places(receipts: Rows, registrations: Rows) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Of each receipt the place of its device's registration, and whether it has one."""
    names, wanted = addresses(registrations["row"]["device"]), addresses(receipts["device"])
    place = np.searchsorted(names, wanted)
    known = place < len(names)
    known[known] = names[place[known]] == wanted[known]
    return place, known


def _formed(message: Rows) -> NDArray[np.bool_]:
    """Which messages have the form of a receipt (PROTOCOL section 2) of at least one job and one unit."""
    formed: NDArray[np.bool_] = (message["magic"] == np.frombuffer(MAGIC, "u1")).all(axis=1)
    formed &= (message["kind"] == MessageKind.RECEIPT) & ~message["zero"].any(axis=1) & (message["amount"] == 0)
    formed &= (message["seq"] > 0) & (message["units"] > 0) & (message["time"] >= 0)
    return formed


def _check_signatures(
    receipts: Rows, registrations: Rows, facts: Facts, place: NDArray[np.intp], verdicts: Verdicts
) -> None:
    rows = registrations["row"]
    prefix = hashlib.sha256(b"worktab/receipt" + facts.domain)
    for at in np.flatnonzero(verdicts == Verdict.STORED).tolist():
        receipt, row = receipts[at].tobytes(), rows[place[at]]
        message, signature = receipt[32:136], receipt[136:]
        expected = prefix.copy()
        expected.update(receipt[:32] + row["index"].tobytes())
        if message[8:40] != expected.digest():
            verdicts[at] = Verdict.WRONG_CONTEXT
            continue
        verify, size = _VERIFY[int(row["key_kind"])]
        if not verify(row["key"].tobytes()[:size], message, signature):
            verdicts[at] = Verdict.BAD_SIGNATURE
