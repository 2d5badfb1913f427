"""Buying a job for `worktab buy`, and what is shown of it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import typer
from solders.pubkey import Pubkey

from worktab.agent.buying import Job, buy_job
from worktab.agent.purchases import PurchaseLog
from worktab.cli.bought import bill_so_far, result_facts, result_of
from worktab.cli.connecting import Acting, act
from worktab.cli.failures import Interrupted, Unsuccessful
from worktab.cli.keyfiles import read_file
from worktab.cli.options import Wallet
from worktab.cli.output import emit
from worktab.cli.parsing import address_or_none
from worktab.cli.refusals import Listening
from worktab.core.errors import InputError, StorageError, WorktabError
from worktab.core.money import parse_amount
from worktab.market.buyer.budget import Budget
from worktab.market.buyer.errors import NoDeviceAnswered, NotVerified, ResultsDiffer
from worktab.market.buyer.purse import Purse
from worktab.market.offers import Offer, fetch_offers
from worktab.program.generated.errors import Unauthorized


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
    file = None if wanted.output is None else wanted.output.expanduser()
    if file is not None:
        _require_writable(file)
    folder = (wanted.state or _data_folder()).expanduser()
    log = PurchaseLog.open(folder / "purchases", wanted.purchase or secrets.token_hex(8), job.work)
    repeated = log.result is not None
    if not repeated:
        _Buying(wanted, wallet, job, folder, log).run()
    assert log.result is not None
    facts = {"purchase": log.name, "repeated": repeated, "output": log.output, **result_facts(log.result)}
    if file is not None:
        try:
            _write(file, log)
        except StorageError as error:
            raise Unsuccessful(error, facts) from error
    emit(facts | {"output": file or log.output}, as_json=as_json)


class _Buying:
    """One run of a purchase. However it ends, what it cost so far is told."""

    def __init__(self, wanted: Wanted, wallet: Wallet, job: Job, folder: Path, log: PurchaseLog) -> None:
        self._wanted, self._wallet, self._job, self._folder, self._log = wanted, wallet, job, folder, log
        self._whose = address_or_none(wanted.tab_of, "--tab-of")
        self._only = address_or_none(wanted.network, "--network")
        self._urls = [_server(url) for url in wanted.sources or _listed()]
        self._listening = Listening()
        self._decimals: int | None = None

    def run(self) -> None:
        """Buy. Raises `Unsuccessful` once a device may have been asked, in this run or an earlier one."""
        try:
            act(self._wallet, "Buying", self._work)
        except KeyboardInterrupt:
            if not self._began:
                raise
            raise self._failed(Interrupted("Interrupted before there was a result")) from None
        except Exception as error:
            if isinstance(error, Unsuccessful) or not self._began:
                raise
            raise self._failed(error) from error

    @property
    def _began(self) -> bool:
        return self._decimals is not None or bool(self._log.asked)

    async def _work(self, session: Acting) -> None:
        wanted, log = self._wanted, self._log
        async with httpx.AsyncClient() as client:
            offers, unreachable = await fetch_offers(client, self._urls)
        where, offers = _one_network(offers, unreachable, self._only)
        consumer = session.consumer(where, self._whose)
        network = await consumer.reader.network()
        budget = Budget(
            parse_amount(wanted.budget, network.decimals),
            per_request=None if wanted.per_job is None else parse_amount(wanted.per_job, network.decimals),
        )
        if wanted.purchase is None:
            typer.echo(f"purchase: {log.name}", err=True)
        self._decimals = network.decimals
        with Purse.open(self._folder / "purse.sqlite") as purse:
            async with purse.locks.hold(sha256(f"purchase {log.name}".encode()).hexdigest()):
                try:
                    bought = await buy_job(
                        consumer, purse, budget, self._job, offers, log,
                        verify=wanted.verify, transport=self._listening,
                    )  # fmt: skip
                except (NotVerified, ResultsDiffer) as error:
                    result = result_of(error.delivery, network, where, unreachable)
                    raise self._told(error, result_facts(result)) from error
                log.finish(bought.response.content, result_of(bought, network, where, unreachable))

    def _failed(self, error: Exception) -> Unsuccessful:
        """An error with what was paid, and may be paid, before it."""
        attempts = error.attempts if isinstance(error, NoDeviceAnswered) else ()
        if isinstance(error, NoDeviceAnswered):
            self._explain(error)
        if isinstance(error, Unauthorized):
            error.next_step = "Sign with the consumer's key, or one that `worktab tab delegate` lets spend from the tab"
        return self._told(error, bill_so_far(self._log, attempts, self._listening.refusal, self._decimals))

    def _explain(self, error: NoDeviceAnswered) -> None:
        """Add to an error, which has codes alone, what the devices said."""
        for each in error.attempts:
            refusal = self._listening.refusal(each.url)
            if refusal is None or refusal.code != each.error:
                continue
            error.got = error.got.replace(f"{each.url}: {each.error}", f"{each.url}: {each.error}: {refusal.text}")
            if refusal.out_of_fuel:
                error.next_step = "Let the job take more units: raise --max-units, --budget or --per-job"

    def _told(self, error: Exception, facts: dict[str, Any]) -> Unsuccessful:
        again = f"Run it again with --purchase {self._log.name}: nothing is charged twice"
        if isinstance(error, WorktabError):
            error.next_step = f"{error.next_step}. {again}" if error.next_step else again
        return Unsuccessful(error, {"purchase": self._log.name} | facts)


def _one_network(offers: list[Offer], unreachable: list[str], only: Pubkey | None) -> tuple[Pubkey, list[Offer]]:
    """The network to buy in, and the offers in it."""
    networks = {each.network for each in offers}
    if only is not None and networks and only not in networks:
        raise InputError(
            "The devices are in another network",
            expected=str(only),
            got=", ".join(sorted(map(str, networks))),
            next_step="Name devices of the network, or leave --network out",
        )
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
            "No device is named",
            expected="--from URL, WORKTAB_DEVICES, or a list",
            got=f"nothing in {file}",
            next_step=f"Name a device's server with --from, or write the addresses of servers into {file}, one a line",
        )
    return urls


def _server(url: str) -> str:
    """The address of a server. Raises `InputError` if it is none."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise InputError(
            "This is not the address of a device's server",
            expected="one that begins with http:// or https://",
            got=repr(url),
            next_step="Write it as the device's owner gave it, such as http://10.0.0.7:8402",
        )
    return url


def _require_writable(file: Path) -> None:
    """Check, before anything is paid, that a result can be written to a file. Raises `StorageError`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fault = "it is a folder" if file.is_dir() else ""
    except OSError as error:
        fault = str(error.strerror)
    # A pipe or a device such as /dev/stdout is there already, and needs no folder that can be written.
    if not fault and not os.access(file if file.exists() else file.parent, os.W_OK):
        fault = "it may not be written"
    if fault:
        raise StorageError(
            f"The result cannot be written to {file}",
            got=fault,
            next_step="No device was asked. Name another file, in a folder that you may write to: --output",
        )


def _write(file: Path, log: PurchaseLog) -> None:
    output = read_file(log.output, "output")
    try:
        file.write_bytes(output)
    except OSError as error:
        raise StorageError(
            f"The result is paid for, and cannot be written to {file}",
            got=str(error.strerror),
            next_step=f"It is kept in {log.output}. Run it again with --purchase {log.name} and another --output: "
            "nothing is charged again",
        ) from error


def _data_folder() -> Path:
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "worktab" / "buyer"
