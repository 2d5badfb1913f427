"""Where a node takes subscriptions."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from worktab.core.errors import InputError

_SCHEMES: Final = {"http": "ws", "https": "wss"}


def websocket_url(rpc_url: str) -> str:
    """The websocket address that belongs to an RPC address by Solana's convention.

    ws for http, wss for https; where the address names a port, the next port: http://127.0.0.1:8899 gives
    ws://127.0.0.1:8900. User, path and query stay. Raises `InputError` for what is no web address.
    """
    try:
        parts = urlsplit(rpc_url)
        port = parts.port
    except ValueError:
        raise _no_address(rpc_url) from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise _no_address(rpc_url)
    where = parts.netloc if port is None else f"{parts.netloc.rpartition(':')[0]}:{port + 1}"
    return parts._replace(scheme=_SCHEMES[parts.scheme], netloc=where).geturl()


def _no_address(given: str) -> InputError:
    return InputError("The RPC address is not a web address", expected="http:// or https:// and a host", got=given)
