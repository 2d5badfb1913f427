"""What the random histories are about: people, their devices, tabs and lanes, and the time that passes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule
from solders.keypair import Keypair

from support import ledger_strategies as some
from support.invoices import Desk
from support.ledger_parts import DeviceModel
from support.ledger_trust_model import TrustModel
from support.parties import EPOCH, Device, Lane, Network, Tab
from support.sales_model import LaneModel, TabModel
from support.svm import Result
from support.world import World


class People:
    """A machine whose people own devices and tabs; time passes by its rules."""

    world: World
    network: Network
    model: TrustModel
    handles: list[Device]
    people: list[Keypair]
    collector: Keypair
    supply: int

    def start_selling(self) -> None:
        """To be called once the network is there."""
        self.desk = Desk(self.world)
        self.people = [self.world.keypair() for _ in range(some.PEOPLE)]
        self.purses = [0] * some.PEOPLE
        self.collector = self.world.keypair()
        self.network.mint.open(self.collector.pubkey())
        self.collected = 0
        self.keys: dict[tuple[int, int], Keypair] = {}
        self.lanes: dict[tuple[int, int], Lane] = {}

    def open_devices(self) -> list[DeviceModel]:
        return [each for each in self.model.devices if not each.closed]

    def pick(self, number: int) -> tuple[DeviceModel, Device]:
        devices = self.open_devices()
        model = devices[number % len(devices)]
        return model, self.handles[model.index]

    def pick_tab(self, number: int) -> tuple[int, TabModel, Tab]:
        person = sorted(self.model.tabs)[number % len(self.model.tabs)]
        return person, self.model.tabs[person], self.tab_of(person)

    def pick_lane(self, number: int) -> tuple[int, TabModel, LaneModel, Lane]:
        found = [(person, tab, lane) for person, tab in sorted(self.model.tabs.items()) for lane in tab.lanes]
        person, tab, lane = found[number % len(found)]
        return person, tab, lane, self.lanes[person, lane.nonce]

    def tab_of(self, person: int) -> Tab:
        return self.world.tab_of(self.network, self.people[person])

    def signer(self, person: int, number: int) -> Keypair:
        """The key of a signer number; some stranger's where there is none."""
        return self.keys.get((person, number), self.world.payer) if number else self.people[person]

    def has_lanes(self) -> bool:
        return any(tab.lanes for tab in self.model.tabs.values())

    def expect(self, result: Result, reasons: set[str]) -> bool:
        """The transaction did what no rule forbids, or failed for one that does."""
        assert result.error_name in reasons if reasons else result.ok, (result.error_name, reasons, result.logs)
        return result.ok

    @rule(seconds=st.sampled_from([1, 60, some.DELAY, EPOCH - 1, EPOCH, 2 * EPOCH, 25 * EPOCH, -1, -30, -EPOCH]))
    def pass_time(self, seconds: int) -> None:
        self.world.advance(seconds)
        self.model.now = self.world.now

    @rule(before=st.sampled_from([0, 1]))
    def pass_to_the_edge_of_an_epoch(self, before: int) -> None:
        self.world.next_epoch(self.network, before=before)
        self.model.now = self.world.now
