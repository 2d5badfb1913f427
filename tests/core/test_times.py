"""Times as people read them."""

from __future__ import annotations

import pytest

from worktab.core.times import utc


@pytest.mark.parametrize(
    ("unix", "told"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (-1, "1969-12-31 23:59:59 UTC"),
        (1_795_426_211, "2026-11-23 09:30:11 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        (253_402_300_800, "253402300800"),
        (2**63 - 1, "9223372036854775807"),
    ],
)
def test_a_time_is_told_in_utc(unix: int, told: str) -> None:
    assert utc(unix) == told
