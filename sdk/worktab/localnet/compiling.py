"""Running the compiler, and saying how far it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from worktab.localnet.errors import BuildFailed
from worktab.localnet.options import Report
from worktab.localnet.tools import TOOLCHAIN

_STEPS = 20
"""Lines that tell of progress, at most."""


def compile_node(crate: Path, target: Path, report: Report) -> Path:
    """Compile the node's crate into a target folder, and return the finished program there.

    The compiler ends with this call, however that ends. Raises `BuildFailed` with what it complained of.
    """
    report("Building the local node (once, about 15 minutes)")
    command = ["cargo", f"+{TOOLCHAIN}", "build", "--release", "--locked", "--message-format=json-render-diagnostics"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(  # noqa: S603
            command,
            cwd=crate,
            env=_environment(target),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        ) as cargo,
    ):
        assert cargo.stdout is not None
        try:
            _follow(cargo.stdout, _packages(crate / "Cargo.lock"), report)
            code = cargo.wait()
        except BaseException:
            cargo.terminate()
            raise
        if code:
            raise BuildFailed(
                "The compiler did not build the local node",
                got=_end_of(complaints) or f"exit code {code}",
                next_step="Try again: it goes on where it stopped",
            )
    return target / "release" / "worktab-localnet"


def _environment(target: Path) -> dict[str, str]:
    """The compiler's settings are these and no others that somebody may have for another project."""
    foreign = ("CARGO_BUILD_", "CARGO_PROFILE_", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"CARGO_TARGET_DIR": str(target), "CARGO_TERM_COLOR": "never"}


def _packages(lock: Path) -> int:
    """How many packages a lock file names. Some are for other systems, so not all of them are compiled."""
    return len(re.findall(r"^\[\[package\]\]$", lock.read_text(), re.MULTILINE))


def _follow(messages: Iterable[bytes], packages: int, report: Report) -> None:
    """Reports each package that is finished, a few at a time."""
    finished: set[str] = set()
    step = max(1, packages // _STEPS)
    told = 0
    for message in messages:
        try:
            facts = json.loads(message)
        except ValueError:
            continue
        # What was there before an interruption is counted, too, but in no time.
        if facts.get("reason") == "compiler-artifact":
            finished.add(str(facts.get("package_id")))
        if len(finished) >= told + step:
            told = len(finished)
            report(f"Building the local node: {told} of about {packages} packages")


def _end_of(complaints: IO[bytes]) -> str:
    """The compiler's first error, and what it says of it."""
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("error")), max(0, len(lines) - 10))
    return "\n".join(lines[first : first + 10]).strip()
