"""Which node is run, with which arguments, and that one which does not look at its standard input ends with us too."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import base58
import pytest
from solders.pubkey import Pubkey

from support.node import LIMIT, eventually, is_free, lives, localnet, on_chain
from worktab.chain.protocol import AccountData
from worktab.core.errors import InputError
from worktab.localnet import Localnet, Options, building, follow, ports
from worktab.localnet.accounts import read_account
from worktab.localnet.backends import validator
from worktab.localnet.backends.base import Launch
from worktab.localnet.backends.built import Built
from worktab.localnet.backends.choosing import NODE_VARIABLE, builds, choose
from worktab.localnet.backends.surfpool import Surfpool
from worktab.localnet.backends.validator import Validator
from worktab.localnet.errors import NodeCannot, NodeFailed, PortTaken, ToolMissing
from worktab.localnet.ports import free_range

WALLET, ADDRESS = Pubkey.from_bytes(bytes([1] * 32)), Pubkey.from_bytes(bytes([2] * 32))
ACCOUNT = AccountData(7, WALLET, b"data")
GENESIS = bytes(range(32))
FOLLOWED = [sys.executable, "-I", follow.__file__]


def launch(folder: Path, **changes: Any) -> Launch:
    return Launch(
        **{
            "host": "127.0.0.1",
            "rpc_port": 1_001,
            "ws_port": 1_002,
            "slot_time": 400,
            "folder": folder,
            "keeps": False,
            "genesis": GENESIS,
            "wallet": WALLET,
            "accounts": [(ADDRESS, ACCOUNT)],
            "programs": [(ADDRESS, b"\x7fELF")],
            **changes,
        }
    )


def executable(path: Path, script: str = "exit 1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


# Arguments


def test_arguments_of_worktabs_own_node(tmp_path: Path) -> None:
    expected = (
        "/n --follow-stdin --host 127.0.0.2 --rpc-port 1001 --ws-port 1002 --slot-time 50 --genesis-hash "
        + base58.b58encode(GENESIS).decode()
    ).split()
    asked = launch(tmp_path, host="127.0.0.2", slot_time=50)
    assert Built(Path("/n")).command(asked) == expected
    assert (asked.rpc_url, asked.ws_url) == ("http://127.0.0.2:1001", "ws://127.0.0.2:1002")
    kept = launch(tmp_path, host="127.0.0.2", slot_time=50, keeps=True)
    assert Built(Path("/n")).command(kept) == [*expected, "--ledger", f"{tmp_path}/chain.sqlite"]


def test_arguments_of_surfpool(tmp_path: Path) -> None:
    assert Surfpool(Path("/s")).command(launch(tmp_path)) == [
        *FOLLOWED,
        *("/s", "start", "--offline", "--no-tui", "--no-deploy", "--no-studio"),
        *("--host", "127.0.0.1", "--port", "1001", "--ws-port", "1002", "--slot-time", "400"),
        *("--airdrop-amount", "0", "--log-level", "none", "--log-path", f"{tmp_path}/logs"),
    ]


@pytest.mark.parametrize(("slot_time", "ticks"), [(400, "64"), (50, "8"), (1, "2"), (1_000, "160")])
def test_arguments_of_the_validator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slot_time: int, ticks: str
) -> None:
    monkeypatch.setattr(validator, "free_range", lambda host, length, but: 2_000)
    expected = [
        *FOLLOWED,
        *("/v", "--quiet", "--ledger", f"{tmp_path}/test-ledger", "--bind-address", "127.0.0.1", "--rpc-port", "1001"),
        *("--faucet-port", "2000", "--gossip-port", "2001", "--dynamic-port-range", "2002-2033"),
        *("--ticks-per-slot", ticks, "--mint", str(WALLET)),
    ]
    state = [
        *("--account", str(ADDRESS), f"{tmp_path}/{ADDRESS}.json"),
        *("--bpf-program", str(ADDRESS), f"{tmp_path}/{ADDRESS}.so"),
    ]
    assert Validator(Path("/v")).command(launch(tmp_path, slot_time=slot_time)) == [*expected, "--reset", *state]
    assert read_account(tmp_path / f"{ADDRESS}.json") == ACCOUNT
    assert (tmp_path / f"{ADDRESS}.so").read_bytes() == b"\x7fELF"
    kept = launch(tmp_path, slot_time=slot_time, keeps=True)
    assert Validator(Path("/v")).command(kept) == [*expected, *state]


def test_the_validators_ports_are_free_and_apart(tmp_path: Path) -> None:
    command = Validator(Path("/v")).command(launch(tmp_path))
    [faucet, gossip] = [int(command[command.index(name) + 1]) for name in ("--faucet-port", "--gossip-port")]
    first, last = map(int, command[command.index("--dynamic-port-range") + 1].split("-"))
    assert last - first == 31
    chosen = [faucet, gossip, *range(first, last + 1)]
    assert len(set(chosen)) == 34
    assert all(is_free(f"http://127.0.0.1:{port}") for port in chosen)


def test_ranges_of_free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_range("127.0.0.1", 4)
    numbers = iter(range(first - 10_000, first - 10_000 + 4))
    monkeypatch.setattr("secrets.randbelow", lambda below: next(numbers))
    with closing(socket.create_server(("127.0.0.1", first + 3))):
        assert free_range("127.0.0.1", 1, but=(first, first + 1)) == first + 2
        with pytest.raises(StopIteration):  # the fourth is taken
            free_range("127.0.0.1", 2, but=(first + 4,))


def test_no_free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda host, port: False)
    with pytest.raises(PortTaken, match=r"There are no 2 free ports in a row on 127\.0\.0\.1"):
        free_range("127.0.0.1", 2)


# Choosing


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is installed and nothing was built; its only folder of programs."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(NODE_VARIABLE, raising=False)
    return tmp_path / "bin"


def choice(node: str) -> Any:
    return choose(node, pytest.fail)


def test_what_auto_takes(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert builds("auto")
    with pytest.raises(ToolMissing, match="rustup is missing"):
        choice("auto")
    real = executable(machine / "solana-test-validator")
    assert choice("auto") == Validator(real)
    assert not builds("auto")
    pool = executable(machine / "surfpool")
    assert choice("auto") == Surfpool(pool)
    assert choose("auto", pytest.fail, keeps=True) == Validator(real)
    real.unlink()
    assert builds("auto", keeps=True)
    assert not builds("auto")
    built = executable(building._place())
    assert choice("auto") == Built(built)
    named = executable(tmp_path / "my node")
    monkeypatch.setenv(NODE_VARIABLE, str(named))
    assert choice("auto") == Built(named)


def test_what_names_take(machine: Path, tmp_path: Path) -> None:
    for name in ("surfpool", "solana-test-validator"):
        assert not builds(name)
        with pytest.raises(ToolMissing, match=f"{name} is not on PATH. Install it, or take --node built"):
            choice(name)
    assert choice(str(executable(tmp_path / "surfpool-1.7"))) == Surfpool(tmp_path / "surfpool-1.7")
    assert choice(str(executable(tmp_path / "agave-test-validator"))) == Validator(tmp_path / "agave-test-validator")
    assert choice(str(executable(tmp_path / "node"))) == Built(tmp_path / "node")
    executable(machine / "surfpool")
    assert builds("built")
    assert choice("surfpool") == Surfpool(machine / "surfpool")
    built = executable(building._place())
    assert choice("built") == Built(built)
    assert not builds("built")


@pytest.mark.parametrize("there", [False, True])
def test_what_is_no_program(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    file = tmp_path / "file"
    if there:
        file.write_text("#!/bin/sh\n")
    with pytest.raises(InputError, match=f"node does not name a program; .*; got {file}"):
        choice(str(file))
    monkeypatch.setenv(NODE_VARIABLE, str(file))
    with pytest.raises(InputError, match=f"{NODE_VARIABLE} does not name a program"):
        choice("auto")
    with pytest.raises(InputError, match=r"There is no such node; expected auto, built, surfpool, .*; got 'ganache'"):
        choice("ganache")


# Nodes that do not look at their standard input


@pytest.fixture
def surfpool(tmp_path: Path) -> Path:
    """A stand-in for surfpool with its options: Worktab's own node, which here ignores its standard input."""
    own = choose("built", print)
    assert isinstance(own, Built)
    return executable(
        tmp_path / "surfpool",
        f"""
echo $$ >> {tmp_path}/pids
args=
while [ $# != 0 ]; do
  case $1 in
    start | --offline | --no-tui | --no-deploy | --no-studio) ;;
    --port) args="$args --rpc-port $2"; shift ;;
    --log-level | --log-path | --airdrop-amount) shift ;;
    --host | --ws-port | --slot-time) args="$args $1 $2"; shift ;;
    *) echo "what is $1?" >&2; exit 2 ;;
  esac
  shift
done
exec {own.program} $args
""",
    )


def test_surfpools_life(tmp_path: Path, surfpool: Path) -> None:
    with localnet(node=str(surfpool), unix_time=2_000_000_000) as node:
        pid = int((tmp_path / "pids").read_text())
        folder = Path(os.readlink(f"/proc/{pid}/cwd"))
        assert pid != node.pid
        assert lives(pid)
        assert on_chain(node, lambda chain: chain.unix_time()) >= 2_000_000_000
        assert on_chain(node, lambda chain: chain.genesis_hash()) == node.genesis_hash
    assert not os.path.exists(f"/proc/{pid}")
    assert not folder.exists()
    assert is_free(node.rpc_url)
    assert is_free(node.ws_url)


def test_surfpools_end_by_force(tmp_path: Path, surfpool: Path) -> None:
    with localnet(node=str(surfpool)) as node:
        node.kill()
        pid = int((tmp_path / "pids").read_text())
        eventually(lambda: not lives(pid), "the node is gone")
        eventually(lambda: is_free(node.rpc_url), "its last thread is gone, too")


def test_surfpool_keeps_no_chain(tmp_path: Path, surfpool: Path) -> None:
    with pytest.raises(NodeCannot, match="This node's chains end with it"):
        Localnet.start(Options(node=str(surfpool), ledger=tmp_path / "chain"))


def test_the_validator_cannot_be_moved_in_time(machine: Path) -> None:
    executable(machine / "solana-test-validator")
    with pytest.raises(NodeCannot, match="This node's clock cannot be set"):
        Localnet.start(Options(node="solana-test-validator", unix_time=2_000_000_000))


def test_the_validators_websocket_is_beside_its_rpc_port(machine: Path) -> None:
    executable(machine / "solana-test-validator", "echo what >&2; exit 5")
    with pytest.raises(InputError, match="on the port after that for RPC; expected port 9001 for websockets; got 9005"):
        Localnet.start(Options(node="solana-test-validator", rpc_port=9_000, ws_port=9_005))


def test_a_validator_that_ends_at_once_is_told(machine: Path) -> None:
    executable(machine / "solana-test-validator", "echo what >&2; exit 5")
    with pytest.raises(NodeFailed, match="The node ended before it answered; got exit code 5: what"):
        Localnet.start(Options(node="solana-test-validator"))


def follower(script: str) -> subprocess.Popen[str]:
    command = [*FOLLOWED, "/bin/sh", "-c", f"echo $$; {script}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_a_followers_exit_code_is_the_commands(script: str, code: int) -> None:
    with follower(script) as process:
        assert process.wait(LIMIT) == code


@pytest.mark.parametrize("how", ["stdin", signal.SIGTERM, signal.SIGINT])
def test_a_followed_command_ends(how: Any) -> None:
    with follower("exec sleep 600") as process:
        pid = int(first_line(process))
        if how == "stdin":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(how)
        assert process.wait(LIMIT) == 128 + signal.SIGTERM
        assert not os.path.exists(f"/proc/{pid}")


def test_who_is_told_to_end_while_the_command_starts_ends_it(tmp_path: Path) -> None:
    early = tmp_path / "follow.py"
    start = "    child = subprocess.Popen("
    told = "    os.kill(os.getpid(), signal.SIGTERM)\n"
    source = Path(follow.__file__).read_text()
    assert source.count(start) == 1
    early.write_text(source.replace(start, told + start))
    done = subprocess.run(
        [sys.executable, "-I", early, "/bin/sleep", "600"], stdin=subprocess.PIPE, timeout=LIMIT, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM


def test_a_followed_command_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    impatient = tmp_path / "follow.py"
    impatient.write_text(Path(follow.__file__).read_text().replace("_PATIENCE = 10.0", "_PATIENCE = 0.1"))
    command = [
        sys.executable,
        "-I",
        str(impatient),
        "/bin/sh",
        "-c",
        "trap '' TERM; echo $$; while :; do sleep 1; done",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pid = int(first_line(process))
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(LIMIT) == 128 + signal.SIGKILL
        assert not os.path.exists(f"/proc/{pid}")
