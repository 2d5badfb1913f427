"""When devices submit: in every epoch, each at a moment of its own."""

from __future__ import annotations

from hashlib import sha256

import pytest

from worktab.ingest.timing import submission_at

START = 1_800_000_007
DEVICES = [sha256(b"%d" % number).digest() for number in range(1_000)]


def test_moments_are_spread_over_the_end_of_the_epoch() -> None:
    moments = sorted(submission_at(each, START, 3_600, START) - START for each in DEVICES)
    assert 3_600 - 360 <= moments[0] < 3_600 - 340
    assert 3_600 - 80 < moments[-1] < 3_600 - 60
    assert max(moments.count(each) for each in moments) < 20


@pytest.mark.parametrize("length", [1, 2, 59, 60, 3_600, 86_400])
def test_every_epoch_has_one_moment_of_each_device(length: int) -> None:
    for device in DEVICES[:20]:
        now, seen = START, []
        for _ in range(5):
            now = submission_at(device, START, length, now)
            seen.append((now - START) // length)
        assert seen == list(range(seen[0], seen[0] + 5))
        assert seen[0] in (0, 1)


def test_before_the_network_began_its_first_epoch_counts() -> None:
    assert START < submission_at(DEVICES[0], START, 3_600, 0) < START + 3_600
