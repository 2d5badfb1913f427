"""What both stores share: everything but SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from worktab.core.enrolments import FIRST_ENROLLED_INDEX
from worktab.core.errors import StateError
from worktab.ingest.facts import Facts
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import CLOSED, KEPT, addresses, counting, ordered, rows_in
from worktab.ingest.merging import Merge, Receipt, Registered
from worktab.ingest.rows import RECEIPT, REGISTRATION, Rows, messages
from worktab.ingest.store import Counts, Page, Verdicts
from worktab.ingest.tables import STORED, Backend, Tables
from worktab.ingest.verdicts import Verdict

T = TypeVar("T")

FACTS: Final = "facts"
_CHUNK: Final = 50_000
_NEVER: Final = (1 << 63) - 1


class Store:
    """A `ReceiptStore` over tables; `worktab.ingest.opening.open_store` makes one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._read_facts: tuple[bytes, Facts] | None = None

    @property
    def facts(self) -> Facts:
        """The network, as of the last time it was read from the chain. Raises `StateError` before the first."""
        raw = self._backend.read(lambda tables: tables.meta(FACTS))
        if raw is None:
            raise StateError("The store knows no network yet", next_step="Run `worktab ingest serve` or `sync` with it")
        if self._read_facts is None or self._read_facts[0] != raw:
            self._read_facts = raw, Facts.from_json(json.loads(raw))
        return self._read_facts[1]

    def set_facts(self, facts: Facts) -> None:
        """Keep what was read from the chain. Raises `StateError` for another network's or cluster's."""
        raw = json.dumps(facts.to_json()).encode()

        def work(tables: Tables) -> None:
            before = tables.meta(FACTS)
            if before == raw:
                return
            if before is not None and (known := Facts.from_json(json.loads(before))).domain != facts.domain:
                raise StateError(
                    "The store is another network's, or of another cluster",
                    expected=known.named,
                    got=facts.named,
                    next_step="Name another store with --store",
                )
            tables.set_meta(FACTS, raw)

        self._backend.write(work)

    def registrations(self, devices: Rows) -> Rows:
        """See `ReceiptStore`."""
        return counting(self.kept(devices))

    def kept(self, devices: Rows) -> Rows:
        """See `ReceiptStore`."""
        names = _names(devices)
        return ordered(self._backend.read(lambda tables: tables.registrations(names)))

    def put(self, receipts: Rows, indices: NDArray[np.uint32], arrived: int, *, strict: bool = True) -> Verdicts:
        """See `ReceiptStore`."""
        taken = self._taken(receipts, indices, arrived)
        registered = sorted({each for each, _ in taken})

        def work(tables: Tables) -> Verdicts:
            tables.lock(registered)
            merge = Merge(tables.held(registered), tables.forks(registered), strict)
            verdicts = np.fromiter((merge.put(*each) for each in taken), np.uint8, len(taken))
            tables.write([(each, receipt) for (each, _), receipt in sorted(merge.to_write.items())])
            tables.write_forks(sorted(merge.new_forks.items()))
            return verdicts

        return self._backend.write(work) if taken else np.zeros(0, np.uint8)

    def put_forks(self, pairs: Rows, indices: NDArray[np.uint32]) -> None:
        """See `ReceiptStore`."""
        taken = self._taken(pairs, indices, _NEVER)
        registered = sorted({each for each, _ in taken})

        def work(tables: Tables) -> None:
            tables.lock(registered)
            merge = Merge({}, tables.forks(registered))
            for (one, first), (other, second) in zip(taken[::2], taken[1::2], strict=True):
                if one == other and first.contradicts(second):
                    merge.put_fork(one, first, second)
            tables.write_forks(sorted(merge.new_forks.items()))

        if taken:
            self._backend.write(work)

    def put_enrolments(self, rows: Rows) -> Verdicts:
        """See `ReceiptStore`."""
        names = _names(rows["row"]["device"])

        def work(tables: Tables) -> Verdicts:
            known = {each["row"]["device"].tobytes(): each for each in _enrolled(tables.registrations(names))}
            verdicts, written = np.zeros(len(rows), np.uint8), set()
            for place, row in enumerate(rows):
                device = row["row"]["device"].tobytes()
                before = known.get(device)
                if before is not None and row["row"]["serial"] <= before["row"]["serial"]:
                    same = row["row"]["serial"] == before["row"]["serial"]
                    verdicts[place] = Verdict.DUPLICATE if same else Verdict.OLDER
                    continue
                known[device] = row
                written.add(device)
            if written:
                tables.write_registrations(ordered(np.array([known[each] for each in written], KEPT)))
            return verdicts

        return self._backend.write(work) if len(rows) else np.zeros(0, np.uint8)

    def mirror(self, rows: Rows, devices: Rows) -> int:
        """See `ReceiptStore`."""
        names = _names(devices)
        fresh = {(each["row"]["device"].tobytes(), int(each["row"]["index"])): each for each in rows}

        def work(tables: Tables) -> int:
            changed, seen = [], set()
            for before in _on_chain(tables.registrations(names)):
                key = before["row"]["device"].tobytes(), int(before["row"]["index"])
                seen.add(key)
                row = fresh.get(key, before).copy()
                if key not in fresh:
                    row["active"] = CLOSED
                if row.tobytes() != before.tobytes():
                    changed.append(row)
            changed += [row for key, row in fresh.items() if key not in seen]
            if changed:
                tables.write_registrations(ordered(np.array(changed, KEPT)))
            return len(changed)

        return self._backend.write(work) if names else 0

    def newest(self, device: bytes) -> Rows:
        """See `ReceiptStore`."""

        def work(tables: Tables) -> Rows:
            kept = counting(ordered(tables.registrations([device])))
            if not len(kept):
                return np.zeros(0, RECEIPT)
            before = (int.from_bytes(device, "big") - 1).to_bytes(32, "big") if any(device) else b""
            found = tables.newest_between(before, device, _NEVER, _NEVER)
            return _receipts(found[found["idx"] == kept["row"]["index"][0]])

        return self._backend.read(work)

    def fork(self, device: bytes) -> Rows:
        """The `RECEIPT` rows that contradict each other of a device that counts no more; none of any other."""
        kept = self.registrations(np.frombuffer(device, "u1").reshape(1, 32))
        wanted = [(device, int(index)) for index in kept["row"]["index"]]
        found = self._backend.read(lambda tables: tables.forks(wanted))
        return np.frombuffer(b"".join(device + body for fork in found.values() for body in fork[1:]), RECEIPT)

    def pages(
        self, epoch: int, *, after: bytes = b"", size: int = 10_000, arrived_before: int | None = None
    ) -> Iterator[Page]:
        """See `ReceiptStore`."""
        facts, before = self.facts, _NEVER if arrived_before is None else arrived_before

        def work(tables: Tables) -> tuple[Page | None, bool]:
            kept, more = _whole_devices(tables, after, size)
            if not len(kept):
                return None, False
            last = kept["row"]["device"][-1].tobytes()
            counted = counting(kept)
            forks = _of(tables.forks_between(after, last, epoch), counted)
            receipts = _of(tables.newest_between(after, last, epoch, before), counted)
            stopped = np.isin(addresses(receipts["device"]), addresses(forks["device"]))
            page = Page(rows_in(counted, facts, epoch), _receipts(receipts[~stopped]), _pairs(forks), last)
            return page, more

        more = True
        while more:
            page, more = self._backend.read(work)
            if page is None:
                return
            yield page
            after = page.after

    def inputs(self, epoch: int, *, arrived_before: int | None = None) -> Inputs:
        """See `ReceiptStore`."""
        counts = self.counts()
        # Room that stays untouched takes no memory, and a second copy of everything would.
        most = min(counts.registered + counts.enrolled, counts.receipts)
        registrations, receipts = _Growing(REGISTRATION, most), _Growing(RECEIPT, most)
        for page in self.pages(epoch, arrived_before=arrived_before):
            registrations.add(page.working)
            receipts.add(page.receipts)
        return Inputs(epoch, registrations.rows, receipts.rows)

    def registered(self) -> Iterator[Rows]:
        """See `ReceiptStore`."""
        after, more = b"", True

        def work(tables: Tables) -> tuple[Rows, bool]:
            return _whole_devices(tables, after, _CHUNK)

        while more:
            kept, more = self._backend.read(work)
            if len(kept):
                after = kept["row"]["device"][-1].tobytes()
                yield _on_chain(kept)

    def counts(self) -> Counts:
        """See `ReceiptStore`."""
        return self._backend.read(lambda tables: tables.counts())

    def prune(self, epoch: int) -> int:
        """See `ReceiptStore`."""
        return self._backend.write(lambda tables: tables.prune(epoch))

    def close(self) -> None:
        """See `ReceiptStore`."""
        self._backend.close()

    def _taken(self, receipts: Rows, indices: NDArray[np.uint32], arrived: int) -> list[tuple[Registered, Receipt]]:
        facts, raw, size = self.facts, receipts.tobytes(), RECEIPT.itemsize
        times = messages(receipts)["time"]
        epochs = (np.maximum(times - facts.created_at, 0) // facts.epoch_length).tolist()
        starts = range(0, len(raw), size)
        return [
            ((raw[at : at + 32], index), Receipt.of(epoch, raw[at + 32 : at + size], arrived))
            for at, index, epoch in zip(starts, indices.tolist(), epochs, strict=True)
        ]


class _Growing:
    """Rows that come in parts."""

    def __init__(self, dtype: np.dtype[Any], most: int) -> None:
        self._room, self._used = np.empty(most, dtype), 0

    def add(self, rows: Rows) -> None:
        end = self._used + len(rows)
        if end > len(self._room):
            self._room = np.concatenate([self._room[: self._used], np.empty(2 * end, rows.dtype)])
        self._room[self._used : end] = rows
        self._used = end

    @property
    def rows(self) -> Rows:
        return self._room[: self._used]


def _names(devices: Rows) -> list[bytes]:
    raw = devices.tobytes()
    return sorted({raw[at : at + 32] for at in range(0, len(raw), 32)})


def _enrolled(kept: Rows) -> Rows:
    return kept[kept["row"]["index"] >= FIRST_ENROLLED_INDEX]


def _on_chain(kept: Rows) -> Rows:
    return kept[kept["row"]["index"] < FIRST_ENROLLED_INDEX]


def _whole_devices(tables: Tables, after: bytes, size: int) -> tuple[Rows, bool]:
    """`KEPT` rows of the devices after an address, all of each; whether there are more devices."""
    kept = tables.registrations_after(after, size + 1)
    if len(kept) <= size:
        return kept, False
    names = addresses(kept["row"]["device"])
    whole = kept[names != names[-1]]
    # A device that was registered more often than a page has rows.
    return (whole, True) if len(whole) else _whole_devices(tables, after, 2 * size)


def _of(rows: Rows, kept: Rows) -> Rows:
    """Those rows that are for the registrations in `KEPT` rows, both sorted by device."""
    names, wanted = addresses(kept["row"]["device"]), addresses(rows["device"])
    place = np.searchsorted(names, wanted)
    known = place < len(names)
    known[known] = names[place[known]] == wanted[known]
    known[known] = kept["row"]["index"][place[known]] == rows["idx"][known]
    return rows[known]


def _receipts(found: Rows) -> Rows:
    receipts = np.zeros(len(found), RECEIPT)
    receipts["device"] = found["device"]
    receipts["message"], receipts["signature"] = found["body"][:, :104], found["body"][:, 104:]
    return receipts


def _pairs(forks: Rows) -> Rows:
    pairs = np.zeros((len(forks), 2), STORED)
    for place, name in enumerate(("first", "second")):
        pairs[:, place]["device"], pairs[:, place]["body"] = forks["device"], forks[name]
    return _receipts(pairs.reshape(-1))
