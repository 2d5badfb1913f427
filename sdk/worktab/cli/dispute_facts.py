"""What `worktab dispute` shows and does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.agent.bought import bought_jobs
from worktab.cli.connecting import Acting, Reading, transaction
from worktab.cli.output import Amount, Name, Noted, Rows, When
from worktab.cli.proof_sources import data_folder
from worktab.core.errors import EncodingError
from worktab.core.records import record_hash
from worktab.program.generated.accounts import Dispute, Network
from worktab.program.generated.events import DisputeResolved
from worktab.roles.accusations import DisputeVerdict, Shown, show_until, verdict_of, voters
from worktab.roles.decoding import known
from worktab.roles.disputes import DisputeCrank
from worktab.roles.errors import DeviceNotFound, DisputeNotFound
from worktab.roles.terms import NOBODY
from worktab.roles.trust_reading import DisputeView
from worktab.trust.status import DisputeStory, dispute_story
from worktab.work.bundle import open_bundle

_SHOWN: Final = 50
_STATES: Final = {
    DisputeVerdict.OPEN: "open",
    DisputeVerdict.GUILTY: "guilty",
    DisputeVerdict.NOT_GUILTY: "not_guilty",
    DisputeVerdict.UNDECIDED: "undecided",
}


def row_of(view: DisputeView, network: Network, now: int) -> dict[str, Any]:
    """A dispute that is there; a verdict that can be resolved now counts as the state."""
    account, votes = view.account, view.account.votes
    verdict = verdict_of(account, now)
    counts = votes.attestor_version == network.attestor_version
    return {
        "dispute": view.address,
        "device": account.device,
        "job": Name(account.seq),
        "record_hash": account.record_hash,
        "state": _STATES[verdict],
        "to_resolve": view.is_open and verdict is not DisputeVerdict.OPEN,
        "guilty": votes.yes.bit_count() if counts else 0,
        "not_guilty": votes.no.bit_count() if counts else 0,
        "needed": network.threshold,
        "challenger_tab": account.tab,
        "deposit": Amount(account.deposit, network.decimals),
        "opened": When(account.opened_at),
        "withheld_from": When(account.opened_at + (account.deadline - account.opened_at) // 2),
        "deadline": When(account.deadline),
        "show_record_until": When(show_until(account)),
    }


async def status_facts(session: Reading, where: Pubkey) -> dict[str, Any]:
    """A dispute, open or ended. Raises `DisputeNotFound` where the chain shows nothing of it."""
    story = await dispute_story(session.chain, session.program, where)
    reader = session.network(await network_of(session, where, story))
    network, view = await reader.network(), await reader.dispute(where)
    now = await session.chain.unix_time()
    facts: dict[str, Any] = {"dispute": where, "network": reader.address}
    if view is not None:
        facts |= row_of(view, network, now)
        if view.is_open:
            attestors = network.attestors[: network.attestor_count]
            votes = view.account.votes
            counts = votes.attestor_version == network.attestor_version
            facts["say_guilty"] = list(voters(attestors, votes.yes)) if counts else []
            facts["say_not_guilty"] = list(voters(attestors, votes.no)) if counts else []
    elif story.opened is not None:
        opened = story.opened
        ended = None if story.resolved is None else known(DisputeVerdict, story.resolved.verdict, "verdict")
        facts |= {
            "device": opened.device,
            "job": Name(opened.seq),
            "record_hash": opened.record_hash,
            "state": None if ended is None else _STATES[ended],
            "challenger_tab": opened.tab,
            "deposit": Amount(opened.deposit, network.decimals),
            "deadline": When(opened.deadline),
        }
    rows = [
        {
            "attestor": cast.attestor,
            "finding": cast.finding.name.lower(),
            "guilty": cast.guilty,
            "not_guilty": cast.not_guilty,
            "slot": Name(cast.slot),
        }
        for cast in story.votes
    ]
    facts["votes"] = Rows(rows, ("attestor", "finding", "guilty", "not_guilty", "slot"), _SHOWN)
    if story.resolved is not None:
        facts["moved"] = moved(story.resolved, network.decimals)
    return facts


def moved(event: DisputeResolved, decimals: int) -> dict[str, Any]:
    """Where deposit, bond and unclaimed rewards went."""

    def money(amount: int, note: str) -> Noted:
        return Noted(Amount(amount, decimals), note)

    return {
        "consumer_tab": None if event.consumer_tab == NOBODY else event.consumer_tab,
        "to_consumer": money(event.to_consumer, "out of the bond, for the record"),
        "deposit_back": money(event.deposit_back, "of the deposit, to the challenger's tab"),
        "to_challenger": money(event.to_challenger, "out of the bond, to the challenger's tab"),
        "to_pool": money(event.to_pool, "out of the bond"),
        "forfeited": money(event.forfeited, "rewards not claimed, back to the pool"),
        "to_bond": money(event.to_bond, "of the deposit, to the device's bond"),
    }


async def resolve_facts(
    session: Acting, where: Pubkey, bundle: Path | None, state: Path | None, *, bought: bool
) -> dict[str, Any]:
    """End a dispute, and say where the money went."""
    reader = session.network(await network_of(session, where))
    view = await reader.dispute(where)
    shown = None if view is None else _shown(view, bundle, state, bought=bought)
    crank = DisputeCrank(session.sender(), reader.address, program_id=session.program)
    ended = await crank.resolve(where, shown)
    event = ended.event
    if event is None:
        event = (await dispute_story(session.chain, session.program, where)).resolved
    verdict = ended.verdict
    if verdict is None and event is not None:
        verdict = known(DisputeVerdict, event.verdict, "verdict")
    return {
        "dispute": where,
        "verdict": None if verdict is None else _STATES[verdict],
        "moved": None if event is None else moved(event, (await reader.network()).decimals),
        "transaction": None if ended.confirmed is None else transaction(ended.confirmed),
    }


def _shown(view: DisputeView, bundle: Path | None, state: Path | None, *, bought: bool) -> Shown | None:
    """The disputed record out of a bundle or the user's own purchases; None where neither has it."""
    account = view.account
    if bundle is not None:
        with open_bundle(bundle.expanduser()) as opened:
            for entry in opened.entries():
                if entry.seq == account.seq and record_hash(entry.salt, entry.record) == account.record_hash:
                    return Shown(entry.record, entry.salt)
    if bought:
        folder = (state or data_folder() / "buyer").expanduser() / "purchases"
        for job in bought_jobs(folder):
            if job.device == account.device and job.shown.hash == account.record_hash:
                return job.shown
    return None


async def network_of(session: Reading, dispute: Pubkey, story: DisputeStory | None = None) -> Pubkey:
    """The network of a dispute: as its account says, or that of the device that its events name.

    Raises `DisputeNotFound`.
    """
    account = await session.chain.account(dispute)
    try:
        if account is not None and account.owner == session.program:
            return Dispute.decode(account.data).network
    except EncodingError:
        pass
    found = story or await dispute_story(session.chain, session.program, dispute)
    if found.opened is not None:
        try:
            return await session.network_of(found.opened.device)
        except DeviceNotFound:
            pass
    raise DisputeNotFound(f"There is no dispute at {dispute}", got="no account, and no event of one")
