"""Why an ingest answers no. Every error has a code that both sides know, and the HTTP status that goes with it.

IngestError
├── NoSuchDevice       404: neither an account on chain nor an enrolment
├── BodyTooLarge       413: more than is taken in one request
├── TooManyRequests    429: this address or these devices have to wait; Retry-After says how long
├── TooSlow            408: the request did not come in time
└── Overloaded         503: too much to do, or the store fails; Retry-After says when to try again
"""

from __future__ import annotations

from typing import ClassVar

from worktab.core.errors import StateError


class IngestError(StateError):
    """Base of what an ingest answers in place of results; `retry_after` is in seconds, 0 where it does not help."""

    code = "ingest"
    status: ClassVar[int] = 500
    retry_after: int = 0


class NoSuchDevice(IngestError):
    """The device has neither an active account on chain nor an enrolment."""

    code = "no_such_device"
    status = 404
    default_next_step = "Enrol it, or register it on chain"


class BodyTooLarge(IngestError):
    """The request holds more than is taken at once."""

    code = "body_too_large"
    status = 413
    default_next_step = "Send it in parts"


class TooManyRequests(IngestError):
    """Too much from one address, or of one device."""

    code = "too_many_requests"
    status = 429
    default_next_step = "Wait as long as Retry-After says"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message, got=f"{seconds} seconds to wait")
        self.retry_after = seconds


class TooSlow(IngestError):
    """The request did not come within the time that it has."""

    code = "too_slow"
    status = 408


class Overloaded(IngestError):
    """There is too much to do at the moment, or the store fails. Nothing that was refused so is acknowledged."""

    code = "overloaded"
    status = 503
    default_next_step = "Send the same again later; what was stored is told as a duplicate"
    retry_after = 1
