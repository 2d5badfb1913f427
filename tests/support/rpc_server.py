"""A small JSON-RPC node over real sockets: an embedded chain behind HTTP, with faults to order."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import base58
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import AccountData, DataSize, DataSlice, Failure, Memcmp


@dataclass(frozen=True)
class Http:
    """A fault: answer with this status (and, for 200, this body) in place of an answer. `after` still does the work."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    after: bool = False


@dataclass(frozen=True)
class Drop:
    """A fault: close the connection without an answer. `after` still does the work."""

    after: bool = False


@dataclass(frozen=True)
class Refuse:
    """A fault: a JSON-RPC error."""

    code: int
    message: str
    data: Any = None


Fault = Http | Drop | Refuse


class RpcServer:
    """Serves one chain.

    faults  what becomes of the next requests; None or nothing left: an answer
    calls   (method, params) of every request that arrived
    lag     slots by which the node claims to be behind in its next answers' contexts, one each
    settled how far the history says that a transaction is settled, where that is not final
    """

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain
        self.faults: deque[Fault | None] = deque()
        self.calls: list[tuple[str, list[Any]]] = []
        self.lag: deque[int] = deque()
        self.settled: dict[Signature, str] = {}
        self.fees: list[int] = []
        self.first_block = 0
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RpcServer]:
        """Listen on a free port of the loopback address until the block ends."""
        open_connections: set[asyncio.StreamWriter] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_connections.add(writer)
            try:
                while await self._serve_one(reader, writer):
                    pass
            finally:
                open_connections.discard(writer)
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for writer in open_connections:
                writer.close()
            await server.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return False
        length = next(int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:"))
        request = json.loads(await reader.readexactly(length))
        method, params = request["method"], request.get("params") or []
        self.calls.append((method, params))
        fault = self.faults.popleft() if self.faults else None
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        if isinstance(fault, Refuse):
            body["error"] = {"code": fault.code, "message": fault.message, "data": fault.data}
        elif fault is None or fault.after:
            handler: Callable[[list[Any]], Awaitable[Any]] = getattr(self, f"_{method}")
            body["result"] = await handler(params)
        if isinstance(fault, Drop):
            return False
        status, text, headers = 200, json.dumps(body), {}
        if isinstance(fault, Http):
            status, text, headers = fault.status, fault.body, fault.headers
        lines = [f"HTTP/1.1 {status} x", f"content-length: {len(text)}", "content-type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + text).encode())
        await writer.drain()
        return True

    async def _context(self, value: Any) -> dict[str, Any]:
        slot = await self.chain.slot() - (self.lag.popleft() if self.lag else 0)
        return {"context": {"slot": slot, "apiVersion": "4.0.0"}, "value": value}

    async def _getGenesisHash(self, params: list[Any]) -> str:
        return base58.b58encode(await self.chain.genesis_hash()).decode()

    async def _getLatestBlockhash(self, params: list[Any]) -> Any:
        blockhash = await self.chain.latest_blockhash()
        value = {"blockhash": str(blockhash.hash), "lastValidBlockHeight": blockhash.last_valid_block_height}
        return await self._context(value)

    async def _getEpochInfo(self, params: list[Any]) -> Any:
        tip = await self.chain.final_tip()
        epoch = {"epoch": 1_009, "slotIndex": 0, "slotsInEpoch": 432_000, "transactionCount": 1}
        return epoch | {"absoluteSlot": tip.slot, "blockHeight": tip.block_height}

    async def _getBlockHeight(self, params: list[Any]) -> int:
        return await self.chain.block_height()

    async def _getSlot(self, params: list[Any]) -> int:
        return await self.chain.slot()

    async def _getFirstAvailableBlock(self, params: list[Any]) -> int:
        return self.first_block

    async def _getBlock(self, params: list[Any]) -> Any:
        first = await self.chain.slot() - await self.chain.block_height()
        filler = "11111111111111111111111111111111"
        block = {"previousBlockhash": filler, "blockhash": filler, "parentSlot": params[0] - 1, "blockTime": 0}
        return block | {"blockHeight": params[0] - first}

    async def _getAccountInfo(self, params: list[Any]) -> Any:
        return await self._context(_account(await self.chain.account(Pubkey.from_string(params[0]))))

    async def _getMultipleAccounts(self, params: list[Any]) -> Any:
        found = await self.chain.accounts([Pubkey.from_string(key) for key in params[0]])
        return await self._context([_account(account) for account in found])

    async def _getProgramAccounts(self, params: list[Any]) -> Any:
        options = params[1]
        filters: list[Memcmp | DataSize] = []
        for item in options.get("filters") or []:
            if "dataSize" in item:
                filters.append(DataSize(item["dataSize"]))
            else:
                content = item["memcmp"]["bytes"]
                data = base58.b58decode(content) if isinstance(content, str) else bytes(content)
                filters.append(Memcmp(item["memcmp"]["offset"], data))
        part = options.get("dataSlice")
        found = await self.chain.program_accounts(
            Pubkey.from_string(params[0]), filters, DataSlice(part["offset"], part["length"]) if part else None
        )
        return [{"pubkey": str(pubkey), "account": _account(account)} for pubkey, account in found]

    async def _getMinimumBalanceForRentExemption(self, params: list[Any]) -> int:
        return await self.chain.rent_exempt(params[0])

    async def _simulateTransaction(self, params: list[Any]) -> Any:
        simulation = await self.chain.simulate(VersionedTransaction.from_bytes(_decode(params)))
        value = {"err": _failure(simulation.error), "logs": list(simulation.logs), "unitsConsumed": simulation.units}
        return await self._context(value | {"accounts": None, "returnData": None, "innerInstructions": None})

    async def _sendTransaction(self, params: list[Any]) -> str:
        raw = _decode(params)
        await self.chain.send(raw)
        return str(VersionedTransaction.from_bytes(raw).signatures[0])

    async def _getSignatureStatuses(self, params: list[Any]) -> Any:
        history = len(params) > 1 and bool(params[1]["searchTransactionHistory"])
        signatures = [Signature.from_string(text) for text in params[0]]
        found = []
        for status in await self.chain.statuses(signatures, search_history=history):
            error = _failure(status.error) if status else None
            outcome = {"Err": error} if error else {"Ok": None}
            level = {"confirmations": None, "confirmationStatus": "finalized"}
            found.append({"slot": status.slot, "err": error, "status": outcome} | level if status else None)
        return await self._context(found)

    async def _getTransaction(self, params: list[Any]) -> Any:
        landed = await self.chain.transaction(Signature.from_string(params[0]))
        if landed is None:
            return None
        error = _failure(landed.error)
        meta = {"err": error, "status": {"Err": error} if error else {"Ok": None}, "fee": landed.fee}
        meta |= {"preBalances": [], "postBalances": [], "logMessages": list(landed.logs)}
        meta |= {"computeUnitsConsumed": landed.units}
        content = base64.b64encode(bytes(VersionedTransaction.default())).decode()
        return {"slot": landed.slot, "transaction": [content, "base64"], "meta": meta, "blockTime": 0, "version": 0}

    async def _getSignaturesForAddress(self, params: list[Any]) -> Any:
        options = params[1]
        window: Any = {name: Signature.from_string(options[name]) for name in ("before", "until") if options.get(name)}
        page = await self.chain.history(Pubkey.from_string(params[0]), limit=options["limit"], **window)
        return [
            {"signature": str(entry.signature), "slot": entry.slot, "err": "AccountNotFound" if entry.failed else None}
            | {"memo": None, "blockTime": None, "confirmationStatus": self.settled.get(entry.signature, "finalized")}
            for entry in page
        ]

    async def _getRecentPrioritizationFees(self, params: list[Any]) -> Any:
        return [{"slot": number, "prioritizationFee": fee} for number, fee in enumerate(self.fees)]

    async def _requestAirdrop(self, params: list[Any]) -> str:
        self.chain.airdrop(Pubkey.from_string(params[0]), params[1])
        return str(Signature.default())


def _decode(params: list[Any]) -> bytes:
    encoding = params[1].get("encoding", "base58")
    return base64.b64decode(params[0]) if encoding == "base64" else base58.b58decode(params[0])


def _account(account: AccountData | None) -> Any:
    if account is None:
        return None
    content = [base64.b64encode(account.data).decode(), "base64"]
    rest = {"owner": str(account.owner), "executable": account.executable, "rentEpoch": 2**64 - 1}
    return {"lamports": account.lamports, "data": content, "space": len(account.data)} | rest


def _failure(failure: Failure | None) -> Any:
    if failure is None or failure.instruction is None:
        return failure.text if failure else None
    return {
        "InstructionError": [
            failure.instruction,
            failure.text if failure.custom is None else {"Custom": failure.custom},
        ]
    }
