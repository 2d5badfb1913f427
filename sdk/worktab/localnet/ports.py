"""Ports to listen on: finding free ones, and telling which are taken."""

from __future__ import annotations

import socket

from worktab.localnet.errors import PortTaken

_TRIES = 50


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on a port now."""
    try:
        _bound(host, port).close()
    except OSError:
        return False
    return True


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


def free_ports(host: str, count: int) -> list[int]:
    """Different ports that are free now. Somebody else may take one before it is used."""
    held = [_bound(host, 0) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def free_range(host: str, length: int) -> int:
    """The first of `length` ports in a row that are free now. Raises `PortTaken` if none were found."""
    for _ in range(_TRIES):
        [first] = free_ports(host, 1)
        if first + length <= 65_536 and all(is_free(host, port) for port in range(first, first + length)):
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
