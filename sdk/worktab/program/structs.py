"""Structs of the program as dataclasses: plain ones, accounts and events. The generated client derives from these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

from worktab.core.errors import EncodingError
from worktab.program.codec import Codec, Reader, require_type

S = TypeVar("S", bound="Struct")
Fields: TypeAlias = tuple[tuple[str, Codec[Any]], ...]


@dataclass(frozen=True)
class Nested(Codec[S]):
    """A struct inside another."""

    struct: type[S]

    @property
    def size(self) -> int | None:
        return self.struct.packed_size()

    def read(self, reader: Reader) -> S:
        return self.struct.read(reader)

    def write(self, out: bytearray, value: S, name: str) -> None:
        require_type(isinstance(value, self.struct), name, self.struct.__name__, value)
        value.write(out, name)


class Struct:
    """A dataclass whose fields follow each other in bytes."""

    __slots__ = ()

    FIELDS: ClassVar[Fields]

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """The struct at the reader's place; raises EncodingError where the bytes are not one."""
        return cls(**{name: codec.read(reader) for name, codec in cls.FIELDS})

    def write(self, out: bytearray, name: str = "") -> None:
        """Appends the struct; raises InputError where a field is not of its type or out of range."""
        prefix = name or type(self).__name__
        for field, codec in self.FIELDS:
            codec.write(out, getattr(self, field), f"{prefix}.{field}")

    @classmethod
    def packed_size(cls) -> int | None:
        """Bytes the fields take, or None where that varies."""
        total = 0
        for _, codec in cls.FIELDS:
            if codec.size is None:
                return None
            total += codec.size
        return total


class TaggedStruct(Struct):
    """A struct behind a discriminator that tells what it is."""

    __slots__ = ()

    DISCRIMINATOR: ClassVar[bytes]

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The struct that `data` holds, discriminator included.

        Raises:
            EncodingError: another discriminator, too few or too many bytes, or a field that is no value of its type.
        """
        reader = Reader(data, cls.__name__)
        tag = reader.take(len(cls.DISCRIMINATOR))
        if tag != cls.DISCRIMINATOR:
            raise EncodingError(
                f"these bytes are no {cls.__name__}", expected=f"discriminator {cls.DISCRIMINATOR.hex()}", got=tag.hex()
            )
        decoded = cls.read(reader)
        reader.finish()
        return decoded

    def encode(self) -> bytes:
        """The bytes that `decode` reads. Raises InputError where a field is not of its type or out of range."""
        out = bytearray(self.DISCRIMINATOR)
        self.write(out)
        return bytes(out)


class Account(TaggedStruct):
    """An account of the program (PROTOCOL section 4). Its size never varies.

    `SIZE` counts all bytes; `OFFSETS` says where each field starts, counted from the start of the account's data, as
    RPC filters count.
    """

    __slots__ = ()

    SIZE: ClassVar[int]
    OFFSETS: ClassVar[dict[str, int]]


class Event(TaggedStruct):
    """An event of the program (PROTOCOL section 6), as logged by the instruction that it tells of."""

    __slots__ = ()
