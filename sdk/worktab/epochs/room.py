"""How many payees a root may have: the program takes none with more, and a payee's position stays for ever."""

from __future__ import annotations

from typing import Final

import numpy as np

from worktab.epochs.data import EpochData
from worktab.epochs.matching import NONE, distinct, places
from worktab.ingest.kept import addresses
from worktab.ingest.rows import Rows

MOST_NEW_PAYEES: Final = 1 << 22
MOST_PAYEES: Final = 1 << 27


def most_payees(before: int) -> int:
    """The most payees of a root that follows one with so many."""
    return min(max(MOST_NEW_PAYEES, 2 * before), MOST_PAYEES)


def have_room(previous: EpochData | None, payouts: Rows) -> Rows:
    """Whether the next root has a position for each of these payout wallets. Where it has not for all, those that had
    one keep it, and of new ones the first in the order of their bytes get one."""
    held = np.zeros((0, 32), "u1") if previous is None else previous.payees["payout"]
    room = most_payees(len(held)) - len(held)
    if len(payouts) <= room:
        return np.ones(len(payouts), bool)
    wallets, of_wallet = distinct(addresses(payouts))
    new = np.flatnonzero(places(np.sort(addresses(held)), wallets) == NONE)
    fits = np.ones(len(wallets), bool)
    fits[new[room:]] = False
    found: Rows = fits[of_wallet]
    return found
