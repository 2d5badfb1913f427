"""From instructions to a message that is ready to be signed, with a compute limit and a price in front."""

from __future__ import annotations

import worktab.chain.releases  # noqa: F401 - refuses older ones

# isort: split

from collections.abc import Sequence
from dataclasses import dataclass

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.errors import InputError

MOST_UNITS = 1_400_000
"""Compute units a transaction may ask for."""

_LEAST_UNITS = 1_000
_BUDGET_INSTRUCTION_UNITS = 150


@dataclass(frozen=True, slots=True)
class PriorityFee:
    """How much to pay to be included sooner: a percentile of what others paid of late, never more than a cap.

    percentile  1 to 100, of the fees that recently sufficed for the same accounts
    cap         in micro-lamports per compute unit; 0 never pays anything. The default costs at most 0.1 lamports a
                unit: 90 lamports for a transaction of 900 units
    """

    percentile: int = 75
    cap: int = 100_000

    def __post_init__(self) -> None:
        if not 1 <= self.percentile <= 100:
            raise InputError("The percentile is out of range", expected="1 to 100", got=str(self.percentile))
        if not 0 <= self.cap < 2**64:
            raise InputError("The cap is out of range", expected="0 to 2^64 - 1", got=str(self.cap))

    def price(self, recent: Sequence[int]) -> int:
        """Micro-lamports per compute unit to offer, given recent fees in the same measure. 0 without any."""
        if not recent:
            return 0
        rank = -(-len(recent) * self.percentile // 100)
        return min(sorted(recent)[rank - 1], self.cap)


def unit_limit(used: int, price: int) -> int:
    """The compute limit to ask for when a simulation without a price instruction used `used` units: a tenth more."""
    needed = used + (_BUDGET_INSTRUCTION_UNITS if price else 0)
    return min(max(needed + -(-needed // 10), _LEAST_UNITS), MOST_UNITS)


def compile_message(
    payer: Pubkey,
    instructions: Sequence[Instruction],
    tables: Sequence[AddressLookupTableAccount],
    blockhash: Hash,
    *,
    limit: int,
    price: int = 0,
) -> MessageV0:
    """A version 0 message: compute limit, price if there is one, then the instructions as given.

    The budget goes first because a signature instruction must stay immediately before the one that uses it (PROTOCOL
    section 2). Raises `InputError` if there is nothing to do or the transaction would not fit.
    """
    if not instructions:
        raise InputError("A transaction needs at least one instruction", got="none")
    budget = [set_compute_unit_limit(limit)]
    if price:
        budget.append(set_compute_unit_price(price))
    try:
        message = MessageV0.try_compile(payer, [*budget, *instructions], list(tables), blockhash)
    except Exception as error:  # solders' own CompileError cannot be imported
        raise InputError("The instructions name too many accounts", got=str(error)) from error
    size = len(bytes(unsigned(message)))
    if size > TRANSACTION_SIZE:
        raise InputError(
            "The transaction is too large",
            expected=f"at most {TRANSACTION_SIZE} bytes",
            got=f"{size} bytes",
            next_step="Use fewer instructions, or an address lookup table",
        )
    return message


def unsigned(message: MessageV0) -> VersionedTransaction:
    """The message as a transaction with empty signatures, to measure and to simulate."""
    return VersionedTransaction.populate(message, [Signature.default()] * message.header.num_required_signatures)


def sign(message: MessageV0, keypairs: Sequence[Keypair]) -> VersionedTransaction:
    """Sign with those of the keypairs that the message names. Raises `InputError` if one it needs is missing."""
    held = {keypair.pubkey(): keypair for keypair in keypairs}
    needed = message.account_keys[: message.header.num_required_signatures]
    missing = [str(pubkey) for pubkey in needed if pubkey not in held]
    if missing:
        raise InputError("A signer is missing", expected="a keypair for each signer", got=f"none for {missing}")
    return VersionedTransaction(message, [held[pubkey] for pubkey in needed])


def programs_of(message: Message | MessageV0 | MessageV1) -> list[Pubkey]:
    """The program of each top-level instruction."""
    keys = message.account_keys
    return [keys[instruction.program_id_index] for instruction in message.instructions]


def writable_accounts(payer: Pubkey, instructions: Sequence[Instruction]) -> list[Pubkey]:
    """The accounts the transaction may write, which are those it competes for."""
    accounts = [meta.pubkey for instruction in instructions for meta in instruction.accounts if meta.is_writable]
    return list(dict.fromkeys([payer, *accounts]))
