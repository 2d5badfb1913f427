"""The real runtime (LiteSVM) as tests of the on-chain program use it: synchronous, deterministic, never raising."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from worktab.chain.failures import failing_program, failure_of
from worktab.program.errors import error_from_number
from worktab.program.generated import PROGRAM_ID
from worktab.program.logs import events_from_logs
from worktab.program.structs import Event

START = 1_800_000_000
"""The time a new chain shows, Unix seconds."""

Instructions: TypeAlias = Instruction | Iterable["Instructions"]
"""One instruction, or any nesting of lists of them."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a transaction.

    events         of the Worktab program, also where the transaction failed after they were logged
    error          empty, or the runtime's name of the failure, such as `Custom(6001)` or `MissingRequiredSignature`
    error_number   the custom number, None where the failure has none
    error_name     the Worktab error's name, or what `error` says where another program failed; empty if none did
    instruction    the place of the instruction that failed
    size           bytes of the transaction on the wire
    fee            lamports the payer was charged for it
    """

    logs: tuple[str, ...]
    events: tuple[Event, ...]
    units: int
    error: str = ""
    error_number: int | None = None
    error_name: str = ""
    instruction: int | None = None
    size: int = 0
    fee: int = 0

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return not self.error

    def event(self) -> Any:
        """The one event of a transaction that succeeded."""
        assert self.ok, f"{self.error_name}: {self.logs}"
        [event] = self.events
        return event


class Svm:
    """One chain. Keys come from a counter, so every run makes the same transactions.

    `logged` are the events of the Worktab program so far.
    """

    def __init__(self) -> None:
        self.runtime = LiteSVM()
        self.logged: list[Event] = []
        self._keys: dict[Pubkey, Keypair] = {}
        self._made = 0
        self.now = START
        self.payer = self.keypair(lamports=1_000_000_000_000)

    def seed(self) -> bytes:
        """32 bytes that this chain has not given out before."""
        self._made += 1
        return hashlib.sha256(b"key" + self._made.to_bytes(4, "big")).digest()

    def keypair(self, *, lamports: int = 0) -> Keypair:
        """A new wallet; `send` signs with it wherever an instruction asks for it."""
        keypair = Keypair.from_seed(self.seed())
        self._keys[keypair.pubkey()] = keypair
        if lamports:
            self.runtime.airdrop(keypair.pubkey(), lamports)
        return keypair

    @property
    def now(self) -> int:
        """The time programs see, Unix seconds."""
        return self.runtime.get_clock().unix_timestamp

    @now.setter
    def now(self, unix_time: int) -> None:
        clock = self.runtime.get_clock()
        clock.unix_timestamp = unix_time
        self.runtime.set_clock(clock)

    @property
    def slot(self) -> int:
        """The slot programs see."""
        return self.runtime.get_clock().slot

    @slot.setter
    def slot(self, slot: int) -> None:
        self.runtime.warp_to_slot(slot)

    def advance(self, seconds: int) -> None:
        """Move the clock; it may go back."""
        self.now += seconds

    def account(self, address: Pubkey) -> Account | None:
        """An account, None where there is none."""
        account = self.runtime.get_account(address)
        return account if account is not None and account.lamports else None

    def data(self, address: Pubkey) -> bytes:
        """The data of an account that exists."""
        account = self.account(address)
        assert account is not None, address
        return account.data

    def lamports(self, address: Pubkey) -> int:
        """0 where there is no account."""
        return self.runtime.get_balance(address) or 0

    def set_account(self, address: Pubkey, data: bytes, owner: Pubkey, lamports: int | None = None) -> None:
        """Write an account past every rule; rent-exempt unless told otherwise."""
        rent = self.runtime.minimum_balance_for_rent_exemption(len(data))
        self.runtime.set_account(address, Account(rent if lamports is None else lamports, data, owner))

    def set_data(self, address: Pubkey, data: bytes) -> None:
        """Replace the data of an account that exists."""
        account = self.account(address)
        assert account is not None, address
        self.set_account(address, data, account.owner, account.lamports)

    def transmit(
        self,
        *instructions: Instructions,
        signers: Sequence[Keypair] = (),
        payer: Keypair | None = None,
        tables: Sequence[AddressLookupTableAccount] = (),
    ) -> Result:
        """Send one transaction. Signs with the payer, with `signers`, and with every wallet of this chain it names."""
        listed = list(flatten(instructions))
        payer = payer or self.payer
        known = self._keys | {each.pubkey(): each for each in (payer, *signers)}
        message = MessageV0.try_compile(payer.pubkey(), listed, list(tables), self.runtime.latest_blockhash())
        wanted = message.account_keys[: message.header.num_required_signatures]
        transaction = VersionedTransaction(message, [known[key] for key in wanted])
        outcome = self.runtime.send_transaction(transaction)
        self.runtime.expire_blockhash()
        result = _result(outcome, [each.program_id for each in listed])
        if result.ok:
            self.logged += result.events
        meta = outcome if isinstance(outcome, TransactionMetadata) else outcome.meta()
        return replace(result, size=len(bytes(transaction)), fee=meta.fee())

    def must(
        self,
        *instructions: Instructions,
        signers: Sequence[Keypair] = (),
        payer: Keypair | None = None,
        tables: Sequence[AddressLookupTableAccount] = (),
    ) -> Result:
        """As `transmit`, for what a test takes for granted: fails the test where the transaction fails."""
        result = self.transmit(*instructions, signers=signers, payer=payer, tables=tables)
        assert result.ok, f"{result.error_name}: {result.logs}"
        return result


def flatten(instructions: Instructions) -> Iterable[Instruction]:
    """The instructions of a nesting, in order."""
    if isinstance(instructions, Instruction):
        yield instructions
    else:
        for each in instructions:
            yield from flatten(each)


def _result(outcome: TransactionMetadata | FailedTransactionMetadata, programs: Sequence[Pubkey]) -> Result:
    meta = outcome if isinstance(outcome, TransactionMetadata) else outcome.meta()
    logs = tuple(meta.logs())
    events = tuple(events_from_logs(logs, PROGRAM_ID))
    if isinstance(outcome, TransactionMetadata):
        return Result(logs, events, meta.compute_units_consumed())
    failure = failure_of(outcome.err())
    name = failure.text
    if failure.custom is not None and failing_program(failure, programs, logs) == PROGRAM_ID:
        name = error_from_number(failure.custom).name
    return Result(logs, events, meta.compute_units_consumed(), failure.text, failure.custom, name, failure.instruction)
