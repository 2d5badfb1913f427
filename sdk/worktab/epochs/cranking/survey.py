"""What claiming for everyone would do and cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run would do.

    epoch      whose root would be claimed from; None without a final root
    payees     owed enough by the root, and `by_root` base units of it
    wallets    owed enough through devices' accounts, and `by_devices` base units of it, fee and burn not taken off
    below      payees of the root that are owed too little
    pages      to be opened at most, at `page_rent` lamports of rent, which stay there for good
    fees       lamports of fees at most, priority fees and token accounts not counted
    """

    epoch: int | None
    payees: int
    by_root: int
    wallets: int
    by_devices: int
    below: int
    pages: int
    page_rent: int
    fees: int
