"""A copy of the Rust workspace with mutants in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import plain
from .find import Mutant, in_constant, listed, own
from .plant import MODULE, Planted

SOURCE = Path("programs/worktab/src")
# Without the text that a debugger needs, a build takes half as long.
BUILD = {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_TEST_DEBUG": "0", "RUSTFLAGS": "-Awarnings"}


class Workspace:
    """The copy at `path`, with this program's macros written out."""

    def __init__(self, root: Path, path: Path) -> None:
        self.path = path
        shutil.rmtree(path, ignore_errors=True)
        skipped = shutil.ignore_patterns("fuzz", "target", "__pycache__")
        for folder in ("programs", "tools"):
            shutil.copytree(root / folder, path / folder, ignore=skipped)
        # What the tests read.
        data = [str(each.relative_to(root)) for each in (root / "tests").rglob("*.json")]
        for name in ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml", *data):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, path / name)
        plain.write_out(path / SOURCE)
        self._library = (path / SOURCE / "lib.rs").read_text()
        self._sources: dict[str, bytes] = {}

    def find(self, parts: Iterable[str]) -> list[Mutant]:
        """All mutants of these folders of the program, each change once."""
        files = [path for part in parts for path in sorted((self.path / SOURCE / part).rglob("*.rs"))]
        self._sources = {str(path.relative_to(self.path)): path.read_bytes() for path in files}
        only = [word for file in self._sources for word in ("--file", file)]
        command = ["cargo-mutants", "mutants", "--list", "--json", "--no-config", *only]
        listing = subprocess.run(command, cwd=self.path, check=True, capture_output=True, text=True).stdout
        found: dict[tuple[str, int, int, str, str], Mutant] = {}
        for mutant in listed(listing, self._sources):
            found.setdefault(mutant.change, mutant)
        for file, code in self._sources.items():
            for mutant in own(file, code):
                found.setdefault(mutant.change, mutant)
        return list(found.values())

    def is_constant(self, mutant: Mutant) -> bool:
        """Whether it stands where the compiler computes, so that no switch can turn it on."""
        return in_constant(self._sources[mutant.file], mutant)

    def plant(
        self, numbered: dict[int, Mutant], command: list[str], target: Path
    ) -> tuple[dict[int, Mutant], list[Any]]:
        """Builds with all of these in; drops those that do not compile. Returns the rest and what cargo said."""
        (self.path / SOURCE / "lib.rs").write_text(self._library + MODULE)
        left = dict(numbered)
        while True:
            planted = {}
            for file, code in self._sources.items():
                planted[file] = Planted(code, [(n, mutant) for n, mutant in left.items() if mutant.file == file])
                (self.path / file).write_bytes(planted[file].text)
            done, said = self.cargo(command, target)
            if done:
                return left, said
            wrong = set(filter(None, (_owner(message, planted) for message in said)))
            if not wrong:
                sys.exit(
                    f"error: this does not build even without mutants: cd {self.path} && cargo {' '.join(command)}"
                )
            left = {number: mutant for number, mutant in left.items() if number not in wrong}

    def replace(self, mutant: Mutant | None) -> None:
        """Puts one mutant into the source itself, or none."""
        (self.path / SOURCE / "lib.rs").write_text(self._library)
        for file, code in self._sources.items():
            if mutant and mutant.file == file:
                code = code[: mutant.start] + mutant.text.encode() + code[mutant.end :]
            if (self.path / file).read_bytes() != code:
                (self.path / file).write_bytes(code)

    def cargo(self, command: list[str], target: Path) -> tuple[bool, list[Any]]:
        """Whether `cargo COMMAND` succeeds, and its messages."""
        env = os.environ | BUILD | {"CARGO_TARGET_DIR": str(target)}
        ran = subprocess.run(["cargo", *command], cwd=self.path, env=env, capture_output=True, text=True)
        return ran.returncode == 0, [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def _owner(message: Any, planted: dict[str, Planted]) -> int | None:
    """The mutant that a compiler's error is about."""
    if message.get("reason") != "compiler-message" or message["message"]["level"] != "error":
        return None
    for span in sorted(message["message"]["spans"], key=lambda span: not span["is_primary"]):
        owners = planted[span["file_name"]].owners(span["byte_start"]) if span["file_name"] in planted else ()
        if owners:
            return owners[-1]
    return None
