"""What `worktab network show`, `worktab stats` and `worktab events` tell of roots and attestors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from solders.keypair import Keypair

from support.cli import Cli
from support.fleet import FUNDS, Fleet
from support.rooted import Payee, Root, Rooted, payees, raised
from worktab.program.generated.accounts import Network


async def story(cli: Cli, wallet: Keypair) -> tuple[Rooted, Root]:
    """A second network of the chain, with two final roots of which one payee claimed."""

    async def start(**plan: Any) -> Fleet:
        return await Fleet(cli.fleet.chain).start(**plan)

    rooted = await Rooted.start(start)
    await rooted.fleet.next_epoch()
    first = await rooted.root(0, [*payees(550_000), Payee(wallet.pubkey(), 200_000)])
    await rooted.make_final(first, records_checked=30, records_failed=1, check_ms=70)
    await rooted.claimer.claim(first.proof(1))
    await rooted.fleet.next_epoch()
    second = await rooted.root(1, raised(first, 0, 50_000))
    await rooted.make_final(second, records_checked=10)
    return rooted, second


@pytest.fixture
def wallet() -> Keypair:
    return Keypair()


@pytest.fixture
def told(cli: Cli, wallet: Keypair) -> tuple[Rooted, Root]:
    return cli.served.do(story(cli, wallet))


def expected(root: Root) -> dict[str, Any]:
    return {
        "pays_from": 0,
        "epoch": 1,
        "root": root.tree.root.hex(),
        "payees": 2,
        "units": 2_400_000,
        "total": 800_000,
        "claimed": 200_000,
        "claimed_bps": 2_500,
        "owed": 600_000,
        "records_checked": 40,
        "records_failed": 1,
        "failed_bps": 250,
        "check_ms": 70,
        "us_a_record": 1_750,
    }


def test_show(cli: Cli, told: tuple[Rooted, Root]) -> None:
    rooted, root = told
    facts = cli.json("network", "show", rooted.fleet.network)
    assert facts["roots"] == expected(root)
    assert list(facts["roots"]) == list(expected(root))
    assert (facts["reward_path"], facts["threshold"]) == ("roots", 2)
    assert facts["attestors"] == [str(key.pubkey()) for key in rooted.keys]
    assert facts["guardian"] == str(rooted.guardian.key.pubkey())
    ledger = {name: facts["ledger"][name] for name in ("root_owed", "root_total", "root_claimed", "vault", "holds")}
    assert ledger == {
        "root_owed": 600_000,
        "root_total": 800_000,
        "root_claimed": 200_000,
        "vault": FUNDS - 200_000,
        "holds": True,
    }


def test_show_for_people(cli: Cli, told: tuple[Rooted, Root]) -> None:
    lines = [line.split("  ") for line in cli.text("network", "show", told[0].fleet.network).splitlines()]
    found = {line[1].strip(): line[-1].strip() for line in lines if not line[0] and len(line) > 2}
    assert (found["epoch"], found["payees"], found["units"]) == ("1", "2", "2,400,000")
    assert (found["total"], found["claimed"], found["owed"]) == ("0.8", "0.2", "0.6")
    assert found["root"] == told[1].tree.root.hex()


def test_stats(cli: Cli, told: tuple[Rooted, Root]) -> None:
    rooted, root = told
    facts = cli.json("stats", rooted.fleet.network)
    assert facts["roots"] == expected(root)
    assert (facts["rewards"], facts["rewards_owed"], facts["pool_free"]) == (800_000, 600_000, FUNDS - 800_000)
    text = cli.text("stats", rooted.fleet.network)
    assert "what most attestors agreed on" in " ".join(text.split())


def test_stats_before_the_first_root(cli: Cli) -> None:
    async def start() -> Network:
        await cli.fleet.operator.pay_by_roots()
        await cli.fleet.clock.advance(86_400)
        await cli.fleet.operator.apply_update()
        return await cli.fleet.operator.network()

    network = cli.served.do(start())
    roots = cli.json("stats", cli.network)["roots"]
    assert (roots["pays_from"], roots["epoch"], roots["root"]) == (network.roots_from, None, None)
    assert {value for name, value in roots.items() if name not in ("pays_from", "epoch", "root")} == {0}


def test_events(cli: Cli, told: tuple[Rooted, Root], wallet: Keypair) -> None:
    rooted, root = told
    kinds = ("--type", "EpochFinalized", "--type", "EpochVoted", "--type", "RootClaimed")

    def lines(*arguments: object) -> list[dict[str, Any]]:
        result = cli.run("events", *arguments, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        return [json.loads(line) for line in result.stdout.splitlines()]

    found = lines(rooted.fleet.network, *kinds)
    assert [line["event"] for line in found] == [
        "EpochVoted",
        "EpochFinalized",
        "RootClaimed",
        "EpochVoted",
        "EpochFinalized",
    ]
    final = found[-1]["data"]
    assert (final["index"], final["root"], final["increase"]) == (1, root.tree.root.hex(), 50_000)
    [paid] = lines("--payout", wallet.pubkey())
    assert paid["event"] == "RootClaimed"
    assert paid["data"] == {
        "network": str(rooted.fleet.network),
        "payout": str(wallet.pubkey()),
        "amount": 200_000,
        "position": 1,
        "outcome": 0,
    }
    [text] = cli.text("events", "--payout", wallet.pubkey()).splitlines()
    assert text.endswith(f"payout={wallet.pubkey()} amount=200000 position=1 outcome=0")
    [last] = cli.text("events", rooted.fleet.network, "--type", "EpochFinalized").splitlines()[1:]
    assert f"root={root.tree.root.hex()}" in last
    assert cli.failure("events", "--payout", "me", code=2)["message"] == "--payout is not an address"
    error = cli.failure("events", cli.network, "--payout", wallet.pubkey(), code=2)
    assert error["message"] == "It is not clear whose events to show"
