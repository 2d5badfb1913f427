"""Sending a transaction so that its fate is always known in the end.

A signed transaction is written to the journal before its first byte leaves, and the same bytes are sent again and
again until the chain shows it or can no longer accept it. Nothing is signed anew here: a caller may do that after
`TransactionExpired`, which is raised only when a final block lies beyond the transaction's last valid height and a
node that has reached that block, searching its history, still does not know the signature.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from worktab.chain.building import (
    MOST_UNITS,
    PriorityFee,
    compile_message,
    programs_of,
    sign,
    unit_limit,
    unsigned,
    writable_accounts,
)
from worktab.chain.failures import ErrorTable, error_of
from worktab.chain.journal import Journal, MemoryJournal, SentTransaction
from worktab.chain.protocol import BLOCKHASH_LIFE, Blockhash, Chain, Landed, Status, Tip
from worktab.core.errors import (
    ChainError,
    ConnectionFailed,
    SimulationFailed,
    TransactionExpired,
    TransactionFailed,
)

_DETAIL_TRIES = 5


class OutcomeUnknown(ConnectionFailed):
    """A transaction was sent and the chain cannot be asked how it ended; the journal holds it as unsettled."""

    code: ClassVar[str] = "outcome_unknown"
    default_next_step: ClassVar[str] = "Call resume() once the chain answers, before signing the same work again"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A transaction that landed and succeeded.

    `units` are compute units and `fee` is in lamports; both are None, and `logs` empty, when the node keeps no
    transaction history.
    """

    signature: Signature
    slot: int
    units: int | None
    fee: int | None
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resumed:
    """How a transaction from before a restart ended: `confirmed`, or the `error` it ended in.

    With an `OutcomeUnknown` it has not ended: it stays in the journal.
    """

    sent: SentTransaction
    confirmed: Confirmed | None
    error: ChainError | None


class Sender:
    """Builds, simulates, signs, sends and confirms transactions for one fee payer.

    chain          where to
    fee_payer      pays the fees and signs first; it need not be a party to what the instructions do
    journal        where sent transactions are remembered; one that outlives the process makes `resume` worth calling
    priority_fee   what to offer above the base fee
    error_table    turns a program's error numbers into that program's errors
    lookup_tables  address lookup tables to shorten transactions with; may be replaced at any time
    patience       seconds to keep asking a chain that does not answer before giving up with `OutcomeUnknown`
    rebroadcast    seconds between two sendings of the same bytes
    poll           seconds between two looks at a transaction's status
    sleep, clock   seconds pass with these; tests bring their own

    One sender may be used by many tasks of one event loop at once.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        fee_payer: Keypair,
        journal: Journal | None = None,
        priority_fee: PriorityFee | None = None,
        error_table: ErrorTable | None = None,
        lookup_tables: Sequence[AddressLookupTableAccount] = (),
        patience: float = 90.0,
        rebroadcast: float = 2.0,
        poll: float = 0.5,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.chain = chain
        self.fee_payer = fee_payer
        self.journal: Journal = journal if journal is not None else MemoryJournal()
        self.lookup_tables = lookup_tables
        self._priority_fee = priority_fee if priority_fee is not None else PriorityFee()
        self._error_table = error_table
        self._patience, self._rebroadcast, self._poll = patience, rebroadcast, poll
        self._sleep, self._clock = sleep, clock
        self._signed: dict[int, set[str]] | None = None

    async def send(
        self, instructions: Sequence[Instruction], signers: Sequence[Keypair] = (), *, label: str = ""
    ) -> Confirmed:
        """Land the instructions in one transaction and return when the chain has confirmed it.

        `signers` sign beside the fee payer; ones the instructions do not name are left out. `label` goes into the
        journal. Every call makes a transaction of its own, even with the instructions of an earlier one.

        Before anything is sent: `InputError` (a signer missing, too large), `SimulationFailed` or the program's own
        error (it would fail), `ConnectionFailed`, `StorageError` (the journal). After: `TransactionFailed` or the
        program's own error (landed and failed), `TransactionExpired`, `OutcomeUnknown`.
        """
        limit, price = await self.budget(instructions)
        blockhash = await self.chain.latest_blockhash()
        return await self.land(self._sign(instructions, signers, blockhash, limit, price, label))

    async def land(self, sent: SentTransaction) -> Confirmed:
        """Land a transaction that is signed already, such as one that two machines signed; raises as `send` does."""
        self.journal.put(sent.label, sent.signature, sent.last_valid_block_height, sent.raw)
        return await self._see_through(sent)

    async def resume(self) -> list[Resumed]:
        """See the journal's unsettled transactions through to their end; for the start of a program.

        Each is sent again as it is until it lands or its expiry is proven. Nothing is signed.
        """
        return list(await asyncio.gather(*(self._resume(sent) for sent in self.journal.unsettled())))

    async def _resume(self, sent: SentTransaction) -> Resumed:
        try:
            return Resumed(sent, await self._see_through(sent), None)
        except ChainError as error:
            return Resumed(sent, None, error)

    async def budget(self, instructions: Sequence[Instruction], *, payer: Pubkey | None = None) -> tuple[int, int]:
        """Compute units to ask for, and micro-lamports to offer for each, where `payer` pays: by default the fee payer.

        Runs the instructions without landing them, and raises what `send` raises before anything is sent.
        """
        payer = payer or self.fee_payer.pubkey()
        message = compile_message(payer, instructions, self.lookup_tables, Hash.default(), limit=MOST_UNITS)
        simulation = await self.chain.simulate(unsigned(message))
        if simulation.error is not None:
            raise error_of(
                simulation.error,
                programs=programs_of(message),
                logs=simulation.logs,
                table=self._error_table,
                otherwise=SimulationFailed,
                context="The transaction would fail and was not sent",
            )
        recent = await self.chain.recent_priority_fees(writable_accounts(payer, instructions))
        price = self._priority_fee.price(recent)
        return unit_limit(simulation.units, price), price

    def _sign(
        self,
        instructions: Sequence[Instruction],
        signers: Sequence[Keypair],
        blockhash: Blockhash,
        limit: int,
        price: int,
        label: str,
    ) -> SentTransaction:
        taken = self._signatures_until(blockhash.last_valid_block_height)
        while True:
            message = compile_message(
                self.fee_payer.pubkey(), instructions, self.lookup_tables, blockhash.hash, limit=limit, price=price
            )
            transaction = sign(message, [self.fee_payer, *signers])
            signature = str(transaction.signatures[0])
            if signature not in taken:
                taken.add(signature)
                return SentTransaction(label, signature, blockhash.last_valid_block_height, bytes(transaction))
            # Two equal transactions on one blockhash are one to the chain, applied once: make this one differ.
            limit += 1

    def _signatures_until(self, last_valid: int) -> set[str]:
        """The signatures made with one blockhash, by this sender or by the one that left its journal unsettled."""
        if self._signed is None:
            self._signed = {}
            for sent in self.journal.unsettled():
                self._signed.setdefault(sent.last_valid_block_height, set()).add(sent.signature)
        for height in [height for height in self._signed if height < last_valid - BLOCKHASH_LIFE]:
            del self._signed[height]
        return self._signed.setdefault(last_valid, set())

    async def _see_through(self, sent: SentTransaction) -> Confirmed:
        signature = Signature.from_string(sent.signature)
        passed: Tip | None = None  # the first final block seen beyond the last that may hold the transaction
        refusal = ""
        answered = next_send = self._clock()
        while True:
            if passed is None and self._clock() >= next_send:
                refusal = await self._fire(sent.raw)
                next_send = self._clock() + self._rebroadcast
            try:
                [status] = await self.chain.statuses(
                    [signature], search_history=passed is not None, not_before=passed.slot if passed else 0
                )
                tip = await self.chain.final_tip() if status is None and passed is None else None
                unproven = await self._unproven(sent, passed) if status is None and passed else None
            except ChainError as error:
                if self._clock() - answered > self._patience:
                    raise OutcomeUnknown(
                        f"Transaction {sent.signature} was sent, but the chain does not say what became of it",
                        got=str(error),
                    ) from error
                await self._sleep(self._poll)
                continue
            answered = self._clock()
            if status is not None and status.level >= self.chain.level:
                return await self._conclude(sent, signature, status)
            if unproven is not None:
                raise unproven
            if status is None and passed is not None:
                self.journal.settle(sent.signature, "expired")
                raise TransactionExpired(f"Transaction {sent.signature} expired without landing", got=refusal)
            if tip is not None and tip.block_height > sent.last_valid_block_height:
                passed = tip
                continue
            await self._sleep(self._poll)

    async def _fire(self, raw: bytes) -> str:
        """Send one copy; why it was refused, if it was. A lost answer says nothing about the transaction."""
        try:
            await self.chain.send(raw)
        except ChainError as error:
            return str(error)
        return ""

    async def _unproven(self, sent: SentTransaction, passed: Tip) -> OutcomeUnknown | None:
        """Long after its time a transaction's absence proves something only if the node still keeps its blocks."""
        if passed.block_height <= sent.last_valid_block_height + BLOCKHASH_LIFE:
            return None
        first, kept = max(sent.last_valid_block_height - BLOCKHASH_LIFE, 0), await self.chain.history_start()
        if kept <= first:
            return None
        return OutcomeUnknown(
            f"The node no longer keeps the blocks that transaction {sent.signature} may be in",
            expected=f"history from block {first}",
            got=f"history from block {kept}",
            next_step="Call resume() with a node that keeps a longer history",
        )

    async def _conclude(self, sent: SentTransaction, signature: Signature, status: Status) -> Confirmed:
        self.journal.settle(sent.signature, "failed" if status.error else "confirmed")
        landed = await self._details(signature)
        logs = landed.logs if landed else ()
        if status.error is not None:
            raise error_of(
                status.error,
                programs=programs_of(VersionedTransaction.from_bytes(sent.raw).message),
                logs=logs,
                table=self._error_table,
                otherwise=TransactionFailed,
                context=f"Transaction {sent.signature} landed in slot {status.slot} and failed",
            )
        if landed is None:
            return Confirmed(signature, status.slot, None, None, ())
        return Confirmed(signature, landed.slot, landed.units, landed.fee, logs)

    async def _details(self, signature: Signature) -> Landed | None:
        # A node may show a status a little before it can show the transaction; some keep no transactions at all.
        for _ in range(_DETAIL_TRIES):
            try:
                landed = await self.chain.transaction(signature)
            except ChainError:
                return None
            if landed is not None:
                return landed
            await self._sleep(self._poll)
        return None
