"""The chain, and the roles that the wallet plays on it, as the options name them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.journal import Journal
from worktab.chain.protocol import Chain, Memcmp
from worktab.chain.sending import Confirmed, Sender
from worktab.cli.keyfiles import wallet
from worktab.cli.options import Cluster, Wallet
from worktab.cli.output import working
from worktab.cli.parsing import address
from worktab.core.errors import EncodingError, StateError
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device, Invoice
from worktab.roles.base import program_sender
from worktab.roles.consumer import Consumer
from worktab.roles.errors import DeviceNotFound, InvoiceNotFound
from worktab.roles.invoicing import Issuer
from worktab.roles.operator import Operator
from worktab.roles.owner import Owner
from worktab.roles.reading import DeviceView, NetworkReader

_Result = TypeVar("_Result")

TRIES = 4
"""Requests made for one answer of a node: somebody waits, so fewer than a device makes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A chain and the program on it."""

    chain: Chain
    program: Pubkey

    def network(self, network: Pubkey) -> NetworkReader:
        """Reads a network."""
        return NetworkReader(self.chain, network, program_id=self.program)

    async def device(self, device: Pubkey) -> DeviceView:
        """A device with its network. Raises as `NetworkReader.view`."""
        return await self.network(await self.network_of(device)).view(device)

    async def network_of(self, device: Pubkey) -> Pubkey:
        """The network that a device says it is in. Raises `DeviceNotFound`."""
        return await self._network_named(Device, device, DeviceNotFound)

    async def network_of_invoice(self, invoice: Pubkey) -> Pubkey:
        """The network that an invoice says it is in. Raises `InvoiceNotFound`."""
        return await self._network_named(Invoice, invoice, InvoiceNotFound)

    async def devices_at(self, network: Pubkey, indexes: Iterable[int]) -> dict[int, Pubkey]:
        """The addresses of a network's devices of these indexes; those that are closed are left out."""
        found: dict[int, Pubkey] = {}
        ours = Memcmp(0, Device.DISCRIMINATOR + bytes(network))
        for index in sorted(set(indexes)):
            filters = [ours, Memcmp(Device.OFFSETS["index"], index.to_bytes(4, "little"))]
            for device, _ in await self.chain.program_accounts(self.program, filters):
                found[index] = device
        return found

    async def _network_named(
        self, kind: type[Device] | type[Invoice], address: Pubkey, missing: type[StateError]
    ) -> Pubkey:
        account = await self.chain.account(address)
        try:
            if account is not None and account.owner == self.program:
                return kind.decode(account.data).network
        except EncodingError:
            pass
        raise missing(
            f"There is no {kind.__name__.lower()} at {address}",
            got=f"an account of {account.owner}" if account else "no account",
        )


@dataclass(frozen=True, slots=True)
class Acting(Reading):
    """A chain, the wallet that acts on it, and the one that pays fees and rent."""

    actor: Keypair
    payer: Keypair

    def sender(self, journal: Journal | None = None) -> Sender:
        """Sends what the payer pays for."""
        return program_sender(self.chain, fee_payer=self.payer, journal=journal, program_id=self.program)

    def operator(self, network: Pubkey) -> Operator:
        """The wallet as a network's authority or guardian."""
        return Operator(self.sender(), network, authority=self.actor, program_id=self.program)

    def owner(self, network: Pubkey) -> Owner:
        """The wallet as an owner of devices."""
        return Owner(self.sender(), network, owner=self.actor, program_id=self.program)

    def consumer(self, network: Pubkey, tab_of: Pubkey | None = None) -> Consumer:
        """The wallet as a consumer, or as a delegate of the consumer `tab_of`."""
        return Consumer(self.sender(), network, self.actor, tab_of=tab_of, program_id=self.program)

    def issuer(self, network: Pubkey) -> Issuer:
        """The wallet as an owner of devices who makes invoices."""
        return Issuer(self.sender(), network, owner=self.actor, program_id=self.program)


def read(cluster: Cluster, doing: str, work: Callable[[Reading], Awaitable[_Result]]) -> _Result:
    """What `work` makes of the chain."""
    return _on_chain(cluster, doing, lambda chain, program: work(Reading(chain, program)))


def act(options: Wallet, doing: str | None, work: Callable[[Acting], Awaitable[_Result]]) -> _Result:
    """What `work` makes of the chain with the wallet; without `doing`, it shows itself how far it is."""
    actor = wallet(options.keypair)
    payer = actor if options.fee_payer is None else wallet(options.fee_payer)
    return _on_chain(options, doing, lambda chain, program: work(Acting(chain, program, actor, payer)))


def transaction(confirmed: Confirmed) -> dict[str, object]:
    """What a result says of a transaction."""
    return {"signature": str(confirmed.signature), "slot": confirmed.slot, "fee_lamports": confirmed.fee}


def _on_chain(cluster: Cluster, doing: str | None, work: Callable[[Chain, Pubkey], Awaitable[_Result]]) -> _Result:
    # Not above: it takes longer to import than everything else together, and mistakes are told without it.
    from worktab.chain.rpc import LOCAL_URL, RpcChain

    program = PROGRAM_ID if cluster.program is None else address(cluster.program, "--program")

    async def run() -> _Result:
        async with RpcChain(cluster.url or LOCAL_URL, tries=TRIES) as chain:
            return await work(chain, program)

    with nullcontext() if doing is None else working(doing):
        return asyncio.run(run())
