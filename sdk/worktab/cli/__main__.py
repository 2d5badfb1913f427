"""`python -m worktab.cli`."""

from worktab.cli.main import run

run()
