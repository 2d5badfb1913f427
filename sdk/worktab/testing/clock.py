"""The time of a chain that tests move."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from solders.pubkey import Pubkey

from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import Chain
from worktab.roles.reading import NetworkReader

if TYPE_CHECKING:
    from worktab.localnet import LocalnetChain


class Clock(ABC):
    """Reads and moves a chain's time; the same on every chain that tests run on.

    On a localnet time also passes by itself, for every test that shares it, and never goes back.
    """

    _chain: Chain

    async def now(self) -> int:
        """The time programs see, in Unix seconds."""
        return await self._chain.unix_time()

    @abstractmethod
    async def set_time(self, unix_time: int) -> None:
        """Set the time programs see, in Unix seconds. Raises what the chain raises for a time it cannot go to."""

    @abstractmethod
    async def advance(self, seconds: int) -> None:
        """Let so many seconds pass."""

    @abstractmethod
    async def expire_blockhashes(self) -> None:
        """Let blocks go by until every blockhash issued so far has expired."""

    async def pass_epoch(self, network: Pubkey) -> None:
        """Go to where the network's next epoch begins. Raises `NetworkNotFound`, `WrongCluster`."""
        account = await NetworkReader(self._chain, network).network()
        passed = (await self.now() - account.created_at) % account.epoch_length
        await self.advance(account.epoch_length - passed)


class EmbeddedClock(Clock):
    """The time of a chain in this process, which stands still unless told to move."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = self._embedded = chain

    async def set_time(self, unix_time: int) -> None:
        """See `Clock.set_time`. Any time will do."""
        self._embedded.set_time(unix_time)

    async def advance(self, seconds: int) -> None:
        """See `Clock.advance`."""
        self._embedded.advance(seconds=seconds)

    async def expire_blockhashes(self) -> None:
        """See `Clock.expire_blockhashes`."""
        self._embedded.expire_blockhash()


class LocalnetClock(Clock):
    """The time of a node, which goes on in real time and can be moved forward."""

    def __init__(self, chain: LocalnetChain) -> None:
        self._chain = self._localnet = chain

    async def set_time(self, unix_time: int) -> None:
        """See `Clock.set_time`."""
        await self._localnet.set_time(unix_time)

    async def advance(self, seconds: int) -> None:
        """See `Clock.advance`."""
        await self._localnet.advance(seconds)

    async def expire_blockhashes(self) -> None:
        """See `Clock.expire_blockhashes`."""
        await self._localnet.expire_blockhashes()


def clock_of(chain: EmbeddedChain | LocalnetChain) -> Clock:
    """The chain's clock."""
    return EmbeddedClock(chain) if isinstance(chain, EmbeddedChain) else LocalnetClock(chain)
