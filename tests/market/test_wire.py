"""Headers and bodies: what is written can be read, by us and by the x402 package, and nothing else is let in."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from x402.schemas import PaymentPayload, SettleResponse
from x402.schemas import PaymentRequired as X402PaymentRequired

from worktab.core.errors import EncodingError, InputError
from worktab.core.messages import Message
from worktab.core.records import JobRecord, Meter
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import MarketError, PaymentRefused, error_class
from worktab.market.pricing import Price
from worktab.market.terms import LaneTotals, Requirement, Resource, Terms, Totals, chain_name
from worktab.market.wire import (
    MAX_HEADER,
    Charge,
    Payment,
    WorkReceipt,
    decode,
    encode,
    lane_from_header,
    lane_to_header,
)

U64 = (1 << 64) - 1
TAB, DEVICE, MINT, PROGRAM, NETWORK = (Pubkey(bytes([number]) * 32) for number in range(1, 6))
TOTALS = Totals(U64, U64 - 1, 7, b"h" * 32)
REQUIREMENT = Requirement(
    chain=chain_name(bytes(32)),
    amount=U64,
    asset=MINT,
    device=DEVICE,
    program=PROGRAM,
    network=NETWORK,
    index=3,
    units=U64 - 2,
    price=Price(5, 6),
    lane=LaneTotals(TAB, 4_000_000_000, TOTALS),
)
TERMS = Terms(Resource("http://d/x?y=1", "Digits", "image/png"), (REQUIREMENT,), "amount_too_low", {"got": "1"})
VOUCHER = SignedVoucher.sign(Keypair(), bytes(32), TAB, DEVICE, 3, 4, amount=5, units=6, seq=7, head=b"h" * 32)


def test_a_cluster_is_named_by_the_start_of_its_genesis_hash() -> None:
    mainnet = Pubkey.from_string("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")
    assert chain_name(mainnet) == "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"


def test_terms_have_the_shape_that_was_agreed() -> None:
    assert TERMS.to_json() == {
        "x402Version": 2,
        "error": "amount_too_low",
        "resource": {"url": "http://d/x?y=1", "description": "Digits", "mimeType": "image/png"},
        "accepts": [
            {
                "scheme": "worktab",
                "network": "solana:11111111111111111111111111111111",
                "amount": str(U64),
                "asset": str(MINT),
                "payTo": str(DEVICE),
                "maxTimeoutSeconds": 60,
                "extra": {
                    "program": str(PROGRAM),
                    "network": str(NETWORK),
                    "index": 3,
                    "units": str(U64 - 2),
                    "rate": "5",
                    "minimum": "6",
                    "lane": {
                        "tab": str(TAB),
                        "nonce": 4_000_000_000,
                        "amount": str(U64),
                        "units": str(U64 - 1),
                        "seq": "7",
                        "head": "68" * 32,
                    },
                },
            }
        ],
        "extensions": {"worktab": {"error": {"got": "1"}}},
    }


def test_terms_are_read_back() -> None:
    assert Terms.from_json(json.loads(json.dumps(TERMS.to_json()))) == TERMS
    bare = Terms(None, ())
    assert Terms.from_json(bare.to_json()) == bare


def test_the_x402_package_reads_and_writes_the_terms() -> None:
    theirs = X402PaymentRequired.model_validate(TERMS.to_json())
    assert theirs.accepts[0].pay_to == str(DEVICE)
    assert theirs.accepts[0].amount == str(U64)
    assert Terms.from_json(theirs.model_dump(mode="json")) == TERMS


def test_offers_of_other_schemes_are_passed_over() -> None:
    value = TERMS.to_json()
    value["accepts"].insert(0, {"scheme": "exact", "network": "eip155:1", "payTo": "0x0"})
    value["extensions"] = {"bazaar": {}}
    assert Terms.from_json(value).accepts == (REQUIREMENT,)
    assert Terms.from_json(value).detail == {}


def _changed(path: list[Any], new: Any) -> dict[str, Any]:
    value = json.loads(json.dumps(TERMS.to_json()))
    place: Any = value
    for step in path[:-1]:
        place = place[step]
    if new is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["x402Version"], 1),
        (["accepts"], {}),
        (["accepts"], ...),
        (["error"], 7),
        (["resource", "url"], None),
        (["accepts", 0, "amount"], 5),
        (["accepts", 0, "amount"], "05"),
        (["accepts", 0, "amount"], "-1"),
        (["accepts", 0, "amount"], str(U64 + 1)),
        (["accepts", 0, "payTo"], "x"),
        (["accepts", 0, "network"], 5),
        (["accepts", 0, "extra"], None),
        (["accepts", 0, "extra", "index"], "3"),
        (["accepts", 0, "extra", "index"], True),
        (["accepts", 0, "extra", "index"], 1 << 32),
        (["accepts", 0, "extra", "units"], ...),
        (["accepts", 0, "extra", "lane", "head"], "68" * 31),
        (["accepts", 0, "extra", "lane", "head"], "6A" * 32),
    ],
)
def test_terms_that_are_not_right_are_refused(path: list[Any], new: Any) -> None:
    with pytest.raises(EncodingError):
        Terms.from_json(_changed(path, new))


def test_terms_without_a_price_are_refused() -> None:
    value = _changed(["accepts", 0, "extra", "rate"], "0")
    value["accepts"][0]["extra"]["minimum"] = "0"
    with pytest.raises(InputError, match="nothing"):
        Terms.from_json(value)


def test_a_payment_is_read_back_and_is_one_of_x402() -> None:
    payment = Payment(REQUIREMENT, VOUCHER)
    assert Payment.from_header(payment.to_header()) == payment
    theirs = PaymentPayload.model_validate(decode(payment.to_header()))
    assert (theirs.accepted.scheme, theirs.payload["amount"]) == ("worktab", "5")
    assert Payment.from_json(theirs.model_dump(mode="json", exclude_none=True)) == payment


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"x402Version": 1, "accepted": REQUIREMENT.to_json(), "payload": VOUCHER.to_json()},
        {"x402Version": 2, "accepted": REQUIREMENT.to_json(), "payload": {}},
        {"x402Version": 2, "accepted": REQUIREMENT.to_json(), "payload": VOUCHER.to_json() | {"more": 1}},
        {"x402Version": 2, "accepted": {**REQUIREMENT.to_json(), "scheme": "exact"}, "payload": VOUCHER.to_json()},
    ],
)
def test_payments_that_are_none_are_refused(value: dict[str, Any]) -> None:
    with pytest.raises(EncodingError):
        Payment.from_json(value)


def test_a_charge_is_read_back_and_is_one_of_x402() -> None:
    charge = Charge("solana:x", TAB, U64)
    assert Charge.from_header(charge.to_header()) == charge
    theirs = SettleResponse.model_validate(decode(charge.to_header()))
    assert (theirs.success, theirs.transaction, theirs.payer, theirs.amount) == (True, "", str(TAB), str(U64))
    with pytest.raises(EncodingError, match="succeed"):
        Charge.from_header(encode(decode(charge.to_header()) | {"success": False}))


def test_a_work_receipt_is_read_back() -> None:
    record = JobRecord(Meter.CPU_MS, 1, 2, b"m" * 32, b"i" * 32, b"o" * 32, 3, 4, 5, 6, bytes(TAB))
    message = Message.receipt(b"c" * 32, 7, 8, 9, b"h" * 32)
    receipt = WorkReceipt(DEVICE, 3, TOTALS, 4, 3, record, b"s" * 32, b"p" * 32, message, b"g" * 64)
    assert WorkReceipt.from_header(receipt.to_header()) == receipt
    value = decode(receipt.to_header())
    for name in value:
        with pytest.raises(EncodingError):
            WorkReceipt.from_header(encode({key: fact for key, fact in value.items() if key != name}))


def _header(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{}",
        "é",
        _header(b"[]"),
        _header(b"{"),
        _header(b"\xff"),
        _header(b"[" * 10_000),
        _header(b'{"a":"' + b"x" * MAX_HEADER + b'"}'),
        "e30=\n",
    ],
)
def test_headers_that_hold_no_object_are_refused(header: str) -> None:
    with pytest.raises(EncodingError):
        decode(header)


def test_a_lane_is_named_by_tab_and_nonce() -> None:
    assert lane_from_header(lane_to_header(TAB, 4_294_967_295)) == (TAB, 4_294_967_295)
    for header in ("", str(TAB), f"{TAB}:", f"{TAB}:-1", f"{TAB}:01", f"{TAB}:4294967296", "x:1", f"{TAB}:1:2"):
        with pytest.raises(EncodingError):
            lane_from_header(header)


def test_every_code_names_one_class() -> None:
    def below(kind: type[MarketError]) -> list[type[MarketError]]:
        return [each for sub in kind.__subclasses__() for each in (sub, *below(sub))]

    kinds = [
        kind for kind in below(MarketError) if kind is not PaymentRefused and kind.__module__.endswith("market.errors")
    ]
    assert len({kind.code for kind in kinds}) == len(kinds) == 20
    assert all(error_class(kind.code) is kind for kind in kinds)
    assert all(kind.status == 402 for kind in kinds if issubclass(kind, PaymentRefused))
    assert error_class("something_new") is None
