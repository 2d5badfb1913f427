"""Choosing among devices: the cheapest that answers, another one where it fails, and others to compare.

A device's server says at `/.well-known/worktab/offer` what it sells. That is an advertisement: what is paid is what
the terms of the request say, within the client's budget.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx
from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_decimal, json_hex, json_u32
from worktab.core.errors import EncodingError, InputError, WorktabError
from worktab.core.records import Meter
from worktab.market.buyer.bill import Attempt, Bill, Purpose
from worktab.market.buyer.delivery import read
from worktab.market.buyer.errors import (
    AnswerLost,
    AnswerRefused,
    BudgetExceeded,
    DeviceDistrusted,
    NoDeviceAnswered,
    NotVerified,
    ResultsDiffer,
    TermsRefused,
)
from worktab.market.buyer.purchases import INPUT, UNPAID, Bought, bought
from worktab.market.errors import MarketError
from worktab.market.pricing import Price
from worktab.market.terms import members, text
from worktab.market.wire import KEY_HEADER
from worktab.program.generated.errors import ClassNotAllowed, DeviceInactive

OFFER_PATH: Final = "/.well-known/worktab/offer"
"""Where a device's server says what it sells."""

_ASKING: Final = 5.0
"""Seconds that a server has to make an offer."""

_OFFER_LIMIT: Final = 1 << 20
"""Bytes that an offer may have."""

_ANOTHER_MAY_DO: Final = (
    httpx.RequestError, AnswerLost, AnswerRefused, BudgetExceeded, DeviceDistrusted, TermsRefused, MarketError,
    ClassNotAllowed, DeviceInactive,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """What a device says that it sells.

    Attributes:
        url: its server; not part of the JSON.
        device: the device.
        network: the network that it is in.
        work_class: its class there, u8.
        meter: how its units are measured.
        meter_version: of the metering rules, u16.
        price: what it charges.
        max_units: most work units that one request may take, u64.
        modules: 32-byte hashes of the only programs that it runs; None for one that runs any.
    """

    url: str
    device: Pubkey
    network: Pubkey
    work_class: int
    meter: Meter
    meter_version: int
    price: Price
    max_units: int
    modules: tuple[bytes, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """As the JSON object at `OFFER_PATH`."""
        value: dict[str, Any] = {
            "device": str(self.device),
            "network": str(self.network),
            "class": self.work_class,
            "meter": int(self.meter),
            "meterVersion": self.meter_version,
            "rate": str(self.price.rate),
            "minimum": str(self.price.minimum),
            "maxUnits": str(self.max_units),
        }
        if self.modules is not None:
            value["modules"] = [each.hex() for each in self.modules]
        return value

    @classmethod
    def from_json(cls, url: str, value: object) -> Self:
        """From the JSON object that a server gave. Raises `EncodingError`, `InputError`."""
        device, network, work_class, meter, version, rate, minimum, most = members(
            value, ("device", "network", "class", "meter", "meterVersion", "rate", "minimum", "maxUnits")
        )
        if meter not in tuple(Meter):
            raise EncodingError("meter is not known", expected="1 to 6", got=ascii(meter)[:50])
        assert isinstance(value, dict)
        modules = value.get("modules")
        if modules is not None and not isinstance(modules, list):
            raise EncodingError("modules is no list", got=type(modules).__name__)
        return cls(
            text(url, "url"),
            json_address(device, "device"),
            json_address(network, "network"),
            json_u32(work_class, "class"),
            Meter(meter),
            json_u32(version, "meterVersion"),
            Price(json_decimal(rate, "rate"), json_decimal(minimum, "minimum")),
            json_decimal(most, "maxUnits"),
            None if modules is None else tuple(json_hex(each, 32, "module") for each in modules),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """Work to be bought, the same from whichever device does it.

    path       of the request, on every device's server
    content    its body
    max_units  work units that it takes at most: devices that take on less are passed over, and prices compared by it
    module     32-byte hash of the program; a device that does not run it is passed over, and its record must name it
    input      32-byte hash of the program's input, which the record must name; by default that of the body
    headers    an Idempotency-Key among them stands for the order: each device gets one of its own, made of it
    """

    path: str
    content: bytes = b""
    max_units: int = 0
    module: bytes | None = None
    input: bytes | None = None
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result: the answer, its proof, what it cost, and how many other devices gave the same."""

    response: httpx.Response
    bought: Bought
    bill: Bill
    verified: int


async def fetch_offers(
    client: httpx.AsyncClient, urls: Iterable[str], *, seconds: float = _ASKING
) -> tuple[list[Offer], list[str]]:
    """The offers of these servers, and the servers that made none in so many seconds. Nothing is paid."""
    asked = list(dict.fromkeys(urls))
    found = await asyncio.gather(*(_offer(client, url, seconds) for url in asked))
    return [each for each in found if each], [url for url, each in zip(asked, found, strict=True) if not each]


def cheapest(offers: Iterable[Offer], max_units: int, *, module: bytes | None = None) -> list[Offer]:
    """The offers that take on so many work units of this program, the cheapest for them first; one for each device."""
    able: dict[Pubkey, tuple[int, Offer]] = {}
    for offer in offers:
        if offer.max_units < max_units or not (module is None or offer.modules is None or module in offer.modules):
            continue
        cost = offer.price.cost(max_units)
        if offer.device not in able or cost < able[offer.device][0]:
            able[offer.device] = cost, offer
    return [offer for _, offer in sorted(able.values(), key=lambda each: (each[0], bytes(each[1].device)))]


async def buy(
    client: httpx.AsyncClient, urls: Iterable[str], order: Order, *, verify: int = 0, first: Container[str] = ()
) -> Delivery:
    """Buy work from the cheapest device that answers, and compare the result with `verify` further devices'.

    client  pays by itself (`paying_client`), within its budget
    urls    the devices' servers
    first   of these, the ones to ask before cheaper ones: where the work was ordered before

    A device that fails is asked again for what it was paid for, as the client does; then the next one is paid.

    Raises `NoDeviceAnswered` where none gave a result, `BudgetExceeded` where that was for the budget alone,
    `NotVerified` where too few did, `ResultsDiffer` where they gave different ones; and what the chain refuses, the
    purse or the tab lacks, which no other device would mend.
    """
    started = time.perf_counter_ns()
    offers, unreachable = await fetch_offers(client, urls)
    asking = _since(started)
    ranked = cheapest(offers, order.max_units, module=order.module)
    ranked.sort(key=lambda offer: offer.url not in first)
    errors: dict[str, BaseException] = {}
    attempts: list[Attempt] = []
    answers: list[tuple[httpx.Response, Bought]] = []
    for offer in ranked:
        purpose = Purpose.VERIFY if answers else Purpose.RESULT
        attempt, answer, error = await _attempt(client, offer, order, purpose)
        attempts.append(attempt)
        if error is not None:
            errors[offer.url] = error
        if answer is not None:
            answers.append(answer)
        if len(answers) == 1 + verify:
            break
    if not answers:
        raise _nobody(errors, attempts, unreachable)
    response, proof = answers[0]
    price, units = proof.receipt.price, proof.receipt.units
    least = min(each.price.cost(units) for each in ranked)
    bill = Bill(price, max(0, price - least), tuple(attempts), tuple(unreachable), asking)
    delivery = Delivery(response, proof, bill, len(answers) - 1)
    for other, other_proof in answers[1:]:
        _compare(delivery, other, other_proof)
    if len(answers) <= verify:
        raise NotVerified(delivery, wanted=verify, found=len(answers) - 1)
    return delivery


async def _offer(client: httpx.AsyncClient, url: str, seconds: float) -> Offer | None:
    try:
        async with asyncio.timeout(seconds):
            asked = client.build_request(
                "GET",
                url.rstrip("/") + OFFER_PATH,
                headers={"Accept-Encoding": "identity"},
                extensions={UNPAID: True},
            )
            response = await read(await client.send(asked, stream=True), _OFFER_LIMIT)
        return Offer.from_json(url, json.loads(response.content)) if response.is_success else None
    except (httpx.RequestError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError, InputError):
        return None


async def _attempt(
    client: httpx.AsyncClient, offer: Offer, order: Order, purpose: Purpose
) -> tuple[Attempt, tuple[httpx.Response, Bought] | None, BaseException | None]:
    started = time.perf_counter_ns()
    price = out = units = 0
    answer: tuple[httpx.Response, Bought] | None = None
    failure: BaseException | None = None
    try:
        request = client.build_request(
            order.method,
            offer.url.rstrip("/") + order.path,
            content=order.content,
            headers=_headers(order, offer.device),
            extensions={} if order.input is None else {INPUT: None},  # compared below
        )
        response = await client.send(request, stream=True)
        # What was paid for is read already, within the client's own limit; of anything else nothing is known.
        response = response if bought(response) else await read(response)
        await response.aread()
        response.request = request
    except _ANOTHER_MAY_DO as error:
        failure, code = error, error.code if isinstance(error, WorktabError) else "connection"
        out = error.amount if isinstance(error, AnswerLost | AnswerRefused) else 0
    else:
        proof, code = bought(response), f"http_{response.status_code}"
        if proof is not None:
            price, units = proof.receipt.price, proof.receipt.units
            if response.is_success:
                answer, code = ((response, proof), "") if _is_of(proof, order) else (None, "other_work")
    attempt = Attempt(offer.url, offer.device, purpose, code or None, price, out, units, _since(started))
    return attempt, answer, failure


def _headers(order: Order, device: Pubkey) -> httpx.Headers:
    """The order's headers for one device: what is bought of each is accounted for by a key of its own."""
    headers = httpx.Headers(order.headers)
    if KEY_HEADER in headers:
        headers[KEY_HEADER] = hashlib.sha256(f"{headers[KEY_HEADER]}\n{device}".encode()).hexdigest()
    return headers


def _is_of(proof: Bought, order: Order) -> bool:
    """Whether the record is of the work that was ordered."""
    record = proof.receipt.record
    return order.module in (None, record.module) and order.input in (None, record.input)


def _compare(delivery: Delivery, other: httpx.Response, proof: Bought) -> None:
    mine, theirs = delivery.bought.receipt, proof.receipt
    if other.content != delivery.response.content:
        raise ResultsDiffer(delivery, mine.device, theirs.device, "outputs")
    # Only fuel is the same on every machine, by the same rules.
    rules = [(each.record.meter, each.record.meter_version) for each in (mine, theirs)]
    if rules[0] == rules[1] and mine.record.meter is Meter.WASM_FUEL and mine.units != theirs.units:
        raise ResultsDiffer(delivery, mine.device, theirs.device, f"units: {mine.units} and {theirs.units}")


def _nobody(
    errors: Mapping[str, BaseException], attempts: Sequence[Attempt], unreachable: Sequence[str]
) -> WorktabError:
    over = [error for error in errors.values() if isinstance(error, BudgetExceeded)]
    if over and len(over) == len(attempts):
        return over[0]
    said = [f"{each.url}: {each.error}" for each in attempts] + [f"{url}: no offer" for url in unreachable]
    return NoDeviceAnswered(tuple(attempts), tuple(unreachable), "; ".join(said) or "no offer that takes on the work")


def _since(started: int) -> int:
    return (time.perf_counter_ns() - started) // 1_000_000
