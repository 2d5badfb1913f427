"""The root that proofs are checked against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from solders.pubkey import Pubkey

from worktab.core.merkle import depth
from worktab.epochs.proofs.errors import NoFinalRoot
from worktab.program.generated.accounts import Network

if TYPE_CHECKING:
    from worktab.epochs.manifest import Manifest

PAGE: int = 1_024
"""Payees of one page, on the chain and in exported files."""

_PAGE_DEPTH = depth(PAGE)


@dataclass(frozen=True, slots=True)
class Root:
    """A root over payees, and what its proofs are bound to.

    network  address of the network
    domain   the network's 32-byte domain (PROTOCOL section 2)
    epoch    index of the epoch it was made for
    root     32 bytes
    count    highest position of a payee, and one
    total    sum of all payees' lifetime rewards, base units
    """

    network: Pubkey
    domain: bytes
    epoch: int
    root: bytes
    count: int
    total: int

    @classmethod
    def final(cls, address: Pubkey, network: Network) -> Self:
        """The newest final root of a network. Raises `NoFinalRoot`."""
        if not network.root_count:
            raise NoFinalRoot(f"Network {address} has no final root yet")
        return cls(address, network.domain, network.root_epoch, network.root, network.root_count, network.root_total)

    @classmethod
    def published(cls, manifest: Manifest) -> Self:
        """The root that published data state of themselves."""
        return cls(manifest.network, manifest.domain, manifest.epoch, manifest.root, manifest.count, manifest.total)

    @property
    def depth(self) -> int:
        """Levels below the root."""
        return depth(self.count)

    @property
    def page_depth(self) -> int:
        """Levels that a page's own positions fill; a small tree is within its first page."""
        return min(self.depth, _PAGE_DEPTH)

    @property
    def pages(self) -> int:
        """Pages of positions."""
        return -(-self.count // PAGE)

    def rows(self, number: int) -> int:
        """Positions on a page: 1,024 but on the last one."""
        return min(PAGE, self.count - number * PAGE)
