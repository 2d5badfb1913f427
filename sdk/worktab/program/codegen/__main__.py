"""Command line of the generator."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from worktab.program.codegen.client import render, stale, write
from worktab.program.codegen.idl import IdlError, load

PROGRAM = Path(__file__).parent.parent


def main() -> int:
    """Writes the client, or with --check only says whether it is what the IDL makes."""
    parser = argparse.ArgumentParser(
        prog="generate-client", description="Write the typed client from the program's IDL."
    )
    parser.add_argument("--idl", type=Path, default=PROGRAM / "worktab.json", help="the IDL (default: the package's)")
    parser.add_argument(
        "--out", type=Path, default=PROGRAM / "generated", help="folder to write (default: the package's)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file would change")
    arguments = parser.parse_args()
    try:
        files = render(load(arguments.idl))
    except IdlError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    changed = stale(files, arguments.out)
    if not arguments.check:
        write(files, arguments.out)
    elif changed:
        sys.stderr.write(f"not what the IDL makes: {', '.join(changed)}. Run scripts/generate-client\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
