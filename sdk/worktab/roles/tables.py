"""Sending what fits one transaction only with a lookup table of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from worktab.chain.lookup import create_table, extend_table, fetch_table
from worktab.chain.sending import Confirmed, Sender
from worktab.core.errors import InputError, SimulationFailed
from worktab.roles.fitting import fits

_TRIES: Final = 40
_PAUSE: Final = 0.25


async def with_table(
    sender: Sender, addresses: Sequence[Pubkey], instructions: Sequence[Instruction], *, label: str
) -> Confirmed:
    """Send instructions after adding a new lookup table with these addresses to the sender's tables.

    The fee payer pays its rent, and can extend and close it. Raises `InputError`, before anything is sent, if the
    transaction would not fit even so.
    """
    payer = sender.fee_payer.pubkey()
    create, address = await create_table(sender.chain, authority=payer, payer=payer)
    planned = AddressLookupTableAccount(address, list(addresses))
    if not fits(sender, instructions, tables=[*sender.lookup_tables, planned]):
        raise InputError("This does not fit one transaction, not even with a lookup table", next_step="Split it")
    for each in [create, *extend_table(address, addresses, authority=payer, payer=payer)]:
        await sender.send([each], label="create table")
    sender.lookup_tables = [*sender.lookup_tables, await fetch_table(sender.chain, address)]
    for _ in range(_TRIES):
        try:
            return await sender.send(instructions, label=label)
        except SimulationFailed as error:
            # An address can be looked up from the slot after the one in which it was added.
            if "AddressLookupTable" not in str(error):
                raise
            await asyncio.sleep(_PAUSE)
    return await sender.send(instructions, label=label)
