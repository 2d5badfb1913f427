"""What a piece of work cost, with everything around it: a share of the price that is told, not hidden."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from solders.pubkey import Pubkey

BASIS_POINTS: Final = 10_000


class Purpose(StrEnum):
    """What an attempt was for.

    RESULT  to get the result
    VERIFY  to compare it with another device's
    """

    RESULT = "result"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to one device.

    url           the device's server
    device        the device; None where its server never said
    purpose       what it was for
    error         the code of what went wrong; None where it gave an answer that its receipt bears out
    price         base units that it charged
    out           base units that it may still charge: signed for, and neither answered nor refused
    units         work units that it charged for
    milliseconds  how long it took
    """

    url: str
    device: Pubkey | None
    purpose: Purpose
    error: str | None
    price: int
    out: int
    units: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What was paid to whom for one result. Amounts are base units, times milliseconds.

    price        what the device charged whose result it is
    routing      how much that is above the cheapest offer for the same units
    attempts     every request, in order
    unreachable  servers that made no offer
    asking       time spent on offers
    """

    price: int
    routing: int
    attempts: tuple[Attempt, ...]
    unreachable: tuple[str, ...]
    asking: int

    @property
    def retries(self) -> int:
        """What attempts that gave no result cost, or may yet."""
        return sum(each.price + each.out for each in self.attempts if each.error)

    @property
    def verification(self) -> int:
        """What other devices charged for the same work, to compare."""
        return sum(each.price for each in self.attempts if each.purpose is Purpose.VERIFY and not each.error)

    @property
    def total(self) -> int:
        """All that was paid, or may yet be."""
        return self.price + self.retries + self.verification

    def share(self, amount: int) -> int:
        """An amount as a share of the price, in basis points, rounded up; 0 where the work was free."""
        return -(-amount * BASIS_POINTS // self.price) if self.price else 0

    @property
    def working(self) -> int:
        """Time spent on the request that gave the result."""
        return self._time(Purpose.RESULT, failed=False)

    @property
    def retrying(self) -> int:
        """Time spent on attempts that gave no result."""
        return sum(each.milliseconds for each in self.attempts if each.error)

    @property
    def verifying(self) -> int:
        """Time spent on other devices' results."""
        return self._time(Purpose.VERIFY, failed=False)

    def _time(self, purpose: Purpose, *, failed: bool) -> int:
        found = (each for each in self.attempts if each.purpose is purpose and bool(each.error) is failed)
        return sum(each.milliseconds for each in found)
