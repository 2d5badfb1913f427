"""What a buyer can show of the work it bought: records and proofs out of its purchases, with what it ordered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from worktab.agent.purchases import BLOBS, bought_work
from worktab.market.wire import WorkReceipt
from worktab.roles.accusations import Shown
from worktab.trust.published import BoughtJob
from worktab.work.blobs import BlobStore
from worktab.work.history import SignedReceipt

_WORK: Final = re.compile(r"module ([0-9a-f]{64}), input ([0-9a-f]{64})")


def bought_jobs(folder: Path) -> list[BoughtJob]:
    """The jobs that were bought, out of the purchases in a folder, in the order of device and job number."""
    found = {}
    for work, receipt in bought_work(folder):
        job = _job(work, receipt)
        found[job.device, job.seq, job.shown.hash] = job
    return sorted(found.values(), key=lambda job: (bytes(job.device), job.seq))


def bought_blobs(folder: Path) -> BlobStore:
    """Modules and inputs of what was bought. Raises `StorageError`."""
    return BlobStore(folder / BLOBS)


def _job(work: str, receipt: WorkReceipt) -> BoughtJob:
    ordered = _WORK.fullmatch(work)
    module, input = (None, None) if ordered is None else (bytes.fromhex(ordered[1]), bytes.fromhex(ordered[2]))
    return BoughtJob(
        device=receipt.device,
        seq=receipt.charged.seq,
        before=receipt.previous,
        shown=Shown(receipt.record, receipt.salt),
        receipt=SignedReceipt(receipt.receipt, receipt.signature),
        module=module,
        input=input,
    )
