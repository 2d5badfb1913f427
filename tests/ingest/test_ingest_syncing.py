"""Attestors' stores come to hold the same, and believe nothing that is not signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.ingest import FACTS, Party, kept_rows, rows, start
from support.ingests import Clock, ingest
from worktab.core.errors import VerificationError
from worktab.ingest.rows import Rows
from worktab.ingest.sqlite import SqliteStore
from worktab.ingest.store import ReceiptStore
from worktab.ingest.syncing import Pulled, pull

ONE, TWO, THREE = Party.make(1), Party.make(2, p256=True), Party.make(3)
ON_CHAIN = Party.make(4, chosen_index=7)
EPOCH = 5
CLOCK = Clock(start(EPOCH))


@pytest.fixture
def other(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Another attestor's store."""
    other = SqliteStore(tmp_path / "other")
    other.set_facts(FACTS)
    yield other
    other.close()


def put(store: ReceiptStore, party: Party, *receipts: bytes) -> None:
    """Store a party's receipts, as its ingest would."""
    store.put(rows(*receipts), np.full(len(receipts), party.index, np.uint32), start(EPOCH))


async def pull_from(source: ReceiptStore, store: ReceiptStore, epoch: int = EPOCH) -> Pulled:
    """Pull over HTTP."""
    async with ingest(source, CLOCK) as running:
        return await pull(store, running.client, epoch, clock=CLOCK)


def held(store: ReceiptStore) -> list[bytes]:
    """All that epochs are built from."""
    inputs = [store.inputs(epoch) for epoch in range(EPOCH + 1)]
    return [each.registrations.tobytes() + each.receipts.tobytes() for each in inputs]


async def test_two_stores_that_took_different_receipts_come_to_hold_the_same(
    store: ReceiptStore, other: SqliteStore
) -> None:
    for each in (store, other):
        each.mirror(ON_CHAIN.kept(), ON_CHAIN.kept()["row"]["device"])
    store.put_enrolments(kept_rows(ONE.kept(), TWO.kept()))
    other.put_enrolments(kept_rows(ONE.kept(), THREE.kept()))
    put(store, ONE, ONE.receipt(5, 50, start(3)))
    put(store, TWO, TWO.receipt(5, 50, start(4)))
    put(store, ON_CHAIN, ON_CHAIN.receipt(2, 20, start(1)))
    put(other, ONE, ONE.receipt(6, 60, start(3) - 1))  # with its clock set back
    put(other, THREE, THREE.receipt(1, 1, start(4)))
    put(other, ON_CHAIN, ON_CHAIN.receipt(3, 20, start(1) + 5))
    assert held(store) != held(other)
    for epoch in range(EPOCH + 1):
        await pull_from(store, other, epoch)
        await pull_from(other, store, epoch)
    assert held(store) == held(other)
    inputs = store.inputs(EPOCH)
    assert len(inputs.receipts) == 4
    again = await pull_from(other, store)
    assert again.receipts == {"duplicate": 4}
    assert again.enrolments == {"duplicate": 3}


async def test_evidence_goes_over(store: ReceiptStore, other: SqliteStore) -> None:
    for each in (store, other):
        each.put_enrolments(ONE.kept())
    one, two = ONE.receipt(5, 50, start(2)), ONE.receipt(5, 51, start(2))
    put(store, ONE, one, two)
    put(other, ONE, ONE.receipt(9, 90, start(4)))
    pulled = await pull_from(store, other)
    assert pulled.forks == {"kept": 1, "refused": 0}
    assert other.fork(ONE.device).tobytes() == store.fork(ONE.device).tobytes()
    assert len(other.inputs(EPOCH).receipts) == 0


class Lying:
    """A store that shows what it likes."""

    def __init__(self, store: ReceiptStore, change: Callable[[Rows, Rows, Rows], tuple[Rows, Rows, Rows]]) -> None:
        self._store, self._change = store, change

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def pages(self, epoch: int, **how: object):  # type: ignore[no-untyped-def]
        for page in self._store.pages(epoch, **how):  # type: ignore[arg-type]
            parts = self._change(page.registrations.copy(), page.receipts.copy(), page.forks.copy())
            yield replace(page, registrations=parts[0], receipts=parts[1], forks=parts[2])


async def test_nothing_is_believed(store: ReceiptStore, other: SqliteStore) -> None:
    other.mirror(ON_CHAIN.kept(), ON_CHAIN.kept()["row"]["device"])
    other.put_enrolments(kept_rows(ONE.kept(), TWO.kept()))
    put(other, ONE, ONE.receipt(5, 50, start(2)))
    put(other, TWO, TWO.receipt(5, 50, start(2)), TWO.receipt(5, 51, start(2)))

    def change(registrations: Rows, receipts: Rows, forks: Rows) -> tuple[Rows, Rows, Rows]:
        registrations["payout"] = 1
        receipts["message"][:, 48] ^= 1
        forks["signature"][:, 0] ^= 1
        return registrations, receipts, forks

    store.put_enrolments(kept_rows(ONE.kept(), TWO.kept()))
    before = held(store)
    pulled = await pull_from(Lying(other, change), store)  # type: ignore[arg-type]
    assert pulled.receipts == {"bad_signature": 1}
    assert pulled.forks == {"kept": 0, "refused": 1}
    assert pulled.enrolments == {"duplicate": 2}
    assert held(store) == before

    def raise_serials(registrations: Rows, receipts: Rows, forks: Rows) -> tuple[Rows, Rows, Rows]:
        registrations["serial"] += 1
        registrations["payout"] = 1
        return registrations, receipts, forks[:0]

    pulled = await pull_from(Lying(other, raise_serials), store)  # type: ignore[arg-type]
    assert pulled.enrolments == {"bad_enrolment": 2}
    assert store.counts().registered == 0


async def test_an_ingest_of_another_network_is_not_pulled_from(store: ReceiptStore, tmp_path: Path) -> None:
    foreign = SqliteStore(tmp_path / "foreign")
    foreign.set_facts(replace(FACTS, domain=bytes(32)))
    with pytest.raises(VerificationError, match="another network") as refused:
        await pull_from(foreign, store)
    assert refused.value.got == f"{FACTS.network} (domain {'0' * 64})"
    foreign.close()


async def test_a_pull_goes_on_where_the_connection_broke(store: ReceiptStore, other: SqliteStore) -> None:
    parties = [Party.make(number) for number in range(30, 42)]
    other.put_enrolments(kept_rows(*(each.kept() for each in parties)))
    for each in parties:
        put(other, each, each.receipt(1, 1, start(2)))
    asked: list[bytes] = []

    class Breaking:
        def __getattr__(self, name: str) -> object:
            return getattr(other, name)

        def pages(self, epoch: int, *, after: bytes = b""):  # type: ignore[no-untyped-def]
            asked.append(after)
            for count, page in enumerate(other.pages(epoch, after=after, size=3), 1):
                yield page
                if count == 2 and len(asked) < 3:
                    raise OSError("the cable")

    pulled = await pull_from(Breaking(), store)  # type: ignore[arg-type]
    assert pulled.receipts == {"stored": 12}
    devices = sorted(each.device for each in parties)
    assert asked == [b"", devices[5], devices[11]]
    assert held(store) == held(other)
