"""Which vouchers to bring to the chain, and when.

A settlement costs a transaction's fee, so a lane waits until enough is owed or it has waited long enough; but never
past the end of its lane or of its voucher, and only minutes where an SLA counts what is settled. The exact voucher
moves what is charged; without one, the newest request's moves a little more, which then counts toward later requests,
so a buyer gets some time to leave the exact one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, Protocol

from solders.pubkey import Pubkey

from worktab.core._checks import uint
from worktab.core.errors import WorktabError
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import LaneUnknown
from worktab.market.provider.book import Book
from worktab.market.provider.checking import Gate
from worktab.market.provider.rows import LaneAccount
from worktab.market.provider.tabs import Tabs

_LOG: Final = logging.getLogger(__name__)
_GONE_AFTER: Final = 2
"""After so many lane delays without a sight of it a lane has ended."""


class Settler(Protocol):
    """Brings a voucher to the chain; `worktab.roles.settling.Settler` is one. A repeat is a success."""

    async def settle(self, voucher: SignedVoucher, *, signer: Pubkey | None = None) -> object: ...


@dataclass(frozen=True, slots=True)
class SettlePolicy:
    """When settling is worth the fee. Amounts are in base units, times in seconds.

    Attributes:
        enough: settle a lane as soon as so much is owed on it.
        least: leave a lane alone while less is owed on it: it would not bring the fee in.
        max_age: settle what has been owed for so long.
        before_end: settle when the lane or the voucher may end within so long.
        exact_wait: without an exact voucher, wait for one until something has been owed for so long, `max_age` at
            most. On a lane that an SLA holds, settle whatever has been owed for so long.

    Raises:
        InputError: a field is out of range.
    """

    enough: int = 1_000_000
    least: int = 1
    max_age: int = 86_400
    before_end: int = 1_800
    exact_wait: int = 300

    def __post_init__(self) -> None:
        for name in ("enough", "least"):
            uint(getattr(self, name), 64, name)
        for name in ("max_age", "before_end", "exact_wait"):
            uint(getattr(self, name), 32, name)

    def due(self, lane: LaneAccount, gate: Gate, now: int, *, at_once: bool = False) -> SignedVoucher | None:
        """The voucher to settle now; None while the lane had better wait, or none of its vouchers is good any more.

        `at_once` settles whatever is owed.
        """
        voucher = next((each for each in (lane.exact, lane.cap) if each is not None and _lives(each, now)), None)
        owed = lane.charged.amount - max(lane.paid, gate.paid)
        if voucher is None or owed <= 0:
            return None
        if at_once:
            return voucher
        ends = [end for end in (gate.close_at, voucher.expires_at) if end]
        if owed < self.least:
            return None
        if ends and min(ends) - now <= self.before_end:
            return voucher
        # By the oldest charge, not by the newest: a buyer that never pauses is settled, too.
        waited = now - lane.unsettled_since if lane.unsettled_since else 0
        ready = voucher is lane.exact or waited >= self.exact_wait
        longest = self.exact_wait if gate.promised else self.max_age
        return voucher if waited >= longest or (ready and owed >= self.enough) else None


def _lives(voucher: SignedVoucher, now: int) -> bool:
    return voucher.expires_at == 0 or now < voucher.expires_at


@dataclass(frozen=True, slots=True)
class Settlement:
    """A lane that was settled.

    Attributes:
        tab, nonce: which lane.
        moved: base units that the chain moved to the device's earnings since the last settlement.
        exact: whether that was exactly what is charged.
    """

    tab: Pubkey
    nonce: int
    moved: int
    exact: bool


class Settling:
    """Brings a book's vouchers to the chain. What it does follows from book and chain alone, so it may be killed."""

    def __init__(self, book: Book, tabs: Tabs, settler: Settler, policy: SettlePolicy) -> None:
        self._book, self._tabs, self._settler, self._policy = book, tabs, settler, policy
        self._missing: dict[tuple[Pubkey, int], int] = {}

    async def settle(self, *, at_once: bool = False) -> list[Settlement]:
        """Settles every lane for which that is due by the policy, or, `at_once`, every lane that owes anything.

        A lane that cannot be settled now is told in the log and tried again the next time.

        Raises:
            StorageError: the book cannot be read.
        """
        settled = []
        for lane in await self._book.unsettled():
            try:
                settlement = await self._bring(lane, at_once)
            except WorktabError as error:
                _LOG.warning("Lane %d of tab %s was not settled: %s", lane.nonce, lane.tab, error)
                continue
            if settlement is not None:
                settled.append(settlement)
        return settled

    async def _bring(self, lane: LaneAccount, at_once: bool) -> Settlement | None:
        try:
            gate = await self._tabs.gate(lane.tab, lane.nonce)
        except LaneUnknown:
            await self._miss(lane)
            return None
        self._missing.pop((lane.tab, lane.nonce), None)
        voucher = self._policy.due(lane, gate, self._tabs.now(), at_once=at_once)
        if voucher is not None:
            await self._settler.settle(voucher, signer=gate.signer)
            await self._tabs.read(lane.tab)
            gate = await self._tabs.gate(lane.tab, lane.nonce)
        after = await self._book.note_paid(lane.tab, lane.nonce, gate.paid, self._tabs.now())
        if voucher is None or after.paid == lane.paid:
            return None
        return Settlement(lane.tab, lane.nonce, after.paid - lane.paid, after.paid == lane.charged.amount)

    async def _miss(self, lane: LaneAccount) -> None:
        """Gives a lane up once every reading for twice the lane delay has shown it no more.

        Lanes are never brought back, so what was not settled is lost then. But one reading proves nothing: a node that
        lags, or is on a fork, does not show what is there.
        """
        name, now = (lane.tab, lane.nonce), self._tabs.now()
        since = self._missing.setdefault(name, now)
        if now - since <= _GONE_AFTER * self._tabs.lane_delay:
            _LOG.warning("Lane %d of tab %s is not there, with %d not settled", lane.nonce, lane.tab, lane.unsettled)
            return
        _LOG.error("Lane %d of tab %s ended with %d not settled", lane.nonce, lane.tab, lane.unsettled)
        await self._book.note_ended(lane.tab, lane.nonce)
        del self._missing[name]
