"""Worktab for users of anchorpy. Needs the `anchor` extra; see docs/localnet.md."""
