"""python -m mutants.python ROOT WORKSPACE MUTMUT: mutants of the Python modules that work money out.

mutmut plants them into a copy of the package in WORKSPACE and tries each by the tests that reach it, in a fork.
MUTMUT is the folder that it is installed in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

TESTS = {
    "core/merkle.py": "tests/core/test_merkle.py",
    "core/money.py": "tests/core/test_money.py",
    "epochs/policy.py": "tests/epochs/test_policy.py",
    "market/pricing.py": "tests/market/test_pricing.py",
    "roles/accusations.py": "tests/roles/test_accusations.py",
    "roles/forecast.py": "tests/roles/test_forecast.py",
    "roles/sla_standing.py": "tests/roles/test_sla_standing.py",
    "trust/watching/deciding.py": "tests/trust/test_watch_rules.py tests/trust/test_watch_rules_disputes.py",
}
"""Modules, and the tests that must notice every mistake in them by themselves."""

NOTICED = {1, 3, -24, 24, 36, 152, 255}
"""How a fork of mutmut ends where a test failed, or pytest itself, or where they did not end in time."""


def lay_out(root: Path, workspace: Path) -> None:
    """A fresh copy of the package and the tests, and what mutmut reads."""
    shutil.rmtree(workspace, ignore_errors=True)
    caches = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(root / "sdk/worktab", workspace / "worktab", ignore=caches)
    shutil.copytree(root / "tests", workspace / "tests", ignore=caches)
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(root / name, workspace)
    lists = {
        "source_paths": ["worktab"],
        "only_mutate": [f"worktab/{module}" for module in TESTS],
        "also_copy": ["conftest.py"],
        "pytest_add_cli_args_test_selection": " ".join(TESTS.values()).split(),
    }
    text = "".join(f"{name} =\n" + "".join(f"    {each}\n" for each in values) for name, values in lists.items())
    (workspace / "setup.cfg").write_text(f"[mutmut]\n{text}")


class Mutmut:
    """mutmut in a workspace."""

    def __init__(self, workspace: Path, installed: str) -> None:
        self._workspace = workspace
        # Not the package of the checkout: the mutants are in the copy.
        self._environment = os.environ | {"PYTHONPATH": installed}

    def run(self) -> None:
        """Tries all mutants, one at a time."""
        log = self._workspace / "log"
        try:
            log.write_text(self._mutmut("run", "--max-children", "1"))
        except subprocess.CalledProcessError as error:
            log.write_text(error.stdout + error.stderr)
            sys.exit(f"error: mutmut failed; {log} says why")

    def outcomes(self, module: str) -> dict[str, bool]:
        """Mutants of a module by their names, and whether a test noticed."""
        meta = json.loads((self._workspace / f"mutants/worktab/{module}.meta").read_text())
        return {name: code in NOTICED for name, code in meta["exit_code_by_key"].items()}

    def change(self, name: str) -> str:
        """What a mutant changes: the function, and its lines before and after."""
        lines = [line for line in self._mutmut("show", name).splitlines() if not line.startswith(("---", "+++"))]
        before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
        function = re.sub(r"^x_?|__mutmut_\d+$", "", name.rpartition(".")[2]).replace("ǁ", ".").strip(".")
        return f"{function}: {before} -> {after}"

    def _mutmut(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "mutmut", *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=self._workspace, env=self._environment
        ).stdout


def main() -> None:
    root, workspace, installed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    folder = root / "tests/mutation"
    listed = tomllib.loads((folder / "survivors-python.toml").read_text())["survivor"]
    reasons = [(re.compile(pattern), each["reason"]) for each in listed for pattern in each["mutants"]]
    lay_out(root, workspace)
    mutmut = Mutmut(workspace, installed)
    mutmut.run()

    modules, survivors = {}, []
    for module in TESTS:
        outcomes = mutmut.outcomes(module)
        modules[module] = {"mutants": len(outcomes), "caught": sum(outcomes.values())}
        for name in (name for name, noticed in outcomes.items() if not noticed):
            key = f"{module}: {mutmut.change(name)}"
            reason = next((reason for pattern, reason in reasons if pattern.search(key)), None)
            survivors.append({"mutant": key, "reason": reason})
            print(f"survived: {key}\n          {reason or 'no reason listed'}")
    (folder / "python.json").write_text(json.dumps({"modules": modules, "survivors": survivors}, indent=2) + "\n")
    mutants, caught = (sum(each[what] for each in modules.values()) for what in ("mutants", "caught"))
    print(f"{caught} of {mutants} caught")
    if unexplained := sum(survivor["reason"] is None for survivor in survivors):
        sys.exit(f"error: {unexplained} survivors have no reason in tests/mutation/survivors-python.toml: test them")


if __name__ == "__main__":
    main()
