"""Which network an event belongs to: most events of devices and tabs do not say."""

from __future__ import annotations

from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData, Chain
from worktab.core.errors import EncodingError
from worktab.program.generated.accounts import Device, Dispute, Epoch, Sla, Tab
from worktab.program.generated.events import DeviceRegistered, DisputeOpened, EpochCommitted, SlaOpened, TabOpened
from worktab.program.structs import Event
from worktab.roles.tabs import decode_tab

_KINDS = (Device, Epoch, Sla, Dispute)


class Homes:
    """The networks of devices, tabs, commitments, SLAs and disputes, as far as anything tells them.

    None of these ever changes its network. SLAs and disputes belong to their devices.
    """

    def __init__(self, chain: Chain, program_id: Pubkey) -> None:
        self._chain, self._program_id = chain, program_id
        self._networks: dict[Pubkey, Pubkey] = {}
        self._devices: dict[Pubkey, Pubkey] = {}

    async def learn(self, events: list[Event], kinds: tuple[type[Event], ...]) -> None:
        """Find out the networks that these events do not name, as far as they are of these kinds."""
        self._networks |= {event.device: event.network for event in events if isinstance(event, DeviceRegistered)}
        self._networks |= {event.tab: event.network for event in events if isinstance(event, TabOpened)}
        self._networks |= {event.epoch: event.network for event in events if isinstance(event, EpochCommitted)}
        self._devices |= {event.sla: event.device for event in events if isinstance(event, SlaOpened)}
        self._devices |= {event.dispute: event.device for event in events if isinstance(event, DisputeOpened)}
        silent = {
            self._party(event) for event in events if isinstance(event, kinds) and named(event, "network") is None
        }
        unknown = [address for address in silent if address is not None and address not in self._networks]
        for address, account in zip(unknown, await self._chain.accounts(unknown), strict=True):
            network = self._read(account)
            if network is not None:
                self._networks[address] = network

    def of(self, event: Event) -> Pubkey | None:
        """The network of an event; None where nothing tells it, because what it concerns is gone."""
        network, party = named(event, "network"), self._party(event)
        return self._networks.get(party) if network is None and party is not None else network

    def _read(self, account: AccountData | None) -> Pubkey | None:
        if account is None or account.owner != self._program_id:
            return None
        try:
            if account.data.startswith(Tab.DISCRIMINATOR):
                return decode_tab(Pubkey.default(), account.data).tab.network
            found = [kind for kind in _KINDS if account.data.startswith(kind.DISCRIMINATOR)]
            return found[0].decode(account.data).network if found else None
        except EncodingError:
            return None

    def _party(self, event: Event) -> Pubkey | None:
        """The device, the tab, the commitment, or else the SLA or dispute that an event concerns."""
        known = named(event, "device") or named(event, "tab") or named(event, "epoch")
        opened = named(event, "sla") or named(event, "dispute")
        return known or (opened and self._devices.get(opened, opened))


def named(event: Event, field: str) -> Pubkey | None:
    """The address in a field of an event; None where it has no such field, or a number in it."""
    address = getattr(event, field, None)
    return address if isinstance(address, Pubkey) else None
