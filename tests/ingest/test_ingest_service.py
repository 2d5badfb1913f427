"""The service over real HTTP: receipts, enrolments, questions, exports; what it refuses, and how much it takes."""

from __future__ import annotations

import asyncio
import gc
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.ingest import AUTHORITY, FACTS, Party, kept_rows, registrations_of, rows, start
from support.ingests import Clock, Ingest, ingest
from worktab.core.errors import ConnectionFailed, StateError, StorageError
from worktab.core.records import chain_head
from worktab.ingest.errors import NoSuchDevice, Overloaded, TooManyRequests
from worktab.ingest.kept import ACTIVE, IDLE
from worktab.ingest.limits import Limits, Turns
from worktab.ingest.rows import Rows
from worktab.ingest.store import ReceiptStore
from worktab.ingest.verdicts import Verdict
from worktab.ingest.wire import END, ROWS_TYPE, receipt_to_json

ONE, TWO, THREE = Party.make(1), Party.make(2, p256=True), Party.make(3)
NOW = start(5)


@pytest.fixture
def clock() -> Clock:
    """The ingest's clock."""
    return Clock(NOW)


@pytest.fixture
async def service(store: ReceiptStore, clock: Clock):  # type: ignore[no-untyped-def]
    """An ingest that knows two devices."""
    store.put_enrolments(kept_rows(ONE.kept(), TWO.kept()))
    async with ingest(store, clock) as running:
        yield running


async def test_what_is_acknowledged_is_held(service: Ingest, reopen: Callable[[], ReceiptStore]) -> None:
    receipts = [ONE.receipt(1, 10, NOW), TWO.receipt(2, 20, NOW), THREE.receipt(1, 1, NOW), ONE.receipt(2, 20, NOW)]
    stored, unknown = Verdict.STORED, Verdict.DEVICE_UNKNOWN
    assert await service.client.submit(receipts) == [stored, stored, unknown, stored]
    assert await service.client.submit(receipts[:2]) == [Verdict.OLDER, Verdict.DUPLICATE]
    assert reopen().newest(ONE.device).tobytes() == receipts[3]
    held = await service.client.newest(ONE.address)
    assert (held.receipt, held.time) == (receipts[3], NOW)
    with pytest.raises(NoSuchDevice):
        await service.client.newest(THREE.address)
    assert await service.client.submit([]) == []
    assert service.pauses == []


async def test_large_posts_go_in_parts_and_keep_their_order(store: ReceiptStore, clock: Clock) -> None:
    store.put_enrolments(ONE.kept())
    receipts = [ONE.receipt(seq, seq, NOW) if seq % 3 else THREE.receipt(1, 1, NOW) for seq in range(1, 121)]
    expected = [Verdict.STORED if seq % 3 else Verdict.DEVICE_UNKNOWN for seq in range(1, 121)]
    async with ingest(store, clock, limits=Limits(device_burst=1_000)) as service:
        assert await service.client.submit(receipts) == expected


async def test_many_posts_are_stored_together_and_answered_apart(service: Ingest) -> None:
    parties = [Party.make(number) for number in range(100, 140)]
    service.intake.store.put_enrolments(kept_rows(*(each.kept() for each in parties)))
    wrong = [each.receipt(1, 5, NOW)[:-1] + b"\x77" for each in parties[::2]]
    posts = [[each.receipt(1, 5, NOW)] for each in parties] + [[each] for each in wrong]
    answers = await asyncio.gather(*(service.client.submit(post) for post in posts))
    assert answers == [[Verdict.STORED]] * 40 + [[Verdict.BAD_SIGNATURE]] * 20
    batches = service.intake.metrics.rows
    [family] = batches.collect()
    counted = {each.name: each.value for each in family.samples}
    assert counted["worktab_ingest_batch_receipts_sum"] == 60
    assert counted["worktab_ingest_batch_receipts_count"] < 60
    assert service.intake.store.counts().receipts == 40


async def test_json_says_of_each_receipt_what_became_of_it(service: Ingest) -> None:
    good, bad = ONE.receipt(3, 30, NOW), ONE.receipt(4, 40, NOW + 301)
    async with httpx.AsyncClient(timeout=120) as http:
        answer = await http.post(service.url + "/v1/receipts", json=[receipt_to_json(each) for each in (good, bad)])
        again = await http.post(service.url + "/v1/receipts", json=receipt_to_json(good))
        rows_answer = await http.post(service.url + "/v1/receipts", content=good, headers={"content-type": ROWS_TYPE})
    device = str(ONE.address)
    assert answer.json() == {
        "results": [
            {"device": device, "seq": "3", "outcome": "stored", "code": "stored"},
            {"device": device, "seq": "4", "outcome": "refused", "code": "time_ahead"},
        ]
    }
    duplicate = {"results": [{"device": device, "seq": "3", "outcome": "duplicate", "code": "duplicate"}]}
    assert again.json() == rows_answer.json() == duplicate


async def test_record_hashes_must_lead_from_what_is_held_to_the_head(service: Ingest) -> None:
    hashes = [hashlib.sha256(b"record %d" % number).digest() for number in range(6)]
    heads = [chain_head(hashes[:count]) for count in range(7)]

    def receipt(seq: int) -> bytes:
        return ONE.receipt(seq, 10 * seq, NOW, head=heads[seq])

    submit = service.client.submit_continuous
    assert await submit(receipt(2), hashes[1:2]) is Verdict.NOT_CONTINUOUS
    assert await submit(receipt(2), hashes[:2]) is Verdict.STORED
    assert await submit(receipt(5), hashes[:5]) is Verdict.NOT_CONTINUOUS
    assert await submit(receipt(5), [*hashes[2:4], bytes(32)]) is Verdict.NOT_CONTINUOUS
    assert service.intake.store.newest(ONE.device).tobytes() == receipt(2)
    assert await submit(receipt(5), hashes[2:5]) is Verdict.STORED
    assert await submit(receipt(5), hashes[2:5]) is Verdict.DUPLICATE
    assert await submit(receipt(2), []) is Verdict.OLDER


async def test_two_histories_are_shown(service: Ingest) -> None:
    one, other = ONE.receipt(3, 30, NOW), ONE.receipt(3, 30, NOW, head=bytes(32))
    assert await service.client.submit([one, other, other]) == [Verdict.STORED, Verdict.FORK, Verdict.DEVICE_FORKED]
    async with httpx.AsyncClient(timeout=120) as http:
        told = (await http.get(f"{service.url}/v1/devices/{ONE.address}")).json()
    assert sorted(each["message"] for each in told["fork"]) == sorted(each[32:136].hex() for each in (one, other))
    assert [len(page.forks) async for page in service.client.pages(5)] == [2]


async def test_enrolments_are_taken_by_the_network_s_rules(service: Ingest, store: ReceiptStore) -> None:
    enrol = service.client.enrol
    assert await enrol(THREE.enrolment()) is Verdict.STORED
    assert await enrol(THREE.enrolment()) is Verdict.DUPLICATE
    assert await enrol(THREE.enrolment(serial=5)) is Verdict.STORED
    assert await enrol(THREE.enrolment(serial=4)) is Verdict.OLDER
    assert await service.client.submit([THREE.receipt(1, 1, NOW)]) == [Verdict.STORED]
    assert await enrol(replace(Party.make(5), class_=2).enrolment()) is Verdict.BOND_NEEDED
    for nobody in (Pubkey.default(), FACTS.network):
        assert await enrol(Party.make(5).enrolment(payout=nobody)) is Verdict.BAD_PAYOUT
    assert await enrol(replace(Party.make(5), class_=3).enrolment()) is Verdict.CLASS_UNKNOWN
    assert await enrol(replace(Party.make(5), class_=9).enrolment()) is Verdict.CLASS_UNKNOWN
    four, five = Party.make(4).enrolment(), Party.make(5).enrolment()
    for wrong in (
        replace(four, device=five.device),
        replace(four, owner_signature=five.owner_signature),
        replace(four, key_signature=four.owner_signature),
        replace(four, enrolment=replace(four.enrolment, payout=Pubkey.new_unique())),
        replace(four, enrolment=replace(four.enrolment, serial=9)),
    ):
        assert await enrol(wrong) is Verdict.BAD_ENROLMENT
    store.set_facts(replace(FACTS, admission=True))
    assert await enrol(four) is Verdict.NOT_ADMITTED
    assert await enrol(Party.make(4).enrolment(admission=Keypair())) is Verdict.NOT_ADMITTED
    admitted = Party.make(4).enrolment(admission=AUTHORITY)
    assert await enrol(replace(admitted, admission_signature=four.owner_signature)) is Verdict.BAD_ENROLMENT
    assert await enrol(admitted) is Verdict.STORED
    assert len(registrations_of(store, 9)) == 4


async def test_a_device_with_an_account_on_chain_enrols_in_vain(service: Ingest, store: ReceiptStore) -> None:
    account = replace(THREE, chosen_index=3)
    for state in (ACTIVE, IDLE):
        store.mirror(account.kept(active=state), account.kept()["row"]["device"])
        assert await service.client.enrol(THREE.enrolment()) is Verdict.REGISTERED
    store.mirror(account.kept()[:0], account.kept()["row"]["device"])
    assert await service.client.enrol(THREE.enrolment()) is Verdict.STORED


async def test_inputs_come_over_as_they_are_held(service: Ingest, store: ReceiptStore) -> None:
    await service.client.submit([ONE.receipt(1, 10, start(4)), ONE.receipt(2, 20, NOW), TWO.receipt(2, 20, NOW)])
    for epoch in (3, 4, 5):
        here, there = store.inputs(epoch), await service.client.inputs(epoch)
        assert there.registrations.tobytes() == here.registrations.tobytes()
        assert there.receipts.tobytes() == here.receipts.tobytes()
        assert len(there.receipts) == epoch - 3
    assert await service.client.facts() == FACTS
    assert await service.client.epoch() == 5


async def test_an_export_goes_on_after_any_device(service: Ingest) -> None:
    first, second = sorted((ONE, TWO), key=lambda party: party.device)
    async with httpx.AsyncClient(timeout=120) as http:
        whole = await http.get(f"{service.url}/v1/inputs", params={"epoch": "5"})
        rest = await http.get(f"{service.url}/v1/inputs", params={"epoch": "5", "after": str(first.address)})
        none = await http.get(f"{service.url}/v1/inputs", params={"epoch": "5", "after": str(second.address)})
    assert first.device in whole.content
    assert first.device not in rest.content
    assert second.device in rest.content
    assert none.content == b"WTBE" + bytes(44)


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", "/v1/receipts", b"\0" * 199, 400, "encoding"),
        ("POST", "/v1/receipts", b"", 400, "encoding"),
        ("POST", "/v1/enrolments", b"{", 400, "encoding"),
        ("POST", "/v1/enrolments", b"[1]", 400, "encoding"),
        ("GET", "/v1/devices/nonsense", b"", 400, "encoding"),
        ("GET", "/v1/inputs", b"", 400, "input"),
        ("GET", "/v1/inputs?epoch=-1", b"", 400, "input"),
        ("GET", "/v1/inputs?epoch=99999999999999999999", b"", 400, "input"),
        ("GET", "/v1/inputs?epoch=1&after=x", b"", 400, "encoding"),
        ("POST", "/v1/enrolments", b" " * 20_000, 413, "body_too_large"),
        ("POST", "/v1/receipts", bytes(200 * 101), 413, "body_too_large"),
    ],
)
async def test_nonsense_is_refused_with_a_reason(
    store: ReceiptStore, clock: Clock, method: str, path: str, content: bytes, status: int, code: str
) -> None:
    async with ingest(store, clock, limits=Limits(rows=100)) as service, httpx.AsyncClient(timeout=120) as http:
        headers = {"content-type": ROWS_TYPE}
        answer = await http.request(method, service.url + path, content=content, headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"]["code"] == code
        in_parts = await http.request(method, service.url + path, content=_chunks(content), headers=headers)
        assert in_parts.json()["error"]["code"] == code


async def _chunks(content: bytes):  # type: ignore[no-untyped-def]
    yield content


@pytest.mark.parametrize(
    "value", [5, {}, [], [{}], {"device": "x", "message": "", "signature": ""}, [[]], {"record_hashes": 1}]
)
async def test_json_that_is_no_receipt_is_refused(service: Ingest, value: object) -> None:
    async with httpx.AsyncClient(timeout=120) as http:
        answer = await http.post(service.url + "/v1/receipts", json=value)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "encoding")


async def test_one_address_has_to_wait_and_is_told_how_long(store: ReceiptStore, clock: Clock) -> None:
    store.put_enrolments(ONE.kept())
    async with ingest(store, clock, limits=Limits(client_rate=1, client_burst=20)) as service:
        receipts = [ONE.receipt(seq, seq, NOW) for seq in range(1, 31)]
        assert await service.client.submit(receipts) == [Verdict.STORED] * 30
        async with httpx.AsyncClient(timeout=120) as http:
            answer = await http.post(service.url + "/v1/receipts", json=receipt_to_json(receipts[0]))
        assert answer.status_code == 429
        assert 10 <= int(answer.headers["retry-after"]) <= 12
        assert answer.json()["error"]["code"] == "too_many_requests"
        with pytest.raises(ConnectionFailed, match="429"):
            await service.client.submit(receipts)
        assert [10 <= pause <= 12 for pause in service.pauses] == [True, True]


async def test_one_device_has_to_wait_and_strangers_cannot_make_it(store: ReceiptStore, clock: Clock) -> None:
    store.put_enrolments(kept_rows(ONE.kept(), TWO.kept()))
    limits = Limits(device_rate=0.5, device_burst=3)
    async with ingest(store, clock, limits=limits) as service:
        first = ONE.receipt(1, 1, NOW)
        forged = ONE.receipt(9, 9, NOW)[:-1] + b"\x01"
        for _ in range(5):
            await service.client.submit([first, forged])
        more = [ONE.receipt(seq, seq, NOW) for seq in range(2, 5)]
        answers = await service.client.submit(more)
        assert [each.code for each in answers] == ["stored", "stored", "rate_limited"]
        assert service.pauses == [60, 60]  # a client asks again sooner than it is told, where that is long
        assert await service.client.submit([TWO.receipt(1, 1, NOW)]) == [Verdict.STORED]
        async with httpx.AsyncClient(timeout=120) as http:
            answer = await http.post(service.url + "/v1/receipts", json=receipt_to_json(more[-1]))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "120")
        assert answer.json()["results"][0]["code"] == "rate_limited"


class Failing:
    """A store whose disk is full."""

    def __init__(self, store: ReceiptStore) -> None:
        self._store, self.full = store, True

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put(self, receipts: Rows, indices: Rows, arrived: int, *, strict: bool = True) -> object:
        if self.full:
            raise StorageError("No room")
        return self._store.put(receipts, indices, arrived, strict=strict)


async def test_nothing_is_acknowledged_while_the_store_fails(store: ReceiptStore, clock: Clock) -> None:
    store.put_enrolments(ONE.kept())
    failing = Failing(store)
    async with ingest(failing, clock) as service:  # type: ignore[arg-type]
        with pytest.raises(ConnectionFailed, match="503"):
            await service.client.submit([ONE.receipt(1, 1, NOW)])
        assert len(service.pauses) == 2
        failing.full = False
        assert await service.client.submit([ONE.receipt(1, 1, NOW)]) == [Verdict.STORED]


async def test_too_much_waiting_is_refused_before_it_is_read_further(store: ReceiptStore, clock: Clock) -> None:
    store.put_enrolments(ONE.kept())
    async with ingest(store, clock, limits=Limits(waiting=1)) as service:
        async with httpx.AsyncClient(timeout=120) as http:
            answer = await http.post(
                service.url + "/v1/receipts",
                content=ONE.receipt(1, 1, NOW) * 2,
                headers={"content-type": ROWS_TYPE},
            )
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert await service.client.submit([ONE.receipt(1, 1, NOW)]) == [Verdict.STORED]


async def test_a_request_that_stalls_is_ended(store: ReceiptStore, clock: Clock) -> None:
    async with ingest(store, clock, limits=Limits(seconds=0.05)) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
        writer.write(b"POST /v1/receipts HTTP/1.1\r\nhost: x\r\ncontent-length: 200\r\n\r\nabc")
        await writer.drain()
        async with asyncio.timeout(120):
            head = await reader.readuntil(b"\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()


async def post(service: Ingest) -> int:
    """The status that one receipt gets."""
    async with httpx.AsyncClient(timeout=120) as http:
        headers = {"content-type": ROWS_TYPE}
        return (
            await http.post(service.url + "/v1/receipts", content=ONE.receipt(1, 1, NOW), headers=headers)
        ).status_code


async def connect(service: Ingest, request: bytes) -> asyncio.StreamWriter:
    """A connection that sends so much, and takes in next to nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]), limit=1_024)
    writer.write(request)
    await writer.drain()
    return writer


async def until(status: int, asked: Callable[[], Awaitable[int]]) -> None:
    """Ask until the answer has this status."""
    async with asyncio.timeout(120):
        while await asked() != status:
            await asyncio.sleep(0.01)


async def test_bodies_of_one_address_take_only_so_many_turns(store: ReceiptStore, clock: Clock) -> None:
    stalled = b"POST /v1/receipts HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\nx"
    async with ingest(store, clock, limits=Limits(client_receiving=2)) as service:
        held = [await connect(service, stalled) for _ in range(2)]
        await until(429, lambda: post(service))
        async with httpx.AsyncClient(timeout=120) as http:
            assert (await http.get(service.url + "/v1/health")).status_code == 200
        held.pop().close()
        await until(200, lambda: post(service))
        held.pop().close()


def test_turns_are_limited_for_each_and_for_all() -> None:
    turns = Turns("exports", 3, 2)
    with turns.turn("one"), turns.turn("one"):
        with pytest.raises(TooManyRequests):
            turns.require("one")
        turns.require("two")
        with turns.turn("two"), pytest.raises(Overloaded):
            turns.require("three")
    turns.require("one")


def test_a_body_has_the_time_that_its_size_needs() -> None:
    limits = Limits(seconds=30, least_rate=100_000)
    assert [limits.body_seconds(size) for size in (0, 1_000_000, 1_000_000_000)] == [5, 15, 30]


@pytest.fixture
def large(store: ReceiptStore) -> ReceiptStore:
    """A store with more in it than sockets hold."""
    rows = np.repeat(ONE.kept(), 60_000)
    rows["row"]["device"] = np.random.default_rng(1).integers(0, 256, (len(rows), 32), "u1")
    assert not store.put_enrolments(rows).any()
    return store


EXPORT = b"GET /v1/inputs?epoch=0 HTTP/1.1\r\nhost: x\r\n\r\n"


async def exported(service: Ingest) -> int:
    """The status of an export that is taken in whole."""
    async with httpx.AsyncClient(timeout=120) as http:
        answer = await http.get(service.url + "/v1/inputs?epoch=0", timeout=60)
    assert answer.status_code != 200 or answer.content.endswith(END)
    return answer.status_code


async def hold_export(service: Ingest) -> asyncio.StreamWriter:
    """A connection with an export that nobody takes in.

    An earlier export may be counted for a moment after its end was taken in, so this asks until it gets one.
    """
    async with asyncio.timeout(120):
        while True:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", int(service.url.rpartition(":")[2]), limit=1_024
            )
            writer.write(EXPORT)
            if b" 200 " in await reader.readuntil(b"\r\n"):
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(1)
                return writer
            writer.close()
            await asyncio.sleep(0.01)


# The server leaves the sockets of clients that take nothing in to the garbage collector.
@pytest.fixture
def collected() -> Iterator[None]:
    """Has what a test leaves collected while its own filters hold."""
    yield
    gc.collect()


@pytest.mark.usefixtures("collected")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
async def test_exports_that_nobody_takes_in_hold_up_no_other(large: ReceiptStore, clock: Clock) -> None:
    async with ingest(large, clock, limits=Limits(reading=1, client_exports=3)) as service:
        held = [await hold_export(service) for _ in range(2)]
        assert await exported(service) == 200
        held.append(await hold_export(service))
        assert await exported(service) == 429
        for each in held:
            each.close()
        await until(200, lambda: exported(service))


@pytest.mark.usefixtures("collected")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
async def test_an_export_that_nobody_takes_in_is_cut(large: ReceiptStore, clock: Clock) -> None:
    async with ingest(large, clock, limits=Limits(client_exports=1, page_seconds=4)) as service:
        held = await hold_export(service)
        await until(200, lambda: exported(service))
        held.close()


async def test_health_network_and_metrics_are_told(service: Ingest) -> None:
    await service.client.submit([ONE.receipt(1, 1, NOW), THREE.receipt(1, 1, NOW)])
    async with httpx.AsyncClient(timeout=120) as http:
        health = (await http.get(service.url + "/v1/health")).json()
        network = (await http.get(service.url + "/v1/network")).json()
        metrics = (await http.get(service.url + "/metrics")).text
    assert health == {"status": "ok", "network": str(FACTS.network)}
    assert network == {**FACTS.to_json(), "epoch": "5"}
    found = {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(metrics)
        for each in family.samples
    }
    assert found["worktab_ingest_receipts_total", "stored"] == 1
    assert found["worktab_ingest_receipts_total", "device_unknown"] == 1
    assert found[("worktab_ingest_receipts_waiting",)] == 0


async def test_an_unknown_refusal_is_raised_once(service: Ingest) -> None:
    with pytest.raises(StateError, match="no receipts"):
        await service.client._ask("POST", "/v1/receipts", content=b"x", headers={"content-type": ROWS_TYPE})
    assert service.pauses == []
    assert np.array_equal(rows(ONE.receipt(1, 1, NOW))["device"][0], np.frombuffer(ONE.device, "u1"))
