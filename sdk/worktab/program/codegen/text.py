"""Pieces of Python text that every generated module is put together from."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120


def module(title: str, imports: str, names: Iterable[str], blocks: Iterable[str]) -> str:
    """A module: docstring, imports, sorted `__all__`, and the blocks."""
    head = [
        f'"""{title}\n\nGenerated from worktab.json by `scripts/generate-client`; edits are overwritten.\n"""',
        "from __future__ import annotations",
        imports,
        "\n".join(["__all__ = [", *(f'    "{name}",' for name in sorted(names, key=sort_key)), "]"]),
    ]
    return "\n\n".join(head) + "\n\n" + "".join(f"{block}\n\n" for block in blocks).rstrip("\n") + "\n"


def docstring(docs: Sequence[str], fallback: str = "") -> str:
    """A docstring of the IDL's doc lines, wrapped, with paragraphs kept; empty where there is nothing to say."""
    text = "\n".join(docs).strip() or fallback
    if not text:
        return ""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    if len(paragraphs) == 1 and len(text) + 10 <= WIDTH:
        return f'    """{paragraphs[0]}"""'
    lines = "\n\n".join(textwrap.fill(part, WIDTH - 7) for part in paragraphs)
    return textwrap.indent(f'"""{lines}\n"""', "    ")


def attribute(declaration: str, docs: Sequence[str]) -> list[str]:
    """Lines of a dataclass field, with its docstring and a blank line after that where it has one."""
    text = docstring(docs)
    return [f"    {declaration}", text, ""] if text else [f"    {declaration}"]


def sort_key(name: str) -> tuple[bool, bool, list[str | int]]:
    """Orders names as linters do: constants, classes, functions; numbers inside names by their value."""
    parts = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
    return not name.isupper(), name.islower(), parts


def snake_case(name: str) -> str:
    """`RewardLimited` as `reward_limited`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def camel_case(name: str) -> str:
    """`submit_receipt` as `SubmitReceipt`."""
    return "".join(part.capitalize() for part in name.split("_"))


def identifier(name: str) -> str:
    """`name`, or `name_` where Python keeps the word to itself."""
    return f"{name}_" if keyword.iskeyword(name) else name
