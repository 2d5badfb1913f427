"""Running `worktab attest run`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import typer
from solders.pubkey import Pubkey

from worktab.cli.attesting_disputes import DisputeLines, dispute_attestor, dispute_facts, memory_file
from worktab.cli.connecting import Acting, act
from worktab.cli.failures import Unsuccessful
from worktab.cli.ingest_store import existing
from worktab.cli.options import Wallet
from worktab.cli.output import CpuTime, Name, Rows, emit, to_json, warn
from worktab.cli.parsing import address
from worktab.core.errors import InputError, VerificationError, WorktabError
from worktab.epochs.attesting.accepted import Accepted
from worktab.epochs.attesting.attestor import EpochAttestor
from worktab.epochs.attesting.evidence import AnyEvidence, EvidenceSource, FolderEvidence, HttpEvidence, read_addresses
from worktab.epochs.attesting.judging import Judge, Rules
from worktab.epochs.attesting.memory import Memory
from worktab.epochs.attesting.reports import Report
from worktab.epochs.attesting.sampler import Sampler
from worktab.epochs.attesting.sources import AnyData, DataSource, FolderData, HttpData
from worktab.epochs.attesting.watching import repeat, watch
from worktab.epochs.policy import FixedRate, read_policy
from worktab.ingest.store import ReceiptStore
from worktab.roles.attesting import Attestor, Finalization
from worktab.trust.attesting import DisputeAttestor, Disputed

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked; `every` is in seconds, None for one look."""

    store: str | None
    published: Path | None
    data: tuple[str, ...]
    evidence: tuple[str, ...]
    policy: Path | None
    epoch: int | None
    commit: bool
    finalize: bool
    sample: int
    max_units: int
    grace: int
    refuse_withheld: bool
    every: float | None
    memory: Path | None
    epochs: bool
    disputes: bool


def attest(network: str, asked: Asked, wallet: Wallet, *, as_json: bool) -> None:
    """Look once, or until a signal comes. Raises what looking raises, and `Unsuccessful` where something is refused."""
    where = address(network, "NETWORK")
    if asked.every is not None and asked.epoch is not None:
        raise InputError("--watch goes on with every epoch", expected="--watch or --epoch", got="both")

    if not (asked.epochs or asked.disputes):
        raise InputError("Nothing is left to attest", expected="--no-disputes or --disputes-only", got="both")
    if asked.epochs and (asked.store is None or asked.published is None):
        raise InputError("Epochs take --store and --published", expected="both, or --disputes-only")

    async def work(session: Acting) -> tuple[Report | None, tuple[Disputed, ...]]:
        async with AsyncExitStack() as stack:
            store = None if asked.store is None else stack.enter_context(existing(asked.store))
            client = await stack.enter_async_context(httpx.AsyncClient())
            sources = await _sources(where, asked, session, client)
            epochs = _attestor(where, asked, session, store, sources, client) if asked.epochs else None
            disputes = dispute_attestor(where, asked, session, store, sources) if asked.disputes else None
            if disputes is not None:
                stack.push_async_callback(disputes.close)
            if asked.every is not None:
                await _watch(epochs, disputes, asked, asked.every, as_json)
                return None, ()
            report = None
            if epochs is not None:
                report = await epochs.look(epoch=asked.epoch, commit=asked.commit, finalize=asked.finalize)
            return report, () if disputes is None else await disputes.look()

    report, disputed = act(wallet, None if asked.every is not None else "Attesting", work)
    if asked.every is not None:
        return
    told = dispute_facts(disputed, as_json=as_json) if asked.disputes else {}
    if report is None:
        emit(told, as_json=as_json)
        return
    if asked.commit and (nothing := _why_nothing(report)):
        warn(nothing)
    facts = (report.to_json() if as_json else _facts(report)) | told
    refused = [each for each in report.judged if each.verdict is not None and not each.verdict.approve]
    if refused or (report.committed is not None and report.committed.objections):
        why = [objection for each in refused if each.verdict is not None for objection in each.verdict.objections]
        why += report.committed.objections if report.committed is not None else ()
        text = f"{len(refused):,} commitments are refused" if refused else "There is nothing fit to commit to"
        reason = "; ".join(f"{each.reason.value}: {each.detail}" for each in why)
        raise Unsuccessful(VerificationError(text, got=reason, next_step=report.next_step), facts)
    emit(facts, as_json=as_json)


async def _sources(where: Pubkey, asked: Asked, session: Acting, client: httpx.AsyncClient) -> list[EvidenceSource]:
    domain = await session.network(where).domain()
    return [_evidence(each, session, domain, client) for each in asked.evidence]


def _attestor(
    where: Pubkey,
    asked: Asked,
    session: Acting,
    store: ReceiptStore | None,
    evidence: Sequence[EvidenceSource],
    client: httpx.AsyncClient,
) -> EpochAttestor:
    assert store is not None
    assert asked.published is not None
    judge = Judge(
        store,
        Accepted(asked.published.expanduser()),
        AnyData([_data(each, client) for each in asked.data]),
        Rules(
            FixedRate() if asked.policy is None else read_policy(asked.policy.expanduser()),
            asked.grace,
            asked.refuse_withheld,
        ),
        Sampler(AnyEvidence(evidence), asked.sample, asked.max_units),
    )
    role = Attestor(session.sender(), where, session.actor, session.program)
    return EpochAttestor(role, judge, Memory(memory_file(where, asked.memory, session.actor.pubkey())))


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _data(text: str, client: httpx.AsyncClient) -> DataSource:
    return HttpData(text, client=client) if _is_url(text) else FolderData(Path(text).expanduser())


def _evidence(text: str, session: Acting, domain: bytes, client: httpx.AsyncClient) -> EvidenceSource:
    path = Path(text).expanduser()
    if not _is_url(text) and path.is_dir():
        return FolderEvidence(path)
    url = text if _is_url(text) else read_addresses(path)
    return HttpEvidence(url, attestor=session.actor, domain=domain, client=client)


async def _watch(
    attestor: EpochAttestor | None, disputes: DisputeAttestor | None, asked: Asked, every: float, as_json: bool
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)

    last: dict[str, Any] = {}

    def told(report: Report) -> None:
        nonlocal last
        facts = report.to_json()
        if (report.judged or report.committed or report.finalized) and facts != last:
            _say(to_json(facts, indent=None) if as_json else _line(report))
        last = facts

    def failed(error: WorktabError) -> None:
        if as_json:
            _say(to_json({"error": error.as_dict()}, indent=None))
        else:
            warn(str(error))

    loops: list[Awaitable[None]] = []
    if attestor is not None:
        asks = {"commit": asked.commit, "finalize": asked.finalize}
        loops.append(watch(attestor, stop, every=every, told=told, failed=failed, **asks))
    if disputes is not None:
        said = DisputeLines(_say, as_json=as_json)
        look = partial(disputes.look, patience=every)
        loops.append(repeat(look, stop, every=every, told=said, failed=failed))
    await asyncio.gather(*loops)


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


def _why_nothing(report: Report) -> str | None:
    """Why there was nothing to commit to, where no objection says so."""
    if report.epoch is None:
        return "nothing to commit to: no epoch is over that has no final root yet"
    if report.committed is None and not any(each.stands_for(report.epoch) for each in report.judged):
        return "nothing is committed to: the guardian only vetoes"
    if report.committed is not None and report.committed.commitment is None and not report.committed.objections:
        return f"nothing to commit to: the store holds no receipt from before the end of epoch {report.epoch}"
    return None


def _line(report: Report) -> str:
    """A look in one line."""
    parts = []
    for each in report.judged:
        why = () if each.verdict is None else each.verdict.objections
        reasons = f" ({', '.join(sorted({objection.reason.value for objection in why}))})" if why else ""
        parts.append(f"epoch {each.view.account.index} {each.action.value}{reasons} {each.view.address}")
    if report.committed is not None:
        why = report.committed.objections
        made = f"committed {report.committed.address}" if report.committed.address else "nothing committed"
        made += "" if report.committed.commitment or why else ": no receipts of it"
        parts.append(f"epoch {report.epoch} {made}" + "".join(f"; {each.detail}" for each in why))
    for address_, done in report.finalized:
        outcome = done.outcome.value if isinstance(done, Finalization) else done.code
        parts.append(f"{outcome} {address_}")
    if report.next_step:
        parts.append(report.next_step)
    return "; ".join(parts)


def _facts(report: Report) -> dict[str, Any]:
    """A look for people."""
    samples = [each.verdict.sample for each in report.judged if each.verdict is not None]
    samples += [report.committed.sample] if report.committed is not None else []
    rows = [
        {
            "epoch": Name(each.view.account.index),
            "commitment": each.view.address,
            "action": each.action,
            "reasons": [] if each.verdict is None else [found.reason for found in each.verdict.objections],
        }
        for each in report.judged
    ]
    made = report.committed
    return {
        "epoch": None if report.epoch is None else Name(report.epoch),
        "committed": None if made is None else made.address,
        "convicted": list(report.convicted),
        "withheld": list(report.withheld),
        "fees_lamports": report.lamports,
        "checking_cpu_ns": CpuTime(report.cpu_ns),
        "commitments": Rows(rows, ("epoch", "commitment", "action", "reasons"), _SHOWN),
        "samples": Rows(
            [each.to_json() for each in samples if each is not None],
            ("checked", "share_of_records", "share_of_units", "failed", "not_checkable", "unavailable", "ms"),
        ),
        "finalized": Rows(
            [
                {
                    "commitment": address_,
                    "outcome": done.outcome.value if isinstance(done, Finalization) else done.code,
                }
                for address_, done in report.finalized
            ],
            ("commitment", "outcome"),
        ),
    }
