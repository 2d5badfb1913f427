"""Which network an event belongs to: most events of devices and tabs do not say."""

from __future__ import annotations

from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData, Chain
from worktab.core.errors import EncodingError
from worktab.program.generated.accounts import Device, Epoch, Tab
from worktab.program.generated.events import DeviceRegistered, EpochCommitted, TabOpened
from worktab.program.structs import Event
from worktab.roles.tabs import decode_tab


class Homes:
    """The networks of devices, tabs and commitments, as far as anything tells them: none ever changes its network."""

    def __init__(self, chain: Chain, program_id: Pubkey) -> None:
        self._chain, self._program_id = chain, program_id
        self._networks: dict[Pubkey, Pubkey] = {}

    async def learn(self, events: list[Event], kinds: tuple[type[Event], ...]) -> None:
        """Find out the networks that these events do not name, as far as they are of these kinds."""
        self._networks |= {event.device: event.network for event in events if isinstance(event, DeviceRegistered)}
        self._networks |= {event.tab: event.network for event in events if isinstance(event, TabOpened)}
        self._networks |= {event.epoch: event.network for event in events if isinstance(event, EpochCommitted)}
        silent = {_party(event) for event in events if isinstance(event, kinds) and named(event, "network") is None}
        unknown = [address for address in silent if address is not None and address not in self._networks]
        for address, account in zip(unknown, await self._chain.accounts(unknown), strict=True):
            network = self._read(account)
            if network is not None:
                self._networks[address] = network

    def of(self, event: Event) -> Pubkey | None:
        """The network of an event; None where nothing tells it, because its device, tab or commitment is gone."""
        network, party = named(event, "network"), _party(event)
        return self._networks.get(party) if network is None and party is not None else network

    def _read(self, account: AccountData | None) -> Pubkey | None:
        if account is None or account.owner != self._program_id:
            return None
        try:
            if account.data.startswith(Tab.DISCRIMINATOR):
                return decode_tab(Pubkey.default(), account.data).tab.network
            if account.data.startswith(Epoch.DISCRIMINATOR):
                return Epoch.decode(account.data).network
            return Device.decode(account.data).network
        except EncodingError:
            return None


def _party(event: Event) -> Pubkey | None:
    """The device, the tab or the commitment that an event concerns."""
    return named(event, "device") or named(event, "tab") or named(event, "epoch")


def named(event: Event, field: str) -> Pubkey | None:
    """The address in a field of an event; None where it has no such field, or a number in it."""
    address = getattr(event, field, None)
    return address if isinstance(address, Pubkey) else None
