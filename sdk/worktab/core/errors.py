"""Errors that Worktab raises, each with a stable code and a next step.

    WorktabError
    ├── InputError              what the caller passed is not acceptable
    │   ├── EncodingError       bytes do not have the form that PROTOCOL sections 2 and 3 fix
    │   └── KeyFormatError      a key or signature is malformed
    ├── DependencyError         a package is missing or too old for this part of Worktab; an ImportError, too
    ├── StateError              the call does not fit the present state (a retired device, a full spool)
    ├── StorageError            the local spool or blob store could not be read or written
    ├── JobError                a job could not be run (bad module, trap, out of fuel)
    ├── VerificationError       a signature, hash or re-execution does not agree
    └── ChainError              the chain, or the road to it, said no
        ├── ConnectionFailed    no answer, after the retries allowed
        ├── SimulationFailed    the transaction would fail; nothing was sent
        ├── TransactionFailed   the transaction landed and failed
        ├── TransactionExpired  the blockhash expired and the transaction is proven not to have landed
        └── ProgramError        the Worktab program refused; one generated subclass per program error

Every error prints as one line that says what was expected, what came and what to do next, and offers the same
facts as attributes (and as a dict, for `--json`).
"""

from __future__ import annotations

from typing import ClassVar


class WorktabError(Exception):
    """Base of every error Worktab raises on purpose.

    `code` is stable across releases: programs may switch on it. `expected`, `got` and `next_step` are sentences for
    people and may change.
    """

    code: ClassVar[str] = "worktab"
    default_next_step: ClassVar[str] = ""

    def __init__(self, message: str, *, expected: str = "", got: str = "", next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.got = got
        self.next_step = next_step or self.default_next_step

    def __str__(self) -> str:
        text = self.message
        if self.expected:
            text += f"; expected {self.expected}"
        if self.got:
            text += f"; got {self.got}"
        if self.next_step:
            text += f". {self.next_step}"
        return text

    def as_dict(self) -> dict[str, str]:
        """The error as JSON-ready facts: code, message, expected, got, next_step."""
        return {
            "code": self.code,
            "message": self.message,
            "expected": self.expected,
            "got": self.got,
            "next_step": self.next_step,
        }


class InputError(WorktabError):
    """What the caller passed is not acceptable; nothing was changed."""

    code = "input"


class EncodingError(InputError):
    """Bytes do not have the form that PROTOCOL sections 2 and 3 fix."""

    code = "encoding"


class KeyFormatError(InputError):
    """A key or a signature is malformed (wrong length, off the curve, high S)."""

    code = "key_format"


class DependencyError(WorktabError, ImportError):
    """A package is missing, or too old for this part of Worktab."""

    code = "dependency"


class StateError(WorktabError):
    """The call does not fit the present state."""

    code = "state"


class StorageError(WorktabError):
    """The local spool or blob store could not be read or written."""

    code = "storage"


class JobError(WorktabError):
    """A job could not be run to its end; nothing was recorded for it."""

    code = "job"


class VerificationError(WorktabError):
    """A signature, a hash or a re-execution does not agree with what was claimed."""

    code = "verification"


class ChainError(WorktabError):
    """The chain, or the road to it, said no."""

    code = "chain"


class ConnectionFailed(ChainError):
    """The chain did not answer within the retries allowed."""

    code = "connection"
    default_next_step = "Check the RPC address and try again; nothing that was stored is lost"


class SimulationFailed(ChainError):
    """The transaction would fail; it was not sent."""

    code = "simulation"


class TransactionFailed(ChainError):
    """The transaction landed and failed; its fee is spent, nothing else changed."""

    code = "transaction_failed"


class TransactionExpired(ChainError):
    """The transaction's blockhash expired and the transaction is proven not to have landed."""

    code = "transaction_expired"
    default_next_step = "It is safe to build and sign it again"
