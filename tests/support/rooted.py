"""A network that pays by roots, driven through the roles: its attestors, trees of payees, and roots made final."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet, StartFleet
from worktab.core.commitments import EpochCommitment
from worktab.core.merkle import EMPTY, Tree, payee_leaf
from worktab.program.generated.accounts import Network
from worktab.roles.attesting import Attestor, FinalizeOutcome, Finalizer
from worktab.roles.roots import RootClaimer, RootProof
from worktab.roles.terms import RewardPath

CHALLENGE: Final = 600
"""Seconds that these networks wait after enough attestors approved."""


@dataclass(frozen=True, slots=True)
class Payee:
    """A payout wallet and its lifetime reward, base units."""

    payout: Pubkey
    reward: int
    devices_root: bytes = b"d" * 32


class Root:
    """A tree over payees of an epoch, None at positions that nobody holds; 3 units of work a base unit."""

    def __init__(self, domain: bytes, epoch: int, payees: Sequence[Payee | None]) -> None:
        self.epoch, self.payees = epoch, tuple(payees)
        leaves = [
            EMPTY
            if payee is None
            else payee_leaf(domain, epoch, at, bytes(payee.payout), payee.reward, payee.devices_root)
            for at, payee in enumerate(payees)
        ]
        self.tree = Tree(b"".join(leaves))

    @property
    def total(self) -> int:
        """Lifetime rewards of all payees."""
        return sum(payee.reward for payee in self.payees if payee)

    def commitment(self, **changes: Any) -> EpochCommitment:
        """What an honest attestor commits to; `changes` replace fields."""
        data = hashlib.sha256(self.tree.root).digest()
        honest = EpochCommitment(self.epoch, self.tree.root, len(self.payees), self.total, 3 * self.total, data)
        return replace(honest, **changes)

    def proof(self, position: int) -> RootProof:
        """The proof of a payee."""
        payee = self.payees[position]
        assert payee is not None
        return RootProof(position, payee.payout, payee.reward, payee.devices_root, self.tree.siblings(position))

    def proofs(self) -> list[RootProof]:
        """The proofs of all payees."""
        return [self.proof(position) for position, payee in enumerate(self.payees) if payee]


class Rooted:
    """A fleet whose network pays by roots, with three attestors of whom two must agree, and a guardian."""

    def __init__(self, fleet: Fleet, keys: Sequence[Keypair], guardian: Keypair) -> None:
        self.fleet = fleet
        self.keys = list(keys)
        self.attestors = [self.attestor(key) for key in keys]
        self.guardian = self.attestor(guardian)
        self.finalizer = Finalizer(fleet.sender, fleet.network)
        self.claimer = RootClaimer(fleet.sender, fleet.network)

    @classmethod
    async def start(cls, start_fleet: StartFleet, *, attestors: int = 3, **plan: Any) -> Rooted:
        """A new network, in its first epoch."""
        keys, guardian = [Keypair() for _ in range(attestors)], Keypair()
        terms: dict[str, Any] = {"reward_path": RewardPath.ROOTS, "challenge_delay": CHALLENGE}
        fleet = await start_fleet(
            attestors=tuple(key.pubkey() for key in keys), guardian=guardian.pubkey(), **(terms | plan)
        )
        return cls(fleet, keys, guardian)

    def attestor(self, key: Keypair) -> Attestor:
        """Somebody who acts with a key."""
        return Attestor(self.fleet.sender, self.fleet.network, key)

    async def network(self) -> Network:
        """The network's account."""
        return await self.fleet.operator.network()

    async def root(self, epoch: int, payees: Sequence[Payee | None]) -> Root:
        """A tree over payees."""
        return Root((await self.network()).domain, epoch, payees)

    async def approve(self, root: Root, **changes: Any) -> Pubkey:
        """Let enough attestors approve a root; the address of its commitment."""
        commitment = root.commitment(**changes)
        for attestor in self.attestors[:2]:
            address = await attestor.commit(commitment)
        return address

    async def make_final(self, root: Root, **changes: Any) -> Pubkey:
        """Make a root of an epoch that is over final."""
        address = await self.approve(root, **changes)
        await self.fleet.clock.advance(CHALLENGE)
        done = await self.finalizer.finalize(address)
        assert done.outcome is FinalizeOutcome.FINAL
        return address

    async def final(self, epoch: int, payees: Sequence[Payee | None]) -> Root:
        """Go to the end of an epoch and make a root over these payees final."""
        network = await self.network()
        behind = network.created_at + (epoch + 1) * network.epoch_length - await self.fleet.clock.now()
        if behind > 0:
            await self.fleet.clock.advance(behind)
        root = await self.root(epoch, payees)
        await self.make_final(root)
        return root


def payees(*rewards: int) -> list[Payee | None]:
    """New wallets with these lifetime rewards."""
    return [Payee(Keypair().pubkey(), reward) for reward in rewards]


def raised(root: Root, *more: int) -> list[Payee | None]:
    """The payees of a root, each with so much more."""
    return [
        replace(payee, reward=payee.reward + add) if payee else None
        for payee, add in zip(root.payees, more, strict=True)
    ]
