"""How large the parts of a WASM module may be.

Compiling is not metered, and takes far longer for some modules than for others of their size. These limits are part
of the metering rules: a module beyond them is refused on every machine, before it is compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worktab.work.wasm_errors import JobFailure, WasmJobError

MODULE_LIMIT: Final = 16 << 20
"""Largest module in bytes."""

CODE_LIMIT: Final = 4 << 20
"""Largest code section in bytes. Data, of which a module may be full, is not in it."""

FUNCTION_LIMIT: Final = 256 << 10
"""Largest function in bytes."""

LOCALS_LIMIT: Final = 8_192
"""Most locals of one function, without its parameters."""

EXPORTS_LIMIT: Final = 64 << 10
"""Largest sections of imports and of exports in bytes."""

SECTION_LIMIT: Final = 1 << 20
"""Largest of the other sections in bytes, but for data and custom sections."""

_MAGIC: Final = b"\0asm"
_HEADER: Final = 8
_CUSTOM, _IMPORT, _EXPORT, _CODE, _DATA = 0, 2, 7, 10, 11
_LIMITS: Final = {
    _CUSTOM: MODULE_LIMIT,
    _DATA: MODULE_LIMIT,
    _CODE: CODE_LIMIT,
    _IMPORT: EXPORTS_LIMIT,
    _EXPORT: EXPORTS_LIMIT,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides how long compiling may take.

    Attributes:
        described: bytes of all sections but code, data and custom ones.
        code: bytes of the code section.
        locals: most locals of one function.
    """

    described: int
    code: int
    locals: int


def check_shape(module: bytes) -> Shape:
    """The module's shape.

    Raises:
        WasmJobError: with `BAD_MODULE`, where a part is larger than allowed, or the parts do not follow each other.
    """
    if len(module) > MODULE_LIMIT:
        raise _too_large("the module", MODULE_LIMIT, len(module))
    # wasmtime would take the text format too: one job, one spelling.
    if not module.startswith(_MAGIC):
        raise WasmJobError(
            JobFailure.BAD_MODULE, "this is not a WASM binary", expected=_MAGIC.hex(), got=module[:4].hex()
        )
    try:
        return _shape(module)
    except IndexError:
        raise WasmJobError(JobFailure.BAD_MODULE, "the module is cut short") from None


def _shape(module: bytes) -> Shape:
    described = code = most = 0
    at = _HEADER
    while at < len(module):
        kind = module[at]
        size, at = _number(module, at + 1)
        limit = _LIMITS.get(kind, SECTION_LIMIT)
        if size > limit:
            raise _too_large(f"section {kind} of the module", limit, size)
        if kind == _CODE:
            code, most = size, _most_locals(module, at, at + size)
        elif kind not in (_CUSTOM, _DATA):
            described += size
        at += size
    return Shape(described, code, most)


def _most_locals(module: bytes, at: int, end: int) -> int:
    most = 0
    functions, at = _number(module, at)
    for _ in range(functions):
        size, at = _number(module, at)
        if size > FUNCTION_LIMIT:
            raise _too_large("a function", FUNCTION_LIMIT, size)
        most = max(most, _locals(module, at))
        at += size
    if at != end:
        raise WasmJobError(JobFailure.BAD_MODULE, "the functions do not fill the code section")
    return most


def _locals(module: bytes, at: int) -> int:
    groups, at = _number(module, at)
    found = 0
    for _ in range(groups):
        count, at = _number(module, at)
        found += count
        at += 1
        if found > LOCALS_LIMIT or groups > LOCALS_LIMIT:
            raise WasmJobError(
                JobFailure.BAD_MODULE,
                "a function has too many locals",
                expected=f"at most {LOCALS_LIMIT}",
                next_step="Build with optimisation",
            )
    return found


def _number(module: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 of 32 bits, and where it ends."""
    number = 0
    for shift in range(0, 35, 7):
        byte = module[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise WasmJobError(JobFailure.BAD_MODULE, "a number of the module has too many digits")


def _too_large(what: str, limit: int, size: int) -> WasmJobError:
    return WasmJobError(
        JobFailure.BAD_MODULE, f"{what} is too large", expected=f"at most {limit} bytes", got=f"{size} bytes"
    )
