"""What an attestor remembers of open commitments, so that it draws one sample of each, and judges none twice."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from worktab.core._json import json_decimal, json_fields, json_hex
from worktab.core.errors import EncodingError
from worktab.epochs.attesting.keeping import KeptByAddress
from worktab.epochs.attesting.slots import SlotHash
from worktab.program.generated.accounts import Network

_FIELDS = ("slot", "hash", "basis", "approve", "proven", "numbers")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of one commitment.

    Attributes:
        drawn_by: the slot that its sample is drawn by.
        basis: what it was judged on; see `Memory`.
        approve: what was found.
        proven: whether what is wrong with it was proven; see `Verdict.proven`.
        numbers: of its sample: records checked, records failed, milliseconds; empty without one.
    """

    drawn_by: SlotHash
    basis: bytes
    approve: bool
    numbers: tuple[int, ...] = ()
    proven: bool = False


def basis_of(manifest: bytes, network: Network) -> bytes:
    """What a judgement rests on: what the attestor would have committed to itself, by the hash of its manifest, which
    has the network's terms in it; and who attests, for a change of those voids all votes."""
    return sha256(manifest + network.attestor_version.to_bytes(8, "little")).digest()


class Memory(KeptByAddress[Remembered]):
    """Commitments by address, in a JSON file that is always whole.

    A judgement holds as long as its basis does: see `basis_of`.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file, where there is one. Raises `StorageError`."""
        super().__init__(path, _to_json, _from_json, without_it="commitments are then judged again")

    def get(self, epoch: Pubkey) -> Remembered | None:
        """What is known of a commitment."""
        return self.find(epoch)


def _to_json(known: Remembered) -> dict[str, Any]:
    return {
        "slot": str(known.drawn_by.slot),
        "hash": known.drawn_by.hash.hex(),
        "basis": known.basis.hex(),
        "approve": known.approve,
        "proven": known.proven,
        "numbers": list(known.numbers),
    }


def _from_json(value: object) -> Remembered:
    slot, hash_, basis, approve, proven, numbers = json_fields(value, _FIELDS)
    told = isinstance(approve, bool) and isinstance(proven, bool) and isinstance(numbers, list)
    if not (told and all(type(each) is int for each in numbers)):
        raise EncodingError("this is nothing that an attestor remembers", got=ascii(value)[:100])
    drawn_by = SlotHash(json_decimal(slot, "slot"), json_hex(hash_, 32, "hash"))
    return Remembered(drawn_by, json_hex(basis, 32, "basis"), approve, tuple(numbers), proven)
