"""The command as a process: from a key to pay, across processes, against a node over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from support.cli import Cli

RUN = [sys.executable, "-m", "worktab.cli"]


def test_a_device_earns_its_pay(cli: Cli) -> None:
    """The machine's own clock, which is not the embedded chain's: each receipt takes the chain's."""
    environment = os.environ | cli.env

    def run(*args: object) -> Any:
        done = subprocess.run([*RUN, *map(str, args), "--json"], capture_output=True, env=environment, check=True)
        return json.loads(done.stdout)

    key = cli.folder / "device.pem"
    run("device", "keygen", key, "--kind", "p256")
    device = run("device", "register", cli.network, "--key", key, "--capacity", 1_000)["device"]
    cli.next_epoch()
    assert cli.work(device, b"abc", b"abc")["units"] == 142
    submitted = run("device", "submit", device, "--key", key)
    assert (submitted["reward"], submitted["clock_correction"] != 0) == (284, True)
    assert run("device", "claim", device)["paid"] == 284


def test_errors_across_a_process(cli: Cli) -> None:
    environment = os.environ | cli.env
    failed = subprocess.run(
        [*RUN, "network", "fund", cli.network, "1"], capture_output=True, text=True, env=environment, check=False
    )
    assert (failed.returncode, failed.stdout) == (1, "")
    first, second = failed.stderr.splitlines()
    assert first.startswith("error: The token account ")
    assert second.startswith("next step: Bring tokens of the mint ")


def test_characters_that_a_terminal_cannot_show_are_no_reason_to_fail(cli: Cli) -> None:
    environment = os.environ | cli.env | {"PYTHONIOENCODING": "ascii"}
    named = cli.file("eingabe-ü", b"abc")
    cli.work(cli.network, b"abc")  # any address serves a device that works off line
    run = [*RUN, "device", "run", cli.network, str(cli.folder / "increment.wasm"), str(named)]
    done = subprocess.run(run, capture_output=True, text=True, env=environment, check=True)
    assert "eingabe-?" in done.stdout


def test_version_and_a_closed_pipe() -> None:
    shown = subprocess.run([*RUN, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("worktab ")
    piped = subprocess.run(
        f"{sys.executable} -m worktab.cli --help | head -c 10", shell=True, capture_output=True, text=True, check=True
    )
    assert piped.stderr == ""
