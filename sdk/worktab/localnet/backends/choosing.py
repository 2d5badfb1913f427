"""Which node to run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from worktab.core.errors import InputError
from worktab.localnet.backends.base import Backend
from worktab.localnet.backends.built import Built
from worktab.localnet.backends.surfpool import Surfpool
from worktab.localnet.backends.validator import Validator
from worktab.localnet.building import build, built_node
from worktab.localnet.errors import ToolMissing
from worktab.localnet.options import AUTO, BUILT, SURFPOOL, VALIDATOR, Report

NODE_VARIABLE = "WORKTAB_LOCALNET_NODE"
"""Names a ready-built node of Worktab's own, which is used as it is."""


def choose(node: str, report: Report, *, keeps: bool = False) -> Backend:
    """The node that `Options.node` means; builds Worktab's own if that is wanted and missing.

    keeps  whether the chain is to outlive the node, of which not all are capable

    Raises `InputError` for a name or path of no node, `ToolMissing` for one that is not installed, and what `build`
    raises.
    """
    if node == AUTO:
        return _first_found(keeps) or Built(build(report))
    if node == BUILT:
        return Built(_ready_built() or build(report))
    if node in (SURFPOOL, VALIDATOR):
        found = _installed(node)
        if found is None:
            raise ToolMissing(f"{node} is not on PATH", next_step="Install it, or take --node built")
        return found
    if os.sep in node:
        return _at(Path(node).expanduser())
    raise InputError(
        "There is no such node",
        expected=f"{AUTO}, {BUILT}, {SURFPOOL}, {VALIDATOR} or the path of a program",
        got=repr(node),
    )


def builds(node: str, *, keeps: bool = False) -> bool:
    """Whether `choose` would have to build Worktab's own node for this name. Raises `InputError` as it does."""
    return (node == AUTO and _first_found(keeps) is None) or (node == BUILT and _ready_built() is None)


def _first_found(keeps: bool) -> Backend | None:
    if (ready := _ready_built()) is not None:
        return Built(ready)
    found = (_installed(name) for name in (SURFPOOL, VALIDATOR))
    return next((each for each in found if each is not None and (each.keeps_chains or not keeps)), None)


def _ready_built() -> Path | None:
    named = os.environ.get(NODE_VARIABLE)
    if named:
        return _program(Path(named).expanduser(), NODE_VARIABLE)
    return built_node()


def _installed(name: str) -> Backend | None:
    found = shutil.which(name)
    return None if found is None else _at(Path(found))


def _at(path: Path) -> Backend:
    """The node that a program's name says it is."""
    program = _program(path, "node")
    if program.name.startswith(SURFPOOL):
        return Surfpool(program)
    return Validator(program) if "test-validator" in program.name else Built(program)


def _program(path: Path, name: str) -> Path:
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise InputError(f"{name} does not name a program", expected="the path of an executable file", got=str(path))
    return path.absolute()
