"""Registrations on chain, as the store has them."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData
from worktab.ingest.facts import Facts
from worktab.ingest.kept import CLOSED, KEPT, addresses, from_chain
from worktab.ingest.limits import Buckets
from worktab.ingest.rows import Rows
from worktab.ingest.store import ReceiptStore
from worktab.program.generated.accounts import Device
from worktab.roles.reading import NetworkReader
from worktab.roles.snapshots import DeviceTable

_CHUNK: Final = 10_000
_LOOKED_UP: Final = 100_000


class Mirror:
    """Keeps a store's registrations and facts like the chain's.

    store    what is kept
    reader   reads the network
    every    seconds in which a device is looked up once at most
    rate     devices looked up a second at most, in the long run
    clock    seconds, from any start
    told     is told of `KEPT` rows before they are replaced: what the store has of some devices, and what the chain has
    """

    def __init__(
        self,
        store: ReceiptStore,
        reader: NetworkReader,
        *,
        every: float = 60.0,
        rate: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
        told: Callable[[Rows, Rows], None] | None = None,
    ) -> None:
        self._store, self._reader, self._every, self._clock = store, reader, every, clock
        self._told = told
        self._budget = Buckets(rate, rate * 10, clock)
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._ahead = 0.0

    def now(self) -> float:
        """The chain's clock in Unix seconds: when it was last read, and the time since. The machine's before that."""
        return time.time() + self._ahead

    async def read_clock(self) -> None:
        """Read the chain's clock: epochs are counted by it. Raises `ChainError`."""
        self._ahead = await self._reader.chain.unix_time() - time.time()

    async def refresh(self) -> int:
        """Read the clock, the network and all of its devices; how many registrations changed.

        Raises `ChainError`, `StorageError`, `StateError` for another network's store.
        """
        reader = self._reader
        await self.read_clock()
        facts = Facts.of(reader.address, await reader.network(), program_id=reader.program_id)
        devices = await reader.devices()
        return await asyncio.to_thread(self._replace, facts, devices)

    async def look_up(self, devices: Iterable[bytes]) -> int:
        """Read those of these devices that were not read lately, within the budget; how many registrations changed.

        Anyone can make up addresses: what is beyond the budget is not looked up. Raises `ChainError`, `StorageError`.
        """
        now, wanted = self._clock(), []
        for device in dict.fromkeys(devices):
            if now - self._seen.get(device, -self._every) < self._every or self._budget.wait(None):
                continue
            self._budget.take(None)
            self._note(device, now)
            wanted.append(device)
        if not wanted:
            return 0
        found = await self._reader.chain.accounts([Pubkey(each) for each in wanted])
        ours = [
            (Pubkey(device), account)
            for device, account in zip(wanted, found, strict=True)
            if account is not None and self._is_device(account)
        ]
        rows = from_chain(DeviceTable.decode(ours)) if ours else np.zeros(0, KEPT)
        asked = np.frombuffer(b"".join(wanted), "u1").reshape(-1, 32)
        return await asyncio.to_thread(self._store.mirror, rows, asked)

    def _is_device(self, account: AccountData) -> bool:
        ours = Device.DISCRIMINATOR + bytes(self._reader.address)
        return account.owner == self._reader.program_id and account.data.startswith(ours)

    def _note(self, device: bytes, now: float) -> None:
        self._seen[device] = now
        self._seen.move_to_end(device)
        if len(self._seen) > _LOOKED_UP:
            self._seen.popitem(last=False)

    def _replace(self, facts: Facts, devices: DeviceTable) -> int:
        self._store.set_facts(facts)
        rows = from_chain(devices)
        changed = sum(self._mirror(part, part["row"]["device"]) for part in _chunks(rows))
        here = addresses(rows["row"]["device"])
        for part in self._store.registered():
            part = part[part["active"] != CLOSED]
            gone = part[~np.isin(addresses(part["row"]["device"]), here)]
            changed += sum(self._mirror(each[:0], each["row"]["device"]) for each in _chunks(gone))
        return changed

    def _mirror(self, rows: Rows, devices: Rows) -> int:
        if not len(devices):
            return 0
        if self._told is not None:
            self._told(self._store.kept(devices), rows)
        return self._store.mirror(rows, devices)


def _chunks(rows: Rows) -> Iterable[Rows]:
    return (rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK))
