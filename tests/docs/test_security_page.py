"""What SECURITY.md names is there: every test of every threat."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[1:] if not line.startswith("|---")]


THREATS, GRIEFING = rows("Threats"), rows("Griefing")


@pytest.mark.parametrize("row", THREATS, ids=[str(number) for number in range(len(THREATS))])
def test_every_threat_names_tests_that_are_there(row: list[str]) -> None:
    who, _, _, shown = row
    folder, named = "", re.findall(r"`([^`]+)`", shown)
    assert named, who
    for name in named:
        folder = str(Path(name).parent) if "/" in name else folder
        path = name if "/" in name else f"{folder}/{name}"
        assert list(ROOT.glob(path)), (who, path)


def test_every_attack_names_its_file() -> None:
    files = {row[-1].strip("`") for row in GRIEFING}
    assert not [name for name in files if not (ROOT / "tests" / "griefing" / f"test_grief_{name}.py").exists()]
    assert len(files) == 11
