"""The journal of sent transactions in the spool."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.jobs import DEVICE
from worktab.chain.journal import Journal, SentTransaction
from worktab.core.errors import InputError
from worktab.work.spool import Spool


def test_what_was_sent_is_known_until_it_is_settled(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    first, second = SentTransaction("receipt", "sig2", 7, b"raw"), SentTransaction("claim", "sig1", 9, b"raw 2")
    with Spool.open(path, device=DEVICE) as spool:
        journal: Journal = spool.journal
        journal.put("receipt", "sig2", 7, b"raw")
        journal.put("claim", "sig1", 9, b"raw 2")
        journal.put("again", "sig1", 10, b"other")
        assert journal.unsettled() == [first, second]
    with Spool.open(path, device=DEVICE) as spool:
        assert spool.journal.unsettled() == [first, second]
        spool.journal.settle("sig2", "confirmed")
        spool.journal.settle("sig2", "expired")
        spool.journal.settle("unknown", "failed")
        assert spool.journal.unsettled() == [second]
        assert spool.journal.outcome("sig2") == "confirmed"
        assert spool.journal.outcome("sig1") is spool.journal.outcome("unknown") is None
        spool.journal.put("receipt", "sig2", 7, b"raw")
    with Spool.open(path, device=DEVICE) as spool:
        assert spool.journal.unsettled() == [second]


def test_a_block_height_must_be_one(tmp_path: Path) -> None:
    with Spool.open(tmp_path / "spool", device=DEVICE) as spool:
        with pytest.raises(InputError):
            spool.journal.put("", "sig", -1, b"")
        assert spool.journal.unsettled() == []
