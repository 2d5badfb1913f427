"""What the tests of the command share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Cli
from support.served import served
from worktab.roles import submitting


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """A user of a new network, on a machine whose clock is the chain's."""
    with served() as network:
        monkeypatch.setattr(submitting, "time", network)
        yield Cli(network, tmp_path)
