"""Help: an example everywhere, each of which is a command line that would be accepted; and a light start."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from support.cli import invoke
from worktab import __version__
from worktab.cli.main import app

ROOT: Any = typer.main.get_command(app)


def tree(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group, with the words that lead to it."""
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from tree(each, (*path, name))


def examples(command: Any) -> list[str]:
    _, _, text = (command.epilog or "").partition("Example:\n")
    return [line.strip() for line in text.splitlines()]


TREE = list(tree())
LEAVES = [(path, command) for path, command in TREE if not hasattr(command, "commands")]
NAMES = [" ".join(path) for path, _ in LEAVES]


def test_the_commands_are_these() -> None:
    assert NAMES == [
        "network create",
        "network show",
        "network fund",
        "network collect-fees",
        "network pause",
        "network update propose",
        "network update cancel",
        "network update apply",
        "network update accept",
        "device keygen",
        "device register",
        "device claim",
        "device status",
        "device retire",
        "device update",
        "device run",
        "device export",
        "device adopt",
        "device submit",
        "device enrol",
        "device enrolment sign",
        "device enrolment post",
        "device enrolment verify",
        "receipt show",
        "receipt verify",
        "tab open",
        "tab show",
        "tab list",
        "tab deposit",
        "tab withdraw",
        "tab close",
        "tab reserve",
        "tab release",
        "tab delegate",
        "tab revoke",
        "invoice create",
        "invoice list",
        "invoice void",
        "invoice refund",
        "invoice pay",
        "invoice print",
        "invoice dispute",
        "bond deposit",
        "bond withdraw",
        "bond keep",
        "bond finish",
        "bond status",
        "sla status",
        "sla enforce",
        "sla contest",
        "sla vote",
        "sla open",
        "sla offer",
        "sla accept",
        "sla complete",
        "agent init",
        "agent serve",
        "agent unit",
        "ingest serve",
        "ingest status",
        "ingest export",
        "ingest sync",
        "ingest prune",
        "epoch build",
        "epoch show",
        "epoch verify",
        "attest run",
        "attest status",
        "dispute list",
        "dispute status",
        "dispute vote",
        "dispute resolve",
        "dispute close",
        "proofs serve",
        "proofs export",
        "claim",
        "crank",
        "buy",
        "verify",
        "challenge",
        "watch",
        "stats",
        "events",
        "program",
        "localnet",
        "clock",
    ]


@pytest.mark.parametrize(("path", "command"), TREE, ids=[" ".join(path) or "worktab" for path, _ in TREE])
def test_help_shows_an_example(path: tuple[str, ...], command: Any) -> None:
    result = invoke(*path, "--help", COLUMNS="80")
    assert (result.exit_code, result.stderr) == (0, "")
    shown = examples(command)
    assert shown
    for example in shown:
        assert f"    {example}\n" in result.stdout + "\n"
        assert example.startswith(" ".join(("worktab", *path)) if command is not ROOT else "worktab ")
    assert "-h" in result.stdout
    assert invoke(*path, "-h", COLUMNS="80").stdout == result.stdout


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=NAMES)
def test_every_example_is_accepted(path: tuple[str, ...], command: Any) -> None:
    for example in examples(command):
        words = shlex.split(example.partition(" > ")[0])
        assert tuple(words[1 : 1 + len(path)]) == path
        with command.make_context("worktab", words[1 + len(path) :]) as context:
            assert context.args == []


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=NAMES)
def test_every_command_has_json_and_explains_its_parameters(path: tuple[str, ...], command: Any) -> None:
    options = {name for parameter in command.params for name in parameter.opts}
    assert "--json" in options
    assert ("--keypair" in options) == ("--fee-payer" in options)
    assert [parameter.name for parameter in command.params if not parameter.help] == []


def test_help_documents_exit_codes_and_json() -> None:
    text = " ".join(invoke("--help", COLUMNS="80").stdout.split())
    assert "Exit codes: 0 done; 1 refused or failed; 2 the command line, or what it passes, is not acceptable" in text
    assert "integers beyond 2^53 - 1 are strings of digits" in text


def test_version() -> None:
    assert invoke("--version").stdout == f"worktab {__version__}\n"


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("network",),
        ("network", "update"),
        ("device",),
        ("device", "enrolment"),
        ("receipt",),
        ("tab",),
        ("invoice",),
        ("bond",),
        ("sla",),
        ("dispute",),
        ("agent",),
    ],
)
def test_a_group_alone_shows_its_help(path: tuple[str, ...]) -> None:
    result = invoke(*path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Commands:" in result.stderr


def test_help_imports_nothing_that_is_slow() -> None:
    program = (
        "import sys\n"
        "sys.argv = ['worktab', 'device', 'run', '--help']\n"
        "from worktab.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('solders', 'solana', 'rich', 'numpy', 'wasmtime', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
