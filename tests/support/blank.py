"""Accounts of the program that are made here, for tests of what is worked out from accounts alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from worktab.program.structs import Account

A = TypeVar("A", bound=Account)


def blank(kind: type[A], **fields: Any) -> A:
    """An account with these fields, and zero in all others."""
    return replace(kind.decode(kind.DISCRIMINATOR + bytes(kind.SIZE - len(kind.DISCRIMINATOR))), **fields)  # type: ignore[type-var]
