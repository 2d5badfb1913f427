"""What a look at the chain is about: the SLAs of a tab, and the SLAs, disputes and bonds of devices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from solders.pubkey import Pubkey

from worktab.core.errors import WorktabError
from worktab.core.money import format_amount
from worktab.core.vouchers import SignedVoucher
from worktab.program.generated.accounts import Network
from worktab.roles.accusations import Shown
from worktab.roles.bonds import BondStatus
from worktab.roles.errors import DeviceNotFound
from worktab.roles.reading import DeviceView, NetworkReader
from worktab.roles.sla_standing import SlaStanding
from worktab.roles.slas import standings_of
from worktab.roles.trust_reading import DisputeView


@dataclass(frozen=True, slots=True)
class Owed:
    """What a provider's book has of a lane.

    charged  base units charged on it so far
    voucher  the best one that is still good; None where there is none
    """

    charged: int
    voucher: SignedVoucher | None


class LaneBook(Protocol):
    """What a device's provider noted of its lanes."""

    async def owed(self, lanes: Collection[tuple[Pubkey, int]], now: int) -> Mapping[tuple[Pubkey, int], Owed]:
        """What lanes owe, by tab and nonce, at `now`, Unix seconds; those it does not know are left out."""
        ...


class BoughtRecords(Protocol):
    """What a buyer kept of the jobs it bought."""

    async def find(self, hashes: Collection[bytes]) -> Mapping[bytes, Shown]:
        """The records of these 32-byte hashes, as far as they are kept."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A device: its bond, its SLAs by deadline, the open disputes about it, what its book has, by tab and nonce."""

    address: Pubkey
    owner: Pubkey
    bond: BondStatus
    slas: tuple[SlaStanding, ...]
    disputes: tuple[DisputeView, ...]
    owed: Mapping[tuple[Pubkey, int], Owed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw at `now`, Unix seconds.

    tab        the consumer's tab that is watched; None for none
    slas       of that tab, by deadline
    disputes   all that are open in the network, where a tab is watched
    shown      the disputed records that the consumer keeps, by hash
    devices    those that are watched
    failures   what could not be asked: books and records, not the chain
    """

    network: Network
    now: int
    tab: Pubkey | None = None
    slas: tuple[SlaStanding, ...] = ()
    disputes: tuple[DisputeView, ...] = ()
    shown: Mapping[bytes, Shown] = field(default_factory=dict)
    devices: tuple[Seen, ...] = ()
    failures: tuple[WorktabError, ...] = ()

    def told(self, amount: int) -> str:
        """Base units as people read them, in whole tokens."""
        return format_amount(amount, self.network.decimals)


async def see(
    reader: NetworkReader,
    *,
    tab: Pubkey | None = None,
    owner: Pubkey | None = None,
    devices: Sequence[Pubkey] = (),
    records: BoughtRecords | None = None,
    books: Mapping[Pubkey, LaneBook] | None = None,
) -> Sight:
    """Look at a tab, at an owner's devices and at further devices. Raises what reading the chain raises.

    records  where the consumer of the tab keeps what it bought
    books    of devices; a book or records that can't be asked are told in `failures`
    """
    network = await reader.network()
    failures: list[WorktabError] = []
    views = await _views(reader, network, owner, devices, failures)
    standings = await _standings(reader, network, tab, views)
    of_device: dict[Pubkey, list[SlaStanding]] = {}
    for each in standings:
        of_device.setdefault(each.account.device, []).append(each)
    disputes = await reader.disputes() if tab is not None else []
    shown: Mapping[bytes, Shown] = {}
    if records is not None and disputes:
        try:
            shown = await records.find({each.account.record_hash for each in disputes})
        except WorktabError as error:
            failures.append(error)
    found = []
    for view in views:
        slas = tuple(of_device.get(view.address, ()))
        found.append(await _seen(reader, view, slas, (books or {}).get(view.address), failures))
    now = await reader.chain.unix_time()
    ours = tuple(each for each in standings if each.account.tab == tab)
    return Sight(network, now, tab, ours, tuple(disputes), shown, tuple(found), tuple(failures))


async def _standings(
    reader: NetworkReader, network: Network, tab: Pubkey | None, devices: Sequence[DeviceView]
) -> list[SlaStanding]:
    """The SLAs of a tab and of devices, by deadline; most devices have none, and cost no reading."""
    found = {each.address: each for each in await reader.slas(tab=tab)} if tab is not None else {}
    for view in devices:
        if view.device.open_slas:
            found |= {each.address: each for each in await reader.slas(device=view.address)}
    views = sorted(found.values(), key=lambda each: (each.account.deadline, bytes(each.address)))
    return await standings_of(reader, network, views)


async def _views(
    reader: NetworkReader,
    network: Network,
    owner: Pubkey | None,
    devices: Sequence[Pubkey],
    failures: list[WorktabError],
) -> list[DeviceView]:
    found = dict(iter(await reader.devices(owner=owner))) if owner is not None else {}
    for address in devices:
        try:
            found[address] = await reader.device(address)
        except DeviceNotFound as error:
            failures.append(error)
    now = await reader.chain.unix_time()
    return [DeviceView(address, device, network, now) for address, device in found.items()]


async def _seen(
    reader: NetworkReader,
    view: DeviceView,
    slas: tuple[SlaStanding, ...],
    book: LaneBook | None,
    failures: list[WorktabError],
) -> Seen:
    """What there is about a device whose SLAs stand like this."""
    device, address = view.device, view.address
    disputes = await reader.disputes(device=address) if device.open_disputes else []
    owed: Mapping[tuple[Pubkey, int], Owed] = {}
    if book is not None and slas:
        try:
            owed = await book.owed([(each.account.tab, each.account.nonce) for each in slas], view.now)
        except WorktabError as error:
            failures.append(error)
    return Seen(address, device.owner, BondStatus.of(view), slas, tuple(disputes), owed)
