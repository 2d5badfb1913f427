"""Address lookup tables: accounts that let a transaction name another account with one byte in place of 32."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from solders.address_lookup_table_account import ID as LOOKUP_PROGRAM
from solders.address_lookup_table_account import (
    LOOKUP_TABLE_MAX_ADDRESSES,
    AddressLookupTable,
    AddressLookupTableAccount,
)
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateLookupTableParams,
    ExtendLookupTableParams,
    create_lookup_table,
    extend_lookup_table,
)
from solders.sysvar import SLOT_HASHES

from worktab.chain.protocol import Chain
from worktab.core.errors import ChainError, InputError

_NEWEST_SLOT = Struct("<QQ")  # how the sysvar begins: the number of its entries, and the slot of the first
_ADDRESSES_PER_INSTRUCTION = 25  # 800 bytes, beside two signatures, seven keys and the compute budget


async def create_table(chain: Chain, *, authority: Pubkey, payer: Pubkey) -> tuple[Instruction, Pubkey]:
    """An instruction that creates an empty table, and the table's address; `payer` signs.

    The address depends on a recent slot, which must be among the last 512 when the instruction lands.
    Raises `ChainError` if the node does not say which slots those are.
    """
    slot = await _recent_slot(chain)
    return create_lookup_table(
        CreateLookupTableParams(authority_address=authority, payer_address=payer, recent_slot=slot)
    )


async def _recent_slot(chain: Chain) -> int:
    """The newest slot whose hash programs can look up. The tip's own, even if it is final, is not there yet."""
    account = await chain.account(SLOT_HASHES)
    if account is None or len(account.data) < _NEWEST_SLOT.size:
        raise ChainError("The node does not show the SlotHashes sysvar")
    count, newest = _NEWEST_SLOT.unpack_from(account.data)
    if not count:
        raise ChainError("The chain has no finished slot yet", next_step="Try again in a second")
    return int(newest)


def extend_table(table: Pubkey, addresses: Sequence[Pubkey], *, authority: Pubkey, payer: Pubkey) -> list[Instruction]:
    """Instructions that append addresses to a table, each small enough for a transaction of its own.

    `authority` and `payer` sign. An added address can be used from the next slot on. Raises `InputError` for none, or
    for more than a table can hold.
    """
    if not 0 < len(addresses) <= LOOKUP_TABLE_MAX_ADDRESSES:
        raise InputError("A table takes from 1 to 256 addresses", got=str(len(addresses)))
    return [
        extend_lookup_table(
            ExtendLookupTableParams(
                lookup_table_address=table,
                authority_address=authority,
                payer_address=payer,
                new_addresses=list(addresses[start : start + _ADDRESSES_PER_INSTRUCTION]),
            )
        )
        for start in range(0, len(addresses), _ADDRESSES_PER_INSTRUCTION)
    ]


async def fetch_table(chain: Chain, address: Pubkey) -> AddressLookupTableAccount:
    """The table at an address, ready for a `Sender`. Raises `InputError` if there is none."""
    account = await chain.account(address)
    if account is None or account.owner != LOOKUP_PROGRAM:
        raise InputError(
            f"There is no address lookup table at {address}", got="another account" if account else "no account"
        )
    try:
        table = AddressLookupTable.deserialize(account.data)
    except ValueError as error:
        raise InputError(f"The lookup table at {address} is not initialized", got=str(error)) from error
    return AddressLookupTableAccount(address, table.addresses)
