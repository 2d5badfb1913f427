"""A chain reached over Solana's JSON-RPC, through solana-py."""

from __future__ import annotations

import worktab.chain.releases  # noqa: F401 - refuses older ones

# isort: split

import asyncio
import base64
import os
import random as chance
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import base58
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized
from solana.rpc.jsonrpc import JsonRpcRequest
from solana.rpc.models import DataSliceOpts, MemcmpOpts
from solders.account import Account
from solders.clock import Clock
from solders.pubkey import Pubkey
from solders.rpc.responses import GetSignatureStatusesResp
from solders.signature import Signature
from solders.sysvar import CLOCK
from solders.transaction import VersionedTransaction
from solders.transaction_status import TransactionDetails, TransactionStatus

from worktab.chain.failures import failure_of
from worktab.chain.feed.url import websocket_url
from worktab.chain.protocol import (
    HISTORY_PAGE,
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
from worktab.chain.retrying import NodeLagsError, Retrying, refusal
from worktab.chain.rpc_history import history_over_rpc
from worktab.core.errors import ChainError, InputError, StateError

LOCAL_URL = "http://127.0.0.1:8899"
"""Where a local validator listens."""

_Answer = TypeVar("_Answer")

_ACCOUNTS_PER_REQUEST = 100
_STATUSES_PER_REQUEST = 256
_FEE_ACCOUNTS_PER_REQUEST = 128


class RpcChain:
    """A cluster behind an RPC node, or behind a pool of them; satisfies `Chain`.

    Busy nodes (HTTP 429 and 5xx) and broken connections are tried again with growing, jittered pauses, no sooner than
    a Retry-After header says. What stays broken raises `ConnectionFailed`; what the node refuses raises `ChainError`.
    A chain belongs to the event loop it is first used in.
    """

    def __init__(
        self,
        url: str = LOCAL_URL,
        *,
        ws_url: str | None = None,
        level: Level = Level.CONFIRMED,
        timeout: float = 30.0,
        tries: int = 6,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        """Prepare to talk to the node at `url` (http or https); nothing is sent yet.

        ws_url   where the node tells of new transactions (ws or wss); by default as `websocket_url` derives it
        level    what reads and confirmations wait for: CONFIRMED or FINALIZED
        timeout  seconds one request may take
        tries    requests made for one answer, the first included
        sleep, random  for the pauses between them; tests bring their own

        Raises `InputError` for what is no web address, or a level that forks can take back.
        """
        usual = websocket_url(url)
        if level < Level.CONFIRMED:
            raise InputError("Reads at this level can be taken back", expected="CONFIRMED or FINALIZED", got=level.name)
        self.level = level
        self.ws_url = ws_url or usual
        if not self.ws_url.startswith(("ws://", "wss://")):
            raise InputError("The websocket address is none", expected="ws:// or wss://", got=self.ws_url)
        self._retrying = Retrying(sleep, random, tries)
        commitment = Finalized if level is Level.FINALIZED else Confirmed
        self._client = AsyncClient(url, commitment, timeout, max_transport_retries=0)
        self._closed = False
        self._genesis_hash: bytes | None = None

    @classmethod
    def from_env(cls, *, level: Level = Level.CONFIRMED) -> Self:
        """The cluster that ANCHOR_PROVIDER_URL names, or the local one when it is not set."""
        return cls(os.environ.get("ANCHOR_PROVIDER_URL") or LOCAL_URL, level=level)

    async def genesis_hash(self) -> bytes:
        """See `Chain.genesis_hash`. Asked for once."""
        if self._genesis_hash is None:
            self._genesis_hash = bytes((await self._ask(self._client.get_genesis_hash)).value)
        return self._genesis_hash

    async def latest_blockhash(self) -> Blockhash:
        """See `Chain.latest_blockhash`."""
        value = (await self._ask(self._client.get_latest_blockhash)).value
        try:
            return Blockhash(value.blockhash, value.last_valid_block_height)
        except BaseException as error:
            # On a hash that is none solders panics. A panic is no Exception, and its class cannot be imported.
            if type(error).__name__ != "PanicException":
                raise
            raise ChainError("The node gave a blockhash that is none", got=str(error)) from error

    async def final_tip(self) -> Tip:
        """See `Chain.final_tip`."""
        value = (await self._ask(lambda: self._client.get_epoch_info(Finalized))).value
        return Tip(value.absolute_slot, value.block_height)

    async def block_height(self) -> int:
        """See `Chain.block_height`."""
        return (await self._ask(self._client.get_block_height)).value

    async def slot(self) -> int:
        """See `Chain.slot`."""
        return (await self._ask(self._client.get_slot)).value

    async def unix_time(self) -> int:
        """See `Chain.unix_time`."""
        account = await self.account(CLOCK)
        if account is None:
            raise ChainError("The node shows no Clock sysvar")
        try:
            return Clock.from_bytes(account.data).unix_timestamp
        except ValueError as error:
            raise ChainError("The node shows a Clock sysvar that is none", got=str(error)) from error

    async def history_start(self) -> int:
        """See `Chain.history_start`."""
        slot = (await self._ask(self._client.get_first_available_block)).value
        if slot == 0:
            return 0
        try:
            block = await self._ask(
                lambda: self._client.get_block(
                    slot, "base64", 0, transaction_details=TransactionDetails.None_, rewards=False
                )
            )
        except ChainError:  # pruned meanwhile; a slot is never below its block height
            return slot
        height = block.value.block_height
        return slot if height is None else height

    async def account(self, pubkey: Pubkey) -> AccountData | None:
        """See `Chain.account`."""
        account = (await self._ask(lambda: self._client.get_account_info(pubkey))).value
        return _account_data(account) if account else None

    async def accounts(self, pubkeys: Sequence[Pubkey]) -> list[AccountData | None]:
        """See `Chain.accounts`."""
        found: list[AccountData | None] = []
        for start in range(0, len(pubkeys), _ACCOUNTS_PER_REQUEST):
            batch = list(pubkeys[start : start + _ACCOUNTS_PER_REQUEST])
            answer = await self._ask(partial(self._client.get_multiple_accounts, batch))
            found += [_account_data(account) if account else None for account in answer.value]
        return found

    async def program_accounts(
        self,
        program_id: Pubkey,
        filters: Sequence[Memcmp | DataSize] = (),
        data_slice: DataSlice | None = None,
    ) -> list[tuple[Pubkey, AccountData]]:
        """See `Chain.program_accounts`."""
        wanted = [
            item.size
            if isinstance(item, DataSize)
            else MemcmpOpts(offset=item.offset, bytes=base58.b58encode(item.data).decode())
            for item in filters
        ]
        part = DataSliceOpts(offset=data_slice.offset, length=data_slice.length) if data_slice else None
        answer = await self._ask(
            lambda: self._client.get_program_accounts(
                program_id, encoding="base64", data_slice=part, filters=wanted or None
            )
        )
        return [(keyed.pubkey, _account_data(keyed.account)) for keyed in answer.value]

    async def rent_exempt(self, size: int) -> int:
        """See `Chain.rent_exempt`."""
        return (await self._ask(lambda: self._client.get_minimum_balance_for_rent_exemption(size))).value

    async def simulate(self, transaction: VersionedTransaction) -> Simulation:
        """See `Chain.simulate`."""
        answer = await self._ask(
            lambda: self._client.simulate_transaction(transaction, sig_verify=False, replace_recent_blockhash=True)
        )
        value = answer.value
        error = failure_of(value.err) if value.err is not None else None
        return Simulation(value.units_consumed or 0, tuple(value.logs or ()), error)

    async def send(self, raw: bytes) -> None:
        """See `Chain.send`. The node's own preflight is off: it would refuse a copy of what has landed."""
        # Past solders, which panics, on standard error too, over how some nodes refuse a copy of what has landed.
        params = [base64.b64encode(raw).decode(), {"encoding": "base64", "skipPreflight": True}]
        request = JsonRpcRequest(method="sendTransaction", params=params)
        await self._ask(lambda: self._client.send_rpc_request(request, str, error_parser=refusal))

    async def statuses(
        self, signatures: Sequence[Signature], *, search_history: bool = False, not_before: int = 0
    ) -> list[Status | None]:
        """See `Chain.statuses`. A node that lags is asked again."""
        found: list[Status | None] = []
        for start in range(0, len(signatures), _STATUSES_PER_REQUEST):
            batch = list(signatures[start : start + _STATUSES_PER_REQUEST])

            async def request(batch: list[Signature] = batch) -> GetSignatureStatusesResp:
                answer = await self._client.get_signature_statuses(batch, search_history)
                if isinstance(answer, GetSignatureStatusesResp) and answer.context.slot < not_before:
                    raise NodeLagsError(f"the node is at slot {answer.context.slot}, behind slot {not_before}")
                return answer

            found += [_status(status) if status else None for status in (await self._ask(request)).value]
        return found

    async def transaction(self, signature: Signature) -> Landed | None:
        """See `Chain.transaction`."""
        answer = await self._ask(
            lambda: self._client.get_transaction(signature, "base64", max_supported_transaction_version=1)
        )
        value = answer.value
        meta = value.transaction.meta if value else None
        if value is None or meta is None or meta.compute_units_consumed is None:
            return None
        error = failure_of(meta.err) if meta.err is not None else None
        return Landed(value.slot, tuple(meta.log_messages or ()), meta.compute_units_consumed, meta.fee, error)

    async def history(
        self,
        address: Pubkey,
        *,
        before: Signature | None = None,
        until: Signature | None = None,
        limit: int = HISTORY_PAGE,
        not_before: int = 0,
    ) -> list[Logged]:
        """See `Chain.history`. A node that lags is asked again."""
        return await history_over_rpc(self._ask, self._client, self.level, address, before, until, limit, not_before)

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> list[int]:
        """See `Chain.recent_priority_fees`."""
        accounts = list(writable[:_FEE_ACCOUNTS_PER_REQUEST])
        answer = await self._ask(lambda: self._client.get_recent_prioritization_fees(accounts))
        return [entry.prioritization_fee for entry in answer.value]

    async def request_airdrop(self, pubkey: Pubkey, lamports: int) -> None:
        """See `Chain.request_airdrop`. Asked once only: where the answer is lost the lamports may yet arrive."""
        await self._ask(lambda: self._client.request_airdrop(pubkey, lamports), once=True)

    async def close(self) -> None:
        """See `Chain.close`. Every later call raises `StateError`."""
        self._closed = True
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, request: Callable[[], Awaitable[_Answer]], *, once: bool = False) -> _Answer:
        if self._closed:
            raise StateError("The connection to the chain was closed", next_step="Make a new RpcChain")
        return await self._retrying.ask(request, once=once)


def _account_data(account: Account) -> AccountData:
    return AccountData(account.lamports, account.owner, account.data, account.executable)


def _status(status: TransactionStatus) -> Status:
    if status.confirmation_status is not None:
        level = Level(int(status.confirmation_status))
    else:  # nodes that name no level count confirmations up to finality, and then stop counting
        level = Level.FINALIZED if status.confirmations is None else Level.PROCESSED
    return Status(status.slot, level, failure_of(status.err) if status.err is not None else None)
