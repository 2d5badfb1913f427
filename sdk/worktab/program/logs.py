"""Events out of the logs of a transaction."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError
from worktab.program.generated.events import EVENTS
from worktab.program.structs import Event

_INVOKE: Final = re.compile(r"Program ([1-9A-HJ-NP-Za-km-z]{32,44}) invoke \[(\d+)\]")
_RETURN: Final = re.compile(r"Program ([1-9A-HJ-NP-Za-km-z]{32,44}) (?:success|failed: .*)", re.DOTALL)
_DATA: Final = "Program data: "
_TRUNCATED: Final = "Log truncated"


def decode_event(data: bytes) -> Event | None:
    """The event that `data` holds, discriminator first, or None where no event of this release begins so.

    Raises:
        EncodingError: the bytes begin as an event and are none.
    """
    for event in EVENTS:
        if data.startswith(event.DISCRIMINATOR):
            return event.decode(data)
    return None


def events_from_logs(logs: Iterable[str], program_id: Pubkey) -> list[Event]:
    """The events that `program_id` logged in one transaction, in order.

    Any program may log bytes that look like our events, so the lines that tell of calls and returns are followed, and
    only what was logged while `program_id` itself ran counts. Where the runtime truncated the log, what was logged
    after that is not known, so reading stops there; `is_truncated` tells. A transaction that failed logs events, too,
    though it changed nothing: look at its status first.

    Raises:
        EncodingError: the lines of calls and returns do not fit each other, or an event of ours can't be decoded.
    """
    ours = str(program_id)
    running: list[str] = []
    events: list[Event] = []
    for line in logs:
        if line == _TRUNCATED:
            break
        if called := _INVOKE.fullmatch(line):
            running.append(called[1])
            if int(called[2]) != len(running):
                raise _disorder(line, f"a call at depth {len(running)}")
        elif returned := _RETURN.fullmatch(line):
            if not running or running.pop() != returned[1]:
                raise _disorder(line, "the return of the program that runs")
        elif running and running[-1] == ours and line.startswith(_DATA):
            event = decode_event(_data(line))
            if event is not None:
                events.append(event)
    return events


def is_truncated(logs: Iterable[str]) -> bool:
    """Whether the runtime cut the log of a transaction short, so that events may be missing."""
    return _TRUNCATED in logs


def _data(line: str) -> bytes:
    try:
        return b"".join(base64.b64decode(part, validate=True) for part in line[len(_DATA) :].split())
    except binascii.Error as error:
        raise EncodingError("logged data is not base64", got=line) from error


def _disorder(line: str, expected: str) -> EncodingError:
    return EncodingError(
        "the log is not that of one whole transaction",
        expected=expected,
        got=line,
        next_step="Pass all lines of one transaction, in their order",
    )
