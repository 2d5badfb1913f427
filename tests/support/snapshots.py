"""The whole state of a chain, to be compared as one value."""

from __future__ import annotations

from typing import Final, TypeAlias

from solders.pubkey import Pubkey

from support.svm import Svm
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID

Snapshot: TypeAlias = dict[Pubkey, tuple[int, bytes]]
"""Lamports and data by address."""

_PROGRAMS: Final = (PROGRAM_ID, TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)


def snapshot(svm: Svm) -> Snapshot:
    """Every account of Worktab and of both token programs."""
    return {
        address: (account.lamports, account.data)
        for program in _PROGRAMS
        for address, account in svm.runtime.get_program_accounts(program)
    }
