"""All proofs of one epoch, from its published data."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from solders.pubkey import Pubkey

from worktab.core.errors import VerificationError
from worktab.core.merkle import EMPTY, Tree, climb, device_leaf
from worktab.epochs.proofs.errors import DeviceUnknown, PayeeUnknown
from worktab.epochs.proofs.index import AddressIndex
from worktab.epochs.proofs.pages import device_page, devices_tree, payee_page
from worktab.epochs.proofs.root import PAGE, Root
from worktab.ingest.rows import Rows
from worktab.roles.roots import RootProof

if TYPE_CHECKING:
    from worktab.epochs.data import EpochData
    from worktab.epochs.manifest import Manifest

_TREES_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class DeviceProof:
    """A row of a device under a payee, and the proof that it is in the payee's tree of devices.

    position      of the payee
    rank          place of the row in the payee's tree
    device        address of the device
    index         of its registration or enrolment, u32
    units         lifetime work units under this payee
    reward        lifetime reward under this payee, base units
    head          32-byte head of its record chain
    seq, time     of the receipt that the row was made from; time in Unix seconds
    active        whether new work of the device is counted in this row
    devices_root  32-byte root of the payee's tree, which the payee's leaf names
    siblings      32 bytes for each level of it, the lowest first
    """

    position: int
    rank: int
    device: Pubkey
    index: int
    units: int
    reward: int
    head: bytes
    seq: int
    time: int
    active: bool
    devices_root: bytes
    siblings: tuple[bytes, ...]

    @property
    def leaf(self) -> bytes:
        """The 32-byte leaf (`worktab.core.merkle.device_leaf`)."""
        return device_leaf(self.index, self.units, self.reward, self.head)

    def verify(self) -> None:
        """Checks that the row is in the payee's tree. Raises `VerificationError`."""
        if climb(self.leaf, self.rank, self.siblings) != self.devices_root:
            raise VerificationError(f"The row of device {self.device} is not in its payee's tree")


class ProofBook:
    """The proofs of one epoch: for a payout wallet its leaf, for a payee its devices.

    Memory a payee: 64 bytes of tree, 12 of index and its row of 80; a device: 12 of index and its row. A proof costs no
    hashing; one of a device hashes its payee's devices the first time.
    """

    def __init__(self, data: EpochData) -> None:
        """Builds the tree and the indexes of published data, which was read and checked by `EpochData.read`.

        Raises `VerificationError` where the rows do not give the root that the data states.
        """
        self.manifest: Final[Manifest] = data.manifest
        self.root: Final = Root.published(data.manifest)
        self.payees: Final[Rows] = np.asarray(data.payees)
        self._devices: Final[Rows] = np.asarray(data.devices)
        self._tree = data.tree()
        if self._tree.root != self.root.root or self._tree.count != self.root.count:
            raise VerificationError(
                f"The rows of epoch {self.root.epoch} do not give its root",
                expected=self.root.root.hex(),
                got=self._tree.root.hex(),
            )
        self._payouts = AddressIndex(self.payees["payout"])
        self._by_device = AddressIndex(self._devices["device"])
        self._device_trees = lru_cache(_TREES_KEPT)(self._device_tree)
        self._making = threading.Lock()

    def position(self, payout: Pubkey) -> int | None:
        """The position of a payout wallet."""
        return next(iter(self._payouts.find(bytes(payout))), None)

    def proof(self, payout: Pubkey) -> RootProof:
        """The proof of a payout wallet. Raises `PayeeUnknown`."""
        return self.proof_at(self._known(payout))

    def proof_at(self, position: int) -> RootProof:
        """The proof of a position. Raises `InputError` where there is no such position."""
        siblings = self._tree.siblings(position)
        row = self.payees[position]
        return RootProof(
            position, Pubkey(row["payout"].tobytes()), int(row["reward"]), row["devices_root"].tobytes(), siblings
        )

    def device_count(self, payout: Pubkey) -> int:
        """How many rows of devices a payee has. Raises `PayeeUnknown`."""
        return int(self.payees[self._known(payout)]["devices"])

    def devices(self, payout: Pubkey, start: int = 0, limit: int | None = None) -> list[DeviceProof]:
        """A payee's rows of devices with their proofs, in the order of its tree. Raises `PayeeUnknown`."""
        position = self._known(payout)
        count = int(self.payees[position]["devices"])
        end = count if limit is None else min(count, start + limit)
        return [self._proof_of(position, rank) for rank in range(start, end)]

    def device(self, device: Pubkey) -> list[DeviceProof]:
        """The rows of a device with their proofs: one, and those under its earlier payees. Raises `DeviceUnknown`."""
        rows = self._by_device.find(bytes(device))
        if not rows:
            raise DeviceUnknown(f"Epoch {self.root.epoch} has no row of device {device}")
        positions = [int(self._devices[row]["position"]) for row in rows]
        return [
            self._proof_of(position, row - int(self.payees[position]["first"]))
            for position, row in zip(positions, rows, strict=True)
        ]

    def page(self, number: int) -> bytes:
        """The bytes of a page of payees (`worktab.epochs.proofs.pages`)."""
        first = number * PAGE
        upper = self._tree.siblings(first)[self.root.page_depth :]
        return payee_page(self.root, number, self.payees[first : first + PAGE], upper)

    def device_page(self, number: int) -> bytes:
        """The bytes of a page of devices."""
        rows = self.payees[number * PAGE : (number + 1) * PAGE]
        first, last = int(rows[0]["first"]), rows[-1]
        return device_page(self.root, number, self._devices[first : int(last["first"]) + int(last["devices"])])

    def _known(self, payout: Pubkey) -> int:
        position = self.position(payout)
        if position is None:
            raise PayeeUnknown(f"Epoch {self.root.epoch} has no payee {payout}")
        return position

    def _rows_of(self, position: int) -> Rows:
        first, count = (int(self.payees[position][name]) for name in ("first", "devices"))
        return self._devices[first : first + count]

    def _device_tree(self, position: int) -> Tree:
        tree = devices_tree(self._rows_of(position))
        stated = self.payees[position]["devices_root"].tobytes()
        if tree.root != stated or stated == EMPTY:
            raise VerificationError(f"The devices of position {position} do not give the root that its leaf names")
        return tree

    def _proof_of(self, position: int, rank: int) -> DeviceProof:
        row: np.void = self._rows_of(position)[rank]
        with self._making:  # a payee may have very many devices: one tree at a time
            tree = self._device_trees(position)
        return DeviceProof(
            position,
            rank,
            Pubkey(row["device"].tobytes()),
            int(row["index"]),
            int(row["units"]),
            int(row["reward"]),
            row["head"].tobytes(),
            int(row["seq"]),
            int(row["time"]),
            bool(row["active"]),
            tree.root,
            tree.siblings(rank),
        )
