"""A machine that can start no process to compile a module blames nobody, and forgets it as soon as it can."""

from __future__ import annotations

import errno
import subprocess
from typing import Any

import pytest

from support.disputes import Court
from support.jobs import module
from worktab.roles.accusations import DisputeFinding
from worktab.trust.attesting import DisputeAction

LARGE = module("(drop (i32.const 0))" * 1_000 + "(i64.const 0)")


async def test_a_machine_without_room_for_a_process_finds_nothing_and_looks_again(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, other = await court.device(), await court.consumer()
    entry = device.worker.claim(module=device.worker.blobs.put(LARGE))
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    attestor = court.attestor(0)

    def no_room(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", no_room)
        [done] = await attestor.look()
    assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    assert done.detail.startswith("this attestor's own trouble: no process can be started to compile")
    await court.go_to(0.1)
    [done] = await attestor.look()
    assert done.finding is DisputeFinding.DIFFERS
