"""The whole client as files: rendering, writing and comparing."""

from __future__ import annotations

from pathlib import Path

from worktab.program.codegen.errors import render_errors
from worktab.program.codegen.idl import Idl
from worktab.program.codegen.instructions import render_instructions
from worktab.program.codegen.structs import render_accounts, render_events, render_types
from worktab.program.codegen.types import Types

_INIT = '''"""The typed client of the program.

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

__all__ = ["PROGRAM_ID"]

PROGRAM_ID: Final = Pubkey.from_string("{address}")
"""The program's address where it is deployed under its own; every builder takes another."""
'''


def render(idl: Idl) -> dict[str, str]:
    """The client's files: text by file name. Raises IdlError where the IDL holds what can't be rendered."""
    types = Types(idl)
    return {
        "__init__.py": _INIT.format(address=idl.address),
        "types.py": render_types(idl, types),
        "accounts.py": render_accounts(idl, types),
        "instructions.py": render_instructions(idl, types),
        "events.py": render_events(idl, types),
        "errors.py": render_errors(idl),
    }


def stale(files: dict[str, str], folder: Path) -> list[str]:
    """Names of files in `folder` that differ from `files`, are missing, or should not be there."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    return sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))


def write(files: dict[str, str], folder: Path) -> None:
    """Makes `folder` hold exactly `files`."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.py"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
