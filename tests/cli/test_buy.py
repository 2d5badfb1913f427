"""`worktab buy`: the cheapest device, fail-over, verification, budgets and crashes, against real daemons."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from typer.testing import Result

from support.agents import COMMAND, AgentProcess, agent
from support.cli import Cli
from support.jobs import increment, module, spin
from worktab.core.money import RATE_UNITS
from worktab.demo.digits import decode_output, encode_input, load_images, load_module
from worktab.work.spool import Spool

ABC_UNITS = 71
FUNDS = 10_000_000
SLOW = (2 * 10**9).to_bytes(8, "little")
"""A job of some two seconds."""

SLOW_UNITS = 16_000_000_016
SETTLED = ("--settle-at", "0", "--settle-every", "1", "--max-units", 20 * 10**9)


class Shopper(Cli):
    """A user who is told the name of each purchase before it is paid."""

    named: str = ""

    def run(self, *args: object, answer: str | None = None, **env: str) -> Result:
        result = super().run(*args, answer=answer, **env)
        line = re.match(rb"purchase: ([0-9a-f]{16})\n", result.stderr_bytes or b"")
        if line:
            assert "--purchase" not in args
            self.named = line[1].decode()
            result.stderr_bytes = (result.stderr_bytes or b"")[line.end() :]
            if result.exit_code:  # runs that fail alike are compared
                result.stderr_bytes = result.stderr_bytes.replace(line[1], b"NAME")
                result.stdout_bytes = result.stdout_bytes.replace(line[1], b"NAME")
        return result


class Market:
    """Devices with their daemons, and a consumer with a tab: the user's wallet."""

    def __init__(self, cli: Cli, stack: ExitStack) -> None:
        self.cli, self._stack = Shopper(cli.served, cli.folder), stack
        self.daemons: list[AgentProcess] = []
        self.devices: list[str] = []
        cli.give(cli.fleet.payer.pubkey(), FUNDS)
        cli.json("tab", "open", cli.network)
        cli.json("tab", "deposit", cli.network, "10")
        self.job = cli.file("job.wasm", increment())
        self.input = cli.file("input", b"abc")

    def device(self, price: str, *args: object) -> AgentProcess:
        """A new device that asks `price` whole tokens for a million units."""
        key = self.cli.key_file(f"device-{len(self.devices)}.json", Keypair())
        made = self.cli.json("device", "register", self.cli.network, "--key", key, "--capacity", 1_000)
        daemon = self._stack.enter_context(
            agent(self.cli, made["device"], key, "--price", price, *SETTLED, "--submit-every", "3600", *args)
        )
        self.daemons.append(daemon)
        self.devices.append(made["device"])
        return daemon

    @property
    def sources(self) -> list[str]:
        """Where the devices are, as the command takes it."""
        return [word for each in self.daemons for word in ("--from", each.url)]

    def buy(self, *args: object, budget: str = "1") -> dict[str, Any]:
        """Buy the usual job."""
        return self.cli.json("buy", self.job, self.input, *self.sources, "--budget", budget, *args)

    def earned(self, number: int) -> int:
        """Base units that a device has earned and not claimed, once all its lanes are settled."""
        self.daemons[number].wait_for()
        limit = time.monotonic() + 120
        while self.daemons[number].metrics()["worktab_unsettled_base_units"]:
            assert time.monotonic() < limit
            time.sleep(0.05)
        held = self.cli.served.do(self.cli.fleet.read(Pubkey.from_string(self.devices[number])))
        return held.earnings_owed

    def jobs(self, number: int) -> int:
        """Jobs in the spool of a device whose daemon has stopped."""
        folder = self.cli.folder / "data" / "worktab" / self.devices[number]
        with Spool.open(folder / "spool.sqlite", device=bytes(Pubkey.from_string(self.devices[number]))) as spool:
            return spool.state().seq

    def spent(self) -> int:
        """Base units that the consumer's lanes paid."""
        view = self.cli.served.do(self.cli.fleet.operator.reader.tab(self.cli.fleet.payer.pubkey()))
        return sum(lane.paid for lane in view.lanes)


@pytest.fixture
def market(cli: Cli) -> Iterator[Market]:
    with ExitStack() as stack:
        yield Market(cli, stack)


def test_the_cheapest_device_gets_the_work(market: Market) -> None:
    market.device("3")
    market.device("2")
    result = market.cli.folder / "out" / "result"
    bought = market.buy("--output", result)
    assert result.read_bytes() == b"bcd"
    assert bought["output"] == str(result)
    assert (bought["device"], bought["units"]) == (market.devices[1], ABC_UNITS)
    assert (bought["price"], bought["paid"], bought["bytes"]) == (2 * ABC_UNITS, 2 * ABC_UNITS, 3)
    assert (bought["verified"], bought["unreachable"], bought["repeated"]) == (0, [], False)
    [attempt] = bought["attempts"]
    assert (attempt["url"], attempt["for"], attempt["error"]) == (market.daemons[1].url, "result", None)
    assert {each["of"]: (each["amount"], each["bps"]) for each in bought["overhead"]} == dict.fromkeys(
        ("routing", "retries", "verification", "all"), (0, 0)
    )
    assert (market.earned(0), market.earned(1)) == (0, 2 * ABC_UNITS)
    assert market.spent() == 2 * ABC_UNITS

    shown = market.cli.text("buy", market.job, market.input, *market.sources, "--budget", "1")
    assert re.search(r"^price +0\.000142$", shown, re.MULTILINE)
    assert re.search(r"^ routing +0 +0\.00 % ", shown, re.MULTILINE)
    assert re.search(rf"^ {market.daemons[1].url} +result +71 +0\.000142 +0 +- ", shown, re.MULTILINE)


def test_results_are_compared_with_other_devices(market: Market) -> None:
    for price in ("2", "3", "4"):
        market.device(price)
    bought = market.buy("--verify", "2")
    assert bought["verified"] == 2
    assert [(each["for"], each["price"]) for each in bought["attempts"]] == [
        ("result", 2 * ABC_UNITS),
        ("verify", 3 * ABC_UNITS),
        ("verify", 4 * ABC_UNITS),
    ]
    [verification] = [each for each in bought["overhead"] if each["of"] == "verification"]
    assert (verification["amount"], verification["bps"], verification["share"]) == (7 * ABC_UNITS, 35_000, "350.00 %")
    assert bought["paid"] == 9 * ABC_UNITS
    assert [market.earned(each) for each in range(3)] == [2 * ABC_UNITS, 3 * ABC_UNITS, 4 * ABC_UNITS]

    facts: dict[str, Any] = {}
    error = market.cli.failure(
        "buy", market.job, market.input, *market.sources, "--budget", "1", "--verify", "3", facts=facts
    )
    assert (error["code"], error["expected"], error["got"]) == ("not_verified", "3", "2")
    assert facts["paid"] == 9 * ABC_UNITS


def test_a_budget_holds_for_everything_together(market: Market) -> None:
    for price in ("2", "2"):
        market.device(price)
    job = (market.job, market.input, *market.sources, "--max-units", ABC_UNITS)
    # Both together cost 284.
    error = market.cli.failure("buy", *job, "--budget", "0.000283", "--verify", "1", facts={})
    assert error["code"] == "not_verified"
    error = market.cli.failure("buy", *job, "--budget", "0.000141", facts={})
    assert error["code"] == "budget_exceeded"
    error = market.cli.failure("buy", *job, "--budget", "1", "--per-job", "0.000141", facts={})
    assert error["code"] == "budget_exceeded"
    assert market.cli.json("buy", *job, "--budget", "0.000284", "--verify", "1")["paid"] == 284


def test_as_many_units_as_the_budget_buys(market: Market) -> None:
    facts: dict[str, Any] = {}
    market.device("2")
    error = market.cli.failure("buy", market.job, market.input, *market.sources, "--budget", "0.00014", facts=facts)
    assert (error["code"], "the job ran out of fuel" in error["got"]) == ("no_device_answered", True)
    assert error["next_step"].startswith("Let the job take more units: raise --max-units, --budget or --per-job. ")
    assert facts["attempts"][0]["may_charge"] == facts["may_charge"] == 140
    bought = market.buy(budget="0.000143")  # 71 units and a half
    assert bought["price"] == 142


def test_another_device_takes_over_where_one_dies_at_work(market: Market) -> None:
    cli = market.cli
    cheap, dear = market.device("0.000001"), market.device("0.000002")
    module, input = cli.file("spin.wasm", spin()), cli.file("count", SLOW)

    def kill_at_work() -> None:
        cheap.wait_for(jobs_running=1)
        cheap.kill()

    killing = threading.Thread(target=kill_at_work)
    killing.start()
    bought = cli.json("buy", module, input, *market.sources, "--budget", "0.1", "--max-units", 17 * 10**9)
    killing.join()
    price = -(-2 * SLOW_UNITS // RATE_UNITS)
    assert (bought["device"], bought["units"], bought["price"]) == (market.devices[1], SLOW_UNITS, price)
    lost, won = bought["attempts"]
    assert (lost["url"], lost["error"], lost["price"], lost["may_charge"]) == (cheap.url, "answer_lost", 0, 17_000)
    assert (won["url"], won["error"], won["price"]) == (dear.url, None, price)
    [retries] = [each for each in bought["overhead"] if each["of"] == "retries"]
    assert (retries["amount"], retries["bps"]) == (17_000, -(-17_000 * 10_000 // price))
    assert market.earned(1) == price
    assert market.jobs(0) == 0
    # Started again, it has charged nothing; what it might still settle is no more than what it was said to be.
    cheap.start()
    assert market.earned(0) == 0
    assert market.spent() == price


def test_a_buyer_that_crashes_gets_what_it_bought(market: Market) -> None:
    cli = market.cli
    daemon = market.device("0.000002")
    module, input = cli.file("spin.wasm", spin()), cli.file("count", SLOW)
    words = ("buy", module, input, *market.sources, "--budget", "0.034", "--max-units", 17 * 10**9)
    words = (*words, "--purchase", "order-7")
    process = subprocess.Popen([*COMMAND, *map(str, words)], env=os.environ | cli.env)
    daemon.wait_for(jobs_running=1)
    process.kill()
    process.wait()

    # A purchase is for one job.
    assert cli.failure(*("buy", market.job, *words[2:]))["code"] == "state"

    market.device("0.000001")  # is cheaper, and would be paid a second time
    price = -(-2 * SLOW_UNITS // RATE_UNITS)
    bought = cli.json(*words, *market.sources)
    assert (bought["device"], bought["price"], bought["repeated"]) == (market.devices[0], price, False)
    assert Path(bought["output"]).read_bytes() == SLOW
    assert (market.earned(0), market.earned(1)) == (price, 0)
    assert daemon.stop() == 0
    assert market.jobs(0) == 1

    # From now on nobody is asked any more.
    again = cli.json(*words, "--output", cli.folder / "again")
    assert again == bought | {"repeated": True, "output": str(cli.folder / "again")}
    assert (cli.folder / "again").read_bytes() == SLOW


def test_what_went_out_before_a_crash_counts_against_the_budget(market: Market) -> None:
    cli = market.cli
    daemon = market.device("0.000001")
    module, input = cli.file("spin.wasm", spin()), cli.file("count", SLOW)
    words = ("buy", module, input, *market.sources, "--max-units", 17 * 10**9, "--purchase", "p")
    process = subprocess.Popen([*COMMAND, *map(str, words), "--budget", "0.05"], env=os.environ | cli.env)
    daemon.wait_for(jobs_running=1)
    process.kill()
    process.wait()
    daemon.kill()

    # The dead device may still settle 17,000; the other asks for 34,000.
    facts: dict[str, Any] = {}
    market.device("0.000002")
    error = cli.failure(*words, *market.sources[2:], "--budget", "0.0509", facts=facts)
    assert error["code"] == "budget_exceeded"
    assert (facts["paid"], facts["may_charge"]) == (0, 17_000)
    bought = cli.json(*words, *market.sources[2:], "--budget", "0.051")
    assert bought["device"] == market.devices[1]


def test_devices_are_found_by_flags_variable_or_file(market: Market) -> None:
    cli = market.cli
    market.device("2")
    market.device("3")
    words = ("buy", market.job, market.input, "--budget", "1", "--json")
    env = {"XDG_CONFIG_HOME": str(cli.folder / "config")}
    assert cli.run(*words, **env).exit_code == 2
    listed = cli.folder / "config" / "worktab" / "devices"
    listed.parent.mkdir(parents=True)
    listed.write_text(f"# mine\n\n{market.daemons[1].url}  # dear\n")
    assert cli.run(*words, **env).exit_code == 0
    both = " ".join(each.url for each in market.daemons)
    assert cli.run(*words, **env, WORKTAB_DEVICES=both).exit_code == 0
    assert (market.earned(0), market.earned(1)) == (2 * ABC_UNITS, 3 * ABC_UNITS)


def test_no_device_and_a_failing_job_are_told(market: Market) -> None:
    cli = market.cli
    daemon = market.device("2")
    trap = cli.file("trap.wasm", module("(unreachable)"))
    facts: dict[str, Any] = {}
    words = ("buy", trap, market.input, *market.sources, "--budget", "1", "--max-units", "71", "--purchase", "p")
    error = cli.failure(*words, facts=facts)
    reason = "The job failed (trap): the job trapped: unreachable"
    assert (error["code"], error["got"]) == ("no_device_answered", f"{daemon.url}: job_failed: {reason}")
    assert error["next_step"].endswith(". Run it again with --purchase p: nothing is charged twice")
    # The device says that nothing is owed, and holds a voucher that says it is.
    row = {"url": daemon.url, "price": 0, "may_charge": 142, "error": "job_failed", "reason": reason}
    assert facts == {"purchase": "p", "paid": 0, "may_charge": 142, "attempts": [row]}
    shown = cli.run(*words).stdout
    assert re.search(r"^may charge +0\.000142$", shown, re.MULTILINE)
    assert re.search(rf"^ {daemon.url} +0 +0\.000142 +job_failed +The job failed \(trap\)", shown, re.MULTILINE)
    daemon.stop()
    error = cli.failure("buy", market.job, market.input, *market.sources, "--budget", "1")
    assert (error["code"], error["got"]) == ("no_device_answered", f"{daemon.url}: no offer")


def test_an_interrupted_purchase_tells_what_it_cost_and_goes_on(market: Market) -> None:
    cli, daemon = market.cli, market.device("0.000001")
    module, input = cli.file("spin.wasm", spin()), cli.file("count", SLOW)
    words = ("buy", module, input, *market.sources, "--max-units", 17 * 10**9, "--budget", "0.05")
    command = [*COMMAND, *map(str, words)]
    process = subprocess.Popen(
        [*command, "--json"], env=os.environ | cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    daemon.wait_for(jobs_running=1)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate()
    assert process.returncode == 130
    facts = json.loads(told)
    assert errors == f"purchase: {facts['purchase']}\n"
    assert facts.pop("error") == {
        "code": "interrupted",
        "message": "Interrupted before there was a result",
        "expected": "",
        "got": "",
        "next_step": f"Run it again with --purchase {facts['purchase']}: nothing is charged twice",
    }
    row = {"url": daemon.url, "price": 0, "may_charge": 17_000, "error": "no_answer", "reason": None}
    assert facts == {"purchase": facts["purchase"], "paid": 0, "may_charge": 17_000, "attempts": [row]}

    bought = cli.json(*words, "--purchase", facts["purchase"])
    assert bought["price"] == market.earned(0) == -(-SLOW_UNITS // RATE_UNITS)
    assert daemon.stop() == 0
    assert market.jobs(0) == 1


def test_where_the_result_goes_is_looked_at_before_anything_is_paid(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = market.cli
    market.device("2")
    words = ("buy", market.job, market.input, *market.sources, "--budget", "1", "--purchase", "p")
    for place, fault in ((cli.folder, "it is a folder"), (Path("/proc/x/y"), "No such file or directory")):
        error = cli.failure(*words, "--output", place)
        assert (error["code"], error["got"]) == ("storage", fault)
        assert error["next_step"].startswith("No device was asked. ")
    assert (market.earned(0), market.spent()) == (0, 0)

    # The disk is full once it is paid.
    def full(file: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    facts: dict[str, Any] = {}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        error = cli.failure(*words, "--output", cli.folder / "result", facts=facts)
    assert (error["code"], error["got"]) == ("storage", "No space left on device")
    assert "--purchase p " in error["next_step"]
    assert f"It is kept in {facts['output']}. " in error["next_step"]
    assert (Path(facts["output"]).read_bytes(), facts["paid"]) == (b"bcd", 142)
    assert cli.json(*words, "--output", cli.folder / "result")["repeated"] is True
    assert (cli.folder / "result").read_bytes() == b"bcd"
    assert market.earned(0) == 142


def test_a_purchase_without_a_name_gets_one_that_is_shown_before_it_is_paid(market: Market) -> None:
    market.device("2")
    assert market.buy()["purchase"] == market.cli.named != ""


def test_mistakes_are_told_with_what_to_do(market: Market) -> None:
    cli = market.cli
    market.device("2")
    words = ("buy", market.job, market.input, "--budget", "1")
    for url in ("127.0.0.1:1", "ftp://x", "http://", "http://[x"):
        error = cli.failure(*words, "--from", url, code=2)
        assert (error["expected"], error["got"]) == ("one that begins with http:// or https://", repr(url))
    other = str(Keypair().pubkey())
    error = cli.failure(*words, *market.sources, "--network", other, code=2)
    assert (error["message"], error["expected"], error["got"]) == (
        "The devices are in another network",
        other,
        cli.network,
    )
    stranger = cli.key_file("stranger.json", Keypair())
    whose = ("--tab-of", cli.fleet.payer.pubkey(), "--keypair", stranger, "--fee-payer", cli.payer)
    error = cli.failure(*words, *market.sources, *whose, "--purchase", "p", facts={})
    assert error["code"] == "program.unauthorized"
    assert error["next_step"].startswith("Sign with the consumer's key, or one that `worktab tab delegate` lets spend")
    assert market.spent() == 0


def test_an_agent_buys_with_a_session_key(market: Market) -> None:
    cli = market.cli
    market.device("2")
    key = Keypair()
    session = cli.key_file("session.json", key)
    cli.json("tab", "delegate", cli.network, key.pubkey(), "--allowance", "0.001")
    words = ("--tab-of", cli.fleet.payer.pubkey(), "--keypair", session, "--fee-payer", cli.payer)
    assert market.buy(*words, "--max-units", 100)["price"] == 142
    # The lane took 1,000 base units, all that there was: four jobs fit in it, and the fifth does not.
    for _ in range(4):
        assert market.buy(*words, "--max-units", 100)["price"] == 142
    error = cli.failure(
        "buy", market.job, market.input, *market.sources, "--budget", "1", "--max-units", "200", *words, facts={}
    )
    assert error["code"] == "program.allowance_exceeded"
    assert market.earned(0) == 5 * 142


def test_images_are_recognised(market: Market) -> None:
    cli, images = market.cli, load_images()[:5]
    market.device("0.001")
    job, input = cli.file("digits.wasm", load_module()), cli.file("images", encode_input(tuple(images)))
    bought = cli.json("buy", job, input, *market.sources, "--budget", "5")
    found = decode_output(Path(bought["output"]).read_bytes())
    assert [each.digit for each in found] == [each.label for each in images]
    assert market.earned(0) == bought["price"] == -(-bought["units"] * 1_000 // RATE_UNITS)
