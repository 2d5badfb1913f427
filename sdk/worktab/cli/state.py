"""Where a device keeps its spool and its data on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from solders.pubkey import Pubkey

from worktab.core.errors import StateError
from worktab.work.blobs import BlobStore
from worktab.work.spool import Spool

if TYPE_CHECKING:
    from worktab.ingest.enrolment_file import EnrolmentFile


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device's folder: `spool.sqlite`, `blobs` with modules, inputs and outputs, and `enrolment.json` of one without
    an account on chain."""

    device: Pubkey
    folder: Path

    @property
    def has_spool(self) -> bool:
        """Whether anything was ever recorded here."""
        return self._spool.exists()

    def open_spool(self) -> Spool:
        """The device's spool, which must exist. Raises `StateError`, `StorageError`."""
        if not self.has_spool:
            raise StateError(
                f"There is no spool of this device in {self.folder}",
                next_step="Run a job first (worktab device run), or name the folder with --state",
            )
        return self.make_spool()

    def make_spool(self) -> Spool:
        """The device's spool, made where it is missing. Raises `StateError`, `StorageError`."""
        return Spool.open(self._spool, device=bytes(self.device))

    def blobs(self) -> BlobStore:
        """The data behind its records. Raises `StorageError`."""
        return BlobStore(self.folder / "blobs")

    def find_enrolment(self) -> EnrolmentFile | None:
        """How the device is enrolled; None for one with an account on chain. Raises `StorageError`, `EncodingError`."""
        if not self.enrolment.exists():
            return None
        from worktab.ingest.enrolment_file import EnrolmentFile

        return EnrolmentFile.read(self.enrolment)

    @property
    def enrolment(self) -> Path:
        """Where its enrolment is kept."""
        return self.folder / "enrolment.json"

    @property
    def _spool(self) -> Path:
        return self.folder / "spool.sqlite"


def device_state(device: Pubkey, folder: Path | None) -> DeviceState:
    """A device's state in `folder`, by default in the user's data folder."""
    if folder is None:
        data = os.environ.get("XDG_DATA_HOME")
        folder = (Path(data) if data else Path.home() / ".local" / "share") / "worktab" / str(device)
    return DeviceState(device, folder.expanduser())
