"""`worktab epoch`: against a real chain and a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from solders.keypair import Keypair

from support.cli import Cli
from support.rooted import CHALLENGE
from support.served import served
from worktab.core.contexts import receipt_context
from worktab.core.enrolments import Enrolment, SignedEnrolment, enrolled_index
from worktab.core.keys import Ed25519Signer
from worktab.core.messages import Message
from worktab.epochs.data import EpochData
from worktab.ingest.kept import from_enrolment
from worktab.ingest.mirroring import Mirror
from worktab.ingest.rows import RECEIPT
from worktab.ingest.sqlite import SqliteStore
from worktab.program.generated import PROGRAM_ID
from worktab.roles.attesting import Attestor, Finalizer
from worktab.roles.terms import RewardPath

pytestmark = pytest.mark.embedded("moves the clock by epochs")


class Site:
    """A user of a network that pays by roots, with a store of receipts and one enrolled device."""

    def __init__(self, cli: Cli, attestor: Keypair) -> None:
        self.cli, self.fleet, self.attestor = cli, cli.fleet, attestor
        self.store, self.epochs = cli.folder / "receipts.sqlite", cli.folder / "epochs"
        self.key, self.owner = Ed25519Signer(b"k" * 32), Keypair()
        self.domain = cli.served.do(self.fleet.operator.network()).domain
        enrolment = Enrolment(self.key.public, self.owner.pubkey(), self.owner.pubkey(), 0)
        signed = SignedEnrolment.sign(
            enrolment,
            domain=self.domain,
            program_id=bytes(PROGRAM_ID),
            network=bytes(self.fleet.network),
            owner=self.owner,
            key=self.key,
        )
        self.device = signed.device
        store = SqliteStore(self.store)
        cli.served.do(Mirror(store, self.fleet.operator.reader).refresh())
        store.put_enrolments(from_enrolment(signed))
        store.close()

    def submit(self, seq: int, units: int, epoch: int) -> None:
        index = enrolled_index(bytes(self.device))
        context = receipt_context(self.domain, bytes(self.device), index)
        message = Message.receipt(context, seq, units, self.cli.epoch(epoch) + 5, bytes([seq]) * 32).encode()
        row = np.frombuffer(bytes(self.device) + message + self.key.sign(message), RECEIPT)
        store = SqliteStore(self.store)
        store.put(row, np.array([index], np.uint32), self.cli.epoch(epoch) + 5)
        store.close()

    def end(self, epoch: int) -> None:
        """Go to just after the end of an epoch."""
        behind = self.cli.epoch(epoch + 1) - self.cli.served.do(self.fleet.clock.now())
        self.cli.served.do(self.fleet.clock.advance(behind + 1))

    def make_final(self, data: EpochData) -> None:
        sender, network = self.fleet.sender, self.fleet.network
        address = self.cli.served.do(Attestor(sender, network, self.attestor).commit(data.commitment()))
        self.cli.served.do(self.fleet.clock.advance(CHALLENGE))
        self.cli.served.do(Finalizer(sender, network).finalize(address))

    def build(self, *more: object) -> Any:
        return self.cli.json("epoch", "build", self.cli.network, "--store", self.store, "--data", self.epochs, *more)


@pytest.fixture
def site(worktab_chain: Any, tmp_path: Path) -> Iterator[Site]:
    attestor = Keypair()
    plan = {"reward_path": RewardPath.ROOTS, "attestors": (attestor.pubkey(),), "challenge_delay": CHALLENGE}
    with served(worktab_chain, **plan) as network:
        yield Site(Cli(network, tmp_path), attestor)


def test_an_epoch_is_built_shown_verified_and_built_on(site: Site) -> None:
    site.submit(1, 1_000_000, 0)
    site.end(0)
    built = site.build()
    assert built["built"] is True
    assert (built["epoch"], built["payees"], built["devices"], built["receipts"]) == (0, 1, 1, 1)
    assert built["left_out"] == {}
    data = EpochData.read(site.epochs, 0)
    assert built["root"] == data.manifest.root.hex()
    assert built["data"] == data.commitment().data.hex()
    assert built["units"] == 1_000_000
    assert built["total"] == built["reward"] == data.manifest.total > 0

    again = site.build()
    assert again["built"] is False
    assert again["root"] == built["root"]

    verified = site.cli.json("epoch", "verify", "--data", site.epochs)
    assert (verified["sound"], verified["final"], verified["root"]) == (True, False, built["root"])
    site.make_final(data)
    verified = site.cli.json("epoch", "verify", "--data", site.epochs)
    assert (verified["final"], verified["newest_final"]) == (True, 0)

    site.submit(2, 1_500_000, 1)
    site.end(1)
    later = site.build("--trust-store", "--workers", 1)
    assert (later["epoch"], later["units"]) == (1, 1_500_000)
    assert later["reward"] == later["total"] - built["total"]
    [row] = later["classes"]
    assert (row["class"], row["devices"], row["units"], row["share"]) == (0, 1, 500_000, "100.00 %")
    shown = site.cli.json("epoch", "show", "--data", site.epochs)
    assert {name: later[name] for name in shown} == shown
    text = site.cli.run("epoch", "show", "--data", site.epochs, "--epoch", 0)
    assert text.exit_code == 0
    assert built["root"] in text.output


def test_a_policy_is_read_from_a_file_and_kept_to(site: Site) -> None:
    site.submit(1, 1_000, 0)
    site.end(0)
    policy = site.cli.file("policy.toml", b'policy = "share-of-budget"\n[caps]\n0 = 77\n')
    built = site.build("--policy", policy)
    assert (built["policy"], built["reward"]) == ("share-of-budget", 77)
    assert site.build("--policy", policy)["built"] is False
    # What is not final gives way to another policy; what is final stays.
    other = site.build()
    assert (other["built"], other["policy"], other["excluded"]) == (True, "fixed-rate", [])
    assert EpochData.read(site.epochs, 0).manifest.hash().hex() == other["data"]
    site.make_final(EpochData.read(site.epochs, 0))
    assert site.build()["built"] is False
    result = site.cli.run(
        "epoch", "build", site.cli.network, "--store", site.store, "--data", site.epochs, "--policy", policy
    )
    assert result.exit_code == 1
    assert "was built by another policy, and is final" in result.output
    assert EpochData.read(site.epochs, 0).manifest.hash().hex() == other["data"]


def test_an_epoch_that_goes_on_is_not_built(site: Site) -> None:
    result = site.cli.run("epoch", "build", site.cli.network, "--store", site.store, "--data", site.epochs)
    assert result.exit_code == 1
    assert "No epoch that roots pay for is over" in result.output
    site.end(0)
    more = site.cli.run("epoch", "build", site.cli.network, "--store", site.store, "--data", site.epochs, "--epoch", 1)
    assert more.exit_code == 1
    assert "Epoch 1 is not over" in more.output
    assert not site.epochs.exists()


def test_data_that_the_chain_does_not_know_are_no_base(site: Site) -> None:
    site.submit(1, 1_000_000, 0)
    site.end(0)
    site.build()
    site.make_final(EpochData.read(site.epochs, 0))
    site.end(1)
    site.submit(2, 2_000_000, 1)
    elsewhere = site.cli.folder / "elsewhere"
    result = site.cli.run("epoch", "build", site.cli.network, "--store", site.store, "--data", elsewhere)
    assert result.exit_code == 1
    assert "The data of the final root, of epoch 0, are not in" in result.output
    assert not elsewhere.exists()


def test_verify_refuses_what_is_damaged_or_not_the_root(site: Site) -> None:
    site.submit(1, 1_000_000, 0)
    site.end(0)
    site.build()
    other = site.cli.folder / "other"
    site.submit(2, 1_200_000, 0)
    site.cli.json("epoch", "build", site.cli.network, "--store", site.store, "--data", other)
    site.make_final(EpochData.read(site.epochs, 0))
    result = site.cli.run("epoch", "verify", "--data", other)
    assert result.exit_code == 1
    assert "became final with another root" in result.output
    assert site.cli.json("epoch", "verify", "--data", other, "--offline")["final"] is None
    file = other / "0" / "payees.bin"
    file.write_bytes(bytes(80))
    damaged = site.cli.run("epoch", "verify", "--data", other, "--offline")
    assert damaged.exit_code == 1
    assert "payees.bin of epoch 0 is damaged" in damaged.output


def test_what_is_missing_is_named(cli: Cli) -> None:
    empty = cli.run("epoch", "show", "--data", cli.folder)
    assert empty.exit_code == 1
    assert "There are no epochs in" in empty.output
    wrong = cli.run("epoch", "build", cli.network, "--store", cli.folder / "none", "--data", cli.folder)
    assert wrong.exit_code == 1
    assert "does not pay by roots" in wrong.output
