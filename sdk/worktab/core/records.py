"""Job records and the hash chain they form (PROTOCOL section 3)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from worktab.core._checks import Bytes32, bytes32, uint
from worktab.core.errors import EncodingError, InputError

RECORD_SIZE: Final = 168
"""Size of an encoded job record in bytes."""

ZERO_HEAD: Final = bytes(32)
"""The head of a chain without records."""

_LAYOUT = struct.Struct("<BBHI32s32s32sQQqq32s")


class Meter(IntEnum):
    """How the work units of a record were measured (PROTOCOL section 3).

    Only `WASM_FUEL` can be checked by running the job again; the others are as good as the consumer's signature.
    """

    WASM_FUEL = 1
    CPU_MS = 2
    GPU_MS = 3
    BYTE_HOURS = 4
    BYTES_MOVED = 5
    SAMPLES = 6


_METERS: Final = {meter.value: meter for meter in Meter}


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job that a device did (PROTOCOL section 3, 168 bytes).

    Attributes:
        meter: how `units` were measured.
        work_class: the class of work in its network, u8.
        meter_version: version of the metering rules, u16; for WASM fuel it names the runtime's.
        module: 32-byte hash of the program that ran.
        input: 32-byte hash of its input.
        output: 32-byte hash of its output.
        units: work units done, u64.
        amount: base units the consumer owes for it, u64; 0 when nobody pays.
        started_ms: start in Unix milliseconds, i64.
        finished_ms: end in Unix milliseconds, i64. Not compared with the start: a device's clock may be set back.
        tab: address of the paying consumer's tab; 32 zero bytes when nobody pays.

    Raises:
        InputError: a field has the wrong type, length or range.
        EncodingError: the meter is not known.
    """

    meter: Meter
    work_class: int
    meter_version: int
    module: bytes
    input: bytes
    output: bytes
    units: int
    amount: int
    started_ms: int
    finished_ms: int
    tab: bytes = bytes(32)

    def __post_init__(self) -> None:
        if not isinstance(self.meter, Meter):
            raise EncodingError("meter is not known", expected="a Meter", got=repr(self.meter))
        for name in ("module", "input", "output", "tab"):
            object.__setattr__(self, name, bytes32(getattr(self, name), name))
        for name, bits in (("work_class", 8), ("meter_version", 16), ("units", 64), ("amount", 64)):
            uint(getattr(self, name), bits, name)
        for name in ("started_ms", "finished_ms"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
                raise InputError(f"{name} is not an i64", expected="an int from -2^63 to 2^63 - 1", got=repr(value))

    def encode(self) -> bytes:
        """The record's 168 bytes."""
        return _LAYOUT.pack(
            self.meter,
            self.work_class,
            self.meter_version,
            0,
            self.module,
            self.input,
            self.output,
            self.units,
            self.amount,
            self.started_ms,
            self.finished_ms,
            self.tab,
        )

    @classmethod
    def decode(cls, data: bytes) -> JobRecord:
        """The record in `data`; the exact inverse of `encode`, and nothing else is accepted.

        Raises:
            EncodingError: not 168 bytes, an unknown meter, or the four zero bytes are not zero.
        """
        if len(data) != RECORD_SIZE:
            raise EncodingError(
                "record has the wrong length", expected=f"{RECORD_SIZE} bytes", got=f"{len(data)} bytes"
            )
        meter, work_class, version, zero, *rest = _LAYOUT.unpack(data)
        if meter not in _METERS:
            raise EncodingError("meter is not known", expected="1 to 6", got=str(meter))
        if zero != 0:
            raise EncodingError("record bytes 4 to 7 must be zero", got=data[4:8].hex())
        return cls(_METERS[meter], work_class, version, *rest)


def record_hash(salt: Bytes32, record: JobRecord) -> bytes:
    """`H(0x03 || salt || record)`, 32 bytes (PROTOCOL section 3).

    `salt` is 32 random bytes, fresh for every record: without it, anyone could find a guessable input by trying.

    Raises:
        InputError: the salt is not 32 bytes.
    """
    return hashlib.sha256(b"\x03" + bytes32(salt, "salt") + record.encode()).digest()


def next_head(head: Bytes32, record_hash: Bytes32) -> bytes:
    """The head after one more record, `H(0x02 || head || record_hash)`, 32 bytes (PROTOCOL section 3).

    Raises:
        InputError: an argument is not 32 bytes.
    """
    return hashlib.sha256(b"\x02" + bytes32(head, "head") + bytes32(record_hash, "record hash")).digest()


def chain_head(hashes: Iterable[Bytes32], start: Bytes32 = ZERO_HEAD) -> bytes:
    """The head after appending `hashes` in order to a chain whose head is `start` (PROTOCOL section 3).

    Raises:
        InputError: a hash or the start is not 32 bytes.
    """
    head = bytes32(start, "start")
    for item in hashes:
        head = next_head(head, item)
    return head
