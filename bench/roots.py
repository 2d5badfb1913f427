"""What commitments, votes, pages and claims from a root cost on chain; `instructions.measure` adds these to its own.

Only the way from the payee to the root is made, so that a root of a million payees takes no time.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from support.epochs import PAGE, Roots
from worktab.core.addresses import find_epoch, find_page
from worktab.core.commitments import EpochCommitment
from worktab.core.merkle import climb, payee_leaf, proof_argument
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import instructions as ix

if TYPE_CHECKING:
    from instructions import Costs

DEPTHS = (0, 10, 20)
"""Levels of the trees that are claimed from: 1, 1,024 and 1,048,576 payees."""
REWARD = 1_000


def note(costs: Costs) -> None:
    """The payer is one of three attestors, as each of them would be with a wallet of its own."""
    world = costs.world
    roots = _roots(costs)
    payout = roots.wallet().pubkey()
    for epoch, depth in enumerate(DEPTHS):
        # Every bit of the position is set: each sibling stands on the left.
        position, total = (1 << depth) - 1, REWARD * (epoch + 1)
        siblings = [hashlib.sha256(bytes([level])).digest() for level in range(depth)]
        leaf = payee_leaf(roots.network.domain, epoch, position, payout, REWARD, bytes(32))
        root = climb(leaf, position, siblings)
        _final(costs, roots, EpochCommitment(epoch, root, 1 << depth, total, total, data=bytes(32)))
        page = position // PAGE
        if depth == 0:
            costs.note("open_page", roots.open_page(page))
        elif page > 0:
            roots.must(roots.open_page(page))
        claim = _claim(roots, position, payout, siblings)
        costs.note(f"claim_root_{depth}", claim)
        budgeted = [set_compute_unit_limit(10_000), set_compute_unit_price(1), claim]
        costs.noted[f"claim_root_{depth}"]["tx_bytes_with_compute_budget"] = _size(costs, budgeted)
        world.next_epoch(roots.network)


def lamports(noted: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Lamports on chain of one epoch's root, for any number of payees and receipts, and of what stays for a payee.

    The rent of a commitment comes back when it is final; that of a page, 1,024 payees, never does.
    """
    page = noted["open_page"]
    voted = ("commit_epoch", "vote_epoch", "vote_epoch", "finalize_epoch")
    return {
        "root_of_an_epoch_with_three_attestors": {
            "fee_lamports": sum(noted[name]["fee_lamports"] for name in voted),
            "rent_lamports": noted["commit_epoch"]["rent_lamports"],
        },
        "page_of_1024_payees": {
            "fee_lamports": page["fee_lamports"],
            "rent_lamports": page["rent_lamports"],
            "rent_lamports_a_payee": -(-page["rent_lamports"] // PAGE),
        },
    }


def _roots(costs: Costs) -> Roots:
    """A network whose first epoch is over. The first bump of its first page fits."""
    world = costs.world
    attestors = [world.payer, world.keypair(), world.keypair()]
    keys = tuple(attestor.pubkey() for attestor in attestors)
    network = world.network(reward_path=2, attestors=keys, threshold=2)
    while find_page(PROGRAM_ID, network.address, 0)[1] != 255:
        network = world.network(reward_path=2, attestors=keys, threshold=2)
    world.next_epoch(network)
    return Roots(world, network, attestors)


def _final(costs: Costs, roots: Roots, commitment: EpochCommitment) -> None:
    """Makes a commitment final, and notes what an attestor pays to commit, to vote and to finalize."""
    world, payer = costs.world, costs.world.payer
    rival = replace(commitment, root=bytes(32))
    while find_epoch(PROGRAM_ID, roots.network.address, rival.epoch, rival.hash())[1] != 255:
        rival = replace(rival, units=rival.units + 1)
    costs.note("commit_epoch", roots.commit(rival, payer))
    roots.must(roots.commit(commitment, roots.attestors[1]))
    costs.note("vote_epoch", roots.vote(commitment, payer))
    world.advance(roots.read_network().challenge_delay)
    costs.note("finalize_epoch", roots.finalize(commitment))


def _claim(roots: Roots, position: int, payout: Pubkey, siblings: list[bytes]) -> Instruction:
    network = roots.network
    passed = ix.ClaimRootAccounts(
        network=network.address,
        vault=network.vault,
        mint=network.mint.address,
        page=roots.page_address(position // PAGE),
        payout=payout,
        payout_account=network.mint.account_of(payout),
        token_program=network.mint.token_program,
    )
    return ix.claim_root(
        passed,
        position=position,
        lifetime_reward=REWARD,
        devices_root=bytes(32),
        payout_bump=network.mint.bump_of(payout),
        siblings=proof_argument(siblings),
    )


def _size(costs: Costs, instructions: list[Instruction]) -> int:
    """Bytes of a transaction of these, signed by the payer alone."""
    world = costs.world
    blockhash = world.runtime.latest_blockhash()
    message = Message.new_with_blockhash(instructions, world.payer.pubkey(), blockhash)
    return len(bytes(Transaction([world.payer], message, blockhash)))
