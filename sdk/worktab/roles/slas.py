"""SLAs that are open: where they stand, ended by anyone, contested by owners, voted on by attestors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.core.errors import ChainError
from worktab.core.times import utc
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.program.generated.accounts import Network
from worktab.program.generated.errors import ContestOver, SlaRunning
from worktab.roles.base import Role
from worktab.roles.decoding import known
from worktab.roles.errors import SlaNotFound
from worktab.roles.reading import NetworkReader
from worktab.roles.sla_standing import SlaOutcome, SlaStanding, standing_in
from worktab.roles.trust_reading import SlaView

_OUTCOMES = {"kept": SlaOutcome.KEPT, "missed": SlaOutcome.MISSED, "excused": SlaOutcome.EXCUSED}


@dataclass(frozen=True, slots=True)
class EndedSla:
    """An SLA that ended: `penalty` base units went from the device's bond to the consumer's balance.

    `outcome` and `confirmed` are None where it was gone already.
    """

    address: Pubkey
    outcome: SlaOutcome | None
    delivered: int
    penalty: int
    confirmed: Confirmed | None


async def read_standings(
    reader: NetworkReader, *, tab: Pubkey | None = None, device: Pubkey | None = None
) -> list[SlaStanding]:
    """Where a network's SLAs stand, or those of one tab, of one device; by deadline. Raises as `network` does."""
    network = await reader.network()
    return await standings_of(reader, network, await reader.slas(tab=tab, device=device))


async def standings_of(reader: NetworkReader, network: Network, views: Sequence[SlaView]) -> list[SlaStanding]:
    """Where SLAs stand; those that ended since they were read are left out."""
    addresses = list(dict.fromkeys(view.account.tab for view in views))
    tabs = dict(zip(addresses, await reader.find_tabs(addresses), strict=True)) if addresses else {}
    now = await reader.chain.unix_time()
    found = [standing_in(tab, view, network, now) for view in views if (tab := tabs[view.account.tab]) is not None]
    return [each for each in found if each is not None]


class Slas(Role):
    """Looks at SLAs and ends them; it needs no key but the fee payer's.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    async def standings(self, *, tab: Pubkey | None = None, device: Pubkey | None = None) -> list[SlaStanding]:
        """Where the network's SLAs stand, or those of one tab, of one device; by deadline."""
        return await read_standings(self.reader, tab=tab, device=device)

    async def standing(self, sla: Pubkey) -> SlaStanding:
        """Where an SLA stands. Raises `SlaNotFound` for one that never was, or ended."""
        view = await self.reader.sla(sla)
        found = await standings_of(self.reader, await self.reader.network(), [view]) if view else []
        if not found:
            raise SlaNotFound(f"There is no SLA at {sla}", got="no account")
        return found[0]

    async def enforce(self, sla: Pubkey) -> EndedSla:
        """End an SLA: kept, with its penalty, or excused. One that is gone is a success.

        Raises `SlaRunning` while it still runs, or may still be contested or decided.
        """
        view = await self.reader.sla(sla)
        if view is None:
            return EndedSla(sla, None, 0, 0, None)
        found = await standings_of(self.reader, await self.reader.network(), [view])
        if not found:
            return EndedSla(sla, None, 0, 0, None)
        [stands] = found
        if stands.changes_at is not None:
            raise SlaRunning(expected=f"{utc(stands.changes_at)} at the earliest", got=utc(stands.now))
        account = view.account
        passed = instructions.EnforceSlaAccounts(
            tab=account.tab, device=account.device, sla=sla, rent_payer=account.rent_payer
        )
        instruction = instructions.enforce_sla(passed, program_id=self.program_id)
        try:
            confirmed = await self.sender.send([instruction], label="enforce SLA")
        except ChainError:
            if await self.reader.sla(sla) is None:  # somebody else was first
                return EndedSla(sla, None, 0, 0, None)
            raise
        event = self.event(confirmed, events.SlaEnforced)
        if event is not None:
            outcome = known(SlaOutcome, event.outcome, "outcome of an SLA")
            return EndedSla(sla, outcome, event.delivered, event.penalty, confirmed)
        outcome = _OUTCOMES[stands.stage.value]
        penalty = stands.penalty if outcome is SlaOutcome.MISSED else 0
        return EndedSla(sla, outcome, stands.delivered, penalty, confirmed)


class SlaOwner(Slas):
    """As `Slas`, with the key of an owner of devices, who contests penalties."""

    def __init__(self, sender: Sender, network: Pubkey, owner: Keypair, *, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.owner = owner

    async def contest(self, sla: Pubkey) -> Confirmed | None:
        """Contest a penalty: from now on it needs the attestors' threshold. None where it is contested already.

        Only between the deadline and the end of the challenge delay after it: else it raises `SlaRunning`, or
        `ContestOver`. Raises `SlaNotFound` for one that ended.
        """
        view = await self.reader.sla(sla)
        if view is None:
            raise SlaNotFound(f"There is no SLA at {sla}", got="no account")
        if view.account.contested:
            return None
        passed = instructions.ContestSlaAccounts(owner=self.owner.pubkey(), device=view.account.device, sla=sla)
        instruction = instructions.contest_sla(passed, program_id=self.program_id)
        try:
            return await self.sender.send([instruction], [self.owner], label="contest SLA")
        except ContestOver:
            again = await self.reader.sla(sla)
            if again is not None and again.account.contested:  # somebody else with the key was first
                return None
            raise


class SlaAttestor(Slas):
    """As `Slas`, with an attestor's key."""

    def __init__(self, sender: Sender, network: Pubkey, key: Keypair, *, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.key = key

    async def vote(self, sla: Pubkey, upheld: bool | None) -> Confirmed | None:
        """Say whether the penalty of a contested SLA is due; None withdraws the vote. A repeat sends nothing.

        As soon as the threshold agrees, that stands. Raises `SlaNotFound`, `NotContested` where it is not contested or
        was decided, and `VotingOver`.
        """
        view, network = await self.reader.sla(sla), await self.reader.network()
        if view is None:
            raise SlaNotFound(f"There is no SLA at {sla}", got="no account")
        if self._voted(view, network) == (upheld is True, upheld is False):
            return None
        passed = instructions.VoteSlaAccounts(attestor=self.key.pubkey(), network=self.address, sla=sla)
        instruction = instructions.vote_sla(passed, upheld=upheld, program_id=self.program_id)
        return await self.sender.send([instruction], [self.key], label="vote SLA")

    def _voted(self, view: SlaView, network: Network) -> tuple[bool, bool] | None:
        """Whether this attestor's vote is for and against the penalty; None for who is no attestor."""
        key, votes = self.key.pubkey(), view.account.votes
        attestors = network.attestors[: network.attestor_count]
        if key not in attestors:
            return None
        if votes.attestor_version != network.attestor_version:
            return False, False
        bit = 1 << attestors.index(key)
        return bool(votes.yes & bit), bool(votes.no & bit)
