"""Worktab: machines get paid for work they can prove.

Import what you need from the subpackages: `worktab.core` (pure codecs), `worktab.chain` (embedded and RPC chains),
`worktab.roles` (operator, owner, device) and `worktab.work` (spool, meters, WASM jobs).
"""

__version__ = "0.1.0"
