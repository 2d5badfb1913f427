"""What a device asks for a request, in the JSON shapes of x402 version 2.

Unknown fields are passed over, as are offers of other schemes: a seller may offer several ways to pay. What is known
must be exactly right. 64-bit numbers are decimal strings, 32-bit ones JSON numbers, addresses base58, bytes hex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import base58
from solders.pubkey import Pubkey

from worktab.core._checks import Bytes32, bytes32, uint
from worktab.core._json import json_address, json_decimal, json_hex, json_u32
from worktab.core.errors import EncodingError
from worktab.core.records import ZERO_HEAD
from worktab.market.pricing import Price

X402_VERSION: Final = 2
"""The version of x402 whose shapes these are."""

SCHEME: Final = "worktab"
"""The name of the scheme: a voucher of a lane, for at most `amount` more than is charged on it."""

MAX_TIMEOUT_SECONDS: Final = 60
"""What terms name as the longest a request may take, in seconds."""


def chain_name(genesis_hash: Bytes32) -> str:
    """How x402 names a Solana cluster: `solana:` and the first 32 characters of its genesis hash in base58."""
    return f"solana:{base58.b58encode(bytes32(genesis_hash, 'genesis hash')).decode()[:32]}"


@dataclass(frozen=True, slots=True)
class Totals:
    """What is charged on a lane so far, and the device's record chain after the lane's newest job.

    Attributes:
        amount: base units, u64.
        units: work units, u64.
        seq: number of the lane's newest job in the device's chain, u64; 0 before the first.
        head: 32-byte head of the device's chain at `seq`; zero before the first.
    """

    amount: int
    units: int
    seq: int
    head: bytes

    def __post_init__(self) -> None:
        for name in ("amount", "units", "seq"):
            uint(getattr(self, name), 64, name)
        object.__setattr__(self, "head", bytes32(self.head, "head"))

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"amount": str(self.amount), "units": str(self.units), "seq": str(self.seq), "head": self.head.hex()}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Raises `EncodingError`."""
        amount, units, seq, head = members(value, ("amount", "units", "seq", "head"))
        return cls(
            json_decimal(amount, "amount"),
            json_decimal(units, "units"),
            json_decimal(seq, "seq"),
            json_hex(head, 32, "head"),
        )


NOTHING: Final = Totals(0, 0, 0, ZERO_HEAD)
"""A lane's totals before its first job."""


@dataclass(frozen=True, slots=True)
class LaneTotals:
    """A lane, named by its tab and nonce, and what is charged on it so far."""

    tab: Pubkey
    nonce: int
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"tab": str(self.tab), "nonce": self.nonce, **self.totals.to_json()}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Raises `EncodingError`."""
        tab, nonce = members(value, ("tab", "nonce"))
        return cls(json_address(tab, "tab"), json_u32(nonce, "nonce"), Totals.from_json(value))


@dataclass(frozen=True, slots=True)
class Requirement:
    """One offer: what a voucher must be good for. In x402's words, payment requirements.

    The voucher's amount is the lane's charged amount and `amount` more, its units the charged units and `units` more.

    Attributes:
        chain: the cluster, as `chain_name` names it.
        amount: base units that the request costs at most, u64.
        asset: the mint of the network's token.
        device: the device that is paid.
        program: the program's address.
        network: the Network account.
        index: the device's index in it, u32.
        units: work units that the voucher must add: the most that the request may take, u64.
        price: what is charged for the units that it really took.
        lane: what is charged on the lane that the request named; None where it named none.
        timeout: the longest the request may take, in seconds.
    """

    chain: str
    amount: int
    asset: Pubkey
    device: Pubkey
    program: Pubkey
    network: Pubkey
    index: int
    units: int
    price: Price
    lane: LaneTotals | None = None
    timeout: int = MAX_TIMEOUT_SECONDS

    def to_json(self) -> dict[str, Any]:
        """As the JSON object of x402's `PaymentRequirements`."""
        extra: dict[str, Any] = {
            "program": str(self.program),
            "network": str(self.network),
            "index": self.index,
            "units": str(self.units),
            "rate": str(self.price.rate),
            "minimum": str(self.price.minimum),
        }
        if self.lane is not None:
            extra["lane"] = self.lane.to_json()
        return {
            "scheme": SCHEME,
            "network": self.chain,
            "amount": str(self.amount),
            "asset": str(self.asset),
            "payTo": str(self.device),
            "maxTimeoutSeconds": self.timeout,
            "extra": extra,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Raises `EncodingError`, also for another scheme; `InputError` for a price of nothing."""
        scheme, chain, amount, asset, device, timeout, extra = members(
            value, ("scheme", "network", "amount", "asset", "payTo", "maxTimeoutSeconds", "extra")
        )
        if scheme != SCHEME:
            raise EncodingError("another payment scheme", expected=SCHEME, got=ascii(scheme)[:50])
        program, network, index, units, rate, minimum = members(
            extra, ("program", "network", "index", "units", "rate", "minimum")
        )
        lane = extra.get("lane")
        return cls(
            chain=text(chain, "network"),
            amount=json_decimal(amount, "amount"),
            asset=json_address(asset, "asset"),
            device=json_address(device, "payTo"),
            program=json_address(program, "program"),
            network=json_address(network, "extra.network"),
            index=json_u32(index, "index"),
            units=json_decimal(units, "units"),
            price=Price(json_decimal(rate, "rate"), json_decimal(minimum, "minimum")),
            lane=None if lane is None else LaneTotals.from_json(lane),
            timeout=json_u32(timeout, "maxTimeoutSeconds"),
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """What is sold: its URL, and in words."""

    url: str
    description: str = ""
    mime_type: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the JSON object of x402's `ResourceInfo`."""
        return {"url": self.url, "description": self.description, "mimeType": self.mime_type}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Raises `EncodingError`."""
        [url] = members(value, ("url",))
        assert isinstance(value, dict)
        return cls(
            text(url, "url"),
            text(value.get("description") or "", "description"),
            text(value.get("mimeType") or "", "mimeType"),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """The answer to a request that is not paid, or not well enough: x402's `PaymentRequired`.

    Attributes:
        resource: what is sold; None where the seller does not say.
        accepts: the ways to pay that are Worktab's.
        error: the code of a `worktab.market.errors.PaymentRefused`, or whatever another seller writes there.
        detail: the refusal's facts (`WorktabError.as_dict`), in `extensions.worktab` of the JSON; empty for none.
    """

    resource: Resource | None
    accepts: tuple[Requirement, ...]
    error: str = ""
    detail: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As the JSON object of x402's `PaymentRequired`."""
        value: dict[str, Any] = {"x402Version": X402_VERSION, "error": self.error}
        if self.resource is not None:
            value["resource"] = self.resource.to_json()
        value["accepts"] = [each.to_json() for each in self.accepts]
        if self.detail:
            value["extensions"] = {SCHEME: {"error": dict(self.detail)}}
        return value

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Offers of other schemes are left out. Raises `EncodingError`, `InputError`."""
        version, accepts = members(value, ("x402Version", "accepts"))
        assert isinstance(value, dict)
        if version != X402_VERSION or not isinstance(accepts, list):
            raise EncodingError("not terms of x402", expected=f"version {X402_VERSION}", got=ascii(version)[:50])
        ours = [each for each in accepts if isinstance(each, dict) and each.get("scheme") == SCHEME]
        resource = value.get("resource")
        return cls(
            None if resource is None else Resource.from_json(resource),
            tuple(Requirement.from_json(each) for each in ours),
            text(value.get("error") or "", "error"),
            _detail(value.get("extensions")),
        )


def _detail(extensions: object) -> dict[str, str]:
    """The refusal's facts, as far as they are there: another seller's extensions are not ours to judge."""
    found: object = extensions
    for name in (SCHEME, "error"):
        found = found.get(name) if isinstance(found, dict) else None
    return {str(key): str(fact) for key, fact in found.items()} if isinstance(found, dict) else {}


def members(value: object, names: Sequence[str]) -> list[Any]:
    """The values of a JSON object that has these keys, and maybe others, in the order of `names`.

    Raises:
        EncodingError: it is something else.
    """
    if not isinstance(value, dict) or not value.keys() >= set(names):
        got = ", ".join(map(ascii, value))[:100] if isinstance(value, dict) else type(value).__name__
        raise EncodingError("a JSON object lacks fields", expected=", ".join(names), got=got)
    return [value[name] for name in names]


def text(value: object, name: str) -> str:
    """`value`, checked to be text. Raises `EncodingError`."""
    if not isinstance(value, str):
        raise EncodingError(f"{name} is no text", got=type(value).__name__)
    return value
