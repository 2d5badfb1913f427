"""Proofs that a payee is in a network's newest final root, and what it owes the payee."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.core._checks import bytes32, uint
from worktab.core.merkle import payee_leaf, proves
from worktab.program.generated.accounts import Network, Page
from worktab.roles.errors import RootReplaced
from worktab.roles.root_reading import PAYEES_A_PAGE


@dataclass(frozen=True, slots=True)
class RootProof:
    """A payee's leaf in the payees' tree of an epoch, and the proof that it is there.

    Attributes:
        position: of the payee, u32; stable for ever.
        payout: wallet that is paid.
        lifetime_reward: base units in all, u64.
        devices_root: 32-byte root of the payee's tree of devices.
        siblings: 32 bytes for each level of the tree, the lowest first.

    Raises:
        InputError: a field is out of range or has the wrong size.
    """

    position: int
    payout: Pubkey
    lifetime_reward: int
    devices_root: bytes
    siblings: tuple[bytes, ...]

    def __post_init__(self) -> None:
        uint(self.position, 32, "position")
        uint(self.lifetime_reward, 64, "lifetime reward")
        object.__setattr__(self, "devices_root", bytes32(self.devices_root, "devices root"))
        object.__setattr__(self, "siblings", tuple(bytes32(each, "sibling") for each in self.siblings))

    @property
    def page(self) -> int:
        """Number of the page that counts the payee's claims."""
        return self.position // PAYEES_A_PAGE

    def is_in(self, network: Network) -> bool:
        """Whether it leads to the newest final root, as the program decides it."""
        leaf = payee_leaf(
            network.domain, network.root_epoch, self.position, self.payout, self.lifetime_reward, self.devices_root
        )
        return proves(network.root, network.root_count, leaf, self.position, self.siblings)

    def verify(self, network: Network) -> None:
        """Checks that it leads to the newest final root. Raises `RootReplaced`."""
        if not self.is_in(network):
            raise root_replaced(network, self)


def owed(network: Network, proof: RootProof, page: Page | None) -> int:
    """Base units that the newest final root owes a payee beyond what it claimed; `page` None where it is not open.

    Raises `RootReplaced`.
    """
    proof.verify(network)
    return unclaimed(proof, page)


def unclaimed(proof: RootProof, page: Page | None) -> int:
    """As `owed`, for a proof that was verified."""
    claimed = page.claimed[proof.position % PAYEES_A_PAGE] if page is not None else 0
    return max(0, proof.lifetime_reward - claimed)


def newest_root(network: Network) -> str:
    """What a proof must lead to, for people."""
    return f"the root of epoch {network.root_epoch}" if network.root_count else "no root: none is final yet"


def root_replaced(network: Network, proof: RootProof) -> RootReplaced:
    """The error for a proof that does not lead to the network's newest final root."""
    return RootReplaced(
        "The proof does not lead to the newest final root",
        expected=newest_root(network),
        got=f"another, for position {proof.position} and {proof.payout}",
    )
