"""What became of the mutants, as tests/mutation/rust.json says it."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from .find import Mutant

FOLDER = "tests/mutation"


class Results:
    """Outcomes by where they were tried: `host`, then `chain` for what survived there, and `instructions`."""

    def __init__(self, root: Path) -> None:
        self._out = root / FOLDER / "rust.json"
        listed = tomllib.loads((root / FOLDER / "survivors.toml").read_text())
        self._reasons = [
            (re.compile(pattern), each["reason"]) for each in listed["survivor"] for pattern in each["mutants"]
        ]
        self._outcomes: dict[str, dict[tuple[Any, ...], tuple[Mutant, str]]] = {
            "host": {},
            "chain": {},
            "instructions": {},
        }

    def add(self, where: str, mutant: Mutant, outcome: str) -> None:
        self._outcomes[where][mutant.change] = mutant, outcome

    def report(self, instructions: int, *, write: bool) -> None:
        """Prints what came of it, and may write the file; `instructions` is how many mutants those have in all."""
        host, chain, sample = (list(each.values()) for each in self._outcomes.values())
        caught_later = sum(outcome == "caught" for _, outcome in chain)
        numbers = Counter(outcome for _, outcome in host)
        money = {
            "mutants": numbers["caught"] + numbers["missed"],
            "caught_by_rust_tests": numbers["caught"],
            "caught_on_the_chain": caught_later,
        }
        drawn = Counter(outcome for _, outcome in sample)
        handlers = {"of": instructions, "mutants": drawn["caught"] + drawn["missed"], "caught": drawn["caught"]}
        left = [mutant for mutant, outcome in host if outcome == "missed" and self._survives(mutant)]
        left += [mutant for mutant, outcome in sample if outcome == "missed"]
        survivors = [
            self._survivor(mutant) for mutant in sorted(left, key=lambda each: (each.file, each.line, each.name))
        ]
        money["score"] = _percent(money["caught_by_rust_tests"] + caught_later, money["mutants"])
        handlers["score"] = _percent(handlers["caught"], handlers["mutants"])
        content = {"money_and_validation": money, "instructions": handlers, "survivors": survivors}
        if write:
            self._out.write_text(json.dumps(content, indent=2) + "\n")
        for survivor in survivors:
            print(f"survived: {survivor['mutant']}\n          {survivor['reason'] or 'no reason listed'}")
        print(f"money and validation: {money['score']} % of {money['mutants']} caught")
        print(f"instructions: {handlers['score']} % of {handlers['mutants']} caught")
        if unexplained := sum(survivor["reason"] is None for survivor in survivors):
            sys.exit(
                f"error: {unexplained} survivors have no reason in {FOLDER}/survivors.toml: test them, or say why not"
            )

    def _survives(self, mutant: Mutant) -> bool:
        _, outcome = self._outcomes["chain"].get(mutant.change, (mutant, "missed"))
        return outcome != "caught"

    def _survivor(self, mutant: Mutant) -> dict[str, str | None]:
        reason = next((reason for pattern, reason in self._reasons if pattern.search(mutant.key)), None)
        return {"mutant": mutant.key, "reason": reason}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 100.0
