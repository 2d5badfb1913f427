"""Renders errors: a class for each, and the table by number."""

from __future__ import annotations

from worktab.program.codegen.idl import Idl
from worktab.program.codegen.imports import import_lines
from worktab.program.codegen.text import docstring, module, snake_case


def render_errors(idl: Idl) -> str:
    """The module of errors."""
    blocks = []
    for error in idl.errors:
        sentence = error.message if error.message.endswith(".") else f"{error.message}."
        lines = [
            f"class {error.name}(ProgramError):",
            docstring([sentence]),
            "",
            f'    code = "program.{snake_case(error.name)}"',
            f"    number = {error.number}",
            f'    name = "{error.name}"',
            f"    default_message = {_text(error.message)}",
        ]
        blocks.append("\n" + "\n".join(lines))
    listed = "".join(f"    {error.number}: {error.name},\n" for error in idl.errors)
    blocks.append(f'\nERRORS: Final[dict[int, type[ProgramError]]] = {{\n{listed}}}\n"""The errors by their number."""')
    names = [*(error.name for error in idl.errors), "ERRORS"]
    return module("Errors that the program returns.", import_lines(blocks), names, blocks)


def _text(message: str) -> str:
    escaped = message.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
