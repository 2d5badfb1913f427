"""`worktab claim`: what a wallet is owed on either path, shown and paid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.cli import Cli
from support.proving import Person, Publisher, people
from support.proving_cli import rooted_cli, sold
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.proofs.export import export
from worktab.program.generated.accounts import Page

Scene = tuple[Cli, Publisher]


@pytest.fixture
def scene(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with rooted_cli(worktab_chain, tmp_path, monkeypatch) as made:
        yield made


def test_the_own_wallet_claims_on_both_paths(scene: Scene) -> None:
    cli, publisher = scene
    own = cli.fleet.payer.pubkey()
    cli.served.do(publisher.publish(0, [*people(60), Person(own, (30, 20))]))
    device = cli.served.do(sold(publisher, own, 40))
    before = cli.served.do(cli.fleet.mint.balance(own))
    owed = {"total": 90, "by_root": 50, "rewards": 0, "earnings": 40, "devices": 1}

    shown = cli.json("claim", "--network", cli.network, "--proofs", publisher.folder, "--dry-run")
    assert shown == {
        "network": cli.network,
        "wallet": str(own),
        "token_account": shown["token_account"],
        "epoch": 0,
        "position": 1,
        "rewards_by_roots": 50,
        "owed": owed,
        "page_rent_lamports": cli.served.do(cli.fleet.chain.rent_exempt(Page.SIZE)),
    }
    assert cli.served.do(cli.fleet.mint.balance(own)) == before

    paid = cli.json("claim", "--network", cli.network)  # the proofs are remembered
    assert paid["owed"] == owed
    assert paid["paid"] == {"total": 90, "by_root": 50, "rewards": 0, "earnings": 40, "fee": 0, "burned": 0}
    assert (paid["root_outcome"], len(paid["transactions"])) == ("paid", 1)
    assert [(each["device"], each["outcome"]) for each in paid["devices"]] == [(str(device.device), "paid")]
    assert cli.served.do(cli.fleet.mint.balance(own)) == before + 90

    again = cli.json("claim", "--network", cli.network)
    assert (again["owed"]["total"], again["page_rent_lamports"], "paid" in again) == (0, 0, False)
    assert "owed" in cli.text("claim", "--network", cli.network)


def test_any_wallet_is_claimed_for_from_an_export(scene: Scene) -> None:
    cli, publisher = scene
    named = people(7)
    export(ProofBook(cli.served.do(publisher.publish(0, named))), cli.folder / "public")
    result = cli.run(
        *("claim", named[0].payout, "--network", cli.network, "--json"), WORKTAB_PROOFS=str(cli.folder / "public")
    )
    assert (result.exit_code, json.loads(result.stdout)["paid"]["total"]) == (0, 7)
    assert cli.served.do(cli.fleet.mint.balance(named[0].payout)) == 7


def test_roots_are_not_forgotten_without_proofs(scene: Scene) -> None:
    cli, publisher = scene
    named = people(7)
    cli.served.do(publisher.publish(0, named))
    result = cli.run("claim", named[0].payout, "--network", cli.network, "--json")
    assert (result.exit_code, json.loads(result.stdout)["owed"]["total"]) == (0, 0)
    assert "--proofs" in result.stderr


def test_a_tampered_export_is_refused(scene: Scene) -> None:
    cli, publisher = scene
    named = people(7, 8)
    export(ProofBook(cli.served.do(publisher.publish(0, named))), cli.folder / "public")
    page = cli.folder / "public" / "0" / "payees" / "000000.bin"
    data = bytearray(page.read_bytes())
    data[24 + 32] += 100
    page.write_bytes(data)
    error = cli.failure("claim", named[0].payout, "--network", cli.network, "--proofs", cli.folder / "public")
    assert error["code"] == "proof_refused"
    assert cli.served.do(cli.fleet.mint.balance(named[0].payout)) == 0
    # What failed is not remembered.
    assert "--proofs" in cli.run("claim", "--network", cli.network).stderr


def test_what_is_no_source_is_told(scene: Scene) -> None:
    cli, _ = scene
    error = cli.failure("claim", "--network", cli.network, "--proofs", cli.folder)
    assert error["code"] == "source_unknown"
    assert cli.failure("claim", "nobody", "--network", cli.network, code=2)["code"] == "input"


def test_a_stranger_is_owed_nothing(scene: Scene) -> None:
    cli, publisher = scene
    cli.served.do(publisher.publish(0, people(7)))
    stranger = Keypair().pubkey()
    facts = cli.json("claim", stranger, "--network", cli.network, "--proofs", publisher.folder)
    assert (facts["position"], facts["owed"]["total"]) == (None, 0)
