"""`worktab device`: keys, registration, pay, status and the end."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.cli import Cli, invoke
from worktab.core.addresses import find_device
from worktab.core.keys import DeviceKey, Ed25519Signer, P256Signer
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device
from worktab.roles.errors import ClaimIncomplete


def read(cli: Cli, device: str) -> Device:
    return cli.served.do(cli.fleet.read(Pubkey.from_string(device)))


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_keygen(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "keys" / "device.key"
    made = json.loads(invoke("device", "keygen", file, "--kind", kind, "--json").stdout)
    content = file.read_bytes()
    if kind == "ed25519":
        assert made["public_key"] == str(Keypair.from_json(content.decode()).pubkey())
    else:
        assert made["public_key"] == P256Signer.from_pem(content).public.public_bytes.hex()
    assert made == {"file": str(file), "kind": kind, "public_key": made["public_key"]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = invoke("device", "keygen", file, "--kind", kind)
    assert again.exit_code == 1
    assert again.stderr == f"error: There is a file at {file} already\nnext step: Choose another path\n"
    assert file.read_bytes() == content
    assert [each.name for each in file.parent.iterdir()] == ["device.key"]


def test_keygen_says_why_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for kind in ("ed25519", "p256"):
        result = invoke("device", "keygen", tmp_path / "file" / "key", "--kind", kind, "--json")
        assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (1, "storage")


def test_register(cli: Cli) -> None:
    payout, owner = Keypair().pubkey(), Keypair()
    evidence = cli.file("evidence", b"made in 2026")
    key = cli.folder / "device.pem"
    cli.json("device", "keygen", key, "--kind", "p256")
    made = cli.json(
        *("device", "register", cli.network, "--key", key, "--capacity", 5_000, "--payout", payout),
        *("--evidence", evidence, "--keypair", cli.key_file("owner.json", owner), "--fee-payer", cli.payer),
    )
    public = P256Signer.from_pem(key.read_bytes()).public
    assert list(made) == ["device", "index", "network", "owner", "transaction"]
    assert made["device"] == str(find_device(PROGRAM_ID, cli.fleet.network, public)[0])
    assert (made["index"], made["owner"]) == (0, str(owner.pubkey()))
    held = read(cli, made["device"])
    assert (held.owner, held.payout, held.next_capacity) == (owner.pubkey(), payout, 5_000)
    assert (held.evidence, held.key) == (hashlib.sha256(b"made in 2026").digest(), public.raw33)
    error = cli.failure("device", "register", cli.network, "--key", key, "--capacity", 1)
    assert error["code"] == "already_registered"


def test_register_a_wallets_own_key_where_admission_is_asked_for(cli: Cli) -> None:
    made = cli.json(
        "network",
        "create",
        "--mint",
        cli.mint,
        "--admission",
        "--class",
        "rate=1,max-capacity=9,budget=9",
        "--keypair",
        cli.authority,
        "--fee-payer",
        cli.payer,
        "--id",
        1,
    )
    register = ("device", "register", made["network"], "--key", cli.payer, "--capacity", 9)
    assert cli.failure(*register)["code"] == "program.admission_required"
    held = read_any(cli, cli.json(*register, "--admission", cli.authority)["device"])
    assert held.key == DeviceKey.ed25519(cli.fleet.payer.pubkey()).raw33


def read_any(cli: Cli, device: str) -> Device:
    account = cli.served.do(cli.fleet.chain.account(Pubkey.from_string(device)))
    assert account is not None
    return Device.decode(account.data)


def test_register_refuses(cli: Cli) -> None:
    def error(*options: object, code: int = 1) -> dict[str, str]:
        return cli.failure("device", "register", cli.network, *options, code=code)

    assert error("--key", cli.folder / "none", "--capacity", 1)["code"] == "storage"
    assert error("--key", cli.file("odd", b"what"), "--capacity", 1, code=2)["code"] == "key_format"
    assert error("--key", cli.file("torn", b"[1, 2"), "--capacity", 1, code=2)["code"] == "key_format"
    pem = cli.file("torn.pem", b"-----BEGIN PRIVATE KEY-----\n")
    assert error("--key", pem, "--capacity", 1, code=2)["code"] == "key_format"
    assert error("--key", cli.payer, "--capacity", 10**9)["code"] == "program.capacity_too_large"
    assert error("--key", cli.payer, "--capacity", 1, "--class", 1)["code"] == "program.unknown_class"
    missing = error("--key", cli.payer, "--capacity", 1, "--evidence", cli.folder / "none")
    assert missing["message"] == f"The evidence {cli.folder / 'none'} cannot be read"


def test_claim_for_devices_by_name(cli: Cli) -> None:
    device, key = cli.device()
    cli.work(device, b"abc", b"defg")
    cli.json("device", "submit", device, "--key", key)
    reward = read(cli, device).rewards_owed
    assert reward == 2 * read(cli, device).units > 0

    claimed = cli.json("device", "claim", device)
    owner = str(cli.fleet.payer.pubkey())
    assert claimed["paid"] == reward
    assert [claimed[name] for name in ("rewards", "earnings", "fee", "burned")] == [reward, 0, 0, 0]
    paid = {"device": device, "outcome": "paid", "payout": owner, "rewards": reward, "earnings": 0}
    assert claimed["devices"] == [paid]
    assert [each["fee_lamports"] for each in claimed["transactions"]] == [5_000]
    assert cli.served.do(cli.fleet.mint.balance(cli.fleet.payer.pubkey())) == reward
    again = cli.json("device", "claim", device)
    assert (again["paid"], again["devices"][0]["outcome"], again["transactions"]) == (0, "nothing_owed", [])


def test_claim_for_a_network_or_one_owner_in_it(cli: Cli) -> None:
    others = cli.served.do(two_earners(cli))
    device, key = cli.device()
    cli.work(device)
    cli.json("device", "submit", device, "--key", key)
    claim = ("device", "claim", "--network", cli.network)
    mine = cli.json(*claim, "--owner", cli.fleet.payer.pubkey())
    assert [(each["device"], each["rewards"]) for each in mine["devices"]] == [(device, 142)]
    everyone = cli.json(*claim)
    assert [(each["device"], each["outcome"], each["rewards"]) for each in everyone["devices"]] == [
        (others[0], "paid", 10),
        (others[1], "paid", 20),
        (device, "nothing_owed", 0),
    ]
    assert everyone["paid"] == 30
    assert cli.text(*claim).splitlines()[:5] == [
        "paid      0",
        "rewards   0",
        "earnings  0",
        "fee       0",
        "burned    0",
    ]


async def two_earners(cli: Cli) -> list[str]:
    made = [await cli.fleet.device() for _ in range(2)]
    await cli.fleet.next_epoch()
    for units, device in zip((5, 10), made, strict=True):
        await cli.fleet.earn(device, 1, units)
    return [str(device.device) for device in made]


def test_claim_needs_to_know_for_what(cli: Cli) -> None:
    device, _ = cli.device()
    for options in ((), (device, "--network", cli.network), (device, "--owner", device), ("--owner", device)):
        error = cli.failure("device", "claim", *options, code=2)
        assert error["message"] == "It is not clear for which devices to claim"
    assert cli.failure("device", "claim", cli.mint)["code"] == "device_not_found"
    assert cli.failure("device", "claim", Keypair().pubkey())["got"] == "no account"
    assert cli.failure("device", "claim", "me", code=2)["message"] == "DEVICE is not an address"


def test_a_claim_that_fails_in_part_still_tells_what_was_paid(cli: Cli) -> None:
    poor = Keypair()
    rent = cli.served.do(cli.fleet.chain.rent_exempt(165))
    cli.airdrop(poor, 2 * rent)  # with the fees, enough for one token account and not for two
    cli.served.do(two_earners(cli))
    claim = ("device", "claim", "--network", cli.network, "--keypair", cli.key_file("poor.json", poor))
    result = cli.run(*claim, "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert facts["error"]["code"] == ClaimIncomplete.code
    assert sorted(each["outcome"] for each in facts["devices"]) == ["failed", "paid"]
    assert facts["paid"] in (10, 20)
    assert len(facts["transactions"]) == 1


def test_status(cli: Cli) -> None:
    device, _ = cli.device(capacity=1_000)
    before = cli.json("device", "status", device)
    assert before["spool"] is None
    cli.work(device, b"abc", b"abc")
    facts = cli.json("device", "status", device)
    owner = str(cli.fleet.payer.pubkey())
    folder = str(cli.folder / "data" / "worktab" / device)
    expected = {
        "network": cli.network,
        "device": device,
        "index": 0,
        "status": "active",
        "owner": owner,
        "payout": owner,
        "key": "ed25519",
        "class": 0,
        "jobs": 0,
        "units": 0,
        "utilisation": {"units": 0, "capacity": 1_000, "bps": 0},
        "next_capacity": 1_000,
        "units_sold": 0,
        "units_self_sold": 0,
        "revenue": 0,
        "fees_paid": 0,
        "burned": 0,
        "paid_away_bps": 0,
        "earnings_owed": 0,
        "rewards": 0,
        "rewards_owed": 0,
        "epoch_rewards": 0,
        "epoch_share": 1_000_000,
        "last_receipt_at": 0,
        "bond": 0,
        "bond_held": 0,
        "bond_leaving": 0,
        "bond_leaves_at": None,
        "slas_kept": 0,
        "slas_missed": 0,
        "slas_open": 0,
        "open_disputes": 0,
        "kept_open_by": None,
        "spool": {
            "folder": folder,
            "in_use": False,
            "jobs": 2,
            "units": 142,
            "waiting": {
                "new_units": 142,
                "eligible": 142,
                "full_reward": 284,
                "reward": 284,
                "limits": [],
                "next_epoch_at": cli.epoch(2),
            },
        },
    }
    assert facts == expected
    assert list(facts) == list(expected)
    lines = cli.text("device", "status", device).splitlines()
    assert "utilisation      0 of 1,000 (0.00 %)" in lines
    assert "last receipt at  never" in lines
    assert "    full reward    0.000284" in lines


def test_an_account_that_is_no_device(cli: Cli) -> None:
    for command in (("device", "status"), ("receipt", "show"), ("device", "claim"), ("device", "retire")):
        error = cli.failure(*command, cli.network)  # an account of the program, but not a device
        assert (error["code"], error["got"]) == ("device_not_found", f"an account of {PROGRAM_ID}")


def test_status_while_the_spool_is_in_use(cli: Cli) -> None:
    from worktab.work.spool import Spool

    device, _ = cli.device()
    cli.work(device)
    folder = cli.folder / "data" / "worktab" / device
    with Spool.open(folder / "spool.sqlite", device=bytes(Pubkey.from_string(device))):
        spool = cli.json("device", "status", device)["spool"]
    assert spool == {"folder": str(folder), "in_use": True, "jobs": None, "units": None, "waiting": None}


def test_retire(cli: Cli) -> None:
    device, key = cli.device()
    cli.work(device)
    cli.json("device", "submit", device, "--key", key)
    retired = cli.json("device", "retire", device)
    assert (retired["closed"], retired["owed"]) == (False, 142)
    assert retired["transaction"]["fee_lamports"] == 5_000
    again = cli.json("device", "retire", device)
    assert (again["closed"], again["owed"], again["transaction"]) == (False, 142, None)
    claim = {"by": "pay", "amount": 142, "next": f"worktab device claim {device}"}
    assert again["kept_open_by"] == cli.json("device", "status", device)["kept_open_by"] == [claim]
    cli.json("device", "claim", device)
    assert cli.json("device", "status", device)["kept_open_by"] == []
    closed = cli.json("device", "retire", device)
    assert (closed["closed"], closed["owed"], closed["kept_open_by"]) == (True, 0, [])
    assert cli.failure("device", "retire", device)["code"] == "device_not_found"


def test_only_the_owner_retires(cli: Cli) -> None:
    device, _ = cli.device()
    wallet = ("--keypair", cli.authority, "--fee-payer", cli.payer)
    assert cli.failure("device", "retire", device, *wallet)["code"] == "program.unauthorized"


def test_a_device_key_is_read_in_both_forms(tmp_path: Path) -> None:
    from worktab.cli.keyfiles import as_keypair, device_signer

    signer = Ed25519Signer.generate()
    (tmp_path / "a").write_bytes(b"\n " + signer.to_json_bytes())
    read_back = device_signer(tmp_path / "a")
    assert isinstance(read_back, Ed25519Signer)
    assert DeviceKey.ed25519(as_keypair(read_back).pubkey()) == signer.public
