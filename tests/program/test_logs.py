"""Events out of logs: only those that the program itself logged."""

from __future__ import annotations

import base64

import pytest
from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.events import Claimed, DeviceRetired, PoolFunded
from worktab.program.generated.types import ClaimEntry
from worktab.program.logs import decode_event, events_from_logs, is_truncated
from worktab.program.structs import Event

OTHER = Pubkey(bytes([9]) * 32)
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
DEVICE = Pubkey(bytes([1]) * 32)
RETIRED = DeviceRetired(device=DEVICE, closed=True)
FUNDED = PoolFunded(network=DEVICE, funder=OTHER, amount=5, surplus=6)


def call(program: Pubkey, depth: int, *inside: str) -> list[str]:
    return [
        f"Program {program} invoke [{depth}]",
        *inside,
        f"Program {program} consumed 769 of 200000 compute units",
        f"Program {program} success",
    ]


def data(event: Event, *more: bytes) -> str:
    return "Program data: " + " ".join(base64.b64encode(part).decode() for part in (event.encode(), *more))


def test_an_event_of_the_program() -> None:
    assert events_from_logs(call(PROGRAM_ID, 1, data(RETIRED)), PROGRAM_ID) == [RETIRED]


def test_events_keep_their_order_across_instructions() -> None:
    logs = [*call(PROGRAM_ID, 1, data(FUNDED)), *call(OTHER, 1), *call(PROGRAM_ID, 1, data(RETIRED), data(FUNDED))]
    assert events_from_logs(logs, PROGRAM_ID) == [FUNDED, RETIRED, FUNDED]


def test_an_event_before_and_after_a_call_to_another_program() -> None:
    logs = call(PROGRAM_ID, 1, data(FUNDED), *call(TOKEN, 2, "Program log: Instruction: Transfer"), data(RETIRED))
    assert events_from_logs(logs, PROGRAM_ID) == [FUNDED, RETIRED]


def test_an_event_when_another_program_calls_ours() -> None:
    logs = call(OTHER, 1, *call(PROGRAM_ID, 2, data(RETIRED)), *call(PROGRAM_ID, 2, data(FUNDED)))
    assert events_from_logs(logs, PROGRAM_ID) == [RETIRED, FUNDED]


def test_the_program_calling_itself() -> None:
    logs = call(PROGRAM_ID, 1, *call(PROGRAM_ID, 2, data(RETIRED)), data(FUNDED))
    assert events_from_logs(logs, PROGRAM_ID) == [RETIRED, FUNDED]


@pytest.mark.parametrize(
    "logs",
    [
        call(OTHER, 1, data(RETIRED)),
        call(PROGRAM_ID, 1, *call(OTHER, 2, data(RETIRED))),
        call(OTHER, 1, *call(PROGRAM_ID, 2), data(RETIRED)),
        call(PROGRAM_ID, 1) + call(OTHER, 1, data(RETIRED)),
        [data(RETIRED)],
        [*call(PROGRAM_ID, 1), data(RETIRED)],
        call(OTHER, 1, f"Program log: Program {PROGRAM_ID} invoke [2]", data(RETIRED)),
        call(OTHER, 1, f"Program log: \nProgram {PROGRAM_ID} invoke [2]\n{data(RETIRED)}"),
        call(PROGRAM_ID, 1, "Program log: " + data(RETIRED)),
        call(PROGRAM_ID, 1, " " + data(RETIRED)),
    ],
    ids=[
        "another program",
        "called by ours",
        "caller of ours",
        "after ours",
        "no program",
        "after the last",
        "a forged call",
        "a forged call in one line",
        "a forged line of ours",
        "not at the start",
    ],
)
def test_what_others_log_is_no_event(logs: list[str]) -> None:
    assert events_from_logs(logs, PROGRAM_ID) == []


def test_nothing_counts_after_truncation() -> None:
    logs = [
        f"Program {PROGRAM_ID} invoke [1]",
        data(FUNDED),
        "Log truncated",
        data(RETIRED),
        f"Program {OTHER} success",
    ]
    assert events_from_logs(logs, PROGRAM_ID) == [FUNDED]
    assert is_truncated(logs)
    assert not is_truncated(logs[:2])
    assert not is_truncated(["Program log: Log truncated"])


def test_a_failed_call_returns() -> None:
    logs = [
        f"Program {PROGRAM_ID} invoke [1]",
        data(FUNDED),
        f"Program {OTHER} invoke [2]",
        "Program failed to complete: exceeded",
        f"Program {OTHER} failed: custom program error: 0x1",
        f"Program {PROGRAM_ID} failed: custom program error: 0x1",
    ]
    assert events_from_logs(logs, PROGRAM_ID) == [FUNDED]


def test_a_log_that_ends_inside_a_call_is_read_as_far_as_it_goes() -> None:
    assert events_from_logs([f"Program {PROGRAM_ID} invoke [1]", data(FUNDED)], PROGRAM_ID) == [FUNDED]


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ([f"Program {PROGRAM_ID} invoke [2]"], "a call at depth 1"),
        ([f"Program {OTHER} invoke [1]", f"Program {PROGRAM_ID} invoke [1]"], "a call at depth 2"),
        ([f"Program {PROGRAM_ID} success"], "the return of the program that runs"),
        ([f"Program {OTHER} invoke [1]", f"Program {PROGRAM_ID} success"], "the return of the program that runs"),
    ],
)
def test_lines_out_of_order_are_refused(logs: list[str], expected: str) -> None:
    with pytest.raises(EncodingError, match="not that of one whole transaction") as caught:
        events_from_logs(logs, PROGRAM_ID)
    assert caught.value.expected == expected


def test_the_program_under_another_address() -> None:
    assert events_from_logs(call(OTHER, 1, data(RETIRED)), OTHER) == [RETIRED]


def test_data_logged_in_pieces_is_one_event() -> None:
    body = RETIRED.encode()
    line = "Program data: " + " ".join(base64.b64encode(part).decode() for part in (body[:8], body[8:]))
    assert events_from_logs(call(PROGRAM_ID, 1, line), PROGRAM_ID) == [RETIRED]


def test_data_that_is_no_event_of_this_release_is_passed_over() -> None:
    line = "Program data: " + base64.b64encode(bytes(40)).decode()
    assert events_from_logs(call(PROGRAM_ID, 1, line, data(RETIRED)), PROGRAM_ID) == [RETIRED]
    assert decode_event(bytes(40)) is None
    assert decode_event(b"") is None


def test_a_malformed_event_of_the_program_is_refused() -> None:
    with pytest.raises(EncodingError, match="DeviceRetired is followed by something else"):
        events_from_logs(call(PROGRAM_ID, 1, data(RETIRED, b"x")), PROGRAM_ID)
    with pytest.raises(EncodingError, match="DeviceRetired is cut short"):
        decode_event(RETIRED.encode()[:-1])
    with pytest.raises(EncodingError, match="logged data is not base64"):
        events_from_logs(call(PROGRAM_ID, 1, "Program data: !"), PROGRAM_ID)


def test_an_event_with_a_list() -> None:
    entries = (
        ClaimEntry(device=1, rewards=2, earnings=7, outcome=0),
        ClaimEntry(device=2**32 - 1, rewards=0, earnings=0, outcome=4),
    )
    event = Claimed(network=DEVICE, payout=OTHER, amount=8, fee=1, burn=0, entries=entries)
    assert decode_event(event.encode()) == event
