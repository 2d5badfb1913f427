"""The smallest on-chain program: two instructions of machine code that accept anything."""

from __future__ import annotations

import struct
from typing import Final

_MOVE_0_TO_R0, _EXIT = struct.pack("<BBhi", 0xB7, 0, 0, 0), struct.pack("<BBhi", 0x95, 0, 0, 0)
_CODE: Final = _MOVE_0_TO_R0 + _EXIT
_HEADER_SIZE, _SEGMENT_SIZE, _TEXT = 64, 56, 1 << 32
_BPF, _SBPF_V3, _SHARED_OBJECT, _EXECUTABLE = 247, 3, 3, 1

NOOP: Final = (
    struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\2\1\1",
        _SHARED_OBJECT,
        _BPF,
        1,
        _TEXT,
        _HEADER_SIZE,
        0,
        _SBPF_V3,
        _HEADER_SIZE,
        _SEGMENT_SIZE,
        1,
        _HEADER_SIZE,
        0,
        0,
    )
    + struct.pack("<IIQQQQQQ", 1, _EXECUTABLE, _HEADER_SIZE + _SEGMENT_SIZE, _TEXT, _TEXT, len(_CODE), len(_CODE), 0)
    + _CODE
)
"""An ELF file that the runtime loads. Whatever it is called with, it succeeds; it takes 2 compute units."""
