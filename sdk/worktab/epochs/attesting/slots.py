"""What samples are drawn from: hashes of slots, which nobody knows before the slot is over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

from solders.pubkey import Pubkey
from solders.sysvar import SLOT_HASHES

from worktab.chain.protocol import Chain
from worktab.core._checks import Bytes32, bytes32
from worktab.epochs.attesting.errors import SlotNotThere

_COUNT: Final = Struct("<Q")
_ENTRY: Final = Struct("<Q32s")


@dataclass(frozen=True, slots=True)
class SlotHash:
    """A finished slot and its 32-byte hash."""

    slot: int
    hash: bytes


async def slot_hashes(chain: Chain) -> list[SlotHash]:
    """The finished slots that the chain can look back on, 512 at most, newest first. Raises `SlotNotThere` for none."""
    account = await chain.account(SLOT_HASHES)
    data = b"" if account is None else account.data
    count = _COUNT.unpack_from(data)[0] if len(data) >= _COUNT.size else 0
    held = min(count, (len(data) - _COUNT.size) // _ENTRY.size)
    if held <= 0:
        raise SlotNotThere("The chain shows no finished slot")
    return [SlotHash(*_ENTRY.unpack_from(data, _COUNT.size + at * _ENTRY.size)) for at in range(held)]


def first_after(hashes: Sequence[SlotHash], slot: int) -> SlotHash:
    """The first slot after `slot` of those held, newest first. Raises `SlotNotThere` where it is not over yet."""
    later = [each for each in hashes if each.slot > slot]
    if not later:
        raise SlotNotThere("No slot is over since the commitment", expected=f"one after {slot}")
    return later[-1]


def seed(drawn: SlotHash, subject: Pubkey | Bytes32, attestor: Pubkey) -> bytes:
    """The 32-byte seed of an attestor's sample: `H(slot hash || subject || attestor)`.

    subject  the Epoch account; for a sample taken before there is one, the root that will be committed to
    """
    return hashlib.sha256(drawn.hash + bytes32(subject, "subject") + bytes(attestor)).digest()
