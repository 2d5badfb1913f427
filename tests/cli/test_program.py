"""`worktab program`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from solders.pubkey import Pubkey

from support.cli import Cli
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID


def test_the_deployed_program_is_the_one_of_this_package(cli: Cli) -> None:
    shown = cli.json("program")

    sha256 = hashlib.sha256(program_binary().rstrip(b"\0")).hexdigest()
    assert (shown["program"], shown["same"]) == (str(PROGRAM_ID), True)
    assert shown["sha256"] == shown["expected_sha256"] == sha256
    assert shown["bytes"] == len(program_binary().rstrip(b"\0"))


def test_another_binary_is_told_apart(cli: Cli, tmp_path: Path) -> None:
    changed = bytearray(program_binary())
    changed[-100] ^= 1
    other = tmp_path / "other.so"
    other.write_bytes(changed)

    result = cli.run("program", "--binary", other)

    assert result.exit_code == 1
    assert hashlib.sha256(bytes(changed).rstrip(b"\0")).hexdigest() in result.stdout


def test_zeros_behind_a_binary_say_nothing(cli: Cli, tmp_path: Path) -> None:
    longer = tmp_path / "longer.so"
    longer.write_bytes(program_binary() + bytes(1_000))

    assert cli.json("program", "--binary", longer)["same"] is True


def test_there_may_be_no_program(cli: Cli) -> None:
    error = cli.failure("program", "--program", Pubkey([9] * 32))

    assert (error["code"], error["got"]) == ("program_not_found", "no account")


def test_a_file_may_be_missing(cli: Cli, tmp_path: Path) -> None:
    error = cli.failure("program", "--binary", tmp_path / "none.so", code=2)

    assert error["message"].endswith("none.so can't be read")
