"""The consumer's purse: its lanes, what is charged on them, and the newest voucher of each, on the disk.

A voucher is stored before it leaves. After a kill the purse knows every voucher that a device can hold, goes on from
the totals it had, and answers a repeated request with the voucher it was paid with. It never signs below what is
charged on a lane nor above what the lane holds.

One file, for any number of processes: whoever works on a lane holds its lock (`Purse.locks`) meanwhile, and every
change is one transaction that fails if the lane is not as the caller last saw it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from solders.pubkey import Pubkey

from worktab.core.errors import InputError, StateError
from worktab.core.messages import Message
from worktab.core.vouchers import SignedVoucher
from worktab.market.buyer.lane_state import Pending, Place, PurseLane
from worktab.market.buyer.locks import Locks
from worktab.market.buyer.purse_file import PurseFile, u64
from worktab.market.terms import NOTHING, Requirement, Totals
from worktab.market.wire import dump
from worktab.program.generated.errors import OverReserve

_LANE: Final = (
    "id, version, lane_index, nonce, unproven, head, key, request, terms, message, signature, "
    "most, settled, amount, units, seq, signed, exact, ceiling_amount, ceiling_units, behind"
)
_AT: Final = "domain = ? AND tab = ? AND device = ? AND signer = ?"


class Purse:
    """The lanes of any number of consumers and networks; `Purse.open` opens it."""

    def __init__(self, file: PurseFile, locks: Locks) -> None:
        self._file = file
        self.locks = locks

    @classmethod
    def open(cls, path: Path, *, durable: bool = True) -> Self:
        """The purse in a file, made where it is missing, readable by its owner alone; locks lie in a folder beside it.

        durable  wait for the disk before a voucher leaves. Without, a purse still survives a killed process, but after
                 a power failure may have forgotten its newest vouchers, whose lanes then have to be closed

        Raises `StorageError` if it cannot be opened, or is no purse of this version.
        """
        return cls(PurseFile(path, durable=durable), Locks(path.with_name(path.name + ".locks")))

    def close(self) -> None:
        """Let go of the file. A second call does nothing."""
        self._file.close()
        self.locks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lane(self, place: Place) -> PurseLane | None:
        """The open lane at a place. Raises `StorageError`, as everything here does."""
        row = self._file.row(f"SELECT {_LANE} FROM lanes WHERE {_AT} AND open", place.columns)  # noqa: S608
        return None if row is None else _lane(place, row)

    def distrusted(self, device: Pubkey) -> str | None:
        """Why nothing more is signed for a device; None for one that is trusted."""
        row = self._file.row("SELECT reason FROM distrusted WHERE device = ?", (bytes(device),))
        return None if row is None else str(row[0])

    def distrust(self, device: Pubkey, reason: str) -> None:
        """Sign nothing more for a device, until `trust`."""
        with self._file.transaction() as run:
            run("INSERT OR IGNORE INTO distrusted VALUES (?, ?)", (bytes(device), reason))

    def trust(self, device: Pubkey) -> None:
        """Sign for a device again: its answers went wrong for a reason that is known and gone."""
        with self._file.transaction() as run:
            run("UPDATE lanes SET disputed = 0 WHERE device = ?", (bytes(device),))
            run("DELETE FROM distrusted WHERE device = ?", (bytes(device),))

    # Lanes come and go

    def reserving(self, place: Place, nonce: int) -> None:
        """Note, before a lane is reserved, the least nonce that it can get: a crash then leaves no lane forgotten."""
        with self._file.transaction(durable=True) as run:
            run("INSERT OR REPLACE INTO reserving VALUES (?, ?, ?, ?, ?)", (*place.columns, nonce))

    def reserving_from(self, place: Place) -> int | None:
        """The nonce noted by `reserving`, if the lane has not been added since."""
        row = self._file.row(f"SELECT nonce FROM reserving WHERE {_AT}", place.columns)  # noqa: S608
        return None if row is None else int(row[0])

    def add(self, place: Place, index: int, nonce: int, most: int) -> PurseLane:
        """Take in a lane that is new on chain, with nothing charged. The one at this place before is no longer used."""
        with self._file.transaction(durable=True) as run:
            run(
                f"UPDATE lanes SET open = 0, closing = 1, version = version + 1 WHERE {_AT} AND open",  # noqa: S608
                place.columns,
            )
            run(f"DELETE FROM reserving WHERE {_AT}", place.columns)  # noqa: S608
            zero = u64(0)
            run(
                "INSERT INTO lanes (domain, tab, device, signer, open, closing, disputed, lane_index, nonce, most, "
                "settled, amount, units, seq, head, signed, exact, ceiling_amount, ceiling_units, behind, "
                "unproven, version) "
                "VALUES (?, ?, ?, ?, 1, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
                (*place.columns, index, nonce, u64(most), *[zero] * 4, NOTHING.head, *[zero] * 5),
            )
        lane = self.lane(place)
        assert lane is not None
        return lane

    def refresh(self, lane: PurseLane, most: int, settled: int) -> PurseLane:
        """Take in what the chain says that a lane can pay in all, and the units settled on it."""
        return self._update(lane, "most = ?, settled = ?", (u64(most), u64(settled)), most=most, settled=settled)

    def end(self, lane: PurseLane, *, disputed: bool = False) -> None:
        """Use a lane no more, and note that it is to be closed: what it still holds is the consumer's.

        disputed  the device says of it what this purse cannot believe
        """
        self._update(lane, "open = 0, closing = 1, disputed = ?", (int(disputed),), durable=True)

    def disputed(self, place: Place) -> int:
        """How many lanes at a place ended in a dispute over what is charged on them."""
        row = self._file.row(f"SELECT count(*) FROM lanes WHERE {_AT} AND disputed", place.columns)  # noqa: S608
        return 0 if row is None else int(row[0])

    def knows(self, place: Place, nonce: int) -> bool:
        """Whether a lane of this nonce is or was the purse's."""
        at = (place.domain, bytes(place.tab), nonce)
        return self._file.row("SELECT 1 FROM lanes WHERE domain = ? AND tab = ? AND nonce = ?", at) is not None

    def to_close(self, domain: bytes, tab: Pubkey, signer: Pubkey) -> list[int]:
        """The nonces of the lanes of a tab and signer that are used no more, and not known to have ended on chain."""
        at = (domain, bytes(tab), bytes(signer))
        query = "SELECT nonce FROM lanes WHERE domain = ? AND tab = ? AND signer = ? AND closing ORDER BY nonce"
        return [int(nonce) for (nonce,) in self._file.rows(query, at)]

    def closed(self, domain: bytes, tab: Pubkey, nonce: int) -> None:
        """Note that a lane has ended on chain."""
        with self._file.transaction() as run:
            at = (domain, bytes(tab), nonce)
            run("UPDATE lanes SET closing = 0 WHERE domain = ? AND tab = ? AND nonce = ?", at)

    # Vouchers

    def sign(self, lane: PurseLane, pending: Pending) -> PurseLane:
        """Store a voucher and the request it pays for; only then may it leave.

        Raises `StateError` where another request is pending or the lane has changed, `InputError` for a voucher below
        what is charged, `OverReserve` for one above what the lane holds.
        """
        voucher = pending.voucher
        if lane.pending is not None and lane.pending.key != pending.key:
            raise StateError("Another request is under way on the lane", got=lane.pending.key)
        if voucher.amount < lane.charged.amount or voucher.units < lane.charged.units:
            raise InputError(
                "The voucher is below what is charged", expected=str(lane.charged.amount), got=str(voucher.amount)
            )
        if voucher.amount > lane.most:
            raise OverReserve(expected=f"at most {lane.most}", got=str(voucher.amount))
        return self._update(
            lane,
            "key = ?, request = ?, terms = ?, message = ?, signature = ?, signed = max(signed, ?)",
            (
                pending.key,
                pending.request,
                dump(pending.requirement.to_json()).decode(),
                voucher.message.encode(),
                voucher.signature,
                u64(voucher.amount),
            ),
            durable=True,
            pending=pending,
            signed=max(lane.signed, voucher.amount),
        )

    def charge(self, lane: PurseLane, totals: Totals) -> PurseLane:
        """Take in totals that a receipt proves; nothing is pending any more."""
        return self._take(lane, totals, (0, 0), 0)

    def believe(self, lane: PurseLane, totals: Totals) -> PurseLane:
        """Take in totals that the device says are charged, without a receipt; nothing is pending any more.

        Raises `InputError` for totals below what is charged, or above what was signed for requests that got no answer.
        """
        amount, units = lane.believable
        if not (lane.charged.amount <= totals.amount <= amount and lane.charged.units <= totals.units <= units):
            raise InputError(
                "The totals cannot be the lane's",
                expected=f"{lane.charged.amount} to {amount} base units",
                got=str(totals.amount),
            )
        more = totals.amount > lane.charged.amount
        return self._take(lane, totals, (amount, units), lane.unproven + more)

    def follow(self, lane: PurseLane, said: Totals) -> PurseLane:
        """Go on where a device says that it is, though it knows of less than is charged; nothing is pending any more.

        What is charged stays charged: the device's own amounts are taken to be behind it from here on, by as much as
        they are now. Units and record chain bind no money, and are signed as the device tells them.
        """
        charged = replace(said, amount=lane.charged.amount)
        behind = max(0, charged.amount - said.amount)
        return self._update(
            lane,
            f"units = ?, seq = ?, head = ?, behind = ?, ceiling_amount = ?, ceiling_units = ?, {_NOT_PENDING}",
            (u64(said.units), u64(said.seq), said.head, *(u64(each) for each in (behind, *lane.believable))),
            charged=charged,
            behind=behind,
            ceiling=lane.believable,
            pending=None,
        )

    def refuse(self, lane: PurseLane) -> PurseLane:
        """Let go of the pending request: the device says that it did nothing for it."""
        return self._update(lane, _NOT_PENDING, (), pending=None)

    def leave(self, lane: PurseLane) -> PurseLane:
        """Note that the device holds an exact voucher for what is charged."""
        return self._update(lane, "exact = ?", (u64(lane.charged.amount),), left=lane.charged.amount)

    def _take(self, lane: PurseLane, totals: Totals, ceiling: tuple[int, int], unproven: int) -> PurseLane:
        return self._update(
            lane,
            f"amount = ?, units = ?, seq = ?, head = ?, ceiling_amount = ?, ceiling_units = ?, unproven = ?, "
            f"{_NOT_PENDING}",
            (
                *(u64(each) for each in (totals.amount, totals.units, totals.seq)),
                totals.head,
                *(u64(each) for each in ceiling),
                unproven,
            ),
            charged=totals,
            ceiling=ceiling,
            unproven=unproven,
            pending=None,
        )

    def _update(
        self, lane: PurseLane, setting: str, values: tuple[Any, ...], *, durable: bool = False, **changes: Any
    ) -> PurseLane:
        """Change a lane that is still as the caller saw it; `changes` say the same as `setting`, in a lane's words."""
        with self._file.transaction(durable=durable) as run:
            changed = run(
                f"UPDATE lanes SET version = version + 1, {setting} WHERE id = ? AND version = ?",  # noqa: S608
                (*values, lane.id, lane.version),
            )
            if changed.rowcount != 1:
                raise StateError(
                    "The lane has changed meanwhile",
                    next_step="Hold its lock (Purse.locks) from reading it to changing it",
                )
        return replace(lane, version=lane.version + 1, **changes)


_NOT_PENDING: Final = "key = NULL, request = NULL, terms = NULL, message = NULL, signature = NULL"


def _lane(place: Place, row: tuple[Any, ...]) -> PurseLane:
    id, version, index, nonce, unproven, head, key, request, terms, message, signature, *blobs = row
    most, settled, amount, units, seq, signed, left, *rest = (int.from_bytes(each) for each in blobs)
    ceiling, ceiling_units, behind = rest
    pending = None
    if key is not None:
        voucher = SignedVoucher(place.tab, place.device, index, nonce, Message.decode(message), signature)
        pending = Pending(key, request, Requirement.from_json(json.loads(terms)), voucher)
    return PurseLane(
        id,
        version,
        place,
        index,
        nonce,
        most=most,
        settled=settled,
        charged=Totals(amount, units, seq, head),
        signed=signed,
        left=left,
        ceiling=(ceiling, ceiling_units),
        behind=behind,
        unproven=unproven,
        pending=pending,
    )
