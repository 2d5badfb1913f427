"""Account references of instructions."""

from __future__ import annotations

from solders.instruction import AccountMeta
from solders.pubkey import Pubkey


def optional_account(address: Pubkey | None, program_id: Pubkey, *, is_signer: bool, is_writable: bool) -> AccountMeta:
    """A reference to an account that may be left out: the program's own id, read-only, stands for none."""
    if address is None:
        return AccountMeta(program_id, is_signer=False, is_writable=False)
    return AccountMeta(address, is_signer=is_signer, is_writable=is_writable)
