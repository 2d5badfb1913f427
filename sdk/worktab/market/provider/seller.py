"""Who sells: the device, its network and the token it is paid in."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.core.records import Meter
from worktab.market.pricing import Price
from worktab.market.terms import LaneTotals, Requirement, chain_name
from worktab.roles.accusations import takes_disputes
from worktab.roles.decoding import class_of
from worktab.roles.reading import NetworkReader


@dataclass(frozen=True, slots=True)
class Seller:
    """A device as its buyers know it.

    Attributes:
        chain: the cluster, as `worktab.market.terms.chain_name` names it.
        program: the program's address.
        network: the Network account.
        domain: the network's 32-byte domain (PROTOCOL section 2).
        asset: the mint of the network's token.
        device: the Device account.
        index: the device's index in the network.
        work_class: the device's class of work.
        lane_delay: seconds that a lane lives on at least after its consumer began to close it.
        disputable: whether the network takes disputes about the device's records: any of another meter than WASM fuel
            costs it its bond then.
    """

    chain: str
    program: Pubkey
    network: Pubkey
    domain: bytes
    asset: Pubkey
    device: Pubkey
    index: int
    work_class: int
    lane_delay: int
    disputable: bool = False

    @classmethod
    async def read(cls, reader: NetworkReader, device: Pubkey) -> Seller:
        """The seller that `device` is, as the chain shows it.

        Raises:
            NetworkNotFound, WrongCluster, DeviceNotFound: see `NetworkReader.view`.
        """
        view = await reader.view(device)
        return cls(
            chain=chain_name(await reader.chain.genesis_hash()),
            program=reader.program_id,
            network=reader.address,
            domain=view.network.domain,
            asset=view.network.mint,
            device=device,
            index=view.device.index,
            work_class=view.device.class_,
            lane_delay=view.network.lane_close_delay,
            disputable=takes_disputes(view.network) and class_of(view.network, view.device).meter == Meter.WASM_FUEL,
        )

    def requirement(self, price: Price, max_units: int, lane: LaneTotals | None = None) -> Requirement:
        """What is asked for a request of at most `max_units` work units, with what is charged on the buyer's lane.

        Raises:
            InputError: it would cost more than the largest u64.
        """
        return Requirement(
            chain=self.chain,
            amount=price.cost(max_units),
            asset=self.asset,
            device=self.device,
            program=self.program,
            network=self.network,
            index=self.index,
            units=max_units,
            price=price,
            lane=lane,
        )
