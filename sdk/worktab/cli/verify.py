"""`worktab verify`: run recorded WASM jobs again and say which records differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worktab.cli.options import Cluster, Json, State, examples, expanded
from worktab.cli.output import CpuTime, Rows, emit, tracked

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from worktab.program.generated.accounts import Device
    from worktab.work.blobs import BlobSource
    from worktab.work.history import ChainState, Entry
    from worktab.work.verify import Verification

app = typer.Typer()

_MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class _Source:
    """Records to verify, with their data and the state they follow."""

    device: Pubkey
    base: ChainState
    count: int
    entries: Iterable[Entry]
    blobs: BlobSource


@app.command(
    epilog=examples(
        "worktab verify work.bundle",
        "worktab verify $DEVICE --one-in 100",
        "worktab verify work.bundle --chain --json",
    )
)
@expanded
def verify(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A bundle (worktab device export), or a device whose spool is on this machine.",
            show_default=False,
        ),
    ],
    one_in: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="Execute about one record in K; by default all.")
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="With --one-in: chooses the sample; by default a random one, which is shown."),
    ] = None,
    max_units: Annotated[
        int | None, typer.Option(metavar="UNITS", min=1, help="Do not execute larger records.")
    ] = None,
    chain: Annotated[
        bool, typer.Option("--chain", help="Also compare the records with the device's newest receipt on chain.")
    ] = False,
    state: State = None,
    cluster: Cluster = Cluster(),
    as_json: Json = False,
) -> None:
    """Run recorded WASM jobs again and say which records differ.

    Also says what checking cost against what the work costs, in CPU time on this machine. The hash chain of all records
    is checked, whatever is executed. Exits with 1 if a record differs.
    """
    from worktab.cli.failures import Unsuccessful
    from worktab.cli.sampling import sample_of
    from worktab.core.errors import VerificationError
    from worktab.work.verify import verify as check
    from worktab.work.wasm import FUEL_LIMIT, VERIFIER_STACK, WasmRuntime

    drawn, sample = sample_of(one_in, seed)
    with _open(source, state) as records, tracked(records.entries, records.count, "Verifying") as entries:
        watch = _Watch(_on_chain(records.device, cluster) if chain else None)
        found = check(
            watch.over(entries),
            records.blobs,
            WasmRuntime(stack_bytes=VERIFIER_STACK),
            base=records.base,
            sample=sample,
            max_units=FUEL_LIMIT if max_units is None else max_units,
        )
        agrees = watch.agrees(records.base)
    facts = {"device": records.device, "seed": drawn, **_facts(found), "agrees_with_chain": agrees}
    if found.differing or agrees is False:
        text = f"{len(found.differing):,} of {len(found.checks):,} records differ"
        if agrees is False:
            text += "; the records are not those of the receipt on chain"
        raise Unsuccessful(VerificationError(text, next_step="Ask the device for its data, or dispute"), facts)
    emit(facts, as_json=as_json)


class _Watch:
    """Notes, while records go by, the state they lead to where the chain's newest receipt stands."""

    def __init__(self, held: Device | None) -> None:
        self._held = held
        self._passed: ChainState | None = None

    def over(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The entries as they are."""
        for entry in entries:
            if self._held is not None and entry.seq == self._held.seq:
                self._passed = entry.state
            yield entry

    def agrees(self, base: ChainState) -> bool | None:
        """Whether the chain's receipt is over these records; None where the chain was not asked."""
        if self._held is None:
            return None
        state = base if self._held.seq == base.seq else self._passed
        return state is not None and (state.units, state.head) == (self._held.units, self._held.head)


@contextmanager
def _open(source: str, state: Path | None) -> Iterator[_Source]:
    from solders.pubkey import Pubkey

    from worktab.cli.parsing import address
    from worktab.cli.state import device_state
    from worktab.core.errors import InputError
    from worktab.work.bundle import open_bundle

    if Path(source).expanduser().is_file():
        with open_bundle(Path(source).expanduser()) as bundle:
            yield _Source(Pubkey(bundle.device), bundle.base, bundle.count, bundle.entries(), bundle)
        return
    try:
        device = address(source, "SOURCE")
    except InputError:
        raise InputError(
            "There is nothing to verify", expected="a bundle file or the address of a device", got=repr(source)
        ) from None
    here = device_state(device, state)
    with here.open_spool() as spool:
        base = spool.base()
        yield _Source(device, base, spool.state().seq - base.seq, spool.entries(), here.blobs())


def _on_chain(device: Pubkey, cluster: Cluster) -> Device:
    from worktab.cli.connecting import read

    return read(cluster, "Reading the receipt", lambda session: session.device(device)).device


def _facts(found: Verification) -> dict[str, Any]:
    rows = [
        {"job": check.seq, "findings": list(check.findings), "details": list(check.details)}
        for check in found.differing
    ]
    return {
        "records": len(found.checks),
        "executed": found.executed,
        "units": found.units,
        "executed_units": found.executed_units,
        "differing": Rows(rows, ("job", "findings", "details"), _MOST_SHOWN),
        "head": found.end.head,
        "claimed_ms": found.claimed_ms,
        "verification_cpu_ns": CpuTime(found.cpu_ns),
        "work_cpu_ns": None if found.work_cpu_ns is None else CpuTime(found.work_cpu_ns),
        "cost_ratio": found.cost_ratio,
    }
