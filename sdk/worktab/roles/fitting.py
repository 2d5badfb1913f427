"""How much fits into one transaction."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction

from worktab.chain.building import MOST_UNITS, compile_message
from worktab.chain.sending import Sender
from worktab.core.errors import InputError

MOST_ACCOUNTS: Final = 64
"""Accounts that a transaction may name, those of lookup tables included."""


def largest_fit(sender: Sender, build: Callable[[int], Sequence[Instruction]], most: int) -> int:
    """The largest count up to `most`, at least 1, whose instructions fit one transaction of `sender`.

    `build` makes the instructions for a count, and more of them for a larger one.
    """
    return max(1, bisect_right(range(1, most + 1), False, key=lambda count: not fits(sender, build(count))))


def fits(
    sender: Sender,
    instructions: Sequence[Instruction],
    *,
    tables: Sequence[AddressLookupTableAccount] | None = None,
) -> bool:
    """Whether instructions fit one transaction of `sender`, by its own lookup tables unless told others."""
    payer, tables = sender.fee_payer.pubkey(), sender.lookup_tables if tables is None else tables
    try:
        # With a price, which the sender may find that it must offer.
        message = compile_message(payer, instructions, tables, Hash.default(), limit=MOST_UNITS, price=1)
    except InputError:
        return False
    looked_up = sum(len(each.writable_indexes) + len(each.readonly_indexes) for each in message.address_table_lookups)
    return len(message.account_keys) + looked_up <= MOST_ACCOUNTS
