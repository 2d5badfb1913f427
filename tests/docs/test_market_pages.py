"""The pages on selling and buying: their commands, their code and their list of metrics are what is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.agents import AgentProcess, agent, free_port
from support.buyers import open_tab
from support.cli import Cli
from support.fleet import TIMING, Fleet
from support.jobs import increment
from support.rigged_shop import serving
from support.served import served
from support.shop import Shop
from worktab.agent.metrics import Metrics
from worktab.cli import connecting
from worktab.roles.base import program_sender
from worktab.roles.terms import WorkClass

DOCS = Path(__file__).parents[2] / "docs"
SELLING, BUYING = (DOCS / "selling.md").read_text(), (DOCS / "buying.md").read_text()


def commands(page: str) -> list[list[str]]:
    """The commands of a page, without `scripts/worktab`."""
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def code(page: str) -> dict[str, Any]:
    """What the Python of a page defines."""
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    defined: dict[str, Any] = {}
    exec(block, defined)
    return defined


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    classes = (WorkClass(rate=2_000_000, max_capacity=10**9, budget=10**9),)
    with served(worktab_chain, classes=classes) as network:
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        monkeypatch.chdir(tmp_path)
        yield Cli(network, tmp_path)


def test_a_device_sells_and_a_consumer_buys_as_the_pages_say(cli: Cli) -> None:
    cli.give(cli.fleet.payer.pubkey(), 100_000_000)
    cli.key_file("wallet.json", cli.fleet.payer)
    cli.file("job.wasm", increment())
    cli.file("input.bin", b"abc")
    cli.json("device", "keygen", "device.json")
    env = {"NETWORK": cli.network, "CONSUMER": str(cli.fleet.payer.pubkey())}
    ports = {"8402": "", "8403": str(free_port())}
    daemons: list[AgentProcess] = []

    def run(words: list[str]) -> Any:
        words = [env[word[1:]] if word.startswith("$") else word for word in words]
        for port, real in ports.items():
            words = [word.replace(port, real) for word in words]
        # A purchase's name goes to standard error before anything is signed.
        result = cli.run(*words, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    register, init, serve, unit = commands(SELLING)
    env["DEVICE"] = run(register)["device"]
    run(init)
    assert "ExecStart=" in run(unit)["unit"]
    other = cli.json("device", "keygen", "other.json")
    other = cli.json("device", "register", cli.network, "--key", "other.json", "--capacity", 1_000_000_000)
    assert serve[:2] == ["agent", "serve"]
    with (
        agent(cli, env["DEVICE"], "device.json", *serve[2:]) as first,
        agent(cli, other["device"], "other.json", "--price", "1") as second,
    ):
        ports = {"8402": first.url.rpartition(":")[2], "8403": second.url.rpartition(":")[2]}
        daemons += [first, second]
        answers = [run(words) for words in commands(BUYING)]
    bought = [answer for answer in answers if "price" in answer]
    # 71 units at half a base unit each, rounded up.
    assert [(each["price"], each["verified"]) for each in bought] == [(36, 0), (36, 1), (36, 0), (36, 0)]
    assert bought[2]["purchase"] == "order-1138"
    assert Path("result.bin").read_bytes() == b"bcd"


async def test_the_codes_middleware_sells_to_the_codes_client(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shop = await Shop.start(fleet, tmp_path)
    try:
        consumer = await open_tab(fleet, 10_000)
        async with serving(code(SELLING)["sell"](shop.provider)) as url:
            assert await code(BUYING)["labels"](consumer, url) == ["cat"] * 3
        [entry] = shop.spool.entries()
        assert (entry.record.units, entry.record.amount) == (3, 10)
    finally:
        await shop.close()


def test_every_metric_is_listed() -> None:
    table = SELLING.partition("## Metrics")[2].partition("## Your own")[0]
    listed = {re.sub(r"\{.*\}", "", name) for name in re.findall(r"`(worktab_[a-z_]+(?:\{\w+\})?)`", table)}
    families = list(Metrics().registry.collect())
    assert listed == {each.name + ("_total" if each.type == "counter" else "") for each in families}


@pytest.mark.parametrize("page", [SELLING, BUYING])
def test_every_link_of_a_market_page_leads_somewhere(page: str) -> None:
    for path in re.findall(r"\]\(([\w./-]+\.md)", page):
        assert (DOCS / path).is_file()
