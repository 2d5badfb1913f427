"""What Worktab asks of a chain, whichever way it is reached, and the small values the answers are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

BLOCKHASH_LIFE = 150
"""Blocks for which a chain accepts a transaction that names a blockhash."""

TRANSACTION_SIZE = 1_232
"""Largest size of a version 0 transaction on the wire, in bytes."""


HISTORY_PAGE = 1_000
"""Most entries in one answer of `Chain.history`."""


@dataclass(frozen=True, slots=True)
class Tip:
    """A block: its slot and the number of blocks up to it, read together from one node."""

    slot: int
    block_height: int


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A recent blockhash (32 bytes) and the last block height at which a transaction that names it may land."""

    hash: Hash
    last_valid_block_height: int


@dataclass(frozen=True, slots=True)
class AccountData:
    """An account as the chain holds it: lamports, owning program, data bytes (or the slice of them asked for)."""

    lamports: int
    owner: Pubkey
    data: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Memcmp:
    """A filter for `Chain.program_accounts`: the account's data holds `data` at byte `offset`."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class DataSize:
    """A filter for `Chain.program_accounts`: the account's data is exactly `size` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class DataSlice:
    """The part of each account's data that `Chain.program_accounts` is to return."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transaction failed, as the runtime reports it.

    text         the runtime's name for it, such as `InsufficientFundsForFee` or `Custom(1)`
    instruction  index of the failing top-level instruction; None when the transaction failed before any ran
    custom       the number a program failed with; None for the runtime's own errors
    """

    text: str
    instruction: int | None = None
    custom: int | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a transaction would do now: compute units, log lines, and its failure if it would fail."""

    units: int
    logs: tuple[str, ...]
    error: Failure | None = None


class Level(IntEnum):
    """How firmly a block is settled; a higher level includes the lower ones."""

    PROCESSED = 0
    CONFIRMED = 1
    FINALIZED = 2


@dataclass(frozen=True, slots=True)
class Status:
    """Where a landed transaction stands: its slot, how firmly that is settled, and its failure if it failed."""

    slot: int
    level: Level
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction in a block. `units` are compute units, `fee` is in lamports, tips and priority fee included."""

    slot: int
    logs: tuple[str, ...]
    units: int
    fee: int
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of `Chain.history`: a landed transaction, its slot, and whether it failed."""

    signature: Signature
    slot: int
    failed: bool


class Chain(Protocol):
    """A Solana cluster.

    Reads answer at the level the implementation was made for (`level`), which is never below `CONFIRMED`: what is
    read is not taken back. Every call raises `ConnectionFailed` when no answer came within the retries allowed, and
    `ChainError` when the node refused the request.
    """

    @property
    def level(self) -> Level:
        """The level at which reads answer and at which a transaction counts as settled."""
        ...

    @property
    def ws_url(self) -> str | None:
        """Address of the websocket that tells of new transactions; None for a chain in this process."""
        ...

    async def genesis_hash(self) -> bytes:
        """The 32 bytes that name the cluster; part of a network's domain (PROTOCOL section 2)."""
        ...

    async def latest_blockhash(self) -> Blockhash:
        """The newest blockhash, to sign a transaction with."""
        ...

    async def final_tip(self) -> Tip:
        """The newest final block. No fork can take it back, so its height proves what has expired."""
        ...

    async def block_height(self) -> int:
        """The number of blocks so far, which is what a blockhash's life is counted in."""
        ...

    async def slot(self) -> int:
        """The newest slot with a block. The next transaction runs in a later one."""
        ...

    async def unix_time(self) -> int:
        """The time programs see, in seconds since 1970 (the Clock sysvar)."""
        ...

    async def history_start(self) -> int:
        """Lowest block height from which the node can still look up every transaction, or a higher bound on it."""
        ...

    async def account(self, pubkey: Pubkey) -> AccountData | None:
        """One account, or None when there is none."""
        ...

    async def accounts(self, pubkeys: Sequence[Pubkey]) -> list[AccountData | None]:
        """Many accounts in the order asked for, None where there is none. Any number: requests carry 100 each."""
        ...

    async def program_accounts(
        self,
        program_id: Pubkey,
        filters: Sequence[Memcmp | DataSize] = (),
        data_slice: DataSlice | None = None,
    ) -> list[tuple[Pubkey, AccountData]]:
        """Every account a program owns that passes all filters (4 at most), in no particular order."""
        ...

    async def rent_exempt(self, size: int) -> int:
        """Lamports an account of `size` data bytes must hold."""
        ...

    async def simulate(self, transaction: VersionedTransaction) -> Simulation:
        """Run a transaction without landing it. Its signatures and its blockhash are not looked at."""
        ...

    async def send(self, raw: bytes) -> None:
        """Hand over one copy of a signed transaction. Returning says nothing about whether it will land."""
        ...

    async def statuses(
        self, signatures: Sequence[Signature], *, search_history: bool = False, not_before: int = 0
    ) -> list[Status | None]:
        """Where transactions stand, None for one not seen.

        Without `search_history` only about the last 150 blocks are known. The answer comes from a node that has
        reached slot `not_before`, so that a node that lags cannot say "not seen" of a transaction in a block it has
        yet to hear of.
        """
        ...

    async def transaction(self, signature: Signature) -> Landed | None:
        """A landed transaction's logs and costs, or None when the node does not know or no longer keeps it."""
        ...

    async def history(
        self,
        address: Pubkey,
        *,
        before: Signature | None = None,
        until: Signature | None = None,
        limit: int = HISTORY_PAGE,
        not_before: int = 0,
    ) -> list[Logged]:
        """The landed transactions that name an address, failed ones included, newest first.

        At most `limit` (1 to `HISTORY_PAGE`, or `InputError`) of those older than `before` and newer than `until`.
        Within one slot the order is that of execution. The answer comes from a node that has reached slot
        `not_before`.

        Nothing in an answer tells that it is not complete. A node that does not know `before` answers with nothing.
        One that does not know `until`, be it that it lags or that it has pruned it, answers as if none was given, down
        to the oldest transaction that it keeps; so does one that has pruned what lies between. Who must be sure reads
        on, without `until`, to a transaction known from before: see `worktab.chain.feed`.
        """
        ...

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> list[int]:
        """The least priority fee that got a transaction writing these accounts into each recent block.

        In micro-lamports per compute unit, in no particular order; the first 128 accounts count.
        """
        ...

    async def request_airdrop(self, pubkey: Pubkey, lamports: int) -> None:
        """Ask a test cluster for lamports, once. They may arrive later; main networks refuse.

        After a `ConnectionFailed` they may arrive as well.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. A second call does nothing."""
        ...
