"""What an attestor remembers of open disputes, so that a restart neither runs records again nor changes a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from worktab.core._json import json_fields, json_hex
from worktab.core.errors import EncodingError
from worktab.core.records import RECORD_SIZE, JobRecord
from worktab.epochs.attesting.keeping import KeptByAddress
from worktab.roles.accusations import DisputeFinding, Shown

_FIELDS = ("opened_at", "finding", "detail", "record", "salt", "tries", "first", "last")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one dispute.

    Attributes:
        opened_at: when it was opened, Unix seconds: one opened again about the same record is another.
        finding: what to vote; None while that is not known.
        detail: why, in a sentence.
        shown: the record and its salt, once they were served.
        tries: how often the device was asked and did not serve the record.
        first: when that was first, Unix seconds; 0 before.
        last: when anybody was last asked, Unix seconds; 0 before.
    """

    opened_at: int
    finding: DisputeFinding | None = None
    detail: str = ""
    shown: Shown | None = None
    tries: int = 0
    first: int = 0
    last: int = 0


class DisputeMemory(KeptByAddress[Known]):
    """Disputes by address, in a JSON file that is always whole."""

    def __init__(self, path: Path) -> None:
        """Reads the file, where there is one. Raises `StorageError`."""
        super().__init__(path, _to_json, _from_json, without_it="records are then run again")

    def opened_since(self, then: int) -> set[Pubkey]:
        """The disputes that were opened after a time, Unix seconds."""
        return {address for address, known in self.values() if known.opened_at > then}

    def get(self, dispute: Pubkey, opened_at: int) -> Known:
        """What is known of a dispute that was opened then; nothing yet of a new one."""
        known = self.find(dispute)
        return known if known is not None and known.opened_at == opened_at else Known(opened_at)


def _to_json(known: Known) -> dict[str, Any]:
    shown = known.shown
    return {
        "opened_at": known.opened_at,
        "finding": None if known.finding is None else int(known.finding),
        "detail": known.detail,
        "record": None if shown is None else shown.record.encode().hex(),
        "salt": None if shown is None else shown.salt.hex(),
        "tries": known.tries,
        "first": known.first,
        "last": known.last,
    }


def _from_json(value: object) -> Known:
    opened_at, finding, detail, record, salt, tries, first, last = json_fields(value, _FIELDS)
    if not all(type(each) is int for each in (opened_at, tries, first, last)) or not isinstance(detail, str):
        raise EncodingError("this is nothing that an attestor remembers", got=ascii(value)[:100])
    shown = None
    if record is not None:
        shown = Shown(JobRecord.decode(json_hex(record, RECORD_SIZE, "record")), json_hex(salt, 32, "salt"))
    return Known(opened_at, None if finding is None else DisputeFinding(finding), detail, shown, tries, first, last)
