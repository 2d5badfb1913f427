"""Why WASM jobs end without a result."""

from __future__ import annotations

from enum import StrEnum

from worktab.core.errors import JobError


class JobFailure(StrEnum):
    """Why a WASM job ended without a result."""

    BAD_MODULE = "bad_module"
    COMPILATION = "compilation"
    IMPORTS = "imports"
    MISSING_EXPORT = "missing_export"
    TRAP = "trap"
    OUT_OF_FUEL = "out_of_fuel"
    OUT_OF_STACK = "out_of_stack"
    OUT_OF_TIME = "out_of_time"
    OUT_OF_RANGE = "out_of_range"
    OUTPUT_TOO_LARGE = "output_too_large"


class WasmJobError(JobError):
    """A WASM job ended without a result; `reason` says why. Its code is that of JobError."""

    def __init__(
        self, reason: JobFailure, message: str, *, expected: str = "", got: str = "", next_step: str = ""
    ) -> None:
        super().__init__(message, expected=expected, got=got, next_step=next_step)
        self.reason = reason

    def as_dict(self) -> dict[str, str]:
        """The error as JSON-ready facts, `reason` among them."""
        return {**super().as_dict(), "reason": self.reason.value}
