"""`worktab sla`, on a real program behind real HTTP. The payer owns the device, and sponsors the consumer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.cli import utc
from support.promising import Promising, promising
from support.sla_scene import DELAY, HOUR


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Promising]:
    with promising(worktab_chain, tmp_path, monkeypatch) as made:
        yield made


def test_with_both_keys_an_sla_is_opened_and_its_penalty_paid(cli: Promising) -> None:
    sla = cli.open()
    assert cli.money() == (500, 100, 700)
    again = cli.json(
        "sla", "open", cli.device, "0.0002", "--lane", cli.scene.nonce, "--penalty", 5_000, "--other-key", cli.payer,
        "--by", row(cli)["deadline"], *cli.consumer,
    )  # fmt: skip
    assert (again["sla"], again["transaction"], again["penalty_at_most"]) == (sla, None, 100)

    shown = row(cli)
    assert (shown["sla"], shown["device"], shown["lane"], shown["stage"]) == (
        sla,
        cli.device,
        cli.scene.nonce,
        "running",
    )
    assert (shown["due"], shown["delivered"], shown["shortfall"], shown["penalty"], shown["held"]) == (
        200,
        0,
        200,
        100,
        100,
    )
    assert (shown["penalty_bps"], shown["can_end"], shown["changes_at"]) == (5_000, False, shown["deadline"])
    assert shown["contest_until"] == shown["deadline"] + DELAY == shown["decide_until"] - DELAY
    early = cli.failure("sla", "enforce", sla)
    assert (early["code"], early["expected"]) == (
        "program.sla_running",
        f"{utc(shown['deadline'])} at the earliest",
    )
    none = cli.json("sla", "enforce", "--network", cli.network)
    assert (none["ended"], none["slas"]) == (0, [])

    cli.served.do(cli.scene.deliver(50))
    cli.pass_time(HOUR + DELAY)
    assert (row(cli)["stage"], row(cli)["penalty"], row(cli)["can_end"]) == ("missed", 75, True)
    ended = cli.json("sla", "enforce", sla, *cli.consumer)
    [told] = ended["slas"]
    assert (ended["ended"], ended["penalties"], told["outcome"], told["delivered"]) == (1, 75, "missed", 50)
    assert cli.money() == (425, 0, 775)
    assert cli.json("sla", "status", cli.network)["slas"] == []
    assert cli.failure("sla", "enforce", sla)["code"] == "sla_not_found"


def row(cli: Promising) -> dict[str, Any]:
    """The one SLA there is."""
    [found] = cli.json("sla", "status", cli.network)["slas"]
    shown: dict[str, Any] = found
    return shown


def test_all_that_can_end_are_ended_at_once(cli: Promising) -> None:
    first = cli.open("0.0001")
    lane = cli.served.do(cli.scene.consumer.reserve(cli.scene.device.device, 40)).nonce
    other = ("--other-key", cli.folder / "consumer.json")
    options = ("--lane", lane, "--penalty", 10_000, "--by", "30m", *other)
    second = cli.json("sla", "open", cli.device, "0.00004", *options)["sla"]
    assert [each["sla"] for each in cli.json("sla", "status", cli.network, "--device", cli.device)["slas"]] == [
        second,
        first,
    ]
    cli.served.do(cli.scene.deliver(100))
    cli.pass_time(HOUR // 2 + DELAY)
    consumer = cli.scene.consumer.consumer
    assert cli.json("sla", "status", cli.network, "--consumer", Keypair().pubkey())["slas"] == []
    ended = cli.json("sla", "enforce", "--network", cli.network, "--consumer", consumer)
    assert (ended["ended"], ended["penalties"]) == (2, 40)
    assert [(each["sla"], each["outcome"], each["penalty"]) for each in ended["slas"]] == [
        (second, "missed", 40),
        (first, "kept", 0),
    ]
    assert cli.money() == (460, 0, 700)


def test_one_that_does_not_end_holds_up_no_other(cli: Promising) -> None:
    sla = cli.open()
    cli.served.do(cli.scene.deliver(200))
    facts: dict[str, Any] = {}
    result = cli.run("sla", "enforce", Keypair().pubkey(), sla, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert [each["outcome"] for each in facts["slas"]] == [None, "kept"]
    assert cli.money() == (500, 0, 700)


def test_a_contested_penalty_is_voted_on(cli: Promising) -> None:
    sla = cli.open()
    assert cli.failure("sla", "contest", sla)["code"] == "program.sla_running"
    cli.pass_time(HOUR)
    assert row(cli)["stage"] == "contestable"
    assert cli.failure("sla", "vote", sla, "upheld", *cli.attestor(0))["code"] == "program.not_contested"
    assert cli.failure("sla", "contest", sla, *cli.consumer)["code"] == "program.unauthorized"
    contested = cli.json("sla", "contest", sla)
    assert contested["stage"] == "contested"
    assert contested["transaction"]["signature"]
    assert cli.json("sla", "contest", sla)["transaction"] is None

    voted = cli.json("sla", "vote", sla, "upheld", *cli.attestor(0))
    assert (voted["votes_for"], voted["votes_against"], voted["stage"]) == (1, 0, "contested")
    assert cli.json("sla", "vote", sla, "upheld", *cli.attestor(0))["transaction"] is None
    assert cli.json("sla", "vote", sla, "withdrawn", *cli.attestor(0))["votes_for"] == 0
    cli.json("sla", "vote", sla, "dismissed", *cli.attestor(0))
    decided = cli.json("sla", "vote", sla, "dismissed", *cli.attestor(1))
    assert (decided["votes_against"], decided["stage"], decided["can_end"]) == (2, "excused", True)
    assert cli.json("sla", "enforce", sla)["slas"][0]["outcome"] == "excused"
    assert cli.money() == (500, 0, 700)


def test_two_machines_sign_one_sla(cli: Promising, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cli.folder)
    terms = ("0.0002", "--lane", cli.scene.nonce, "--by", "36h", "--penalty", 5_000)
    sponsor = Keypair()
    cli.airdrop(sponsor, 10**9)
    consumer = ("--keypair", cli.folder / "consumer.json", "--fee-payer", cli.key_file("sponsor.json", sponsor))
    offered = cli.json("sla", "offer", cli.device, *terms, "--output", "offer.json", *consumer)
    assert (offered["due"], offered["penalty_at_most"], offered["payer"]) == (200, 100, str(sponsor.pubkey()))
    assert cli.money() == (500, 0, 700)
    exists = cli.failure("sla", "offer", cli.device, *terms, "--output", "offer.json", *consumer)
    assert "--force" in exists["next_step"]

    # The owner is shown the terms, and asked.
    asked = cli.run("sla", "accept", "offer.json", "--output", "accepted.json", answer="n\n")
    assert asked.exit_code == 1
    assert not (cli.folder / "accepted.json").exists()
    assert f"deadline         {utc(offered['deadline'])}" in asked.stdout
    assert cli.failure("sla", "accept", "offer.json", "--output", "a.json", "--yes", *cli.attestor(0), code=2)
    unasked = cli.run("sla", "accept", "offer.json", "--output", "a.json", "--json")
    assert (unasked.exit_code, json.loads(unasked.stdout)["error"]["expected"]) == (2, "--yes")
    accepted = cli.json("sla", "accept", "offer.json", "--output", "accepted.json", "--yes")
    assert (accepted["offer"]["sla"], accepted["signer"]) == (offered["sla"], str(cli.fleet.payer.pubkey()))

    # Other terms than those that were signed open nothing.
    text = (cli.folder / "offer.json").read_text()
    Path("changed.json").write_text(text.replace('"200"', '"199"'))
    changed = cli.failure("sla", "complete", "changed.json", "accepted.json", *consumer)
    assert changed["code"] == "verification"
    opened = cli.json("sla", "complete", "offer.json", "accepted.json", *consumer)
    assert (opened["sla"], cli.money()) == (offered["sla"], (500, 100, 700))
    assert cli.json("sla", "complete", "offer.json", "accepted.json", *consumer)["transaction"] is None
    again = cli.run("sla", "accept", "offer.json", "--output", "b.json", "--yes", "--json")
    assert (again.exit_code, json.loads(again.stdout)["error"]["code"]) == (1, "sla_exists")


def test_a_signature_that_is_too_old_is_told(cli: Promising, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cli.folder)
    terms = (
        "0.0002",
        "--lane",
        cli.scene.nonce,
        "--by",
        "36h",
        "--penalty",
        0,
        "--consumer",
        cli.scene.consumer.consumer,
    )
    cli.json("sla", "offer", cli.device, *terms, "--output", "offer.json")
    accept = ("sla", "accept", "offer.json", "--output", "accepted.json", "--yes", "--force")
    cli.json(*accept, "--keypair", cli.folder / "consumer.json")
    cli.served.do(cli.fleet.clock.expire_blockhashes())
    old = cli.failure("sla", "complete", "offer.json", "accepted.json")
    assert old["code"] == "draft_expired"
    assert cli.money() == (500, 0, 700)
    cli.json(*accept, "--keypair", cli.folder / "consumer.json")
    opened = cli.json("sla", "complete", "offer.json", "accepted.json")
    assert (opened["penalty_at_most"], cli.money()) == (0, (500, 0, 700))
    [shown] = cli.json("sla", "status", cli.network)["slas"]
    assert (shown["sla"], shown["penalty_bps"]) == (opened["sla"], 0)


def test_what_is_no_offer_is_told(cli: Promising) -> None:
    for content, code in ((b"{}", "encoding"), (b"nothing", "encoding")):
        file = cli.file("offer.json", content)
        assert cli.failure("sla", "accept", file, "--output", "a.json", "--yes", code=2)["code"] == code
    assert cli.failure("sla", "enforce", code=2)["got"] == "neither"
    terms = ("0.0002", "--lane", cli.scene.nonce, "--penalty", 0, "--output", cli.folder / "new.json")
    assert cli.failure("sla", "offer", cli.device, *terms, *cli.consumer, "--by", "soon", code=2)["got"] == "'soon'"
    for by in ("0s", "1", "366d", str(2**63 - 1)):
        told = cli.failure("sla", "offer", cli.device, *terms, *cli.consumer, "--by", by, code=2)
        assert (told["message"], told["got"]) == ("The deadline is over, or too far away", repr(by))
    # The wallet owns the device: it has to say to whom it promises.
    itself = cli.failure("sla", "offer", cli.device, *terms, "--by", "1h", code=2)
    assert itself["message"] == "A device's owner can promise itself nothing"
    assert not (cli.folder / "new.json").exists()
    assert cli.json("sla", "offer", cli.device, *terms, *cli.consumer, "--by", "365d")["offer"]


@pytest.mark.parametrize("option", ["--device", "--consumer"])
def test_what_is_named_is_not_chosen(cli: Promising, option: str) -> None:
    sla = cli.open()
    cli.served.do(cli.scene.deliver(200))
    refused = cli.failure("sla", "enforce", sla, option, Keypair().pubkey(), code=2)
    assert refused["message"] == "SLAs that are named are not chosen by --device or --consumer"
    assert cli.json("sla", "enforce", sla)["ended"] == 1


def test_a_retired_device_says_what_keeps_it_open(cli: Promising) -> None:
    def kept(*words: str) -> list[tuple[str, int, str]]:
        return [(each["by"], each["amount"], each["next"]) for each in cli.json("device", *words)["kept_open_by"]]

    device, chosen = cli.device, f"{cli.network} --device {cli.device}"
    cli.open()
    assert cli.json("device", "status", device)["kept_open_by"] is None
    promised = (
        "slas",
        1,
        f"deliver, or wait for the deadline, then: worktab sla enforce --network {chosen}",
    )
    assert kept("retire", device) == [promised, ("bond", 500, f"worktab bond withdraw {device} all")]
    assert "worktab bond withdraw" in cli.text("device", "retire", device)

    some = cli.json("bond", "withdraw", device, "0.0001")["leaves_at"]
    # To ask for the rest now would have this part wait anew.
    first = f"from {utc(some)} on: worktab bond finish {device}; then: worktab bond withdraw {device} all"
    assert kept("status", device) == [promised, ("bond", 500, first)]
    leaves_at = cli.json("bond", "withdraw", device, "all")["leaves_at"]
    leaving = ("bond", 500, f"from {utc(leaves_at)} on: worktab bond finish {device}")
    assert kept("status", device) == [promised, leaving]
    cli.pass_time(2 * DELAY)
    assert cli.json("bond", "finish", device)["paid"] == 400
    assert kept("status", device) == [promised, ("bond", 100, "SLAs hold it until they end")]
    cli.json("sla", "enforce", "--network", cli.network, "--device", device)
    assert kept("status", device) == []
    assert cli.json("device", "retire", device)["closed"] is True
