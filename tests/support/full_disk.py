"""Appends to a spool on a disk that fills up, and again when there is room; run as a script with the spool's path.

The disk is full by `RLIMIT_FSIZE`, for one byte range after another, so that every write of an append gets its turn to
fail in the middle. Prints how many appends failed and the spool's state.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from support.jobs import CONTEXT, DEVICE, SIGNER, chain, record, salt
from worktab.core.errors import StorageError
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool

STEP = 1_000


def main(folder: Path) -> None:
    failed = 0
    expected = chain([record(number) for number in range(1, 41)])
    with Spool.open(folder / "spool", device=DEVICE) as spool:
        for number in range(1, 41):
            wal = (folder / "spool-wal").stat().st_size
            for room in range(0, 60_000, STEP):
                before = spool.state()
                _limit(wal + room)
                refusal = None
                try:
                    entry = spool.append(record(number), salt(number), job_id=b"%d" % number)
                except StorageError as error:
                    refusal = error
                finally:
                    _limit(resource.RLIM_INFINITY)
                if refusal is not None:
                    assert "nothing was changed" in refusal.message, refusal
                    assert "with the same job id" in refusal.next_step, refusal
                    assert spool.state() == before
                    assert spool.find(b"%d" % number) is None
                    failed += 1
                    continue
                assert entry == expected[number - 1]
                break
        _limit((folder / "spool-wal").stat().st_size)
        try:
            spool.sign_receipt(SIGNER, CONTEXT, 1)
        except StorageError:
            failed += 1
        assert spool.pending_receipt() is None
        _limit(resource.RLIM_INFINITY)
        receipt = spool.sign_receipt(SIGNER, CONTEXT, 2)
        assert spool.pending_receipt() == receipt
    blobs = BlobStore(folder / "blobs")
    _limit(1_000)
    try:
        blobs.put(bytes(1_001))
    except StorageError:
        failed += 1
    assert list((folder / "blobs" / "partial").iterdir()) == []
    _limit(resource.RLIM_INFINITY)
    assert blobs.get(blobs.put(bytes(1_001))) == bytes(1_001)
    with Spool.open(folder / "spool", device=DEVICE) as spool:
        assert list(spool.entries()) == expected
    print(failed)


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
