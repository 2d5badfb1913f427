"""What a user sees of an error: one line, a next step and an exit code, or the same as JSON."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from typing import Any

import typer

from worktab.cli.output import emit, to_json
from worktab.core.errors import InputError, StateError, WorktabError

FAILED, UNACCEPTABLE, INTERRUPTED = 1, 2, 130

_DEBUG = "WORKTAB_DEBUG"
_HELP = "See the command's --help"


class RewardHeldBack(StateError):
    """A limit would cut the reward of a receipt; it was not submitted."""

    code = "reward_held_back"


class NotEnoughTokens(StateError):
    """A token account holds less than is to be taken from it."""

    code = "not_enough_tokens"


class AlreadyPaid(StateError):
    """The whole amount of an invoice was paid before; nothing was sent."""

    code = "already_paid"


class Interrupted(StateError):
    """The user ended a command that had spent money, or may have."""

    code = "interrupted"


class Unsuccessful(Exception):
    """A command did all it could, has a result to show, and failed all the same."""

    def __init__(self, error: Exception, facts: Mapping[str, Any]) -> None:
        super().__init__(str(error))
        self.error = error
        self.facts = facts


def report_failure(error: Exception, *, as_json: bool) -> int:
    """Show an error, and the result that came with it; the code to exit with."""
    cause, facts = (error.error, error.facts) if isinstance(error, Unsuccessful) else (error, {})
    code, told = told_of(cause)
    if as_json:
        typer.echo(to_json({**facts, "error": told}))
    else:
        if facts:
            emit(facts, as_json=False)
        _show(cause, told)
    if os.environ.get(_DEBUG) and not isinstance(error, typer.TyperException):
        typer.echo("".join(traceback.format_exception(error)), err=True)
    return code


def told_of(error: Exception) -> tuple[int, dict[str, str]]:
    """The code to exit with after an error, and what JSON says of it."""
    code = UNACCEPTABLE if isinstance(error, (InputError, typer.TyperException)) else FAILED
    if isinstance(error, Interrupted):
        code = INTERRUPTED
    return code, _told(error, code)


def _told(error: Exception, code: int) -> dict[str, str]:
    if isinstance(error, WorktabError):
        told = {name: one_line(text) for name, text in error.as_dict().items()}
        return told | {"next_step": told["next_step"] or _next_step(error, code)}
    if isinstance(error, typer.TyperException):
        name, message, next_step = "usage", error.format_message(), _HELP
    elif isinstance(error, typer.Abort):
        name, message, next_step = "aborted", "aborted", ""
    else:
        name, message = "internal", f"internal error: {type(error).__name__}: {error}"
        next_step = f"Run it again with {_DEBUG}=1 to see the details, and report them"
    return {"code": name, "message": one_line(message), "expected": "", "got": "", "next_step": next_step}


def _next_step(error: WorktabError, code: int) -> str:
    """What to do about an error that does not say so itself."""
    if code == UNACCEPTABLE:
        return _HELP
    notes: list[str] = getattr(error, "__notes__", [])
    if any("insufficient lamports" in note for note in notes):
        return "Give the fee payer enough lamports for the rent of new accounts, too"
    return f"{_DEBUG}=1 shows what the programs logged" if notes else ""


def _show(error: Exception, told: Mapping[str, str]) -> None:
    if isinstance(error, typer.TyperException) and hasattr(error, "show"):
        error.show()  # with the usage line of the command
        return
    text = told["message"]
    for name in ("expected", "got"):
        if told[name]:
            text += f"; {name} {told[name]}"
    typer.secho(f"error: {text}", err=True, fg=typer.colors.RED)
    if told["next_step"]:
        typer.echo(f"next step: {told['next_step']}", err=True)


def one_line(text: str) -> str:
    """Text from anywhere as one line without control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
