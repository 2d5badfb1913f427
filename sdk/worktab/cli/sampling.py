"""Which records a command runs again."""

from __future__ import annotations

import secrets

from worktab.core.errors import InputError
from worktab.work.verify import Sample, everything, one_in


def sample_of(k: int | None, seed: str | None) -> tuple[bytes | None, Sample]:
    """The sample of one record in `k`, drawn by a seed in hex or a random one, and the seed; all without `k`.

    Raises `InputError`.
    """
    if k is None:
        if seed is not None:
            raise InputError("--seed chooses a sample", expected="--one-in with it")
        return None, everything
    try:
        drawn = secrets.token_bytes(32) if seed is None else bytes.fromhex(seed)
    except ValueError:
        raise InputError("--seed is not hex", expected="pairs of hex digits", got=repr(seed)) from None
    return drawn, one_in(k, drawn)
