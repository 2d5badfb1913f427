"""Types of the IDL: what they are called in Python, which codec reads them, and how many bytes they take."""

from __future__ import annotations

from worktab.program.codegen.idl import Idl, IdlError, IdlType, TypeDef

_INTEGERS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8}
_OTHERS = {"bool": ("bool", "BOOL"), "pubkey": ("Pubkey", "ADDRESS"), "bytes": ("bytes", "BYTES")}


class Types:
    """The types of one IDL. Every method raises IdlError where it meets a type that it doesn't know."""

    def __init__(self, idl: Idl) -> None:
        self._idl = idl

    def annotation(self, type_: IdlType) -> str:
        """The type's name in Python."""
        match type_:
            case str() if type_ in _INTEGERS:
                return "int"
            case str() if type_ in _OTHERS:
                return _OTHERS[type_][0]
            case {"array": ["u8", int()]} | {"vec": "u8"}:
                return "bytes"
            case {"array": [item, int()]} | {"vec": item}:
                return f"tuple[{self.annotation(item)}, ...]"
            case {"option": item}:
                return f"{self.annotation(item)} | None"
            case {"defined": {"name": str(name)}}:
                return self.definition(name).name
        raise _unknown(type_)

    def codec(self, type_: IdlType) -> str:
        """An expression that makes the type's codec."""
        match type_:
            case str() if type_ in _INTEGERS:
                return type_.upper()
            case str() if type_ in _OTHERS:
                return _OTHERS[type_][1]
            case {"array": ["u8", int(length)]}:
                return f"FixedBytes({length})"
            case {"vec": "u8"}:
                return "BYTES"
            case {"array": [item, int(length)]}:
                return f"Array({self.codec(item)}, {length})"
            case {"vec": item}:
                return f"Vec({self.codec(item)})"
            case {"option": item}:
                return f"Option({self.codec(item)})"
            case {"defined": {"name": str(name)}}:
                return f"Nested({self.definition(name).name})"
        raise _unknown(type_)

    def names(self, type_: IdlType) -> set[str]:
        """The defined types that a type names, itself and inside arrays, vectors and options."""
        match type_:
            case {"defined": {"name": str(name)}}:
                return {self.definition(name).name}
            case {"array": [item, _]} | {"vec": item} | {"option": item}:
                return self.names(item)
        return set()

    def definition(self, name: str) -> TypeDef:
        """The definition of a type that others may name; accounts and events are not."""
        if name not in self._idl.types or name in self._idl.accounts or name in self._idl.events:
            raise IdlError(f"{name} is used as a type, and is none")
        return self._idl.types[name]

    def size_and_alignment(self, type_: IdlType) -> tuple[int, int]:
        """How many bytes a type of fixed size takes in memory, and what its address divides by."""
        match type_:
            case str() if type_ in _INTEGERS:
                return _INTEGERS[type_], _INTEGERS[type_]
            case "bool":
                return 1, 1
            case "pubkey":
                return 32, 1
            case {"array": [item, int(length)]}:
                size, alignment = self.size_and_alignment(item)
                return size * length, alignment
            case {"defined": {"name": str(name)}}:
                return self.layout(self.definition(name))[1:]
        raise IdlError("a type of no fixed size stands in a zero-copy struct", got=str(type_))

    def layout(self, definition: TypeDef) -> tuple[dict[str, int], int, int]:
        """Offsets of a zero-copy struct's fields, its size, its alignment. Refuses a struct with padding."""
        offsets: dict[str, int] = {}
        end, widest = 0, 1
        for field in definition.fields:
            size, alignment = self.size_and_alignment(field.type)
            if end % alignment:
                raise IdlError(f"padding would stand before {definition.name}.{field.name}")
            offsets[field.name] = end
            end, widest = end + size, max(widest, alignment)
        if end % widest:
            raise IdlError(f"padding would follow the last field of {definition.name}")
        return offsets, end, widest


def _unknown(type_: IdlType) -> IdlError:
    return IdlError("a type is unknown", expected="integers to 64 bits, bool, pubkey, bytes, structs", got=str(type_))
