"""The demo from an empty chain to paid owners: its numbers, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.jobs import increment, module
from worktab.agent import jobs
from worktab.agent.app import JOBS_PATH
from worktab.core.errors import InputError
from worktab.core.money import charge, format_amount
from worktab.demo import __main__ as command
from worktab.demo import devices, digits
from worktab.demo.devices import BrokenAnswer, Frail, FrailServer
from worktab.demo.jobs import JobPlan, count_correct, digit_jobs, own_jobs
from worktab.demo.purchases import Use
from worktab.demo.report import Report
from worktab.demo.shopping import LIMIT, shopping
from worktab.demo.show import show
from worktab.demo.stage import Costs
from worktab.demo.story import DEPOSIT, run_demo
from worktab.program.generated.accounts import Device, Invoice, Network, Tab
from worktab.program.generated.errors import AllowanceExceeded
from worktab.roles.tabs import LANE_SIZE
from worktab.work.wasm import WasmResult
from worktab.work.worker import run_wasm_job

FUEL = 111 + 5 * 64_996
"""Work units of a job of five images."""
MOST = FUEL + 32_510
"""A tenth more, rounded up."""
RATES = (1_096_620, 1_370_775, 1_644_930)
"""Prices of the three devices with eight jobs, by which 51 times a quarter of the cheapest is the limit."""
PRICES = (356_502, 445_627, 534_752)
"""What a job costs on each of them."""
HELD = (392_153, 490_191, 588_229)
"""What a request of so many units sets aside on each of them."""

SIGNATURE = 5_000
TOKEN_ACCOUNT, MINT = 165, 82

Runner = Callable[[JobPlan], Any]


def rent(size: int) -> int:
    """Lamports that an account of so many bytes holds."""
    return (128 + size) * 6_960


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    async def run(plan: JobPlan) -> Report:
        return await run_demo(plan, tmp_path / "devices")

    return run


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The demo with eight jobs of five images."""
    return asyncio.run(run_demo(digit_jobs(8), tmp_path_factory.mktemp("devices")))


def bought(report: Report) -> list[list[tuple[int, str, int, int]]]:
    """What was bought from each device: job, use, units, price."""
    return [[(each.job, each.use.value, each.units, each.price) for each in one.bought] for one in report.devices]


def test_every_answer_is_bought_from_whom_and_for_what_it_should(eight: Report) -> None:
    phone, sensor, server = PRICES
    assert [each.price for each in eight.devices] == list(RATES)
    assert bought(eight) == [
        [*((job, "result", FUEL, phone) for job in range(4)), (4, "retry", FUEL, phone)],
        [
            (0, "compare", FUEL, sensor),
            *((job, "result", FUEL, sensor) for job in range(4, 8)),
            (0, "own", FUEL, sensor),
        ],
        [(4, "compare", FUEL, server)],
    ]
    assert (eight.jobs, eight.images, eight.correct) == (8, 40, 39)
    assert eight.shown is not None
    assert (eight.shown.image, eight.shown.found) == (digits.load_images()[0], digits.load_images()[0].label)
    assert eight.price(Use.RESULT) == 4 * phone + 4 * sensor
    # Rounded up to basis points.
    assert eight.overhead_bps(Use.COMPARE) == -(-10_000 * (sensor + server) // (4 * phone + 4 * sensor)) == 3_056
    assert eight.overhead_bps(Use.RETRY) == -(-10_000 * phone // (4 * phone + 4 * sensor)) == 1_112
    assert eight.holds


def test_reported_sold_and_self_sold_units_are_told_apart(eight: Report) -> None:
    found = [
        (each.stats.jobs, each.stats.units, each.stats.units_sold, each.stats.units_self_sold) for each in eight.devices
    ]
    # The phone did a job that nobody bought, the sensor's owner bought one, and the server's second was invoiced.
    assert found == [
        (6, 6 * FUEL, 5 * FUEL, 0),
        (6, 6 * FUEL, 6 * FUEL, FUEL),
        (2, 2 * FUEL, 2 * FUEL, 0),
    ]
    assert eight.units == 14 * FUEL
    assert all(each.recorded for each in eight.devices)


def test_owners_get_rewards_and_earnings_less_fee_and_burn(eight: Report) -> None:
    phone, sensor, server = PRICES
    earnings = (5 * phone, 6 * sensor, 2 * server)
    assert [each.stats.revenue for each in eight.devices] == list(earnings)
    assert [each.settled.vouchers for each in eight.devices] == [5 * phone, 6 * sensor, server]
    charges = [charge(amount, 500, 200) for amount in earnings]
    rewards = [6 * FUEL, 6 * FUEL, 2 * FUEL]
    for each, amount, taken, reward in zip(eight.devices, earnings, charges, rewards, strict=True):
        assert (each.claimed.earnings, each.claimed.fee, each.claimed.burn) == (amount, taken.fee, taken.burn)
        assert each.settled.reward == each.claimed.rewards == reward
        assert each.wallet == reward + amount - taken.fee - taken.burn
    assert eight.burned == eight.minted - eight.supply == sum(each.burn for each in charges)
    assert eight.after.fees == sum(each.fee for each in charges)


def test_the_agent_is_refused_at_five_tokens(eight: Report) -> None:
    # A lane holds what was charged before its last request, and the most that this one could cost.
    reserved = [4 * PRICES[0] + HELD[0], 4 * PRICES[1] + HELD[1], HELD[2]]
    agent, refusal = eight.agent, eight.agent.refusal
    assert agent.limit == LIMIT == 5_000_000
    assert agent.left == LIMIT - sum(reserved) == 320_911
    assert refusal is not None
    assert isinstance(refusal.error, AllowanceExceeded)
    assert (refusal.allowance, refusal.room) == (agent.left, reserved[0] - 5 * PRICES[0])
    assert refusal.cost == -(-8 * MOST * RATES[0] // 1_000_000)
    assert refusal.cost - refusal.room > refusal.allowance
    # Its own budget, all of the tab, would have done.
    spent = sum(each.price for one in eight.devices for each in one.bought if each.use is not Use.OWN)
    assert spent + refusal.cost <= DEPOSIT
    # What was set aside and not charged stays on the lanes, with that of the sensor's owner.
    own = HELD[1] - PRICES[1]
    assert eight.before.lane_reserves == eight.after.lane_reserves == sum(reserved) - spent + own
    assert not replace(refusal, room=refusal.cost).holds


def test_a_device_goes_down_in_mid_answer_and_is_paid_once(eight: Report) -> None:
    found = eight.fail_over
    phone, sensor, _ = eight.devices
    assert found is not None
    assert (found.job, found.device, found.successor) == (4, phone.stats.address, sensor.stats.address)
    assert (found.error, found.broken) == ("answer_lost", BrokenAnswer(102, 205))
    assert (found.charged, found.price) == ((4 * PRICES[0], 5 * PRICES[0]), PRICES[0])
    assert (found.repeated, found.same, found.holds) == (True, True, True)
    assert [each.records for each in eight.devices] == [(5, 5 * PRICES[0]), (6, 6 * PRICES[1]), (1, PRICES[2])]
    assert all(each.settled.exact for each in eight.devices)
    for wrong in ({"charged": (4 * PRICES[0], 6 * PRICES[0])}, {"repeated": False}, {"same": False}):
        assert not replace(found, **wrong).holds


async def test_a_server_that_goes_down_breaks_its_connections() -> None:
    async def answer(request: Request) -> Response:
        return Response(b"0123456789" if request.method == "POST" else b"")

    frail = Frail(Starlette(routes=[Route(JOBS_PATH, answer, methods=["GET", "POST"])]))
    server = FrailServer.listen(frail, "127.0.0.1", 0, grace=5)
    await server.start()
    url = server.url + JOBS_PATH
    async with httpx.AsyncClient(timeout=120) as http, httpx.AsyncClient(timeout=120) as idle:
        assert (await http.post(url)).content == (await idle.post(url)).content == b"0123456789"
        frail.go_down = server.go_down
        with pytest.raises(httpx.RemoteProtocolError, match="received 5 bytes, expected 10"):
            await http.post(url)
        assert frail.broken == BrokenAnswer(5, 10)
        for client in (http, idle):
            with pytest.raises(httpx.ConnectError):
                await client.post(url)
    await server.stop()


def test_the_invoice_is_made_and_paid_from_the_consumers_tab(eight: Report) -> None:
    invoice, server = eight.invoice, eight.devices[2]
    assert (invoice.device, invoice.units, invoice.amount) == (server.stats.address, FUEL, PRICES[2])
    assert (invoice.misfits, invoice.paid, invoice.outstanding, invoice.holds) == ((), PRICES[2], 0, True)
    agent = LIMIT - eight.agent.left
    assert eight.before.tab_balances == DEPOSIT - agent - PRICES[2]
    assert not replace(invoice, misfits=("paid",)).holds
    assert not replace(invoice, outstanding=1).holds


def test_all_that_consumers_paid_is_accounted_for(eight: Report) -> None:
    phone, sensor, server = PRICES
    paid = 5 * phone + 6 * sensor + 2 * server
    sums = {each.name: each for each in eight.sums}
    assert all(each.holds for each in eight.sums)
    assert (eight.deposited, sums["deposited"].parts["paid to devices"]) == (DEPOSIT + HELD[1], paid)
    assert sums["by vouchers"].whole == paid - server
    assert sums["answers bought"].parts == {
        "recorded by the phone": 5,
        "recorded by the sensor": 6,
        "recorded by the server": 1,
    }
    pool = 3 * 2 * 8 * FUEL
    assert eight.minted == pool + eight.deposited
    before, after = eight.before, eight.after
    assert (before.pool_owed, before.pool_free, before.device_earnings) == (14 * FUEL, pool - 14 * FUEL, paid)
    assert (before.vault, before.surplus, before.holds) == (eight.minted, 0, True)
    wallets = sum(each.wallet for each in eight.devices)
    assert (after.pool_owed, after.device_earnings, after.vault) == (0, 0, eight.minted - eight.burned - wallets)
    assert (after.surplus, after.holds) == (0, True)


def test_costs_are_what_fees_and_rent_come_to(eight: Report) -> None:
    # Mint (2 signatures), tokens, network and pool (1 each); a registration is signed by relay and owner, and by the
    # device's key, which the native program checks or which signs, too.
    made = rent(MINT) + 2 * rent(TOKEN_ACCOUNT) + rent(Network.SIZE) + 3 * rent(Device.SIZE)
    assert eight.setup == Costs(7, (2 + 1 + 1 + 1 + 3 * 3) * SIGNATURE, made)
    # Twice tokens (1), a tab and a deposit (2 each); the delegate (2); a reserve for each request (2).
    reserves = 5 + 5 + 1 + 1
    made = 2 * (rent(TOKEN_ACCOUNT) + rent(Tab.SIZE)) + 4 * LANE_SIZE * 6_960
    assert eight.buying == Costs(2 * 3 + 1 + reserves, (2 * 5 + 2 + 2 * reserves) * SIGNATURE, made)
    # Four vouchers (2, the second one checked by a native program), three receipts (2 or, where the device signs
    # itself, 1), an invoice and its payment (2 each), three claims (1).
    signatures = 4 * 2 + 2 + 2 + 1 + 2 + 2 + 3
    made = rent(Invoice.SIZE) + 2 * rent(TOKEN_ACCOUNT)  # the sensor's owner has an account from its purchase
    assert eight.paying == Costs(4 + 3 + 2 + 3, signatures * SIGNATURE, made)


async def test_two_runs_agree_on_everything_but_keys_and_clocks(run: Runner, tmp_path: Path) -> None:
    def comparable(report: Report) -> dict[str, Any]:
        facts = report.as_dict()
        for name in ("cpu_ns", "work_cpu_ns", "bought_cpu_ns", "cost_ratio"):
            del facts["verification"][name]
        for device in facts["devices"]:
            del device["device"], device["owner"]
        del facts["agent"]["key"], facts["invoice"]["invoice"], facts["seconds"]
        return facts

    # Enough records for a sample to be drawn: 6 are bought to compare, 1 is retried, and 3 are not the agent's.
    first = comparable(await run(digit_jobs(40, 1)))
    second = comparable(await run_demo(digit_jobs(40, 1), tmp_path / "again"))
    assert first == second
    assert first["verification"]["records"] == 40 + 6 + 1 + 3
    assert 0 < first["verification"]["executed"] < 50


async def test_a_module_of_the_users_own(run: Runner) -> None:
    report = await run(own_jobs(increment(), b"abc", 4))
    assert (report.jobs, report.images, report.correct, report.shown) == (4, None, None, None)
    assert [(each.stats.jobs, each.stats.units) for each in report.devices] == [(4, 4 * 71), (4, 4 * 71), (2, 2 * 71)]
    assert report.holds


@pytest.mark.parametrize(
    "plan", [own_jobs(increment(), b"abc", 1), own_jobs(module("i64.const 0", memory="160"), bytes(9 << 20), 2)]
)
async def test_one_job_will_do_and_so_will_an_empty_answer_to_a_large_input(run: Runner, plan: JobPlan) -> None:
    report: Report = await run(plan)
    assert report.fail_over is not None
    assert report.fail_over.job == report.jobs // 2
    assert report.holds


@pytest.mark.parametrize("count", [1, 2, 3, 8, 16, 72, 1_000])
def test_prices_make_the_shopping_come_to_the_limit(count: int) -> None:
    wanted = shopping(digit_jobs(count, 1))
    phone, sensor, server = (price.cost(wanted.max_units) for price in wanted.prices)
    compared = [job for job in range(count) if wanted.compared(job)]
    early = sum(job < wanted.breaks_at for job in compared)
    most = phone * (wanted.breaks_at + 1) + sensor * (count - wanted.breaks_at + early)
    most += server * (len(compared) - early) + (wanted.requests - 1) * (phone + sensor + server)
    assert most <= LIMIT < most + LIMIT // 500
    assert wanted.breaks_at in compared


def test_plans() -> None:
    images = digits.load_images()
    whole = digit_jobs()
    assert (len(whole.inputs), whole.images) == (72, tuple(images[at : at + 5] for at in range(0, 360, 5)))
    assert whole.inputs[1] == digits.encode_input(images[5:10])
    odd = digit_jobs(images_per_job=7).images
    assert odd is not None
    assert (len(odd), len(odd[-1])) == (52, 3)
    over = digit_jobs(3, 200).images
    assert over is not None
    assert over[1] == images[200:] + images[:40]
    assert own_jobs(b"module", b"input").inputs == (b"input",) * 30
    for count, per_job in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(InputError):
            digit_jobs(count, per_job)
    with pytest.raises(InputError):
        own_jobs(b"", b"", 0)


def test_right_answers_are_counted() -> None:
    images = digits.load_images()[:2]
    answer = [bytes([image.label]) + bytes(40) for image in images]
    wrong = bytes([(images[0].label + 1) % 10]) + bytes(40)
    assert count_correct(images, b"".join(answer)) == 2
    assert count_correct(images, wrong + answer[1]) == 1


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices that claim a unit more than each job took."""

    class Liar:
        def __init__(self, runtime: Any) -> None:
            self._runtime = runtime

        def run(self, *args: Any, **options: Any) -> WasmResult:
            result = self._runtime.run(*args, **options)
            return WasmResult(result.output, result.fuel + 1)

    def lie(runtime: Any, *args: Any, **options: Any) -> Any:
        return run_wasm_job(Liar(runtime), *args, **options)  # type: ignore[arg-type]

    for each in (jobs, devices):
        monkeypatch.setattr(each, "run_wasm_job", lie)


@pytest.mark.usefixtures("lying")
def test_devices_that_lie_are_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--jobs", "1", "--images-per-job", "1"]) == 1
    text = capsys.readouterr().out
    assert "6 of 6 records were executed again: 6 DIFFER." in text
    assert "SOMETHING DOES NOT HOLD." in text


def test_a_report_holds_only_if_all_of_it_does(eight: Report, capsys: pytest.CaptureFixture[str]) -> None:
    first, *others = eight.devices

    def with_first(**fields: Any) -> Report:
        return replace(eight, devices=(replace(first, **fields), *others))

    assert eight.fail_over is not None
    broken = {
        "accounted <= vault: BROKEN": replace(eight, after=replace(eight.after, vault=0)),
        "pool owed = device rewards + root owed: BROKEN": replace(eight, before=replace(eight.before, root_owed=1)),
        "THE CHAIN HOLDS SOMETHING ELSE": with_first(recorded=False),
        "settled and paid: BROKEN": with_first(settled=replace(first.settled, exact=False)),
        "recorded by the server: BROKEN": with_first(records=(6, 6 * PRICES[0])),
        "burned + 0 not claimed: BROKEN": with_first(wallet=first.wallet - 1),
        "burned = ": replace(eight, supply=eight.supply + 1),
        "10.490192 deposited = ": replace(eight, deposited=eight.deposited + 1),
        "by vouchers = ": with_first(bought=first.bought[1:]),
        "0 of 14 records": replace(eight, checked=replace(eight.checked, executed=0)),
        "charged once": None,
        "CHARGED WRONG": replace(eight, fail_over=replace(eight.fail_over, repeated=False)),
        "Nothing broke off": replace(eight, fail_over=None),
        "NOT REFUSED": replace(eight, agent=replace(eight.agent, refusal=None)),
        "ODD: other_head": replace(eight, invoice=replace(eight.invoice, misfits=("other_head",))),
    }
    for text, each in broken.items():
        show(each or eight)
        shown = capsys.readouterr().out
        assert text in shown
        assert ("SOMETHING DOES NOT HOLD." in shown, "Everything holds." in shown) == (each is not None, each is None)
        assert (each or eight).holds is (each is None)


def test_the_report_for_people_and_that_for_programs_agree(eight: Report, capsys: pytest.CaptureFixture[str]) -> None:
    show(eight)
    out = capsys.readouterr().out
    facts = json.loads(json.dumps(eight.as_dict()))
    lines = [" ".join(line.split()) for line in out.splitlines()]

    def tokens(amount: int) -> str:
        return format_amount(amount, facts["decimals"])

    invoiced = {facts["invoice"]["device"]: facts["invoice"]["paid"]}
    for each in facts["devices"]:
        net = each["earnings"] - each["fee"] - each["burned"]
        amounts = (each["charged"], invoiced.get(each["name"], 0), each["fee"], each["burned"], net)
        counts = (each["answers"][use] for use in ("result", "compare", "retry", "own"))
        assert " ".join([each["name"], tokens(each["price"]), *map(str, counts), *map(tokens, amounts)]) in lines
        units = (each["jobs"], each["units_reported"], each["units_sold"], each["units_self_sold"], each["receipts"])
        paid = " ".join([*(f"{unit:,}" for unit in units), *map(tokens, (each["reward"], net, each["wallet"]))])
        assert any(line.startswith(f"{each['name']} ") and line.endswith(paid) for line in lines)
        assert f"{each['name']} its account {each['device']}" in lines
        assert f"owner, who was paid {each['owner']}" in lines
    for each in facts["sums"]:
        say = str if each["counts"] else tokens
        parts = " + ".join(f"{say(amount)} {name}" for name, amount in each["parts"].items())
        assert f"{say(each['whole'])} {each['name']} = {parts}: holds" in lines
    for name, row in (("buying", "tabs, agent and lanes"), ("setup", "setting up")):
        costs = facts["lamports"][name]
        shown = (costs["transactions"], costs["fees"], costs["rent"], costs["fees_per_job"], costs["rent_per_job"])
        assert " ".join([row, *(f"{each:,}" for each in shown)]) in lines
    for name in ("fees", "accounted", "vault", "tab_balances", "lane_reserves", "device_earnings"):
        before, after = (facts["ledger"][moment][name] for moment in ("before_claims", "after_claims"))
        assert f"{name.replace('_', ' ')} {tokens(before)} {tokens(after)}" in lines
    for use, said in (("compare", "comparing"), ("retry", "retries")):
        part = facts["overhead"][use]
        assert f"{said} {tokens(part['price'])} ({part['bps'] // 100}.{part['bps'] % 100:02} %)" in out
    refusal = facts["agent"]["refusal"]
    assert f"Of its {tokens(facts['agent']['limit'])} tokens" in out
    assert f"{tokens(refusal['allowance'])} were left" in out
    assert f"for {tokens(refusal['cost'])}; its lane had room for {tokens(refusal['room'])}." in out
    assert f"Refused: {refusal['error']['message']} ({refusal['error']['code']})." in out
    assert refusal["error"]["code"] == "program.allowance_exceeded"
    before, after = facts["fail_over"]["charged"]
    assert f"{tokens(before)} charged on its lane before" in out
    assert f"{tokens(after)} after: charged once." in out
    assert (
        f"after {facts['fail_over']['broken']['sent']} of the answer's {facts['fail_over']['broken']['length']}" in out
    )
    assert lines[-1].startswith("Everything holds. ")
    assert facts["holds"] is True
    image = digits.load_images()[0]
    assert out.splitlines()[:8] == [line.rstrip() for line in digits.render(image).splitlines()]
    assert out.splitlines()[8] == f"The network reads {image.label}; its writer meant {image.label}."
    assert "Right: 39 of 40 images (97.50 %)." in lines


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "job.wasm").write_bytes(increment())
    (tmp_path / "input").write_bytes(b"abc")
    arguments = ["--module", str(tmp_path / "job.wasm"), "--input", str(tmp_path / "input"), "--jobs", "2"]
    assert command.main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert (facts["jobs"], facts["units"], facts["images"], facts["holds"]) == (2, 8 * 71, None, True)
    assert err == ""
    assert command.main(arguments) == 0
    out, err = capsys.readouterr()
    assert ("\x1b" in out, err) == (False, "")
    assert out.startswith("An agent had 2 jobs done over HTTP; 3 devices sold 6 answers and reported 568 units")


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--jobs", "0"], 2, "jobs is too small"),
        (["--images-per-job", "0"], 2, "images per job is too small"),
        (["--module", "job.wasm"], 2, "--module and --input belong together"),
        (["--module", "bad.wasm", "--input", "bad.wasm", "--images-per-job", "1"], 2, "--images-per-job is for"),
        (["--module", "missing.wasm", "--input", "bad.wasm"], 1, "missing.wasm cannot be read"),
        (["--module", "bad.wasm", "--input", "bad.wasm"], 1, "not a WASM binary"),
        (["--module", "trap.wasm", "--input", "bad.wasm"], 1, "the job trapped"),
    ],
)
def test_mistakes_are_one_line(
    options: list[str],
    code: int,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.wasm").write_bytes(b"no module")
    Path("trap.wasm").write_bytes(module("unreachable"))
    assert command.main(options) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert text in err
    assert err.count("\n") == 1


def test_it_runs_as_a_program() -> None:
    run = [sys.executable, "-m", "worktab.demo"]
    shown = subprocess.run([*run, "--help"], capture_output=True, text=True, check=True)
    assert "scripts/demo --jobs 100 --module total.wasm --input photo.raw" in shown.stdout
    done = subprocess.run([*run, "--jobs", "1", "--images-per-job", "1", "--json"], capture_output=True, check=True)
    assert json.loads(done.stdout)["correct"] == 1
    plain = os.environ | {"PYTHONIOENCODING": "ascii"}
    text = subprocess.run([*run, "--jobs", "1"], capture_output=True, text=True, env=plain, check=True).stdout
    assert "Everything holds." in text
    assert subprocess.run([*run, "--jobs", "x"], capture_output=True, check=False).returncode == 2
