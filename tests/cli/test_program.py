"""`worktab program`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from support.cli import Cli
from worktab.chain.deployed import LOADER, program_data_address
from worktab.chain.protocol import AccountData
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


OLD_LOADERS = {
    "second": Pubkey.from_string("BPFLoader2111111111111111111111111111111111"),
    "first": Pubkey.from_string("BPFLoader1111111111111111111111111111111111"),
}


def put(cli: Cli, address: Pubkey, owner: Pubkey, data: bytes, *, executable: bool) -> None:
    """Write an account."""
    cli.served.do(cli.fleet.set_account(address, AccountData(10**12, owner, data, executable)))


@pytest.mark.parametrize("loader", OLD_LOADERS)
def test_bytes_that_no_loader_made_a_program_are_none(cli: Cli, loader: str) -> None:
    # Its bytes are the right ones, but no transaction can run them.
    address = Pubkey([7] * 32)
    put(cli, address, OLD_LOADERS[loader], program_binary(), executable=False)

    error = cli.failure("program", "--program", address)

    assert (error["code"], error["got"]) == ("program_not_found", f"an account of {OLD_LOADERS[loader]}")


def data_account(kind: int) -> bytes:
    """What a loader's account with the program's bytes holds; without an upgrade authority."""
    return kind.to_bytes(4, "little") + (5).to_bytes(8, "little") + bytes(33) + program_binary()


@pytest.mark.parametrize(
    ("program", "data", "executable", "found"),
    [
        pytest.param(2, 3, True, True, id="program"),
        pytest.param(2, 3, False, False, id="not executable"),
        pytest.param(2, 1, True, False, id="bytes in a buffer"),
    ],
)
def test_only_what_the_loader_made_a_program_is_one(
    cli: Cli, program: int, data: int, executable: bool, found: bool
) -> None:
    address = Pubkey([7] * 32)
    where = program_data_address(address)
    put(cli, where, LOADER, data_account(data), executable=False)
    put(cli, address, LOADER, program.to_bytes(4, "little") + bytes(where), executable=executable)

    if found:
        shown = cli.json("program", "--program", address)
        assert (shown["same"], shown["upgrade_authority"], shown["deployed_slot"]) == (True, None, 5)
    else:
        assert cli.failure("program", "--program", address)["code"] == "program_not_found"


def test_a_program_of_another_account_of_bytes_is_none(cli: Cli) -> None:
    address = Pubkey([7] * 32)
    other = program_data_address(Pubkey([8] * 32))
    for where in (program_data_address(address), other):
        put(cli, where, LOADER, data_account(3), executable=False)
    put(cli, address, LOADER, (2).to_bytes(4, "little") + bytes(other), executable=True)

    assert cli.failure("program", "--program", address)["code"] == "program_not_found"


def test_what_differs_behind_the_zeros_differs(cli: Cli) -> None:
    address = Pubkey([7] * 32)
    where = program_data_address(address)
    put(cli, where, LOADER, data_account(3) + bytes(1_000) + b"\x01", executable=False)
    put(cli, address, LOADER, (2).to_bytes(4, "little") + bytes(where), executable=True)

    result = cli.run("program", "--program", address, "--json")

    assert (result.exit_code, '"same": false' in result.stdout) == (1, True)
