"""Refuses releases of solders that are too old for the chains, before anything half works with them.

Import it ahead of solders and solana. solana and solders follow each other closely, so one of them tells of both.
"""

from __future__ import annotations

from typing import Final

import solders

from worktab.core.errors import DependencyError

OLDEST: Final = (0, 29)
"""The first release of solders whose runtime runs the program."""

if tuple(int(part) for part in solders.__version__.split(".")[:2]) < OLDEST:
    raise DependencyError(
        "solders is too old for the chains of worktab",
        expected=".".join(str(part) for part in OLDEST) + " or newer",
        got=solders.__version__,
        next_step="Upgrade solana and solders. Where anchorpy holds them back, use worktab.anchor, and install worktab "
        "without anchorpy in another environment",
    )
