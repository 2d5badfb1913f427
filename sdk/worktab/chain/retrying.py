"""Asking an RPC node again when it is busy or out of reach, and saying in typed errors when it stays so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from pydantic import ValidationError
from solana.exceptions import SolanaRpcException
from solana.rpc.core import RPCException
from solana.rpc.jsonrpc import JsonRpcErrorObject
from solders.errors import SerdeJSONError
from solders.rpc.errors import NodeUnhealthyMessage

from worktab.core.errors import ChainError, ConnectionFailed

_Answer = TypeVar("_Answer")

_TIMED_OUT, _TOO_MANY_REQUESTS, _SERVER_TROUBLE = 408, 429, 500
_NODE_UNHEALTHY = -32005
_NOT_CONNECTED = ("ConnectError", "ConnectTimeout")


class NodeLagsError(Exception):
    """The node has yet to reach the slot its answer must know of; a request raises it to be made again."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What kept an answer away.

    may_pass  whether it may be gone the next time
    wait      seconds that the server asked to wait
    harmless  whether the node is sure not to have done what was asked
    """

    text: str
    may_pass: bool = True
    wait: float = 0.0
    harmless: bool = False


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often and how long to try.

    sleep    pauses for so many seconds
    random   a number from 0 to 1. Half of each pause is chance, so that clients which failed together spread out
    tries    requests in all, the first included
    first    seconds the first pause may last; each later one may last twice as long as the one before
    longest  seconds no pause exceeds; a server that asks for a longer one is given up on
    """

    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    tries: int = 6
    first: float = 0.5
    longest: float = 20.0

    async def ask(self, request: Callable[[], Awaitable[_Answer]], *, once: bool = False) -> _Answer:
        """The request's answer. Raises `ConnectionFailed` when none came, `ChainError` when the node refused.

        What is to be done `once` is not asked for again where the node may have done it and the answer was lost.
        """
        pause = self.first
        for left in reversed(range(self.tries)):
            cause: Exception | None = None
            try:
                answer = await request()
            except (SolanaRpcException, RPCException, SerdeJSONError, ValidationError, NodeLagsError) as error:
                trouble, cause = _trouble(error), error
            except BaseException as error:
                if not is_panic(error):
                    raise
                raise ChainError(
                    "The RPC node refused the request, without a readable reason", got=str(error)
                ) from error
            else:
                # An error whose code solders does not know comes back as that code, in place of an answer.
                if not isinstance(answer, int):
                    return answer
                trouble = _numbered(answer)
            if once and not trouble.harmless:
                raise ConnectionFailed(
                    "The RPC node may have done what was asked, but its answer was lost",
                    got=trouble.text,
                    next_step="See whether it was done before you ask again",
                ) from cause
            if not (left and trouble.may_pass and trouble.wait <= self.longest):
                raise ConnectionFailed("The RPC node gave no usable answer", got=trouble.text) from cause
            await self.sleep(max(trouble.wait, pause * (1 + self.random()) / 2))
            pause = min(pause * 2, self.longest)
        raise ConnectionFailed("The RPC node was not asked", expected="at least one try", got=str(self.tries))


def is_panic(error: BaseException) -> bool:
    """Whether solders panicked over what a node said, such as a hash that is none, or an error without its data.

    A panic is no Exception, and its class cannot be imported.
    """
    return type(error).__name__ == "PanicException"


def refusal(error: JsonRpcErrorObject, *, request_id: str | int, method: str | None = None) -> Exception:
    """What a request raises that goes to the node past solders, and is refused."""
    return RPCException(error)


def _trouble(error: Exception) -> _Trouble:
    if isinstance(error, RPCException):
        return _refused(error)
    if isinstance(error, SerdeJSONError | ValidationError):
        return _Trouble(f"an answer that is not JSON-RPC ({error})")
    if isinstance(error, NodeLagsError):
        return _Trouble(str(error))
    cause = error.__cause__
    response = getattr(cause, "response", None)
    if response is None:
        name = type(cause).__name__
        return _Trouble(f"{name}: {cause}", harmless=name in _NOT_CONNECTED)
    status: int = response.status_code
    busy = status == _TOO_MANY_REQUESTS
    may_pass = busy or status == _TIMED_OUT or status >= _SERVER_TROUBLE
    wait = _retry_after(response.headers.get("retry-after", ""))
    return _Trouble(f"HTTP {status}", may_pass, wait, harmless=busy or not may_pass)


def _refused(error: RPCException) -> _Trouble:
    reason = error.args[0]
    text = getattr(reason, "message", str(reason))
    code = getattr(reason, "code", None)
    if isinstance(reason, NodeUnhealthyMessage) or code in (_NODE_UNHEALTHY, _TOO_MANY_REQUESTS):
        return _Trouble(text, harmless=True)
    raise ChainError("The RPC node refused the request", got=text) from error


def _numbered(code: int) -> _Trouble:
    if code == _TOO_MANY_REQUESTS:
        return _Trouble(f"error {code}", harmless=True)
    raise ChainError("The RPC node refused the request", got=f"error {code}")


def _retry_after(header: str) -> float:
    """Seconds that a Retry-After header asks for, which is a number or a date; 0 for none or nonsense."""
    if header.isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max((date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
