"""What attestors keep, on a disk that fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from worktab.core.errors import StorageError
from worktab.roles.accusations import DisputeFinding
from worktab.trust.memory import DisputeMemory, Known

ONE, TWO = Pubkey(b"1" * 32), Pubkey(b"2" * 32)
FOUND = Known(5, DisputeFinding.DIFFERS, "output differs")


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_could_not_be_kept_is_not_known_until_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be voted without being remembered, as soon as it is found a second time."""
    file = tmp_path / "disputes.json"
    memory = DisputeMemory(file)
    memory.put(ONE, Known(4))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        for _ in range(2):
            with pytest.raises(StorageError, match="cannot be written"):
                memory.put(TWO, FOUND)
            with pytest.raises(StorageError, match="cannot be written"):
                memory.keep([])
    assert (memory.find(ONE), memory.find(TWO)) == (Known(4), None)
    # Nothing of it is left behind, look after look.
    assert os.listdir(tmp_path) == ["disputes.json"]
    memory.put(TWO, FOUND)
    assert (DisputeMemory(file).find(ONE), DisputeMemory(file).find(TWO)) == (Known(4), FOUND)
