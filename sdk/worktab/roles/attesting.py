"""Attestors commit to the roots of epochs and vote on them, a guardian vetoes, anyone makes them final
(PROTOCOL section 5, roots)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.core.addresses import find_epoch
from worktab.core.commitments import EpochCommitment
from worktab.core.errors import ChainError
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.program.generated.types import Commitment, EpochVote
from worktab.roles.base import Role
from worktab.roles.batches import send_in_batches
from worktab.roles.commitments import EpochView, next_root_epoch
from worktab.roles.root_reading import existing

_WITHDRAW, _APPROVE, _VETO = range(3)
_MOST_COUNTED = 2**32 - 1


class Attestor(Role):
    """Acts with an attestor's key, or with the guardian's for `veto`; the sender's fee payer pays fees and rent.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    def __init__(self, sender: Sender, network: Pubkey, key: Keypair, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.key = key

    def epoch_address(self, commitment: EpochCommitment) -> Pubkey:
        """The address that this commitment has in the network."""
        return find_epoch(self.program_id, self.address, commitment.epoch, commitment.hash())[0]

    async def commit(self, commitment: EpochCommitment) -> Pubkey:
        """Commit to a root and approve it; the address of its account.

        Where another attestor has made the same commitment, this one approves it; where this one approves it
        already, nothing is sent.
        """
        address = self.epoch_address(commitment)
        view = await self.reader.find_epoch(address)
        if view is None:
            try:
                await self._commit(address, commitment)
            except ChainError:
                view = await self.reader.find_epoch(address)
                if view is None:  # no rival's commit is why it failed
                    raise
        if view is not None and self.key.pubkey() not in view.approving(await self.reader.network()):
            counted = (commitment.records_checked, commitment.records_failed, commitment.check_ms)
            await self._vote(address, _APPROVE, *(min(each, _MOST_COUNTED) for each in counted))
        return address

    async def vote(self, epoch: Pubkey, *, approve: bool, checked: int = 0, failed: int = 0, ms: int = 0) -> Confirmed:
        """Approve a commitment, or withdraw the approval.

        checked, failed, ms   records re-executed before the vote, those that did not agree, and the milliseconds it
                              took; u32, for the event alone

        Raises `EpochNotFound`.
        """
        await self.reader.epoch(epoch)
        return await self._vote(epoch, _APPROVE if approve else _WITHDRAW, checked, failed, ms)

    async def veto(self, epoch: Pubkey, *, checked: int = 0, failed: int = 0, ms: int = 0) -> Confirmed:
        """Veto a commitment for good; the key must be the guardian's. Numbers as for `vote`.

        Raises `EpochNotFound`.
        """
        await self.reader.epoch(epoch)
        return await self._vote(epoch, _VETO, checked, failed, ms)

    async def _commit(self, address: Pubkey, commitment: EpochCommitment) -> Confirmed:
        passed = instructions.CommitEpochAccounts(
            payer=self.sender.fee_payer.pubkey(), attestor=self.key.pubkey(), network=self.address, epoch=address
        )
        terms = Commitment(
            epoch=commitment.epoch,
            root=commitment.root,
            count=commitment.count,
            total=commitment.total,
            units=commitment.units,
            records_checked=commitment.records_checked,
            records_failed=commitment.records_failed,
            check_ms=commitment.check_ms,
            data=commitment.data,
        )
        instruction = instructions.commit_epoch(passed, commitment=terms, program_id=self.program_id)
        return await self.sender.send([instruction], [self.key], label="commit epoch")

    async def _vote(self, epoch: Pubkey, choice: int, checked: int, failed: int, ms: int) -> Confirmed:
        passed = instructions.VoteEpochAccounts(voter=self.key.pubkey(), network=self.address, epoch=epoch)
        vote = EpochVote(choice, checked, failed, ms)
        instruction = instructions.vote_epoch(passed, vote=vote, program_id=self.program_id)
        return await self.sender.send([instruction], [self.key], label="vote epoch")


class FinalizeOutcome(StrEnum):
    """What became of a commitment.

    FINAL   its root is the network's newest
    CLOSED  a final root covered its epoch already; its account is closed
    GONE    it was closed before, final or outdated
    """

    FINAL = "final"
    CLOSED = "closed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Finalization:
    """What finalizing did.

    increase   base units that the pool owes payees more than before; None where the node shows no logs
    confirmed  the transaction; None where there was nothing to do
    """

    outcome: FinalizeOutcome
    increase: int | None
    confirmed: Confirmed | None


class Finalizer(Role):
    """Makes approved roots final and closes outdated commitments; it needs no key but the fee payer's.

    Rent goes to who committed.
    """

    async def finalize(self, epoch: Pubkey) -> Finalization:
        """Make a commitment final, or close it where its epoch is covered. One that is gone is a success."""
        view = await self.reader.find_epoch(epoch)
        if view is None:
            return Finalization(FinalizeOutcome.GONE, 0, None)
        try:
            confirmed = await self.sender.send([self._instruction(view)], label="finalize epoch")
        except ChainError:
            if await self.reader.find_epoch(epoch) is None:  # somebody else was first
                return Finalization(FinalizeOutcome.GONE, 0, None)
            raise
        event = self.event(confirmed, events.EpochFinalized)
        if event is not None:
            return Finalization(FinalizeOutcome.FINAL, event.increase, confirmed)
        if self.event(confirmed, events.EpochClosed) is not None:
            return Finalization(FinalizeOutcome.CLOSED, 0, confirmed)
        network = await self.reader.network()
        final = (network.root_epoch, network.root) == (view.account.index, view.account.root)
        return Finalization(FinalizeOutcome.FINAL if final else FinalizeOutcome.CLOSED, None if final else 0, confirmed)

    async def close_outdated(self) -> tuple[Pubkey, ...]:
        """Close every commitment whose epoch a final root covers; the addresses of those that this call closed."""
        network = await self.reader.network()
        covered = next_root_epoch(network)
        outdated = [view for view in await self.reader.epochs() if view.account.index < covered]
        sent = await send_in_batches(self.sender, outdated, self._instruction, self._remaining, label="close epochs")
        return tuple(view.address for batch, _ in sent for view in batch)

    async def _remaining(self, views: Sequence[EpochView]) -> list[EpochView]:
        found = await self.reader.chain.accounts([view.address for view in views])
        return [view for view, account in zip(views, found, strict=True) if existing(account) is not None]

    def _instruction(self, view: EpochView) -> Instruction:
        passed = instructions.FinalizeEpochAccounts(
            network=self.address, epoch=view.address, rent_payer=view.account.rent_payer
        )
        return instructions.finalize_epoch(passed, program_id=self.program_id)
