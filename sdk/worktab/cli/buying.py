"""Buying a job for `worktab buy`, and what is shown of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
from solders.pubkey import Pubkey

from worktab.agent.buying import Job, buy_job
from worktab.agent.purchases import PurchaseLog
from worktab.cli.connecting import Acting, act
from worktab.cli.failures import Unsuccessful
from worktab.cli.keyfiles import read_file
from worktab.cli.options import Wallet
from worktab.cli.output import Amount, Noted, Rows, emit
from worktab.cli.parsing import address_or_none
from worktab.core.errors import InputError, StorageError
from worktab.core.money import WHOLE_BPS, parse_amount
from worktab.market.buyer.bill import Bill
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import NoDeviceAnswered, NotVerified, ResultsDiffer
from worktab.market.buyer.purse import Purse
from worktab.market.offers import Delivery, Offer, fetch_offers
from worktab.program.generated.accounts import Network

_COLUMNS: Final = ("url", "for", "units", "price", "may_charge", "error", "ms")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was told."""

    module: Path
    input: Path
    budget: str
    sources: list[str]
    verify: int
    max_units: int | None
    per_job: str | None
    output: Path | None
    purchase: str | None
    network: str | None
    state: Path | None
    tab_of: str | None


def run_purchase(wanted: Wanted, wallet: Wallet, *, as_json: bool) -> None:
    """Buy, or show what was bought before, and print it."""
    job = Job(read_file(wanted.module, "module"), read_file(wanted.input, "input"), wanted.max_units)
    folder = (wanted.state or _data_folder()).expanduser()
    log = PurchaseLog.open(folder / "purchases", wanted.purchase or secrets.token_hex(8), job.work)
    repeated = log.result is not None
    if not repeated:
        _buy(wanted, wallet, job, folder, log)
    assert log.result is not None
    output = read_file(log.output, "output")
    file = log.output if wanted.output is None else wanted.output.expanduser()
    if wanted.output is not None:
        _write(file, output)
    facts = {"purchase": log.name, "repeated": repeated, "output": file, **_shown(log.result)}
    emit(facts, as_json=as_json)


def _buy(wanted: Wanted, wallet: Wallet, job: Job, folder: Path, log: PurchaseLog) -> None:
    whose, only = address_or_none(wanted.tab_of, "--tab-of"), address_or_none(wanted.network, "--network")
    urls = wanted.sources or _listed()

    async def work(session: Acting) -> None:
        async with httpx.AsyncClient() as client:
            offers, unreachable = await fetch_offers(client, urls)
        where, offers = _one_network(offers, unreachable, only)
        consumer = session.consumer(where, whose)
        network = await consumer.reader.network()
        budget = Budget(
            parse_amount(wanted.budget, network.decimals),
            per_request=None if wanted.per_job is None else parse_amount(wanted.per_job, network.decimals),
        )
        with Purse.open(folder / "purse.sqlite") as purse:
            async with purse.locks.hold(sha256(f"purchase {log.name}".encode()).hexdigest()):
                try:
                    bought = await buy_job(consumer, purse, budget, job, offers, log, verify=wanted.verify)
                except (NotVerified, ResultsDiffer) as error:
                    facts = {"purchase": log.name, **_shown(_result(error.delivery, network, where, unreachable))}
                    raise Unsuccessful(error, facts) from error
                log.finish(bought.response.content, _result(bought, network, where, unreachable))

    act(wallet, "Buying", work)


def _one_network(offers: list[Offer], unreachable: list[str], only: Pubkey | None) -> tuple[Pubkey, list[Offer]]:
    """The network to buy in, and the offers in it."""
    networks = {each.network for each in offers}
    if only is not None:
        offers, networks = [each for each in offers if each.network == only], {only}
    if not offers:
        raise NoDeviceAnswered((), tuple(unreachable), "; ".join(f"{url}: no offer" for url in unreachable))
    if len(networks) > 1:
        raise InputError(
            "The devices are in several networks",
            expected="--network",
            got=", ".join(sorted(map(str, networks))),
            next_step="Name the one to buy in: --network",
        )
    return networks.pop(), offers


def _listed() -> list[str]:
    """The servers in the user's list. Raises `InputError` where there is none."""
    config = os.environ.get("XDG_CONFIG_HOME")
    file = (Path(config) if config else Path.home() / ".config") / "worktab" / "devices"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    urls = [url for line in lines if (url := line.partition("#")[0].strip())]
    if not urls:
        raise InputError(
            "No device is named", expected="--from URL, WORKTAB_DEVICES, or a list", got=f"nothing in {file}"
        )
    return urls


def _result(bought: Delivery, network: Network, where: Pubkey, unreachable: list[str]) -> dict[str, Any]:
    """What is kept of a result; amounts in base units."""
    bill, receipt = bought.bill, bought.bought.receipt
    return {
        "network": str(where),
        "decimals": network.decimals,
        "device": str(receipt.device),
        "job": receipt.charged.seq,
        "head": receipt.charged.head.hex(),
        "bytes": len(bought.response.content),
        "units": receipt.units,
        "price": bill.price,
        "total": bill.total,
        "fee_bps": network.fee_bps,
        "burn_bps": network.burn_bps,
        "verified": bought.verified,
        "unreachable": list(dict.fromkeys([*unreachable, *bill.unreachable])),
        "overhead": {
            name: {"amount": amount, "bps": bill.share(amount), "ms": spent} for name, amount, spent in _overhead(bill)
        },
        "attempts": [
            {
                "url": each.url,
                "device": str(each.device) if each.device else None,
                "for": each.purpose.value,
                "units": each.units,
                "price": each.price,
                "may_charge": each.out,
                "error": each.error,
                "ms": each.milliseconds,
            }
            for each in bill.attempts
        ],
    }


def _overhead(bill: Bill) -> list[tuple[str, int, int]]:
    parts = [
        ("routing", bill.routing, bill.asking),
        ("retries", bill.retries, bill.retrying),
        ("verification", bill.verification, bill.verifying),
    ]
    # What routing costs is within the price; the others come on top.
    return [*parts, ("all", bill.retries + bill.verification, sum(spent for _, _, spent in parts))]


@dataclass(frozen=True, slots=True)
class Share:
    """Basis points, as people read them."""

    bps: int

    def __str__(self) -> str:
        return f"{self.bps // 100}.{self.bps % 100:02} %"


def _shown(result: Mapping[str, Any]) -> dict[str, Any]:
    decimals, price = result["decimals"], result["price"]

    def part(bps: int) -> Noted:
        return Noted(Amount(price * bps // WHOLE_BPS, decimals), f"{Share(bps)} of the price")

    rows = [
        row | {"price": Amount(row["price"], decimals), "may_charge": Amount(row["may_charge"], decimals)}
        for row in result["attempts"]
    ]
    return {
        "network": result["network"],
        "device": result["device"],
        "job": result["job"],
        "head": result["head"],
        "bytes": result["bytes"],
        "units": result["units"],
        "price": Amount(price, decimals),
        "paid": Amount(result["total"], decimals),
        "verified": result["verified"],
        "unreachable": result["unreachable"],
        "fee": part(result["fee_bps"]),
        "burn": part(result["burn_bps"]),
        "overhead": Rows(
            [
                {
                    "of": name,
                    "amount": Amount(each["amount"], decimals),
                    "bps": each["bps"],
                    "share": str(Share(each["bps"])),
                    "ms": each["ms"],
                }
                for name, each in result["overhead"].items()
            ],
            ("of", "amount", "share", "ms"),
        ),
        "attempts": Rows(rows, _COLUMNS),
    }


def _write(file: Path, output: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(output)
    except OSError as error:
        raise StorageError(f"The result cannot be written to {file}", got=str(error.strerror)) from error


def _data_folder() -> Path:
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "worktab" / "buyer"
