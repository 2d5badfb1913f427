"""The demo from an empty chain to paid owners: its numbers, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.jobs import increment, module
from worktab.core.errors import InputError
from worktab.core.money import reward
from worktab.demo import __main__ as command
from worktab.demo import devices, digits
from worktab.demo.jobs import JobPlan, count_correct, digit_jobs, own_jobs
from worktab.demo.report import Report
from worktab.demo.show import show
from worktab.demo.stage import Costs
from worktab.demo.story import run_demo
from worktab.work.wasm import WasmResult
from worktab.work.worker import run_wasm_job

FUEL_PER_JOB, FUEL_PER_IMAGE = 111, 64_996
SIGNATURE = 5_000
TOKEN_ACCOUNT, MINT, NETWORK, DEVICE = 165, 82, 1_744, 512

Runner = Callable[[JobPlan], Any]


def rent(size: int) -> int:
    """Lamports that an account of so many bytes holds."""
    return (128 + size) * 6_960


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    async def run(plan: JobPlan) -> Report:
        return await run_demo(plan, tmp_path / "devices")

    return run


async def test_every_image_is_classified_recorded_and_paid(run: Runner) -> None:
    report = await run(digit_jobs(images_per_job=60))

    fuel = 2 * (FUEL_PER_JOB + 60 * FUEL_PER_IMAGE)
    assert (report.jobs, report.images, report.correct, report.fuel) == (6, 360, 356, 3 * fuel)
    assert report.shown is not None
    assert (report.shown.image, report.shown.found) == (digits.load_images()[0], digits.load_images()[0].label)
    facts = [(each.name, each.key, each.relayed, each.jobs, each.fuel, each.receipts) for each in report.devices]
    assert facts == [
        ("phone", "p256", True, 2, fuel, 1),
        ("sensor", "ed25519", True, 2, fuel, 1),
        ("server", "ed25519", False, 2, fuel, 1),
    ]
    earned, carry = reward(0, fuel, report.rate)
    assert (earned, carry) == (fuel, 0)
    assert [(each.reward, each.paid, each.recorded) for each in report.devices] == [(earned, earned, True)] * 3
    assert len({each.owner for each in report.devices} | {each.device for each in report.devices}) == 6
    assert (report.checked.records, report.checked.executed, report.checked.differing) == (6, 6, 0)
    checked = report.checked
    assert checked.cpu_ns >= checked.work_cpu_ns > 0  # all was executed, and more was checked
    assert (checked.recorded_cpu_ns > 0, checked.ratio) == (True, checked.cpu_ns / checked.work_cpu_ns)
    assert report.holds


async def test_the_ledger_shows_rewards_owed_and_then_paid(run: Runner) -> None:
    report = await run(digit_jobs(5, 2))

    fuel = FUEL_PER_JOB + 2 * FUEL_PER_IMAGE
    earned, pool = 5 * fuel, 2 * 5 * fuel
    assert [each.fuel for each in report.devices] == [2 * fuel, 2 * fuel, fuel]
    before, after = report.before, report.after
    assert (before.pool_free, before.pool_owed, before.device_rewards) == (pool - earned, earned, earned)
    assert (before.accounted, before.vault, before.holds) == (pool, pool, True)
    assert (after.pool_free, after.pool_owed, after.device_rewards) == (pool - earned, 0, 0)
    assert (after.accounted, after.vault, after.holds) == (pool - earned, pool - earned, True)


async def test_costs_are_what_fees_and_rent_come_to(run: Runner) -> None:
    report = await run(digit_jobs(3, 1))

    # Two signatures and one checked by a native program; the device that signs for itself needs one.
    receipts = [2 * SIGNATURE, 2 * SIGNATURE, SIGNATURE]
    claims = 3 * SIGNATURE
    assert report.work == Costs(6, sum(receipts) + claims, 3 * rent(TOKEN_ACCOUNT))
    # Token (2 signatures), network and pool (1 each); a registration is signed by relay and owner, and by the device's
    # key, which the native program checks or which signs, too.
    fees = (2 + 1 + 1 + 3 * 3) * SIGNATURE
    made = rent(MINT) + 2 * rent(TOKEN_ACCOUNT) + rent(NETWORK) + 3 * rent(DEVICE)
    assert report.setup == Costs(6, fees, made)


async def test_two_runs_agree_on_everything_but_keys_and_clocks(run: Runner, tmp_path: Path) -> None:
    def comparable(report: Report) -> dict[str, Any]:
        facts = report.as_dict()
        for name in ("cpu_ns", "work_cpu_ns", "recorded_cpu_ns", "cost_ratio"):
            del facts["verification"][name]
        for device in facts["devices"]:
            del device["device"], device["owner"]
        del facts["seconds"]
        return facts

    # Enough jobs for a sample to be drawn.
    first = comparable(await run(digit_jobs(48, 1)))
    second = comparable(await run_demo(digit_jobs(48, 1), tmp_path / "again"))
    assert first == second
    assert first["verification"]["records"] == 48
    assert 0 < first["verification"]["executed"] < 48


async def test_a_module_of_the_users_own(run: Runner) -> None:
    report = await run(own_jobs(increment(), b"abc", 4))
    assert (report.jobs, report.images, report.correct, report.shown) == (4, None, None, None)
    assert [(each.jobs, each.fuel, each.paid) for each in report.devices] == [(2, 142, 142), (1, 71, 71), (1, 71, 71)]
    assert report.holds


async def test_devices_without_jobs_are_owed_nothing(run: Runner) -> None:
    report = await run(own_jobs(increment(), b"abc", 1))
    assert [(each.jobs, each.receipts, each.reward, each.paid) for each in report.devices] == [
        (1, 1, 71, 71),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
    ]
    assert report.work.transactions == 2
    assert report.holds


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
    for jobs, per_job in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(InputError):
            digit_jobs(jobs, per_job)
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

    monkeypatch.setattr(devices, "run_wasm_job", lambda runtime, *rest: run_wasm_job(Liar(runtime), *rest))  # type: ignore[arg-type]


@pytest.mark.usefixtures("lying")
def test_devices_that_lie_are_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--jobs", "3", "--images-per-job", "1"]) == 1
    text = capsys.readouterr().out
    assert "3 of 3 records were executed again: 3 DIFFER." in text
    assert "SOMETHING DOES NOT HOLD." in text


async def test_a_report_holds_only_if_all_of_it_does(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    report = await run(own_jobs(increment(), b"abc", 3))
    assert report.holds
    first, *others = report.devices
    broken = {
        "accounted <= vault: BROKEN": replace(report, after=replace(report.after, vault=0)),
        "pool owed = device rewards + root owed: BROKEN": replace(report, before=replace(report.before, root_owed=1)),
        "THE CHAIN HOLDS SOMETHING ELSE": replace(report, devices=(replace(first, recorded=False), *others)),
        "0.00007": replace(report, devices=(replace(first, paid=70), *others)),
        "0 of 3 records": replace(report, checked=replace(report.checked, executed=0)),
    }
    for text, each in broken.items():
        assert not each.holds
        show(each)
        shown = capsys.readouterr().out
        assert text in shown
        assert "SOMETHING DOES NOT HOLD." in shown


def test_the_report_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--jobs", "4", "--images-per-job", "5"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    image = digits.load_images()[0]
    assert "\n".join(lines[:8]) == "\n".join(line.rstrip() for line in digits.render(image).splitlines())
    assert lines[8] == f"The network reads {image.label}; its writer meant {image.label}."
    assert lines[10:12] == [
        "4 jobs took 1,300,364 units of fuel on 3 devices.",
        "Right: 20 of 20 images (100.0 %).",
    ]
    assert lines[15].split() == ["phone", "P-256", "a", "relay", "2", "650,182", "1", "0.650182", "0.650182"]
    assert lines[17].split() == ["server", "Ed25519", "itself", "1", "325,091", "1", "0.325091", "0.325091"]
    assert " receipts and claims             6  40,000   6,117,840    10,000.0  1,529,460.0" in lines
    assert lines[-1].startswith("Everything holds. ")
    assert ("\x1b" in out, err) == (False, "")


def test_the_report_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "job.wasm").write_bytes(increment())
    (tmp_path / "input").write_bytes(b"abc")
    arguments = ["--module", str(tmp_path / "job.wasm"), "--input", str(tmp_path / "input"), "--jobs", "2", "--json"]
    assert command.main(arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    assert list(facts) == [
        "jobs",
        "images",
        "correct",
        "fuel",
        "decimals",
        "rate",
        "devices",
        "verification",
        "ledger",
        "lamports",
        "seconds",
        "holds",
    ]
    assert (facts["jobs"], facts["fuel"], facts["images"], facts["holds"]) == (2, 142, None, True)
    assert facts["lamports"]["work"] == {
        "transactions": 4,
        "fees": 2 * 2 * SIGNATURE + 2 * SIGNATURE,
        "rent": 2 * rent(TOKEN_ACCOUNT),
        "fees_per_job": 15_000.0,
    }
    assert facts["ledger"]["after_claims"]["holds"] is True


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
