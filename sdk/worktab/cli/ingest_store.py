"""What the commands of `worktab ingest` do with a store."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from worktab.cli.connecting import Reading, read
from worktab.cli.options import Cluster
from worktab.cli.output import Rows
from worktab.core.errors import InputError, StorageError
from worktab.ingest.client import IngestClient
from worktab.ingest.mirroring import Mirror
from worktab.ingest.opening import is_shared, open_store
from worktab.ingest.store import Page, ReceiptStore
from worktab.ingest.syncing import pull

_PARTS = ("registrations", "receipts", "forks")


@contextmanager
def existing(name: str, *, make: bool = False) -> Iterator[ReceiptStore]:
    """A store until the end of the block. Raises `StorageError` where there is none, unless it is to be made."""
    if not (make or is_shared(name) or Path(name).exists()):
        raise StorageError(f"There is no store at {name}", next_step="Make one: worktab ingest serve, or sync NETWORK")
    store = open_store(name)
    try:
        yield store
    finally:
        store.close()


def mirror(store: ReceiptStore, network: Pubkey, cluster: Cluster) -> tuple[int, Callable[[], float]]:
    """Read registrations from the chain; how many changed, and the chain's clock from there on."""

    async def refresh(reading: Reading) -> tuple[int, Callable[[], float]]:
        made = Mirror(store, reading.network(network))
        return await made.refresh(), made.now

    return read(cluster, "Reading the network", refresh)


def pull_all(
    store: ReceiptStore, sources: Sequence[str], epoch: int | None, clock: Callable[[], float] = time.time
) -> Rows:
    """Pull from other ingests, one after the other."""
    facts = store.facts
    present = facts.epoch(int(clock()))
    epochs = [epoch] if epoch is not None else sorted({max(present - 1, 0), present})
    told: list[dict[str, Any]] = []

    async def run() -> None:
        for source in sources:
            async with IngestClient(source) as client:
                for each in epochs:
                    with _counted(f"Pulling epoch {each} from {source}") as progress:
                        pulled = await pull(store, client, each, clock=clock, progress=progress)
                    told.append(
                        {
                            "from": source,
                            "epoch": str(each),
                            "stored": pulled.receipts["stored"],
                            "held": pulled.receipts["duplicate"] + pulled.receipts["older"],
                            "receipts": dict(pulled.receipts),
                            "enrolments": dict(pulled.enrolments),
                            "forks": dict(pulled.forks),
                        }
                    )

    asyncio.run(run())
    return Rows(told, ("from", "epoch", "stored", "held"))


def write_inputs(folder: Path, epoch: int, store: str | None, source: str | None) -> dict[str, int]:
    """Write an epoch's inputs; how many rows of each kind."""
    if (store is None) == (source is None):
        raise InputError("These are not the options of one export", expected="either --store or --from")
    counts = dict.fromkeys(_PARTS, 0)
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files = {name: held.enter_context((folder / f"{name}.bin").open("wb")) for name in _PARTS}
        except OSError as error:
            raise StorageError(f"The files in {folder} cannot be written", got=str(error.strerror)) from error
        progress = held.enter_context(_counted(f"Exporting epoch {epoch}"))

        def write(page: Page) -> None:
            for name, file in files.items():
                rows = getattr(page, name)
                counts[name] += len(rows)
                file.write(rows.tobytes())
            progress(len(page.registrations))

        if store is not None:
            with existing(store) as opened:
                for page in opened.pages(epoch):
                    write(page)
        else:
            assert source is not None
            asyncio.run(_write_from(source, epoch, write))
    counts["forks"] //= 2
    return counts


async def _write_from(source: str, epoch: int, write: Any) -> None:
    async with IngestClient(source) as client:
        pages: AsyncIterator[Page] = client.pages(epoch)
        async for page in pages:
            write(page)


@contextmanager
def _counted(doing: str) -> Iterator[Any]:
    """Shows on a terminal's standard error how many devices are done."""
    if not sys.stderr.isatty():
        yield lambda devices: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn(doing), TextColumn("{task.completed:,.0f} devices"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(doing, total=None)
        yield lambda devices: shown.advance(task, devices)
