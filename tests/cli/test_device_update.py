"""`worktab device update`: what an owner changes of a device, and the way into a class that asks for a bond."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.cli import Cli
from support.fleet import CLASS, TIMING
from support.served import served
from worktab.cli import connecting
from worktab.core.keys import P256Signer
from worktab.program.generated.accounts import Device
from worktab.roles.base import program_sender


def read(cli: Cli, device: str) -> Device:
    return cli.served.do(cli.fleet.read(Pubkey.from_string(device)))


def test_capacity_counts_from_the_next_epoch_on(cli: Cli) -> None:
    device, _ = cli.device(capacity=1_000)
    made = cli.json("device", "update", device, "--capacity", 400)
    owner = str(cli.fleet.payer.pubkey())
    assert made.pop("transaction")["fee_lamports"] == 5_000
    assert made == {"device": device, "owner": owner, "payout": owner, "key": "ed25519", "next_capacity": 400}
    assert (read(cli, device).capacity, read(cli, device).next_capacity) == (1_000, 400)
    assert cli.failure("device", "update", device, "--capacity", CLASS.max_capacity + 1)["code"] == (
        "program.capacity_too_large"
    )
    assert read(cli, device).next_capacity == 400


def test_key_payout_evidence_and_owner(cli: Cli) -> None:
    device, _ = cli.device()
    before = read(cli, device)
    key, owner, payout = cli.folder / "next.pem", Keypair(), Keypair().pubkey()
    cli.json("device", "keygen", key, "--kind", "p256")
    evidence = cli.file("evidence", b"made in 2026")
    made = cli.json(
        *("device", "update", device, "--key", key, "--payout", payout, "--evidence", evidence),
        *("--owner", owner.pubkey()),
    )
    assert (made["key"], made["owner"], made["payout"]) == ("p256", str(owner.pubkey()), str(payout))
    after = read(cli, device)
    assert after == replace(
        before,
        key=P256Signer.from_pem(key.read_bytes()).public.raw33,
        key_kind=2,
        owner=owner.pubkey(),
        payout=payout,
        evidence=hashlib.sha256(b"made in 2026").digest(),
    )
    refused = cli.failure("device", "update", device, "--capacity", 1)
    assert refused["code"] == "program.unauthorized"
    wallet = ("--keypair", cli.key_file("owner.json", owner), "--fee-payer", cli.payer)
    assert cli.json("device", "update", device, "--capacity", 1, *wallet)["next_capacity"] == 1


def test_nothing_to_change_and_nobody_to_change(cli: Cli) -> None:
    device, _ = cli.device()
    nothing = cli.failure("device", "update", device, code=2)
    assert (nothing["code"], nothing["message"]) == ("input", "Nothing is to change")
    assert cli.failure("device", "update", Keypair().pubkey(), "--capacity", 1)["code"] == "device_not_found"


def test_a_class_with_a_least_bond_is_entered_by_the_command_alone(
    worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(worktab_chain, classes=(replace(CLASS, least_bond=400),)) as network:
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        cli = Cli(network, tmp_path)
        cli.give(cli.fleet.payer.pubkey(), 400)
        [shown] = cli.json("network", "show", cli.network)["classes"]
        assert (shown["least_bond"], shown["max_capacity"]) == (400, CLASS.max_capacity)
        cli.json("device", "keygen", cli.folder / "new.json")
        register = ("device", "register", cli.network, "--key", cli.folder / "new.json", "--capacity")
        refused = cli.failure(*register, 5)
        assert refused["code"] == "program.bond_too_small"
        assert "registers with capacity 0" in refused["next_step"]
        device = cli.json(*register, 0)["device"]
        assert cli.failure("device", "update", device, "--capacity", 5)["code"] == "program.bond_too_small"
        assert cli.json("bond", "deposit", device, "0.0004")["missing"] == 0
        assert cli.json("device", "update", device, "--capacity", 5)["next_capacity"] == 5
        assert (read(cli, device).bond, read(cli, device).next_capacity) == (400, 5)
