"""`python -m worktab.demo`: an agent buys real jobs from three devices, which get paid on an embedded chain."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from worktab.core.errors import InputError, StorageError, WorktabError
from worktab.demo.cheating.report import CheatReport
from worktab.demo.cheating.story import run_cheats
from worktab.demo.jobs import IMAGES_PER_JOB, OWN_JOBS, JobPlan, digit_jobs, own_jobs
from worktab.demo.report import Report
from worktab.demo.story import run_demo

_EPILOG = """\
examples:
  scripts/demo
  scripts/demo --jobs 1000 --images-per-job 1
  scripts/demo --jobs 100 --module total.wasm --input photo.raw
  scripts/demo --cheat

A module exports memory, alloc and run and imports nothing; docs/jobs.md shows how to write one.
Exit codes: 0 everything holds; 1 something does not, or a job failed; 2 the command line is not acceptable.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the code to exit with."""
    options = _parser().parse_args(arguments)
    try:
        report = _run_cheats(options) if options.cheat else _run(_plan(options))
    except WorktabError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        sys.stdout.write(json.dumps(report.as_dict(), indent=2) + "\n")
    else:
        _show(report)
    return 0 if report.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="An agent with a limit of 5 tokens buys jobs over HTTP from three devices of different owners; one"
        " goes down in mid-answer, the agent is refused at its limit, an invoice is paid, the devices claim, and all of"
        " it is checked, on a chain inside this process. By default the jobs classify images of handwritten digits.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help=f"jobs to run; by default each image once, or {OWN_JOBS} of --module"
    )
    parser.add_argument(
        "--images-per-job", type=int, metavar="N", help=f"images that one job classifies; by default {IMAGES_PER_JOB}"
    )
    parser.add_argument("--module", type=Path, metavar="FILE", help="a WASM job of your own, with --input")
    parser.add_argument("--input", type=Path, metavar="FILE", help="the input of every job of --module")
    parser.add_argument(
        "--cheat",
        action="store_true",
        help="show cheating devices caught instead: slashed, and their consumer made whole",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def _plan(options: argparse.Namespace) -> JobPlan:
    if (options.module is None) != (options.input is None):
        raise InputError("--module and --input belong together", expected="both or neither")
    if options.module is None:
        per_job = IMAGES_PER_JOB if options.images_per_job is None else options.images_per_job
        return digit_jobs(options.jobs, per_job)
    if options.images_per_job is not None:
        raise InputError("--images-per-job is for the digits", expected="no --module with it")
    return own_jobs(_read(options.module), _read(options.input), options.jobs)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StorageError(f"The file {file} cannot be read", got=str(error.strerror)) from error


def _run(plan: JobPlan) -> Report:
    with tempfile.TemporaryDirectory(prefix="worktab-demo-") as folder, _progress(len(plan.inputs)) as on_job:
        return asyncio.run(run_demo(plan, Path(folder), on_job=on_job))


def _run_cheats(options: argparse.Namespace) -> CheatReport:
    if any(each is not None for each in (options.jobs, options.images_per_job, options.module, options.input)):
        raise InputError("--cheat has jobs of its own", expected="no option with it but --json")
    with tempfile.TemporaryDirectory(prefix="worktab-demo-") as folder:
        return asyncio.run(run_cheats(Path(folder)))


def _show(report: Report | CheatReport) -> None:
    # Not above: the module's own answer to --help needs no tables.
    if isinstance(report, CheatReport):
        from worktab.demo.cheating.show import show as show_cheats

        show_cheats(report)
    else:
        from worktab.demo.show import show

        show(report)


@contextmanager
def _progress(jobs: int) -> Iterator[Callable[[], None]]:
    """Counts jobs on a terminal's standard error."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Jobs", total=jobs)
        yield lambda: progress.advance(task)


if __name__ == "__main__":
    # A terminal that cannot show a shade shows another character; that is no reason to fail.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(main())
