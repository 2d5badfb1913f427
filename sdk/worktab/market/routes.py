"""What a server sells, and at what price."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from starlette.routing import compile_path

from worktab.core.errors import InputError
from worktab.core.records import Meter
from worktab.market.pricing import Price
from worktab.market.provider.orders import Offer
from worktab.market.provider.sale import Work


@dataclass(frozen=True, slots=True)
class PricedRequest:
    """A request to a priced route, whole.

    Attributes:
        method: of HTTP.
        path, query: as they were sent, the query without its question mark.
        headers: by lower-case name; of a repeated one, the last.
        body: all of it.
    """

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes

    @property
    def target(self) -> bytes:
        """Path and query."""
        return self.path.encode() + b"?" + self.query


@dataclass(frozen=True)
class PricedRoute:
    """A route that is paid for.

    Attributes:
        path: as Starlette writes it, such as `/digits` or `/models/{name}`.
        price: what its work costs.
        max_units: most work units that a request may take: the buyer pays for at most so many. May depend on the
            request, and then refuse it with an `InputError`, which is answered 400.
        units: how many units every request takes, where that is fixed; else the application says so.
        methods: of HTTP. By others the path is not to be had at all, unless another route sells it.
        meter: how the units are measured, for the record (PROTOCOL section 3).
        meter_version: of the metering rules.
        module: 32-byte hash of the program that runs, for the record; by default the hash of the path. A job that the
            application records itself (`Sale.recorded`) needs none of the three.
        description, mime_type: told in the terms.

    Raises:
        InputError: the fixed units are above the most, or 0.
    """

    path: str
    price: Price
    max_units: int | Callable[[PricedRequest], int]
    units: int | None = None
    methods: Collection[str] = ("POST",)
    meter: Meter = Meter.SAMPLES
    meter_version: int = 1
    module: bytes | None = None
    description: str = ""
    mime_type: str = ""
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _work: Work = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.units is not None and not (isinstance(self.max_units, int) and 1 <= self.units <= self.max_units):
            raise InputError(
                "a fixed number of units must be within the most",
                expected=f"1 to {self.max_units}",
                got=f"{self.units}",
            )
        object.__setattr__(self, "_pattern", compile_path(self.path)[0])
        module = hashlib.sha256(self.path.encode()).digest() if self.module is None else self.module
        object.__setattr__(self, "_work", Work(module, self.meter, self.meter_version))

    @classmethod
    def fixed(cls, path: str, amount: int, *, units: int = 1, **told: str) -> PricedRoute:
        """A route where every request costs `amount` base units and counts as `units` of work."""
        return cls(path, Price.fixed(amount), units, units, **told)  # type: ignore[arg-type]

    def leads_to(self, path: str) -> bool:
        """Whether a request to this path is to this route."""
        return self._pattern.match(path) is not None

    def offer(self, request: PricedRequest) -> Offer:
        """What is asked for a request. Raises `InputError` where that cannot be said."""
        most = self.max_units if isinstance(self.max_units, int) else self.max_units(request)
        return Offer(self.price, most, self._work)


def require_executable(routes: Iterable[PricedRoute]) -> None:
    """Raises `InputError` for a route whose work nobody can run again: its records cost a device its bond."""
    for route in routes:
        if route.meter is not Meter.WASM_FUEL:
            raise InputError(
                f"Selling {route.path} would cost the device its bond",
                expected="routes measured in WASM fuel, as the device's class is: its records can be disputed",
                got=route.meter.name,
                next_step="Sell it by a device whose class has that meter",
            )
