"""What a buyer must not forget of one purchase: whom it asked, for how much, and the result.

A purchase has an id of the buyer's choice. Whom it asks, and what it signs for, is on the disk before it leaves: so
the same purchase, begun again after a crash, asks there first and gets what was bought, and its budget counts what
went out before. Once it has its result, nobody is asked any more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from worktab.chain.durable import sync_folder
from worktab.core.errors import StateError, StorageError, WorktabError
from worktab.market.buyer.budget import Budget
from worktab.market.wire import WorkReceipt
from worktab.roles.accusations import Shown
from worktab.work.blobs import BlobStore

_FILE: Final = "purchase.json"
_OUTPUT: Final = "output"

BLOBS: Final = "blobs"
"""Folder beside the logs that holds modules and inputs of what was bought, by their hashes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A device's server that was asked for the work.

    url      of the server
    key      the Idempotency-Key of the request
    amount   base units that it could charge at most by what was signed for; 0 before anything was
    price    base units that it charged; None while that is not known
    receipt  the device's proof of the work, as `WORKTAB-RECEIPT` has it; None before there is one. It holds record and
             salt, without which a consumer is not made whole for work that turns out to be wrong
    """

    url: str
    key: str
    amount: int = 0
    price: int | None = None
    receipt: str | None = None


class PurchaseLog:
    """The log of one purchase; `PurchaseLog.open` opens it."""

    def __init__(self, folder: Path, name: str, work: str, asked: list[Asked], result: dict[str, Any] | None) -> None:
        """Use `PurchaseLog.open`."""
        self.name, self.result = name, result
        self._folder, self._work = folder, work
        self._asked = {each.url: each for each in asked}

    @classmethod
    def open(cls, folder: Path, name: str, work: str) -> PurchaseLog:
        """The log of the purchase `name` below a folder, made where it is missing.

        work  what is bought, in words that are the same for the same work

        Raises `StateError` if the name stands for other work, `StorageError` if the log cannot be read or written.
        """
        place = folder / hashlib.sha256(name.encode()).hexdigest()[:32]
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(folder)
            file = place / _FILE
            held = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
        except (OSError, ValueError) as error:
            raise StorageError(f"cannot use the purchase in {place}", got=str(error)) from error
        if held is None:
            log = cls(place, name, work, [], None)
            log._write()
            return log
        if held["work"] != work:
            raise StateError(
                f"The purchase {name!r} is of other work",
                expected=held["work"],
                got=work,
                next_step="Give every purchase an id of its own, or repeat the command as it was",
            )
        return cls(place, name, work, [Asked(**each) for each in held["asked"]], held["result"])

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Whom it asked so far, in order."""
        return tuple(self._asked.values())

    @property
    def output(self) -> Path:
        """The file of the result's output."""
        return self._folder / _OUTPUT

    def key(self, url: str) -> str:
        """The Idempotency-Key of the purchase at a server: another for each, so that each is accounted for."""
        return hashlib.sha256(f"{self.name}\n{url}".encode()).hexdigest()

    def count_in(self, budget: Budget) -> None:
        """Count what went out before against a budget. Raises `BudgetExceeded` where that is more than it holds."""
        for each in self._asked.values():
            if each.price is not None:
                budget.charge(each.key, each.price)
            elif each.amount:
                budget.hold(each.key, each.amount)

    def ask(self, url: str) -> Asked:
        """Note, before it is asked, that a server is asked for the work."""
        if url not in self._asked:
            self._asked[url] = Asked(url, self.key(url))
            self._write()
        return self._asked[url]

    def sign(self, key: str, amount: int) -> None:
        """Note, before it leaves, for how many base units a request is signed."""
        for each in self._asked.values():
            if each.key == key and each.amount != amount:
                self._note(replace(each, amount=amount))

    def charge(self, url: str, price: int, receipt: WorkReceipt) -> None:
        """Note what a server charged, and the device's proof of the work."""
        self._note(replace(self._asked[url], price=price, receipt=receipt.to_header()))

    def keep(self, *data: bytes) -> None:
        """Keep module and input, without which the work cannot be run again and disputed; the same once for all."""
        blobs = BlobStore(self._folder.parent / BLOBS)
        for each in data:
            blobs.put(each)

    def finish(self, output: bytes, result: dict[str, Any]) -> None:
        """Note the result: its output, and facts as JSON has them."""
        self._put(self.output, output)
        self.result = result
        self._write()

    def _note(self, asked: Asked) -> None:
        self._asked[asked.url] = asked
        self._write()

    def _write(self) -> None:
        value = {"work": self._work, "asked": [asdict(each) for each in self._asked.values()], "result": self.result}
        self._put(self._folder / _FILE, json.dumps(value, indent=1).encode())

    def _put(self, file: Path, content: bytes) -> None:
        draft = file.with_name(file.name + ".draft")
        try:
            with draft.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
            sync_folder(self._folder)
        except OSError as error:
            raise StorageError(f"The purchase in {self._folder} cannot be written", got=str(error.strerror)) from error


def bought_receipts(folder: Path) -> Iterator[WorkReceipt]:
    """The devices' proofs of all work that was bought, out of the logs below a folder; of earlier releases' none.

    A log that is no log is passed over: what is kept beside it counts all the same.
    """
    return (receipt for _, receipt in bought_work(folder))


def bought_work(folder: Path) -> Iterator[tuple[str, WorkReceipt]]:
    """As `bought_receipts`, each with the words for what was ordered (`PurchaseLog.open`)."""
    for file in sorted(folder.glob(f"*/{_FILE}")):
        with suppress(OSError, ValueError, LookupError, TypeError, WorktabError):
            log = json.loads(file.read_text(encoding="utf-8"))
            for each in log["asked"]:
                if each.get("receipt"):
                    yield str(log["work"]), WorkReceipt.from_header(each["receipt"])


class KeptRecords:
    """The records of bought work, for a watcher of disputes (`worktab.trust.watching`).

    folder  below which the logs of purchases are
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def find(self, hashes: Collection[bytes]) -> dict[bytes, Shown]:
        """See `BoughtRecords.find`."""
        return await asyncio.to_thread(self._find, hashes)

    def _find(self, hashes: Collection[bytes]) -> dict[bytes, Shown]:
        kept = (Shown(each.record, each.salt) for each in bought_receipts(self._folder))
        return {each.hash: each for each in kept if each.hash in hashes}
