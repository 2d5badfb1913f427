"""From the runtime's error values to errors a person can act on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from solders.pubkey import Pubkey
from solders.transaction_status import (
    InstructionErrorCustom,
    TransactionErrorInstructionError,
    TransactionErrorType,
)

from worktab.chain.protocol import Failure
from worktab.core.errors import ChainError

ErrorTable = Callable[[Pubkey, int], ChainError | None]
"""Turns a program's id and its error number into that program's own error, or None if the table does not know it."""

_PROGRAM_FAILED = re.compile(r"^Program (\w{32,44}) failed: custom program error: 0x([0-9a-f]+)$")
_UNFUNDED = {"AccountNotFound", "InsufficientFundsForFee"}


def failure_of(error: TransactionErrorType) -> Failure:
    """The runtime's error value as a `Failure`."""
    if isinstance(error, TransactionErrorInstructionError):
        if isinstance(error.err, InstructionErrorCustom):
            return Failure(f"Custom({error.err.code})", error.index, error.err.code)
        return Failure(_name(error.err), error.index)
    return Failure(_name(error))


def _name(value: object) -> str:
    return str(value).rpartition(".")[2].removeprefix("TransactionError")


def error_of(
    failure: Failure,
    *,
    programs: Sequence[Pubkey],
    logs: Sequence[str],
    table: ErrorTable | None,
    otherwise: type[ChainError],
    context: str,
) -> ChainError:
    """The error to raise for a failed transaction: the program's own where the table knows it, else `otherwise`.

    `programs` are the transaction's top-level programs in order, `context` is one sentence about it: the message of
    a general error, a note on a program's own. The log lines are notes too (`__notes__`), which a traceback shows.
    """
    error: ChainError | None = None
    if failure.custom is not None and table is not None:
        program = failing_program(failure, programs, logs)
        error = table(program, failure.custom) if program is not None else None
    if error is None:
        error = otherwise(context, got=_describe(failure, programs), next_step=_advice(failure))
    else:
        error.add_note(context)
    for line in logs:
        error.add_note(line)
    return error


def failing_program(failure: Failure, programs: Sequence[Pubkey], logs: Sequence[str]) -> Pubkey | None:
    """The program whose number `failure.custom` is.

    A program that calls another passes the callee's number on as its own, so the innermost program that failed with
    the number, which logs first, is the one that chose it. Native programs (signature checks) log nothing.
    """
    for line in logs:
        match = _PROGRAM_FAILED.match(line)
        if match and int(match[2], 16) == failure.custom:
            return Pubkey.from_string(match[1])
    if failure.instruction is None or failure.instruction >= len(programs):
        return None
    return programs[failure.instruction]


def _describe(failure: Failure, programs: Sequence[Pubkey]) -> str:
    if failure.instruction is None or failure.instruction >= len(programs):
        return failure.text
    return f"{failure.text} from instruction {failure.instruction} ({programs[failure.instruction]})"


def _advice(failure: Failure) -> str:
    return "Give the fee payer enough lamports" if failure.text in _UNFUNDED else ""
