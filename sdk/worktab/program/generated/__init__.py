"""The typed client of the program.

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

__all__ = ["PROGRAM_ID"]

PROGRAM_ID: Final = Pubkey.from_string("WTabQ1vSgsr1n9fYZDaPqkbPrFovTkrLZkNzBRPJSPc")
"""The program's address where it is deployed under its own; every builder takes another."""
