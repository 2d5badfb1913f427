"""Many accounts of a network, read together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.program.bulk import decode_many
from worktab.program.generated import accounts as state
from worktab.roles.tabs import TabView
from worktab.roles.trust_reading import DisputeView

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class DeviceTable:
    """Many devices, in the order of their index, decoded at once.

    `rows` is a numpy array with a column for each field of a Device account; iterating gives addresses and decoded
    devices one by one.
    """

    addresses: tuple[Pubkey, ...]
    rows: NDArray[Any]

    @classmethod
    def decode(cls, found: Sequence[tuple[Pubkey, AccountData]]) -> DeviceTable:
        """The devices in these accounts. Raises `EncodingError` if one is no Device."""
        rows = decode_many(state.Device, [account.data for _, account in found])
        order = rows["index"].argsort(kind="stable")
        return cls(tuple(found[place][0] for place in order), rows[order])

    def __len__(self) -> int:
        return len(self.addresses)

    def __iter__(self) -> Iterator[tuple[Pubkey, state.Device]]:
        for address, row in zip(self.addresses, self.rows, strict=True):
            yield address, state.Device.decode(row.tobytes())

    def total(self, field: str) -> int:
        """The exact sum of an integer field over all devices."""
        return sum(self.rows[field].tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A network, all its devices, tabs and disputes, its vault's balance (base units) and the chain's clock (Unix
    seconds).

    `root_claimed` is what payees of roots have claimed, base units. In a snapshot that is not exact it is 0, and `tabs`
    and `disputes` are None.
    """

    address: Pubkey
    network: state.Network
    devices: DeviceTable
    tabs: tuple[TabView, ...] | None
    disputes: tuple[DisputeView, ...] | None
    vault: int
    now: int
    root_claimed: int
