"""The base of the errors that the program returns; `generated.errors` has a class for each."""

from __future__ import annotations

from typing import ClassVar

from worktab.core.errors import ChainError
from worktab.program.next_steps import NEXT_STEPS


class ProgramError(ChainError):
    """The Worktab program refused an instruction; the transaction changed nothing.

    `number` is the program's custom error number and `name` its name in the IDL; both are stable across releases, as
    is `code`.
    """

    code = "program"
    number: int
    name: str
    default_message: ClassVar[str]

    def __init__(self, message: str = "", *, expected: str = "", got: str = "", next_step: str = "") -> None:
        super().__init__(
            message or self.default_message,
            expected=expected,
            got=got,
            next_step=next_step or NEXT_STEPS.get(self.name, ""),
        )

    def as_dict(self) -> dict[str, str]:
        """As for every error, and the program's `number` and `name` for it."""
        return super().as_dict() | {"number": str(self.number), "name": self.name}
