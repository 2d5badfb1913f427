"""A chain that is kept: what outlives a restart, a power cut and a new start, and who may use its folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer

from support.node import LIMIT, localnet, on_chain
from support.noop import NOOP
from worktab.chain.protocol import AccountData, Level, Status
from worktab.chain.sending import Sender
from worktab.chain.tokens import associated_account, read_mint, read_token_account
from worktab.core.errors import InputError, StateError, StorageError
from worktab.localnet import Localnet, LocalnetChain, Options
from worktab.localnet import ledger as ledgers
from worktab.localnet.building import build
from worktab.localnet.errors import LedgerInUse
from worktab.localnet.ledger import Ledger
from worktab.localnet.ports import free_range
from worktab.program.artefacts import program_binary
from worktab.program.generated import PROGRAM_ID

SOL = 10**9

Again = Callable[[Localnet], Localnet]


def restarted(node: Localnet) -> Localnet:
    node.restart()
    return node


def killed_and_restarted(node: Localnet) -> Localnet:
    node.kill()
    node.restart()
    return node


def stopped_and_started(node: Localnet) -> Localnet:
    node.stop()
    return Localnet.start(Options(ledger=node.ledger, slot_time=50))


def killed_and_started(node: Localnet) -> Localnet:
    node.kill()
    return stopped_and_started(node)


def pay(node: Localnet, target: Pubkey, lamports: int) -> Signature:
    give = transfer(TransferParams(from_pubkey=node.wallet.pubkey(), to_pubkey=target, lamports=lamports))
    sent = on_chain(node, lambda chain: Sender(chain, fee_payer=node.wallet, poll=0.02).send([give]))
    return sent.signature


def lamports(node: Localnet, address: Pubkey) -> int:
    account = on_chain(node, lambda chain: chain.account(address))
    return account.lamports if account else 0


@pytest.mark.parametrize("again", [restarted, killed_and_restarted, stopped_and_started, killed_and_started])
def test_what_landed_stays(tmp_path: Path, again: Again) -> None:
    address, account = Pubkey.new_unique(), AccountData(77, Pubkey.new_unique(), b"kept")
    target = Keypair().pubkey()
    with localnet(ledger=tmp_path / "chain", accounts=((address, account),)) as first:
        wallet, mint, genesis = first.wallet, first.mint, first.genesis_hash
        signature = pay(first, target, 5 * SOL)
        [status] = on_chain(first, lambda chain: chain.statuses([signature]))
        assert status is not None
        left = lamports(first, wallet.pubkey())
        slot, now = on_chain(first, lambda chain: chain.slot()), on_chain(first, lambda chain: chain.unix_time())
        pid, urls = first.pid, (first.rpc_url, first.ws_url)
        with again(first) as node:
            assert node.pid != pid
            if node is first:
                assert (node.rpc_url, node.ws_url) == urls
            assert (node.wallet, node.mint, node.genesis_hash) == (wallet, mint, genesis)
            assert on_chain(node, lambda chain: chain.genesis_hash()) == genesis
            assert lamports(node, wallet.pubkey()) == left  # neither funded nor charged again
            assert lamports(node, target) == 5 * SOL
            assert on_chain(node, lambda chain: chain.account(address)) == account
            held = on_chain(node, lambda chain: read_token_account(chain, associated_account(wallet.pubkey(), mint)))
            assert held is not None
            assert held.amount == 10**12
            assert on_chain(node, lambda chain: chain.program(PROGRAM_ID)) == program_binary()
            for search in (False, True):
                [found] = on_chain(node, lambda chain: chain.statuses([signature], search_history=search))  # noqa: B023
                assert found is not None
                assert (found.slot, found.error) == (status.slot, None)
                assert found.level >= Level.CONFIRMED
            landed = on_chain(node, lambda chain: chain.transaction(signature))
            assert landed is not None
            assert (landed.slot, landed.fee) == (status.slot, 5_000)
            kept_slot = status.slot if "killed" in again.__name__ else slot
            assert on_chain(node, lambda chain: chain.slot()) >= kept_slot
            assert on_chain(node, lambda chain: chain.unix_time()) >= now
            pay(node, target, SOL)
            assert lamports(node, target) == 6 * SOL


def test_a_power_cut_right_after_a_payment_loses_nothing(tmp_path: Path) -> None:
    target = Keypair().pubkey()
    with localnet(ledger=tmp_path) as node:
        for paid in range(1, 4):
            signature = pay(node, target, SOL)
            node.kill()
            node.restart()
            [status] = on_chain(node, lambda chain: chain.statuses([signature], search_history=True))  # noqa: B023
            assert isinstance(status, Status)
            assert status.error is None
            assert lamports(node, target) == paid * SOL


def test_a_chain_that_is_ahead_of_this_machine_stays_ahead(tmp_path: Path) -> None:
    ahead = 2_000_000_000
    with localnet(ledger=tmp_path, unix_time=ahead) as node:
        on_chain(node, lambda chain: chain.advance(1_000))
        pay(node, Keypair().pubkey(), SOL)
        for again in (restarted, killed_and_restarted):
            again(node)
            now = on_chain(node, lambda chain: chain.unix_time())
            assert ahead + 1_000 <= now < ahead + 1_000 + 4 * LIMIT
    with localnet(ledger=tmp_path, unix_time=ahead + 9_000) as node:
        assert ahead + 9_000 <= on_chain(node, lambda chain: chain.unix_time()) < ahead + 9_000 + LIMIT


async def time_and_height(chain: LocalnetChain) -> tuple[int, int]:
    return await chain.unix_time(), await chain.block_height()


def before_the_first_block(ledger: Path) -> tuple[int, int]:
    """Time and block height of a chain that was opened again and makes its first block in a minute."""

    async def ask(url: str) -> tuple[int, int]:
        async with LocalnetChain(url) as chain:
            return await time_and_height(chain)

    port = free_range("127.0.0.1", 2)
    command = [
        str(build(print)),
        "--ledger",
        str(ledger / "chain.sqlite"),
        "--rpc-port",
        str(port),
        "--ws-port",
        str(port + 1),
    ]
    slow = [*command, "--slot-time", "60000", "--follow-stdin"]
    with subprocess.Popen(slow, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        seen = asyncio.run(ask(json.loads(process.stdout.readline())["rpc"]))
        process.stdin.close()
        assert process.wait(LIMIT) == 0
    return seen


def test_time_does_not_fall_back_to_this_machines(tmp_path: Path) -> None:
    with localnet(ledger=tmp_path) as node:
        on_chain(node, lambda chain: chain.advance(1_000_000))  # and no transaction after it
        before, _ = on_chain(node, time_and_height)
    after, _ = before_the_first_block(tmp_path)
    assert before <= after < before + 4 * LIMIT


def test_a_power_cut_takes_no_empty_block_back(tmp_path: Path) -> None:
    with localnet(ledger=tmp_path) as node:
        on_chain(node, lambda chain: chain.expire_blockhashes())
        _, before = on_chain(node, time_and_height)
        node.kill()
        _, after = before_the_first_block(tmp_path)
    assert before <= after < before + 1_000


def test_what_is_preloaded_is_not_put_back(tmp_path: Path) -> None:
    address, first, second = Pubkey.new_unique(), AccountData(1, PROGRAM_ID, b"1"), AccountData(2, PROGRAM_ID, b"2")
    options = {"ledger": tmp_path, "accounts": ((address, first),)}
    with localnet(**options) as node:
        on_chain(node, lambda chain: chain.set_account(address, second))
    with localnet(**options) as node:
        assert on_chain(node, lambda chain: chain.account(address)) == second


def test_a_setup_that_was_interrupted_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, account = Pubkey.new_unique(), AccountData(1, PROGRAM_ID, b"1")
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "mark_set_up", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Localnet.start(Options(ledger=tmp_path))
    with localnet(ledger=tmp_path, accounts=((address, account),)) as node:
        assert on_chain(node, lambda chain: chain.account(address)) == account


def test_a_newer_program_replaces_the_one_in_the_ledger(tmp_path: Path) -> None:
    address = Pubkey.new_unique()
    for program in (NOOP, program_binary(), NOOP):
        with localnet(ledger=tmp_path, programs=((address, program),)) as node:
            assert on_chain(node, lambda chain: chain.program(address)) == program


def test_another_wallet_gets_a_token_that_it_can_mint(tmp_path: Path) -> None:
    with localnet(ledger=tmp_path) as node:
        mint = node.mint
    other = Keypair()
    with localnet(ledger=tmp_path, wallet=other) as node:
        wallet = other.pubkey()
        assert on_chain(node, lambda chain: read_mint(chain, node.mint)).mint_authority == wallet
        held = on_chain(node, lambda chain: read_token_account(chain, associated_account(wallet, node.mint)))
        assert held is not None
        assert held.amount == 10**12
    with localnet(ledger=tmp_path) as node:
        assert node.mint == mint


def test_another_wallet_is_funded_and_one_that_runs_low_again(tmp_path: Path) -> None:
    with localnet(ledger=tmp_path) as node:
        own = node.wallet.pubkey()
        pay(node, Keypair().pubkey(), lamports(node, own) - 50 * SOL)
    other = Keypair()
    with localnet(ledger=tmp_path, wallet=other) as node:
        assert node.wallet == other
        rent = sum(on_chain(node, lambda chain, size=size: chain.rent_exempt(size)) for size in (82, 165))
        assert lamports(node, other.pubkey()) == 1_000 * SOL - rent - 2 * 5_000  # its token was made
    with localnet(ledger=tmp_path) as node:
        assert node.wallet.pubkey() == own
        assert lamports(node, own) == 1_050 * SOL - 5_000


def test_the_folders_wallet_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with localnet(ledger=tmp_path / "made" / "here") as node:
        assert node.ledger == tmp_path / "made" / "here"
        file = node.ledger / ledgers.WALLET_FILE
        assert file.stat().st_mode & 0o777 == 0o600
        assert Keypair.from_json(file.read_text()) == node.wallet


def test_two_nodes_cannot_have_one_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "_WAIT", 0.1)
    with localnet(ledger=tmp_path) as node:
        with pytest.raises(LedgerInUse, match=f"Another node runs on the ledger {tmp_path}"):
            Localnet.start(Options(ledger=tmp_path))
        node.kill()
        with pytest.raises(LedgerInUse):  # it may be restarted
            Localnet.start(Options(ledger=tmp_path))
        node.restart()
    with localnet(ledger=tmp_path):
        pass


def test_a_ledger_is_waited_for_while_its_node_ends(tmp_path: Path) -> None:
    program = (
        "import time\n"
        "from pathlib import Path\n"
        "from worktab.localnet import Localnet, Options\n"
        f"running = Localnet.start(Options(ledger=Path({str(tmp_path)!r}), slot_time=50))\n"
        "print(running.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
        parent.wait()
    try:
        with pytest.raises(LedgerInUse):
            Ledger(tmp_path)
    finally:
        os.kill(pid, signal.SIGCONT)
    with localnet(ledger=tmp_path) as node:
        assert node.pid != pid


def test_a_stopped_localnet_stays_stopped(tmp_path: Path) -> None:
    with localnet(ledger=tmp_path) as node:
        pass
    with pytest.raises(StateError, match="which was not stopped"):
        node.restart()
    node.kill()
    node.stop()


def test_a_ledger_keeps_to_its_kind_of_node(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.keep_to("surfpool")
        ledger.keep_to("surfpool")
    with pytest.raises(InputError) as refused:
        Localnet.start(Options(ledger=tmp_path))
    assert (refused.value.expected, refused.value.got) == ("surfpool", "built")
    assert refused.value.next_step == "Take --node surfpool (in Python: node='surfpool'), or name another folder"


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff\xfe", b"1" * 31])
def test_a_genesis_file_that_holds_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "genesis").write_bytes(content)
    with pytest.raises((InputError, StorageError), match=f"{tmp_path}/genesis"):
        Localnet.start(Options(ledger=tmp_path))
    with Ledger(tmp_path):
        pass  # it was let go


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=f"The ledger folder {tmp_path}/file cannot be used"):
        Localnet.start(Options(ledger=tmp_path / "file"))


def test_a_ledger_that_is_no_database(tmp_path: Path) -> None:
    with localnet(ledger=tmp_path):
        pass
    (tmp_path / "chain.sqlite").write_bytes(b"no database" * 1_000)
    with pytest.raises(
        StorageError, match=f"The ledger {tmp_path}/chain.sqlite is damaged; got file is not a database"
    ):
        Localnet.start(Options(ledger=tmp_path))


def test_starts_do_not_grow_the_ledger(tmp_path: Path) -> None:
    sizes = []
    for _ in range(3):
        with localnet(ledger=tmp_path):
            pass
        sizes.append(sum(file.stat().st_size for file in tmp_path.glob("chain.sqlite*")))
    assert max(sizes[1:]) < 1.2 * sizes[0]
