"""`Chain.history` over Solana's JSON-RPC."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from solana.rpc.async_api import AsyncClient
from solana.rpc.core import RPCException
from solders.pubkey import Pubkey
from solders.rpc.errors import MinContextSlotNotReachedMessage
from solders.rpc.responses import GetSignaturesForAddressResp
from solders.signature import Signature

from worktab.chain.protocol import HISTORY_PAGE, Level, Logged
from worktab.chain.retrying import NodeLagsError
from worktab.core.errors import InputError

_Request = Callable[[], Awaitable[GetSignaturesForAddressResp]]


async def history_over_rpc(
    ask: Callable[[_Request], Awaitable[GetSignaturesForAddressResp]],
    client: AsyncClient,
    level: Level,
    address: Pubkey,
    before: Signature | None,
    until: Signature | None,
    limit: int,
    not_before: int,
) -> list[Logged]:
    """See `Chain.history`. `ask` makes a request again where that may help."""
    if not 1 <= limit <= HISTORY_PAGE:
        raise InputError("The limit is out of range", expected=f"1 to {HISTORY_PAGE}", got=str(limit))

    async def request() -> GetSignaturesForAddressResp:
        try:
            return await client.get_signatures_for_address(
                address, before, until, limit, min_context_slot=not_before or None
            )
        except RPCException as error:
            if isinstance(error.args[0], MinContextSlotNotReachedMessage):
                raise NodeLagsError(f"the node is behind slot {not_before}") from error
            raise

    found: list[Logged] = []
    while len(found) < limit:
        listed = (await ask(request)).value
        # Surfpool lists what it refused for its blockhash, too, under no signature.
        page = [entry for entry in listed if entry.signature != Signature.default()]
        # Some nodes list transactions of a block that is not finished, whatever the level, and in no order.
        found += [
            Logged(entry.signature, entry.slot, entry.err is not None)
            for entry in page
            if entry.confirmation_status is None or int(entry.confirmation_status) >= level
        ]
        if len(listed) < limit or not page:
            break
        before = page[-1].signature
    return found[:limit]
