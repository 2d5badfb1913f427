"""A localnet's chain over RPC, with what only a chain of one's own allows: moving its clock, writing its accounts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from solana.rpc.core import RPCException
from solana.rpc.jsonrpc import JsonRpcErrorObject, JsonRpcRequest
from solders.pubkey import Pubkey

from worktab.chain.deployed import DATA_HEADER, LOADER, program_data_address
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import AccountData, Level
from worktab.chain.rpc import LOCAL_URL, RpcChain
from worktab.core._checks import uint
from worktab.core.errors import ChainError, ConnectionFailed, InputError
from worktab.localnet.errors import NodeCannot, NodeFailed

LARGEST_ACCOUNT: Final = 7 << 20
"""Bytes of data in an account that can be written: twice as many hexadecimal digits fit into one request, of 15 MiB."""

_SYSTEM = Pubkey.default()
_NO_RENT_EPOCH = 2**64 - 1
_PROGRAM_CHUNK = 1 << 20
_METHOD_NOT_FOUND = -32601
_SHORT_JUMP_SLOTS = 5
_LONGEST_WAIT = 30.0  # seconds for what the node should do within a few blocks


class LocalnetChain(RpcChain):
    """The chain of a local node; satisfies `Chain`, and can do to it what no real cluster would allow.

    What goes beyond `Chain` raises `NodeCannot` where the node is no simulator (solana-test-validator is none).
    """

    def __init__(
        self,
        url: str = LOCAL_URL,
        ws_url: str | None = None,
        *,
        slot_time: int = 400,
        level: Level = Level.CONFIRMED,
        timeout: float = 30.0,
        tries: int = 6,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepare to talk to the node at `url`; nothing is sent yet. Raises `InputError` as `RpcChain` does.

        ws_url     where the node takes subscriptions; by default as `RpcChain` derives it
        slot_time  milliseconds from block to block, as the node was started
        """
        super().__init__(url, ws_url=ws_url, level=level, timeout=timeout, tries=tries, sleep=sleep)
        self.url = url
        self._slot_seconds = slot_time / 1_000
        self._sleep = sleep

    async def set_time(self, unix_time: int) -> None:
        """Move the clock that programs see to a time, in Unix seconds; it runs on from there. Forward only.

        Raises `InputError` for a time that has passed.
        """
        uint(unix_time, 40, "unix_time")
        now = await self.unix_time()
        if unix_time < now:
            raise InputError("The chain's clock only moves forward", expected=f"{now} or later", got=str(unix_time))
        await self._travel(now, unix_time)

    async def advance(self, seconds: int) -> None:
        """Let so many seconds pass at once, 0 or more. Few blocks go by: blockhashes stay good."""
        uint(seconds, 40, "seconds")
        now = await self.unix_time()
        await self._travel(now, now + seconds)

    async def set_account(self, pubkey: Pubkey, account: AccountData) -> None:
        """Write an account as it is, past every rule of the runtime. Zero lamports remove it.

        Raises `InputError` for more than `LARGEST_ACCOUNT` bytes of data and for an executable account that holds no
        program of its owner's, and `ChainError` for the accounts of the runtime itself.
        """
        if len(account.data) > LARGEST_ACCOUNT:
            raise InputError(
                f"The account {pubkey} is too large to be written",
                expected=f"at most {LARGEST_ACCOUNT} bytes of data",
                got=f"{len(account.data)} bytes",
            )
        if account.lamports == 0:
            account = AccountData(0, _SYSTEM, b"")
        update = {
            "lamports": account.lamports,
            "data": account.data.hex(),
            "owner": str(account.owner),
            "executable": account.executable,
            "rentEpoch": _NO_RENT_EPOCH if account.lamports else 0,
        }
        await self._cheat("surfnet_setAccount", [str(pubkey), update])
        # What is executable is loaded, too, and when that fails the node says nothing.
        if account.executable and await self.account(pubkey) != account:
            raise InputError(
                f"The node does not take the executable account {pubkey}",
                expected="a program that its owner, a loader, can load",
                got=f"{len(account.data)} bytes of {account.owner}",
            )

    async def deploy(self, program_id: Pubkey, program: bytes) -> None:
        """Deploy a compiled program (an ELF file's bytes) at an address, over what is there. It can be called next.

        Raises `InputError` if it does not load or the address belongs to something else than a program.
        """
        # For what does not load, the node runs a program that does nothing and always succeeds.
        EmbeddedChain().deploy(program_id, program)
        there = await self.account(program_id)
        if there is not None and there.owner != LOADER:
            raise InputError(
                f"No program can be deployed at {program_id}",
                got=f"an account of {there.owner}",
                expected="a free address",
            )
        await self._shorten(program_id, len(program))
        for start in range(0, len(program), _PROGRAM_CHUNK):
            chunk = program[start : start + _PROGRAM_CHUNK].hex()
            await self._cheat("surfnet_writeProgram", [str(program_id), chunk, start])
        await self.next_block()

    async def program(self, program_id: Pubkey) -> bytes | None:
        """The ELF file's bytes deployed at an address, None if there is no program."""
        account = await self.account(program_data_address(program_id))
        return None if account is None or account.owner != LOADER else account.data[DATA_HEADER:]

    async def next_block(self) -> None:
        """Wait until the chain has made a block more than it has now."""
        await self._until(self.slot, await self.slot() + 1)

    async def expire_blockhashes(self) -> None:
        """Wait until the chain accepts no blockhash it has given out so far: 150 blocks, in real time."""
        last = (await self.latest_blockhash()).last_valid_block_height
        await self._until(self.block_height, last + 1)

    async def _travel(self, now: int, target: int) -> None:
        # The node ends the open block before it sets the clock. A target that lies within that block would be behind
        # the clock by then, and set it back: such a short while goes by in real time instead.
        if target - now > 1 + _SHORT_JUMP_SLOTS * self._slot_seconds:
            try:
                await self._cheat("surfnet_timeTravel", [{"absoluteTimestamp": target * 1_000}])
            except ChainError:
                if await self.unix_time() < target:  # else it is there: an answer was lost, or another moved the clock
                    raise
        await self._until(self.unix_time, target)

    async def _shorten(self, program_id: Pubkey, size: int) -> None:
        """Cut a longer program's data account, of which the node would keep the end."""
        address = program_data_address(program_id)
        data = await self.account(address)
        if data is not None and len(data.data) > DATA_HEADER + size:
            cut = AccountData(data.lamports, data.owner, data.data[: DATA_HEADER + size])
            await self.set_account(address, cut)

    async def _until(self, measure: Callable[[], Awaitable[int]], target: int) -> None:
        """Wait until a measure that grows with the blocks reaches a target; `NodeFailed` when it stands still."""
        now = await measure()
        last_change = time.monotonic()
        while now < target:
            if time.monotonic() - last_change > _LONGEST_WAIT + _SHORT_JUMP_SLOTS * self._slot_seconds:
                raise NodeFailed("The node makes no blocks", expected=f"{target} soon", got=str(now))
            await self._sleep(min(max(self._slot_seconds / 4, 0.005), 0.1))
            newer = await measure()
            if newer != now:
                now, last_change = newer, time.monotonic()

    async def _cheat(self, method: str, params: list[Any]) -> Any:
        request = JsonRpcRequest(method=method, params=params)
        try:
            return await self._ask(lambda: self._client.send_rpc_request(request, object, error_parser=_refusal))
        except ValueError as error:  # pydantic's: not the JSON that was asked for
            raise ConnectionFailed("The RPC node gave no usable answer", got=str(error)) from error


def _refusal(error: JsonRpcErrorObject, *, request_id: str | int, method: str | None = None) -> Exception:
    if error.code == _METHOD_NOT_FOUND:
        return NodeCannot(f"This node has no {method}")
    reason = f"{error.message}: {error.data}" if error.data else error.message
    return RPCException(JsonRpcErrorObject(code=error.code, message=reason))
