"""Networks and devices as tests hold them, and what they are made of unless a test says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.tokens import Mint
from worktab.core import contexts
from worktab.core.keys import Signer
from worktab.program.generated.types import ClassTerms

GENESIS: Final = bytes(range(32))
EPOCH: Final = 3_600
DELAY: Final = 86_400
CLASS: Final = ClassTerms(meter=1, rate=1_000_000, max_capacity=1_000_000, least_bond=0, budget=1_000_000)
"""The default class: WASM fuel, one base unit a work unit, 1,000,000 units a device, 1,000,000 base units an epoch."""
FUNDS: Final = 10_000_000
NOBODY: Final = Pubkey.default()


@dataclass(frozen=True, slots=True)
class Network:
    """A network of this world; `authority` created it."""

    address: Pubkey
    authority: Keypair
    mint: Mint
    domain: bytes

    @property
    def vault(self) -> Pubkey:
        """The token account that holds the network's tokens."""
        return self.mint.account_of(self.address)


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device, as it was registered."""

    address: Pubkey
    network: Network
    index: int
    owner: Keypair
    signer: Signer
    payout: Keypair

    @property
    def receipt_context(self) -> bytes:
        """What its receipts must be bound to."""
        return contexts.receipt_context(self.network.domain, self.address, self.index)


@dataclass(frozen=True, slots=True)
class Tab:
    """A consumer's tab in a network."""

    address: Pubkey
    network: Network
    consumer: Keypair


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane of a tab as it was opened: for a device, by the consumer or a delegate."""

    tab: Tab
    device: Device
    nonce: int
    signer: Keypair
