"""The client of a small made-up program that has every form an IDL may have, generated into a folder and imported."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from worktab.program.codegen.client import render, write
from worktab.program.codegen.idl import Idl, parse

IDL_PATH = Path(__file__).parent.parent / "program" / "small.json"


def idl_data() -> dict[str, Any]:
    """The small program's IDL as JSON, to be altered at will."""
    data: dict[str, Any] = json.loads(IDL_PATH.read_text())
    return data


def idl() -> Idl:
    return parse(idl_data())


def import_client(folder: Path, name: str = "small_client") -> dict[str, ModuleType]:
    """The generated client's modules by name, freshly written into `folder`."""
    write(render(idl()), folder)
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    names = ("types", "accounts", "instructions", "events", "errors")
    return {"package": package} | {each: importlib.import_module(f"{name}.{each}") for each in names}
