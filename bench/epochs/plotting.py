"""The growth from the smallest to the largest size, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LINES = {
    "first_build_checking_seconds": "build of new devices: three signatures each",
    "next_build_checking_seconds": "build of the next epoch: a signature each",
    "next_build_trusting_seconds": "build of the next epoch, signatures checked before",
    "inputs_read_seconds": "reading from SQLite",
    "tree_seconds": "leaves and trees",
}


def plot(sizes: list[dict[str, Any]], path: Path) -> None:
    """Seconds and memory by devices, on logarithmic axes, with a line of exact proportion for the eye."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    counts = [each["devices"] for each in sizes]
    figure, (seconds, memory) = pyplot.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for name, label in LINES.items():
        known = [each for each in sizes if name in each]
        seconds.plot([each["devices"] for each in known], [each[name] for each in known], marker="o", label=label)
    last = sizes[-1]["tree_seconds"]
    seconds.plot(counts, [4 * last * n / counts[-1] for n in counts], "k:", label="in proportion to devices")
    seconds.set(ylabel="seconds of one core", title="Time")
    memory.plot(counts, [each["build_peak_mib"] for each in sizes], marker="o", label="building, peak (MiB)")
    disk = [each["stored_bytes_a_device"] * each["devices"] / 2**20 for each in sizes]
    memory.plot(counts, disk, marker="o", label="kept by the ingest (MiB)")
    data = [each["published_bytes_a_device"] * each["devices"] / 2**20 for each in sizes]
    memory.plot(counts, data, marker="o", label="published for the epoch (MiB)")
    memory.plot(counts, [disk[-1] / 2 * n / counts[-1] for n in counts], "k:", label="in proportion to devices")
    memory.set(ylabel="MiB", title="Memory and disk")
    for axes in (seconds, memory):
        axes.set(xscale="log", yscale="log", xlabel="devices, each with a payee of its own")
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
