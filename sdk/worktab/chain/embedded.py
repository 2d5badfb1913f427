"""A chain inside the process: the real runtime (LiteSVM), no network, and a clock that tests can move.

Signatures are verified, the native signature programs, the token programs and the associated-token program are
loaded, and rent and fees are charged, so what works here works on a cluster. What differs:

- There is one node and there are no forks. Every transaction that lands makes a block of its own, final at once: slot
  and block height rise by one and a new blockhash is issued, which is good for the next 150 blocks.
- Time stands still until `set_time` or `advance` moves it.
- A transaction that a cluster's leader would drop (dead blockhash, bad signature, fee payer without funds, landed
  before) is dropped without a word, as over RPC with preflight checks off.
"""

from __future__ import annotations

import worktab.chain.releases  # noqa: F401 - refuses older ones

# isort: split

import hashlib
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from solders.account import Account
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from worktab.chain.address_index import AddressIndex
from worktab.chain.failures import failure_of
from worktab.chain.protocol import (
    BLOCKHASH_LIFE,
    HISTORY_PAGE,
    TRANSACTION_SIZE,
    AccountData,
    Blockhash,
    DataSize,
    DataSlice,
    Landed,
    Level,
    Logged,
    Memcmp,
    Simulation,
    Status,
    Tip,
)
from worktab.core.errors import ChainError, InputError

EMBEDDED_GENESIS = hashlib.sha256(b"worktab/embedded").digest()
"""The genesis hash of an embedded chain that is given no other: SHA-256 of the ASCII text `worktab/embedded`."""

EMBEDDED_START = 1_800_000_000
"""The time an embedded chain starts at when it is given no other, in Unix seconds (15 January 2027)."""

_MOST_FILTERS = 4
_SLOT_HASHES = 512  # finished slots that programs can look back on, newest first


class EmbeddedChain:
    """The runtime in this process; satisfies `Chain`. For one thread at a time."""

    level = Level.FINALIZED
    ws_url: str | None = None

    def __init__(self, *, genesis_hash: bytes = EMBEDDED_GENESIS, unix_time: int = EMBEDDED_START) -> None:
        """Start an empty chain. Raises `InputError` unless the genesis hash has 32 bytes."""
        if len(genesis_hash) != Hash.LENGTH:
            raise InputError(
                "The genesis hash has the wrong size", expected="32 bytes", got=f"{len(genesis_hash)} bytes"
            )
        self._genesis_hash = genesis_hash
        # LiteSVM accepts its newest blockhash only. A cluster accepts those of the last 150 blocks: see _live.
        self._svm = LiteSVM().with_blockhash_check(False)
        self._first_slot = self._svm.get_clock().slot
        self._slot_hashes: deque[tuple[int, Hash]] = deque(maxlen=_SLOT_HASHES)
        self._live: dict[Hash, int] = {}
        self._landed: dict[Signature, Landed] = {}
        self._index = AddressIndex(self._svm)
        self.advance(slots=1)
        self.set_time(unix_time)

    # What only an embedded chain can do

    def set_time(self, unix_time: int) -> None:
        """Set the time programs see, in Unix seconds. Slots do not move."""
        clock = self._svm.get_clock()
        clock.unix_timestamp = unix_time
        self._svm.set_clock(clock)

    def advance(self, *, seconds: int = 0, slots: int = 0) -> None:
        """Let time pass and blocks go by, each independently of the other. `slots` blocks are made, all empty."""
        if slots < 0:
            raise InputError("Slots only move forward", expected="0 or more", got=str(slots))
        if seconds:
            self.set_time(self._svm.get_clock().unix_timestamp + seconds)
        if slots:
            now = self._svm.get_clock().slot
            finished = self._svm.latest_blockhash()
            newest = range(max(now, now + slots - _SLOT_HASHES), now + slots)
            self._slot_hashes.extendleft((slot, finished) for slot in newest)
            self._svm.warp_to_slot(now + slots)
            self._svm.set_slot_hashes(self._slot_hashes)
            self._issue_blockhash()

    def expire_blockhash(self) -> None:
        """Let as many empty blocks go by as it takes for every blockhash issued so far to expire."""
        self.advance(slots=BLOCKHASH_LIFE + 1)

    def set_account(self, pubkey: Pubkey, account: AccountData) -> None:
        """Write an account as it is, past every rule of the runtime. Zero lamports remove it."""
        self._svm.set_account(
            pubkey, Account(account.lamports, account.data, account.owner, executable=account.executable)
        )

    def airdrop(self, pubkey: Pubkey, lamports: int) -> None:
        """Give lamports. Raises `ChainError` where the runtime refuses (a balance below rent exemption)."""
        result = self._svm.airdrop(pubkey, lamports)
        if isinstance(result, FailedTransactionMetadata):
            raise ChainError("The airdrop failed", got=failure_of(result.err()).text)
        self.advance(slots=1)

    def deploy(self, program_id: Pubkey, program: bytes) -> None:
        """Load a compiled program (an ELF file's bytes) at an address. Raises `InputError` if it does not load."""
        try:
            self._svm.add_program(program_id, program)
        except Exception as error:  # LiteSVM's own error type cannot be imported
            raise InputError("The program does not load", expected="an SBF shared object", got=str(error)) from error
        self.advance(slots=1)

    # Chain

    async def genesis_hash(self) -> bytes:
        """See `Chain.genesis_hash`."""
        return self._genesis_hash

    async def latest_blockhash(self) -> Blockhash:
        """See `Chain.latest_blockhash`."""
        newest = self._svm.latest_blockhash()
        return Blockhash(newest, self._live[newest])

    async def final_tip(self) -> Tip:
        """See `Chain.final_tip`. Every block is final."""
        return Tip(self._slot(), self._height())

    async def block_height(self) -> int:
        """See `Chain.block_height`. Starts at 0; no slot goes by without a block."""
        return self._height()

    async def slot(self) -> int:
        """See `Chain.slot`. Starts high, as on a main network, so that nothing mistakes it for a count."""
        return self._slot()

    async def unix_time(self) -> int:
        """See `Chain.unix_time`."""
        return self._svm.get_clock().unix_timestamp

    async def history_start(self) -> int:
        """See `Chain.history_start`. Everything is kept."""
        return 0

    async def account(self, pubkey: Pubkey) -> AccountData | None:
        """See `Chain.account`."""
        account = self._svm.get_account(pubkey)
        if account is None or account.lamports == 0:
            return None
        return _account_data(account)

    async def accounts(self, pubkeys: Sequence[Pubkey]) -> list[AccountData | None]:
        """See `Chain.accounts`."""
        return [await self.account(pubkey) for pubkey in pubkeys]

    async def program_accounts(
        self,
        program_id: Pubkey,
        filters: Sequence[Memcmp | DataSize] = (),
        data_slice: DataSlice | None = None,
    ) -> list[tuple[Pubkey, AccountData]]:
        """See `Chain.program_accounts`."""
        if len(filters) > _MOST_FILTERS:
            raise ChainError("Too many filters", expected=f"at most {_MOST_FILTERS}", got=str(len(filters)))
        return [
            (pubkey, _account_data(account, data_slice))
            for pubkey, account in self._svm.get_program_accounts(program_id)
            if account.lamports and all(_passes(account.data, wanted) for wanted in filters)
        ]

    async def rent_exempt(self, size: int) -> int:
        """See `Chain.rent_exempt`."""
        return self._svm.minimum_balance_for_rent_exemption(size)

    async def simulate(self, transaction: VersionedTransaction) -> Simulation:
        """See `Chain.simulate`."""
        blank = [Signature.default()] * len(transaction.signatures)
        self._svm.with_sigverify(False)
        try:
            result = self._svm.simulate_transaction(VersionedTransaction.populate(transaction.message, blank))
        finally:
            self._svm.with_sigverify(True)
        meta = result.meta()
        error = failure_of(result.err()) if isinstance(result, FailedTransactionMetadata) else None
        return Simulation(meta.compute_units_consumed(), tuple(meta.logs()), error)

    async def send(self, raw: bytes) -> None:
        """See `Chain.send`. It has landed, or been dropped, when the call returns."""
        if len(raw) > TRANSACTION_SIZE:
            raise ChainError(
                "The transaction is too large", expected=f"at most {TRANSACTION_SIZE} bytes", got=f"{len(raw)} bytes"
            )
        try:
            transaction = VersionedTransaction.from_bytes(raw)
        except ValueError as error:
            raise ChainError("The bytes are not a transaction", got=str(error)) from error
        signature = transaction.signatures[0]
        expired = self._live.get(transaction.message.recent_blockhash, -1) <= self._height()
        if expired or signature in self._landed:
            return
        result = self._svm.send_transaction(transaction)
        if self._svm.get_transaction(signature) is None:
            return
        if isinstance(result, FailedTransactionMetadata):
            meta, failure = result.meta(), failure_of(result.err())
        else:
            meta, failure = result, None
        self._landed[signature] = Landed(
            slot=self._slot() + 1,
            logs=tuple(meta.logs()),
            units=meta.compute_units_consumed(),
            fee=meta.fee(),
            error=failure,
        )
        self._index.add(transaction.message, Logged(signature, self._slot() + 1, failure is not None))
        self.advance(slots=1)

    async def statuses(
        self, signatures: Sequence[Signature], *, search_history: bool = False, not_before: int = 0
    ) -> list[Status | None]:
        """See `Chain.statuses`. The one node there is never lags."""
        oldest = 0 if search_history else self._slot() - BLOCKHASH_LIFE
        found = [self._landed.get(signature) for signature in signatures]
        return [Status(x.slot, self.level, x.error) if x and x.slot >= oldest else None for x in found]

    async def transaction(self, signature: Signature) -> Landed | None:
        """See `Chain.transaction`."""
        return self._landed.get(signature)

    async def history(
        self,
        address: Pubkey,
        *,
        before: Signature | None = None,
        until: Signature | None = None,
        limit: int = HISTORY_PAGE,
        not_before: int = 0,
    ) -> list[Logged]:
        """See `Chain.history`. Everything is kept, except that airdrops leave no transactions here."""
        return self._index.page(address, before, until, limit)

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> list[int]:
        """See `Chain.recent_priority_fees`. Nobody competes here: the list is empty."""
        return []

    async def request_airdrop(self, pubkey: Pubkey, lamports: int) -> None:
        """See `Chain.request_airdrop`. The lamports are there when the call returns."""
        self.airdrop(pubkey, lamports)

    async def close(self) -> None:
        """See `Chain.close`. There is nothing to let go of."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _slot(self) -> int:
        """The newest finished slot; programs run in the one after it."""
        return self._svm.get_clock().slot - 1

    def _height(self) -> int:
        return self._slot() - self._first_slot

    def _issue_blockhash(self) -> None:
        self._svm.expire_blockhash()
        height = self._height()
        self._live = {known: last for known, last in self._live.items() if last >= height}
        self._live[self._svm.latest_blockhash()] = height + BLOCKHASH_LIFE


def _account_data(account: Account, data_slice: DataSlice | None = None) -> AccountData:
    data = account.data
    if data_slice is not None:
        data = data[data_slice.offset : data_slice.offset + data_slice.length]
    return AccountData(account.lamports, account.owner, data, account.executable)


def _passes(data: bytes, wanted: Memcmp | DataSize) -> bool:
    if isinstance(wanted, DataSize):
        return len(data) == wanted.size
    return data[wanted.offset : wanted.offset + len(wanted.data)] == wanted.data
