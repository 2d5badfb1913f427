"""A transaction that two parties sign on two machines: one drafts and signs it, the other signs and sends it.

Both make the same message of instructions that each of them knows by itself, so that only a draft and a signature
travel. Whoever signs last must do so while the draft's blockhash lives, about a minute. A blockhash that lives longer
would need an account on chain for it, and would leave the first signer bound until that is used up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from worktab.chain.building import MOST_UNITS, PriorityFee, compile_message
from worktab.chain.journal import SentTransaction
from worktab.chain.protocol import BLOCKHASH_LIFE
from worktab.chain.sending import Confirmed, Sender
from worktab.core.errors import ChainError, InputError, VerificationError


class DraftExpired(ChainError):
    """The blockhash of a draft is too old; nothing was sent."""

    code: ClassVar[str] = "draft_expired"
    default_next_step: ClassVar[str] = "Ask the other party to sign again, and send what it signed within a minute"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a transaction is made of besides its instructions.

    payer                    pays its fee and signs first
    blockhash                a recent one
    last_valid_block_height  the last block height at which a transaction with it may land
    limit                    compute units asked for
    price                    micro-lamports offered for each
    """

    payer: Pubkey
    blockhash: Hash
    last_valid_block_height: int
    limit: int
    price: int

    def message(self, instructions: Sequence[Instruction]) -> MessageV0:
        """The message of these instructions. Raises `InputError`."""
        return compile_message(self.payer, instructions, (), self.blockhash, limit=self.limit, price=self.price)

    def sign(self, instructions: Sequence[Instruction], signer: Keypair) -> Signature:
        """A party's signature over the message of these instructions. Raises `InputError`."""
        return signer.sign_message(to_bytes_versioned(self.message(instructions)))


async def draft(sender: Sender, instructions: Sequence[Instruction], payer: Pubkey) -> Draft:
    """A draft that another party will pay for. Raises what `Sender.send` raises before anything is sent."""
    limit, price = await sender.budget(instructions, payer=payer)
    blockhash = await sender.chain.latest_blockhash()
    return Draft(payer, blockhash.hash, blockhash.last_valid_block_height, limit, price)


async def send_countersigned(
    sender: Sender,
    draft: Draft,
    instructions: Sequence[Instruction],
    signers: Sequence[Keypair],
    other: Pubkey,
    signature: Signature,
    *,
    label: str = "",
) -> Confirmed:
    """Sign what another party drafted and signed, and land it.

    instructions  as this party knows them: a signature over any others does not hold
    signers       sign beside the fee payer
    other         the other party, and its `signature`

    Raises `VerificationError` for a signature that does not hold, `InputError` for a draft that somebody else pays for
    that costs too much or asks for too little, `DraftExpired`, and what `Sender.send` raises.
    """
    if draft.payer != sender.fee_payer.pubkey():
        raise InputError(
            "The draft is paid for by somebody else", expected=str(sender.fee_payer.pubkey()), got=str(draft.payer)
        )
    most = PriorityFee().cap
    if draft.price > most or draft.limit > MOST_UNITS:
        raise InputError(
            "The draft costs too much",
            expected=f"at most {MOST_UNITS} units at {most} micro-lamports",
            got=f"{draft.limit} at {draft.price}",
        )
    message = draft.message(instructions)
    if not signature.verify(other, to_bytes_versioned(message)):
        raise VerificationError(
            "The other party's signature does not hold",
            expected=f"one by {other} over these terms",
            next_step="Compare the terms with the other party's, and sign again",
        )
    limit, _ = await sender.budget(instructions)
    if draft.limit * 11 < limit * 10:  # less than it takes: it would land and fail, at this party's cost
        raise InputError("The draft asks for too few compute units", expected=f"about {limit}", got=str(draft.limit))
    height = await sender.chain.block_height()
    if height > draft.last_valid_block_height:
        raise DraftExpired(
            "The other party's signature is too old",
            expected=f"at most block {draft.last_valid_block_height}",
            got=f"block {height}",
        )
    held = {each.pubkey(): each for each in (sender.fee_payer, *signers)}
    signatures = []
    for key in message.account_keys[: message.header.num_required_signatures]:
        if key != other and key not in held:
            raise InputError("A signer is missing", expected="a keypair for each signer", got=f"none for {key}")
        signatures.append(signature if key == other else held[key].sign_message(to_bytes_versioned(message)))
    raw = bytes(VersionedTransaction.populate(message, signatures))
    # The other party's word on the height would let it call the transaction expired while it may still land.
    last = height + BLOCKHASH_LIFE
    return await sender.land(SentTransaction(label, str(signatures[0]), last, raw))
