"""A full disk refuses a job and breaks nothing; with room again, work goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.jobs import CONTEXT, DEVICE, SIGNER, chain, record, salt
from worktab.core.errors import StorageError
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool

KILOBYTES = 256


def test_a_write_that_fails_at_any_byte_leaves_the_spool_as_it_was(tmp_path: Path) -> None:
    # The script checks the spool after each of its failures; a limit on file sizes works everywhere.
    done = subprocess.run(
        [sys.executable, "-m", "support.full_disk", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 100


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={KILOBYTES}k", "tmpfs", str(tmp_path)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_really_full_disk(small_disk: Path) -> None:
    expected = chain([record(number) for number in range(1, 1_001)])
    with Spool.open(small_disk / "spool", device=DEVICE) as spool:
        spool.append(record(1), salt(1))
        (small_disk / "filler").write_bytes(bytes(100 * 1024))
        with pytest.raises(StorageError, match="nothing was changed"):
            _append_all(spool, range(2, 1_001))
        count = spool.state().seq
        assert 1 < count < 100
        assert list(spool.entries()) == expected[:count]
        with pytest.raises(StorageError):
            BlobStore(small_disk / "blobs").put(bytes(200 * 1024))
        (small_disk / "filler").unlink()
        assert spool.append(record(count + 1), salt(count + 1)) == expected[count]
        assert spool.sign_receipt(SIGNER, CONTEXT, 1).state == expected[count].state
    with Spool.open(small_disk / "spool", device=DEVICE) as spool:
        assert list(spool.entries()) == expected[: count + 1]
    assert list((small_disk / "blobs" / "partial").iterdir()) == []


def _append_all(spool: Spool, numbers: range) -> None:
    for number in numbers:
        spool.append(record(number), salt(number))
