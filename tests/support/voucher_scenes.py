"""Scenes in which somebody lies about the signature of a voucher or of a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from solders.instruction import Instruction

from support.consumers import entry
from support.forgery import Scene
from support.parties import Lane, Network
from support.world import World
from worktab.core.keys import Ed25519Signer

KINDS = ("consumer's voucher", "delegate's voucher", "consumer's batch", "delegate's batch")


@dataclass(frozen=True, slots=True)
class VoucherScene(Scene):
    """A lane of 100 base units whose signer signed `genuine`, 10 of them, and not `forged`, 90 of them.

    `device.signer` holds the key of the lane's signer, so that every lie about a device's signature is one about it.
    """

    lane: Lane
    number: int
    batch: bool

    def submit(self) -> Instruction:
        """settle_voucher or settle_batch, by nobody in particular."""
        if not self.batch:
            return self.world.settle(self.lane)
        return self.settle_batch(10)

    def settle_batch(self, amount: int) -> Instruction:
        """settle_batch over the lane alone."""
        return self.world.settle_batch(
            self.lane.tab, [entry(self.lane, amount)], [self.lane.device], number=self.number
        )

    @property
    def paid(self) -> int:
        """What the lane has paid."""
        [lane] = self.world.lanes(self.lane.tab)
        assert lane.reserved == 100 - lane.paid
        assert self.world.read_device(self.lane.device).earnings_owed == lane.paid
        return lane.paid


def voucher_scene(world: World, network: Network, kind: str) -> VoucherScene:
    """A scene of one of `KINDS`."""
    batch, number = kind.endswith("batch"), 2 if kind.startswith("delegate") else 0
    tab, device = world.tab(network, 1_000), world.device(network)
    lane = world.lane(tab, device, 100, signer=world.delegate(tab, number) if number else None)
    signer = Ed25519Signer(lane.signer.secret())
    if batch:
        genuine = world.batch_message(tab, [entry(lane, 10)])
        # Over the same entries: what a lie can change is the expiry.
        forged = world.batch_message(tab, [entry(lane, 10)], expires_at=world.now + 1)
    else:
        genuine, forged = world.voucher_message(lane, 10), world.voucher_message(lane, 90)
    return VoucherScene(world, replace(device, signer=signer), world.ed25519(), genuine, forged, lane, number, batch)
