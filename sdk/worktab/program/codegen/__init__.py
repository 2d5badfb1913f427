"""Writes the typed client from the program's IDL: `python -m worktab.program.codegen`."""
