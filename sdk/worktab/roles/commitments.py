"""Commitments to epochs' roots as the chain holds them, and how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey

from worktab.core.commitments import EpochCommitment
from worktab.program.generated.accounts import Epoch, Network


class EpochStage(StrEnum):
    """How far a commitment has come.

    OPEN       too few attestors approve, or they changed since they voted
    APPROVED   enough approve, and the challenge delay runs
    DUE        anyone may make it final, if its network has the budget and the pool for it
    VETOED     the guardian vetoed it; it can only become outdated
    OUTDATED   a final root covers its epoch; anyone may close it
    """

    OPEN = "open"
    APPROVED = "approved"
    DUE = "due"
    VETOED = "vetoed"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True)
class EpochView:
    """A commitment's account and its address."""

    address: Pubkey
    account: Epoch

    @property
    def commitment(self) -> EpochCommitment:
        """What was committed to."""
        account = self.account
        return EpochCommitment(
            account.index,
            account.root,
            account.count,
            account.total,
            account.units,
            account.data,
            account.records_checked,
            account.records_failed,
            account.check_ms,
        )

    def approving(self, network: Network) -> tuple[Pubkey, ...]:
        """The attestors that approve now; none of those who voted before the last change of attestors."""
        if self.account.attestor_version != network.attestor_version:
            return ()
        places = range(network.attestor_count)
        return tuple(network.attestors[place] for place in places if self.account.approvals >> place & 1)

    def final_from(self, network: Network) -> int | None:
        """When it may become final, Unix seconds; None while too few approve."""
        approved = 0 < network.threshold <= len(self.approving(network))
        return self.account.approved_at + network.challenge_delay if approved else None

    def stage(self, network: Network, now: int) -> EpochStage:
        """How far it has come at `now`, the chain's clock in Unix seconds."""
        if self.account.index < next_root_epoch(network):
            return EpochStage.OUTDATED
        if self.account.vetoed:
            return EpochStage.VETOED
        final_from = self.final_from(network)
        if final_from is None:
            return EpochStage.OPEN
        return EpochStage.DUE if now >= final_from else EpochStage.APPROVED


def next_root_epoch(network: Network) -> int:
    """The first epoch that no final root covers and that roots pay for; 0 on the path of receipts."""
    return network.root_epoch + 1 if network.root_count else network.roots_from
