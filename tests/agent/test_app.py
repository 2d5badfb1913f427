"""The application that sells WASM jobs: offers, modules, paid jobs, and what is refused before anybody pays."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.fleet import Fleet
from support.job_shop import PRICE, JobShop, digest, job_shop, jobs_path
from support.jobs import echo, increment, module
from support.shop import bought_of, error_of
from worktab.agent import uploads as uploads_module
from worktab.agent.app import JobLimits, job_app
from worktab.agent.modules import Modules
from worktab.agent.uploads import MOST_UPLOADS
from worktab.core.errors import InputError, StorageError
from worktab.core.records import Meter
from worktab.market.offers import OFFER_PATH, Offer, fetch_offers
from worktab.market.pricing import Price
from worktab.market.wire import KEY_HEADER
from worktab.work.blobs import BlobStore
from worktab.work.wasm import METER_VERSION, WasmRuntime

LIMIT = {"WORKTAB-MAX-UNITS": "200"}
ABC_UNITS = 71
"""Fuel that adding one to three bytes takes."""


@pytest.fixture
async def shop_and_http(fleet: Fleet, tmp_path: Path) -> Any:
    async with job_shop(fleet, tmp_path) as made:
        yield made


async def upload(http: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await http.put("/v1/modules", content=body)


async def test_a_job_is_run_recorded_and_paid(shop_and_http: tuple[JobShop, httpx.AsyncClient]) -> None:
    shop, http = shop_and_http
    buyer = await shop.buyer()
    assert (await upload(http, increment())).status_code == 201
    path = jobs_path(increment())

    terms = await buyer.terms(http, path, b"abc", **LIMIT)
    assert (terms.amount, terms.units) == (400, 200)
    bought = bought_of(await http.post(path, content=b"abc", headers=LIMIT | buyer.payment(terms)))

    assert bought.response.content == b"bcd"
    assert bought.charge.amount == bought.receipt.price == PRICE.cost(ABC_UNITS) == 2 * ABC_UNITS
    record = bought.receipt.record
    assert (record.module, record.input, record.output) == (digest(increment()), digest(b"abc"), digest(b"bcd"))
    assert (record.meter, record.meter_version, record.units) == (Meter.WASM_FUEL, METER_VERSION, ABC_UNITS)
    assert (record.tab, record.amount) == (bytes(buyer.tab), 2 * ABC_UNITS)
    [entry] = shop.spool.entries()
    assert (entry.record, entry.head) == (record, bought.receipt.charged.head)
    blobs = BlobStore(shop.folder / "blobs")
    assert [blobs.get(each) for each in (record.module, record.input, record.output)] == [increment(), b"abc", b"bcd"]

    assert (await shop.provider.settle(at_once=True))[
        0
    ].moved == 400  # the voucher of the request: no exact one was left
    assert await shop.earnings() == 400


async def test_a_repeated_request_is_answered_once_and_never_run_again(
    shop_and_http: tuple[JobShop, httpx.AsyncClient],
) -> None:
    shop, http = shop_and_http
    buyer = await shop.buyer()
    await upload(http, increment())
    path = jobs_path(increment())
    headers = LIMIT | buyer.payment(await buyer.terms(http, path, b"abc", **LIMIT)) | {KEY_HEADER: "k"}
    first = await http.post(path, content=b"abc", headers=headers)
    shop.modules._held.clear()  # what was bought is handed out also where its module is gone
    again = await http.post(path, content=b"abc", headers=headers)
    assert (again.content, again.headers) == (first.content, first.headers)
    assert shop.spool.state().seq == 1
    lane = await shop.provider.book.lane(buyer.tab, buyer.nonce)
    assert lane is not None
    assert lane.charged.amount == 2 * ABC_UNITS


async def test_a_job_that_was_recorded_before_a_crash_is_charged_and_not_run_again(
    shop_and_http: tuple[JobShop, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, http = shop_and_http
    buyer = await shop.buyer()
    await upload(http, increment())
    path = jobs_path(increment())
    headers = LIMIT | buyer.payment(await buyer.terms(http, path, b"abc", **LIMIT)) | {KEY_HEADER: "k"}

    async def crash(*_: object) -> None:
        raise StorageError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(shop.provider.book, "finish", crash)
        assert error_of(await http.post(path, content=b"abc", headers=headers)) == (503, "overloaded")
    assert shop.spool.state().seq == 1

    monkeypatch.setattr(WasmRuntime, "run", None)
    bought = bought_of(await http.post(path, content=b"abc", headers=headers))
    assert (bought.response.content, bought.charge.amount) == (b"bcd", 2 * ABC_UNITS)
    assert shop.spool.state().seq == 1


async def test_the_offer_is_what_buyers_read(fleet: Fleet, tmp_path: Path) -> None:
    async with job_shop(fleet, tmp_path, allowed=[digest(echo())]) as (shop, http):
        await upload(http, echo())
        [offer], unreachable = await fetch_offers(http, ["http://shop"])
        assert unreachable == []
        seller = shop.provider.seller
        assert offer == Offer(
            "http://shop", seller.device, seller.network, 0, Meter.WASM_FUEL, METER_VERSION, PRICE,
            JobLimits().max_units, (digest(echo()),),
        )  # fmt: skip
        app = job_app(shop.provider, shop.runner, Modules(tmp_path / "any"), price=Price(5))
        async with shop.http(app) as other:
            assert Offer.from_json("", (await other.get(OFFER_PATH)).json()).modules is None


async def test_modules_are_listed_limited_and_kept(fleet: Fleet, tmp_path: Path) -> None:
    async with job_shop(fleet, tmp_path) as (shop, http):
        assert (await upload(http, increment())).status_code == 201
        again = await upload(http, increment())
        assert (again.status_code, again.json()) == (
            200,
            {"module": digest(increment()).hex(), "size": len(increment())},
        )
        assert error_of(await upload(http, b"MZ")) == (400, "input")
        listed = (await http.get("/v1/modules")).json()
        assert listed["modules"] == [{"module": digest(increment()).hex(), "size": len(increment())}]
        assert listed["restricted"] is False
        # As after a restart.
        assert Modules(tmp_path / "modules").get(digest(increment())) == increment()
        assert (await http.get("/healthz")).json() == {"status": "ok", "device": str(shop.device.device)}


async def test_a_module_that_is_too_large_is_not_even_read(fleet: Fleet, tmp_path: Path) -> None:
    async with job_shop(fleet, tmp_path) as (shop, _):
        small = job_app(shop.provider, shop.runner, Modules(tmp_path / "small", limit=100), price=PRICE)
        async with shop.http(small) as http:
            assert error_of(await upload(http, b"\0asm" + bytes(97))) == (413, "body_too_large")

            async def endless() -> Any:
                while True:
                    yield bytes(50)

            assert error_of(await http.put("/v1/modules", content=endless())) == (413, "body_too_large")


async def test_uploads_that_stall_are_few_and_end(shop_and_http: tuple[JobShop, httpx.AsyncClient]) -> None:
    _, http = shop_and_http
    resume, begun = asyncio.Event(), 0

    async def stalled() -> Any:
        nonlocal begun
        begun += 1
        yield increment()[:8]
        await resume.wait()
        yield increment()[8:]

    uploads = [asyncio.create_task(http.put("/v1/modules", content=stalled())) for _ in range(MOST_UPLOADS)]
    async with asyncio.timeout(120):
        while begun < MOST_UPLOADS:
            await asyncio.sleep(0.001)
    refused = await upload(http, increment())
    assert (error_of(refused), refused.headers["retry-after"]) == ((503, "overloaded"), "1")
    assert (await http.get("/v1/modules")).json()["modules"] == []
    resume.set()
    assert sorted([each.status_code for each in await asyncio.gather(*uploads)]) == [200] * (MOST_UPLOADS - 1) + [201]
    assert (await upload(http, increment())).status_code == 200


async def test_an_upload_that_takes_too_long_makes_room(
    shop_and_http: tuple[JobShop, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, http = shop_and_http

    async def never() -> Any:
        yield increment()[:8]
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(uploads_module, "SECONDS", 0.01)
        for _ in range(MOST_UPLOADS + 1):
            assert error_of(await http.put("/v1/modules", content=never())) == (408, "upload_too_slow")
    assert (await upload(http, increment())).status_code == 201


async def test_an_upload_that_is_broken_off_is_no_failure(
    shop_and_http: tuple[JobShop, httpx.AsyncClient],
) -> None:
    shop, http = shop_and_http
    told: list[Any] = [
        {"type": "http.request", "body": increment()[:8], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return told.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "PUT", "path": "/v1/modules", "query_string": b"", "headers": []}
    await shop.app(scope, receive, send)  # raises nothing that a server would log
    assert (told, sent[0]["status"]) == ([], 400)
    assert (await http.get("/v1/modules")).json()["modules"] == []


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    first, second, third = (b"\0asm" + bytes([number]) * 36 for number in range(3))
    held = Modules(tmp_path, room=100)
    for each in (first, second):
        assert held.put(each) == (digest(each), True)
    assert held.get(digest(first)) == first
    held.put(third)
    assert [held.get(digest(each)) for each in (first, second, third)] == [first, None, third]
    assert sorted(digest_ for digest_, _ in Modules(tmp_path).list()) == sorted([digest(first), digest(third)])


async def test_only_chosen_modules_are_taken(fleet: Fleet, tmp_path: Path) -> None:
    async with job_shop(fleet, tmp_path, allowed=[digest(echo())]) as (_, http):
        assert error_of(await upload(http, increment())) == (403, "module_refused")
        assert error_of(await http.post(jobs_path(increment()), content=b"abc")) == (403, "module_refused")
        assert (await upload(http, echo())).status_code == 201


async def test_what_cannot_be_done_is_refused_before_it_is_paid(
    shop_and_http: tuple[JobShop, httpx.AsyncClient],
) -> None:
    _, http = shop_and_http
    await upload(http, increment())
    assert error_of(await http.post(jobs_path(echo()), content=b"abc")) == (404, "module_unknown")
    for query in ("", "?module=12", "?module=zz", f"{jobs_path(echo())[8:]}&module=00"):
        assert error_of(await http.post(f"/v1/jobs{query}", content=b"abc")) == (400, "input")
    for units in ("0", "-1", "x", "20000000001", "1" * 30):
        refused = await http.post(jobs_path(increment()), content=b"abc", headers={"WORKTAB-MAX-UNITS": units})
        assert error_of(refused) == (400, "input")


async def test_a_job_that_fails_is_not_charged(shop_and_http: tuple[JobShop, httpx.AsyncClient]) -> None:
    shop, http = shop_and_http
    buyer = await shop.buyer()
    trap = module("(unreachable)")
    for each in (increment(), trap):
        await upload(http, each)
    more = "Allow it more units (WORKTAB-MAX-UNITS, --max-units), and a budget that pays for them"
    broken = b"\0asm" + bytes(4)
    await upload(http, broken)
    for program, input, told in (
        (increment(), b"a" * 100, ("(out_of_fuel): the job ran out of fuel", "at most 200 units", None, more)),
        (trap, b"", ("(trap): the job trapped", None, "unreachable", None)),
        (broken, b"", ("(bad_module): the module does not compile", None, ..., None)),
    ):
        path = jobs_path(program)
        headers = LIMIT | buyer.payment(await buyer.terms(http, path, input, **LIMIT))
        failed = await http.post(path, content=input, headers=headers)
        assert error_of(failed) == (422, "job_failed")
        facts = failed.json()["error"]
        found = (facts["message"].removeprefix("The job failed "), *map(facts.get, ("expected", "got", "next_step")))
        wanted = tuple(found[at] if each is ... else each for at, each in enumerate(told))
        assert found == wanted
        assert (facts.get("got", "") != "") == (told[2] is not None)
    assert shop.spool.state().seq == 0
    lane = await shop.provider.book.lane(buyer.tab, buyer.nonce)
    assert lane is not None
    assert lane.charged.amount == 0


async def test_the_event_loop_stays_free_while_jobs_run(
    shop_and_http: tuple[JobShop, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, http = shop_and_http
    buyers = [await shop.buyer() for _ in range(2)]
    await upload(http, increment())
    path, together, run = jobs_path(increment()), threading.Barrier(3, timeout=120), WasmRuntime.run

    def meeting(self: WasmRuntime, *args: Any, **options: Any) -> Any:
        together.wait()
        return run(self, *args, **options)

    monkeypatch.setattr(WasmRuntime, "run", meeting)
    headers = [LIMIT | each.payment(await each.terms(http, path, b"abc", **LIMIT)) for each in buyers]
    jobs = [asyncio.create_task(http.post(path, content=b"abc", headers=each)) for each in headers]
    while shop.runner.running < 2:
        await asyncio.sleep(0.001)
    assert (await http.get("/healthz")).status_code == 200
    await asyncio.to_thread(together.wait)
    assert [bought_of(each).response.content for each in await asyncio.gather(*jobs)] == [b"bcd"] * 2


@pytest.mark.parametrize(
    "limits",
    [{"max_units": 0}, {"max_units": 2**48 + 1}, {"default_units": 30_000_000_000}, {"input_limit": -1}],
)
def test_limits_out_of_range_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(InputError):
        JobLimits(**limits)
