"""The pytest plugin, in test runs of their own: as somebody uses it who installed Worktab and nothing else of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from support.node import lives
from worktab.localnet import Localnet
from worktab.localnet.building import cache_folder

CACHE = str(cache_folder().parent)
"""Where the node is, which would otherwise be looked for in the home that a run has to itself."""
PLUGIN = ("-p", "worktab.testing.plugin")
ASYNCIO = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
IN_PROCESS = (*PLUGIN, "-p", "no:faulthandler")  # whose end takes away signal handlers that jobs need
XDIST = ("-p", "xdist", "-n", "2")
LOCALNET = "--worktab-chain=localnet"

SUITE = """
import pytest
from solders.keypair import Keypair

from worktab.chain.sync import blocking
from worktab.core.contexts import receipt_context
from worktab.core.messages import Message

SEEN = set()
LAMPORTS = 10 * 10**9


@pytest.mark.asyncio
async def test_time_and_money(worktab_chain, worktab_clock, worktab_wallet, worktab_mint):
    held = (await worktab_chain.account(worktab_wallet.pubkey())).lamports
    assert LAMPORTS - 10**8 < held < LAMPORTS, "it has paid for the mint"
    owner, other = Keypair().pubkey(), Keypair().pubkey()
    account = await worktab_mint.give(owner, 5)
    await worktab_mint.give(owner, 2)
    assert account == worktab_mint.account_of(owner)
    assert (await worktab_mint.balance(owner), await worktab_mint.balance(other)) == (7, 0)

    before = await worktab_clock.now()
    await worktab_clock.advance(60)
    passed = await worktab_clock.now()
    assert passed >= before + 60
    await worktab_clock.set_time(before + 500)
    assert await worktab_clock.now() >= before + 500
    assert await worktab_clock.now() == await worktab_chain.unix_time()


@pytest.mark.asyncio
@pytest.mark.parametrize("round", [1, 2])
async def test_work_and_pay(
    round, worktab_chain, worktab_clock, worktab_mint, worktab_plan, worktab_network, worktab_owner, worktab_devices
):
    network = await worktab_network.operator.network()
    assert (network.pool_free, network.mint, network.epoch_length) == (10_000_000, worktab_mint.address, 3_600)
    assert worktab_plan == worktab_network.plan
    SEEN.add(worktab_network.address)
    assert len(SEEN) == round
    assert len(await worktab_network.operator.devices()) == 0, "another test's devices are not there"

    [device] = await worktab_devices()
    [first, second] = await worktab_devices(2, capacity=70)
    [others] = await worktab_devices(1, owner=worktab_network.owner())
    assert (await worktab_owner.devices()).addresses == (device.device, first.device, second.device)
    assert (await first.status()).utilisation.capacity == 0
    await worktab_clock.pass_epoch(worktab_network.address)
    assert [(await each.status()).utilisation.capacity for each in (device, first, second)] == [1_000, 70, 70]
    assert (await worktab_clock.now() - network.created_at) // 3_600 == 1

    status = await device.status()
    context = receipt_context(await device.reader.domain(), device.device, status.index)
    message = Message.receipt(context, 1, 40, await worktab_clock.now(), b"h" * 32)
    submitted = await device.submit(message, device.signer.sign(message.encode()))
    assert submitted.reward == 80
    assert (await worktab_owner.claim()).paid == 80
    assert await worktab_mint.balance(worktab_owner.owner.pubkey()) == 80


def test_without_await(worktab_chain, worktab_clock, worktab_mint, worktab_network, worktab_devices):
    owner = Keypair().pubkey()
    with blocking(worktab_chain) as chain:
        [device] = chain(lambda _: worktab_devices())
        chain(lambda _: worktab_clock.pass_epoch(worktab_network.address))
        assert chain(lambda _: device.status()).utilisation.capacity == 1_000
        chain(lambda _: worktab_mint.give(owner, 5))
        assert chain(lambda _: worktab_mint.balance(owner)) == 5
"""

NODES = """
import pytest


@pytest.mark.parametrize("number", range(4))
def test_nodes(number, worktab_localnet, worktab_wallet, worker_id, tmp_path_factory):
    nodes = tmp_path_factory.getbasetemp().parent / "nodes"
    nodes.mkdir(exist_ok=True)
    (nodes / f"{worker_id}-{number}").write_text(f"{worktab_localnet.pid} {worktab_localnet.rpc_url}")
"""

PLAIN = """
import sys


def test_nothing_is_imported():
    ours = {name for name in sys.modules if name.split(".")[0] == "worktab"}
    assert ours == {"worktab", "worktab.testing", "worktab.testing.fixtures", "worktab.testing.plugin"}
    assert not {"solders", "solana", "spl", "numpy", "httpx2"} & set(sys.modules)
"""

USING = "def test_uses(worktab_mint): pass"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run a suite in a process of its own, with no other plugins than those named and every warning an error."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE)

    def run(suite: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(suite)
        return pytester.runpytest_subprocess(*PLUGIN, "-W", "error", "-p", "no:cacheprovider", *args)

    return run


def test_on_an_embedded_chain(run: Callable[..., pytest.RunResult]) -> None:
    result = run(SUITE, *ASYNCIO)
    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("worktab:*")


def test_on_several_processes(run: Callable[..., pytest.RunResult]) -> None:
    run(SUITE.replace("== round", "<= round"), *ASYNCIO, *XDIST).assert_outcomes(passed=4)


def test_on_a_localnet_for_each_process(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    result = run(NODES, LOCALNET, *ASYNCIO, *XDIST, "--dist", "each", f"--basetemp={pytester.path / 'temp'}")
    result.assert_outcomes(passed=8)
    found: dict[str, set[str]] = {}
    for file in (pytester.path / "temp" / "nodes").iterdir():
        found.setdefault(file.name.partition("-")[0], set()).add(file.read_text())
    [first], [second] = found["gw0"], found["gw1"]
    pids = {int(each.split()[0]) for each in (first, second)}
    assert len(pids) == 2
    assert not [pid for pid in pids if lives(pid)], "every node has stopped"


def test_on_a_localnet_that_runs_already(
    run: Callable[..., pytest.RunResult], worktab_localnet: Localnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANCHOR_WALLET", raising=False)
    before = lamports(worktab_localnet)
    result = run(SUITE, LOCALNET, *ASYNCIO, f"--worktab-rpc-url={worktab_localnet.rpc_url}")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(f"worktab: {worktab_localnet.rpc_url}")
    assert lamports(worktab_localnet) == before, "airdrops pay for the tests"


def test_a_wallet_that_pays_for_the_tests(
    run: Callable[..., pytest.RunResult], worktab_localnet: Localnet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wallet = tmp_path / "id.json"
    wallet.write_text(worktab_localnet.wallet.to_json())
    monkeypatch.setenv("ANCHOR_WALLET", str(wallet))
    before = lamports(worktab_localnet)
    suite = "def test_uses(worktab_wallet, worktab_sender): assert worktab_sender.fee_payer == worktab_wallet"
    options = ("-o", "worktab_chain=localnet", f"--worktab-rpc-url={worktab_localnet.rpc_url}")
    run(suite, *ASYNCIO, *options).assert_outcomes(passed=1)
    assert lamports(worktab_localnet) == before - 10 * 10**9 - 5_000


def lamports(localnet: Localnet) -> int:
    async def ask() -> int:
        async with localnet.chain() as chain:
            account = await chain.account(localnet.wallet.pubkey())
            assert account is not None
            return account.lamports

    return asyncio.run(ask())


def test_who_does_not_use_it_pays_nothing_for_it(run: Callable[..., pytest.RunResult]) -> None:
    run(PLAIN, *ASYNCIO).assert_outcomes(passed=1)


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "switched off"])
def test_without_pytest_asyncio_only_what_uses_it_fails(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    if missing:
        pytester.makepyfile(pytest_asyncio="raise ModuleNotFoundError(name='pytest_asyncio')")
        monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=":")
    result = run(f"{USING}\ndef test_does_not(): pass")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines("Worktab's fixtures need pytest-asyncio. Install worktab?testing?")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--worktab-chain=mainnet"], "*argument --worktab-chain: invalid choice: 'mainnet'*embedded*localnet*"),
        (["-o", "worktab_chain=mainnet"], "ERROR: worktab_chain is embedded or localnet, not 'mainnet'"),
        (["--worktab-rpc-url=http://127.0.0.1:9"], "ERROR: --worktab-rpc-url needs --worktab-chain=localnet"),
        (
            ["--worktab-chain=embedded", "-o", "worktab_chain=localnet", "--worktab-rpc-url=http://127.0.0.1:9"],
            "ERROR: --worktab-rpc-url needs --worktab-chain=localnet",
        ),
    ],
    ids=["option", "setting", "address", "option before setting"],
)
def test_choices_that_are_none(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, args: list[str], said: str
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_never(): assert False")
    result = pytester.runpytest_inprocess(*IN_PROCESS, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(said)


def test_every_fixture_tells_what_it_is(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.runpytest_inprocess(*IN_PROCESS, "--fixtures")
    named = [line.split()[0] for line in result.outlines if line.startswith("worktab_")]
    assert sorted(named) == [
        "worktab_chain",
        "worktab_clock",
        "worktab_devices",
        "worktab_localnet",
        "worktab_mint",
        "worktab_network",
        "worktab_owner",
        "worktab_plan",
        "worktab_sender",
        "worktab_wallet",
    ]
    assert "no docstring available" not in result.stdout.str().partition("worktab_chain")[2].partition("-----")[0]
