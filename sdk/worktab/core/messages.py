"""The 104-byte message that devices and consumers sign (PROTOCOL section 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from worktab.core._checks import Bytes32, bytes32, uint
from worktab.core.errors import EncodingError

MAGIC: Final = b"WTB1"
"""First four bytes of every signed message of protocol version 1."""

MESSAGE_SIZE: Final = 104
"""Size of every signed message in bytes."""

_LAYOUT = struct.Struct("<4sB3s32sQQQQ32s")
_ZERO32 = bytes(32)


class MessageKind(IntEnum):
    """What a signed message states (PROTOCOL section 2, offset 4)."""

    RECEIPT = 1
    VOUCHER = 2
    KEY_POSSESSION = 3
    BATCH_VOUCHER = 4
    ENROLMENT = 5


_KINDS: Final = {kind.value: kind for kind in MessageKind}
_MUST_BE_ZERO: Final[dict[MessageKind, tuple[str, ...]]] = {
    MessageKind.RECEIPT: ("amount",),
    MessageKind.VOUCHER: (),
    MessageKind.KEY_POSSESSION: ("seq", "units", "amount", "time", "head"),
    MessageKind.BATCH_VOUCHER: ("seq", "units", "amount", "head"),
    MessageKind.ENROLMENT: ("units", "amount", "time", "head"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One signed message, before its signature (PROTOCOL section 2).

    Use the constructors `receipt`, `voucher`, `key_possession`, `batch` and `enrolment`; they name only the fields
    their kind has.

    Attributes:
        kind: what the message states.
        context: 32-byte hash that binds it to one network, device, lane or key (`worktab.core.contexts`).
        seq: receipt: jobs so far. Voucher: the device's job count after the lane's newest job.
            Enrolment: its serial. u64.
        units: receipt: the device's lifetime work units. Voucher: work units bought on the lane so far. u64.
        amount: voucher: base units owed on the lane so far. u64; zero in every other kind.
        time: receipt: issued at. Voucher and batch: expires at, 0 = never. Unix seconds, at least 0 and below 2^63,
            so that the same eight bytes read the same as u64 and as i64.
        head: 32-byte head of the device's record chain at `seq`.

    Raises:
        InputError: a field has the wrong type, length or range.
        EncodingError: a field that the kind leaves empty is not zero, or the time is 2^63 or more.
    """

    kind: MessageKind
    context: bytes
    seq: int
    units: int
    amount: int
    time: int
    head: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.kind, MessageKind):
            raise EncodingError("message kind is not known", expected="a MessageKind", got=repr(self.kind))
        object.__setattr__(self, "context", bytes32(self.context, "context"))
        object.__setattr__(self, "head", bytes32(self.head, "head"))
        for name in ("seq", "units", "amount", "time"):
            uint(getattr(self, name), 64, name)
        if self.time >= 1 << 63:
            raise EncodingError("message time is too large", expected="below 2^63 seconds", got=str(self.time))
        for name in _MUST_BE_ZERO[self.kind]:
            if getattr(self, name) not in (0, _ZERO32):
                raise EncodingError(
                    f"{name} must be zero in a message of kind {self.kind.name.lower().replace('_', ' ')}",
                    got=str(getattr(self, name)) if name != "head" else self.head.hex(),
                )

    @classmethod
    def receipt(cls, context: Bytes32, seq: int, units: int, time: int, head: Bytes32) -> Message:
        """A device's claim: `seq` jobs and `units` work units in its lifetime, issued at `time` (Unix seconds)."""
        return cls(
            MessageKind.RECEIPT,
            bytes32(context, "context"),
            seq,
            units,
            amount=0,
            time=time,
            head=bytes32(head, "head"),
        )

    @classmethod
    def voucher(cls, context: Bytes32, seq: int, units: int, amount: int, time: int, head: Bytes32) -> Message:
        """A consumer's promise: `amount` base units owed in all on one lane for `units` work units.

        `time` is when it expires, in Unix seconds; 0 = never.
        """
        return cls(
            MessageKind.VOUCHER, bytes32(context, "context"), seq, units, amount, time=time, head=bytes32(head, "head")
        )

    @classmethod
    def key_possession(cls, context: Bytes32) -> Message:
        """Proof that the signer holds the key named in `context`; every other field is zero."""
        return cls(MessageKind.KEY_POSSESSION, bytes32(context, "context"), 0, 0, 0, 0, _ZERO32)

    @classmethod
    def batch(cls, context: Bytes32, expires_at: int) -> Message:
        """A consumer's promise over many lanes at once; the entries are hashed into `context`.

        `expires_at` is in Unix seconds; 0 = never.
        """
        return cls(MessageKind.BATCH_VOUCHER, bytes32(context, "context"), 0, 0, 0, expires_at, _ZERO32)

    @classmethod
    def enrolment(cls, context: Bytes32, serial: int) -> Message:
        """Owner and key agree on who is paid for a device without an account; the terms are hashed into `context`."""
        return cls(MessageKind.ENROLMENT, bytes32(context, "context"), serial, 0, 0, 0, _ZERO32)

    def encode(self) -> bytes:
        """The 104 bytes to sign."""
        return _LAYOUT.pack(
            MAGIC,
            self.kind,
            bytes(3),
            self.context,
            self.seq,
            self.units,
            self.amount,
            self.time,
            self.head,
        )

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """The message in `data`; the exact inverse of `encode`, and nothing else is accepted.

        Raises:
            EncodingError: not 104 bytes, another magic, an unknown kind, or a byte that must be zero is not.
        """
        if len(data) != MESSAGE_SIZE:
            raise EncodingError(
                "message has the wrong length", expected=f"{MESSAGE_SIZE} bytes", got=f"{len(data)} bytes"
            )
        magic, kind, zero, context, seq, units, amount, time, head = _LAYOUT.unpack(data)
        if magic != MAGIC:
            raise EncodingError(
                "message has another magic",
                expected=MAGIC.hex(),
                got=magic.hex(),
                next_step="Check that these are the bytes of a Worktab message, not of its signature or transaction",
            )
        if kind not in _KINDS:
            raise EncodingError("message kind is not known", expected="1 to 5", got=str(kind))
        if zero != bytes(3):
            raise EncodingError("message bytes 5 to 7 must be zero", got=zero.hex())
        return cls(_KINDS[kind], context, seq, units, amount, time, head)
