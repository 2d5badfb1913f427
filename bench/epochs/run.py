"""`scripts/bench epochs [--devices N]`: epochs of up to a million devices, into bench/results.json and a picture.

A million takes about ten minutes on two cores, most of it for keys and signatures.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from epochs import devices, extrapolating, measuring, onchain, plotting
from worktab.epochs.data import EpochData

PICTURE = Path(__file__).resolve().parent.parent / "epochs.png"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)


def measure(arguments: list[str]) -> dict[str, Any]:
    """The figures of every size up to the largest, of its root on chain, and of a hundred times a million."""
    parser = argparse.ArgumentParser(prog="scripts/bench epochs", description=__doc__)
    parser.add_argument("--devices", type=int, default=SIZES[-1], help="the largest size (default: a million)")
    largest = parser.parse_args(arguments).devices
    sizes = sorted({size for size in SIZES if size < largest} | {largest})
    stage = onchain.Stage()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        print(f"Making {largest:,} devices with keys, enrolments and receipts", flush=True)
        devices.make(stage.terms, largest, folder)
        measured = []
        for size in sizes:
            measured.append(_apart(folder, size, stage))
            print(f"{size:>10,} devices: {measured[-1]}", flush=True)
        chain = stage.costs(EpochData.read(folder / str(largest), devices.EPOCHS[-1]))
    if largest == SIZES[-1]:
        plotting.plot(measured, PICTURE)
    return {"sizes": measured, "chain": chain, "extrapolated": extrapolating.extrapolate(measured[-1], chain)}


def _apart(folder: Path, size: int, stage: onchain.Stage) -> dict[str, Any]:
    """In a process that has done nothing else, so that its peak of memory is this size's."""
    keep = folder / str(size)
    keep.mkdir()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measuring.measure, folder, size, stage.facts, stage.terms, keep).result()
