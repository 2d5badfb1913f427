"""Adds up what the test runners left in a folder, prints `N passed, M failed[, K skipped]`, and fails if any did.

The folder may hold `checks` (lines that end in "passed" or "failed"), `cargo` (cargo test's output) and a JUnit file
`RUN.xml` of each run of pytest, and `cargo.failed` and `RUN.failed` where the runner's exit code said so.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

CARGO_LINE = re.compile(r"^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE)


def from_checks(folder: Path) -> Counter[str]:
    path = folder / "checks"
    return Counter(line.split()[-1] for line in path.read_text().splitlines()) if path.exists() else Counter()


def from_cargo(folder: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    path = folder / "cargo"
    for passed, failed, skipped in CARGO_LINE.findall(path.read_text()) if path.exists() else ():
        counts.update(passed=int(passed), failed=int(failed), skipped=int(skipped))
    return counts


def from_pytest(path: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    # The file is written by our own pytest a moment earlier.
    for suite in ElementTree.parse(path).iter("testsuite") if path.exists() else ():
        total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        counts.update(passed=total - failed - skipped, failed=failed, skipped=skipped)
    return counts


def with_exit(folder: Path, runner: str, counts: Counter[str]) -> Counter[str]:
    """A runner that failed without naming a test (it did not compile, found none, was killed) counts as one failure."""
    if (folder / f"{runner}.failed").exists() and counts["failed"] == 0:
        counts["failed"] = 1
    return counts


def main(folder: Path) -> int:
    counts = from_checks(folder)
    counts += with_exit(folder, "cargo", from_cargo(folder))
    # A run that failed before it wrote a report left nothing but its failure.
    for run in sorted({path.stem for path in folder.iterdir() if path.suffix in (".xml", ".failed")} - {"cargo"}):
        counts += with_exit(folder, run, from_pytest(folder / f"{run}.xml"))
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    if counts["skipped"]:
        line += f", {counts['skipped']} skipped"
    sys.stdout.write(line + "\n")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
