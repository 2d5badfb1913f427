"""What works where anchorpy is installed, and how the rest says that it does not."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from worktab.core.errors import DependencyError

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk" / "worktab"
WORKING = ("core", "program", "work", "anchor")
REFUSED = ("chain.embedded", "chain.rpc", "chain.sending", "chain.building", "roles.operator", "demo.story", "localnet")


def modules(package: str) -> list[str]:
    found = sorted((SDK / package).rglob("*.py"))
    names = [path.relative_to(SDK.parent).with_suffix("").as_posix().replace("/", ".") for path in found]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def test_this_is_that_environment() -> None:
    assert version("anchorpy") == "0.21.0"
    assert version("solders").startswith("0.26.")


@pytest.mark.parametrize("package", WORKING)
def test_works(package: str) -> None:
    found = modules(package)
    assert found
    for name in found:
        importlib.import_module(name)


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(DependencyError) as caught:
        importlib.import_module(f"worktab.{name}")
    assert isinstance(caught.value, ImportError)
    assert caught.value.as_dict() == {
        "code": "dependency",
        "message": "solders is too old for the chains of worktab",
        "expected": "0.29 or newer",
        "got": version("solders"),
        "next_step": "Upgrade solana and solders. Where anchorpy holds them back, use worktab.anchor, and install "
        "worktab without anchorpy in another environment",
    }


def test_the_command_says_so_without_a_traceback() -> None:
    stats = [sys.executable, "-m", "worktab.cli", "stats", "11111111111111111111111111111111"]
    done = subprocess.run(stats, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == (
        f"error: solders is too old for the chains of worktab; expected 0.29 or newer; got {version('solders')}"
    )


def test_without_anchorpy() -> None:
    """The environment that starts the localnet has none."""
    tried = [os.environ["WORKTAB_PYTHON"], "-c", "import worktab.anchor"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "worktab.core.errors.DependencyError: anchorpy cannot be imported; got No module named 'anchorpy'. "
        'Install it with Worktab in an environment of its own: pip install "worktab[anchor]"'
    )


def test_types_fit_those_of_anchorpy() -> None:
    checked = [sys.executable, "-m", "mypy", "--no-error-summary", "sdk/worktab/anchor"]
    done = subprocess.run(checked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
