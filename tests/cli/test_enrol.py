"""Enrolled devices: signed in one place or in several, posted, running, submitting, checked; over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.agents import agent
from support.cli import Cli
from support.fleet import TIMING
from support.ingest_service import IngestService, ingest_service
from support.served import served
from worktab.cli import connecting
from worktab.core.addresses import find_device
from worktab.core.enrolments import SignedEnrolment
from worktab.core.keys import Ed25519Signer
from worktab.ingest.client import Retries
from worktab.ingest.enrolment_file import EnrolmentFile
from worktab.ingest.kept import to_enrolment
from worktab.program.generated import PROGRAM_ID
from worktab.roles import submitting
from worktab.roles.base import program_sender
from worktab.roles.changes import AdmissionChange
from worktab.roles.terms import RewardPath, WorkClass

CLASSES = (
    WorkClass(rate=2_000_000, max_capacity=1_000_000, budget=1_000_000),
    WorkClass(rate=2_000_000, max_capacity=1_000_000, budget=1_000_000, least_bond=7),
)


class User(Cli):
    """A user of a network that pays by roots, with an ingest."""

    ingest: IngestService

    @property
    def url(self) -> str:
        return self.ingest.url

    def enrolled(self, **more: object) -> tuple[str, Path]:
        """An enrolled device: its address and its key file."""
        key = self.folder / "device.json"
        if not key.exists():
            self.json("device", "keygen", key)
        flags = [each for name, value in more.items() for each in (f"--{name}", value)]
        made = self.json("device", "enrol", self.network, "--key", key, "--ingest", self.url, *flags)
        device: str = made["device"]
        return device, key

    def held(self, device: str) -> SignedEnrolment:
        """The enrolment that the ingest holds."""
        import numpy as np

        rows = self.ingest.store.registrations(np.frombuffer(bytes(Pubkey.from_string(device)), "u1").reshape(1, 32))
        return to_enrolment(rows["row"][0])

    def state(self, device: str) -> Path:
        return self.folder / "data" / "worktab" / device


@pytest.fixture
def cli(worktab_chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    with served(worktab_chain, reward_path=RewardPath.ROOTS, classes=CLASSES, parameter_delay=0) as network:
        monkeypatch.setattr(submitting, "time", network)
        monkeypatch.setattr(connecting, "program_sender", partial(program_sender, **TIMING))
        monkeypatch.setattr("worktab.ingest.client.Retries", partial(Retries, first=0.0))
        user = User(network, tmp_path)
        user.ingest = network.hold(ingest_service(network.fleet, tmp_path / "store"))
        yield user


def test_enrol_here_and_post(cli: User) -> None:
    key, payout = cli.folder / "device.json", Keypair().pubkey()
    cli.json("device", "keygen", key)
    made = cli.json("device", "enrol", cli.network, "--key", key, "--payout", payout, "--ingest", cli.url)
    signer = Ed25519Signer.from_json_bytes(key.read_bytes())
    device, _ = find_device(PROGRAM_ID, cli.fleet.network, signer.public)
    owner = cli.fleet.payer.pubkey()
    assert made == {
        "device": str(device),
        "network": cli.network,
        "owner": str(owner),
        "payout": str(payout),
        "class": 0,
        "serial": made["serial"],
        "signed_by_owner": True,
        "signed_by_key": True,
        "admitted_by": None,
        "ingests": [{"ingest": cli.url, "outcome": "stored", "error": None}],
    }
    held = cli.held(str(device))
    assert (held.device, held.enrolment.owner, held.enrolment.payout) == (device, owner, payout)
    assert held.enrolment.serial == made["serial"]
    assert EnrolmentFile.read(cli.state(str(device)) / "enrolment.json").signed == held


def test_a_later_enrolment_changes_the_payout(cli: User) -> None:
    device, _ = cli.enrolled()
    first, payout = cli.held(device).enrolment, Keypair().pubkey()
    cli.enrolled(payout=payout)
    second = cli.held(device).enrolment
    assert (second.payout, first.payout) == (payout, cli.fleet.payer.pubkey())
    assert second.serial > first.serial

    older = cli.folder / "older"
    made = cli.json(
        "device", "enrol", cli.network, "--key", cli.folder / "device.json", "--serial", 1, "--state", older
    )
    assert made["ingests"] is None
    facts: dict[str, Any] = cli.json("device", "enrolment", "post", older / "enrolment.json", "--ingest", cli.url)
    assert facts["ingests"] == [{"ingest": cli.url, "outcome": "older", "error": None}]
    assert cli.held(device).enrolment == second


def test_owner_device_and_admission_in_three_places(cli: User) -> None:
    cli.served.do(cli.fleet.operator.propose_update(AdmissionChange(True)))
    cli.served.do(cli.fleet.operator.apply_update())
    cli.served.do(cli.ingest.mirror.refresh())
    key, owner, file = cli.folder / "device.pem", Keypair(), cli.folder / "enrolment.json"
    cli.json("device", "keygen", key, "--kind", "p256")
    enrol = ("device", "enrol", cli.network, "--key", key, "--owner", owner.pubkey())
    # On the device, which has no wallet.
    made = json.loads(cli.run(*enrol, "--output", file, "--json", ANCHOR_WALLET=str(cli.folder / "none")).stdout)
    assert (made["signed_by_key"], made["signed_by_owner"], made["admitted_by"]) == (True, False, None)

    post = ("device", "enrolment", "post", file, "--ingest", cli.url)
    verify = ("device", "enrolment", "verify", file)
    facts: dict[str, Any] = {}
    assert cli.failure(*verify, facts=facts)["code"] == "unsigned"
    assert facts == {each: made[each] for each in made if each != "ingests"}
    assert cli.failure(*post, facts={})["code"] == "unsigned"

    sign = ("device", "enrolment", "sign", file, "--wallet")
    stranger = cli.failure(*sign, cli.key_file("stranger.json", Keypair()), code=2)
    assert stranger["message"] == "The wallet is neither the device's owner nor one that admits devices"
    signed = cli.json(*sign, cli.key_file("owner.json", owner))
    assert (signed["signed_by_owner"], signed["admitted_by"]) == (True, None)
    assert cli.failure(*verify, facts={})["code"] == "not_admitted"
    assert cli.failure(*post, facts={})["code"] == "not_admitted"

    admitted = cli.json(*sign, cli.authority, "--ingest", cli.url)
    assert admitted["admitted_by"] == str(cli.fleet.authority.pubkey())
    assert admitted["ingests"][0]["outcome"] == "stored"
    assert cli.json(*verify) == {each: admitted[each] for each in admitted if each != "ingests"} | {"holds": True}
    assert cli.json(*post)["ingests"][0]["outcome"] == "duplicate"
    assert cli.held(made["device"]) == EnrolmentFile.read(file).signed


def test_admission_with_the_key_at_hand(cli: User) -> None:
    cli.served.do(cli.fleet.operator.propose_update(AdmissionChange(True)))
    cli.served.do(cli.fleet.operator.apply_update())
    cli.served.do(cli.ingest.mirror.refresh())
    device, _ = cli.enrolled(admission=cli.authority)
    assert cli.held(device).admission == cli.fleet.authority.pubkey()


def test_what_cannot_be_enrolled(cli: User) -> None:
    key = cli.folder / "device.json"
    cli.json("device", "keygen", key)
    enrol = ("device", "enrol", cli.network, "--key", key)
    bond = cli.failure(*enrol, "--class", 1)
    assert (bond["code"], bond["message"]) == ("cannot_enrol", "Devices of class 1 need a bond")
    assert cli.failure(*enrol, "--class", 2)["message"] == "The network has no class 2"
    assert (
        cli.failure(*enrol, "--ingest", "ingest.example", facts=None, code=2)["expected"] == "http://.. or https://.."
    )
    registered = cli.json("device", "register", cli.network, "--key", key, "--capacity", 1_000)["device"]
    assert cli.failure(*enrol)["message"] == f"Device {registered} is registered on chain, and paid by its registration"


def test_a_file_that_was_changed_is_found_out(cli: User) -> None:
    device, _ = cli.enrolled()
    file = cli.state(device) / "enrolment.json"
    held = json.loads(file.read_text())
    verify = ("device", "enrolment", "verify", file)
    for name, value, code in (
        ("payout", str(Keypair().pubkey()), "verification"),
        ("device", str(Keypair().pubkey()), "verification"),
        ("domain", "00" * 32, "verification"),
        ("serial", "x", "encoding"),
    ):
        file.write_text(json.dumps(held | {name: value}))
        assert cli.failure(*verify, code=2 if code == "encoding" else 1)["code"] == code, name
    for text in ("", "[]", "{}", '{"network": 1}'):
        file.write_text(text)
        assert cli.failure(*verify, code=2)["code"] == "encoding"
    assert cli.failure("device", "enrolment", "verify", cli.folder / "none")["code"] == "storage"


def test_an_enrolled_device_works_and_submits_without_chain_or_wallet(cli: User) -> None:
    device, key = cli.enrolled()
    cli.work(device, b"abc", b"abc")
    alone = {"ANCHOR_PROVIDER_URL": "http://127.0.0.1:9", "ANCHOR_WALLET": str(cli.folder / "none")}

    def run(*args: object) -> Any:
        result = cli.run(*args, "--json", **alone)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return json.loads(result.stdout)

    submit = ("device", "submit", device, "--key", key, "--ingest", cli.url)
    status = ("device", "status", device)
    assert run(*status)["spool"]["waiting"] == {"new_units": 142}
    assert run(*submit) == {
        "device": device,
        "jobs": 2,
        "units": 142,
        "clock_correction": 0,
        "ingests": [{"ingest": cli.url, "jobs": 2, "outcome": "posted", "error": None}],
    }
    assert run(*submit)["ingests"][0]["outcome"] == "held"

    facts = run(*status, "--ingest", cli.url)
    assert (facts["jobs"], facts["units"], facts["ingest"], facts["spool"]["waiting"]) == (2, 142, cli.url, None)
    assert cli.fleet.created_at <= facts["last_receipt_at"] <= cli.served.time()
    assert run(*status)["jobs"] is None

    shown = run("receipt", "show", device, "--ingest", cli.url)
    assert (shown["jobs"], shown["ingest"], len(shown["signature"])) == (2, cli.url, 128)
    file = cli.file("receipt.json", json.dumps(shown).encode())
    verified = run("receipt", "verify", file, "--ingest", cli.url)
    assert (verified["signature_holds"], verified["standing"]) == (True, "recorded")
    cli.work(device)
    run(*submit)
    assert run("receipt", "verify", file, "--ingest", cli.url)["standing"] == "superseded"


def test_a_lost_spool_of_an_enrolled_device(cli: User) -> None:
    device, key = cli.enrolled()
    submit = ("device", "submit", device, "--key", key, "--ingest", cli.url)
    cli.work(device, b"abc", b"abc")
    cli.json(*submit)
    (cli.state(device) / "spool.sqlite").rename(cli.folder / "lost")
    cli.work(device)
    refused = cli.failure(*submit)
    assert (refused["code"], refused["expected"], refused["got"]) == ("state", "at most job 1", "job 2")
    assert cli.failure("device", "adopt", device, "--yes", code=2)["code"] == "ingest_needed"
    adopted = cli.json("device", "adopt", device, "--yes", "--ingest", cli.url)
    assert (adopted["total_jobs"], adopted["total_units"], adopted["set_aside"]) == (2, 142, 1)
    cli.work(device)
    assert cli.json(*submit)["units"] == 213


def test_ingests_that_are_down_lose_nothing(cli: User) -> None:
    device, key = cli.enrolled()
    cli.work(device)
    submit = ("device", "submit", device, "--key", key)
    assert cli.failure(*submit, code=2)["code"] == "ingest_needed"
    facts: dict[str, Any] = {}
    error = cli.failure(*submit, "--ingest", "http://127.0.0.1:9", facts=facts)
    assert (error["code"], error["expected"]) == ("not_delivered", "1 of 1")
    assert (facts["jobs"], facts["ingests"][0]["outcome"]) == (0, "failed")
    both = cli.json(*submit, "--ingest", "http://127.0.0.1:9", "--ingest", cli.url)
    assert [each["outcome"] for each in both["ingests"]] == ["failed", "posted"]
    assert cli.failure(*submit, "--ingest", cli.url, "--least", 2, code=2)["expected"] == "1 to 1"
    named = cli.run(*submit, "--json", WORKTAB_INGEST=f"{cli.url} {cli.url}/")
    assert json.loads(named.stdout)["ingests"] == [{"ingest": cli.url, "jobs": 1, "outcome": "held", "error": None}]


def test_submit_needs_the_enrolled_key(cli: User) -> None:
    device, _ = cli.enrolled()
    cli.work(device)
    other = cli.folder / "other.json"
    cli.json("device", "keygen", other)
    refused = cli.failure("device", "submit", device, "--key", other, "--ingest", cli.url, code=2)
    assert refused["message"] == "The key is not the one that is enrolled"


def test_a_device_that_an_ingest_forgot_is_enrolled_again(cli: User) -> None:
    device, key = cli.enrolled()
    second = cli.served.hold(ingest_service(cli.fleet, cli.folder / "second"))
    cli.work(device)
    facts = cli.json("device", "submit", device, "--key", key, "--ingest", second.url)
    assert facts["ingests"] == [{"ingest": second.url, "jobs": 1, "outcome": "posted", "error": None}]


def test_selling_needs_an_account(cli: User) -> None:
    device, key = cli.enrolled()
    error = cli.failure("agent", "serve", "--device", device, "--key", key, "--price", "1", "--port", 0)
    assert error["code"] == "account_needed"


def test_a_registered_device_submits_to_an_ingest(cli: User) -> None:
    device, key = cli.device()
    cli.work(device)
    submit = ("device", "submit", device, "--key", key)
    assert cli.failure(*submit, code=2)["code"] == "ingest_needed"
    assert cli.json("device", "status", device)["spool"]["waiting"] == {"new_units": 71}
    facts = cli.json(*submit, "--ingest", cli.url)
    assert (facts["jobs"], facts["units"], facts["ingests"][0]["outcome"]) == (1, 71, "posted")
    status = cli.json("device", "status", device)
    assert (status["units"], status["spool"]["waiting"]) == (0, None)
    assert cli.json("receipt", "show", device, "--ingest", cli.url)["jobs"] == 1
    assert cli.failure("device", "adopt", device, "--yes", code=2)["code"] == "ingest_needed"
    assert cli.json("device", "adopt", device, "--yes", "--ingest", cli.url)["set_aside"] == 0


def test_the_daemon_of_a_registered_device_delivers(cli: User) -> None:
    device, key = cli.device()
    cli.work(device)
    with agent(cli, device, key, "--price", "1", "--submit-every", "1", "--ingest", cli.url) as daemon:
        found = daemon.wait_for(receipts_delivered_total=1)
        assert (found["worktab_ingests_behind"], found["worktab_spool_lag_jobs"]) == (0, 0)
        assert daemon.stop() == 0
    assert cli.json("receipt", "show", device, "--ingest", cli.url)["units"] == 71


def test_the_network_must_pay_by_roots(worktab_chain: Any, tmp_path: Path) -> None:
    with served(worktab_chain) as network:
        cli = Cli(network, tmp_path)
        key = tmp_path / "device.json"
        cli.json("device", "keygen", key)
        error = cli.failure("device", "enrol", cli.network, "--key", key)
        assert (error["code"], error["message"]) == ("cannot_enrol", "The network pays by receipts on chain")
        assert not (tmp_path / "data").exists()
