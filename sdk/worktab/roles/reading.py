"""Reading a network: its devices, its consumers' tabs, their invoices. Reads need no key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData, Chain, Memcmp
from worktab.chain.tokens import read_token_account
from worktab.core import contexts
from worktab.core.addresses import find_tab
from worktab.core.errors import EncodingError, StateError
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.roles.errors import (
    DeviceNotFound,
    InvoiceNotFound,
    NetworkBusy,
    NetworkNotFound,
    TabNotFound,
    WrongCluster,
)
from worktab.roles.invoices import InvoiceView
from worktab.roles.root_reading import existing
from worktab.roles.snapshots import DeviceTable, Snapshot
from worktab.roles.tabs import TabView, decode_tab
from worktab.roles.trust_reading import DisputeView, TrustReader

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device, its network and the chain's clock (Unix seconds), read together."""

    address: Pubkey
    device: state.Device
    network: state.Network
    now: int


class NetworkReader(TrustReader):
    """Reads one network's accounts.

    Every network read is checked to belong to the cluster and the program it was read from (its domain, PROTOCOL
    section 2); one that does not raises `WrongCluster`.
    """

    def __init__(self, chain: Chain, address: Pubkey, *, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(chain, address, program_id=program_id)
        self._domain: bytes | None = None

    async def domain(self) -> bytes:
        """The 32-byte domain that this network must have on this cluster (PROTOCOL section 2)."""
        if self._domain is None:
            self._domain = contexts.domain(await self.chain.genesis_hash(), self.program_id, self.address)
        return self._domain

    async def network(self) -> state.Network:
        """The network. Raises `NetworkNotFound`, `WrongCluster`."""
        return await self._network(await self.chain.account(self.address))

    async def device(self, address: Pubkey) -> state.Device:
        """A device of the network. Raises `DeviceNotFound`."""
        [device] = await self.find_devices([address])
        return self._found(address, device)

    async def find_devices(self, addresses: Sequence[Pubkey]) -> list[state.Device | None]:
        """Devices in the order asked for, None where there is no account. Raises `DeviceNotFound` for any other."""
        accounts = await self.chain.accounts(addresses)
        return [self._device(address, account) for address, account in zip(addresses, accounts, strict=True)]

    def tab_address(self, consumer: Pubkey) -> Pubkey:
        """The address of a consumer's tab in the network."""
        return find_tab(self.program_id, self.address, consumer)[0]

    async def tab(self, consumer: Pubkey) -> TabView:
        """A consumer's tab. Raises `TabNotFound`, `WrongCluster`."""
        address = self.tab_address(consumer)
        [view] = await self.find_tabs([address])
        if view is None:
            raise TabNotFound(f"{consumer} has no tab in network {self.address}", got=f"no account at {address}")
        return view

    async def find_tabs(self, addresses: Sequence[Pubkey]) -> list[TabView | None]:
        """Tabs in the order asked for, None where there is no account.

        Raises `TabNotFound` for any other account, and `WrongCluster`.
        """
        found, domain = await self.chain.accounts(addresses), await self.domain()
        return [self._tab(address, account, domain) for address, account in zip(addresses, found, strict=True)]

    async def tabs(self) -> list[TabView]:
        """All tabs of the network, in no particular order."""
        filters = [Memcmp(0, state.Tab.DISCRIMINATOR + bytes(self.address))]
        found = await self.chain.program_accounts(self.program_id, filters)
        return [decode_tab(address, account.data) for address, account in found]

    async def invoice(self, address: Pubkey) -> InvoiceView:
        """An invoice of the network. Raises `InvoiceNotFound`."""
        [view] = await self.find_invoices([address])
        if view is None:
            raise InvoiceNotFound(f"There is no invoice at {address}", got="no account")
        return view

    async def find_invoices(self, addresses: Sequence[Pubkey]) -> list[InvoiceView | None]:
        """Invoices in the order asked for, None where there is no account. Raises `InvoiceNotFound` for any other."""
        found = await self.chain.accounts(addresses)
        return [self._invoice(address, account) for address, account in zip(addresses, found, strict=True)]

    async def invoices(
        self, *, device: Pubkey | None = None, consumer: Pubkey | None = None, issuer: Pubkey | None = None
    ) -> list[InvoiceView]:
        """All invoices of the network, or those of one device, to one consumer, made by one owner; oldest first.

        Those that were voided are gone.
        """
        filters = [Memcmp(0, state.Invoice.DISCRIMINATOR + bytes(self.address))]
        wanted = {"device": device, "consumer": consumer, "issuer": issuer}
        filters += [Memcmp(state.Invoice.OFFSETS[name], bytes(key)) for name, key in wanted.items() if key is not None]
        found = await self.chain.program_accounts(self.program_id, filters)
        views = [InvoiceView(address, state.Invoice.decode(account.data)) for address, account in found]
        return sorted(views, key=lambda view: (view.invoice.created_slot, view.invoice.number, bytes(view.address)))

    async def view(self, address: Pubkey) -> DeviceView:
        """A device together with its network. Raises `NetworkNotFound`, `WrongCluster`, `DeviceNotFound`."""
        network, device = await self.chain.accounts([self.address, address])
        return DeviceView(
            address,
            network=await self._network(network),
            device=self._found(address, self._device(address, device)),
            now=await self.chain.unix_time(),
        )

    async def devices(self, *, owner: Pubkey | None = None) -> DeviceTable:
        """All devices of the network, or those of one owner."""
        filters = [Memcmp(0, state.Device.DISCRIMINATOR + bytes(self.address))]
        if owner is not None:
            filters.append(Memcmp(state.Device.OFFSETS["owner"], bytes(owner)))
        return DeviceTable.decode(await self.chain.program_accounts(self.program_id, filters))

    async def snapshot(self, *, exact: bool = True) -> Snapshot:
        """Network, devices and vault, and tabs, disputes and payees' claims as well, as of one moment if `exact`.

        For an exact snapshot devices, tabs and disputes are read with one question, since money moves between them
        without a change of the network; and all of it again while the network changed in between, since nothing else
        moves without one. (A deposit and a withdrawal of as much, both in between, leave no trace there.) A network
        where that never ends raises `NetworkBusy`. Raises `NetworkNotFound`, `WrongCluster` as well.
        """
        network = await self.network()
        for _ in range(_ATTEMPTS):
            vault = await read_token_account(self.chain, network.vault)
            devices, tabs, disputes = await self._holders() if exact else (await self.devices(), None, None)
            claimed = await self._claimed(network.root_count) if exact else 0
            before, network = network, await self.network() if exact else network
            if vault is None:
                raise StateError(f"The vault of network {self.address} is gone", expected=f"one at {network.vault}")
            if network == before:
                now = await self.chain.unix_time()
                return Snapshot(self.address, network, devices, tabs, disputes, vault.amount, now, claimed)
        raise NetworkBusy(f"Network {self.address} changed while it was read", got=f"{_ATTEMPTS} attempts")

    async def _claimed(self, count: int) -> int:
        """Base units that the payees of roots have claimed."""
        return sum((await self.watermarks(count)).tolist()) if count else 0

    async def _holders(self) -> tuple[DeviceTable, tuple[TabView, ...], tuple[DisputeView, ...]]:
        """All devices, tabs and disputes as of one moment: whatever names the network where they do."""
        filters = [Memcmp(state.Device.OFFSETS["network"], bytes(self.address))]
        found = await self.chain.program_accounts(self.program_id, filters)
        devices = [each for each in found if each[1].data.startswith(state.Device.DISCRIMINATOR)]
        return (
            DeviceTable.decode(devices),
            tuple(decode_tab(at, held.data) for at, held in found if held.data.startswith(state.Tab.DISCRIMINATOR)),
            tuple(
                DisputeView(at, state.Dispute.decode(held.data))
                for at, held in found
                if held.data.startswith(state.Dispute.DISCRIMINATOR)
            ),
        )

    async def _network(self, account: AccountData | None) -> state.Network:
        if account is None:
            raise NetworkNotFound(f"There is no network at {self.address}", got="no account")
        network = self._decoded(account, state.Network)
        if network is None:
            raise NetworkNotFound(f"There is no network at {self.address}", got=f"an account of {account.owner}")
        domain = await self.domain()
        if network.domain != domain:
            raise WrongCluster(
                f"Network {self.address} belongs to another cluster or program",
                expected=f"domain {domain.hex()}",
                got=network.domain.hex(),
            )
        return network

    def _device(self, address: Pubkey, account: AccountData | None) -> state.Device | None:
        account = existing(account)
        if account is None:
            return None
        device = self._decoded(account, state.Device)
        if device is None:
            raise DeviceNotFound(f"There is no device at {address}", got=f"an account of {account.owner}")
        if device.network != self.address:
            raise DeviceNotFound(
                f"Device {address} is in another network", expected=str(self.address), got=str(device.network)
            )
        return device

    def _tab(self, address: Pubkey, account: AccountData | None, domain: bytes) -> TabView | None:
        account = existing(account)
        if account is None:
            return None
        try:
            view = decode_tab(address, account.data) if account.owner == self.program_id else None
        except EncodingError:
            view = None
        if view is None:
            raise TabNotFound(f"There is no tab at {address}", got=f"an account of {account.owner}")
        if view.tab.network != self.address:
            raise TabNotFound(
                f"Tab {address} is in another network", expected=str(self.address), got=str(view.tab.network)
            )
        if view.tab.domain != domain:
            raise WrongCluster(
                f"Tab {address} belongs to another cluster or program",
                expected=f"domain {domain.hex()}",
                got=view.tab.domain.hex(),
            )
        return view

    def _invoice(self, address: Pubkey, account: AccountData | None) -> InvoiceView | None:
        account = existing(account)
        if account is None:
            return None
        invoice = self._decoded(account, state.Invoice)
        if invoice is None:
            raise InvoiceNotFound(f"There is no invoice at {address}", got=f"an account of {account.owner}")
        if invoice.network != self.address:
            raise InvoiceNotFound(
                f"Invoice {address} is in another network", expected=str(self.address), got=str(invoice.network)
            )
        return InvoiceView(address, invoice)

    def _found(self, address: Pubkey, device: state.Device | None) -> state.Device:
        if device is None:
            raise DeviceNotFound(f"There is no device at {address}", got="no account")
        return device
