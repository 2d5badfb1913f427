"""Mutants tried by the tests on the embedded chain: one program with all of them in, and a number in the binary."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .find import Mutant
from .plant import MARK
from .workspace import SOURCE, Workspace

PARTS = ("instructions",)
# Seconds.
LIMIT = 600
# Tests of each part of the program. What is not named here is tried with those of the hottest instructions.
TESTS = {
    "instructions/consumers/close_lane": ["consumers", "trust"],
    "instructions/consumers": ["consumers"],
    "instructions/devices": ["devices", "trust", "work"],
    "instructions/epochs": ["epochs"],
    "instructions/invoices": ["invoices"],
    "instructions/networks": ["networks"],
    "instructions/trust": ["trust"],
    "instructions/work": ["work"],
    "state/tab": ["consumers", "trust", "invoices"],
    "state/loading": ["consumers", "invoices", "trust", "work"],
    "state/lane": ["consumers"],
    "state/epoch": ["epochs"],
    "state/sla": ["trust"],
    "state/dispute": ["trust"],
    "state/ballot": ["trust"],
    "token/transfer": ["consumers", "work", "epochs", "networks"],
    "wire/merkle": ["epochs"],
}
HOTTEST = ["work", "consumers", "networks", "devices"]
# What counts compute units: the switches cost some.
COSTS = "cost"


class Chain:
    """A copy of the package and its tests, and a program that holds every mutant."""

    def __init__(self, root: Path, workspace: Workspace, cache: Path, nightly: str) -> None:
        self._workspace, self._cache = workspace, cache
        self._recipe = [sys.executable, str(root / "scripts/lib/build_sbf.py"), str(workspace.path), str(cache / "sbf")]
        self._nightly = nightly
        self._tree = cache / "package"
        shutil.rmtree(self._tree, ignore_errors=True)
        skipped = shutil.ignore_patterns("__pycache__", "target")
        for folder in ("sdk", "tests"):
            shutil.copytree(root / folder, self._tree / folder, ignore=skipped)
        for name in ("conftest.py", "pyproject.toml"):
            shutil.copy(root / name, self._tree / name)
        self._program = self._tree / "sdk/worktab/program/worktab.so"
        self._sound: set[Path] = set()

    def outcomes(self, found: list[Mutant], stable: str) -> Iterator[tuple[Mutant, str]]:
        """`caught`, `missed` or `unviable` for each mutant."""
        constant = [each for each in found if self._workspace.is_constant(each)]
        numbered = dict(enumerate((each for each in found if each not in set(constant)), 1))
        check = [f"+{stable}", "check", "--locked", "--package", "worktab", "--lib", "--message-format=json", "--quiet"]
        left, _ = self._workspace.plant(numbered, check, self._cache / "target")
        self._binary = self._built()
        if self._binary is None or self._binary.count(MARK) != 1:
            raise SystemExit("error: the program has no switch")
        self._import()
        for number, mutant in numbered.items():
            if number not in left:
                yield mutant, "unviable"
                continue
            files = self._files(mutant)
            self._switch(number)
            yield mutant, "missed" if _pass(mutant, files) else "caught"
        for mutant in constant:
            files = self._files(mutant)
            self._workspace.replace(mutant)
            if (binary := self._built()) is None:
                yield mutant, "unviable"
                continue
            self._program.write_bytes(binary)
            yield mutant, "missed" if _pass(mutant, files) else "caught"
        self._workspace.replace(None)

    def _built(self) -> bytes | None:
        """The program that the workspace's sources make; None where they do not compile."""
        built = self._cache / "mutated.so"
        ran = subprocess.run([*self._recipe, str(built), self._nightly], capture_output=True)
        return None if ran.returncode else built.read_bytes()

    def _import(self) -> None:
        """What every test needs is loaded once, and each run of the tests is a fork of this process."""
        os.chdir(self._tree)
        sys.path[:0] = [str(self._tree / "sdk"), str(self._tree / "tests")]
        import numpy  # noqa: F401
        import pytest  # noqa: F401
        import solders.litesvm  # noqa: F401

        import worktab.chain
        import worktab.core  # noqa: F401

    def _switch(self, number: int) -> None:
        at = self._binary.index(MARK) + len(MARK)
        self._program.write_bytes(self._binary[:at] + number.to_bytes(4, "little") + self._binary[at + 4 :])

    def _files(self, mutant: Mutant) -> list[Path]:
        """The tests to try a mutant with, which pass without any."""
        part = _part(mutant)
        folders = next((names for start, names in TESTS.items() if part.startswith(start)), HOTTEST)
        base = self._tree / "tests/program"
        files = [
            path for name in folders for path in sorted((base / name).rglob("test_*.py")) if COSTS not in path.name
        ]
        if new := [path for path in files if path not in self._sound]:
            self._switch(0)
            if not _run(new):
                raise SystemExit(f"error: the tests of {', '.join(folders)} fail without any mutant")
            self._sound.update(new)
        return files


def _part(mutant: Mutant) -> str:
    return mutant.file.removeprefix(f"{SOURCE}/")


def _pass(mutant: Mutant, files: list[Path]) -> bool:
    # Those named after the file first: most mutants are noticed there.
    own = [path for path in files if Path(_part(mutant)).stem in path.name]
    return all(_run(chosen) for chosen in (own, [path for path in files if path not in own]) if chosen)


def _run(files: list[Path]) -> bool:
    """Whether these tests pass, in a fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        import pytest

        os.setpgid(0, 0)
        os.close(reading)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        ignored = "ignore::pytest.PytestAssertRewriteWarning"
        os._exit(int(pytest.main(["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-W", ignored, *map(str, files)])))
    os.close(writing)
    until = time.monotonic() + LIMIT
    # Nothing is ever written: the pipe closes when the child and all it started have ended.
    ended, _, _ = select.select([reading], [], [], max(0, until - time.monotonic()))
    os.close(reading)
    if not ended:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if ended and code not in (0, 1, 2):
        raise SystemExit(f"error: pytest ended with {code}")
    return code == 0
