"""Running `worktab challenge`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer
from solders.pubkey import Pubkey

from worktab.agent.bought import bought_blobs, bought_jobs
from worktab.cli.challenge_sources import Found, open_sources
from worktab.cli.connecting import Acting, act, transaction
from worktab.cli.failures import Unsuccessful, told_of
from worktab.cli.keyfiles import wallet as key_file
from worktab.cli.options import Wallet
from worktab.cli.output import Amount, CpuTime, Name, Rows, When, emit, tracked
from worktab.cli.parsing import address_or_none
from worktab.cli.proof_sources import data_folder
from worktab.cli.sampling import sample_of
from worktab.core.errors import InputError, WorktabError
from worktab.epochs.attesting.sampler import LONGEST, MOST_UNITS
from worktab.ingest.client import IngestClient
from worktab.ingest.errors import NoSuchDevice
from worktab.program.generated.accounts import Device, Dispute
from worktab.roles.accusations import OpenedDispute, OpenOutcome
from worktab.roles.disputes import Challenger
from worktab.roles.errors import DeviceNotFound
from worktab.trust.accusing import Accusation, accuse, standing_dispute
from worktab.trust.challenging import Examined, examine, examine_bought, overclaimed
from worktab.trust.receipts import read_receipts, read_rows
from worktab.work.history import ChainState, SignedReceipt
from worktab.work.wasm import VERIFIER_STACK, WasmRuntime

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was told."""

    sources: tuple[str, ...]
    bought: bool
    state: Path | None
    device: str | None
    attestor: Path | None
    receipts: tuple[Path, ...]
    ingests: tuple[str, ...]
    job: int | None
    one_in: int | None
    seed: str | None
    max_units: int | None
    dry_run: bool
    yes: bool


@dataclass(slots=True)
class _Case:
    """One device: its records, what was found, what is to be disputed or why nothing is, and what became of it."""

    found: Found
    examined: Examined
    accusation: Accusation | None = None
    refused: WorktabError | None = None
    opened: OpenedDispute | None = None
    decimals: int = 0
    rent: int = 0

    @property
    def network(self) -> Pubkey:
        assert self.accusation is not None
        return self.accusation.view.device.network


def run_challenge(asked: Asked, wallet: Wallet, *, as_json: bool) -> None:
    """Examine, ask, dispute, and show all of it. Raises `Unsuccessful` where something wrong can't be disputed."""
    if as_json and not (asked.yes or asked.dry_run):
        raise InputError("With --json nobody is asked whether to dispute", expected="--yes or --dry-run")
    if not asked.sources and not asked.bought:
        raise InputError("There is nothing to challenge", expected="a SOURCE, or --bought")
    seed, sample = sample_of(asked.one_in, asked.seed)
    runtime = WasmRuntime(stack_bytes=VERIFIER_STACK, seconds=LONGEST)
    most = MOST_UNITS if asked.max_units is None else asked.max_units
    with _found(asked, wallet) as found:
        cases = []
        for each in found:
            if each.published is None:
                assert each.blobs is not None
                with tracked(each.jobs, len(each.jobs), "Running bought jobs again") as jobs:
                    examined = examine_bought(jobs, each.blobs, runtime, max_units=most)
            else:
                with tracked(each.published.entries(), each.published.count, "Running records again") as entries:
                    examined = examine(each.published, runtime, entries=entries, sample=sample, max_units=most)
            cases.append(_Case(each, examined))
        act(wallet, None, lambda session: _plan(asked, cases, session))
        _decide(asked, cases, wallet, as_json=as_json)
    facts = {"dry_run": asked.dry_run, "seed": seed, "devices": [_facts(case) for case in cases]}
    shown = facts if as_json else _for_people(cases, dry_run=asked.dry_run)
    refused = next((case.refused for case in cases if case.refused is not None), None)
    if refused is not None:
        raise Unsuccessful(refused, shown)
    emit(shown, as_json=as_json)


@contextmanager
def _found(asked: Asked, wallet: Wallet) -> Iterator[list[Found]]:
    """The records to examine, by device."""
    wanted = address_or_none(asked.device, "--device")
    with ExitStack() as stack:
        found = stack.enter_context(open_sources(asked.sources, wanted, asked.attestor, wallet))
        if asked.bought:
            folder = (asked.state or data_folder() / "buyer").expanduser() / "purchases"
            jobs, blobs = bought_jobs(folder), bought_blobs(folder)
            for device in dict.fromkeys(job.device for job in jobs):
                mine = [job for job in jobs if job.device == device]
                found.append(Found(device, None, mine, blobs))
        if wanted is not None:
            found = [each for each in found if each.device == wanted]
        if not found:
            raise InputError("There is nothing to challenge", expected="records of a device", got="none in the sources")
        yield found


async def _plan(asked: Asked, cases: list[_Case], session: Acting) -> None:
    """Find for every case what to dispute; nothing is sent."""
    accused = set()
    for case in cases:
        if case.found.device in accused:
            continue
        try:
            view = await session.device(case.found.device)
            _look_at_total(case, view.device)
            if not case.examined.suspects:
                continue
            case.decimals, case.rent = view.network.decimals, await session.chain.rent_exempt(Dispute.SIZE)
            challenger = Challenger(session.sender(), view.device.network, session.actor, session.program)
            receipts = await _receipts(asked, case.found.device)
            case.accusation = await accuse(
                challenger,
                case.found.published,
                case.examined,
                view,
                receipts,
                only=asked.job,
                witnessed=asked.attestor is not None,
            )
            accused.add(case.found.device)
        except DeviceNotFound as error:
            # A registration that is closed can't be disputed any more; without a suspect nothing is amiss.
            case.refused = error if case.examined.suspects else None
        except WorktabError as error:
            case.refused = error


def _look_at_total(case: _Case, device: Device) -> None:
    """Compare what the receipt on chain claims with the records."""
    if case.found.published is not None:
        suspect = overclaimed(case.found.published, ChainState(device.seq, device.units, device.head))
        case.examined.suspects += [] if suspect is None else [suspect]


async def _receipts(asked: Asked, device: Pubkey) -> list[SignedReceipt]:
    found = [each for path in asked.receipts for each in read_receipts(path.expanduser(), device)]
    for url in asked.ingests:
        async with IngestClient(url) as client:
            try:
                newest = (await client.newest(device)).receipt
            except NoSuchDevice:
                continue
            found += [] if newest is None else read_rows(newest, device)
    return found


def _decide(asked: Asked, cases: list[_Case], wallet: Wallet, *, as_json: bool) -> None:
    """Ask, and open the disputes."""
    due = [case for case in cases if case.accusation is not None and case.accusation.standing is None]
    if asked.dry_run or not due:
        return
    if not asked.yes:
        emit(_for_people(cases, dry_run=True), as_json=False)
        deposits = ", ".join(
            str(Amount(case.accusation.stakes.deposit, case.decimals)) for case in due if case.accusation
        )
        typer.confirm(f"Deposit {deposits} tokens and dispute {_records(len(due))}?", abort=True, err=True)

    async def work(session: Acting) -> None:
        for case in due:
            assert case.accusation is not None
            assert case.accusation.evidence is not None
            challenger = Challenger(session.sender(), case.network, session.actor, session.program)
            witness = key_file(asked.attestor) if case.accusation.far else None
            try:
                case.opened = await challenger.open(case.found.device, case.accusation.evidence, witness=witness)
            except WorktabError as error:
                case.refused = error

    act(wallet, "Disputing", work)


def _records(count: int) -> str:
    return "this record" if count == 1 else f"these {count} records"


def _facts(case: _Case) -> dict[str, Any]:
    """A case for programs."""
    examined, accusation = case.examined, case.accusation
    facts: dict[str, Any] = {
        "device": case.found.device,
        "records": examined.records,
        "executed": examined.executed,
        "unchecked": examined.unchecked,
        "cpu_ns": CpuTime(examined.cpu_ns),
        "suspects": [
            {"job": each.seq, "fault": each.fault.value, "disputable": each.disputable, "detail": each.detail}
            for each in examined.suspects
        ],
        "dispute": None,
        "error": None if case.refused is None else told_of(case.refused)[1],
    }
    if accusation is not None:
        facts["dispute"] = _accusation(case, accusation)
    return facts


def _accusation(case: _Case, accusation: Accusation) -> dict[str, Any]:
    stakes, decimals = accusation.stakes, case.decimals
    opened = case.opened if accusation.standing is None else standing_dispute(accusation.standing)
    confirmed = None if opened is None else opened.confirmed
    # What an ended dispute moved is in its events (`worktab dispute status`); nothing more can be moved by it.
    over = opened is not None and opened.outcome is OpenOutcome.ENDED_GUILTY

    def at_stake(base_units: int) -> Amount | None:
        return None if over else Amount(base_units, decimals)

    return {
        "job": accusation.suspect.seq,
        "fault": accusation.suspect.fault.value,
        "address": None if opened is None else opened.address,
        "outcome": None if opened is None else opened.outcome.value,
        "deadline": None if opened is None else When(opened.view.account.deadline),
        "later_records": None if accusation.evidence is None else len(accusation.evidence.later),
        "shown_by": None if accusation.evidence is None else _shown_by(accusation),
        "deposit": at_stake(stakes.deposit),
        "rent_lamports": None if over else case.rent,
        "slash": at_stake(stakes.slash),
        "to_consumer": at_stake(stakes.consumer),
        "to_challenger": at_stake(stakes.challenger),
        "to_pool": at_stake(stakes.pool),
        "forfeited": at_stake(stakes.forfeited),
        "lost_if_undecided": at_stake(stakes.undecided),
        "transaction": None if confirmed is None else transaction(confirmed),
    }


def _shown_by(accusation: Accusation) -> str:
    assert accusation.evidence is not None
    if accusation.far:
        return "attestor"
    return "head_on_chain" if accusation.evidence.message is None else "receipt"


def _for_people(cases: list[_Case], *, dry_run: bool) -> dict[str, Any]:
    """All cases as text."""
    rows = [
        {"device": case.found.device, "job": Name(each.seq), "fault": each.fault.value, "detail": each.detail}
        for case in cases
        for each in case.examined.suspects
    ]
    disputes = {
        ("would_dispute" if dry_run and case.accusation.standing is None else "dispute")
        + (f"_{number}" if len(cases) > 1 else ""): {"device": case.found.device} | _accusation(case, case.accusation)
        for number, case in enumerate(cases, 1)
        if case.accusation is not None
    }
    return {
        "records": sum(case.examined.records for case in cases),
        "executed": sum(case.examined.executed for case in cases),
        "checking_cpu_ns": CpuTime(sum(case.examined.cpu_ns for case in cases)),
        "wrong": Rows(rows, ("device", "job", "fault", "detail"), _SHOWN),
        **disputes,
    }
