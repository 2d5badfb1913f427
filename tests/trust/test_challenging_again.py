"""A challenge that is run again, and what a challenger would lose by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.disputes import DEPOSIT, TAB, VERIFIER, Court
from worktab.epochs.attesting.sampler import MOST_UNITS
from worktab.roles.accusations import OpenOutcome
from worktab.trust.accusing import accuse
from worktab.trust.challenging import examine, examine_bought
from worktab.trust.errors import AnotherDisputed
from worktab.trust.published import open_published


async def test_another_sample_opens_no_second_dispute(court: Court, tmp_path: Path) -> None:
    device, one, other = await court.device(), await court.consumer(), await court.consumer()
    for number in range(2):
        device.worker.claim(b"%d" % number, output=bytes(32))
    await court.fleet.next_epoch()
    await court.submit(device)
    view, challenger = await device.device.view(), court.challenger(one)
    with open_published([device.worker.bundle(tmp_path)]) as published:
        first, second = (
            examine(published, VERIFIER, sample=lambda entry, seq=seq: entry.seq == seq)  # type: ignore[misc]
            for seq in (1, 2)
        )
        found = await accuse(challenger, published, first, view)
        assert found.evidence is not None
        await challenger.open(device.address, found.evidence)
        with pytest.raises(AnotherDisputed, match="Job 1 of the device is disputed already"):
            await accuse(challenger, published, second, view)
        assert await court.balance(one) == TAB - DEPOSIT
        # By name it may be, and by anybody else.
        for who, only in ((challenger, 2), (court.challenger(other), None)):
            assert (await accuse(who, published, second, view, only=only)).suspect.seq == 2
        named = await accuse(challenger, published, second, view, only=2)
        assert named.evidence is not None
        assert (await challenger.open(device.address, named.evidence)).outcome is OpenOutcome.OPENED


@pytest.mark.parametrize("look", [examine, examine_bought])
def test_no_more_is_run_than_attestors_run(look: Any) -> None:
    """A dispute that they leave to others costs a tenth of the deposit."""
    assert look.__kwdefaults__["max_units"] == MOST_UNITS
