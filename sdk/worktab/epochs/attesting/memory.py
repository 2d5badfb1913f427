"""What an attestor remembers of open commitments, so that it draws one sample of each, and judges none twice."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from worktab.core._json import json_decimal, json_fields, json_hex
from worktab.core.errors import EncodingError, StorageError
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


class Memory:
    """Commitments by address, in a JSON file that is always whole.

    A judgement holds as long as its basis does: see `basis_of`.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file, where there is one. Raises `StorageError`."""
        self._path = path
        self._known: dict[Pubkey, Remembered] = {}
        try:
            data = json.loads(path.read_bytes())
            self._known = {Pubkey.from_string(name): _from_json(value) for name, value in data.items()}
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StorageError(f"{path} cannot be read", got=str(error)) from error
        except (ValueError, AttributeError, RecursionError, EncodingError) as error:
            raise StorageError(
                f"{path} is damaged", got=str(error), next_step="Remove it: commitments are then judged again"
            ) from error

    def get(self, epoch: Pubkey) -> Remembered | None:
        """What is known of a commitment."""
        return self._known.get(epoch)

    def put(self, epoch: Pubkey, known: Remembered) -> None:
        """Remember it; on the disk when this returns. Raises `StorageError`."""
        if self._known.get(epoch) != known:
            self._known[epoch] = known
            self._write()

    def keep(self, open_: Collection[Pubkey]) -> None:
        """Forget all but these commitments. Raises `StorageError`."""
        if not self._known.keys() <= set(open_):
            self._known = {epoch: known for epoch, known in self._known.items() if epoch in open_}
            self._write()

    def _write(self) -> None:
        text = json.dumps({str(epoch): _to_json(known) for epoch, known in self._known.items()}, indent=1)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, beside = tempfile.mkstemp(dir=self._path.parent, prefix=".attest-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self._path)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written", got=str(error)) from error


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
