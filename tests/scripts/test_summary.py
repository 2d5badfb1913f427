"""The closing line of `scripts/test`: it adds up every runner, and no failure gets lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SUMMARY = Path(__file__).parents[2] / "scripts" / "lib" / "summary.py"

CARGO = """
running 3 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 2 tests
test result: {verdict}. 1 passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
<testsuite name="pytest" errors="{errors}" failures="{failures}" skipped="2" tests="10" time="1.0"></testsuite>
</testsuites>"""


def summary(folder: Path, **files: str) -> tuple[int, str]:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    done = subprocess.run([sys.executable, SUMMARY, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_all_runners_are_added_up(tmp_path: Path) -> None:
    outcome = summary(
        tmp_path,
        checks="Program passed\nJobs passed\n",
        cargo=CARGO.format(verdict="ok", failed=0),
        embedded_xml=PYTEST.format(errors=0, failures=0),
        localnet_xml=PYTEST.format(errors=0, failures=0),
    )
    assert outcome == (0, "22 passed, 0 failed, 5 skipped\n")


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"checks": "Program failed\nJobs passed\n"}, "1 passed, 1 failed\n"),
        ({"cargo": CARGO.format(verdict="FAILED", failed=2), "cargo_failed": ""}, "4 passed, 2 failed, 1 skipped\n"),
        ({"pytest_xml": PYTEST.format(errors=1, failures=2), "pytest_failed": ""}, "5 passed, 3 failed, 2 skipped\n"),
        (
            {"checks": "Program passed\n", "cargo": "error: could not compile", "cargo_failed": ""},
            "1 passed, 1 failed\n",
        ),
        ({"pytest_xml": PYTEST.format(errors=0, failures=0), "pytest_failed": ""}, "8 passed, 1 failed, 2 skipped\n"),
        ({"checks": "Program passed\n", "pytest_failed": ""}, "1 passed, 1 failed\n"),
        (
            {"embedded_xml": PYTEST.format(errors=0, failures=0), "localnet_failed": "", "anchorpy_failed": ""},
            "8 passed, 2 failed, 2 skipped\n",
        ),
        ({}, "0 passed, 0 failed\n"),
    ],
    ids=[
        "a check",
        "cargo",
        "pytest",
        "does not compile",
        "pytest's exit code",
        "pytest wrote nothing",
        "of several runs",
        "nothing ran",
    ],
)
def test_a_failure_fails_the_whole(tmp_path: Path, files: dict[str, str], line: str) -> None:
    assert summary(tmp_path, **files) == (1, line)
