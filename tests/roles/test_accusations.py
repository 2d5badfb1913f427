"""How disputes end, from their accounts alone, second by second; `tests/trust` asks the program."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from support.blank import blank
from worktab.core.errors import EncodingError
from worktab.core.messages import Message
from worktab.core.records import ZERO_HEAD, JobRecord, Meter
from worktab.program.generated.accounts import Dispute
from worktab.program.generated.types import Ballot
from worktab.roles.accusations import (
    DisputeEvidence,
    DisputeVerdict,
    OpenedDispute,
    OpenOutcome,
    Shown,
    show_until,
    verdict_of,
    voters,
)
from worktab.roles.trust_reading import DisputeView

OPENED, DEADLINE = 1_000, 1_700
DISPUTE = blank(Dispute, opened_at=OPENED, deadline=DEADLINE, votes=Ballot(4, 0, 0))


def after(head: bytes, record: bytes) -> bytes:
    """The head after a record."""
    return hashlib.sha256(b"\2" + head + record).digest()


@pytest.mark.parametrize("found", [DisputeVerdict.OPEN, DisputeVerdict.GUILTY, DisputeVerdict.NOT_GUILTY])
def test_what_attestors_agreed_on_decides(found: DisputeVerdict) -> None:
    # Votes alone decide nothing: the program says when they are enough.
    account = replace(DISPUTE, found=found, votes=Ballot(4, 0b11, 0b1100))
    assert verdict_of(account, DEADLINE - 1) is found
    assert verdict_of(account, DEADLINE) is (found or DisputeVerdict.UNDECIDED)


@pytest.mark.parametrize("verdict", [DisputeVerdict.GUILTY, DisputeVerdict.NOT_GUILTY, DisputeVerdict.UNDECIDED])
def test_what_has_ended_stays_as_it_ended(verdict: DisputeVerdict) -> None:
    account = replace(DISPUTE, verdict=verdict, found=DisputeVerdict.GUILTY, votes=Ballot(4, 0b11, 0b1100))
    assert verdict_of(account, 0) is verdict_of(account, DEADLINE) is verdict


def test_a_verdict_that_this_release_does_not_know_is_none() -> None:
    with pytest.raises(EncodingError) as caught:
        verdict_of(replace(DISPUTE, verdict=4), DEADLINE)
    assert str(caught.value) == (
        "The verdict is not known; expected one of 0, 1, 2, 3; got 4. A newer release of this package may know it"
    )


def test_a_record_can_be_shown_as_long_after_the_deadline_as_there_was_to_vote() -> None:
    assert show_until(DISPUTE) == 2_400


def test_voters_are_told_by_their_bits() -> None:
    attestors = [Pubkey(bytes([number]) * 32) for number in range(5)]
    assert voters(attestors, 0) == ()
    assert voters(attestors, 0b10110) == (attestors[1], attestors[2], attestors[4])
    # A bit beyond the attestors that there are is nobody's.
    assert voters(attestors, 0b100001) == (attestors[0],)


def test_evidence_leads_through_the_later_records_to_a_head() -> None:
    before, disputed, second, third = (bytes([number]) * 32 for number in range(4))
    evidence = DisputeEvidence(5, disputed, before)
    assert (evidence.head, evidence.head_seq) == (after(before, disputed), 5)
    assert (evidence.later, evidence.message, evidence.signature) == ((), None, b"")
    longer = replace(evidence, later=(second, third), message=Message.receipt(bytes(32), 7, 0, 1, ZERO_HEAD))
    assert longer.head == after(after(after(before, disputed), second), third)
    assert longer.head_seq == 7


def test_a_shown_record_hashes_with_its_salt() -> None:
    record = JobRecord(Meter.WASM_FUEL, 0, 1, b"m" * 32, b"i" * 32, b"o" * 32, 10, 120, 1, 2, b"t" * 32)
    assert Shown(record, b"s" * 32).hash == hashlib.sha256(b"\3" + b"s" * 32 + record.encode()).digest()


def test_an_opened_dispute_has_the_address_of_its_view() -> None:
    address = Pubkey(b"d" * 32)
    opened = OpenedDispute(OpenOutcome.ALREADY_OPEN, DisputeView(address, DISPUTE), None)
    assert (opened.address, opened.outcome) == (address, "already_open")
