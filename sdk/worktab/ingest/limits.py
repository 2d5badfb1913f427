"""How much an ingest takes, and from whom."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from worktab.core.errors import InputError

_REMEMBERED: Final = 200_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker takes.

    Attributes:
        rows: most receipts of one request.
        waiting: most receipts that wait to be checked and stored, of all requests together.
        receiving: most requests whose body is read at once.
        seconds: that a request has to come in.
        exports: most exports of inputs at once.
        client_rate: receipts a second from one address, in the long run.
        client_burst: receipts from one address at once. A request counts as one at least.
        device_rate: receipts of one device that are stored a minute, in the long run.
        device_burst: receipts of one device that are stored at once.

    Raises:
        InputError: one of them is not above 0.
    """

    rows: int = 20_000
    waiting: int = 200_000
    receiving: int = 64
    seconds: float = 30.0
    exports: int = 2
    client_rate: float = 20_000.0
    client_burst: int = 200_000
    device_rate: float = 60.0
    device_burst: int = 60

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is out of range", expected="above 0", got=str(getattr(self, name)))


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
