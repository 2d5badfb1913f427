"""`worktab events`, as far as it ends by itself; what it does while it follows is tested against a real node."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from support.cli import Cli
from support.fleet import FUNDS, Fleet
from support.guarantees import Guarantees
from support.selling import consumer_of
from support.selling import settle as settle_voucher
from worktab.chain.embedded import EmbeddedChain
from worktab.roles.device import Device


async def work(cli: Cli) -> Device:
    """A device with two receipts."""
    fleet = cli.fleet
    device = await fleet.device(capacity=400)
    await fleet.next_epoch()
    await fleet.earn(device, 3, 50)
    await fleet.earn(device, 5, 60)
    await settle(cli)
    return device


async def settle(cli: Cli) -> None:
    """A chain that makes no empty blocks leaves its newest for two seconds."""
    if isinstance(cli.fleet.chain, EmbeddedChain):
        cli.fleet.chain.advance(slots=1)


async def newest_first(cli: Cli) -> list[str]:
    return [str(entry.signature) for entry in await cli.fleet.chain.history(cli.fleet.network) if not entry.failed]


def lines(cli: Cli, *args: object, code: int = 0) -> list[dict[str, Any]]:
    """What the command prints with --json: documents, one a line."""
    result = cli.run("events", *args, "--json")
    assert (result.exit_code, result.stderr) == (code, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_life_of_a_network(cli: Cli) -> None:
    device = cli.served.do(work(cli))
    found = lines(cli, cli.network)
    assert [line["event"] for line in found] == [
        "NetworkCreated",
        "PoolFunded",
        "DeviceRegistered",
        "ReceiptSubmitted",
        "ReceiptSubmitted",
    ]
    assert [line["signature"] for line in found] == cli.served.do(newest_first(cli))[::-1]
    assert [line["index"] for line in found] == [0] * 5
    assert found[1]["data"] == {
        "network": cli.network,
        "funder": str(cli.fleet.authority.pubkey()),
        "amount": FUNDS,
        "surplus": 0,
    }
    assert found[2]["data"]["class"] == 0
    last = {"device": str(device.device), "seq": 5, "units": 60, "eligible": 10, "reward": 20}
    assert found[4] == {
        "event": "ReceiptSubmitted",
        "slot": found[4]["slot"],
        "signature": found[4]["signature"],
        "index": 0,
        "data": last,
    }
    text = cli.text("events", cli.network).splitlines()
    assert len(text) == 5
    place = f"{found[4]['slot']} {found[4]['signature']}"
    assert text[4] == f"{place} ReceiptSubmitted device={device.device} seq=5 units=60 eligible=10 reward=20"


def test_nested_values(cli: Cli) -> None:
    device = cli.served.do(work(cli))
    assert cli.json("device", "claim", device.device)["paid"] == 120
    cli.served.do(settle(cli))
    [line] = lines(cli, cli.network, "--type", "Claimed")
    assert line["data"]["amount"] == 120
    assert line["data"]["entries"] == [{"device": 0, "rewards": 120, "earnings": 0, "outcome": 0}]
    [text] = cli.text("events", cli.network, "--type", "Claimed").splitlines()
    assert text.endswith(" amount=120 fee=0 burn=0 entries=[{device=0, rewards=120, earnings=0, outcome=0}]")


def test_types(cli: Cli) -> None:
    cli.served.do(work(cli))
    found = lines(cli, cli.network, "--type", "PoolFunded", "--type", "ReceiptSubmitted")
    assert [line["event"] for line in found] == ["PoolFunded", "ReceiptSubmitted", "ReceiptSubmitted"]
    error = cli.failure("events", cli.network, "--type", "Nothing", code=2)
    assert error["got"] == "'Nothing'"
    assert "ReceiptSubmitted" in error["expected"]


def test_where_to_begin(cli: Cli) -> None:
    cli.served.do(work(cli))
    signatures = cli.served.do(newest_first(cli))
    assert [line["signature"] for line in lines(cli, cli.network, "--since", signatures[2])] == signatures[1::-1]
    assert lines(cli, cli.network, "--since", signatures[0]) == []
    assert lines(cli, cli.network, "--since", "now") == []
    assert len(lines(cli, cli.network, "--since", "oldest")) == 5
    unknown = Signature.new_unique()
    assert cli.failure("events", cli.network, "--since", unknown)["code"] == "cursor_lost"
    error = cli.failure("events", cli.network, "--since", "yesterday", code=2)
    assert error["expected"] == "a signature in base58, oldest or now"


def test_a_cursor_file_makes_the_next_run_go_on(cli: Cli) -> None:
    device = cli.served.do(work(cli))
    file = cli.folder / "seen"
    assert len(lines(cli, cli.network, "--cursor", file)) == 5
    assert file.read_text() == cli.served.do(newest_first(cli))[0] + "\n"
    assert lines(cli, cli.network, "--cursor", file) == []
    assert lines(cli, cli.network, "--cursor", file, "--since", "oldest") == []

    async def more() -> None:
        await cli.fleet.earn(device, 6, 70)
        await settle(cli)

    cli.served.do(more())
    assert lines(cli, cli.network, "--cursor", file, "--type", "Claimed") == [], "it got that far all the same"
    assert file.read_text() == cli.served.do(newest_first(cli))[0] + "\n"
    assert lines(cli, cli.network, "--cursor", file) == []


def test_from_now_the_cursor_file_is_there_before_anything_happens(cli: Cli) -> None:
    cli.served.do(work(cli))
    file = cli.folder / "seen"
    assert lines(cli, cli.network, "--cursor", file, "--since", "now") == []
    assert file.read_text() == cli.served.do(newest_first(cli))[0] + "\n"


def test_a_file_that_is_no_cursor_is_left_alone(cli: Cli) -> None:
    file = cli.file("notes", b"to do")
    assert "holds no cursor" in cli.failure("events", cli.network, "--cursor", file)["message"]
    assert file.read_bytes() == b"to do"


async def trade(cli: Cli) -> tuple[str, str, str]:
    """A sale by voucher from one tab, and another network's tab; returns the tab, its device, and the other tab."""
    fleet = cli.fleet
    device = await fleet.device()
    consumer = await consumer_of(fleet, 1_000)
    lane = await consumer.reserve(device.device, 400)
    await settle_voucher(consumer, device.device, lane.nonce, 300, 7)
    other = await consumer_of(fleet, 5)
    await settle(cli)
    return str(consumer.tab_address), str(device.device), str(other.tab_address)


def test_a_tab(cli: Cli) -> None:
    tab, _, other = cli.served.do(trade(cli))
    found = lines(cli, "--tab", tab)
    assert [line["event"] for line in found] == ["TabOpened", "Deposited", "LaneReserved", "VoucherSettled"]
    assert {line["data"]["tab"] for line in found} == {tab}
    nonce = found[2]["data"]["nonce"]
    assert found[3]["data"] == {"tab": tab, "amount": 300, "units": 7, "index": 0, "nonce": nonce}
    [text] = cli.text("events", "--tab", tab, "--type", "VoucherSettled").splitlines()
    assert text.endswith(f" VoucherSettled tab={tab} amount=300 units=7 index=0 nonce={nonce}")
    assert [line["event"] for line in lines(cli, "--tab", other)] == ["TabOpened", "Deposited"]


def test_a_device(cli: Cli) -> None:
    _, device, _ = cli.served.do(trade(cli))
    found = lines(cli, "--device", device)
    assert [line["event"] for line in found] == ["DeviceRegistered", "LaneReserved", "VoucherSettled"]


def test_sales_of_a_network(cli: Cli) -> None:
    cli.served.do(trade(cli))
    kinds = ("--type", "LaneReserved", "--type", "VoucherSettled")
    assert [line["event"] for line in lines(cli, cli.network, *kinds)] == ["LaneReserved"]
    assert [line["event"] for line in lines(cli, cli.network, "--sales", *kinds)] == ["LaneReserved", "VoucherSettled"]


async def pending_votes(cli: Cli) -> tuple[str, str, str]:
    """A contested SLA whose only vote was taken back, and a dispute; returns network, SLA and the
    dispute's device."""
    guarantees = await Guarantees.start(partial(start_again, cli))
    fleet = guarantees.fleet
    consumer, bonded = await fleet.consumer(5_000), await guarantees.bonded()
    await fleet.next_epoch()
    sla, _ = await guarantees.promise(consumer, bonded, 400, 10_000)
    await guarantees.accuse(consumer, bonded, await guarantees.work(bonded))
    await fleet.clock.advance(1_000)
    await guarantees.contest(bonded, sla)
    await guarantees.decide(sla, None)
    await settle(cli)
    return str(fleet.network), str(sla), str(bonded.address)


async def start_again(cli: Cli, **start: Any) -> Fleet:
    """Another network on the same chain."""
    return await Fleet(cli.fleet.chain).start(**start)


def test_votes_and_disputes(cli: Cli) -> None:
    network, sla, device = cli.served.do(pending_votes(cli))
    found = lines(cli, network, "--type", "SlaVoted")
    assert [line["data"]["upheld"] for line in found] == [None, None]
    text = cli.text("events", network, "--type", "SlaVoted").splitlines()
    assert text[0].endswith(f" SlaVoted sla={sla} attestor={found[0]['data']['attestor']} upheld=- yes=0 no=0")
    [opened] = lines(cli, "--device", device, "--type", "DisputeOpened")
    facts = opened["data"]
    assert (facts["device"], facts["seq"], facts["deposit"], len(facts["record_hash"])) == (device, 1, 100, 64)
    kinds = [line["event"] for line in lines(cli, "--device", device)]
    assert kinds == [
        "DeviceRegistered",
        "BondDeposited",
        "LaneReserved",
        "SlaOpened",
        "ReceiptSubmitted",
        "DisputeOpened",
        "SlaContested",
    ]


def test_whose_events_must_be_clear(cli: Cli) -> None:
    tab, device, _ = cli.served.do(trade(cli))
    for names in (
        (cli.network, "--tab", tab),
        ("--tab", tab, "--device", device),
        ("--sales",),
        ("--tab", tab, "--sales"),
    ):
        assert cli.failure("events", *names, code=2)["message"] == "It is not clear whose events to show"
    assert cli.failure("events", "--tab", "mine", code=2)["message"] == "--tab is not an address"
    error = cli.failure("events", "--tab", device)
    assert (error["code"], error["message"]) == ("tab_not_found", f"There is no tab at {device}")
    assert cli.failure("events", "--device", tab)["code"] == "device_not_found"
    assert cli.failure("events", "--device", cli.mint)["code"] == "device_not_found"


def test_what_is_gone_is_told_with_a_warning(cli: Cli) -> None:
    async def gone() -> Pubkey:
        consumer = await consumer_of(cli.fleet, 5)
        await consumer.withdraw()
        await consumer.close()
        await settle(cli)
        return consumer.tab_address

    tab = cli.served.do(gone())
    result = cli.run("events", "--tab", tab, "--json")
    assert [json.loads(line)["event"] for line in result.stdout.splitlines()] == [
        "TabOpened",
        "Deposited",
        "Withdrawn",
        "TabClosed",
    ]
    assert result.exit_code == 0
    assert result.stderr == f"warning: there is no tab at {tab} now; what happened to it before comes all the same\n"


def test_what_is_no_network_is_refused(cli: Cli) -> None:
    device = cli.served.do(cli.fleet.device())
    for address in (Pubkey.new_unique(), device.device, cli.fleet.mint.address):
        error = cli.failure("events", address)
        assert (error["code"], error["message"]) == ("network_not_found", f"There is no network at {address}")
    assert cli.failure("events", cli.network, "--program", cli.fleet.mint.address)["code"] == "network_not_found"
    assert cli.failure("events", "nowhere", code=2)["expected"] == "32 bytes in base58"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_output_that_cannot_be_written_is_no_traceback(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "worktab.cli", "events", "--json", "--cursor", str(tmp_path)]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, "warning: the output cannot be written: No space left on device\n")


@pytest.mark.embedded("shows logs otherwise than they were")
def test_events_that_cannot_be_read_are_told_and_passed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.served.do(work(cli))
    chain, signatures, real = cli.fleet.chain, cli.served.do(newest_first(cli)), cli.fleet.chain.transaction

    async def transaction(signature: Signature) -> Any:
        landed = await real(signature)
        assert landed is not None
        return replace(landed, logs=(*landed.logs[:1], "Log truncated")) if str(signature) == signatures[1] else landed

    monkeypatch.setattr(chain, "transaction", transaction)
    file = cli.folder / "seen"
    found = lines(cli, cli.network, "--cursor", file, "--type", "ReceiptSubmitted", code=1)
    assert [(line["event"], line["signature"]) for line in found] == [
        (None, signatures[1]),
        ("ReceiptSubmitted", signatures[0]),
    ]
    assert found[0]["error"]["code"] == "events_unreadable"
    assert file.read_text() == signatures[0] + "\n"
    result = cli.run("events", cli.network)
    assert (result.exit_code, len(result.stdout.splitlines())) == (1, 4)
    assert result.stderr == f"warning: The events of transaction {signatures[1]} cannot all be read\n"
