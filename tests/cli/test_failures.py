"""What users see of errors: a line, a next step, an exit code; the same as JSON; never a traceback unasked."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.cli import RUNNER, Cli, invoke
from support.fleet import SOL
from support.rpc_server import Http, Refuse
from worktab.chain.embedded import EmbeddedChain
from worktab.cli import stats
from worktab.cli.failures import one_line
from worktab.cli.main import app
from worktab.core.errors import KeyFormatError, StateError

FAULTS = "orders faults from the server in front of an embedded chain"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `worktab stats` raise an error."""

    def install(error: BaseException) -> None:
        def fail(_: object, *, as_json: bool) -> None:
            raise error

        monkeypatch.setattr(stats, "emit", fail)

    return install


def test_a_node_that_cannot_be_reached(cli: Cli) -> None:
    error = cli.failure("network", "show", cli.network, "--url", "http://127.0.0.1:9")
    assert (error["code"], error["next_step"]) == (
        "connection",
        "Check the RPC address and try again; nothing that was stored is lost",
    )
    assert cli.failure("network", "show", cli.network, "--url", "ftp://node", code=2)["code"] == "input"


@pytest.mark.embedded(FAULTS)
def test_a_node_that_is_busy_is_asked_again(cli: Cli) -> None:
    cli.served.node.faults.extend([Http(429), Http(503)])
    assert cli.json("stats", cli.network)["network"] == cli.network


@pytest.mark.embedded(FAULTS)
def test_a_node_that_refuses(cli: Cli) -> None:
    cli.served.node.faults.extend([Refuse(-32_601, "Method not found\n\x1b[31mred")] * 2)
    error = cli.failure("stats", cli.network)
    assert (error["code"], error["got"]) == ("chain", "Method not found [31mred")


def test_a_network_of_another_cluster(cli: Cli) -> None:
    """The same accounts on a chain with another genesis: signatures for it would mean something else."""
    device, key = cli.device()
    elsewhere = EmbeddedChain(genesis_hash=bytes(32))
    for address in (cli.network, device):
        copy(cli, address, elsewhere)
    url = cli.served.do(cli.served.serve(elsewhere)).url
    register = ("device", "register", cli.network, "--key", key, "--capacity", 1)
    for command in (("network", "show", cli.network), ("stats", cli.network), ("device", "status", device), register):
        error = cli.failure(*command, "--url", url)
        assert (error["code"], error["next_step"]) == (
            "wrong_cluster",
            "Connect to the cluster that the network was created for; never sign for this one",
        )


def copy(cli: Cli, address: str, chain: EmbeddedChain) -> None:
    account = cli.served.do(cli.fleet.chain.account(Pubkey.from_string(address)))
    assert account is not None
    chain.set_account(Pubkey.from_string(address), account)


def test_another_program(cli: Cli) -> None:
    program = str(Keypair().pubkey())
    assert cli.failure("network", "show", cli.network, "--program", program)["code"] == "network_not_found"
    by_environment = cli.run("network", "show", cli.network, WORKTAB_PROGRAM_ID=program)
    assert by_environment.exit_code == 1
    device, _ = cli.device()
    assert cli.failure("device", "status", device, "--program", program)["code"] == "device_not_found"
    assert cli.failure("stats", cli.network, "--program", "x", code=2)["message"] == "--program is not an address"


def test_wallets(cli: Cli) -> None:
    def error(*options: object, code: int = 1) -> dict[str, str]:
        return cli.failure("network", "pause", cli.network, "all", *options, code=code)

    missing = cli.folder / "none.json"
    for option in ("--keypair", "--fee-payer"):
        found = error(option, missing)
        assert found["message"] == f"There is no key file at {missing}"
        assert found["next_step"] == f"Name another one, or make one: worktab device keygen {missing}"
        assert error(option, cli.file("torn.json", b"[1, 2]"), code=2)["code"] == KeyFormatError.code
        assert error(option, cli.folder)["code"] == "storage"
    unset = cli.run("network", "pause", cli.network, "all", ANCHOR_WALLET="", HOME=str(cli.folder))
    assert f"There is no key file at {cli.folder}/.config/solana/id.json" in unset.stderr


def test_a_payer_without_lamports(cli: Cli) -> None:
    poor = cli.key_file("poor.json", Keypair())
    error = cli.failure("network", "create", "--mint", cli.mint, "--fee-payer", poor)
    assert (error["code"], error["next_step"]) == ("simulation", "Give the fee payer enough lamports")
    thin = Keypair()
    cli.airdrop(thin, SOL // 1_000)
    error = cli.failure("network", "create", "--mint", cli.mint, "--keypair", cli.key_file("thin.json", thin))
    assert error["next_step"] == "Give the fee payer enough lamports for the rent of new accounts, too"


def test_an_error_of_another_program_says_where_to_look(cli: Cli) -> None:
    source = cli.give(cli.fleet.authority.pubkey(), 10)
    error = cli.failure("network", "fund", cli.network, "0.00001", "--source", source)  # not the wallet's account
    assert (error["code"], error["next_step"]) == ("simulation", "WORKTAB_DEBUG=1 shows what the programs logged")
    fund = ["network", "fund", cli.network, "0.00001", "--source", str(source)]
    told = RUNNER.invoke(app, fund, env=cli.env | {"WORKTAB_DEBUG": "1"})
    assert "owner does not match" in told.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("network", "shwo"),
        ("network", "show"),
        ("network", "show", "a", "b"),
        ("network", "show", "a", "--nope"),
        ("network", "create", "--mint", "a", "--fee-bps", "x"),
        ("network", "create", "--mint", "a", "--path", "x"),
        ("device", "keygen", "a", "--kind", "rsa"),
        ("device", "run", "a", "b"),
        ("verify", "a", "--one-in", "0"),
    ],
)
def test_command_lines_that_are_not_acceptable(words: tuple[str, ...]) -> None:
    result = invoke(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: worktab" in result.stderr
    assert "Error: " in result.stderr
    as_json = invoke(*words, "--json")
    assert (as_json.exit_code, as_json.stderr) == (2, "")
    error = json.loads(as_json.stdout)["error"]
    assert (error["code"], error["next_step"]) == ("usage", "See the command's --help")
    assert error["message"]


def test_what_is_unexpected_is_an_internal_error(cli: Cli, broken: Any) -> None:
    broken(RuntimeError("two\nlines"))
    result = cli.run("stats", cli.network)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error: internal error: RuntimeError: two lines\n"
        "next step: Run it again with WORKTAB_DEBUG=1 to see the details, and report them\n"
    )
    as_json = json.loads(cli.run("stats", cli.network, "--json").stdout)
    assert as_json["error"]["code"] == "internal"


def test_details_are_shown_when_asked_for(cli: Cli, broken: Any) -> None:
    broken(StateError("Not now"))
    result = RUNNER.invoke(app, ["stats", cli.network], env=cli.env | {"WORKTAB_DEBUG": "1"})
    assert result.exit_code == 1
    assert result.stderr.startswith("error: Not now\nTraceback (most recent call last):\n")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (typer.Abort(), 1), (typer.Exit(3), 3)])
def test_being_stopped(error: BaseException, code: int, cli: Cli, broken: Any) -> None:
    broken(error)
    assert cli.run("stats", cli.network).exit_code == code


def test_text_from_anywhere_becomes_one_line() -> None:
    assert one_line("a\tb\n\x1b[2J c\u202e d\r\n") == "a b [2J c d"
