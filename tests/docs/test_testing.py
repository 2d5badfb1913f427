"""What README and docs/localnet.md say about testing an app is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from worktab.testing import fixtures

ROOT = Path(__file__).parents[2]
LINES = re.findall(r"^scripts/python (-m pytest .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", [*LINES, f"{LINES[0]} -o asyncio_mode=strict"])
def test_the_printed_test_runs_pass(line: str) -> None:
    """Also where pytest-asyncio is as it comes, as in a project of somebody else's."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "sdk")}
    ran = subprocess.run(
        [sys.executable, *line.split(), "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^1 passed in ", ran.stdout, re.MULTILINE)


def test_the_example_is_run_on_both_chains() -> None:
    assert LINES == [
        "-m pytest examples/test_my_app.py",
        "-m pytest examples/test_my_app.py --worktab-chain=localnet",
    ]


def test_every_fixture_is_told_of() -> None:
    told = re.findall(r"^\| (`worktab_.*?) \|", (ROOT / "docs" / "localnet.md").read_text(), re.MULTILINE)
    names = {name.strip("` ") for row in told for name in row.split(",")}
    assert names == {name for name in vars(fixtures) if name.startswith("worktab_")}
