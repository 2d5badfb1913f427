"""A lane as the purse knows it, and the request under way on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from solders.pubkey import Pubkey

from worktab.core.vouchers import SignedVoucher
from worktab.market.terms import Requirement, Totals


@dataclass(frozen=True, slots=True)
class Place:
    """Where vouchers are good: a network's domain, a tab in it, a device, and the key that signs."""

    domain: bytes
    tab: Pubkey
    device: Pubkey
    signer: Pubkey

    @property
    def name(self) -> str:
        """A name for a lock, 64 characters."""
        return sha256(b"".join(self.columns)).hexdigest()

    @property
    def columns(self) -> tuple[bytes, bytes, bytes, bytes]:
        """As the file holds it."""
        return self.domain, bytes(self.tab), bytes(self.device), bytes(self.signer)


@dataclass(frozen=True, slots=True)
class Pending:
    """A paid request whose outcome is not known: under way, or cut off.

    key          its Idempotency-Key
    request      32-byte hash of what was asked
    requirement  the terms it was paid by
    voucher      what it was paid with
    """

    key: str
    request: bytes
    requirement: Requirement
    voucher: SignedVoucher


@dataclass(frozen=True, slots=True)
class PurseLane:
    """A lane as the purse knows it. Amounts are base units.

    version   rises with every change
    most      the largest amount of a voucher that settles: what was ever reserved
    settled   the units that the chain has settled: a voucher that settles names no fewer
    charged   what is charged on it so far
    signed    the largest amount of any voucher given out
    left      the amount of the newest exact voucher given out
    ceiling   up to which totals the device may have charged without a receipt: by requests that got no answer
    behind    by how much less the device knows to be charged: it lost its book
    unproven  how often in a row that was believed
    pending   the request whose outcome is not known
    """

    id: int
    version: int
    place: Place
    index: int
    nonce: int
    most: int
    settled: int
    charged: Totals
    signed: int
    left: int
    ceiling: tuple[int, int]
    behind: int
    unproven: int
    pending: Pending | None

    @property
    def name(self) -> str:
        """What a budget calls it."""
        return f"{self.place.tab}:{self.nonce}"

    def ours(self, said: Totals) -> Totals:
        """A device's totals as they count here. Raises `InputError` where these are no u64."""
        return replace(said, amount=said.amount + self.behind)

    @property
    def room(self) -> int:
        """What may still be signed for, beyond what is charged."""
        return self.most - self.charged.amount

    @property
    def believable(self) -> tuple[int, int]:
        """The largest amount and units that the device may say are charged, without a receipt."""
        known = [(self.charged.amount, self.charged.units), self.ceiling]
        if self.pending is not None:
            known.append((self.pending.voucher.amount, self.pending.voucher.units))
        return max(amount for amount, _ in known), max(units for _, units in known)
