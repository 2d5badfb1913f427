"""Ports to listen on: finding free ones, and telling which are taken."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection
from typing import Final

from worktab.core.errors import InputError
from worktab.localnet.errors import PortTaken

_FIRST: Final = 10_000
_END: Final = 32_000
"""Systems give outgoing connections ports above these. A client that tries a closed port again and again, as one does
while a node restarts, could otherwise be given that very port, connect to itself and keep the node from it."""

_TRIES: Final = 200


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on a port now."""
    try:
        _bound(host, port).close()
    except OSError:
        return False
    return True


def check_host(host: str) -> None:
    """Raises `InputError` unless a server could listen on an address, whatever the port."""
    try:
        _bound(host, 0).close()
    except OSError as error:
        raise InputError(
            f"The node cannot listen on {host}", expected="an address of this machine", got=str(error.strerror)
        ) from error


def check_free(host: str, port: int, option: str) -> None:
    """Raises `PortTaken` unless a server could listen on a port, which `option` asked for."""
    try:
        _bound(host, port).close()
    except OSError as error:
        raise PortTaken(
            f"The node cannot listen on {host}:{port}",
            got=str(error.strerror),
            next_step=f"Stop what uses port {port}, or choose another one ({option})",
        ) from error


def free_range(host: str, length: int, *, but: Collection[int] = ()) -> int:
    """The first of `length` ports in a row that are free now, none of which is in `but`.

    Somebody else may take one before it is used. Raises `PortTaken` if none were found.
    """
    for _ in range(_TRIES):
        first = _FIRST + secrets.randbelow(_END - _FIRST - length)
        ports = range(first, first + length)
        if not set(ports) & set(but) and all(is_free(host, port) for port in ports):
            return first
    raise PortTaken(f"There are no {length} free ports in a row on {host}", next_step="Stop what uses so many ports")


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket()
    try:
        # As servers do: connections that were closed a moment ago do not block a port.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(1)
    except OSError:
        bound.close()
        raise
    return bound
