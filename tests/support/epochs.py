"""Roots of a network: trees of payees, commitments, votes and claims, every instruction with sensible accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.parties import NOBODY, Network
from support.svm import Result
from support.world import World
from worktab.core.addresses import find_epoch, find_page
from worktab.core.commitments import EpochCommitment
from worktab.core.merkle import EMPTY, Tree, payee_leaf, proof_argument
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import Commitment, EpochVote

PAGE: Final = 1_024
"""Payees of one page."""
CHALLENGE: Final = 600
"""Seconds that the default network waits after enough attestors approved."""
WITHDRAW, APPROVE, VETO = 0, 1, 2
PAID, NOTHING_OWED, UNPAYABLE = 0, 1, 5


@dataclass(frozen=True, slots=True)
class Payee:
    """A payee of a root: a payout wallet and its lifetime reward, base units."""

    payout: Pubkey
    reward: int
    devices_root: bytes = bytes(32)


@dataclass(frozen=True)
class Root:
    """A tree over the payees of one network and epoch; None at positions that nobody holds."""

    network: Network
    epoch: int
    payees: tuple[Payee | None, ...]
    tree: Tree = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        leaves = [self.leaf(position) for position in range(len(self.payees))]
        object.__setattr__(self, "tree", Tree(b"".join(leaves)))

    def leaf(self, position: int) -> bytes:
        """The leaf at a position."""
        payee = self.payees[position]
        if payee is None:
            return EMPTY
        return payee_leaf(self.network.domain, self.epoch, position, payee.payout, payee.reward, payee.devices_root)

    def payee(self, position: int) -> Payee:
        """Who holds a position."""
        payee = self.payees[position]
        assert payee is not None
        return payee

    def commitment(self, *, total: int | None = None, **changes: Any) -> EpochCommitment:
        """What an honest attestor commits to; two base units a unit. `total` and `changes` replace fields."""
        total = sum(payee.reward for payee in self.payees if payee) if total is None else total
        honest = EpochCommitment(
            epoch=self.epoch,
            root=self.tree.root,
            count=len(self.payees),
            total=total,
            units=total // 2,
            data=hashlib.sha256(b"data" + self.tree.root).digest(),
        )
        return replace(honest, **changes)


class Roots:
    """A network on the path of roots, its attestors and its guardian. Accounts given by name replace the defaults."""

    def __init__(
        self, world: World, network: Network, attestors: Sequence[Keypair], guardian: Keypair | None = None
    ) -> None:
        self.world, self.network = world, network
        self.attestors = list(attestors)
        self._guardian = guardian

    @property
    def guardian(self) -> Keypair:
        """The network's guardian, where it has one."""
        assert self._guardian is not None
        return self._guardian

    # Trees

    def payees(self, *rewards: int) -> tuple[Payee, ...]:
        """New payout wallets with open token accounts, and these lifetime rewards."""
        return tuple(Payee(self.wallet().pubkey(), reward, bytes([at % 256]) * 32) for at, reward in enumerate(rewards))

    def wallet(self) -> Keypair:
        """A new payout wallet with an open token account."""
        wallet = self.world.keypair()
        self.network.mint.open(wallet.pubkey())
        return wallet

    def root(self, epoch: int, payees: Iterable[Payee | None]) -> Root:
        """A tree over payees in the order of their positions."""
        return Root(self.network, epoch, tuple(payees))

    def raised(self, root: Root, epoch: int, *more: int) -> Root:
        """The same payees in a later epoch, each with so much more; the last amounts are for new payees."""
        known = [
            replace(payee, reward=payee.reward + add) if payee else None
            for payee, add in zip(root.payees, more, strict=False)
        ]
        return self.root(epoch, [*known, *self.payees(*more[len(known) :])])

    # Instructions

    def commit(
        self, commitment: EpochCommitment, attestor: Keypair | None = None, /, **accounts: Pubkey
    ) -> Instruction:
        """commit_epoch by the first attestor or by another key, the rent paid by the world's payer."""
        passed = ix.CommitEpochAccounts(
            payer=self.world.payer.pubkey(),
            attestor=(attestor or self.attestors[0]).pubkey(),
            network=self.network.address,
            epoch=self.address(commitment),
        )
        return ix.commit_epoch(replace(passed, **accounts), commitment=as_argument(commitment))

    def vote(
        self,
        commitment: EpochCommitment,
        voter: Keypair,
        vote: int = APPROVE,
        /,
        *,
        checked: int = 0,
        failed: int = 0,
        ms: int = 0,
        **accounts: Pubkey,
    ) -> Instruction:
        """vote_epoch; approves unless told otherwise."""
        passed = ix.VoteEpochAccounts(
            voter=voter.pubkey(), network=self.network.address, epoch=self.address(commitment)
        )
        return ix.vote_epoch(replace(passed, **accounts), vote=EpochVote(vote, checked, failed, ms))

    def withdraw(self, commitment: EpochCommitment, voter: Keypair) -> Instruction:
        """vote_epoch that takes an approval back."""
        return self.vote(commitment, voter, WITHDRAW)

    def veto(self, commitment: EpochCommitment, voter: Keypair | None = None) -> Instruction:
        """vote_epoch with a veto of the guardian, or of somebody else."""
        return self.vote(commitment, voter or self.guardian, VETO)

    def finalize(self, commitment: EpochCommitment, /, **accounts: Pubkey) -> Instruction:
        """finalize_epoch, the rent going back to the world's payer."""
        passed = ix.FinalizeEpochAccounts(
            network=self.network.address, epoch=self.address(commitment), rent_payer=self.world.payer.pubkey()
        )
        return ix.finalize_epoch(replace(passed, **accounts))

    def open_page(self, number: int, /, **accounts: Pubkey) -> Instruction:
        """open_page, the rent paid by the world's payer."""
        passed = ix.OpenPageAccounts(
            payer=self.world.payer.pubkey(), network=self.network.address, page=self.page_address(number)
        )
        return ix.open_page(replace(passed, **accounts), number=number)

    def claim(
        self,
        root: Root,
        position: int,
        /,
        *,
        siblings: Sequence[bytes] | bytes | None = None,
        said: int | None = None,
        reward: int | None = None,
        devices_root: bytes | None = None,
        bump: int | None = None,
        **accounts: Pubkey,
    ) -> Instruction:
        """claim_root with the proof of a position.

        Tampering: `siblings` as hashes or as the bytes of the argument, `said` another position, `reward` another
        lifetime reward, `devices_root`, and the `bump` of the payout account.
        """
        payee, network = root.payee(position), self.network
        payout = accounts.get("payout", payee.payout)
        passed = ix.ClaimRootAccounts(
            network=network.address,
            vault=network.vault,
            mint=network.mint.address,
            page=self.page_address(position // PAGE),
            payout=payout,
            payout_account=network.mint.account_of(payout),
            token_program=network.mint.token_program,
        )
        siblings = root.tree.siblings(position) if siblings is None else siblings
        return ix.claim_root(
            replace(passed, **accounts),
            position=position if said is None else said,
            lifetime_reward=payee.reward if reward is None else reward,
            devices_root=payee.devices_root if devices_root is None else devices_root,
            payout_bump=network.mint.bump_of(payout) if bump is None else bump,
            siblings=siblings if isinstance(siblings, bytes) else proof_argument(siblings),
        )

    # Scenes

    def commit_to(self, root: Root, votes: int = 2, /, **changes: Any) -> EpochCommitment:
        """A commitment on chain with so many approvals, the first of who committed; `changes` replace fields."""
        commitment = root.commitment(**changes)
        self.must(self.commit(commitment))
        for attestor in self.attestors[1:votes]:
            self.must(self.vote(commitment, attestor))
        return commitment

    def make_final(self, root: Root, /, *, votes: int = 2, **changes: Any) -> Result:
        """Commits, votes, waits for the challenge delay and makes final, then opens the pages that are missing."""
        commitment = self.commit_to(root, votes, **changes)
        self.world.advance(self.read_network().challenge_delay)
        result = self.must(self.finalize(commitment))
        for number in range((commitment.count + PAGE - 1) // PAGE):
            if self.world.account(self.page_address(number)) is None:
                self.must(self.open_page(number))
        return result

    def must(self, *instructions: Instruction) -> Result:
        """Sends what a test takes for granted; the ledger is checked after it."""
        result = self.world.send(*instructions)
        assert result.ok, f"{result.error_name}: {result.logs}"
        return result

    # Accounts

    def address(self, commitment: EpochCommitment) -> Pubkey:
        """The Epoch account of a commitment."""
        return find_epoch(PROGRAM_ID, self.network.address, commitment.epoch, commitment.hash())[0]

    def page_address(self, number: int) -> Pubkey:
        """The Page account of a number."""
        return find_page(PROGRAM_ID, self.network.address, number)[0]

    def read_network(self) -> state.Network:
        """The network's account, decoded."""
        return self.world.read_network(self.network)

    def read(self, commitment: EpochCommitment) -> state.Epoch:
        """A commitment's account, decoded."""
        return state.Epoch.decode(self.world.data(self.address(commitment)))

    def gone(self, commitment: EpochCommitment) -> bool:
        """Whether a commitment has no account."""
        return self.world.account(self.address(commitment)) is None

    def watermark(self, position: int) -> int:
        """What the payee at a position has claimed in all; its page is open."""
        return state.Page.decode(self.world.data(self.page_address(position // PAGE))).claimed[position % PAGE]

    def vault(self) -> int:
        """Base units in the network's vault."""
        return self.network.mint.balance(self.network.address)

    def balance(self, root: Root, position: int) -> int:
        """Base units in the token account of who holds a position."""
        return self.network.mint.balance(root.payee(position).payout)


def as_argument(commitment: EpochCommitment) -> Commitment:
    """A commitment as `commit_epoch` takes it."""
    return Commitment(
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


def roots_of(
    world: World, *, attestors: int = 3, threshold: int = 2, reward_path: int = 2, guarded: bool = True, **terms: Any
) -> Roots:
    """A new network on the path of roots; `terms` as for `World.network`.

    Its first epoch is over, 1,000,000 base units an epoch may be earned, and the pool has 10,000,000.
    """
    keys = [world.keypair() for _ in range(attestors)]
    guardian = world.keypair() if guarded else None
    network = world.network(
        reward_path=reward_path,
        attestors=tuple(key.pubkey() for key in keys),
        threshold=threshold,
        guardian=guardian.pubkey() if guardian else NOBODY,
        **terms,
    )
    world.next_epoch(network)
    return Roots(world, network, keys, guardian)
