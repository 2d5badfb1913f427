"""A network with attestors, a bonded device, a consumer with a lane for it, and their SLA; on any chain."""

from __future__ import annotations

from typing import Any, Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.program.generated.accounts import Network
from worktab.roles.bonds import BondKeeper
from worktab.roles.consumer import Consumer
from worktab.roles.device import Device
from worktab.roles.owner import Owner
from worktab.roles.settling import Settler
from worktab.roles.sla_offers import SlaOffer
from worktab.roles.sla_opening import OpenedSla, SlaParty
from worktab.roles.slas import SlaAttestor, SlaOwner, Slas
from worktab.roles.tabs import TabView

HOUR: Final = 3_600
DELAY: Final = 2 * HOUR
"""The challenge delay: how long a penalty can be contested, and then be decided."""
BOND: Final = 500
FUNDS: Final = 1_000
RESERVED: Final = 300
DUE: Final = 200
BPS: Final = 5_000


class SlaScene:
    """A fleet of which a device promises a consumer to deliver; amounts in base units.

    The bond is 500, of which an SLA holds 100; the tab has 700 left beside a lane of 300, of which 200 are due.
    """

    fleet: Fleet
    attestors: tuple[Keypair, ...]
    owner: Owner
    consumer: Consumer
    device: Device
    nonce: int

    def __init__(self) -> None:
        self.attestors = tuple(Keypair() for _ in range(3))

    @property
    def plan(self) -> dict[str, Any]:
        """What the fleet's network is made by."""
        return {
            "attestors": tuple(each.pubkey() for each in self.attestors),
            "challenge_delay": DELAY,
            "unbonding_delay": 2 * DELAY,
            "dispute_deposit": 50,
            "slash_bps": 5_000,
        }

    async def join(self, fleet: Fleet, owner: Keypair | None = None, consumer: Keypair | None = None) -> SlaScene:
        """Bring the parties into a fleet's network."""
        self.fleet, self.owner = fleet, fleet.owner(owner)
        self.device = await fleet.device(owner=self.owner)
        await fleet.mint.give(self.owner.owner.pubkey(), BOND)
        await self.keeper.deposit(self.device.device, BOND)
        self.consumer = await fleet.consumer(FUNDS, key=consumer)
        self.nonce = (await self.consumer.reserve(self.device.device, RESERVED)).nonce
        return self

    @property
    def keeper(self) -> BondKeeper:
        """Keeps the owner's bonds."""
        return BondKeeper(self.fleet.sender, self.fleet.network, self.owner.owner)

    @property
    def buyer(self) -> SlaParty:
        """The consumer as a party."""
        return SlaParty(self.fleet.sender, self.fleet.network, self.consumer.key)

    @property
    def seller(self) -> SlaParty:
        """The owner as a party."""
        return SlaParty(self.fleet.sender, self.fleet.network, self.owner.owner)

    @property
    def slas(self) -> Slas:
        """Anybody."""
        return Slas(self.fleet.sender, self.fleet.network)

    @property
    def contester(self) -> SlaOwner:
        """The owner, who contests."""
        return SlaOwner(self.fleet.sender, self.fleet.network, self.owner.owner)

    def attestor(self, number: int) -> SlaAttestor:
        """One of the attestors."""
        return SlaAttestor(self.fleet.sender, self.fleet.network, self.attestors[number])

    async def offer(self, party: SlaParty | None = None, **terms: Any) -> SlaOffer:
        """Terms with a deadline in an hour, written down by the consumer or another party."""
        fields: dict[str, Any] = {
            "consumer": self.consumer.consumer,
            "nonce": self.nonce,
            "due": DUE,
            "bps": BPS,
            "deadline": await self.fleet.clock.now() + HOUR,
        }
        return await (party or self.buyer).offer(self.device.device, **(fields | terms))

    async def open(self, **terms: Any) -> OpenedSla:
        """An open SLA."""
        return await self.buyer.open(await self.offer(**terms), self.owner.owner)

    async def deliver(self, amount: int) -> None:
        """Settle a voucher for `amount` base units in all."""
        voucher = await self.fleet.voucher(self.consumer, self.device, self.nonce, amount=amount, units=amount)
        await Settler(self.fleet.sender, self.fleet.network).settle(voucher)

    async def pass_deadline(self, sla: Pubkey) -> None:
        """Go to an SLA's deadline."""
        await self.fleet.clock.set_time((await self.slas.standing(sla)).account.deadline)

    async def pass_contest(self, sla: Pubkey) -> None:
        """Go to the end of the time to contest."""
        await self.fleet.clock.set_time((await self.slas.standing(sla)).account.contest_until)

    async def pass_votes(self, sla: Pubkey) -> None:
        """Go to the end of the time to decide."""
        await self.fleet.clock.set_time((await self.slas.standing(sla)).account.decide_until)

    async def read(self) -> tuple[DeviceAccount, TabView, Network]:
        """Device, tab and network as they are."""
        network = await self.fleet.operator.network()
        return await self.fleet.read(self.device.device), await self.consumer.tab(), network

    async def money(self) -> tuple[int, int, int]:
        """The bond, what SLAs hold of it, and the tab's balance."""
        device, view, _ = await self.read()
        return device.bond, device.bond_held, view.tab.balance
