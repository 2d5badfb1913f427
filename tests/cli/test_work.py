"""`worktab device run`, `submit`, `export` and `adopt`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.cli import Cli, invoke, utc
from support.jobs import echo, increment, module
from worktab.core.errors import ConnectionFailed
from worktab.roles import submitting
from worktab.work import wasm
from worktab.work.bundle import open_bundle
from worktab.work.spool import Spool

DEVICE = Keypair().pubkey()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run jobs of a device that no chain knows, without any chain."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("ANCHOR_PROVIDER_URL", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    Path("job.wasm").write_bytes(increment())
    Path("abc").write_bytes(b"abc")
    Path("defg").write_bytes(b"defg")

    def run(*args: object, code: int = 0) -> Any:
        result = invoke("device", "run", DEVICE, *args, "--json")
        assert result.exit_code == code, result.output
        facts = json.loads(result.stdout)
        return facts["error"] if code else facts

    return run


def entries(folder: Path) -> list[Any]:
    with Spool.open(folder / "spool.sqlite", device=bytes(DEVICE)) as spool:
        return list(spool.entries())


def test_run_records_jobs_without_a_chain(run: Any, tmp_path: Path) -> None:
    facts = run("job.wasm", "abc", "defg", "--class", 3, "--output", "out/puts")
    folder = tmp_path / "data" / "worktab" / str(DEVICE)
    first, second = entries(folder)
    assert facts == {
        "device": str(DEVICE),
        "state": str(folder),
        "jobs": [
            {"job": 1, "input": "abc", "units": 71, "output": hashlib.sha256(b"bcd").hexdigest()},
            {"job": 2, "input": "defg", "units": second.record.units, "output": hashlib.sha256(b"efgh").hexdigest()},
        ],
        "units": 71 + second.record.units,
        "total_jobs": 2,
        "total_units": 71 + second.record.units,
    }
    assert (first.record.work_class, first.record.module) == (3, hashlib.sha256(increment()).digest())
    assert Path("out/puts/1").read_bytes() == b"bcd"
    assert Path("out/puts/2").read_bytes() == b"efgh"
    assert run("job.wasm", "abc")["total_jobs"] == 3


def test_a_job_with_an_id_is_recorded_once(run: Any) -> None:
    first = run("job.wasm", "abc", "--job-id", "order-1")
    assert run("job.wasm", "abc", "--job-id", "order-1") == first
    assert run("job.wasm", "defg", "--job-id", "order-1", code=1)["code"] == "state"
    assert run("job.wasm", "defg", "abc", "--job-id", "order-2", code=2)["message"] == "--job-id names one job"
    assert run("job.wasm", "abc", "--job-id", "x" * 65, code=2)["code"] == "input"


def test_a_state_folder_of_ones_own(run: Any, tmp_path: Path) -> None:
    assert run("job.wasm", "abc", "--state", tmp_path / "mine")["state"] == str(tmp_path / "mine")
    assert len(entries(tmp_path / "mine")) == 1
    assert (tmp_path / "mine" / "spool.sqlite").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "data").exists()


def test_the_default_state_folder(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("job.wasm", "abc")["state"] == str(tmp_path / ".local" / "share" / "worktab" / str(DEVICE))


def test_jobs_that_cannot_be_done(run: Any, tmp_path: Path) -> None:
    Path("trap.wasm").write_bytes(module("unreachable"))
    assert run("abc", "abc", code=1)["reason"] == "bad_module"
    assert run("trap.wasm", "abc", code=1)["reason"] == "trap"
    assert run("job.wasm", "abc", "--fuel-limit", 70, code=1)["reason"] == "out_of_fuel"
    assert run("job.wasm", "abc", "--fuel-limit", 2**48 + 1, code=2)["code"] == "input"
    assert run("none.wasm", "abc", code=1)["message"] == "The module none.wasm cannot be read"
    assert run("job.wasm", "abc", "none", code=1)["message"] == "The input none cannot be read"
    assert entries(tmp_path / "data" / "worktab" / str(DEVICE)) == []
    run("job.wasm", "abc", "--fuel-limit", 71)
    assert "the job is recorded" in run("job.wasm", "abc", "--output", "abc", code=1)["message"]


def test_where_jobs_do_not_run_as_elsewhere_nothing_is_recorded(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wasm, "MEMORY_LIMIT", 1 << 20)
    refused = run("job.wasm", "abc", code=1)
    assert (refused["code"], refused["message"]) == ("job", "this machine does not run a job as all others do")
    assert not list(tmp_path.rglob("*.sqlite"))


def test_submit_brings_everything_to_the_chain_once(cli: Cli) -> None:
    device, key = cli.device(kind="p256")
    cli.work(device, b"abc", b"abc")
    facts = cli.json("device", "submit", device, "--key", key)
    [receipt] = facts["receipts"]
    assert (facts["jobs"], facts["reward"], facts["held_back"]) == (2, 284, None)
    assert (receipt["jobs"], receipt["units"], receipt["eligible"], receipt["reward"]) == (2, 142, 142, 284)
    assert (receipt["outcome"], receipt["transaction"]["fee_lamports"]) == ("recorded", 10_000)
    assert facts["clock_correction"] == 0

    again = cli.json("device", "submit", device, "--key", key)
    assert (again["jobs"], again["receipts"], again["reward"]) == (2, [], 0)


def test_a_clock_that_is_off_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    device, key = cli.device()
    cli.work(device)
    monkeypatch.setattr(submitting, "time", SimpleNamespace(time=lambda: cli.served.time() - 1_000))
    result = cli.run("device", "submit", device, "--key", key, "--json")
    assert (result.exit_code, json.loads(result.stdout)["clock_correction"]) == (0, 1_000)
    assert result.stderr == (
        "warning: the device's clock is off: the receipt's time is 1000 seconds from what it says\n"
    )


def test_submit_with_a_chain_that_is_down_loses_nothing(cli: Cli) -> None:
    device, key = cli.device()
    cli.work(device)
    submit = ("device", "submit", device, "--key", key)
    down = cli.run(*submit, "--json", ANCHOR_PROVIDER_URL="http://127.0.0.1:9")
    assert down.exit_code == 1
    assert f'"code": "{ConnectionFailed.code}"' in down.stdout
    assert cli.run(*submit).exit_code == 0
    assert cli.json("device", "status", device)["jobs"] == 1


def test_a_cut_reward_is_held_back_until_told_otherwise(cli: Cli) -> None:
    device, key = cli.device(capacity=100)
    cli.work(device, b"abc", b"abc")
    facts: dict[str, Any] = {}
    submit = ("device", "submit", device, "--key", key)
    result = cli.run(*submit)
    assert result.exit_code == 1
    assert "held back" in result.stdout
    assert "error: The limit on capacity would cut the reward; the receipt was not submitted" in result.stderr
    assert "--accept-cut" in result.stderr
    error = cli.failure(*submit, facts=facts)
    assert (error["code"], error["expected"], error["got"]) == ("reward_held_back", "0.000284", "0.0002")
    assert error["next_step"] == f"Submit after {utc(cli.epoch(2))}, or with --accept-cut to give it up"
    assert facts["held_back"] == {
        "new_units": 142,
        "eligible": 100,
        "full_reward": 284,
        "reward": 200,
        "limits": ["capacity"],
        "next_epoch_at": cli.epoch(2),
    }
    assert (facts["jobs"], facts["receipts"]) == (0, [])

    accepted = cli.json(*submit, "--accept-cut")
    assert (accepted["jobs"], accepted["reward"]) == (2, 200)
    # The key signs the transaction itself, next to the fee payer.
    assert accepted["receipts"][0]["transaction"]["fee_lamports"] == 10_000


def test_a_p256_device_gives_up_a_reward_by_its_owner(cli: Cli) -> None:
    device, key = cli.device(capacity=50, kind="p256")
    cli.work(device)
    submit = ("device", "submit", device, "--key", key, "--accept-cut")
    stranger = cli.failure(*submit, "--keypair", cli.authority, "--fee-payer", cli.payer, facts={})
    assert stranger["code"] == "reward_held_back"
    assert stranger["next_step"].endswith("--keypair with the owner's wallet, which alone can give it up")
    assert cli.json(*submit)["reward"] == 100


def test_submit_refuses(cli: Cli) -> None:
    device, key = cli.device()
    assert cli.failure("device", "submit", device, "--key", key)["message"].startswith("There is no spool")
    cli.work(device)
    other = cli.folder / "other.json"
    cli.json("device", "keygen", other)
    assert cli.run("device", "submit", device, "--key", other).exit_code == 1
    missing = cli.failure("device", "submit", device, "--key", cli.folder / "none")
    assert missing["message"] == f"The key file {cli.folder / 'none'} cannot be read"


def test_a_spool_belongs_to_one_device(cli: Cli) -> None:
    device, _ = cli.device()
    cli.work(device)
    folder = cli.folder / "data" / "worktab" / device
    other = ("device", "run", DEVICE, cli.folder / "increment.wasm", cli.folder / "input-0", "--state", folder)
    assert cli.failure(*other)["code"] == "state"


def test_export(cli: Cli) -> None:
    device, _ = cli.device()
    cli.work(device, b"abc", b"defg")
    file = cli.folder / "work.bundle"
    assert cli.json("device", "export", device, file) == {"device": device, "file": str(file), "records": 2}
    with open_bundle(file) as bundle:
        assert (bundle.device, bundle.count) == (bytes(Pubkey.from_string(device)), 2)
        assert [entry.seq for entry in bundle.entries()] == [1, 2]
        assert bundle.get(hashlib.sha256(b"efgh").digest()) == b"efgh"
    assert cli.failure("device", "export", device, cli.folder / "no" / "file")["code"] == "storage"
    assert cli.failure("device", "export", cli.network, file)["code"] == "state"


def test_many_modules_share_a_spool(run: Any) -> None:
    Path("echo.wasm").write_bytes(echo())
    run("job.wasm", "abc")
    assert run("echo.wasm", "abc")["total_jobs"] == 2


def test_adopt_continues_a_lost_spool_from_the_chain(cli: Cli) -> None:
    device, key = cli.device()
    submit, adopt = ("device", "submit", device, "--key", key), ("device", "adopt", device)
    cli.work(device, b"abc", b"abc")
    cli.json(*submit)
    spool = cli.folder / "data" / "worktab" / device / "spool.sqlite"
    spool.rename(cli.folder / "lost.sqlite")
    cli.work(device)
    assert "worktab device adopt" in cli.failure(*submit)["next_step"]

    refused = cli.failure(*adopt, code=2)
    assert (refused["code"], refused["expected"]) == ("input", "--yes")
    assert "worktab device adopt" in cli.failure(*submit)["next_step"]

    adopted = {"device": device, "state": str(spool.parent), "total_jobs": 2, "total_units": 142, "set_aside": 1}
    assert cli.json(*adopt, "--yes") == adopted
    assert cli.json(*adopt, "--yes") == {**adopted, "set_aside": 0}
    cli.work(device)
    assert (cli.json(*submit)["jobs"], cli.json("device", "status", device)["units"]) == (3, 213)


def test_adopt_makes_a_spool_where_there_is_none(cli: Cli) -> None:
    device, key = cli.device()
    cli.work(device)
    cli.json("device", "submit", device, "--key", key)
    other = cli.folder / "other"
    facts = cli.json("device", "adopt", device, "--yes", "--state", other)
    assert (facts["total_jobs"], facts["total_units"], facts["set_aside"]) == (1, 71, 0)
    assert (other / "spool.sqlite").exists()
    assert cli.failure("device", "adopt", Keypair().pubkey(), "--yes")["code"] == "device_not_found"
