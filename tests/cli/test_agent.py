"""`worktab agent`: the daemon as a process that sells, is stopped and is killed; its config file and its unit."""

from __future__ import annotations

import asyncio
import configparser
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair

from support.agents import AgentProcess, agent
from support.buyers import Buyer, buying, open_tab
from support.cli import Cli
from support.job_shop import jobs_path
from support.jobs import increment, spin
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.delivery import Patience
from worktab.market.buyer.errors import AnswerLost
from worktab.market.buyer.purchases import bought
from worktab.work.spool import Spool

ABC_UNITS = 71
PRICE = ("--price", "2", "--settle-at", "0", "--settle-every", "1")
"""Two whole tokens of 6 decimals for a million units: two base units for each."""


def upload(daemon: AgentProcess) -> None:
    assert httpx.put(f"{daemon.url}/v1/modules", content=increment(), timeout=120).status_code in (200, 201)


async def buy(cli: Cli, url: str, *inputs: bytes, most: int = 200) -> list[int]:
    """Buy these jobs one after the other; the prices."""
    consumer = await open_tab(cli.fleet, 100_000)
    async with buying(consumer, cli.folder / f"purse-{consumer.key.pubkey()}", Budget(100_000), requests=20) as buyer:
        return [await buy_one(buyer, url, each, most) for each in inputs]


async def buy_one(buyer: Buyer, url: str, input: bytes, most: int) -> int:
    path = jobs_path(increment())
    response = await buyer.http.post(url + path, content=input, headers={"WORKTAB-MAX-UNITS": str(most)})
    assert (response.status_code, response.content) == (200, bytes((each + 1) % 256 for each in input))
    proof = bought(response)
    assert proof is not None
    return proof.receipt.price


def on_chain(cli: Cli, device: str) -> tuple[int, int, int]:
    """Jobs, units and unclaimed earnings."""
    from solders.pubkey import Pubkey

    held = cli.served.do(cli.fleet.read(Pubkey.from_string(device)))
    return held.seq, held.units, held.earnings_owed


def test_a_config_file_names_ingests(cli: Cli) -> None:
    device, key = cli.device()
    file = cli.folder / "agent.toml"
    init = ("agent", "init", file, "--device", device, "--key", key, "--price", "1")
    cli.json(*init, "--ingest", "https://a.example", "--ingest", "https://b.example", "--ingest-least", 2)
    assert 'ingest = ["https://a.example", "https://b.example"]\n' in file.read_text()
    assert "\ningest_least = 2\n" in file.read_text()
    wrong = cli.failure("agent", "serve", "--config", file, "--ingest", "a.example", "--port", 0, code=2)
    assert (wrong["code"], wrong["expected"]) == ("input", "http://.. or https://..")


def test_it_sells_settles_submits_and_counts(cli: Cli) -> None:
    device, key = cli.device()
    with agent(cli, device, key, *PRICE, "--submit-every", "1") as daemon:
        assert daemon.facts["price"] == 2_000_000
        upload(daemon)
        assert cli.served.do(buy(cli, daemon.url, b"abc", b"xyz")) == [142, 142]
        found = daemon.wait_for(settled_base_units_total=284, receipts_submitted_total=1, spool_lag_jobs=0)
        found = daemon.wait_for(reward_base_units_total=284)
        assert found["worktab_jobs_total{outcome=done}"] == 2
        assert found["worktab_units_total"] == 2 * ABC_UNITS
        assert found["worktab_charged_base_units_total"] == found["worktab_settled_base_units_total"] == 284
        assert found["worktab_unsettled_base_units"] == 0
        assert found["worktab_lanes"] == 1
        assert found["worktab_request_seconds_count"] == 2
        assert found["worktab_vouchers_checked_total"] >= 3  # two for jobs, one exact
        for name in ("settle", "submit"):
            assert abs(found[f"worktab_last_{name}_timestamp_seconds"] - time.time()) < 60
        assert daemon.stop() == 0
        assert daemon.errors[-1] == ""
    assert on_chain(cli, device) == (2, 2 * ABC_UNITS, 284)


def test_metrics_can_be_elsewhere_and_jobs_stay_paid(cli: Cli) -> None:
    device, key = cli.device()
    with agent(cli, device, key, *PRICE, "--metrics-port", "0") as daemon:
        assert httpx.get(f"{daemon.url}/metrics", timeout=120).status_code == 404
        assert daemon.metrics()["worktab_lanes"] == 0
        upload(daemon)
        asked = httpx.post(daemon.url + jobs_path(increment()), content=b"abc", timeout=120)
        assert asked.status_code == 402
        assert daemon.stop(signal.SIGINT) == 0


def test_it_settles_what_it_is_owed_when_it_is_stopped(cli: Cli) -> None:
    device, key = cli.device()
    with agent(cli, device, key, "--price", "2", "--settle-at", "0", "--settle-every", "3600") as daemon:
        daemon.wait_for(last_submit_timestamp_seconds=1)  # the first rounds are over, and found nothing
        upload(daemon)
        assert cli.served.do(buy(cli, daemon.url, b"abc")) == [142]
        assert on_chain(cli, device)[2] == 0
        assert daemon.stop() == 0
    assert on_chain(cli, device)[2] == 142


def test_killed_again_and_again_it_loses_and_repeats_nothing(cli: Cli) -> None:
    device, key = cli.device()
    jobs, consumers = 10, 3
    inputs = [[bytes([who, number]) * 4_000 for number in range(jobs)] for who in range(consumers)]
    answered: list[int] = []

    async def buys(url: str, mine: list[bytes]) -> tuple[int, int]:
        consumer = await open_tab(cli.fleet, 100_000_000)
        path = cli.folder / f"purse-{mine[0][0]}"
        patience = Patience(tries=100, first=0.05, longest=0.3)
        async with buying(consumer, path, Budget(100_000_000), patience=patience, requests=20) as buyer:
            total = 0
            for each in mine:
                while True:
                    try:
                        total += await buy_one(buyer, url, each, 200_000)
                        break
                    except (httpx.TransportError, AnswerLost):  # it is down before anything was paid
                        await asyncio.sleep(0.05)
                answered.append(total)
            assert buyer.budget.charged == total
            assert buyer.budget.out == 0
        [lane] = (await consumer.tab()).lanes
        return total, lane.nonce

    async def all_buy(url: str) -> list[tuple[int, int]]:
        return await asyncio.gather(*(buys(url, mine) for mine in inputs))

    with agent(cli, device, key, *PRICE, "--submit-every", "1", "--accept-cut", "--max-units", 200_000) as daemon:
        upload(daemon)
        load = asyncio.run_coroutine_threadsafe(all_buy(daemon.url), cli.served._loop)
        for target in (4, 11, 19):
            while len(answered) < target and not load.done():
                time.sleep(0.002)
            daemon.kill()
            daemon.start()
        paid = load.result(120)
        total = sum(each for each, _ in paid)
        done = (jobs * consumers, total // 2, total)
        limit = time.monotonic() + 120
        while on_chain(cli, device) != done:
            assert time.monotonic() < limit, on_chain(cli, device)
            time.sleep(0.05)
        assert daemon.stop() == 0

    with Spool.open(cli.folder / "data" / "worktab" / device / "spool.sqlite", device=_bytes(device)) as spool:
        entries = list(spool.entries())
    assert len({each.record.input for each in entries}) == len(entries) == jobs * consumers
    assert sum(each.record.amount for each in entries) == total
    assert on_chain(cli, device) == done


def test_a_job_that_outlasts_the_grace_is_done_after_the_next_start(cli: Cli) -> None:
    device, key = cli.device()
    slow = spin()

    async def buy_slow(url: str) -> tuple[int, int]:
        consumer = await open_tab(cli.fleet, 1_000_000)
        patience = Patience(tries=100, first=0.1, longest=0.3)
        async with buying(consumer, cli.folder / "purse", Budget(1_000_000), patience=patience) as buyer:
            response = await buyer.http.post(
                url + jobs_path(slow),
                content=(3 * 10**9).to_bytes(8, "little"),
                headers={"WORKTAB-MAX-UNITS": "25000000000"},
            )
            return response.status_code, buyer.budget.charged

    args = ("--price", "0.000001", "--grace", "0", "--max-units", 25 * 10**9)
    with agent(cli, device, key, *args) as daemon:
        assert httpx.put(f"{daemon.url}/v1/modules", content=slow, timeout=120).status_code == 201
        buying_it = asyncio.run_coroutine_threadsafe(buy_slow(daemon.url), cli.served._loop)
        daemon.wait_for(jobs_running=1)
        assert daemon.stop() == 0
        assert "jobs were still under way" in daemon.errors[-1]
        assert not buying_it.done()
        daemon.start()
        assert buying_it.result(120) == (200, 24_001)
        assert daemon.metrics()["worktab_jobs_total{outcome=done}"] == 1


def _bytes(address: str) -> bytes:
    from solders.pubkey import Pubkey

    return bytes(Pubkey.from_string(address))


def test_a_config_file_says_it_all(cli: Cli) -> None:
    device, key = cli.device()
    file = cli.folder / "agent.toml"
    made = cli.json("agent", "init", file, "--device", device, "--key", key, "--price", "2", "--minimum", "0.0005")
    assert made == {"device": device, "file": str(file)}
    assert cli.failure("agent", "init", file, "--device", device, "--key", key)["code"] == "storage"
    with file.open("a") as more:
        more.write("threads = 1\n")
    with agent(cli, device, key, "--config", file) as daemon:
        assert (daemon.facts["price"], daemon.facts["minimum"]) == (2_000_000, 500)
    file.write_text("prise = '2'\n")
    error = cli.failure("agent", "serve", "--config", file, code=2)
    assert (error["code"], error["expected"]) == ("unknown_setting", "price")
    file.write_text("port = '80'\n")
    assert cli.failure("agent", "serve", "--config", file, code=2)["code"] == "bad_setting"
    file.write_text("port = \n")
    assert cli.failure("agent", "serve", "--config", file)["code"] == "storage"
    for missing in ("--device", "--key"):
        given = [each for each in (("--device", device), ("--key", key)) if each[0] != missing]
        error = cli.failure("agent", "serve", *(word for pair in given for word in pair), code=2)
        assert error["code"] == "missing_setting"


def test_without_a_price_it_asks_what_the_network_pays(cli: Cli) -> None:
    device, key = cli.device()
    with agent(cli, device, key) as daemon:
        assert daemon.facts["price"] == 2_000_000


def test_a_port_that_is_taken_and_a_spool_that_is_in_use_are_told(cli: Cli) -> None:
    device, key = cli.device()
    with agent(cli, device, key, *PRICE) as daemon:
        port = daemon.url.rpartition(":")[2]
        other = ("--device", device, "--key", key, "--port", port)
        assert cli.failure("agent", "serve", *other)["code"] == "state"
        elsewhere = cli.failure("agent", "serve", *other, "--state", cli.folder / "elsewhere")
        assert elsewhere["message"].startswith("Cannot listen on 127.0.0.1 port")


@pytest.mark.parametrize("user", [False, True])
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path, user: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from support.cli import invoke

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    key, wallet, module = tmp_path / "a key.json", tmp_path / "wallet.json", tmp_path / "job.wasm"
    for each in (key, wallet):
        each.write_text(Keypair().to_json())
    module.write_bytes(increment())
    config = tmp_path / "agent.toml"
    device = "11111111111111111111111111111112"
    result = invoke(
        "agent", "init", config, "--device", device, "--key", key, "--wallet", wallet, "--modules", module,
        "--grace", "12",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    flags = ["--user"] if user else []
    text = invoke("agent", "unit", "--config", config, *flags).stdout
    assert json.loads(invoke("agent", "unit", "--config", config, "--json", *flags).stdout) == {"unit": text}

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(text)
    service = parser["Service"]
    assert (service["Restart"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("always", "yes", "strict")
    assert service["TimeoutStopSec"] == "72"
    assert "MemoryDenyWriteExecute" not in service  # compiled WASM is written, then run
    if user:
        # Where the daemon works without a service, so that it goes on with the spool that it has.
        state = tmp_path / "data" / "worktab" / device
        assert service["ExecStart"].endswith(f"--modules {module} --state {state}")
        assert service["ReadWritePaths"] == str(state)
        assert state.is_dir()  # a path that is missing keeps the service from starting
        assert "StateDirectory" not in service
        assert f'--key "{key}"' in service["ExecStart"]
    else:
        assert service["ExecStart"].endswith(f"--modules {module} --state %S/worktab-{device}")
        assert service["StateDirectory"] == f"worktab-{device}"
        assert "--config %d/config --key %d/key --wallet %d/wallet" in service["ExecStart"]
        assert f"LoadCredential=key:{key}\n" in text

    analyze = shutil.which("systemd-analyze")
    if analyze:
        unit = tmp_path / "worktab.service"
        unit.write_text(text)
        checked: Any = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_what_keeps_a_daemon_from_starting_is_told_before_a_file_is_written(tmp_path: Path) -> None:
    from support.cli import invoke

    key, empty, missing = tmp_path / "key.json", tmp_path / "empty", tmp_path / "missing"
    key.write_text(Keypair().to_json())
    empty.write_text("")
    config = tmp_path / "agent.toml"
    device = ("--device", "11111111111111111111111111111112")
    good = (*device, "--key", key)
    for words, code in (
        ((*good, "--price", "-3"), "bad_setting"),
        ((*good, "--price", "abc"), "bad_setting"),
        ((*good, "--settle-least", "1e3"), "bad_setting"),
        ((*device, "--key", missing), "storage"),
        ((*device, "--key", empty), "key_format"),
        ((*good, "--wallet", missing), "storage"),
        ((*good, "--modules", missing), "storage"),
    ):
        failed = invoke("agent", "init", config, *words, "--json")
        assert failed.exit_code != 0
        assert json.loads(failed.stdout)["error"]["code"] == code, words
        assert not config.exists()
    assert invoke("agent", "init", config, *good).exit_code == 0
    assert "\n# threads = NUMBER\n" in config.read_text()


def test_the_systems_service_needs_the_wallet_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from support.cli import invoke

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    config = tmp_path / "agent.toml"
    config.write_text('device = "11111111111111111111111111111112"\nkey = "k"\n')
    failed = invoke("agent", "unit", "--config", config)
    assert failed.exit_code == 2
    assert "'wallet' is missing" in failed.stderr
    assert invoke("agent", "unit", "--config", config, "--user").exit_code == 0
