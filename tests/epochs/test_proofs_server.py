"""Proofs over HTTP: of final roots alone, checked by whoever takes them, and kept by caches as they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from support.fleet import StartFleet
from support.proving import Person, Publisher, device_of, epoch_data, people, site
from support.rooted import Rooted
from worktab.core.merkle import climb
from worktab.epochs.errors import EpochDamaged
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.errors import EpochNotPublished, ProofRefused
from worktab.epochs.proofs.fetching import Site
from worktab.epochs.proofs.metrics import Metrics
from worktab.epochs.proofs.server import proofs_app
from worktab.epochs.proofs.shelf import Shelf
from worktab.epochs.proofs.sources import ServerSource, open_source, proof_to_json

NAMED = people((10, 20, 30), 4, 5)


@asynccontextmanager
async def serving(shelf: Shelf, **terms: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with site(proofs_app(shelf, **terms)) as url, httpx.AsyncClient(base_url=url, timeout=120) as client:
        yield client


@asynccontextmanager
async def served(folder: Path, named: list[Person], epoch: int = 4) -> AsyncIterator[httpx.AsyncClient]:
    """An epoch, served without asking a chain."""
    epoch_data(named, epoch=epoch).write(folder)
    shelf = Shelf(folder, None)
    assert await shelf.refresh()
    async with serving(shelf) as client:
        yield client


async def test_what_it_answers(tmp_path: Path) -> None:
    book = ProofBook(epoch_data(NAMED, epoch=4))
    root = book.root.root.hex()
    async with served(tmp_path, NAMED) as client:
        proof = await client.get(f"/v1/proofs/{NAMED[1].payout}")
        assert proof.json() == proof_to_json(book.root, book.proof_at(1))
        assert proof.json() == {
            "epoch": "4",
            "position": 1,
            "payout": str(NAMED[1].payout),
            "lifetime_reward": "4",
            "devices_root": book.proof_at(1).devices_root.hex(),
            "siblings": [each.hex() for each in book.proof_at(1).siblings],
        }
        assert proof.headers["cache-control"] == "public, max-age=10"
        assert proof.headers["access-control-allow-origin"] == "*"
        assert proof.headers["etag"] == f'"4-{root[:16]}"'

        devices = (await client.get(f"/v1/payees/{NAMED[0].payout}/devices")).json()
        assert (devices["epoch"], devices["count"], devices["start"]) == ("4", 3, 0)
        assert [each["reward"] for each in devices["devices"]] == ["10", "20", "30"]
        for each in devices["devices"]:
            siblings = [bytes.fromhex(sibling) for sibling in each["siblings"]]
            assert climb(bytes.fromhex(each["leaf"]), each["rank"], siblings).hex() == each["devices_root"]
            assert each["devices_root"] == book.proof_at(0).devices_root.hex()
        second = (await client.get(f"/v1/payees/{NAMED[0].payout}/devices?start=1&limit=1")).json()
        assert second["devices"] == devices["devices"][1:2]

        device = (await client.get(f"/v1/devices/{device_of(NAMED[0], 2)}")).json()
        assert device == {"epoch": "4", "rows": [devices["devices"][2] | {"payout": str(NAMED[0].payout)}]}

        assert (await client.get("/v1/epochs")).json() == {
            "epochs": [{"epoch": "4", "root": root, "count": 3, "total": "69", "served": True}]
        }
        manifest = await client.get("/v1/epochs/4/manifest")
        assert manifest.content == book.manifest.encode()
        assert manifest.headers["cache-control"] == "public, max-age=31536000, immutable"
        page = await client.get("/v1/epochs/4/payees/000000.bin")
        assert page.content == book.page(0)
        assert (await client.get("/v1/epochs/4/devices/000000.bin")).content == book.device_page(0)
        health = await client.get("/v1/health")
        assert health.json() == {
            "status": "ok",
            "epoch": "4",
            "network": "11111111111111111111111111111111",
            "domain": (b"d" * 32).hex(),
            "root": root,
            "final": False,
            "missing": None,
        }
        metrics = (await client.get("/metrics")).text
        assert 'worktab_proofs_answers_total{path="/v1/proofs/{payout}",status="200"} 1.0' in metrics
        assert "worktab_proofs_epoch 4.0" in metrics
        assert "worktab_proofs_payees 3.0" in metrics
        assert "worktab_proofs_behind 0.0" in metrics


STRANGER = Keypair.from_seed(bytes([7] * 32)).pubkey()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/v1/proofs/{STRANGER}", 404, "payee_unknown"),
        (f"/v1/payees/{STRANGER}/devices", 404, "payee_unknown"),
        (f"/v1/devices/{STRANGER}", 404, "device_unknown"),
        ("/v1/proofs/nobody", 400, "encoding"),
        (f"/v1/payees/{STRANGER}/devices?start=-1", 400, "input"),
        ("/v1/epochs/3/manifest", 404, "epoch_not_published"),
        ("/v1/epochs/3/payees/0.bin", 404, "epoch_not_published"),
        ("/v1/epochs/4/payees/1.bin", 404, "epoch_not_published"),
        ("/v1/epochs/4/devices/1.bin", 404, "epoch_not_published"),
    ],
)
async def test_what_it_has_not_got(path: str, status: int, code: str, tmp_path: Path) -> None:
    async with served(tmp_path, NAMED) as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert answer.headers["cache-control"] == "no-store"


async def test_an_epoch_that_a_client_has_is_not_sent_again(tmp_path: Path) -> None:
    async with served(tmp_path, NAMED) as client:
        path = f"/v1/proofs/{NAMED[0].payout}"
        tag = (await client.get(path)).headers["etag"]
        again = await client.get(path, headers={"if-none-match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        other = await client.get(path, headers={"if-none-match": '"3-00"'})
        assert other.status_code == 200
        stranger = await client.get(f"/v1/proofs/{Keypair().pubkey()}", headers={"if-none-match": tag})
        assert stranger.status_code == 404


async def test_only_a_final_root_is_served(start_fleet: StartFleet, tmp_path: Path) -> None:
    rooted = await Rooted.start(start_fleet)
    publisher, metrics = Publisher(rooted, tmp_path), Metrics()
    shelf = Shelf(tmp_path, publisher.root)
    path = f"/v1/proofs/{NAMED[1].payout}"
    first = await publisher.data(0, NAMED)
    async with serving(shelf, metrics=metrics) as client:
        assert await shelf.refresh() is False
        empty = await client.get(path)
        assert (empty.status_code, empty.json()["error"]["code"]) == (503, "no_final_root")
        assert empty.headers["retry-after"] == "10"
        assert (await client.get("/v1/health")).status_code == 503

        await publisher.finalize(first)
        assert await shelf.refresh() is True
        assert (await client.get(path)).json()["epoch"] == "0"
        assert (await client.get("/v1/health")).json()["final"] is True
        assert await shelf.refresh() is False

        second = await publisher.data(1, [person.raised(6) for person in NAMED])
        assert await shelf.refresh() is False
        assert (await client.get(path)).json()["lifetime_reward"] == "4"
        assert [each["served"] for each in (await client.get("/v1/epochs")).json()["epochs"]] == [True, False]

        await publisher.finalize(second)
        assert await shelf.refresh() is True
        proof = (await client.get(path)).json()
        assert (proof["epoch"], proof["lifetime_reward"]) == ("1", "10")


async def test_a_final_epoch_whose_data_are_not_here_is_waited_for(start_fleet: StartFleet, tmp_path: Path) -> None:
    rooted = await Rooted.start(start_fleet)
    publisher = Publisher(rooted, tmp_path)
    await publisher.publish(0, NAMED)
    shelf, metrics = Shelf(tmp_path, publisher.root), Metrics()
    await shelf.refresh()
    later = Publisher(rooted, tmp_path / "elsewhere")
    data = await later.publish(1, [person.raised(1) for person in NAMED])
    failures: list[str] = []
    watching = asyncio.create_task(shelf.watch(0.01, lambda error: failures.append(getattr(error, "code", ""))))
    async with serving(shelf, metrics=metrics) as client:
        async with asyncio.timeout(120):
            while not failures:
                await asyncio.sleep(0.01)
        assert failures[0] == "epoch_not_published"
        health = (await client.get("/v1/health")).json()
        assert (health["status"], health["epoch"], health["missing"]) == ("behind", "0", "1")
        assert "worktab_proofs_behind 1.0" in (await client.get("/metrics")).text
        data.write(tmp_path)
        async with asyncio.timeout(120):
            while (await client.get("/v1/health")).json()["epoch"] != "1":
                await asyncio.sleep(0.01)
        assert (await client.get("/v1/health")).json()["status"] == "ok"
    watching.cancel()


async def test_data_of_another_root_are_not_served(start_fleet: StartFleet, tmp_path: Path) -> None:
    rooted = await Rooted.start(start_fleet)
    publisher = Publisher(rooted, tmp_path)
    await Publisher(rooted, tmp_path / "true").publish(0, NAMED)
    forged = await publisher.data(0, [person.raised(1) for person in NAMED])
    shelf = Shelf(tmp_path, publisher.root)
    with pytest.raises(ProofRefused):
        await shelf.refresh()
    assert (shelf.book, shelf.missing) == (None, 0)
    payees = tmp_path / "0" / "payees.bin"
    payees.write_bytes(payees.read_bytes()[:-1] + b"x")
    with pytest.raises(EpochDamaged):
        await shelf.refresh()
    assert forged.manifest.root != (await publisher.root()).root


async def test_a_server_is_a_source(tmp_path: Path) -> None:
    named = people(*range(1, 1_500))
    book = ProofBook(epoch_data(named, epoch=4))
    async with served(tmp_path, named) as client:
        source = await open_source(str(client.base_url))
        assert isinstance(source, ServerSource)
        assert await source.proof(book.root, named[1_400].payout) == book.proof_at(1_400)
        assert await source.proof(book.root, Keypair().pubkey()) is None
        page = await source.page(book.root, 1)
        assert page.proof(1_400) == book.proof_at(1_400)
        assert (await source.devices(book.root, named[1_400].payout))["reward"].tolist() == [1_401]
        later = ProofBook(epoch_data(named, epoch=5)).root
        with pytest.raises(EpochNotPublished):
            await source.proof(later, named[0].payout)
        with pytest.raises(EpochNotPublished):
            await source.page(later, 0)
        await source.close()


LIES: dict[str, dict[str, Any]] = {
    "reward": {"lifetime_reward": "1000000"},
    "position": {"position": 0},
    "payout": {"payout": str(NAMED[0].payout)},
    "devices": {"devices_root": "00" * 32},
    "sibling": {"siblings": ["00" * 32, "11" * 32]},
    "too short": {"siblings": ["00" * 32]},
    "too long": {"siblings": ["00" * 32] * 3},
    "not hex": {"siblings": ["zz" * 32] * 2},
    "no list": {"siblings": {}},
    "too large": {"position": 2**32},
    "extra": {"extra": 1},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_a_lying_servers_proof_is_refused(lie: dict[str, Any]) -> None:
    book = ProofBook(epoch_data(NAMED, epoch=4))

    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(proof_to_json(book.root, book.proof_at(1)) | lie)

    async with site(Starlette(routes=[Route("/v1/proofs/{payout}", answer)])) as url:
        source = ServerSource(Site(url))
        with pytest.raises(ProofRefused):
            await source.proof(book.root, NAMED[1].payout)
        await source.close()


async def test_another_payees_proof_and_another_epochs_are_refused() -> None:
    book = ProofBook(epoch_data(NAMED, epoch=4))
    older = ProofBook(epoch_data([person.raised(9) for person in NAMED], epoch=3))
    answers = [
        proof_to_json(book.root, book.proof_at(0)),  # good, and another payee's
        proof_to_json(older.root, older.proof_at(1)) | {"epoch": "4"},  # good once, under a false name
        proof_to_json(older.root, older.proof_at(1)),
    ]

    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(answers.pop(0))

    async with site(Starlette(routes=[Route("/v1/proofs/{payout}", answer)])) as url:
        source = ServerSource(Site(url))
        for expected in (ProofRefused, ProofRefused, EpochNotPublished):
            with pytest.raises(expected):
                await source.proof(book.root, NAMED[1].payout)
        await source.close()
