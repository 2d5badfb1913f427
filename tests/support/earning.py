"""Devices that are owed something."""

from __future__ import annotations

from solders.instruction import AccountMeta, Instruction
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


def burning(claim: Instruction, network: Network) -> Instruction:
    """The claim with its mint writable, as a network that burns needs it."""
    mint = network.mint.address
    metas = [
        AccountMeta(each.pubkey, each.is_signer, each.is_writable or each.pubkey == mint) for each in claim.accounts
    ]
    return Instruction(claim.program_id, claim.data, metas)
