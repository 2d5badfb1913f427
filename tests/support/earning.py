"""Devices that are owed something."""

from __future__ import annotations

from solders.keypair import Keypair

from support.parties import Device, Network
from support.world import World


def earning(
    world: World, network: Network, units: int, *, payout: Keypair | None = None, open_payout: bool = True
) -> Device:
    """A new device that is owed the default rate's one base unit for each of `units`; takes an epoch."""
    device = world.device(network, payout=payout, open_payout=open_payout)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, units)).event().reward == units
    return device
