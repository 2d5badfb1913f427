"""How an attestor asks a device for records, and shows that it is one.

    GET /v1/records?from=FIRST&to=LAST&data=SEQ,SEQ&record=HASH

The answer is a bundle (`worktab.work.bundle`) of the records from FIRST, or the oldest that the device holds, to LAST,
with module, input and output of those whose numbers are named. With a record's hash, which a dispute names, the device
also looks among the records that it set aside when it adopted the chain's state; the answer is that one alone then. A
bundle holds the salts, so devices show it to attestors of their network alone: the request carries an attestor's
address, the time and a signature in its headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core._checks import Bytes32, bytes32, uint
from worktab.core._signatures import verify_ed25519
from worktab.core.errors import InputError
from worktab.epochs.attesting.errors import NotAnAttestor

RECORDS_PATH: Final = "/v1/records"
MEDIA_TYPE: Final = "application/zip"

MOST_RECORDS: Final = 50_000
"""Records in one answer at most."""

MOST_DATA: Final = 256
"""Records with their data in one answer at most."""

CLOCKS: Final = 300
"""Seconds by which the clocks of attestor and device may differ."""

ATTESTOR_HEADER: Final = "WORKTAB-ATTESTOR"
TIME_HEADER: Final = "WORKTAB-TIME"
SIGNATURE_HEADER: Final = "WORKTAB-SIGNATURE"

_NUMBERS: Final = Struct("<QQQQ")
_NUMBER: Final = Struct("<Q")
_MOST_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class RecordsRequest:
    """Records that are asked for.

    Attributes:
        first: job number of the first, from 1.
        last: job number of the last; `MOST_RECORDS` at most are asked for at once.
        data: the job numbers whose module, input and output are asked for as well, `MOST_DATA` at most.
        record: 32-byte hash of a record that is asked for in particular; None for none.

    Raises:
        InputError: a number is out of range.
    """

    first: int
    last: int
    data: tuple[int, ...] = ()
    record: bytes | None = None

    def __post_init__(self) -> None:
        if not 1 <= uint(self.first, 63, "from") <= uint(self.last, 63, "to") < self.first + MOST_RECORDS:
            raise InputError(
                "these are not records to ask for at once",
                expected=f"from 1, {MOST_RECORDS} at most",
                got=f"{self.first} to {self.last}",
            )
        if len(self.data) > MOST_DATA or not all(self.first <= each <= self.last for each in self.data):
            raise InputError("data is asked for of other records", expected=f"{MOST_DATA} at most, of those asked for")
        if self.record is not None:
            bytes32(self.record, "record")

    @property
    def query(self) -> dict[str, str]:
        """The request's query."""
        named = {"data": ",".join(map(str, self.data))} if self.data else {}
        asked = {} if self.record is None else {"record": self.record.hex()}
        return {"from": str(self.first), "to": str(self.last)} | named | asked

    @classmethod
    def parse(cls, query: Iterable[tuple[str, str]]) -> RecordsRequest:
        """The request in a query. Raises `InputError`."""
        given = list(query)
        fields = dict(given)
        if len(fields) != len(given) or not {"from", "to"} <= set(fields) <= {"from", "to", "data", "record"}:
            raise InputError("the query is not one for records", expected="from, to, data and record, each once")
        data, record = fields.get("data", ""), fields.get("record")
        return cls(
            _number(fields["from"]),
            _number(fields["to"]),
            tuple(map(_number, data.split(","))) if data else (),
            None if record is None else _digest(record),
        )

    def headers(self, *, domain: Bytes32, device: Bytes32, attestor: Keypair, now: int) -> dict[str, str]:
        """The headers that show who asks: at `now`, Unix seconds."""
        return {
            ATTESTOR_HEADER: str(attestor.pubkey()),
            TIME_HEADER: str(now),
            SIGNATURE_HEADER: bytes(attestor.sign_message(self._signed(domain, device, now))).hex(),
        }

    def attestor(self, headers: Mapping[str, str], *, domain: Bytes32, device: Bytes32, now: int) -> Pubkey:
        """Whose signature the headers carry; whether it is an attestor's is the caller's to ask.

        Raises:
            NotAnAttestor: there is none, it does not hold, or it is from another time than `now`, Unix seconds.
        """
        try:
            key = Pubkey.from_string(headers.get(ATTESTOR_HEADER, ""))
            time = _number(headers.get(TIME_HEADER, ""))
            signature = bytes.fromhex(headers.get(SIGNATURE_HEADER, ""))
        except ValueError:
            raise NotAnAttestor("The request is not signed") from None
        except InputError:
            raise NotAnAttestor("The request has no time") from None
        if abs(time - now) > CLOCKS:
            raise NotAnAttestor("The request is from another time", expected=f"{now}, give or take", got=str(time))
        if len(signature) != 64 or not verify_ed25519(bytes(key), self._signed(domain, device, time), signature):
            raise NotAnAttestor("The request's signature does not hold", got=str(key))
        return key

    def _signed(self, domain: Bytes32, device: Bytes32, time: int) -> bytes:
        # The count keeps apart what the data are and what follows, so that no two requests share a signature.
        numbers = _NUMBERS.pack(self.first, self.last, uint(time, 63, "time"), len(self.data))
        asked = numbers + b"".join(map(_NUMBER.pack, self.data)) + (self.record or b"")
        return b"worktab/records" + bytes32(domain, "domain") + bytes32(device, "device") + asked


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError("a record is not named", expected="its hash in hex", got=ascii(text)[:80]) from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise InputError("a number is not one", expected="decimal digits", got=ascii(text)[:50])
    return int(text)
