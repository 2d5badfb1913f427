"""A localnet from start to end: what it offers, how it stops, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.node import LIMIT, eventually, is_free, lives, localnet, on_chain
from support.noop import NOOP
from worktab.chain.protocol import AccountData
from worktab.chain.tokens import associated_account, read_mint, read_token_account
from worktab.core.errors import InputError, StateError
from worktab.localnet import Localnet, Options, running
from worktab.localnet.errors import NodeFailed, PortTaken, ToolMissing
from worktab.localnet.ports import free_range
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID

PARENT = """
import sys, time
from worktab.localnet import Localnet, Options
running = Localnet.start(Options(slot_time=50))
print(running.pid, running.rpc_url, running.ws_url, flush=True)
{then}
"""


def port(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def test_a_new_chain_has_all_that_one_needs() -> None:
    with localnet() as node:
        wallet = node.wallet.pubkey()

        mint = on_chain(node, lambda chain: read_mint(chain, node.mint))
        assert (mint.decimals, mint.supply, mint.mint_authority) == (6, 10**12, wallet)
        assert mint.freeze_authority is None
        held = on_chain(node, lambda chain: read_token_account(chain, associated_account(wallet, node.mint)))
        assert held is not None
        assert (held.owner, held.amount) == (wallet, 10**12)
        rent = sum(on_chain(node, lambda chain, size=size: chain.rent_exempt(size)) for size in (82, 165))
        lamports = on_chain(node, lambda chain: chain.account(wallet))
        assert lamports is not None
        assert lamports.lamports == 1_000 * 10**9 - rent - 2 * 5_000  # the wallet and the mint signed
        assert on_chain(node, lambda chain: chain.program(PROGRAM_ID)) == program_binary()
        assert on_chain(node, lambda chain: chain.genesis_hash()) == node.genesis_hash
        assert port(node.ws_url) == port(node.rpc_url) + 1


def test_it_starts_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with localnet() as node:
        assert on_chain(node, lambda chain: chain.slot()) > 0


def test_two_chains_have_nothing_in_common() -> None:
    with localnet() as one, localnet() as other:
        assert one.genesis_hash != other.genesis_hash
        assert one.mint != other.mint
        assert one.wallet.pubkey() != other.wallet.pubkey()
        assert not {one.rpc_url, one.ws_url} & {other.rpc_url, other.ws_url}


def test_stopping_leaves_nothing_behind() -> None:
    with localnet() as node:
        pid = node.pid
        assert pid is not None
        assert lives(pid)
    assert node.pid is None
    assert not os.path.exists(f"/proc/{pid}")  # not even a zombie
    assert is_free(node.rpc_url)
    assert is_free(node.ws_url)
    node.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_ends_in_good_order_by_a_signal(number: signal.Signals) -> None:
    with localnet() as node:
        assert node.pid is not None
        os.kill(node.pid, number)
        with pytest.raises(NodeFailed, match="ended by itself; got exit code 0"):
            node.wait()
        assert node.pid is None
        assert is_free(node.rpc_url)
        assert is_free(node.ws_url)


def test_killing_ends_a_node_at_once() -> None:
    with localnet() as node:
        pid = node.pid
        node.kill()
        assert node.pid is None
        assert not os.path.exists(f"/proc/{pid}")
        assert is_free(node.rpc_url)
        node.kill()


@pytest.mark.parametrize(
    ("then", "number"),
    [
        ("time.sleep(600)", signal.SIGKILL),
        ("time.sleep(600)", signal.SIGTERM),
        ("time.sleep(600)", signal.SIGINT),
        ("sys.exit(3)", None),
    ],
    ids=["killed", "terminated", "interrupted", "exits"],
)
def test_a_node_ends_with_its_parent(then: str, number: signal.Signals | None) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(then=then)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid, rpc_url, ws_url = parent.stdout.readline().split()
        if number is not None:
            parent.send_signal(number)
        parent.wait(LIMIT)
        eventually(lambda: not lives(int(pid)), "the node is gone")
    assert is_free(rpc_url)
    assert is_free(ws_url)


def test_a_port_that_is_taken_is_named() -> None:
    taken = free_range("127.0.0.1", 2) + 1  # and the one before it, which would be the other server's
    with closing(socket.create_server(("127.0.0.1", taken))):
        with pytest.raises(PortTaken) as refused:
            Localnet.start(Options(rpc_port=taken))
        assert str(refused.value).startswith(f"The node cannot listen on 127.0.0.1:{taken}; got ")
        assert refused.value.next_step.startswith(f"Stop what uses port {taken}, or choose another one (rpc_port; ")
        with pytest.raises(PortTaken, match=rf"Stop what uses port {taken}, or choose another one \(ws_port; "):
            Localnet.start(Options(ws_port=taken))


def test_an_address_of_another_machine() -> None:
    for port in (None, 20_000):
        with pytest.raises(InputError) as refused:
            Localnet.start(Options(host="203.0.113.5", rpc_port=port))
        assert refused.value.message == "The node cannot listen on 203.0.113.5"
        assert refused.value.expected == "an address of this machine"


def test_a_free_port_that_somebody_takes_meanwhile_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    thieves: list[socket.socket] = []

    def steal_the_first(self: Localnet) -> None:
        if not thieves:
            thieves.append(socket.create_server(("127.0.0.1", port(self.rpc_url))))

    monkeypatch.setattr(Localnet, "_check_ports", steal_the_first)
    try:
        with localnet() as node:
            assert port(node.rpc_url) != thieves[0].getsockname()[1]
            assert on_chain(node, lambda chain: chain.slot()) > 0
    finally:
        for thief in thieves:
            thief.close()


def test_chosen_ports() -> None:
    with localnet() as spare:
        rpc, ws = port(spare.rpc_url), port(spare.ws_url)
    with localnet(rpc_port=ws, ws_port=rpc) as node:
        assert (node.rpc_url, node.ws_url) == (f"http://127.0.0.1:{ws}", f"ws://127.0.0.1:{rpc}")
        assert on_chain(node, lambda chain: chain.slot()) > 0
    with localnet(rpc_port=rpc) as node:
        assert (port(node.rpc_url), port(node.ws_url)) == (rpc, rpc + 1)
    with localnet(ws_port=ws) as node:
        assert (port(node.rpc_url), port(node.ws_url)) == (ws - 1, ws)


def test_the_clock_starts_when_asked_and_runs_on() -> None:
    with localnet(unix_time=2_000_000_000) as node:
        first = on_chain(node, lambda chain: chain.unix_time())
        assert 2_000_000_000 <= first < 2_000_000_000 + LIMIT
        eventually(lambda: on_chain(node, lambda chain: chain.unix_time()) > first, "time goes on")


def test_the_clock_is_this_machines_otherwise() -> None:
    before = int(time.time())
    with localnet() as node:
        assert before <= on_chain(node, lambda chain: chain.unix_time()) <= time.time()


def test_a_chain_cannot_start_in_the_past() -> None:
    with pytest.raises(InputError) as refused:
        Localnet.start(Options(unix_time=1_700_000_000))
    assert refused.value.message == "A chain's time cannot lie behind this machine's clock"
    assert refused.value.got == "1700000000"


def test_accounts_are_there_exactly_as_given() -> None:
    given = (
        (Pubkey.new_unique(), AccountData(1, PROGRAM_ID, b"")),
        (Pubkey.new_unique(), AccountData(2**63, Pubkey.new_unique(), bytes(range(256)))),
        (Pubkey.new_unique(), AccountData(5, Pubkey.default(), b"\0" * 100_000)),
    )
    with localnet(accounts=given) as node:
        assert on_chain(node, lambda chain: chain.accounts([address for address, _ in given])) == [
            account for _, account in given
        ]


def test_programs_are_deployed_beside_worktabs() -> None:
    address = Pubkey.new_unique()
    with localnet(programs=((address, NOOP),)) as node:
        assert on_chain(node, lambda chain: chain.program(address)) == NOOP
        assert on_chain(node, lambda chain: chain.program(PROGRAM_ID)) == program_binary()


def test_a_wallet_of_ones_own_is_funded() -> None:
    wallet = Keypair()
    with localnet(wallet=wallet) as node:
        assert node.wallet == wallet
        account = on_chain(node, lambda chain: chain.account(wallet.pubkey()))
        assert account is not None
        assert account.lamports > 999 * 10**9


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo out; echo first >&2; echo boom >&2; exit 3", r"ended before it answered; got exit code 3: first\s+boom"),
        ("exit 3", "ended before it answered; got exit code 3"),
        ("echo what; exit 4", "ended before it answered; got exit code 4: what"),
        ("kill -9 $$", "ended before it answered; got exit code -9"),
        ("echo hello; echo '[1]'; exec sleep 600", r"did not answer in time; expected 3 seconds; got hello\s+\[1\]"),
        ("echo listening >&2; exec sleep 600", "did not answer in time; expected 3 seconds; got listening"),
    ],
)
def test_a_broken_node_is_told_and_ended(tmp_path: Path, script: str, complaint: str) -> None:
    program, pids = tmp_path / "node", tmp_path / "pids"
    program.write_text(f"#!/bin/sh\necho $$ >> {pids}\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(NodeFailed, match=complaint):
        Localnet.start(Options(node=str(program), patience=3.0 if "sleep" in script else LIMIT))
    [pid] = pids.read_text().split()
    assert not os.path.exists(f"/proc/{pid}")


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.write_text("hello")
    program.chmod(0o755)
    with pytest.raises(ToolMissing, match=f"The node {program} cannot be run; got Exec format error"):
        Localnet.start(Options(node=str(program)))


def test_what_goes_wrong_after_the_start_ends_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int | None] = []

    def fail(self: Localnet) -> None:
        pids.append(self.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(Localnet, "_set_up", fail)
    with pytest.raises(KeyboardInterrupt):
        Localnet.start()
    [pid] = pids
    assert pid is not None
    assert not os.path.exists(f"/proc/{pid}")


def test_without_a_ledger_there_is_nothing_to_start_again() -> None:
    with localnet() as node:
        with pytest.raises(StateError, match="one with a ledger, which was not stopped"):
            node.restart()
        assert node.pid is not None


def test_a_node_that_was_not_started_has_no_chain() -> None:
    node = Localnet(Options(), running.choose("auto", lambda line: None))
    try:
        with pytest.raises(StateError, match="was not started"):
            _ = node.mint
        with pytest.raises(StateError, match="was not started"):
            node.wait()
    finally:
        node.stop()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"host": "localhost"}, "The host is not an IPv4 address; got 'localhost'"),
        ({"host": "::1"}, "The host is not an IPv4 address; got '::1'"),
        ({"rpc_port": 0}, "rpc_port is out of range; expected 1 to 65535; got 0"),
        ({"ws_port": 65_536}, "ws_port is out of range"),
        ({"rpc_port": 9_000, "ws_port": 9_000}, "Both addresses have the same port; expected two ports; got 9000"),
        ({"slot_time": 0}, "slot_time is out of range; expected 1 to 60000 milliseconds; got 0"),
        ({"slot_time": 60_001}, "slot_time is out of range"),
        ({"slot_time": 0.5}, "slot_time is not an integer"),
        ({"unix_time": -1}, "unix_time is out of range"),
    ],
)
def test_options_that_no_node_could_start_with(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Options(**wrong)  # type: ignore[arg-type]
