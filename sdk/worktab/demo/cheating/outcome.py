"""What the chain says of devices, disputes and an SLA, and what instructions took. Amounts are base units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from worktab.chain.protocol import Landed
from worktab.demo.cheating.challenges import Accused
from worktab.demo.cheating.scene import CHALLENGE_DELAY, Player, Scene
from worktab.demo.stage import Stage
from worktab.program.generated import PROGRAM_ID, events
from worktab.program.logs import events_from_logs
from worktab.program.structs import Event
from worktab.roles.accusations import DisputeFinding, DisputeVerdict
from worktab.roles.consumer import Consumer
from worktab.roles.sla_standing import SlaOutcome
from worktab.roles.slas import Slas
from worktab.roles.terms import DeviceStatus
from worktab.trust.status import dispute_story

_NAMES: Final[dict[type[Event], str]] = {
    events.BondDeposited: "deposit_bond",
    events.SlaOpened: "open_sla",
    events.SlaEnforced: "enforce_sla",
    events.DisputeOpened: "open_dispute",
    events.DisputeVoted: "vote_dispute",
    events.DisputeResolved: "resolve_dispute",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A device at one moment: its bond, what an SLA holds of it, what it is owed, and whether it is suspended."""

    bond: int
    held: int
    rewards: int
    earnings: int
    suspended: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """A dispute that is over.

    accused   the record, and who disputed it
    deposit   of the challenger
    votes     what attestors voted, by their numbers from 0; who was not needed is not among them
    verdict   how it ended
    resolved  what moved where
    """

    accused: Accused
    deposit: int
    votes: tuple[tuple[int, DisputeFinding], ...]
    verdict: DisputeVerdict
    resolved: events.DisputeResolved


@dataclass(frozen=True, slots=True)
class Missed:
    """An SLA that is over: what was due and delivered, the penalty in basis points, what was paid, how it ended."""

    due: int
    delivered: int
    bps: int
    penalty: int
    outcome: SlaOutcome


@dataclass(frozen=True, slots=True)
class Purse:
    """What a tab holds: free, and on lanes."""

    free: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Units:
    """Compute units of the transactions of one instruction: how many there were, the least and the most."""

    count: int
    least: int
    most: int


async def standing(player: Player) -> Standing:
    """How a device stands."""
    device = (await player.shop.device.view()).device
    suspended = device.status == DeviceStatus.SUSPENDED
    return Standing(device.bond, device.bond_held, device.rewards_owed, device.earnings_owed, suspended)


async def purse(consumer: Consumer) -> Purse:
    """What a tab holds."""
    view = await consumer.tab()
    return Purse(view.tab.balance, view.reserved)


async def decided(scene: Scene, accused: Sequence[Accused]) -> tuple[Decided, ...]:
    """How disputes ended, as the chain's history has it; those that have not are left out."""
    keys, found = [each.pubkey() for each in scene.attestors], []
    for each in accused:
        story = await dispute_story(scene.stage.chain, PROGRAM_ID, each.dispute)
        if story.opened is None or story.resolved is None:
            continue
        votes = tuple((keys.index(vote.attestor), vote.finding) for vote in story.votes)
        verdict = DisputeVerdict(story.resolved.verdict)
        found.append(Decided(each, story.opened.deposit, votes, verdict, story.resolved))
    return tuple(found)


async def miss(stage: Stage, sla: Pubkey) -> Missed:
    """Let the deadline of an SLA and the time to contest pass, and end it. Anyone may; here it is the relay."""
    slas = Slas(stage.sender(), stage.operator.address)
    account = (await slas.standing(sla)).account
    stage.chain.set_time(account.deadline + CHALLENGE_DELAY)
    ended = await slas.enforce(sla)
    assert ended.outcome is not None
    return Missed(account.due, ended.delivered, account.bps, ended.penalty, ended.outcome)


def compute_units(landed: Iterable[Landed]) -> dict[str, Units]:
    """Compute units by instruction, of those that belong to bonds, SLAs and disputes."""
    found: dict[str, list[int]] = {name: [] for name in _NAMES.values()}
    for each in landed:
        for event in events_from_logs(each.logs, PROGRAM_ID):
            if type(event) in _NAMES:
                found[_NAMES[type(event)]].append(each.units)
    return {name: Units(len(units), min(units), max(units)) for name, units in found.items() if units}
