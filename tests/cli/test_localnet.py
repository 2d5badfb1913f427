"""`worktab localnet`: what it prints, what it runs with, and that it stops all it started."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.cli import invoke
from support.node import LIMIT, eventually, is_free
from support.noop import NOOP
from worktab.chain.protocol import AccountData
from worktab.chain.sync import blocking
from worktab.chain.tokens import read_mint
from worktab.chain.wallet import load_keypair, save_new_keypair
from worktab.cli import local_node
from worktab.localnet import LocalnetChain, building
from worktab.localnet.accounts import write_account
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID

COMMAND = [sys.executable, "-m", "worktab.cli", "localnet"]


class Home:
    """A user's folders, and the command run there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("ANCHOR_", "XDG_"))}
        self.env |= {"HOME": str(folder), "XDG_CACHE_HOME": str(building.cache_folder().parent)}

    @property
    def wallet(self) -> Path:
        """Where the command keeps a wallet of its own."""
        return self.folder / ".local/share/worktab/localnet/wallet.json"

    @contextmanager
    def running(self, *args: object, **env: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
        """The command with --json on free ports, and what it printed when it was ready."""
        command = [*COMMAND, "--rpc-port", "0", "--slot-time", "50", "--json", *map(str, args)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env | env
        ) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                yield process, json.loads(line)
            finally:
                process.kill()

    def stopped(self, process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """Its exit code, and what it had yet to say, when it was told to stop."""
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT)
        return process.returncode, out, err


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def chain_at(facts: dict[str, Any]) -> Iterator[Any]:
    with blocking(LocalnetChain(facts["rpc_url"], facts["ws_url"], slot_time=50)) as chain:
        yield chain


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_when_it_is_ready_and_nothing_left_when_it_stops(home: Home, number: signal.Signals) -> None:
    with home.running() as (process, facts):
        assert list(facts) == ["rpc_url", "ws_url", "genesis_hash", "program", "wallet", "wallet_file", "mint"]
        assert facts["program"] == str(PROGRAM_ID)
        assert facts["wallet_file"] == str(home.wallet)
        assert home.wallet.stat().st_mode & 0o777 == 0o600
        assert facts["wallet"] == str(Keypair.from_json(home.wallet.read_text()).pubkey())
        with chain_at(facts) as chain:
            assert chain.program(PROGRAM_ID) == program_binary()
            assert chain.account(Pubkey.from_string(facts["wallet"])).lamports > 999 * 10**9
            mint = chain(lambda each: read_mint(each, Pubkey.from_string(facts["mint"])))
            assert str(mint.mint_authority) == facts["wallet"]
        [node] = children(process.pid)
        assert home.stopped(process, number) == (0, "", "")
        assert not os.path.exists(f"/proc/{node}")
    assert is_free(facts["rpc_url"])
    assert is_free(facts["ws_url"])


def test_it_leaves_nothing_when_it_is_killed(home: Home) -> None:
    with home.running() as (process, facts):
        [node] = children(process.pid)
        process.kill()
        process.wait()
    eventually(lambda: not os.path.exists(f"/proc/{node}"), "the node is gone")
    assert is_free(facts["rpc_url"])


def test_a_node_that_ends_by_itself_is_told(home: Home) -> None:
    with home.running() as (process, _):
        [node] = children(process.pid)
        os.kill(node, signal.SIGKILL)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (1, "")
    assert json.loads(out)["error"] | {"next_step": ""} == {
        "code": "localnet_node",
        "message": "The node ended by itself",
        "expected": "",
        "got": "exit code -9",
        "next_step": "",
    }


def test_for_people(home: Home) -> None:
    command = [*COMMAND, "--rpc-port", "0", "--slot-time", "50"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=home.env | {"HOME": "/nowhere"} | {"XDG_DATA_HOME": str(home.folder / "my data")},
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "Ctrl-C stops the node\n"
            code, out, err = home.stopped(process)
        finally:
            process.kill()
    assert (code, err) == (0, "")
    shown = dict(re.findall(r"^(rpc url|ws url|genesis hash|program|wallet|wallet file|mint) {2,}(\S.*)$", out, re.M))
    wallet = home.folder / "my data/worktab/localnet/wallet.json"
    assert len(shown) == 7
    assert shown["wallet file"] == str(wallet)
    assert out.splitlines()[-4:] == [
        f"export ANCHOR_PROVIDER_URL={shown['rpc url']}",
        f"export ANCHOR_WALLET={shlex.quote(str(wallet))}",
        f"export WALLET={shown['wallet']}",
        f"export MINT={shown['mint']}",
    ]


def test_the_wallet_it_funds(home: Home) -> None:
    named, of_solana = Keypair(), Keypair()
    file = home.folder / "named.json"
    file.write_text(named.to_json())
    with home.running("--wallet", file) as (_, facts):
        assert (facts["wallet"], facts["wallet_file"]) == (str(named.pubkey()), str(file))
    with home.running(ANCHOR_WALLET=str(file)) as (_, facts):
        assert facts["wallet"] == str(named.pubkey())
    assert not home.wallet.exists()
    own = home.folder / ".config/solana/id.json"
    own.parent.mkdir(parents=True)
    own.write_text(of_solana.to_json())
    with home.running("--ledger", home.folder / "chain") as (_, facts):
        assert (facts["wallet"], facts["wallet_file"]) == (str(of_solana.pubkey()), str(own))


def test_the_same_wallet_twice(home: Home) -> None:
    seen = []
    for _ in range(2):
        with home.running() as (_, facts):
            seen.append(facts)
    assert seen[0]["wallet"] == seen[1]["wallet"]
    assert seen[0]["genesis_hash"] != seen[1]["genesis_hash"]


def test_a_wallet_that_another_process_makes_meanwhile(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(file: Path) -> Keypair:
        save_new_keypair(file)
        return save_new_keypair(file)

    monkeypatch.setattr(local_node, "save_new_keypair", overtaken)
    monkeypatch.setenv("HOME", str(home.folder))
    for name in ("ANCHOR_WALLET", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert local_node.wallet_to_fund(None, None) == (load_keypair(home.wallet), home.wallet)


def test_a_relative_data_folder_is_printed_in_full(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.folder)
    monkeypatch.setenv("HOME", str(home.folder))
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    monkeypatch.delenv("ANCHOR_WALLET", raising=False)
    _, file = local_node.wallet_to_fund(None, None)
    assert file == home.folder / "data/worktab/localnet/wallet.json"


def test_a_chain_that_is_kept(home: Home) -> None:
    chain, given = home.folder / "chain", Pubkey.new_unique()
    write_account(home.folder / "account.json", given, AccountData(5, PROGRAM_ID, b"data"))
    (home.folder / "noop.so").write_bytes(NOOP)
    state = ["--account", given, "account.json", "--program", PROGRAM_ID, "noop.so"]
    state = [home.folder / each if str(each).endswith((".json", ".so")) else each for each in state]
    other = Pubkey.new_unique()
    state[-2] = other
    seen = []
    for arguments in ([*state, "--time", "2033-05-18T03:33:20Z"], []):
        with home.running("--ledger", chain, *arguments) as (process, facts):
            with chain_at(facts) as connected:
                assert connected.account(given) == AccountData(5, PROGRAM_ID, b"data")
                assert connected.program(other) == NOOP
                assert connected.unix_time() >= 2_000_000_000
            assert home.stopped(process)[0] == 0
        seen.append({name: facts[name] for name in ("genesis_hash", "wallet", "wallet_file", "mint")})
    assert seen[0] == seen[1]
    assert seen[0]["wallet_file"] == str(chain / "wallet.json")


def error(*args: object, code: int) -> dict[str, str]:
    result = invoke("localnet", "--json", *args)
    assert (result.exit_code, result.stderr) == (code, "")
    told: dict[str, str] = json.loads(result.stdout)["error"]
    return told


@pytest.mark.parametrize(
    ("args", "message", "got"),
    [
        (["--time", "soon"], "--time is no time", "'soon'"),
        (["--time", "9" * 21], "--time is not a whole number", f"'{'9' * 21}'"),
        (["--account", "nobody", "file"], "--account is not an address", "'nobody'"),
        (["--account", "nobody"], "--account takes two values", "'nobody'"),
        (["--program", str(PROGRAM_ID)], "--program takes two values", f"'{PROGRAM_ID}'"),
        (["--host", "here"], "The host is not an IPv4 address", "'here'"),
        (["--slot-time", "0"], "slot_time is out of range", "0"),
        (["--rpc-port", "65535"], "There is no port after rpc_port for websockets", "65535"),
        (["--node", "ganache"], "There is no such node", "'ganache'"),
    ],
)
def test_what_is_not_acceptable(home: Home, args: list[str], message: str, got: str) -> None:
    told = error("--wallet", wallet_in(home), *args, code=2)
    assert (told["message"], told["got"]) == (message, got)


def wallet_in(home: Home) -> Path:
    file = home.folder / "w.json"
    file.write_text(Keypair().to_json())
    return file


def test_files_that_are_not_there(home: Home) -> None:
    missing = home.folder / "missing"
    assert error("--wallet", missing, code=1)["message"] == f"There is no key file at {missing}"
    wallet = wallet_in(home)
    told = error("--wallet", wallet, "--account", PROGRAM_ID, missing, code=1)
    assert told["message"] == f"The account file {missing} cannot be read"
    told = error("--wallet", wallet, f"--program={PROGRAM_ID}={missing}", code=1)
    assert told["message"] == f"The program {missing} cannot be read"


def test_a_port_that_is_taken(home: Home) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        told = error("--wallet", wallet_in(home), "--rpc-port", port, code=1)
    assert (told["code"], told["message"]) == ("port_taken", f"The node cannot listen on 127.0.0.1:{port}")
    assert told["next_step"].startswith(f"Stop what uses port {port}, or choose another one")


def test_times_in_other_forms() -> None:
    from worktab.cli.parsing import unix_time

    noon = 1_811_851_200
    for text in (str(noon), "2027-06-01T12:00:00Z", "2027-06-01T12:00", "2027-06-01 14:00+02:00", "2027-06-01T12:00Z"):
        assert unix_time(text, "--time") == noon
    assert unix_time("2027-06-01", "--time") == noon - 12 * 3_600


def test_building_only(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home.folder))
    node = building._place()
    node.parent.mkdir(parents=True)
    node.touch()
    result = invoke("localnet", "--build-only", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == json.dumps({"node": str(node)}) + "\n"
    assert invoke("localnet", "--build-only").stdout == f"node  {node}\n"


def test_an_interrupted_start_leaves_nothing(home: Home) -> None:
    sleeper, pids = home.folder / "node", home.folder / "pids"
    sleeper.write_text(f"#!/bin/sh\nsleep 1; echo $$ > {pids}.new; mv {pids}.new {pids}; exec sleep 600\n")
    sleeper.chmod(0o755)
    with subprocess.Popen(
        [*COMMAND, "--rpc-port", "0", "--node", str(sleeper)], stderr=subprocess.PIPE, text=True, env=home.env
    ) as process:
        eventually(pids.exists, "the node starts")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not os.path.exists(f"/proc/{int(pids.read_text())}")
