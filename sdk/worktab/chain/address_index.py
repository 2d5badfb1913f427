"""Which transactions of an embedded chain name which address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from solders.address_lookup_table_account import AddressLookupTable
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.chain.protocol import HISTORY_PAGE, Logged
from worktab.core.errors import InputError


class AddressIndex:
    """The landed transactions of each address, in the order in which they landed."""

    def __init__(self, svm: LiteSVM) -> None:
        self._svm = svm
        self._landed: defaultdict[Pubkey, list[Logged]] = defaultdict(list)

    def add(self, message: Message | MessageV0 | MessageV1, logged: Logged) -> None:
        """Remember a transaction under every address that it names, directly or through a lookup table."""
        for address in {*message.account_keys, *self._looked_up(message)}:
            self._landed[address].append(logged)

    def page(self, address: Pubkey, before: Signature | None, until: Signature | None, limit: int) -> list[Logged]:
        """As `Chain.history`. Raises `InputError` for a limit that is out of range."""
        if not 1 <= limit <= HISTORY_PAGE:
            raise InputError("The limit is out of range", expected=f"1 to {HISTORY_PAGE}", got=str(limit))
        found: list[Logged] = []
        started = before is None
        for logged in reversed(self._landed.get(address, [])):
            if (logged.signature == until and started) or len(found) == limit:
                break
            if started:
                found.append(logged)
            started = started or logged.signature == before
        return found

    def _looked_up(self, message: Message | MessageV0 | MessageV1) -> Iterator[Pubkey]:
        if not isinstance(message, MessageV0):
            return
        for lookup in message.address_table_lookups:
            table = self._svm.get_account(lookup.account_key)
            if table is not None:
                addresses = AddressLookupTable.deserialize(table.data).addresses
                yield from (addresses[place] for place in (*lookup.writable_indexes, *lookup.readonly_indexes))
