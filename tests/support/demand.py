"""Networks that reward what was sold, and what waits on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.invoices import Desk
from support.parties import CLASS, FUNDS, Device, Network
from support.world import World

PAID, NOTHING_OWED, OTHER_PAYOUT, DISPUTED, CLOSED, UNPAYABLE = range(6)
"""Outcomes of a claim."""


def demand(world: World, *, fee_bps: int = 1_000, burn_bps: int = 500, fund: int = FUNDS, **class_: Any) -> Network:
    """A network that rewards units sold, with one class of one base unit a work unit."""
    terms = replace(CLASS, **class_)
    return world.network(basis=2, fee_bps=fee_bps, burn_bps=burn_bps, classes=(terms,), fund=fund)


def leave(world: World, network: Network, budget: int) -> None:
    """Spends the class's budget of this epoch but for so much, as if other devices had."""
    class_ = world.read_network(network).classes[0]
    world.patch_class(
        network,
        epoch=world.epoch(network),
        total_capacity=class_.next_total_capacity,
        spent=class_.budget - budget,
    )


def waiting(world: World, device: Device) -> tuple[int, int, int]:
    """Units that wait, the reward that waits for them, and the carry."""
    held = world.read_device(device)
    return held.units_unrewarded, held.reward_waiting, held.carry


def rewarded(desk: Desk, device: Device) -> int:
    """What a claim by a stranger pays the device as a reward, base units."""
    return desk.claim(device).event().entries[0].rewards
