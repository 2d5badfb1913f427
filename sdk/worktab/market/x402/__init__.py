"""Worktab as a scheme of the official `x402` package: `pip install "worktab[x402]"`; see docs/x402.md.

client       an x402 client pays out of a purse, within a budget
server       an x402 resource server asks for a device's work
facilitator  checks vouchers and charges what they pay for, in this process or behind HTTP
receipts     the work that x402's middleware sold, recorded and answered with the device's receipt

Without the x402 package this one raises `DependencyError`; nothing else of Worktab needs it.
"""

from __future__ import annotations

from worktab.core.errors import DependencyError

try:
    from worktab.market.x402.client import WorktabClientScheme
    from worktab.market.x402.facilitator import WorktabFacilitator, WorktabFacilitatorScheme
    from worktab.market.x402.receipts import ReceiptedWork
    from worktab.market.x402.server import WorktabServerScheme
except ImportError as error:
    raise DependencyError(
        "x402 cannot be imported",
        expected="x402 2.25 or newer, below 3",
        got=str(error),
        next_step='Install it with Worktab: pip install "worktab[x402]"',
    ) from error

__all__ = [
    "ReceiptedWork",
    "WorktabClientScheme",
    "WorktabFacilitator",
    "WorktabFacilitatorScheme",
    "WorktabServerScheme",
]
