"""A network to test with, and devices in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.roles.device import Device
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.terms import NetworkPlan, WorkClass
from worktab.testing.tokens import Mint

WORK_CLASS: Final = WorkClass(rate=2_000_000, max_capacity=1_000_000, budget=1_000_000)
"""Two base units for each unit of work."""

FUNDS: Final = 10_000_000
"""Base units in a new network's pool."""

CAPACITY: Final = 1_000
"""Units of work an epoch that a device has capacity for, unless told otherwise."""


def plan_for(mint: Mint) -> NetworkPlan:
    """The plan of a network that pays in this token: one class, epochs of an hour."""
    return NetworkPlan(mint=mint.address, classes=(WORK_CLASS,))


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a test; `Network.create` makes one.

    operator  runs it, with a key of its own that holds no lamports
    plan      what it was created by
    mint      the token it pays in
    """

    operator: Operator
    plan: NetworkPlan
    mint: Mint

    @classmethod
    async def create(cls, mint: Mint, plan: NetworkPlan, *, funds: int = FUNDS) -> Self:
        """A new network with `funds` base units in its pool, all paid for by the mint's sender.

        Raises what `Operator.create_network` raises.
        """
        operator = Operator.of_plan(mint.sender, plan, authority=Keypair())
        await operator.create_network(plan)
        if funds:
            await mint.give(operator.authority.pubkey(), funds)
            await operator.fund_pool(funds)
        return cls(operator, plan, mint)

    def through(self, mint: Mint) -> Self:
        """The same network, with everything sent by the sender of this mint."""
        operator = Operator(mint.sender, self.address, authority=self.operator.authority)
        return replace(self, operator=operator, mint=mint)

    @property
    def address(self) -> Pubkey:
        """The network's address."""
        return self.operator.address

    def owner(self, keypair: Keypair | None = None) -> Owner:
        """An owner of devices in this network, by default a new one. It needs no lamports."""
        return Owner(self.operator.sender, self.address, owner=keypair or Keypair())


class Devices(Protocol):
    """Makes devices; see `worktab_devices`."""

    async def __call__(self, count: int = 1, *, owner: Owner | None = None, capacity: int = CAPACITY) -> list[Device]:
        """Register `count` devices with keys of their own, with `capacity` units an epoch from the next epoch on."""
        ...


def devices_of(network: Network, owner: Owner) -> Devices:
    """Makes devices of this owner in this network."""
    default = owner

    async def make(count: int = 1, *, owner: Owner | None = None, capacity: int = CAPACITY) -> list[Device]:
        keys = [Keypair() for _ in range(count)]
        for key in keys:
            await (owner or default).register(key, capacity=capacity)
        return [Device(network.operator.sender, network.address, signer=key) for key in keys]

    return make
