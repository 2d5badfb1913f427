"""`worktab verify`."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.jobs import increment


@pytest.fixture
def device(cli: Cli) -> str:
    """A device with twelve records, ten of which the chain has a receipt over."""
    address, key = cli.device(capacity=100_000)
    cli.work(address, *(b"x" * length for length in range(1, 11)))
    assert cli.run("device", "submit", address, "--key", key).exit_code == 0
    cli.work(address, b"later", b"still later")
    return address


def folder(cli: Cli, device: str) -> Path:
    return cli.folder / "data" / "worktab" / device


def bundle(cli: Cli, device: str) -> Path:
    file = cli.folder / "work.bundle"
    cli.json("device", "export", device, file)
    return file


@pytest.mark.parametrize("source", ["spool", "bundle"])
def test_every_record_is_executed_again(source: str, cli: Cli, device: str) -> None:
    where = device if source == "spool" else bundle(cli, device)
    facts = cli.json("verify", where)
    status = cli.json("device", "status", device)["spool"]
    assert list(facts) == [
        "device",
        "seed",
        "records",
        "executed",
        "units",
        "executed_units",
        "differing",
        "head",
        "claimed_ms",
        "verification_cpu_ns",
        "work_cpu_ns",
        "cost_ratio",
        "agrees_with_chain",
    ]
    assert (facts["device"], facts["records"], facts["executed"]) == (device, 12, 12)
    assert facts["units"] == facts["executed_units"] == status["units"]
    assert (facts["differing"], facts["seed"], facts["agrees_with_chain"]) == ([], None, None)
    assert facts["verification_cpu_ns"] >= facts["work_cpu_ns"] > 0
    assert facts["cost_ratio"] == facts["verification_cpu_ns"] / facts["work_cpu_ns"]


def test_the_cost_is_told_to_people(cli: Cli, device: str) -> None:
    lines = cli.text("verify", device).splitlines()
    told = dict(line.split("  ", 1) for line in lines[:-3])
    told = {label: value.strip() for label, value in told.items()}
    assert told["records"] == "12"
    assert told["verification cpu"].endswith(" ms")
    assert told["work cpu"].endswith(" ms")
    assert float(told["cost ratio"]) >= 1
    assert lines[-2:] == ["differing", "  none"]


def test_a_sample_is_drawn_by_a_seed(cli: Cli, device: str) -> None:
    first = cli.json("verify", device, "--one-in", 3, "--seed", "0a0b")
    assert first["seed"] == "0a0b"
    assert first["records"] == 12
    assert 0 < first["executed"] < 12
    assert cli.json("verify", device, "--one-in", 3, "--seed", "0a0b")["executed_units"] == first["executed_units"]
    drawn = [cli.json("verify", device, "--one-in", 1)["seed"] for _ in range(2)]
    assert [len(each) for each in drawn] == [64, 64]
    assert drawn[0] != drawn[1]


def test_large_records_can_be_left_out(cli: Cli, device: str) -> None:
    facts = cli.json("verify", device, "--max-units", 71)
    assert (facts["executed"], facts["differing"]) == (3, [])  # inputs of up to three bytes
    nothing = cli.json("verify", device, "--max-units", 1)
    assert (nothing["executed"], nothing["work_cpu_ns"], nothing["cost_ratio"]) == (0, None, None)


@pytest.mark.parametrize("source", ["spool", "bundle"])
def test_the_chain_confirms_that_these_are_the_records(source: str, cli: Cli, device: str) -> None:
    where = device if source == "spool" else bundle(cli, device)
    assert cli.json("verify", where, "--chain")["agrees_with_chain"] is True


def test_records_that_are_not_those_of_the_receipt(cli: Cli, device: str) -> None:
    folder(cli, device).rename(cli.folder / "elsewhere")
    cli.work(device, *(b"y" * 10 for _ in range(10)))
    facts: dict[str, Any] = {}
    error = cli.failure("verify", device, "--chain", facts=facts)
    assert error["code"] == "verification"
    assert error["message"] == "0 of 10 records differ; the records are not those of the receipt on chain"
    assert (facts["agrees_with_chain"], facts["differing"]) == (False, [])


def test_records_fewer_than_the_receipts(cli: Cli, device: str) -> None:
    folder(cli, device).rename(cli.folder / "elsewhere")
    cli.work(device, b"x")
    result = cli.run("verify", device, "--chain", "--json")
    assert (result.exit_code, json.loads(result.stdout)["agrees_with_chain"]) == (1, False)


def test_a_new_device_agrees_with_a_chain_that_has_no_receipt(cli: Cli) -> None:
    device, _ = cli.device()
    cli.work(device)
    assert cli.json("verify", device, "--chain")["agrees_with_chain"] is True


def test_records_that_differ_are_named(cli: Cli, device: str) -> None:
    with sqlite3.connect(folder(cli, device) / "spool.sqlite") as database:
        (record,) = database.execute("SELECT record FROM entries WHERE seq = 4").fetchone()
        forged = record[:72] + bytes(32) + record[104:]  # another output
        database.execute("UPDATE entries SET record = ? WHERE seq = 4", (forged,))
    database.close()
    facts: dict[str, Any] = {}
    # CPU times differ from run to run, so the text is looked at on its own.
    result = cli.run("verify", device, "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert facts["error"]["message"] == "1 of 12 records differ"
    [found] = facts["differing"]
    assert (found["job"], found["findings"]) == (4, ["record_hash_differs", "output_differs"])
    assert len(found["details"]) == 2
    text = cli.run("verify", device)
    assert (text.exit_code, "record_hash_differs, output_differs" in text.stdout) == (1, True)
    assert text.stderr.startswith("error: 1 of 12 records differ\nnext step: ")


def test_data_that_is_missing_is_a_difference(cli: Cli, device: str) -> None:
    import hashlib

    name = hashlib.sha256(increment()).hexdigest()
    (folder(cli, device) / "blobs" / name[:2] / name).unlink()
    result = cli.run("verify", bundle(cli, device), "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, len(facts["differing"])) == (1, 12)
    assert facts["differing"][0]["findings"] == ["data_missing"]


def test_what_cannot_be_verified(cli: Cli, device: str) -> None:
    def error(*options: object, code: int = 2) -> dict[str, str]:
        return cli.failure("verify", *options, code=code)

    assert error("nowhere")["message"] == "There is nothing to verify"
    assert error(cli.payer)["code"] == "encoding"
    assert error(cli.network, code=1)["message"].startswith("There is no spool")
    assert error(device, "--seed", "00")["message"] == "--seed chooses a sample"
    assert error(device, "--one-in", 2, "--seed", "xyz")["message"] == "--seed is not hex"
    assert error(device, "--max-units", 2**49)["message"] == "max units is out of range"
