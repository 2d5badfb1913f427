"""Who is claimed for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from worktab.core._checks import uint
from worktab.epochs.proofs.pages import PayeePage
from worktab.program.generated.accounts import Page
from worktab.roles.root_proofs import RootProof

_LAMPORTS: Final = 10**9

FEE: Final = 5_000
"""Lamports of a transaction with one signature; at large trees a claim takes one of its own."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom a sponsor claims for.

    at_least         base units that a payee must be owed at least
    price            base units of the network's token that one SOL costs; with it, only those are claimed for who are
                     owed more than the fee. 0 leaves the fee out of it
    create_accounts  whether to make token accounts that are missing; each costs the sponsor rent, which is then the
                     wallet's

    Raises `InputError` for a number that is no u64.
    """

    at_least: int = 1
    price: int = 0
    create_accounts: bool = False

    def __post_init__(self) -> None:
        uint(self.at_least, 64, "least amount")
        uint(self.price, 64, "price")

    @property
    def least(self) -> int:
        """Base units that a payee must be owed to be claimed for."""
        above_fee = FEE * self.price // _LAMPORTS + 1 if self.price else 1
        return min(max(self.at_least, above_fee), (1 << 64) - 1)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The payees of a page who are claimed for.

    open      whether the page's account is open
    rows      their rows on the page
    amounts   what each is owed, base units
    below     payees who are owed something, but too little
    """

    page: PayeePage
    open: bool
    rows: NDArray[Any]
    amounts: NDArray[Any]
    below: int

    @property
    def proofs(self) -> list[RootProof]:
        """Their proofs."""
        return [self.page.proof(self.page.first + row) for row in self.rows.tolist()]


def choose(page: PayeePage, account: Page | None, least: int) -> Chosen:
    """Who of a page is owed at least so much, by the watermarks in its account."""
    rewards = page.rows["reward"]
    claimed = np.zeros(len(rewards), "<u8")
    if account is not None:
        claimed = np.array(account.claimed[: len(rewards)], "<u8")
    due = np.where(rewards > claimed, rewards - claimed, np.uint64(0))
    rows = np.flatnonzero(due >= np.uint64(least))
    return Chosen(page, account is not None, rows, due[rows], int(np.count_nonzero(due)) - len(rows))
