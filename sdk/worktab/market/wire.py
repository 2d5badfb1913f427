"""What crosses between a buyer and a seller over HTTP: headers, and the values in them.

A header's value is the base64 of compact JSON. The names are those of x402 version 2, with three of our own: the lane
that a buyer would pay from, the receipt that comes with the work, and where a buyer leaves the exact voucher.

A paid request travels with `PAYMENT-SIGNATURE` (a `Payment`) and `Idempotency-Key`; its answer with
`PAYMENT-RESPONSE` (a `Charge`) and `WORKTAB-RECEIPT` (a `WorkReceipt`). A 402 carries its `Terms` in
`PAYMENT-REQUIRED` and as its body; every other refusal has the body `{"error": {code, message, expected, got,
next_step}}`.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final, Self

from solders.pubkey import Pubkey

from worktab.core._json import json_address, json_decimal, json_hex, json_u32
from worktab.core.errors import EncodingError
from worktab.core.keys import SIGNATURE_SIZE
from worktab.core.messages import MESSAGE_SIZE, Message
from worktab.core.records import RECORD_SIZE, JobRecord
from worktab.core.vouchers import SignedVoucher
from worktab.market.terms import X402_VERSION, LaneTotals, Requirement, Totals, members, text

PAYMENT_REQUIRED_HEADER: Final = "PAYMENT-REQUIRED"
PAYMENT_HEADER: Final = "PAYMENT-SIGNATURE"
CHARGE_HEADER: Final = "PAYMENT-RESPONSE"
RECEIPT_HEADER: Final = "WORKTAB-RECEIPT"
LANE_HEADER: Final = "WORKTAB-LANE"
"""Names the lane `<tab>:<nonce>` in a request without a payment, so that the terms tell what is charged on it."""

KEY_HEADER: Final = "Idempotency-Key"
"""Stands for one purchase: a request with the same key, body and lane gets the answer that was bought."""

MAX_KEY: Final = 128
"""Longest idempotency key in characters, each printable ASCII."""

VOUCHER_PATH: Final = "/.well-known/worktab/voucher"
"""Where a buyer posts the exact voucher (`SignedVoucher.to_json`) for what is charged on a lane. Answer: 204."""

MAX_HEADER: Final = 16_384
"""Longest header value that is read, in characters."""

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def encode(value: dict[str, Any]) -> str:
    """A JSON object as a header's value."""
    return base64.b64encode(dump(value)).decode()


def dump(value: dict[str, Any]) -> bytes:
    """A JSON object as a body, without spaces."""
    return _ENCODER.encode(value).encode()


def decode(header: str) -> dict[str, Any]:
    """The JSON object in a header's value. Raises `EncodingError`."""
    try:
        data = base64.b64decode(header, validate=True) if len(header) <= MAX_HEADER else None
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        raise EncodingError(
            "the header is not base64",
            expected=f"at most {MAX_HEADER} characters of base64",
            got=f"{len(header)} characters",
        )
    return load(data)


def load(data: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises `EncodingError`."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise EncodingError("this is no JSON object", got=f"{len(data)} bytes")
    return value


@dataclass(frozen=True, slots=True)
class Payment:
    """What a buyer sends with a paid request: the offer it accepts, and a voucher for it."""

    accepted: Requirement
    voucher: SignedVoucher

    def to_json(self) -> dict[str, Any]:
        """As the JSON object of x402's `PaymentPayload`."""
        return {"x402Version": X402_VERSION, "accepted": self.accepted.to_json(), "payload": self.voucher.to_json()}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From a JSON object. Raises `EncodingError`, `InputError`."""
        version, accepted, payload = members(value, ("x402Version", "accepted", "payload"))
        if version != X402_VERSION:
            raise EncodingError("another version of x402", expected=str(X402_VERSION), got=ascii(version)[:50])
        return cls(Requirement.from_json(accepted), SignedVoucher.from_json(payload))

    def to_header(self) -> str:
        """As the value of `PAYMENT-SIGNATURE`."""
        return encode(self.to_json())

    @classmethod
    def from_header(cls, header: str) -> Self:
        """From the value of `PAYMENT-SIGNATURE`. Raises `EncodingError`, `InputError`."""
        return cls.from_json(decode(header))


@dataclass(frozen=True, slots=True)
class Charge:
    """What a paid request was charged: x402's `SettleResponse`, without a transaction because many settle as one.

    Attributes:
        chain: the cluster, as `worktab.market.terms.chain_name` names it.
        payer: the tab.
        amount: base units charged for this request, u64.
        lane: what is charged on the lane that paid, with this request; None where a seller does not say.
    """

    chain: str
    payer: Pubkey
    amount: int
    lane: LaneTotals | None = None

    def to_header(self) -> str:
        """As the value of `PAYMENT-RESPONSE`."""
        value: dict[str, Any] = {
            "success": True,
            "transaction": "",
            "network": self.chain,
            "payer": str(self.payer),
            "amount": str(self.amount),
        }
        if self.lane is not None:
            value["extra"] = {"lane": self.lane.to_json()}
        return encode(value)

    @classmethod
    def from_header(cls, header: str) -> Self:
        """From the value of `PAYMENT-RESPONSE`. Raises `EncodingError`, also where nothing was charged."""
        value = decode(header)
        success, chain, payer, amount = members(value, ("success", "network", "payer", "amount"))
        if success is not True:
            raise EncodingError("the payment did not succeed", got=ascii(success)[:50])
        extra = value.get("extra")
        lane = extra.get("lane") if isinstance(extra, dict) else None
        return cls(
            text(chain, "network"),
            json_address(payer, "payer"),
            json_decimal(amount, "amount"),
            None if lane is None else LaneTotals.from_json(lane),
        )


@dataclass(frozen=True, slots=True)
class WorkReceipt:
    """The device's proof of the work, for the buyer to check; nothing of it is checked here.

    Attributes:
        device: the device.
        index: its index in the network, u32.
        charged: the lane's totals with this request.
        price: base units charged for this request, u64.
        units: work units of this request, u64.
        record: what was done (PROTOCOL section 3).
        salt: the record's 32-byte salt.
        previous: 32-byte head of the device's chain before the job.
        receipt: the device's receipt over its chain with the job as the newest (PROTOCOL section 2).
        signature: its 64 bytes by the device's key.
    """

    device: Pubkey
    index: int
    charged: Totals
    price: int
    units: int
    record: JobRecord
    salt: bytes
    previous: bytes
    receipt: Message
    signature: bytes

    def to_header(self) -> str:
        """As the value of `WORKTAB-RECEIPT`."""
        return encode(
            {
                "device": str(self.device),
                "index": self.index,
                "charged": self.charged.to_json(),
                "price": str(self.price),
                "units": str(self.units),
                "record": self.record.encode().hex(),
                "salt": self.salt.hex(),
                "previous": self.previous.hex(),
                "receipt": {"message": self.receipt.encode().hex(), "signature": self.signature.hex()},
            }
        )

    @classmethod
    def from_header(cls, header: str) -> Self:
        """From the value of `WORKTAB-RECEIPT`. Raises `EncodingError`, `InputError`."""
        device, index, charged, price, units, record, salt, previous, receipt = members(
            decode(header),
            ("device", "index", "charged", "price", "units", "record", "salt", "previous", "receipt"),
        )
        message, signature = members(receipt, ("message", "signature"))
        return cls(
            json_address(device, "device"),
            json_u32(index, "index"),
            Totals.from_json(charged),
            json_decimal(price, "price"),
            json_decimal(units, "units"),
            JobRecord.decode(json_hex(record, RECORD_SIZE, "record")),
            json_hex(salt, 32, "salt"),
            json_hex(previous, 32, "previous"),
            Message.decode(json_hex(message, MESSAGE_SIZE, "message")),
            json_hex(signature, SIGNATURE_SIZE, "signature"),
        )


def lane_to_header(tab: Pubkey, nonce: int) -> str:
    """A lane as the value of `WORKTAB-LANE`."""
    return f"{tab}:{nonce}"


def lane_from_header(header: str) -> tuple[Pubkey, int]:
    """The tab and the nonce in the value of `WORKTAB-LANE`. Raises `EncodingError`."""
    tab, _, nonce = header.partition(":")
    return json_address(tab, "tab"), json_u32(json_decimal(nonce, "nonce"), "nonce")
