"""What the tests of disputes share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.disputes import Court
    from support.fleet import StartFleet


@pytest.fixture
async def court(start_fleet: StartFleet, tmp_path: Path) -> AsyncIterator[Court]:
    """A network with three attestors that takes disputes."""
    # Not above: pytest takes over the signals that WebAssembly needs only after this file is read.
    from support.disputes import Court

    async with AsyncExitStack() as stack:
        made = Court(tmp_path, stack)
        yield await made.join(await start_fleet(**made.plan))
        await made.check()
