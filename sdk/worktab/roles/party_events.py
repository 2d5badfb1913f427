"""What happens to one tab, to one device or to one payout wallet, sales and invoices included."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from solders.pubkey import Pubkey

from worktab.chain.protocol import Chain
from worktab.core.errors import EncodingError
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device
from worktab.program.generated.events import (
    EVENTS,
    BatchSettled,
    Claimed,
    DeviceRegistered,
    DisputeResolved,
    RootClaimed,
)
from worktab.program.structs import Event
from worktab.roles.events import ProgramEvents
from worktab.roles.homes import named


class TabEvents(ProgramEvents):
    """Every event of one tab: its money, delegates and lanes, vouchers and batches, payments and refunds of invoices,
    its SLAs, the disputes that its consumer opened, and how disputes ended whose transactions name it.

    An invoice that is made or voided names its device and not the tab, and so does an SLA that is contested. Attestors'
    votes name the SLA or the dispute alone: `ProgramEvents` of its address shows them. A batch's event comes whole,
    with all its entries. Used as `NetworkEvents` is.
    """

    def __init__(
        self,
        chain: Chain,
        tab: Pubkey,
        *,
        kinds: Collection[type[Event]] = EVENTS,
        program_id: Pubkey = PROGRAM_ID,
        **options: Any,
    ) -> None:
        """Prepare to follow; `kinds` and `options` as in `NetworkEvents`."""
        super().__init__(chain, tab, kinds=kinds, program_id=program_id, **options)
        self._tab = tab

    def _is_ours(self, event: Event) -> bool:
        if isinstance(event, DisputeResolved):
            return True  # a consumer that was not made whole is named by the transaction alone
        return named(event, "tab") == self._tab


class PayoutEvents(ProgramEvents):
    """Every claim that paid one payout wallet, or would have: of its devices' pay, and from roots, in all networks.

    A claim of devices' pay comes whole, with all its entries. Used as `NetworkEvents` is.
    """

    def __init__(
        self,
        chain: Chain,
        payout: Pubkey,
        *,
        kinds: Collection[type[Event]] = EVENTS,
        program_id: Pubkey = PROGRAM_ID,
        **options: Any,
    ) -> None:
        """Prepare to follow; `kinds` and `options` as in `NetworkEvents`."""
        super().__init__(chain, payout, kinds=kinds, program_id=program_id, **options)
        self._payout = payout

    def _is_ours(self, event: Event) -> bool:
        return isinstance(event, Claimed | RootClaimed) and event.payout == self._payout


class DeviceEvents(ProgramEvents):
    """Every event of one device: registration and changes, its bond, receipts, reserves, vouchers, batches, invoices,
    claims, SLAs and disputes.

    Events of lanes and claims name the device by its index. They are matched with the indexes of its registrations, as
    far as the account or the feed tells them; where nothing does, because the device is gone, all that its
    transactions logged of lanes are given. The start and the end of a lane's closing name the device only where its
    owner signs. Attestors' votes name the SLA or the dispute alone: `ProgramEvents` of its address shows them. Batches
    and claims come whole, with all their entries. Used as `NetworkEvents` is.
    """

    def __init__(
        self,
        chain: Chain,
        device: Pubkey,
        *,
        kinds: Collection[type[Event]] = EVENTS,
        program_id: Pubkey = PROGRAM_ID,
        **options: Any,
    ) -> None:
        """Prepare to follow; `kinds` and `options` as in `NetworkEvents`."""
        super().__init__(chain, device, kinds=kinds, program_id=program_id, **options)
        self._device = device
        self._indexes: set[int] = set()

    async def _learn(self, events: list[Event]) -> None:
        here = [each for each in events if isinstance(each, DeviceRegistered) and each.device == self._device]
        self._indexes |= {each.index for each in here}
        if self._indexes:
            return
        account = await self._chain.account(self._device)
        try:
            if account is not None and account.owner == self._program_id:
                self._indexes.add(Device.decode(account.data).index)
        except EncodingError:
            return

    def _is_ours(self, event: Event) -> bool:
        device = named(event, "device")
        if device is not None:
            return device == self._device
        indexes = _indexes(event)
        return bool(indexes) and (not self._indexes or not self._indexes.isdisjoint(indexes))


def _indexes(event: Event) -> set[int]:
    """The indexes of the devices that an event concerns."""
    if isinstance(event, Claimed):
        return {entry.device for entry in event.entries}
    if isinstance(event, BatchSettled):
        return {entry.index for entry in event.entries}
    index = getattr(event, "index", None)
    return {index} if isinstance(index, int) else set()
