"""What a voucher is judged by, each rule at its edge, without a chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.core.contexts import voucher_context
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import (
    AmountTooHigh,
    AmountTooLow,
    BadSignature,
    LaneEnding,
    LaneUnknown,
    PaymentExpired,
    PaymentRefused,
    ReserveTooSmall,
    UnitsTooHigh,
    UnitsTooLow,
    WrongDevice,
    WrongHead,
)
from worktab.market.provider.checking import Gate, check, check_exact, check_lasts
from worktab.market.provider.rows import LaneAccount
from worktab.market.provider.seller import Seller
from worktab.market.terms import Totals
from worktab.program.generated.accounts import Tab
from worktab.roles.tabs import Lane, TabView

KEY, DOMAIN = Keypair(), b"D" * 32
TAB, DEVICE = Pubkey(b"t" * 32), Pubkey(b"d" * 32)
SELLER = Seller("solana:x", DEVICE, DEVICE, DOMAIN, DEVICE, DEVICE, 3, 0, 3_600)
GATE = Gate(
    DEVICE, 3, voucher_context(DOMAIN, TAB, DEVICE, 3, 7), KEY.pubkey(), paid=150, most=1_000, units=40, close_at=0
)
CHARGED = Totals(200, 30, 5, b"h" * 32)
UNTIL = 1_000_000
GOOD: dict[str, Any] = {"amount": 300, "units": 40, "seq": 5, "head": b"h" * 32, "expires_at": 0}


def _voucher(key: Keypair = KEY, **changes: Any) -> SignedVoucher:
    return SignedVoucher.sign(key, DOMAIN, TAB, DEVICE, 3, 7, **(GOOD | changes))


@pytest.mark.parametrize(
    ("changes", "gate", "refusal"),
    [
        ({}, {}, None),
        ({"amount": 299}, {}, AmountTooLow),
        ({"amount": 1_000}, {}, None),
        ({"amount": 1_001}, {}, ReserveTooSmall),
        ({"units": 39}, {}, UnitsTooLow),
        ({"units": 41}, {}, UnitsTooHigh),
        # The chain may have counted more units than are charged: a voucher may name them, and need not.
        ({}, {"units": 41}, None),
        ({"units": 41}, {"units": 41}, None),
        ({"units": 42}, {"units": 41}, UnitsTooHigh),
        # One that pays for more than this request may name the units of another.
        ({"amount": 301, "units": 50}, {}, None),
        ({"amount": 400, "units": 50}, {}, None),
        ({"amount": 400, "units": 51}, {}, UnitsTooHigh),
        ({"units": (1 << 64) - 1}, {}, UnitsTooHigh),
        ({"expires_at": UNTIL - 1}, {}, PaymentExpired),
        ({"expires_at": UNTIL}, {}, None),
        ({}, {"close_at": UNTIL - 1}, LaneEnding),
        ({}, {"close_at": UNTIL}, None),
        # The book may be lost, and job and head bind no money.
        ({"seq": 6}, {}, None),
        ({"seq": 6, "head": bytes(32)}, {}, None),
        ({"seq": 5, "head": bytes(32)}, {}, WrongHead),
        # A buyer that has not heard of the newest job yet.
        ({"seq": 4, "head": bytes(32)}, {}, None),
        ({"seq": 0, "head": bytes(32)}, {}, None),
        ({"key": Keypair()}, {}, BadSignature),
        ({}, {"signer": Keypair().pubkey()}, BadSignature),
        ({}, {"context": bytes(32)}, BadSignature),
        ({}, {"device": TAB}, WrongDevice),
        ({}, {"index": 4}, WrongDevice),
    ],
)
def test_each_rule(changes: dict[str, Any], gate: dict[str, Any], refusal: type[PaymentRefused] | None) -> None:
    voucher, judged = _voucher(**changes), replace(GATE, **gate)
    if refusal is None:
        check(voucher, judged, CHARGED, 100, 10, UNTIL)
        return
    with pytest.raises(refusal) as caught:
        check(voucher, judged, CHARGED, 100, 10, UNTIL)
    assert type(caught.value) is refusal
    assert caught.value.expected


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"amount": 201}, AmountTooHigh),
        ({"amount": 199}, AmountTooLow),
        ({"units": 29}, UnitsTooLow),
        ({"units": 41}, UnitsTooHigh),
        ({"seq": 4}, WrongHead),
        ({"head": bytes(32)}, WrongHead),
    ],
)
def test_an_exact_voucher(changes: dict[str, Any], refusal: type[PaymentRefused] | None) -> None:
    voucher = _voucher(**({"amount": 200} | changes))
    if refusal is None:
        check_exact(voucher, GATE, CHARGED, UNTIL)
        return
    with pytest.raises(refusal):
        check_exact(voucher, GATE, CHARGED, UNTIL)


@pytest.mark.parametrize(
    ("cap", "exact", "new", "paid", "lasts"),
    [
        (0, None, 0, 0, True),
        (0, None, 1_000, 0, False),
        (1_000, None, 999, 0, False),
        (1_000, None, 1_000, 0, True),
        (1_000, None, 0, 0, True),
        (1_000, 0, 1_000, 0, False),
        (0, None, 1_000, 199, False),
        # Nothing is owed: by the book, or as the chain was last seen.
        (0, None, 1_000, 200, True),
        (None, None, 1_000, 0, True),
    ],
)
def test_a_voucher_lives_as_long_as_what_it_replaces(
    cap: int | None, exact: int | None, new: int, paid: int, lasts: bool
) -> None:
    held = [None if each is None else _voucher(expires_at=each) for each in (cap, exact)]
    for by_book in (True, False):
        lane = LaneAccount(TAB, 7, CHARGED, paid if by_book else 0, *held)
        gate = replace(GATE, paid=0 if by_book else paid)
        if lasts:
            check_lasts(_voucher(expires_at=new), gate, lane)
            continue
        with pytest.raises(PaymentExpired):
            check_lasts(_voucher(expires_at=new), gate, lane)


def test_a_flipped_bit_anywhere_is_noticed() -> None:
    voucher = _voucher()
    for place in range(64):
        forged = bytearray(voucher.signature)
        forged[place] ^= 1
        with pytest.raises(BadSignature):
            check(replace(voucher, signature=bytes(forged)), GATE, CHARGED, 100, 10, UNTIL)
    bigger = replace(voucher, message=replace(voucher.message, amount=301))
    with pytest.raises(BadSignature):
        check(bigger, GATE, CHARGED, 100, 10, UNTIL)


def test_a_key_of_small_order_signs_for_nobody() -> None:
    # With such a key many signatures hold over any message, by a lax library; the chain refuses it.
    small = Pubkey(bytes([1]) + bytes(31))
    voucher = replace(_voucher(), signature=bytes([1]) + bytes(63))
    with pytest.raises(BadSignature):
        check(voucher, replace(GATE, signer=small), CHARGED, 100, 10, UNTIL)


def _view(*lanes: Lane) -> TabView:
    fields = Tab.decode(Tab.DISCRIMINATOR + bytes(Tab.SIZE - 8))
    free = fields.delegates[0]
    revoked = replace(free, key=bytes(KEY.pubkey()), status=2)
    tab = replace(fields, consumer=DEVICE, delegates=(revoked, free, free, free))
    return TabView(TAB, tab, lanes)


def test_a_gate_is_a_lane_of_this_device_with_its_signer() -> None:
    view = _view(Lane(3, 7, 150, 850, 40, 0, 1, 0), Lane(4, 8, 0, 1, 0, 0, 0, 0), Lane(3, 9, 0, 5, 0, 77, 0, 0))
    assert Gate.of(SELLER, view, 7) == GATE
    own = Gate.of(SELLER, view, 9)
    assert (own.signer, own.most, own.close_at, own.promised) == (DEVICE, 5, 77, False)
    assert Gate.of(SELLER, _view(Lane(3, 9, 0, 5, 0, 0, 0, 1)), 9).promised
    for nonce, words in ((8, "another device"), (10, "no such lane")):
        with pytest.raises(LaneUnknown, match=words):
            Gate.of(SELLER, view, nonce)
