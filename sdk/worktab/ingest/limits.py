"""How much an ingest takes, and from whom."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from worktab.core.errors import InputError
from worktab.ingest.errors import Overloaded, TooManyRequests

_REMEMBERED: Final = 200_000
_LEAST_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker takes.

    Attributes:
        rows: most receipts of one request.
        waiting: most receipts that wait to be checked and stored, of all requests together.
        receiving: most requests whose body is read at once.
        client_receiving: most requests of one address whose body is read at once.
        seconds: that a request has to come in.
        least_rate: bytes a second in which a body must come, but for 5 seconds.
        exports: most exports of inputs at once.
        client_exports: most exports of one address at once.
        reading: most exports that are read from the store at once.
        page_seconds: that a page of an export has to be taken in.
        client_rate: receipts a second from one address, in the long run.
        client_burst: receipts from one address at once. A request counts as one at least.
        device_rate: receipts of one device that are stored a minute, in the long run.
        device_burst: receipts of one device that are stored at once.

    Raises:
        InputError: one of them is not above 0.
    """

    rows: int = 20_000
    waiting: int = 200_000
    receiving: int = 128
    client_receiving: int = 32
    seconds: float = 30.0
    least_rate: float = 100_000.0
    exports: int = 32
    client_exports: int = 4
    reading: int = 2
    page_seconds: float = 60.0
    client_rate: float = 20_000.0
    client_burst: int = 200_000
    device_rate: float = 60.0
    device_burst: int = 60

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is out of range", expected="above 0", got=str(getattr(self, name)))

    def body_seconds(self, size: int) -> float:
        """Seconds that a body of so many bytes has to come in."""
        return min(self.seconds, _LEAST_SECONDS + size / self.least_rate)


class Turns:
    """So many at once of all clients together, and so many of each."""

    def __init__(self, what: str, most: int, most_of_one: int) -> None:
        """what  as in "Too many exports" """
        self._what, self._most, self._most_of_one = what, most, most_of_one
        self._taken: Counter[str] = Counter()

    def require(self, client: str) -> None:
        """Raises `TooManyRequests` where the client has all that it may have, `Overloaded` where all are taken."""
        if self._taken[client] >= self._most_of_one:
            raise TooManyRequests(f"Too many {self._what} from this address at once", 1)
        if self._taken.total() >= self._most:
            raise Overloaded(f"Too many {self._what} at once")

    @contextmanager
    def turn(self, client: str) -> Iterator[None]:
        """One of them, until the block ends."""
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            self._taken += Counter()  # forgets those that have none


class Buckets:
    """A bucket of tokens for each key. Whoever has one left may take as many as there is need, and then waits."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        """rate   tokens that come back a second
        burst  tokens that a bucket holds
        clock  seconds, from any start
        """
        self._rate, self._burst, self._clock = rate, burst, clock
        self._spent: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, key: Hashable) -> int:
        """Seconds until the key has a token, rounded up; 0 when it has one."""
        return math.ceil(max(0.0, 1 - self.left(key)) / self._rate)

    def left(self, key: Hashable) -> float:
        """Tokens that the key has; below 0 where it took more."""
        return self._burst - self._owed(key)

    def take(self, key: Hashable, tokens: float = 1) -> None:
        """Take so many tokens, whether they are there or not."""
        self._spent[key] = (self._owed(key) + tokens, self._clock())
        self._spent.move_to_end(key)
        if len(self._spent) > _REMEMBERED:
            self._spent.popitem(last=False)

    def _owed(self, key: Hashable) -> float:
        spent, at = self._spent.get(key, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - at) * self._rate)
