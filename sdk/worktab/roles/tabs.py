"""A consumer's tab: its money in a network, its delegates, and the lanes it is set aside on (PROTOCOL section 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError
from worktab.program.generated.accounts import Tab
from worktab.program.generated.errors import LaneNotFound
from worktab.program.generated.types import Delegate

CONSUMER: Final = 0
"""The signer number of the consumer itself; delegates are 1 to 4, by their slots."""

LANE_SIZE: Final = 40
"""Bytes of a lane, and so of rent that a new one costs until it ends."""

_SLA: Final = 1
_LANE = struct.Struct("<IIQQQIBBH")


class DelegateStatus(IntEnum):
    """Where a delegate's slot stands.

    FREE     nobody's
    ACTIVE   its key may spend, within its limits
    REVOKED  its key spends no more; it stays while lanes name it, so that its vouchers remain good
    """

    FREE = 0
    ACTIVE = 1
    REVOKED = 2


@dataclass(frozen=True, slots=True)
class Lane:
    """What a consumer set aside for one device, and how much of it vouchers have moved (40 bytes).

    index     the device's index in the network
    nonce     tells the lanes of a tab apart, also those that ended
    paid      base units moved to the device so far
    reserved  base units set aside and not yet moved
    units     work units bought so far
    close_at  when a closing lane may end, Unix seconds; 0 while it is open
    signer    whose signature moves it: 0 the consumer, 1 to 4 a delegate
    flags     bit 0: an SLA holds it, so that it can't be closed
    """

    index: int
    nonce: int
    paid: int
    reserved: int
    units: int
    close_at: int
    signer: int
    flags: int

    @property
    def promised(self) -> bool:
        """Whether an SLA holds it."""
        return bool(self.flags & _SLA)

    @property
    def most(self) -> int:
        """The largest amount of a voucher that settles: what was ever reserved."""
        return self.paid + self.reserved


@dataclass(frozen=True, slots=True)
class TabView:
    """A tab and its lanes, in the order of their nonces."""

    address: Pubkey
    tab: Tab
    lanes: tuple[Lane, ...]

    @property
    def reserved(self) -> int:
        """Base units set aside on all lanes; the tab's balance does not count them."""
        return sum(lane.reserved for lane in self.lanes)

    @property
    def spent(self) -> int:
        """Base units moved to devices so far, less refunds: what came in and is neither here nor withdrawn."""
        return self.tab.deposited - self.tab.withdrawn - self.tab.balance - self.reserved

    def lane(self, nonce: int) -> Lane:
        """The lane of this nonce. Raises `LaneNotFound` where it ended, or never was."""
        for lane in self.lanes:
            if lane.nonce == nonce:
                return lane
        raise LaneNotFound(expected=f"a lane of tab {self.address}", got=f"nonce {nonce}")

    def has_lane(self, nonce: int) -> bool:
        """Whether there is a lane of this nonce."""
        return any(lane.nonce == nonce for lane in self.lanes)

    def key_of(self, signer: int) -> Pubkey | None:
        """The key of a signer number; None for a slot that is free. Raises `EncodingError` for an unknown number."""
        if signer == CONSUMER:
            return self.tab.consumer
        delegate = self.delegate(signer)
        return Pubkey(delegate.key) if delegate.status else None

    def delegate(self, slot: int) -> Delegate:
        """The delegate in a slot, 1 to 4; one of status 0 marks a free slot. Raises `EncodingError` for another."""
        if not 1 <= slot <= len(self.tab.delegates):
            raise EncodingError("There is no such delegate", expected=f"1 to {len(self.tab.delegates)}", got=str(slot))
        return self.tab.delegates[slot - 1]

    def signer_of(self, lane: Lane) -> Pubkey:
        """The key whose vouchers move a lane. It is there for as long as the lane is, also where it was revoked."""
        key = self.key_of(lane.signer)
        if key is None:
            raise EncodingError("A lane names a delegate that is not there", got=f"slot {lane.signer}")
        return key

    def number_of(self, key: Pubkey) -> int | None:
        """The signer number of a key, revoked ones included; None for a key that has none."""
        if key == self.tab.consumer:
            return CONSUMER
        for slot, delegate in enumerate(self.tab.delegates, 1):
            if delegate.status and delegate.key == bytes(key):
                return slot
        return None


def decode_tab(address: Pubkey, data: bytes) -> TabView:
    """The tab in an account's data.

    Raises:
        EncodingError: it is something else.
    """
    lanes = data[Tab.SIZE :]
    if len(lanes) % LANE_SIZE:
        raise EncodingError("these bytes are no Tab", expected=f"{Tab.SIZE} bytes and lanes of 40", got=f"{len(data)}")
    tab = Tab.decode(data[: Tab.SIZE])
    return TabView(address, tab, tuple(Lane(*fields[:-1]) for fields in _LANE.iter_unpack(lanes)))
