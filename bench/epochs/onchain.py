"""A root on the embedded chain: three attestors commit, vote and finalize, and a few payees claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solders.keypair import Keypair

from support.parties import CLASS, EPOCH, Network
from support.world import World
from worktab.core.addresses import find_epoch, find_page
from worktab.core.merkle import proof_argument
from worktab.epochs.data import EpochData
from worktab.epochs.proofs.book import ProofBook
from worktab.epochs.terms import EpochTerms
from worktab.ingest.facts import Facts
from worktab.program.generated import PROGRAM_ID, instructions
from worktab.program.generated.types import Commitment, EpochVote

ATTESTORS = 3
CLAIMS = 20
FUND = 10**15


class Stage:
    """A network that pays by roots, with three attestors of whom two must agree."""

    def __init__(self) -> None:
        self.world = World()
        self.attestors = [self.world.keypair(lamports=10**10) for _ in range(ATTESTORS)]
        terms = replace(CLASS, budget=FUND // 10, max_capacity=1 << 40)
        self.network: Network = self.world.network(
            reward_path=2,
            attestors=tuple(each.pubkey() for each in self.attestors),
            threshold=2,
            classes=(terms,),
            fund=FUND,
        )

    @property
    def facts(self) -> Facts:
        """The network as an ingest knows it."""
        return Facts.of(self.network.address, self.world.read_network(self.network))

    @property
    def terms(self) -> EpochTerms:
        """The network as a build knows it."""
        return EpochTerms.of(self.network.address, self.world.read_network(self.network))

    def costs(self, data: EpochData) -> dict[str, Any]:
        """Lamports and compute units of the epoch's root, and of claims from it."""
        world, network = self.world, self.network.address
        world.advance((data.epoch + 1) * EPOCH + 1)
        commitment = data.commitment()
        epoch = find_epoch(PROGRAM_ID, network, commitment.epoch, commitment.hash())[0]
        fees = [
            self._fee(
                instructions.commit_epoch(
                    instructions.CommitEpochAccounts(
                        payer=self.attestors[0].pubkey(),
                        attestor=self.attestors[0].pubkey(),
                        network=network,
                        epoch=epoch,
                    ),
                    commitment=Commitment(**{name: getattr(commitment, name) for name in Commitment.__slots__}),
                ),
                payer=self.attestors[0],
            )
        ]
        for attestor in self.attestors[1:]:
            vote = instructions.vote_epoch(
                instructions.VoteEpochAccounts(voter=attestor.pubkey(), network=network, epoch=epoch),
                vote=EpochVote(vote=1, records_checked=0, records_failed=0, check_ms=0),
            )
            fees.append(self._fee(vote, payer=attestor))
        world.advance(world.read_network(self.network).challenge_delay)
        finalize = instructions.finalize_epoch(
            instructions.FinalizeEpochAccounts(network=network, epoch=epoch, rent_payer=self.attestors[0].pubkey())
        )
        fees.append(self._fee(finalize))
        return {
            "payees": len(data.payees),
            "commit_two_votes_finalize_lamports": sum(fees),
            **self._claims(data),
        }

    def _claims(self, data: EpochData) -> dict[str, Any]:
        world, book, units, size, fee, rent = self.world, ProofBook(data), 0, 0, 0, 0
        mint, count = self.network.mint, len(data.payees)
        # The last position of all is the dearest: every bit of the way is set.
        for place in range(CLAIMS):
            proof = book.proof_at(count - 1 - place * (count // CLAIMS))
            number = proof.position // 1024
            page = find_page(PROGRAM_ID, self.network.address, number)[0]
            if world.account(page) is None:
                opened = instructions.open_page(
                    instructions.OpenPageAccounts(payer=world.payer.pubkey(), network=self.network.address, page=page),
                    number=number,
                )
                assert world.send(opened).ok
                rent = world.lamports(page)
            account = mint.open(proof.payout)
            claimed = world.send(
                instructions.claim_root(
                    instructions.ClaimRootAccounts(
                        network=self.network.address,
                        vault=self.network.vault,
                        mint=mint.address,
                        page=page,
                        payout=proof.payout,
                        payout_account=account,
                        token_program=mint.token_program,
                    ),
                    position=proof.position,
                    lifetime_reward=proof.lifetime_reward,
                    devices_root=proof.devices_root,
                    payout_bump=mint.bump_of(proof.payout),
                    siblings=proof_argument(proof.siblings),
                )
            )
            assert claimed.event().amount == proof.lifetime_reward
            units, size, fee = max(units, claimed.units), max(size, claimed.size), claimed.fee
        return {
            "depth": len(proof.siblings),
            "claim_cu_at_most": units,
            "claim_tx_bytes_at_most": size,
            "claim_lamports": fee,
            "page_rent_lamports": rent,
            "pages": -(-count // 1024),
        }

    def _fee(self, instruction: Any, payer: Keypair | None = None) -> int:
        sent = self.world.send(instruction, payer=payer) if payer else self.world.send(instruction)
        assert sent.ok, sent.error_name
        return sent.fee
