"""One purchase over HTTP: what is asked, what pays for it, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import httpx
from solders.keypair import Keypair

from worktab.core.vouchers import SignedVoucher
from worktab.market.buyer.lane_state import Pending, PurseLane
from worktab.market.terms import Requirement
from worktab.market.wire import KEY_HEADER, PAYMENT_HEADER, Payment, WorkReceipt

EXTENSION: Final = "worktab"
"""Under which a paid response's extensions hold its `Bought`."""

UNPAID: Final = "worktab_unpaid"
"""In a request's extensions: it is not paid for, whatever the seller asks."""


INPUT: Final = "worktab_input"
"""In a request's extensions: the 32-byte hash that the record must name as its input's; None for any.

Without it that is the hash of the request's body, which is what `PaidWork` records for every application that does not
record its work itself.
"""


@dataclass(frozen=True, slots=True)
class Bought:
    """What a paid answer cost, with its proof; `bought(response)` gives it.

    offer     the terms it was paid by
    receipt   the device's proof, checked
    key       the request's Idempotency-Key
    sendings  how often the request was sent with its voucher
    repeated  whether it was signed for by an earlier call, and so is not charged again
    """

    offer: Requirement
    receipt: WorkReceipt
    key: str
    sendings: int
    repeated: bool


def bought(response: httpx.Response) -> Bought | None:
    """What an answer cost; None for one that was not paid for."""
    found = response.extensions.get(EXTENSION)
    return found if isinstance(found, Bought) else None


def route(request: httpx.Request) -> tuple[str, str, str, int | None, str]:
    """What terms are remembered by: a seller asks the same for the same kind of request."""
    url = request.url
    return request.method, url.scheme, url.host, url.port, url.path


def digest(request: httpx.Request) -> bytes:
    """32-byte hash of what makes two requests to a device the same purchase: method, path, query and body."""
    parts = (request.method.encode(), request.url.raw_path, sha256(request.content).digest())
    return sha256(b"\n".join(parts)).digest()


def input_of(request: httpx.Request) -> bytes | None:
    """The hash that the record of a request must name as its input's; None for any."""
    if INPUT not in request.extensions:
        return sha256(request.content).digest()
    given: bytes | None = request.extensions[INPUT]
    return given


def is_for(pending: Pending, request: httpx.Request) -> bool:
    """Whether a request asks for what was signed for before."""
    return pending.request == digest(request) and request.headers.get(KEY_HEADER) in (None, pending.key)


def paid(request: httpx.Request, pending: Pending) -> httpx.Request:
    """A request with its payment."""
    payment = Payment(pending.requirement, pending.voucher)
    return copied(request, {PAYMENT_HEADER: payment.to_header(), KEY_HEADER: pending.key})


def copied(request: httpx.Request, headers: dict[str, str]) -> httpx.Request:
    """A request of its own: the caller's must not carry a payment along where it is redirected.

    It asks for an answer that is not packed: the size of one is only known once it is unpacked.
    """
    headers = {"Accept-Encoding": "identity", **headers}
    named = {name.lower().encode() for name in headers}
    return httpx.Request(
        request.method,
        request.url,
        headers=[each for each in request.headers.raw if each[0].lower() not in named]
        + [(name.encode(), value.encode()) for name, value in headers.items()],
        content=request.content,
        extensions=request.extensions,
    )


def voucher_for(key: Keypair, lane: PurseLane, amount: int = 0, units: int = 0) -> SignedVoucher:
    """A voucher for what is charged on a lane, and `amount` base units and `units` work units more."""
    charged, place = lane.charged, lane.place
    return SignedVoucher.sign(
        key,
        place.domain,
        place.tab,
        place.device,
        lane.index,
        lane.nonce,
        amount=charged.amount + amount,
        units=max(charged.units + units, lane.settled),
        seq=charged.seq,
        head=charged.head,
    )
