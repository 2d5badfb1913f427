"""What `scripts/build-program` made and this package ships."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def program_binary() -> bytes:
    """The on-chain program, an SBPF v3 binary, to deploy on a chain of one's own."""
    return files(__package__).joinpath("worktab.so").read_bytes()


def program_idl() -> dict[str, Any]:
    """The program's IDL (Anchor's specification 0.1.0)."""
    idl: dict[str, Any] = json.loads(files(__package__).joinpath("worktab.json").read_bytes())
    return idl
