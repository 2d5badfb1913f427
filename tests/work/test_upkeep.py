"""Old backups, lost spools, and pruning: no second history, nothing counted twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from support.jobs import CONTEXT, DEVICE, SIGNER, chain, record, salt
from worktab.core.errors import InputError, StateError
from worktab.work.history import START, ChainState
from worktab.work.spool import Spool

NOW = 1_800_000_000


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool", device=DEVICE) as opened:
        yield opened


def fill(spool: Spool, first: int, last: int) -> ChainState:
    for number in range(first, last + 1):
        spool.append(record(number), salt(number), job_id=b"%d" % number)
    return spool.state()


def test_a_spool_restored_from_an_old_backup_signs_nothing_over_the_chain(tmp_path: Path) -> None:
    path, backup = tmp_path / "spool", tmp_path / "backup"
    with Spool.open(path, device=DEVICE) as spool:
        fill(spool, 1, 3)
    shutil.copy(path, backup)
    with Spool.open(path, device=DEVICE) as spool:
        on_chain = fill(spool, 4, 5)
        spool.sign_receipt(SIGNER, CONTEXT, NOW)

    with Spool.open(backup, device=DEVICE) as spool:
        with pytest.raises(StateError, match="restored from an old backup") as caught:
            spool.sign_receipt(SIGNER, CONTEXT, NOW, landed=on_chain)
        assert (caught.value.expected, caught.value.got) == ("at most job 3", "job 5")
        assert "adopt" in caught.value.next_step
        assert spool.pending_receipt() is None

        # Jobs done since, up to the same count and beyond it: another history.
        for number in (104, 105, 106):
            spool.append(record(number), salt(number), job_id=b"%d" % number)
            with pytest.raises(StateError):
                spool.sign_receipt(SIGNER, CONTEXT, NOW, landed=on_chain)
        with pytest.raises(StateError, match="the chain holds another history of this device at job 5") as caught:
            spool.confirm(on_chain)
        assert caught.value.got == f"50 units, head {on_chain.head.hex()}"

        before = list(spool.entries())
        assert spool.adopt(on_chain, last_time=NOW + 9) == 6
        assert spool.state() == spool.base() == spool.landed() == on_chain
        assert list(spool.entries()) == []
        assert spool.set_aside() == before
        # Whether job 2 or job 104 was paid cannot be known here, so neither is claimed again by accident.
        for number in (2, 104):
            with pytest.raises(StateError, match="was recorded before, and its entry is no longer here"):
                spool.append(record(number), salt(number), job_id=b"%d" % number)
            with pytest.raises(StateError, match="no longer here"):
                spool.find(b"%d" % number)
        new = spool.append(record(7), salt(1), job_id=b"7")
        assert [new] == chain([record(7)], on_chain)
        receipt = spool.sign_receipt(SIGNER, CONTEXT, NOW, landed=on_chain)
        assert (receipt.state, receipt.message.time) == (new.state, NOW + 9)


def test_a_lost_spool_continues_from_the_chain(spool: Spool) -> None:
    on_chain = ChainState(80, 1_000, sha256(b"head").digest())
    with pytest.raises(StateError, match="expected at most job 0; got job 80"):
        spool.confirm(on_chain)
    assert spool.adopt(on_chain, last_time=NOW) == 0
    assert fill(spool, 1, 1).seq == 81
    spool.confirm(on_chain)
    assert spool.landed() == on_chain


def test_adopting_a_known_state_changes_nothing_but_what_has_landed(spool: Spool) -> None:
    state = fill(spool, 1, 2)
    newest = fill(spool, 3, 4)
    spool.sign_receipt(SIGNER, CONTEXT, NOW)
    assert spool.adopt(state, last_time=NOW + 99) == 0
    assert (spool.landed(), spool.state(), spool.set_aside()) == (state, newest, [])
    assert spool.pending_receipt() is not None
    assert spool.adopt(START, last_time=0) == 0
    assert spool.landed() == state


def test_a_fork_below_the_newest_job_is_adopted_too(spool: Spool) -> None:
    fill(spool, 1, 5)
    spool.sign_receipt(SIGNER, CONTEXT, NOW)
    fork = ChainState(3, 77, sha256(b"fork").digest())
    with pytest.raises(StateError, match="another history of this device at job 3"):
        spool.confirm(fork)
    assert spool.adopt(fork, last_time=0) == 5
    assert spool.pending_receipt() is None
    # Numbers 4 and 5 are given out again; the old ids do not find them.
    fill(spool, 14, 15)
    assert (spool.state().seq, spool.state().units) == (5, 97)
    with pytest.raises(StateError, match="no longer here"):
        spool.find(b"4")


def test_an_older_state_than_the_base_is_not_adopted(spool: Spool) -> None:
    base = ChainState(80, 1_000, sha256(b"head").digest())
    spool.adopt(base, last_time=NOW)
    for old in (ChainState(79, 990, bytes(32)), ChainState(80, 1_000, bytes(32)), START):
        with pytest.raises(StateError, match="older than what this spool continues from"):
            spool.adopt(old, last_time=NOW)
    # A lagging node may show such a state; that alone is no reproach.
    spool.confirm(ChainState(79, 990, bytes(32)))
    assert spool.base() == base


def test_pruning_keeps_what_is_left_verifiable(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    expected = chain([record(number) for number in range(1, 11)])
    with Spool.open(path, device=DEVICE) as spool:
        fill(spool, 1, 6)
        receipt = spool.sign_receipt(SIGNER, CONTEXT, NOW)
        spool.mark_landed(6)
        fill(spool, 7, 10)
        pending = spool.sign_receipt(SIGNER, CONTEXT, NOW + 1)

        assert spool.prune(4) == 3
        assert spool.base() == expected[2].state
        assert list(spool.entries()) == expected[3:]
        assert spool.prune(4) == spool.prune(0) == 0
        with pytest.raises(StateError, match="not known to be on chain cannot be dropped; expected at most 7; got 8"):
            spool.prune(8)
        with pytest.raises(StateError, match="cannot be dropped"):
            spool.prune(12)
        assert spool.prune(7) == 3
    with Spool.open(path, device=DEVICE) as spool:
        assert spool.base() == spool.landed() == receipt.state == expected[5].state
        assert list(spool.entries()) == expected[6:]
        assert spool.pending_receipt() == pending
        with pytest.raises(StateError, match="It has been counted"):
            spool.append(record(2), salt(2), job_id=b"2")
        assert spool.append(record(9), salt(99), job_id=b"9") == expected[8]
        spool.mark_landed(10)
        assert spool.prune(11) == 4
        assert spool.state() == expected[9].state
        assert spool.append(record(11), salt(11)).head == chain([record(n) for n in range(1, 12)])[-1].head


def test_pruning_forgets_no_time_and_remembers_no_wrong_one(spool: Spool) -> None:
    fill(spool, 1, 1)
    spool.sign_receipt(SIGNER, CONTEXT, NOW + 1_000_000)  # off line, clock wrong, never landed
    fill(spool, 2, 2)
    spool.sign_receipt(SIGNER, CONTEXT, NOW, landed=START, chain_time=NOW)
    spool.mark_landed(2)
    assert spool.prune(3) == 2
    fill(spool, 3, 3)
    assert spool.sign_receipt(SIGNER, CONTEXT, NOW - 50).message.time == NOW


def test_arguments_out_of_range_are_refused(spool: Spool) -> None:
    with pytest.raises(InputError):
        spool.prune(-1)
    with pytest.raises(InputError):
        spool.adopt(START, last_time=-1)
    with pytest.raises(InputError):
        ChainState(2**63, 0, bytes(32))
    with pytest.raises(InputError):
        ChainState(0, 2**64, bytes(32))
    with pytest.raises(InputError):
        ChainState(0, 0, bytes(31))
