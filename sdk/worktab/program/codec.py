"""How the program lays values out in bytes: little-endian and packed, without padding.

The same rules hold for instruction arguments and events (Borsh) and for accounts (zero-copy structs that the program
refuses to compile with padding). A codec reads and writes one type; `structs` builds the generated client of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, InputError

T = TypeVar("T")


class Reader:
    """Takes bytes from the front of `data`; `what` names it in errors."""

    __slots__ = ("_data", "_offset", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._offset = 0
        self._what = what

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            EncodingError: fewer are left.
        """
        end = self._offset + size
        if end > len(self._data):
            raise EncodingError(
                f"{self._what} is cut short", expected=f"{end} bytes or more", got=f"{len(self._data)} bytes"
            )
        taken = self._data[self._offset : end]
        self._offset = end
        return taken

    def finish(self) -> None:
        """Checks that nothing is left.

        Raises:
            EncodingError: bytes follow the value.
        """
        if self._offset != len(self._data):
            raise EncodingError(
                f"{self._what} is followed by something else",
                expected=f"{self._offset} bytes",
                got=f"{len(self._data)} bytes",
            )


class Codec(ABC, Generic[T]):
    """Reads and writes values of one type."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Bytes a value takes, or None where that varies."""

    @abstractmethod
    def read(self, reader: Reader) -> T:
        """The value at the reader's place; raises EncodingError where the bytes are not one."""

    @abstractmethod
    def write(self, out: bytearray, value: T, name: str) -> None:
        """Appends `value`; `name` names it in errors. Raises InputError where it is not of the type or out of range."""


@dataclass(frozen=True)
class Integer(Codec[int]):
    """An integer of `bits` bits, two's complement if signed."""

    bits: int
    signed: bool = False

    @property
    def size(self) -> int:
        return self.bits // 8

    def read(self, reader: Reader) -> int:
        return int.from_bytes(reader.take(self.bits // 8), "little", signed=self.signed)

    def write(self, out: bytearray, value: int, name: str) -> None:
        require_type(isinstance(value, int) and not isinstance(value, bool), name, "int", value)
        low = -(1 << (self.bits - 1)) if self.signed else 0
        if not low <= value < low + (1 << self.bits):
            raise InputError(
                f"{name} is out of range", expected=f"{low} to {low + (1 << self.bits) - 1}", got=str(value)
            )
        out += value.to_bytes(self.bits // 8, "little", signed=self.signed)


@dataclass(frozen=True)
class Boolean(Codec[bool]):
    """One byte, 0 or 1; no other is read as a truth value."""

    size = 1

    def read(self, reader: Reader) -> bool:
        byte = reader.take(1)[0]
        if byte > 1:
            raise EncodingError("a truth value is neither 0 nor 1", expected="0 or 1", got=str(byte))
        return byte == 1

    def write(self, out: bytearray, value: bool, name: str) -> None:
        require_type(isinstance(value, bool), name, "bool", value)
        out.append(value)


@dataclass(frozen=True)
class Address(Codec[Pubkey]):
    """A 32-byte address."""

    size = 32

    def read(self, reader: Reader) -> Pubkey:
        return Pubkey(reader.take(32))

    def write(self, out: bytearray, value: Pubkey, name: str) -> None:
        require_type(isinstance(value, Pubkey), name, "Pubkey", value)
        out += bytes(value)


@dataclass(frozen=True)
class FixedBytes(Codec[bytes]):
    """Exactly `length` bytes."""

    length: int

    @property
    def size(self) -> int:
        return self.length

    def read(self, reader: Reader) -> bytes:
        return reader.take(self.length)

    def write(self, out: bytearray, value: bytes, name: str) -> None:
        require_type(isinstance(value, bytes), name, "bytes", value)
        if len(value) != self.length:
            raise InputError(f"{name} has the wrong length", expected=f"{self.length} bytes", got=f"{len(value)} bytes")
        out += value


@dataclass(frozen=True)
class VarBytes(Codec[bytes]):
    """A u32 length and as many bytes."""

    size = None

    def read(self, reader: Reader) -> bytes:
        return reader.take(U32.read(reader))

    def write(self, out: bytearray, value: bytes, name: str) -> None:
        require_type(isinstance(value, bytes), name, "bytes", value)
        U32.write(out, len(value), f"length of {name}")
        out += value


@dataclass(frozen=True)
class Array(Codec[tuple[Any, ...]]):
    """Exactly `length` values of one type."""

    item: Codec[Any]
    length: int

    @property
    def size(self) -> int | None:
        return None if self.item.size is None else self.item.size * self.length

    def read(self, reader: Reader) -> tuple[Any, ...]:
        return tuple(self.item.read(reader) for _ in range(self.length))

    def write(self, out: bytearray, value: tuple[Any, ...], name: str) -> None:
        _require_sequence(name, value)
        if len(value) != self.length:
            raise InputError(f"{name} has the wrong length", expected=f"{self.length} items", got=f"{len(value)} items")
        for index, item in enumerate(value):
            self.item.write(out, item, f"{name}[{index}]")


@dataclass(frozen=True)
class Vec(Codec[tuple[Any, ...]]):
    """A u32 count and as many values of one type."""

    item: Codec[Any]
    size = None

    def read(self, reader: Reader) -> tuple[Any, ...]:
        return tuple(self.item.read(reader) for _ in range(U32.read(reader)))

    def write(self, out: bytearray, value: tuple[Any, ...], name: str) -> None:
        _require_sequence(name, value)
        U32.write(out, len(value), f"length of {name}")
        for index, item in enumerate(value):
            self.item.write(out, item, f"{name}[{index}]")


@dataclass(frozen=True)
class Option(Codec[Any]):
    """A byte 0 for None, or 1 and the value."""

    item: Codec[Any]
    size = None

    def read(self, reader: Reader) -> Any:
        return self.item.read(reader) if BOOL.read(reader) else None

    def write(self, out: bytearray, value: Any, name: str) -> None:
        BOOL.write(out, value is not None, name)
        if value is not None:
            self.item.write(out, value, name)


U8: Final = Integer(8)
U16: Final = Integer(16)
U32: Final = Integer(32)
U64: Final = Integer(64)
I8: Final = Integer(8, signed=True)
I16: Final = Integer(16, signed=True)
I32: Final = Integer(32, signed=True)
I64: Final = Integer(64, signed=True)
BOOL: Final = Boolean()
ADDRESS: Final = Address()
BYTES: Final = VarBytes()


def require_type(condition: bool, name: str, expected: str, value: object) -> None:
    """Raises InputError, naming the value's type, unless `condition` holds."""
    if not condition:
        raise InputError(f"{name} is of another type", expected=expected, got=type(value).__name__)


def _require_sequence(name: str, value: object) -> None:
    require_type(isinstance(value, Sequence) and not isinstance(value, str | bytes), name, "a sequence", value)
