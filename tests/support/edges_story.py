"""Everything that a network counts, done once: sales, roots, promises kept and missed, disputes won and lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support import changes
from support.earning import burning
from support.edges_trust import AGREES, DIFFERS, Accusation, Trust
from support.parties import Device, Lane, Tab
from support.svm import Instructions
from support.tokens import create_mint
from support.tokens_flow import TokenFlow
from support.world import World

_DISPUTES = 12
_DEPOSIT, _SLASH_BPS = 100, 5_000


class Story:
    """A scene of every kind of money, and what goes on there until every statistic has risen."""

    def __init__(self, world: World) -> None:
        self.world, self.trust = world, Trust(world)
        self.flow = TokenFlow(world, create_mint(world))
        self.device, self.attestor = self.flow.device, self.flow.roots.attestors[0]
        self.honest: Device = world.device(self.flow.network)
        self.own: Tab = world.tab(self.flow.network, 1_000, consumer=self.device.owner)
        self.events: list[Any] = []

    def tell(self) -> Sequence[Any]:
        """Does all of it; the events that were logged."""
        for movement in self.flow.movements():
            self.do(movement.instruction)
        self._sell(self.own)
        self._sell(self.flow.tab)
        self._promise(kept=True)
        self._promise(kept=False)
        change = changes.change(_DISPUTES, _DEPOSIT, _SLASH_BPS)
        self.do(self.world.propose(self.flow.network, change), self.world.apply(self.flow.network))
        self._dispute(self.honest, AGREES)
        self._dispute(self.device, DIFFERS)
        self._root()
        return self.events

    def do(self, *instructions: Instructions) -> Any:
        """Sends what must succeed, and keeps what it says; the ledger is checked after it."""
        result = self.world.send(*instructions)
        assert result.ok, f"{result.error_name}: {result.logs}"
        self.events += result.events
        return result.events[-1]

    def _sell(self, tab: Tab) -> None:
        """By voucher and by invoice, some of it given back, and claimed."""
        lane = self._lane(tab, 300)
        self.do(self.world.voucher(lane, 200, 20))
        self.do(self.flow.desk.refund(self.flow.desk.sell(self.device, tab, 100, 10), tab, 50))
        claim = self.world.claim([self.device], self.device.payout, self.flow.network)
        self.do(burning(claim, self.flow.network))

    def _lane(self, tab: Tab, amount: int) -> Lane:
        nonce = self.do(self.world.reserve(tab, self.device, amount)).nonce
        return Lane(tab, self.device, nonce, tab.consumer)

    def _promise(self, *, kept: bool) -> None:
        lane = self._lane(self.flow.tab, 40)
        self.do(self.trust.promise(lane, 40, 5_000, self.world.now + 60))
        if kept:
            self.do(self.world.voucher(lane, 40))
        else:
            self.world.advance(60 + self.world.read_network(self.flow.network).challenge_delay)
        self.do(self.trust.enforce(lane))

    def _dispute(self, device: Device, finding: int) -> None:
        held = self.world.read_device(device)
        accusation = Accusation(device, self.flow.tab, seq=held.seq + 1, amount=30, paid_by=self.own, before=held.head)
        receipt = self.world.receipt(device, held.seq + 1, held.units + 10, head=accusation.head)
        self.do(receipt)
        self.do(self.trust.accuse(accusation))
        self.do(self.trust.find(accusation, self.attestor, finding))
        self.do(self.trust.resolve(accusation))

    def _root(self) -> None:
        epoch = self.world.epoch(self.flow.network)
        self.world.next_epoch(self.flow.network)
        root = self.flow.roots.raised(self.flow.root, epoch, 11)
        commitment = root.commitment(records_checked=5, records_failed=2, check_ms=9)
        self.do(self.flow.roots.commit(commitment))
        self.world.advance(self.world.read_network(self.flow.network).challenge_delay)
        self.do(self.flow.roots.finalize(commitment))
        self.do(self.flow.roots.claim(root, 0))
