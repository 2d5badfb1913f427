"""Address lookup tables written straight into a chain."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

from solders.address_lookup_table_account import ID as LOOKUP_PROGRAM
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from support.svm import Svm

_TABLE, _NEVER = 1, (1 << 64) - 1


def lookup_table(svm: Svm, addresses: Sequence[Pubkey]) -> AddressLookupTableAccount:
    """A table of these addresses that has stood since the first slot."""
    table = svm.keypair().pubkey()
    head = pack("<IQQBB32sH", _TABLE, _NEVER, 0, 0, 1, bytes(svm.payer.pubkey()), 0)
    svm.set_account(table, head + b"".join(bytes(each) for each in addresses), LOOKUP_PROGRAM)
    return AddressLookupTableAccount(table, list(addresses))
