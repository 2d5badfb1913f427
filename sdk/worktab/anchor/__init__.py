"""Worktab for users of anchorpy: `pip install "worktab[anchor]"`; see docs/anchorpy.md.

    worktab = worktab.anchor.program(anchorpy.Provider.local())

client   the program, and what goes beside some of its instructions
calls    instructions out of accounts and arguments
coding   values as bytes
idl      the IDL in the old format, which anchorpy reads

anchorpy takes older releases of solana and solders than `worktab.chain` does. Where it is installed, `worktab.core`,
`worktab.program`, `worktab.work` and this package work; the chains, and what is built on them, raise `DependencyError`.
So does this package where anchorpy is not installed.
"""

from __future__ import annotations

from worktab.core.errors import DependencyError

try:
    from worktab.anchor.client import claimed_devices, program, signature_instruction
except ImportError as error:
    raise DependencyError(
        "anchorpy cannot be imported",
        got=str(error),
        next_step='Install it with Worktab in an environment of its own: pip install "worktab[anchor]"',
    ) from error

__all__ = ["claimed_devices", "program", "signature_instruction"]
