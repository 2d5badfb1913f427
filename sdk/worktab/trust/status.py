"""What became of a dispute, from its account and the events that the chain keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from solders.pubkey import Pubkey

from worktab.chain.protocol import Chain
from worktab.core.errors import EncodingError
from worktab.program.generated.events import DisputeClosed, DisputeOpened, DisputeResolved, DisputeVoted
from worktab.program.logs import events_from_logs
from worktab.roles.accusations import DisputeFinding
from worktab.roles.decoding import known


@dataclass(frozen=True, slots=True)
class CastVote:
    """One vote as it was cast, and how the votes stood after it; `slot` is its transaction's."""

    attestor: Pubkey
    finding: DisputeFinding
    guilty: int
    not_guilty: int
    slot: int


@dataclass(slots=True)
class DisputeStory:
    """A dispute's life, as far as the node keeps it. Where one was opened again about the same record, the newest.

    opened    how it began; None where the node no longer shows it
    votes     all that were cast, oldest first
    resolved  how it ended, and what moved where; None while it is open
    closed    whether its account, which stays after a guilty verdict, is closed
    """

    opened: DisputeOpened | None = None
    votes: list[CastVote] = field(default_factory=list)
    resolved: DisputeResolved | None = None
    closed: bool = False


async def dispute_story(chain: Chain, program_id: Pubkey, dispute: Pubkey) -> DisputeStory:
    """The story of a dispute by its address. Raises what reading the chain's history raises."""
    story = DisputeStory()
    for entry in reversed(await chain.history(dispute)):
        landed = None if entry.failed else await chain.transaction(entry.signature)
        if landed is None:
            continue
        try:
            events = events_from_logs(landed.logs, program_id)
        except EncodingError:  # cut off by the node
            continue
        for event in events:
            match event:
                case DisputeOpened() if event.dispute == dispute:
                    story = DisputeStory(opened=event)
                case DisputeVoted() if event.dispute == dispute:
                    finding = known(DisputeFinding, event.finding, "finding")
                    votes = (event.guilty, event.not_guilty)
                    story.votes.append(CastVote(event.attestor, finding, *votes, landed.slot))
                case DisputeResolved() if event.dispute == dispute:
                    story.resolved = event
                case DisputeClosed() if event.dispute == dispute:
                    story.closed = True
    return story
