"""What events told, against what the accounts say."""

from __future__ import annotations

from solders.pubkey import Pubkey

from support.books import Books, DeviceBook, TabBook, Totals
from support.lanes import decode_lanes
from support.parties import Network
from support.world import World
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state


class Audit:
    """Books of a network that are compared with its accounts whenever `check` is called."""

    def __init__(self, world: World, network: Network) -> None:
        """From the beginning of the world."""
        self._world, self._network, self._posted = world, network, 0
        self.books = Books(network.address)

    def check(self) -> None:
        """Post what happened since, and assert that every account of the network says the same."""
        for event in self._world.logged[self._posted :]:
            self.books.post(event)
        self._posted = len(self._world.logged)
        held = self._world.read_network(self._network)
        assert self.books.totals == Totals(
            pool_free=held.pool_free,
            pool_owed=held.pool_owed,
            root_owed=held.root_owed,
            fees=held.fees,
            accounted=held.accounted,
            jobs=held.total_jobs,
            units=held.total_units,
            rewards=held.total_rewards,
            units_sold=held.total_units_sold,
            units_self_sold=held.total_units_self_sold,
            revenue=held.total_revenue,
            fees_taken=held.total_fees,
            burned=held.total_burned,
            slashed=held.total_slashed,
            guilty=held.disputes_guilty,
            not_guilty=held.disputes_not_guilty,
        )
        devices, tabs, slas, disputes = {}, {}, {}, {}
        for address, account in self._world.runtime.get_program_accounts(PROGRAM_ID):
            data = account.data
            if data[8:40] != bytes(self._network.address):
                continue
            if data.startswith(state.Device.DISCRIMINATOR):
                devices[address] = _told_of_device(state.Device.decode(data))
            elif data.startswith(state.Tab.DISCRIMINATOR):
                reserves = {lane.nonce: lane.reserved for lane in decode_lanes(data)}
                tabs[address] = _told_of_tab(state.Tab.decode(data[: state.Tab.SIZE]), reserves)
            elif data.startswith(state.Sla.DISCRIMINATOR):
                sla = state.Sla.decode(data)
                slas[address] = (sla.tab, sla.device, sla.due, sla.held, sla.deadline)
            elif data.startswith(state.Dispute.DISCRIMINATOR):
                dispute = state.Dispute.decode(data)
                if dispute.verdict == 0:
                    disputes[address] = (dispute.tab, dispute.device, dispute.seq, dispute.deposit)
        assert {at: _known_of_device(each) for at, each in self.books.devices.items()} == devices
        assert {at: _known_of_tab(each) for at, each in self.books.tabs.items()} == tabs
        told = self.books.slas.items()
        assert {at: (each.tab, each.device, each.due, each.held, each.deadline) for at, each in told} == slas
        opened = self.books.disputes.items()
        assert {at: (each.tab, each.device, each.seq, each.deposit) for at, each in opened} == disputes


def _known_of_device(device: DeviceBook) -> tuple[Pubkey | int, ...]:
    sales = device.sales
    return (
        *(device.owner, device.index, device.seq, device.units, device.rewards_owed, device.lifetime_rewards),
        *(device.bond, device.held, device.leaving, device.open_slas, device.kept, device.missed),
        *(device.open_disputes, sales.earnings, sales.claimed, sales.units, sales.own_units),
    )


def _told_of_device(held: state.Device) -> tuple[Pubkey | int, ...]:
    return (
        *(held.owner, held.index, held.seq, held.units, held.rewards_owed, held.lifetime_rewards),
        *(held.bond, held.bond_held, held.unbonding, held.open_slas, held.slas_kept, held.slas_missed),
        *(held.open_disputes, held.earnings_owed, held.revenue_claimed, held.units_sold, held.units_self_sold),
    )


def _known_of_tab(tab: TabBook) -> tuple[object, ...]:
    return tab.consumer, tab.balance, tab.deposited, tab.withdrawn, tab.lanes


def _told_of_tab(held: state.Tab, reserves: dict[int, int]) -> tuple[object, ...]:
    return held.consumer, held.balance, held.deposited, held.withdrawn, reserves
