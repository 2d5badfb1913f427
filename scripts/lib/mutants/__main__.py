"""python -m mutants ROOT CACHE --stable TOOLCHAIN --nightly TOOLCHAIN [--sample N] [--seed N]"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from . import chain, host
from .find import Mutant
from .summary import Results
from .workspace import Workspace

# The files whose mistakes cost somebody money are drawn four times as often.
MONEY = {
    *("claim", "claim_root", "close_lane", "collect_fees", "deposit", "deposit_bond", "enforce_sla", "finalize_epoch"),
    *("fund_pool", "open_dispute", "open_sla", "pay_invoice", "refund_invoice", "reserve_lane", "resolve_dispute"),
    *(
        "retire_device",
        "settle_batch",
        "settle_voucher",
        "submit_receipt",
        "withdraw",
        "withdraw_bond",
        "withdraw_pool",
    ),
}


def draw(found: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """A sample without repetition, weighted, the same for the same seed."""
    if size < 0:
        return found
    generator = random.Random(seed)
    weights = [4.0 if Path(mutant.file).stem in MONEY else 1.0 for mutant in found]
    ranks = [generator.random() ** (1 / weight) for weight in weights]
    order = sorted(range(len(found)), key=lambda at: -ranks[at])
    return [found[at] for at in order[:size]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/mutants")
    parser.add_argument("root", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--stable", required=True)
    parser.add_argument("--nightly", required=True)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--only", metavar="FILE", help="only mutants of files that begin so, such as domain/fees; writes nothing"
    )
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)

    results = Results(args.root)
    workspace = Workspace(args.root, args.cache / "host")
    found = [mutant for mutant in workspace.find(host.PARTS) if mutant.key.startswith(args.only or "")]
    print(f"==> {len(found)} mutants of money and validation code, by the Rust tests", file=sys.stderr)
    survivors = set()
    for mutant, outcome in host.Host(workspace, args.cache / "target", args.stable).outcomes(found):
        results.add("host", mutant, outcome)
        if outcome == "missed":
            survivors.add(mutant.change)

    workspace = Workspace(args.root, args.cache / "chain")
    found = workspace.find((*host.PARTS, *chain.PARTS))
    instructions = [mutant for mutant in found if "/instructions/" in mutant.file]
    chosen = [mutant for mutant in instructions if mutant.key.startswith(args.only or "")]
    tried = [mutant for mutant in found if mutant.change in survivors] + draw(chosen, args.sample, args.seed)
    print(f"==> {len(tried)} mutants by the tests on the embedded chain", file=sys.stderr)
    for mutant, outcome in chain.Chain(args.root, workspace, args.cache, args.nightly).outcomes(tried, args.stable):
        results.add("instructions" if "/instructions/" in mutant.file else "chain", mutant, outcome)
    results.report(len(instructions), write=not args.only)


if __name__ == "__main__":
    main()
