"""Both stores keep the same, whatever comes in whatever order, and have it when they are opened again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from solders.pubkey import Pubkey

from support.ingest import FACTS, Party, kept_rows, registrations_of, rows, start
from worktab.core.errors import StateError
from worktab.ingest.inputs import Inputs
from worktab.ingest.kept import IDLE, addresses, from_enrolment, to_enrolment
from worktab.ingest.store import ReceiptStore
from worktab.ingest.verdicts import Verdict

ONE, TWO, THREE = Party.make(1), Party.make(2, p256=True), Party.make(3)
ON_CHAIN = Party.make(4, chosen_index=7)


@pytest.fixture(autouse=True)
def registered(store: ReceiptStore) -> None:
    """Three enrolled devices, and one with an account on chain."""
    assert store.put_enrolments(kept_rows(ONE.kept(), TWO.kept(), THREE.kept())).tolist() == [0, 0, 0]
    assert store.mirror(ON_CHAIN.kept(), ON_CHAIN.kept()["row"]["device"]) == 1


def put(
    store: ReceiptStore, party: Party, *receipts: bytes, strict: bool = True, arrived: int = start(60)
) -> list[str]:
    """What becomes of a party's receipts."""
    indices = np.full(len(receipts), party.index, np.uint32)
    return [Verdict(each).code for each in store.put(rows(*receipts), indices, arrived, strict=strict)]


def receipts_of(inputs: Inputs) -> dict[bytes, bytes]:
    """Receipts by device."""
    return {each["device"].tobytes(): each.tobytes() for each in inputs.receipts}


def as_bytes(inputs: Inputs) -> tuple[bytes, bytes]:
    """All there is."""
    return inputs.registrations.tobytes(), inputs.receipts.tobytes()


def test_the_newest_receipt_of_every_epoch_is_kept(store: ReceiptStore, reopen: Callable[[], ReceiptStore]) -> None:
    first, second = ONE.receipt(1, 10, start(0)), ONE.receipt(5, 50, start(0) + 99)
    third, late = ONE.receipt(9, 90, start(1)), ONE.receipt(3, 30, start(0) + 50)
    assert put(store, ONE, first) == ["stored"]
    assert put(store, ONE, second, third) == ["stored", "stored"]
    assert put(store, ONE, third, first, late) == ["duplicate", "older", "older"]
    for each in (store, reopen()):
        assert receipts_of(each.inputs(0)) == {ONE.device: second}
        assert receipts_of(each.inputs(1)) == receipts_of(each.inputs(50)) == {ONE.device: third}
        assert each.newest(ONE.device).tobytes() == third
        assert len(each.newest(TWO.device)) == 0
        assert each.counts().receipts == 2
        assert each.counts().newest_epoch == 1


def test_a_late_receipt_fills_its_epoch(store: ReceiptStore) -> None:
    newest, late = ONE.receipt(9, 90, start(4)), ONE.receipt(3, 30, start(2))
    assert put(store, ONE, newest, late) == ["stored", "stored"]
    assert receipts_of(store.inputs(1)) == {}
    assert receipts_of(store.inputs(3)) == {ONE.device: late}
    assert receipts_of(store.inputs(4)) == {ONE.device: newest}


def test_inputs_are_sorted_and_have_one_registration_a_device(store: ReceiptStore) -> None:
    for party, seq in ((ONE, 1), (TWO, 2), (ON_CHAIN, 3)):
        assert put(store, party, party.receipt(seq, 10 * seq, start(0))) == ["stored"]
    inputs = store.inputs(0)
    parties = sorted((ONE, TWO, ON_CHAIN), key=lambda party: party.device)
    for kind in (inputs.registrations, inputs.receipts):
        assert [each.tobytes() for each in kind["device"]] == [each.device for each in parties]
    everybody = sorted((*parties, THREE), key=lambda party: party.device)
    assert [each.tobytes() for each in registrations_of(store, 0)["device"]] == [each.device for each in everybody]
    assert inputs.registrations["index"].tolist() == [each.index for each in parties]
    assert inputs.registrations["capacity"].tolist() == [500 if each is ON_CHAIN else 1_000 for each in parties]
    place = parties.index(TWO)
    enrolled = to_enrolment(inputs.registrations[place])
    enrolled.verify(domain=FACTS.domain, program_id=bytes(FACTS.program_id), network=bytes(FACTS.network))
    assert enrolled.enrolment == TWO.enrolment().enrolment


def test_pages_can_be_taken_up_after_any_device(store: ReceiptStore) -> None:
    for party in (ONE, TWO, THREE, ON_CHAIN):
        assert put(store, party, party.receipt(1, 1, start(0))) == ["stored"]
    whole = as_bytes(store.inputs(0))
    assert len(store.inputs(0).registrations) == 4
    pages = list(store.pages(0, size=1))
    assert len(pages) == 4
    for count in range(5):
        after = pages[count - 1].after if count else b""
        rest = pages[:count] + list(store.pages(0, after=after, size=2))
        assert b"".join(page.registrations.tobytes() for page in rest) == whole[0]
        assert b"".join(page.receipts.tobytes() for page in rest) == whole[1]


def test_two_histories_stop_a_device_and_are_kept_as_evidence(
    store: ReceiptStore, reopen: Callable[[], ReceiptStore]
) -> None:
    before, honest = ONE.receipt(2, 20, start(0)), ONE.receipt(5, 50, start(2))
    other = ONE.receipt(5, 50, start(3), head=b"\1" * 32)
    assert put(store, TWO, TWO.receipt(1, 1, start(0))) == ["stored"]
    assert put(store, ONE, before, honest) == ["stored", "stored"]
    assert put(store, ONE, other) == ["fork"]
    assert put(store, ONE, other) == put(store, ONE, ONE.receipt(9, 90, start(4))) == ["device_forked"]
    for each in (store, reopen()):
        assert receipts_of(each.inputs(1))[ONE.device] == before
        for epoch in (2, 3, 9):
            assert receipts_of(each.inputs(epoch)).keys() == {TWO.device}
        assert each.fork(ONE.device).tobytes() == honest + other
        assert len(each.fork(TWO.device)) == 0
        assert each.counts().forks == 1
        [page] = each.pages(2)
        assert page.forks.tobytes() == honest + other
        [page] = each.pages(1)
        assert len(page.forks) == 0


@pytest.mark.parametrize(
    ("seq", "units"), [(5, 51), (5, 49), (6, 49), (4, 51)], ids=["units up", "units down", "more jobs", "fewer jobs"]
)
def test_units_that_no_single_history_has_are_a_fork(store: ReceiptStore, seq: int, units: int) -> None:
    assert put(store, ONE, ONE.receipt(5, 50, start(0))) == ["stored"]
    other = ONE.receipt(seq, units, start(0), head=ONE.receipt(5, 50, 0)[104:136])
    assert put(store, ONE, other) == ["fork"]
    assert receipts_of(store.inputs(0)) == {}


def test_rules_of_the_device_are_asked_for_only_where_it_posts_itself(store: ReceiptStore) -> None:
    assert put(store, ONE, ONE.receipt(5, 50, start(1))) == ["stored"]
    back, idle = ONE.receipt(6, 60, start(1) - 1), ONE.receipt(6, 50, start(1))
    assert put(store, ONE, back, idle) == ["time_back", "units_not_rising"]
    assert store.newest(ONE.device).tobytes() == ONE.receipt(5, 50, start(1))
    assert put(store, ONE, back, strict=False) == ["stored"]
    assert receipts_of(store.inputs(0)) == receipts_of(store.inputs(1)) == {ONE.device: back}


def test_the_same_jobs_signed_again_change_nothing(store: ReceiptStore) -> None:
    early, late = ONE.receipt(5, 50, start(0)), ONE.receipt(5, 50, start(3))
    assert put(store, ONE, early, late) == ["stored", "duplicate"]
    assert receipts_of(store.inputs(3)) == {ONE.device: early}
    two_early, two_late = TWO.receipt(5, 50, start(0)), TWO.receipt(5, 50, start(3))
    assert put(store, TWO, two_late, two_early) == ["stored", "stored"]
    assert receipts_of(store.inputs(3))[TWO.device] == two_early


def test_stores_agree_whichever_order_receipts_come_in(reopen: Callable[[], ReceiptStore], store: ReceiptStore) -> None:
    receipts = [
        ONE.receipt(2, 20, start(0)),
        ONE.receipt(3, 30, start(2)),
        ONE.receipt(3, 30, start(1)),
        ONE.receipt(4, 30, start(1) + 1),
        ONE.receipt(6, 60, start(1) + 2),
    ]
    found = set()
    for number, order in enumerate(itertools.permutations(receipts)):
        party = replace(ONE, chosen_index=number)  # another registration: nothing of the last order counts
        taken = [party.device + each[32:] for each in order]
        store.mirror(party.kept(), party.kept()["row"]["device"])
        put(store, party, *taken, strict=False)
        found.add(tuple(tuple(receipts_of(store.inputs(epoch)).values()) for epoch in range(4)))
    assert len(found) == 1


def test_an_active_account_counts_in_place_of_an_enrolment(store: ReceiptStore) -> None:
    enrolled = ONE.receipt(5, 50, start(0))
    assert put(store, ONE, enrolled) == ["stored"]
    account = replace(ONE, chosen_index=12)
    devices = account.kept()["row"]["device"]
    assert store.mirror(account.kept(), devices) == 1
    assert store.mirror(account.kept(), devices) == 0
    assert store.registrations(devices)["row"]["index"].tolist() == [12]
    assert ONE.device not in receipts_of(store.inputs(0))
    receipt = account.receipt(6, 60, start(0))
    assert put(store, account, receipt) == ["stored"]
    assert receipts_of(store.inputs(0))[ONE.device] == receipt
    # Suspended or retired, nothing of the device counts.
    assert store.mirror(account.kept(active=IDLE), devices) == 1
    assert store.registrations(devices).size == 0
    assert ONE.device not in receipts_of(store.inputs(0))
    assert ONE.device not in addresses(registrations_of(store, 0)["device"]).tolist()
    assert store.mirror(account.kept(), devices) == 1
    assert receipts_of(store.inputs(0))[ONE.device] == receipt
    assert store.mirror(account.kept()[:0], devices) == 1
    assert store.registrations(devices)["row"]["index"].tolist() == [ONE.index]


def test_the_highest_serial_of_an_enrolment_counts(store: ReceiptStore) -> None:
    payout = Pubkey.new_unique()
    newer = from_enrolment(ONE.enrolment(serial=3, payout=payout))
    older = from_enrolment(ONE.enrolment(serial=2))
    assert [Verdict(each).code for each in store.put_enrolments(ONE.kept())] == ["duplicate"]
    assert [Verdict(each).code for each in store.put_enrolments(newer)] == ["stored"]
    assert [Verdict(each).code for each in store.put_enrolments(older)] == ["older"]
    [kept] = store.registrations(newer["row"]["device"])
    assert to_enrolment(kept["row"]) == ONE.enrolment(serial=3, payout=payout)


def test_capacities_are_those_of_the_epoch(store: ReceiptStore) -> None:
    kept = ON_CHAIN.kept(capacity=100, next_capacity=300, capacity_epoch=5)
    store.mirror(kept, kept["row"]["device"])

    def capacity(epoch: int) -> int:
        registrations = registrations_of(store, epoch)
        return int(registrations["capacity"][registrations["index"] == 7][0])

    assert [capacity(4), capacity(5), capacity(6)] == [100, 300, 300]


def test_receipts_that_arrived_later_can_be_left_out(store: ReceiptStore, reopen: Callable[[], ReceiptStore]) -> None:
    first, second = ONE.receipt(1, 10, start(0)), ONE.receipt(2, 20, start(1))
    assert put(store, ONE, first, arrived=start(0) + 5) == ["stored"]
    assert put(store, ONE, second, arrived=start(3)) == ["stored"]
    for each in (store, reopen()):
        assert receipts_of(each.inputs(1)) == {ONE.device: second}
        assert receipts_of(each.inputs(1, arrived_before=start(3) + 1)) == {ONE.device: second}
        assert receipts_of(each.inputs(1, arrived_before=start(3))) == {ONE.device: first}
        assert receipts_of(each.inputs(1, arrived_before=start(0) + 6)) == {ONE.device: first}
        assert receipts_of(each.inputs(1, arrived_before=start(0) + 5)) == {}


def test_a_receipt_arrives_once(store: ReceiptStore) -> None:
    late, early = ONE.receipt(5, 50, start(0) + 9), ONE.receipt(5, 50, start(0))
    assert put(store, ONE, late, arrived=start(1)) == ["stored"]
    assert put(store, ONE, late, arrived=start(0)) == ["duplicate"]
    assert receipts_of(store.inputs(0, arrived_before=start(1))) == {}
    assert put(store, ONE, early, arrived=start(4)) == ["stored"]  # of the same jobs
    assert receipts_of(store.inputs(0, arrived_before=start(1) + 1)) == {ONE.device: early}
    assert put(store, ONE, ONE.receipt(6, 60, start(0) + 10), arrived=start(7)) == ["stored"]
    assert receipts_of(store.inputs(0, arrived_before=start(7))) == {}


def test_pruning_changes_no_inputs_from_the_epoch_on(store: ReceiptStore) -> None:
    for epoch in range(6):
        assert put(store, ONE, ONE.receipt(epoch + 1, epoch + 1, start(epoch))) == ["stored"]
    assert put(store, TWO, TWO.receipt(1, 1, start(0))) == ["stored"]
    before = [as_bytes(store.inputs(epoch)) for epoch in range(3, 7)]
    assert store.prune(3) == 3
    assert store.prune(3) == 0
    assert [as_bytes(store.inputs(epoch)) for epoch in range(3, 7)] == before
    assert store.counts().receipts == 4


def test_evidence_that_comes_from_elsewhere_counts(store: ReceiptStore) -> None:
    assert put(store, ONE, ONE.receipt(9, 90, start(5))) == ["stored"]
    pair = [ONE.receipt(3, 30, start(2)), ONE.receipt(3, 31, start(1))]
    indices = np.full(2, ONE.index, np.uint32)
    store.put_forks(rows(pair[0], ONE.receipt(4, 40, start(2))), indices)
    assert store.counts().forks == 0
    store.put_forks(rows(*pair), indices)
    assert store.fork(ONE.device).tobytes() == pair[1] + pair[0]
    assert receipts_of(store.inputs(5)) == {}
    earlier = [ONE.receipt(2, 20, start(0)), ONE.receipt(2, 21, start(0))]
    store.put_forks(rows(*earlier), indices)
    store.put_forks(rows(*pair), indices)
    assert store.fork(ONE.device).tobytes() == b"".join(earlier)


def test_a_store_holds_one_network(store: ReceiptStore) -> None:
    with pytest.raises(StateError, match="another cluster") as refused:
        store.set_facts(replace(FACTS, domain=bytes(32)))
    network = str(FACTS.network)
    assert refused.value.expected == f"{network} (domain {FACTS.domain.hex()})"
    assert refused.value.got == f"{network} (domain {'0' * 64})"
    assert store.facts == FACTS
