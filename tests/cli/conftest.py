"""What the tests of the command share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.fleet import TIMING
from support.served import served
from worktab.cli import connecting
from worktab.roles import submitting
from worktab.roles.base import program_sender


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """A user of a new network, on a machine whose clock is the chain's, and who looks at it more often than most."""
    with served(worktab_chain) as network:
        monkeypatch.setattr(submitting, "time", network)
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        yield Cli(network, tmp_path)
