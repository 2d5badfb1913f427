"""Says at the end of a run how many attacks were made, and of which kinds; also where xdist spread them."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

PROPERTY: Final = "adversarial"
"""The property by which a test says what kind of attack it made."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    kinds = Counter(
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    )
    if kinds:
        terminalreporter.section("attacks on accounts and instruction data")
        for kind, count in kinds.most_common():
            terminalreporter.line(f"{count:6,}  {kind}")
        terminalreporter.line(f"{kinds.total():6,}  in all")
