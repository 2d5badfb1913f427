"""anchorpy's coders, where Worktab needs more of them.

Accounts and events need nothing: they begin with the hashes of their names, and their structs have no padding, so that
Borsh reads them as they lie in memory. The old format of the IDL cannot say this; the tests do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from anchorpy.coder import accounts, coder, event, instruction, types
from anchorpy.program.common import NamedInstruction
from anchorpy_core.idl import Idl
from construct import Bytes, Sequence, Switch

from worktab.program.codegen.idl import IdlError


class InstructionCoder(instruction.InstructionCoder):
    """Instructions begin with the bytes that the IDL gives them; anchorpy would hash their names."""

    def __init__(self, idl: Idl, discriminators: Mapping[str, bytes]) -> None:
        """Coder for the instructions of `idl`, each of which begins with its own of `discriminators`.

        Raises:
            IdlError: they are not all of one length.
        """
        super().__init__(idl)
        lengths = {len(discriminator) for discriminator in discriminators.values()}
        if len(lengths) != 1:
            raise IdlError("the discriminators of instructions differ in length", got=f"{sorted(lengths)} bytes")
        self.sighashes = dict(discriminators)
        self.sighash_to_name = {discriminator: name for name, discriminator in discriminators.items()}
        self.sighash_layouts = {self.sighashes[name]: layout for name, layout in self.ix_layout.items()}
        self.subcon = Sequence(
            "sighash" / Bytes(lengths.pop()), Switch(lambda this: this.sighash, self.sighash_layouts)
        )

    def _encode(self, obj: NamedInstruction, context: Any, path: str) -> tuple[bytes, Any]:
        encoded: tuple[bytes, Any] = super()._encode(NamedInstruction(plain(obj.data), obj.name), context, path)
        return encoded


class AccountsCoder(accounts.AccountsCoder):
    """Writes the dataclasses that it reads."""

    def _encode(self, obj: NamedInstruction, context: Any, path: str) -> tuple[bytes, Any]:
        encoded: tuple[bytes, Any] = super()._encode(NamedInstruction(plain(obj.data), obj.name), context, path)
        return encoded


class TypesCoder(types.TypesCoder):
    """Writes the dataclasses that it reads."""

    def encode(self, name: str, data: Any) -> bytes:
        """The bytes of a type of the IDL."""
        encoded: bytes = super().encode(name, plain(data))
        return encoded


class EventCoder(event.EventCoder):
    """Takes for an event only what begins as one; anchorpy fails on logged data of fewer than 8 bytes."""

    def parse(self, data: bytes, **context: Any) -> Any:
        """The event in `data`, discriminator first, or None."""
        return super().parse(data, **context) if data[:8] in self.discriminators else None


class Coder(coder.Coder):
    """All of them together."""

    def __init__(self, idl: Idl, discriminators: Mapping[str, bytes]) -> None:
        super().__init__(idl)
        self.instruction = InstructionCoder(idl, discriminators)
        self.accounts = AccountsCoder(idl)
        self.events = EventCoder(idl)
        self.types = TypesCoder(idl)


def plain(value: Any) -> Any:
    """`value` with dicts for dataclasses, and fields under their own names.

    A field that is named as a Python keyword (`class`) is one of a dataclass with an underscore behind it, and anchorpy
    does not find it there again.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_unescaped(field.name): plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_unescaped(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _unescaped(name: str) -> str:
    return name[:-1] if name.endswith("_") and iskeyword(name[:-1]) else name
