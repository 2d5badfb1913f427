"""`worktab challenge` and `worktab dispute`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.attesting import ABC_UNITS
from support.challenging import Challenging, challenging
from support.disputes import BOND, DEPOSIT, SLASH_BPS, TAB
from support.fleet import TIMING
from support.jobs import increment
from worktab.agent.buying import Job
from worktab.agent.purchases import PurchaseLog
from worktab.cli import connecting
from worktab.market.terms import Totals
from worktab.market.wire import WorkReceipt
from worktab.roles.base import program_sender
from worktab.work.bundle import export_bundle

SLASH = BOND * SLASH_BPS // 10_000


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Challenging]:
    """A consumer in a network that takes disputes."""
    monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
    with challenging(worktab_chain, tmp_path) as made:
        yield made


def test_a_cheat_is_shown_disputed_and_slashed(cli: Challenging) -> None:
    device = cli.cheat()
    bundle = cli.bundle(device)
    plan = cli.json("challenge", bundle, "--dry-run")
    [found] = plan["devices"]
    assert (plan["dry_run"], found["device"], found["records"], found["executed"]) == (True, str(device.address), 2, 2)
    [suspect] = found["suspects"]
    assert (suspect["job"], suspect["fault"], suspect["disputable"]) == (2, "differs", True)
    dispute = found["dispute"]
    assert (dispute["job"], dispute["address"], dispute["outcome"]) == (2, None, None)
    assert (dispute["later_records"], dispute["shown_by"]) == (0, "head_on_chain")
    money = ("deposit", "slash", "to_consumer", "to_challenger", "to_pool", "forfeited", "lost_if_undecided")
    assert [dispute[name] for name in money] == [
        DEPOSIT, SLASH, 0, DEPOSIT, SLASH - DEPOSIT, 4 * ABC_UNITS, DEPOSIT // 10,
    ]  # fmt: skip
    assert cli.balance() == TAB
    assert "would dispute" in cli.text("challenge", bundle, "--dry-run")

    opened = cli.json("challenge", bundle, "--yes")["devices"][0]["dispute"]
    assert (opened["outcome"], opened["deposit"]) == ("opened", DEPOSIT)
    assert cli.balance() == TAB - DEPOSIT
    # Again, it opens no second one.
    again = cli.json("challenge", bundle, "--yes")["devices"][0]["dispute"]
    assert (again["outcome"], again["address"], again["transaction"]) == ("already_open", opened["address"], None)
    assert cli.balance() == TAB - DEPOSIT

    where = opened["address"]
    [row] = cli.json("dispute", "list", cli.network)["disputes"]
    assert (row["dispute"], row["job"], row["state"], row["guilty"], row["not_guilty"]) == (where, 2, "open", 0, 0)
    keys = [cli.attestor(number) for number in range(3)]
    cli.json("dispute", "vote", where, "agrees", "--keypair", keys[0])
    cli.json("dispute", "vote", where, "differs", "--keypair", keys[0])
    cli.json("dispute", "vote", where, "differs", "--keypair", keys[1])
    status = cli.json("dispute", "status", where)
    attestors = [str(key.pubkey()) for key in cli.court.keys]
    assert (status["state"], status["to_resolve"]) == ("guilty", True)
    assert status["say_guilty"] == attestors[:2]
    assert [(each["attestor"], each["finding"], each["guilty"], each["not_guilty"]) for each in status["votes"]] == [
        (attestors[0], "agrees", 0, 1),
        (attestors[0], "differs", 1, 0),
        (attestors[1], "differs", 2, 0),
    ]
    assert cli.failure("dispute", "resolve", where)["code"] == "program.record_needed"
    ended = cli.json("dispute", "resolve", where, "--record", bundle)
    assert ended["verdict"] == "guilty"
    moved = {
        "consumer_tab": None,
        "to_consumer": 0,
        "deposit_back": DEPOSIT,
        "to_challenger": DEPOSIT,
        "to_pool": SLASH - DEPOSIT,
        "forfeited": 4 * ABC_UNITS,
        "to_bond": 0,
    }
    assert ended["moved"] == moved
    assert cli.balance() == TAB + DEPOSIT
    assert cli.json("dispute", "resolve", where)["verdict"] == "guilty"
    status = cli.json("dispute", "status", where)
    assert (status["state"], status["moved"]) == ("guilty", moved)
    assert "out of the bond" in cli.text("dispute", "status", where)
    assert cli.json("dispute", "list", cli.network)["disputes"] == []
    assert len(cli.json("dispute", "list", cli.network, "--all", "--device", device.address)["disputes"]) == 1
    assert cli.failure("dispute", "close", where)["code"] == "program.too_soon"
    shown = cli.json("challenge", bundle, "--dry-run")["devices"][0]["dispute"]
    assert (shown["outcome"], shown["address"]) == ("ended_guilty", where)
    stakes = ("deposit", "rent_lamports", "slash", "to_consumer", "to_challenger", "to_pool", "forfeited")
    assert {shown[name] for name in (*stakes, "lost_if_undecided")} == {None}


def test_a_dispute_that_is_gone_is_told_from_its_events(cli: Challenging) -> None:
    device = cli.cheat()
    where = cli.json("challenge", cli.bundle(device), "--yes")["devices"][0]["dispute"]["address"]
    for number in (0, 1):
        cli.json("dispute", "vote", where, "agrees", "--keypair", cli.attestor(number))
    assert cli.json("dispute", "resolve", where)["verdict"] == "not_guilty"
    status = cli.json("dispute", "status", where)
    assert (status["state"], status["job"], status["moved"]["to_bond"]) == ("not_guilty", 2, DEPOSIT)
    assert len(status["votes"]) == 2
    assert cli.json("dispute", "resolve", where)["verdict"] == "not_guilty"
    assert cli.failure("dispute", "status", Keypair().pubkey())["code"] == "dispute_not_found"
    assert cli.failure("dispute", "vote", where, "guilty", code=2)["code"] == "input"


def test_a_closed_registration_is_told_only_where_something_is_wrong(cli: Challenging) -> None:
    device = cli.do(cli.court.device())
    device.worker.work(b"abc")
    gone, path = Keypair().pubkey(), cli.folder / "gone.bundle"
    export_bundle(path, device.worker.spool.entries(), device.worker.blobs, device=bytes(gone))
    [found] = cli.json("challenge", path, "--dry-run")["devices"]
    assert (found["device"], found["records"], found["suspects"], found["error"]) == (str(gone), 1, [], None)
    device.worker.claim(output=bytes(32))
    export_bundle(path, device.worker.spool.entries(), device.worker.blobs, device=bytes(gone))
    assert cli.failure("challenge", path, "--dry-run", facts={})["code"] == "device_not_found"


def test_honest_records_cost_nothing(cli: Challenging) -> None:
    device = cli.do(cli.court.device())
    device.worker.work(b"abc", b"abd")
    facts = cli.json("challenge", cli.bundle(device), "--yes")
    [found] = facts["devices"]
    assert (found["suspects"], found["dispute"], found["error"], found["executed"]) == ([], None, None, 2)
    assert cli.balance() == TAB


def test_a_sample_still_finds_all_work_shown_twice(cli: Challenging) -> None:
    device = cli.do(cli.court.device())
    device.worker.work(b"abc", b"abd", b"abc")
    cli.next_epoch()
    cli.do(cli.court.submit(device))
    arguments = ("challenge", cli.bundle(device), "--one-in", 10**9, "--seed", "00", "--dry-run")
    [found] = cli.json(*arguments)["devices"]
    assert (found["records"], found["executed"]) == (3, 0)
    assert [(each["job"], each["fault"]) for each in found["suspects"]] == [(3, "repeated")]
    assert found["dispute"]["job"] == 3


def test_what_is_not_shown_to_be_signed_is_refused(cli: Challenging, tmp_path: Path) -> None:
    device = cli.do(cli.court.device())
    device.worker.claim(output=bytes(32))
    bundle = cli.bundle(device)
    facts: dict[str, Any] = {}
    error = cli.failure("challenge", bundle, "--dry-run", facts=facts)
    assert error["code"] == "not_shown_signed"
    assert [each["fault"] for each in facts["devices"][0]["suspects"]] == ["differs"]
    # A receipt that the device signed is enough, wherever it comes from.
    view = cli.do(device.device.view())
    receipt = device.receipt(view.device.receipt_context, view.now)
    file = tmp_path / "receipts.bin"
    file.write_bytes(bytes(device.address) + receipt.message.encode() + receipt.signature)
    dispute = cli.json("challenge", bundle, "--receipt", file, "--yes")["devices"][0]["dispute"]
    assert (dispute["outcome"], dispute["shown_by"]) == ("opened", "receipt")
    file.write_bytes(b"nothing")
    assert cli.failure("challenge", bundle, "--receipt", file, "--dry-run", code=2, facts={})["code"] == "input"


def test_a_folder_holds_many_devices_and_each_is_disputed_once(cli: Challenging, tmp_path: Path) -> None:
    folder = tmp_path / "bundles"
    folder.mkdir()
    cheats = [cli.cheat(), cli.cheat(units=1)]
    for each in cheats:
        cli.bundle(each, folder)
    (folder / "notes.txt").write_text("no bundle")
    facts = cli.json("challenge", folder, "--yes")
    assert {each["device"] for each in facts["devices"]} == {str(each.address) for each in cheats}
    assert [each["dispute"]["outcome"] for each in facts["devices"]] == ["opened", "opened"]
    assert cli.balance() == TAB - 2 * DEPOSIT
    one = cli.json("challenge", folder, "--device", cheats[0].address, "--dry-run")
    assert [each["device"] for each in one["devices"]] == [str(cheats[0].address)]


def test_an_attestor_challenges_what_a_device_serves(cli: Challenging) -> None:
    device = cli.cheat()
    words = ("challenge", device.url, "--device", device.address)
    facts = cli.json(*words, "--attestor", cli.attestor(0), "--yes")
    assert facts["devices"][0]["dispute"]["outcome"] == "opened"
    assert cli.failure(*words, "--yes")["code"] == "evidence_refused"


def test_a_url_of_a_bundle(cli: Challenging) -> None:
    from starlette.responses import FileResponse

    device = cli.cheat()
    device.answers = FileResponse(cli.bundle(device))
    facts = cli.json("challenge", device.url + "/v1/records", "--dry-run")
    assert facts["devices"][0]["dispute"]["job"] == 2
    assert cli.failure("challenge", device.url + "/nothing", "--dry-run")["code"] == "connection"


def test_people_are_asked_and_may_say_no(cli: Challenging) -> None:
    device = cli.cheat()
    bundle = cli.bundle(device)
    said = cli.run("challenge", bundle, answer="n\n")
    assert said.exit_code == 1
    assert "dispute this record?" in said.stderr
    assert cli.balance() == TAB
    assert cli.run("challenge", bundle, answer="y\n").exit_code == 0
    assert cli.balance() == TAB - DEPOSIT
    refused = cli.run("challenge", bundle, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["error"]["code"]) == (2, "input")
    assert cli.failure("challenge", "--dry-run", code=2)["code"] == "input"


def test_only_the_record_named_is_disputed(cli: Challenging) -> None:
    device = cli.do(cli.court.device())
    for _ in range(2):
        device.worker.claim(b"ab%d" % _, output=bytes(32))
    cli.next_epoch()
    cli.do(cli.court.submit(device))
    bundle = cli.bundle(device)
    assert cli.json("challenge", bundle, "--job", 2, "--dry-run")["devices"][0]["dispute"]["job"] == 2
    assert cli.failure("challenge", bundle, "--job", 3, "--dry-run", facts={})["code"] == "nothing_to_dispute"


def test_what_was_bought_is_disputed_by_the_proofs_kept(cli: Challenging, tmp_path: Path) -> None:
    device = cli.do(cli.court.device())
    tab = bytes(cli.consumer.tab_address)
    entry = device.worker.claim(output=bytes(32), amount=100, tab=tab)
    view = cli.do(device.device.view())
    signed = device.receipt(view.device.receipt_context, view.now)
    proof = WorkReceipt(
        device.address,
        view.device.index,
        Totals(100, entry.record.units, 1, entry.head),
        100,
        entry.record.units,
        entry.record,
        entry.salt,
        bytes(32),
        signed.message,
        signed.signature,
    )
    job = Job(increment(), b"abc")
    log = PurchaseLog.open(tmp_path / "buyer" / "purchases", "order", job.work)
    log.ask(device.url)
    log.keep(job.module, job.input)
    log.charge(device.url, 100, proof)
    words = ("challenge", "--bought", "--state", tmp_path / "buyer")
    [found] = cli.json(*words, "--dry-run")["devices"]
    assert (found["device"], found["dispute"]["shown_by"]) == (str(device.address), "receipt")
    assert found["dispute"]["to_consumer"] == 100
    where = cli.json(*words, "--yes")["devices"][0]["dispute"]["address"]
    for number in (0, 1):
        cli.json("dispute", "vote", where, "differs", "--keypair", cli.attestor(number))
    ended = cli.json("dispute", "resolve", where, "--bought", "--state", tmp_path / "buyer")
    assert (ended["verdict"], ended["moved"]["to_consumer"]) == ("guilty", 100)
    assert cli.balance() == TAB + 100 + DEPOSIT


def test_a_receipt_beyond_its_records_is_disputed(cli: Challenging) -> None:
    device = cli.do(cli.court.device())
    device.worker.work(b"abc", b"abd")
    cli.next_epoch()
    cli.do(cli.court.claim(device, 500))
    [found] = cli.json("challenge", cli.bundle(device), "--one-in", 10**9, "--seed", "00", "--yes")["devices"]
    assert [(each["job"], each["fault"]) for each in found["suspects"]] == [(2, "overclaimed")]
    assert (found["dispute"]["outcome"], found["dispute"]["job"]) == ("opened", 2)


def test_an_attestor_signs_for_what_is_too_far(cli: Challenging) -> None:
    device = cli.do(cli.court.device())
    device.worker.claim(output=bytes(32))
    device.worker.work(*(b"input %d" % number for number in range(30)))
    cli.next_epoch()
    cli.do(cli.court.submit(device))
    bundle = cli.bundle(device)
    words = ("challenge", bundle, "--one-in", 1)
    assert cli.failure(*words, "--dry-run", facts={})["code"] == "too_far_from_receipt"
    dispute = cli.json(*words, "--attestor", cli.attestor(0), "--yes")["devices"][0]["dispute"]
    assert (dispute["outcome"], dispute["job"], dispute["shown_by"]) == ("opened", 1, "attestor")
