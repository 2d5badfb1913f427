"""Measures and writes bench/results.json: `scripts/bench [--instructions]`, and `scripts/bench epochs`.

Costs on chain are exact and repeatable: a difference in the file is a change of the program. Throughputs are this
machine's, on one core, and move a little from run to run, as do overheads; `--instructions` leaves them as they were.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE)]

import consumers  # noqa: E402
import epochs.run  # noqa: E402
import instructions  # noqa: E402
import roots  # noqa: E402
import throughput  # noqa: E402

import market  # noqa: E402
import trust  # noqa: E402


def machine() -> str:
    """What the throughputs were measured on."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].split(":", 1)[1].strip() if names else platform.processor()
    return f"{processor}, {len(names)} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if sys.argv[1:2] == ["epochs"]:
        results["epochs"] = epochs.run.measure(sys.argv[2:]) | {"machine": machine()}
        RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
        print(json.dumps(results["epochs"]["chain"] | results["epochs"]["extrapolated"], indent=2))
        return
    results["instructions"] = instructions.measure()
    noted = results["instructions"]
    results["lamports"] = consumers.lamports(noted) | roots.lamports(noted) | trust.lamports(noted)
    if "--instructions" not in sys.argv[1:]:
        results["throughput"] = throughput.measure()
        results["overhead"] = market.overhead()
        results["machine"] = machine()
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
    for name, cost in results["instructions"].items():
        print(f"{name:32}{cost['cu']:>8} CU{cost['tx_bytes']:>7} bytes{cost['signatures']:>4} signatures")
    for name, cost in results["lamports"].items():
        print(f"{name:40}{cost['fee_lamports']:>10,} lamports of fees{cost['rent_lamports']:>12,} of rent")
    for name, speed in results["throughput"].items():
        print(f"{name:32}{speed['per_second']:>16,} {speed['unit']}/s")
    for name, spent in results.get("overhead", {}).items():
        for figure, amount in spent.items():
            print(f"{name:32}{amount:>16,} {figure}")


if __name__ == "__main__":
    main()
