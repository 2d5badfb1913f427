"""`worktab bond`, on a real program behind real HTTP. Whole tokens have 1,000,000 base units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.cli import utc
from support.fleet import CLASS
from support.promising import Promising, promising
from support.sla_scene import DELAY


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Promising]:
    """A device with a bond of 500 base units, of a class that asks for 400; its owner has 1,000 more."""
    with promising(worktab_chain, tmp_path, monkeypatch) as made:
        made.give(made.fleet.payer.pubkey(), 1_000)
        yield made


def held(cli: Promising) -> tuple[int, int, int]:
    """The bond, what leaves of it, and the owner's tokens."""
    device = cli.served.do(cli.fleet.read(cli.scene.device.device))
    return device.bond, device.unbonding, cli.served.do(cli.fleet.mint.balance(cli.fleet.payer.pubkey()))


def test_a_bond_comes_and_goes(cli: Promising) -> None:
    assert held(cli) == (500, 0, 1_000)
    made = cli.json("bond", "deposit", cli.device, "0.0003")
    assert (made["deposited"], made["bond"], made["free"], made["leaving"], made["leaves_at"]) == (
        300,
        800,
        800,
        0,
        None,
    )
    assert made["transaction"]["signature"]
    assert held(cli) == (800, 0, 700)
    up = cli.json("bond", "deposit", cli.device, "0.0009", "--up-to")
    assert (up["deposited"], up["bond"]) == (100, 900)
    again = cli.json("bond", "deposit", cli.device, "0.0009", "--up-to")
    assert (again["deposited"], again["bond"], again["transaction"]) == (0, 900, None)

    leaving = cli.json("bond", "withdraw", cli.device, "0.0005")
    assert (leaving["leaving"], leaving["free"], leaving["may_finish"]) == (500, 400, False)
    early = cli.failure("bond", "finish", cli.device)
    assert (early["code"], early["expected"]) == (
        "program.bond_not_due",
        f"{utc(leaving['leaves_at'])} at the earliest",
    )
    assert cli.json("bond", "withdraw", cli.device, "0.0005")["transaction"] is None
    shown = cli.json("bond", "status", cli.device)
    assert shown == {key: value for key, value in leaving.items() if key != "transaction"}

    cli.pass_time(2 * DELAY)
    assert cli.json("bond", "status", cli.device)["may_finish"] is True
    paid = cli.json("bond", "finish", cli.device)
    assert (paid["paid"], paid["bond"], paid["leaving"]) == (500, 400, 0)
    assert held(cli) == (400, 0, 1_100)
    assert cli.json("bond", "finish", cli.device)["transaction"] is None
    assert held(cli) == (400, 0, 1_100)


def test_what_slas_hold_does_not_leave_and_what_leaves_may_stay(cli: Promising) -> None:
    cli.open()
    refused = cli.failure("bond", "withdraw", cli.device, "0.000401")
    # As amounts are typed.
    assert (refused["code"], refused["expected"]) == ("program.bond_held", "at most 0.0004 tokens")
    assert refused["got"] == "0.000401, while SLAs hold 0.0001"
    every = cli.json("bond", "withdraw", cli.device, "all")
    assert (every["bond"], every["held_by_slas"], every["leaving"], every["free"]) == (500, 100, 400, 0)
    kept = cli.json("bond", "keep", cli.device)
    assert (kept["leaving"], kept["free"]) == (0, 400)
    assert held(cli) == (500, 0, 1_000)


def test_it_is_told_to_people(cli: Promising) -> None:
    leaving = cli.json("bond", "withdraw", cli.device, "0.0001")
    lines = [line.split(maxsplit=1) for line in cli.text("bond", "status", cli.device).splitlines() if line]
    told = {line[0]: line[1] for line in lines if len(line) == 2}
    assert (told["bond"], told["leaving"], told["free"]) == ("0.0005", "0.0001", "0.0004")
    assert f"leaves at      {utc(leaving['leaves_at'])}" in cli.text("bond", "status", cli.device)


def test_a_bond_below_the_least_is_told(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with promising(worktab_chain, tmp_path, monkeypatch, classes=(CLASS,)) as cli:
        from worktab.roles.changes import ClassChange

        plan = replace(CLASS, least_bond=501)
        cli.served.do(cli.fleet.operator.propose_update(ClassChange(0, plan)))
        cli.pass_time(86_400)
        cli.served.do(cli.fleet.operator.apply_update())
        shown = cli.json("bond", "status", cli.device)
        assert (shown["least"], shown["missing"]) == (501, 1)
        assert "no receipt is taken" in cli.text("bond", "status", cli.device)


def test_what_is_refused(cli: Promising) -> None:
    stranger = cli.key_file("stranger.json", Keypair())
    assert (
        cli.failure("bond", "withdraw", cli.device, "0.0001", "--keypair", stranger, "--fee-payer", cli.payer)["code"]
        == "program.unauthorized"
    )
    assert cli.failure("bond", "deposit", cli.device, "5")["code"] == "not_enough_tokens"
    assert cli.failure("bond", "deposit", cli.device, "0", code=2)["code"] == "input"
    assert cli.failure("bond", "status", Keypair().pubkey())["code"] == "device_not_found"
    assert held(cli) == (500, 0, 1_000)
