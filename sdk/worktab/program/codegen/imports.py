"""Import lines for what a generated module's text names."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Sequence

from worktab.program.codegen.text import WIDTH, sort_key

_INTEGERS = [f"{sign}{bits}" for sign in "IU" for bits in (8, 16, 32, 64)]
_SOURCES = {
    "collections.abc": ["Sequence"],
    "dataclasses": ["dataclass"],
    "typing": ["ClassVar", "Final"],
    "solders.instruction": ["AccountMeta", "Instruction"],
    "solders.pubkey": ["Pubkey"],
    "worktab.program.codec": [*_INTEGERS, "ADDRESS", "BOOL", "BYTES", "Array", "FixedBytes", "Option", "Vec"],
    ".": ["PROGRAM_ID"],
    "worktab.program.metas": ["optional_account"],
    "worktab.program.program_error": ["ProgramError"],
    "worktab.program.structs": ["Account", "Event", "Fields", "Nested", "Struct"],
}
_GROUPS = {"solders": 1, "worktab": 2, "": 3}
_TYPES = ".types"


def import_lines(blocks: Sequence[str], shared: Iterable[str] = ()) -> str:
    """Imports of all that the blocks name, by group: standard library, solders, Worktab, the client itself.

    `shared` are names in the client's module of types.
    """
    nodes = ast.walk(ast.parse("\n".join(blocks)))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    sources = _SOURCES | {_TYPES: list(shared)}
    groups: dict[int, list[str]] = defaultdict(list)
    for source in sorted(sources):
        names = sorted(used.intersection(sources[source]), key=sort_key)
        if names:
            groups[_GROUPS.get(source.split(".")[0], 0)].append(_line(source, names))
    return "\n\n".join("\n".join(groups[group]) for group in sorted(groups))


def _line(source: str, names: list[str]) -> str:
    line = f"from {source} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {source} import (", *(f"    {name}," for name in names), ")"])
