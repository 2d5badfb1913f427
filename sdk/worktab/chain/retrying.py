"""Asking an RPC node again when it is busy or out of reach, and saying in typed errors when it stays so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from solana.exceptions import SolanaRpcException
from solana.rpc.core import RPCException
from solders.errors import SerdeJSONError
from solders.rpc.errors import NodeUnhealthyMessage

from worktab.core.errors import ChainError, ConnectionFailed

_Answer = TypeVar("_Answer")

_TIMED_OUT, _TOO_MANY_REQUESTS, _SERVER_TROUBLE = 408, 429, 500


class NodeLagsError(Exception):
    """The node has yet to reach the slot its answer must know of; a request raises it to be made again."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What kept an answer away, whether it may pass, and how many seconds the server asked to wait."""

    text: str
    may_pass: bool = True
    wait: float = 0.0


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

    async def ask(self, request: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The request's answer. Raises `ConnectionFailed` when none came, `ChainError` when the node refused."""
        pause = self.first
        for left in reversed(range(self.tries)):
            cause: Exception | None = None
            try:
                answer = await request()
            except (SolanaRpcException, RPCException, SerdeJSONError, NodeLagsError) as error:
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


def _trouble(error: Exception) -> _Trouble:
    if isinstance(error, RPCException):
        return _refused(error)
    if isinstance(error, SerdeJSONError):
        return _Trouble(f"an answer that is not JSON-RPC ({error})")
    if isinstance(error, NodeLagsError):
        return _Trouble(str(error))
    cause = error.__cause__
    response = getattr(cause, "response", None)
    if response is None:
        return _Trouble(f"{type(cause).__name__}: {cause}")
    status: int = response.status_code
    may_pass = status in (_TIMED_OUT, _TOO_MANY_REQUESTS) or status >= _SERVER_TROUBLE
    return _Trouble(f"HTTP {status}", may_pass, _retry_after(response.headers.get("retry-after", "")))


def _refused(error: RPCException) -> _Trouble:
    reason = error.args[0]
    text = getattr(reason, "message", str(reason))
    if isinstance(reason, NodeUnhealthyMessage):
        return _Trouble(text)
    raise ChainError("The RPC node refused the request", got=text) from error


def _numbered(code: int) -> _Trouble:
    if code == _TOO_MANY_REQUESTS:
        return _Trouble(f"error {code}")
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
