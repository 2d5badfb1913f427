"""Mutants tried by the Rust tests, on the machine itself."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .find import Mutant
from .workspace import SOURCE, Workspace

# Money and validation.
PARTS = ("domain", "wire", "token", "state")
# Seconds of a core, so that a busy machine notices no more than an idle one. One that runs for ever is noticed as well.
LIMIT = 60
# Few random cases: what is noticed should not be left to luck. And no words about what fails.
TESTING = {"PROPTEST_CASES": "128", "RUST_BACKTRACE": "0"}


class Host:
    """One build of all tests with all mutants in, each switched on by an environment variable."""

    def __init__(self, workspace: Workspace, target: Path, stable: str) -> None:
        self._workspace, self._target = workspace, target
        self._tests = [f"+{stable}", "test", "--locked", "--package", "worktab", "--lib", "--tests"]
        self._binaries = target / "mutated"

    def outcomes(self, found: list[Mutant]) -> Iterator[tuple[Mutant, str]]:
        """`caught`, `missed` or `unviable` for each mutant."""
        constant = [mutant for mutant in found if self._workspace.is_constant(mutant)]
        switched = {n: mutant for n, mutant in enumerate(found, 1) if mutant not in set(constant)}
        build = [*self._tests, "--no-run", "--message-format=json", "--quiet"]
        left, said = self._workspace.plant(switched, build, self._target)
        self._keep(said)
        if not self._pass(0):
            raise SystemExit("error: the Rust tests fail without any mutant")
        for number, mutant in switched.items():
            if number not in left:
                yield mutant, "unviable"
            else:
                yield mutant, "missed" if self._pass(number) else "caught"
        for mutant in constant:
            self._workspace.replace(mutant)
            built, said = self._workspace.cargo(build, self._target)
            if built:
                self._keep(said)
            yield mutant, "unviable" if not built else "missed" if self._pass(0) else "caught"
        self._workspace.replace(None)

    def _keep(self, said: list[dict]) -> None:
        shutil.rmtree(self._binaries, ignore_errors=True)
        self._binaries.mkdir(parents=True)
        for message in said:
            if message.get("executable") and message["profile"]["test"]:
                shutil.copy(message["executable"], self._binaries)

    def _pass(self, number: int) -> bool:
        env = os.environ | TESTING | {"MUTANT": str(number)}
        package = self._workspace.path / SOURCE.parent
        for binary in sorted(self._binaries.iterdir(), key=lambda path: path.stat().st_size):
            if subprocess.run([binary, "-q"], cwd=package, env=env, capture_output=True, preexec_fn=_limit).returncode:
                return False
        return True


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
