"""Whether a voucher is good for a request. Nothing is read and nothing remembered here.

What a check needs of a lane is prepared once for each reading of its tab (`Gate`), so that a check costs little more
than its signature.
"""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey
from solders.signature import Signature

from worktab.core.contexts import voucher_context
from worktab.core.vouchers import SignedVoucher
from worktab.market.errors import (
    AmountTooHigh,
    AmountTooLow,
    BadSignature,
    LaneEnding,
    LaneUnknown,
    PaymentExpired,
    ReserveTooSmall,
    UnitsTooHigh,
    UnitsTooLow,
    WrongDevice,
    WrongHead,
)
from worktab.market.provider.rows import LaneAccount
from worktab.market.provider.seller import Seller
from worktab.market.terms import Totals
from worktab.program.generated.errors import LaneNotFound
from worktab.roles.tabs import TabView


@dataclass(frozen=True, slots=True)
class Gate:
    """What a lane's vouchers are judged by.

    Attributes:
        device, index: the device it pays.
        context: 32-byte context of the lane's vouchers (PROTOCOL section 2).
        signer: whose signature moves it; also where that delegate was revoked.
        paid: base units moved so far.
        most: largest amount of a voucher that can be settled.
        units: work units bought so far, as the chain knows them.
        close_at: when it may end, Unix seconds; 0 while it is open.
        promised: whether an SLA holds it, which counts only what is settled.
    """

    device: Pubkey
    index: int
    context: bytes
    signer: Pubkey
    paid: int
    most: int
    units: int
    close_at: int
    promised: bool = False

    @classmethod
    def of(cls, seller: Seller, view: TabView, nonce: int) -> Gate:
        """The gate of one lane of a tab.

        Raises:
            LaneUnknown: there is no such lane, or it is another device's.
        """
        try:
            lane = view.lane(nonce)
        except LaneNotFound:
            raise LaneUnknown("The tab has no such lane", got=f"nonce {nonce} of tab {view.address}") from None
        if lane.index != seller.index:
            raise LaneUnknown("The lane pays another device", expected=f"index {seller.index}", got=f"{lane.index}")
        return cls(
            seller.device,
            seller.index,
            voucher_context(seller.domain, view.address, seller.device, seller.index, nonce),
            view.signer_of(lane),
            lane.paid,
            lane.most,
            lane.units,
            lane.close_at,
            lane.promised,
        )


def check(
    voucher: SignedVoucher, gate: Gate, charged: Totals, amount: int, units: int, until: int, asked: int = 0
) -> None:
    """Check that a voucher is good for a request that costs at most `amount` base units and takes `units`.

    Args:
        voucher: from a stranger.
        gate: of the lane that it names.
        charged: what is charged on the lane so far.
        amount: base units that it must be good for beyond that.
        units: work units that it must be good for beyond that.
        until: the time up to which it must stay payable, Unix seconds: when it will be settled at the latest.
        asked: work units that the terms asked for, where those were more than `units`.

    Raises:
        PaymentRefused: it is not good for it; the class says why.
    """
    check_totals(voucher, gate, charged, amount, units, until, asked)
    check_signature(voucher, gate)


def check_signature(voucher: SignedVoucher, gate: Gate) -> None:
    """Check that the lane's signer signed a voucher for this lane and device.

    Raises:
        WrongDevice, BadSignature: it did not.
    """
    if voucher.device != gate.device or voucher.index != gate.index:
        raise WrongDevice(
            "The voucher is for another device", expected=f"{gate.device}", got=f"{voucher.device} ({voucher.index})"
        )
    if voucher.message.context != gate.context:
        raise BadSignature(
            "The voucher was signed for something else", expected=gate.context.hex(), got=voucher.message.context.hex()
        )
    # As strict as the native program, which is built on the same library.
    if not Signature(voucher.signature).verify(gate.signer, voucher.message.encode()):
        raise BadSignature("The signature is not the lane signer's", expected=f"one by {gate.signer}")


def check_totals(
    voucher: SignedVoucher, gate: Gate, charged: Totals, amount: int, units: int, until: int, asked: int = 0
) -> None:
    """Check all but the signature; see `check`.

    A voucher that names a newer job than is charged is good: job and head bind no money, and the book that would know
    may be lost.
    """
    message = voucher.message
    owed = charged.amount + amount
    if message.time and message.time < until:
        raise PaymentExpired("The voucher ends too soon", expected=f"0 or at least {until}", got=str(message.time))
    if gate.close_at and gate.close_at < until:
        raise LaneEnding("The lane may end too soon", expected=f"at {until} or later", got=f"at {gate.close_at}")
    if message.amount < owed:
        raise AmountTooLow("The voucher's amount is too low", expected=f"at least {owed}", got=str(message.amount))
    if message.amount > gate.most:
        raise ReserveTooSmall(
            "The lane's reserve is too small", expected=f"at least {message.amount} in all", got=str(gate.most)
        )
    least = charged.units + units
    if message.units < least:
        raise UnitsTooLow("The voucher names too few units", expected=f"at least {least}", got=str(message.units))
    # What settles is sold in the device's name: no more than it is paid for, by a voucher that may be good for further
    # requests that are under way. What the chain has counted already sells nothing.
    requests = max(1, -((charged.amount - message.amount) // max(1, amount)))
    most = max(charged.units + requests * max(units, asked), gate.units)
    if message.units > most:
        raise UnitsTooHigh("The voucher names too many units", expected=f"at most {most}", got=str(message.units))
    if message.seq == charged.seq and message.head != charged.head:
        raise _wrong_head(voucher, charged)


def check_lasts(voucher: SignedVoucher, gate: Gate, lane: LaneAccount) -> None:
    """Check that a voucher lives as long as those that it replaces, while these still stand for what is owed.

    Raises:
        PaymentExpired: it does not.
    """
    if not voucher.expires_at or lane.charged.amount <= max(lane.paid, gate.paid):
        return
    for held in (lane.cap, lane.exact):
        if held is not None and not 0 < held.expires_at <= voucher.expires_at:
            raise PaymentExpired(
                "The voucher ends before one that it replaces",
                expected=f"0 or at least {held.expires_at}" if held.expires_at else "0",
                got=str(voucher.expires_at),
            )


def check_exact(voucher: SignedVoucher, gate: Gate, charged: Totals, until: int) -> None:
    """Check that a voucher is for exactly what is charged on its lane; `until` as in `check`.

    Raises:
        PaymentRefused: it is not; the class says why.
    """
    check_signature(voucher, gate)
    check_totals(voucher, gate, charged, 0, 0, until)
    if voucher.amount != charged.amount:
        raise AmountTooHigh(
            "The voucher is not exact", expected=f"an amount of {charged.amount}", got=str(voucher.amount)
        )
    if voucher.seq < charged.seq:
        raise _wrong_head(voucher, charged)


def _wrong_head(voucher: SignedVoucher, charged: Totals) -> WrongHead:
    return WrongHead(
        "The voucher is tied to another record chain",
        expected=f"job {charged.seq}, head {charged.head.hex()}",
        got=f"job {voucher.seq}, head {voucher.head.hex()}",
    )
