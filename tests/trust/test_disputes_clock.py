"""An attestor's clock, by which devices tell its requests from old ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from support.disputes import Court
from worktab.epochs.attesting.evidence import HttpEvidence, Wanted
from worktab.roles.accusations import DisputeFinding
from worktab.trust.attesting import DisputeAction

ROUNDS = (0.0, 0.3, 0.6, 0.8, 0.95)
"""Shares of the time at which a device that serves nothing would be asked often enough to be found to withhold."""


async def disputed(court: Court) -> None:
    """A device whose one record is disputed."""
    device, other = await court.device(), await court.consumer()
    [entry] = device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)


def late(court: Court) -> HttpEvidence:
    """Requests signed with a clock that is an hour late, which devices refuse."""
    [device] = court.devices
    return HttpEvidence(
        {device.address: device.url},
        attestor=court.keys[0],
        domain=court.domain,
        client=court.http,
        clock=lambda: time.time() - 3_600,
    )


async def test_an_attestor_whose_clock_is_wrong_blames_nobody(court: Court) -> None:
    await disputed(court)
    for share in ROUNDS:
        await court.go_to(share)
        now = await court.now()
        [done] = await court.attestor(0, late(court), clock=lambda now=now: now - 301).look()
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)
        assert done.detail.startswith("this attestor's own trouble: the clock of this machine is wrong")
    await court.go_to(0.99)
    assert (await court.look(0)).finding is DisputeFinding.AGREES


async def test_a_device_that_takes_its_time_to_refuse_makes_no_clock_wrong(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    await disputed(court)
    for share in ROUNDS:
        await court.go_to(share)
        passed = [await court.now()]
        source = late(court)
        fetch = source.fetch

        async def slow(wanted: Wanted, folder: Path, fetch: Any = fetch, passed: list[int] = passed) -> list[Path]:
            passed[0] += 301
            return cast("list[Path]", await fetch(wanted, folder))

        monkeypatch.setattr(source, "fetch", slow)
        [done] = await court.attestor(0, source, clock=lambda passed=passed: passed[0]).look()
    assert done.finding is DisputeFinding.WITHHELD


async def test_a_device_that_refuses_attestors_withholds_its_record(court: Court) -> None:
    """Whatever it says the reason is."""
    await disputed(court)
    for share in ROUNDS:
        await court.go_to(share)
        now = await court.now()
        [done] = await court.attestor(0, late(court), clock=lambda now=now: now + 300).look()
    assert done.finding is DisputeFinding.WITHHELD
    assert "takes this for no attestor's request" in done.detail
