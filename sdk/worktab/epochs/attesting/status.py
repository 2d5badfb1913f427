"""What stands on the chain: commitments, who voted what, and when they can be final."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError
from worktab.program.generated.accounts import Network
from worktab.program.generated.events import EpochCommitted, EpochVoted
from worktab.program.logs import events_from_logs
from worktab.roles.commitments import EpochStage, EpochView
from worktab.roles.reading import NetworkReader


@dataclass(frozen=True, slots=True)
class Cast:
    """One vote as it was cast.

    Attributes:
        voter: attestor or guardian.
        vote: `commit`, `approve`, `withdraw` or `veto`.
        checked, failed: records re-executed before it, and those that did not agree.
        ms: milliseconds it took.
        slot: of its transaction.
    """

    voter: Pubkey
    vote: str
    checked: int
    failed: int
    ms: int
    slot: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A commitment and where it stands.

    Attributes:
        view: the commitment.
        stage: how far it has come.
        approving: attestors whose approval counts now.
        final_from: when it may become final, Unix seconds; None while too few approve, or after a veto.
        votes: all that were cast, oldest first, as far as the node keeps them.
    """

    view: EpochView
    stage: EpochStage
    approving: tuple[Pubkey, ...]
    final_from: int | None
    votes: tuple[Cast, ...]


_VOTES = ("withdraw", "approve", "veto")


async def standings(reader: NetworkReader) -> tuple[Network, int, list[Standing]]:
    """The network, the chain's clock in Unix seconds, and its open commitments by epoch and time of commit.

    Raises what reading the network raises.
    """
    network, now = await reader.network(), await reader.chain.unix_time()
    found = []
    for view in await reader.epochs():
        stage = view.stage(network, now)
        ended = stage in (EpochStage.VETOED, EpochStage.OUTDATED)
        votes = tuple(await _votes(reader, view))
        found.append(Standing(view, stage, view.approving(network), None if ended else view.final_from(network), votes))
    return network, now, found


async def _votes(reader: NetworkReader, view: EpochView) -> list[Cast]:
    found = []
    for entry in reversed(await reader.chain.history(view.address)):
        landed = None if entry.failed else await reader.chain.transaction(entry.signature)
        if landed is None:
            continue
        try:
            events = events_from_logs(landed.logs, reader.program_id)
        except EncodingError:  # cut off by the node
            continue
        for event in events:
            if isinstance(event, EpochVoted) and event.epoch == view.address and event.vote < len(_VOTES):
                numbers = event.records_checked, event.records_failed, event.check_ms
                found.append(Cast(event.voter, _VOTES[event.vote], *numbers, landed.slot))
            elif isinstance(event, EpochCommitted) and event.epoch == view.address:
                numbers = event.records_checked, event.records_failed, event.check_ms
                found.append(Cast(event.attestor, "commit", *numbers, landed.slot))
    return found
