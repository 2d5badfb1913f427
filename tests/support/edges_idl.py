"""Every whole number that the program's IDL lets a caller choose, by its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from worktab.program.artefacts import program_idl


def number_arguments(kind: str) -> set[str]:
    """The paths of all instruction arguments of one integer type, such as `deposit.amount` or
    `create_network.terms.classes.rate`; those inside options, lists and structs among them."""
    idl = program_idl()
    types = {each["name"]: each["type"] for each in idl["types"]}
    return {
        f"{instruction['name']}.{path}"
        for instruction in idl["instructions"]
        for argument in instruction["args"]
        for path in _paths(argument["name"], argument["type"], kind, types)
    }


def _paths(path: str, type_: Any, kind: str, types: dict[str, Any]) -> Iterator[str]:
    if type_ == kind:
        yield path
    elif isinstance(type_, dict):
        if "defined" in type_:
            for field in types[type_["defined"]["name"]].get("fields", []):
                yield from _paths(f"{path}.{field['name']}", field["type"], kind, types)
        for wrapper in ("option", "vec"):
            if wrapper in type_:
                yield from _paths(path, type_[wrapper], kind, types)
        if "array" in type_:
            yield from _paths(path, type_["array"][0], kind, types)
