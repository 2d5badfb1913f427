"""An error's class by the number that a transaction failed with."""

from __future__ import annotations

from typing import Final

from worktab.program.generated.errors import ERRORS
from worktab.program.program_error import ProgramError

_FRAMEWORK: Final[dict[int, tuple[str, str]]] = {
    2000: ("ConstraintMut", "An account must be writable"),
    2001: ("ConstraintHasOne", "An account does not name the account that was passed with it"),
    2003: ("ConstraintRaw", "A condition on an account does not hold"),
    2005: ("ConstraintRentExempt", "An account holds too few lamports for its size"),
    2007: ("ConstraintExecutable", "An account must be a program"),
    2011: ("ConstraintClose", "An account can't be closed into itself"),
    2012: ("ConstraintAddress", "An account is not the one that belongs there"),
    2013: ("ConstraintZero", "An account is in use already"),
    2019: ("ConstraintSpace", "An account has the wrong size"),
    2020: ("ConstraintAccountIsNone", "An account that this call needs was left out"),
    2040: ("ConstraintDuplicateMutableAccount", "One account was passed for two that must differ"),
    2500: ("RequireViolated", "A condition does not hold"),
    2501: ("RequireEqViolated", "Two values differ that must be equal"),
    2502: ("RequireKeysEqViolated", "Two addresses differ that must be equal"),
    2503: ("RequireNeqViolated", "Two values are equal that must differ"),
    2504: ("RequireKeysNeqViolated", "Two addresses are equal that must differ"),
    2505: ("RequireGtViolated", "A value is not above the least"),
    2506: ("RequireGteViolated", "A value is below the least"),
    4103: ("CapacityOverflow", "A list is longer than its account holds"),
}


class FrameworkError(ProgramError):
    """Anchor, which the program is built on, refused the accounts; `number` and `name` are Anchor's."""

    code = "program.framework"

    def __init__(self, number: int) -> None:
        self.number = number
        self.name, message = _FRAMEWORK[number]
        super().__init__(message, next_step="Check the accounts of the instruction against its documentation")


class UnknownProgramError(ProgramError):
    """The program returned a number that this release does not know: the program is newer, or another one."""

    code = "program.unknown"
    name = "Unknown"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            "The program returned an error that this release does not know",
            got=f"error {number}",
            next_step="Check the program id, and whether a newer release of worktab is out",
        )


def error_from_number(number: int) -> ProgramError:
    """The error that the Worktab program means by a custom error number.

    Only for a number that the Worktab program itself returned: other programs in a transaction number theirs anew.
    """
    if number in ERRORS:
        return ERRORS[number]()
    return FrameworkError(number) if number in _FRAMEWORK else UnknownProgramError(number)
