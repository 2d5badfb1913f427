"""What watchers are asked with in tests: books and bought records as they stand, and disputes of a scene's device."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.sla_scene import SlaScene
from worktab.core.errors import StorageError
from worktab.core.records import ZERO_HEAD, JobRecord, Meter, next_head
from worktab.roles.accusations import DisputeEvidence, DisputeFinding, Shown, show_until
from worktab.roles.consumer import Consumer
from worktab.roles.disputes import Challenger, DisputeCrank, DisputeVoter
from worktab.roles.settling import Settler
from worktab.roles.slas import SlaOwner, Slas
from worktab.trust.watching.acting import Watcher
from worktab.trust.watching.deciding import Contest, Policy
from worktab.trust.watching.seeing import Owed

AMOUNT: Final = 120
"""Base units that the disputed record names."""
AHEAD: Final = 600


class BookOf:
    """A book that has these lanes."""

    def __init__(self, lanes: Mapping[tuple[Pubkey, int], Owed], *, held: bool = False) -> None:
        self.lanes, self._held = lanes, held

    async def owed(self, lanes: Collection[tuple[Pubkey, int]], now: int) -> Mapping[tuple[Pubkey, int], Owed]:
        """See `LaneBook`."""
        if self._held:
            raise StorageError("the book is in use")
        return {lane: owed for lane, owed in self.lanes.items() if lane in lanes}


class RecordsOf:
    """Bought records."""

    def __init__(self, *shown: Shown) -> None:
        self._shown = {each.hash: each for each in shown}

    async def find(self, hashes: Collection[bytes]) -> Mapping[bytes, Shown]:
        """See `BoughtRecords`."""
        return {hash: shown for hash, shown in self._shown.items() if hash in hashes}


def watcher(scene: SlaScene, *, key: Keypair | None = None, contest: Contest = Contest.SHORT, **what: Any) -> Watcher:
    """A watcher; with an owner's key it can contest. It warns, and settles, ten minutes ahead."""
    sender, network = scene.fleet.sender, scene.fleet.network
    slas = Slas(sender, network) if key is None else SlaOwner(sender, network, key)
    policy = Policy(contest, None if key is None else key.pubkey(), ahead=AHEAD)
    return Watcher(slas, DisputeCrank(sender, network), Settler(sender, network), policy, **what)


def consumers_watcher(scene: SlaScene, consumer: Consumer | None = None, *shown: Shown) -> Watcher:
    """A consumer's watcher, who kept these records."""
    return watcher(scene, tab=(consumer or scene.consumer).tab_address, records=RecordsOf(*shown))


def owners_watcher(scene: SlaScene, contest: Contest = Contest.SHORT, book: BookOf | None = None) -> Watcher:
    """The owner's watcher."""
    key = scene.owner.owner
    books = {} if book is None else {scene.device.device: book}
    return watcher(scene, key=key, contest=contest, books=books, owner=key.pubkey())


class Accused:
    """A record that the scene's device signed, bought by the scene's consumer, and a dispute of it by somebody else."""

    shown: Shown
    dispute: Pubkey
    challenger: Consumer

    def __init__(self, scene: SlaScene) -> None:
        self.scene = scene

    async def open(self, *, challenger: Consumer | None = None, tab: Pubkey | None = None) -> Accused:
        """Sign the record, which names the consumer's tab unless told otherwise, and dispute it."""
        scene, fleet = self.scene, self.scene.fleet
        await fleet.next_epoch()
        named = bytes(tab or scene.consumer.tab_address)
        record = JobRecord(Meter.WASM_FUEL, 0, 1, b"m" * 32, b"i" * 32, b"o" * 32, 10, AMOUNT, 1, 2, named)
        self.shown = Shown(record, b"s" * 32)
        await scene.device.submit(*await fleet.receipt(scene.device, 1, 10, head=next_head(ZERO_HEAD, self.shown.hash)))
        self.challenger = challenger or await fleet.consumer(300)
        evidence = DisputeEvidence(1, self.shown.hash, ZERO_HEAD)
        accuser = Challenger(fleet.sender, fleet.network, self.challenger.key)
        self.dispute = (await accuser.open(scene.device.device, evidence)).address
        return self

    async def vote(self, finding: DisputeFinding, count: int = 2) -> None:
        """Attestors vote."""
        fleet = self.scene.fleet
        for key in self.scene.attestors[:count]:
            await DisputeVoter(fleet.sender, fleet.network, key).vote(self.dispute, finding)

    async def pass_deadline(self) -> None:
        """Go to the dispute's deadline."""
        view = await self.scene.slas.reader.dispute(self.dispute)
        assert view is not None
        await self.scene.fleet.clock.set_time(view.account.deadline)

    async def pass_showing(self) -> None:
        """Go to where a guilty dispute ends without its record."""
        view = await self.scene.slas.reader.dispute(self.dispute)
        assert view is not None
        await self.scene.fleet.clock.set_time(show_until(view.account))
