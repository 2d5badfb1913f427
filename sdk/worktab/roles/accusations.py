"""What disputes are about, what attestors vote, and how they end (PROTOCOL section 5, Disputes)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed
from worktab.core.messages import Message
from worktab.core.records import JobRecord, chain_head, record_hash
from worktab.program.generated import events
from worktab.program.generated.accounts import Dispute, Network
from worktab.roles.decoding import known
from worktab.roles.trust_reading import DisputeView


class DisputeFinding(IntEnum):
    """What an attestor votes. All but the first two say that the device is guilty.

    WITHDRAWN  takes the vote back
    AGREES     re-execution agrees with the record
    DIFFERS    output, fuel or another field differs, or the job can't have run
    WITHHELD   the device did not serve the record's data; only from half of the time on
    REPEATED   an earlier record of the device shows the same work, and nobody paid for either
    """

    WITHDRAWN = 0
    AGREES = 1
    DIFFERS = 2
    WITHHELD = 3
    REPEATED = 4


class DisputeVerdict(IntEnum):
    """How a dispute ended, or that it has not."""

    OPEN = 0
    GUILTY = 1
    NOT_GUILTY = 2
    UNDECIDED = 3


@dataclass(frozen=True, slots=True)
class DisputeEvidence:
    """A record, and how it leads to what its device signed.

    seq        the record's place in the device's chain, from 1 on
    hash       32-byte hash of the record
    before     32-byte chain head before it
    later      hashes of the records after it, up to the signed head
    message    a receipt over that head; None where it is the one on chain
    signature  64 bytes by the device's present key; empty without a receipt
    """

    seq: int
    hash: bytes
    before: bytes
    later: tuple[bytes, ...] = ()
    message: Message | None = None
    signature: bytes = b""

    @property
    def head(self) -> bytes:
        """The head that it leads to."""
        return chain_head((self.hash, *self.later), self.before)

    @property
    def head_seq(self) -> int:
        """Jobs up to that head."""
        return self.seq + len(self.later)


@dataclass(frozen=True, slots=True)
class Shown:
    """A record and its salt, which make it readable for everyone."""

    record: JobRecord
    salt: bytes

    @property
    def hash(self) -> bytes:
        """The 32-byte hash that binds both."""
        return record_hash(self.salt, self.record)


class OpenOutcome(StrEnum):
    """What became of an accusation.

    OPENED        this call opened the dispute
    ALREADY_OPEN  the record was disputed already, and attestors have not decided
    ENDED_GUILTY  the device was found guilty of the record before; nobody is punished twice
    """

    OPENED = "opened"
    ALREADY_OPEN = "already_open"
    ENDED_GUILTY = "ended_guilty"


@dataclass(frozen=True, slots=True)
class OpenedDispute:
    """A dispute that stands. `confirmed` is None where it stood before."""

    outcome: OpenOutcome
    view: DisputeView
    confirmed: Confirmed | None

    @property
    def address(self) -> Pubkey:
        """The dispute's address."""
        return self.view.address


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a dispute ended.

    verdict    GUILTY, NOT_GUILTY or UNDECIDED; None where it had ended before and its account is gone
    event      what moved where; None where this call did not end it, or the node shows no logs
    confirmed  the transaction; None where it had ended before
    """

    verdict: DisputeVerdict | None
    event: events.DisputeResolved | None
    confirmed: Confirmed | None


def takes_disputes(network: Network) -> bool:
    """Whether records can be disputed in a network, where its classes are measured in WASM fuel."""
    return bool(network.dispute_deposit and network.attestor_count and network.challenge_delay > 0)


def show_until(account: Dispute) -> int:
    """Until when a guilty dispute can't be resolved without its record, in Unix seconds.

    As long after the deadline as there was to vote: nobody can hurry past the consumer whom the record names.
    """
    return 2 * account.deadline - account.opened_at


def verdict_of(account: Dispute, now: int) -> DisputeVerdict:
    """How a dispute stands or ends at `now`, Unix seconds. What enough attestors agreed on stands from then on."""
    decided = account.verdict or account.found
    if decided:
        return known(DisputeVerdict, decided, "verdict")
    return DisputeVerdict.UNDECIDED if now >= account.deadline else DisputeVerdict.OPEN


def voters(attestors: Sequence[Pubkey], bits: int) -> tuple[Pubkey, ...]:
    """The attestors whose bits are set."""
    return tuple(key for number, key in enumerate(attestors) if bits >> number & 1)
