"""A node that has stopped hearing of new blocks, as a fault of a road to one that has not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx2 as httpx
from solders.pubkey import Pubkey

from support.faulty_node import Call, Forward, Reply


class Behind:
    """A node that stands still, as a fault: it answers as of the moment `behind` was called.

    It passes on what is sent, simulates on the newest state, and knows the accounts that were named, no others.
    """

    def __init__(self, slot: int, answers: dict[str, Any]) -> None:
        self.slot = slot
        self._answers = answers

    async def __call__(self, call: Call, forward: Forward) -> Reply | None:
        key = _key(call.method, call.params)
        if key in self._answers:
            return call.reply(self._answers[key])
        if call.method == "getMultipleAccounts":
            accounts = [self._answers[_key("getAccountInfo", [address])]["value"] for address in call.params[0]]
            return call.reply({"context": {"slot": self.slot}, "value": accounts})
        reply = await forward()
        if reply is None or call.method not in ("getSignatureStatuses", "getTransaction"):
            return reply
        if call.method == "getTransaction":
            return reply if reply.result and reply.result["slot"] <= self.slot else call.reply(None)
        known = [status if status and status["slot"] <= self.slot else None for status in reply.result["value"]]
        return call.reply({"context": {"slot": self.slot}, "value": known})


async def behind(url: str, accounts: Iterable[Pubkey]) -> Behind:
    """A node that has stopped right now."""
    answers: dict[str, Any] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=120) as client:

        async def ask(method: str, *params: Any) -> Any:
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answer: Any = (await client.post(url, json=request)).json()["result"]
            return answer

        confirmed = {"commitment": "confirmed"}
        answers["getEpochInfo"] = await ask("getEpochInfo", {"commitment": "finalized"})
        for method in ("getLatestBlockhash", "getBlockHeight", "getSlot"):
            answers[method] = await ask(method, confirmed)
        for account in accounts:
            options = confirmed | {"encoding": "base64"}
            answers[_key("getAccountInfo", [str(account)])] = await ask("getAccountInfo", str(account), options)
        return Behind(answers["getSlot"], answers)


def _key(method: str, params: list[Any]) -> str:
    return f"{method} {params[0]}" if method == "getAccountInfo" else method
