"""What does not fit about an invoice, seen by the consumer who is asked to pay it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey

from worktab.core.invoices import memo_hash
from worktab.core.messages import Message
from worktab.core.vouchers import SignedVoucher
from worktab.program.generated.accounts import Device
from worktab.roles.invoices import InvoiceStatus, InvoiceView


class Misfit(StrEnum):
    """Why an invoice might be disputed.

    GONE            it was voided; nothing can be paid
    CHANGED         the chain shows other terms than this view: it was voided and made anew
    OTHER_CONSUMER  it is made for somebody else
    OTHER_DEVICE    its device is closed, or registered again since
    OVERDUE         its date has passed; it can still be paid
    PAID            nothing is left to pay
    VOUCHERS        vouchers for the same work, by the same chain head, pay for it already
    OTHER_HEAD      it names other work than the device's newest receipt
    OTHER_MEMO      its text is another one
    """

    GONE = "gone"
    CHANGED = "changed"
    OTHER_CONSUMER = "other_consumer"
    OTHER_DEVICE = "other_device"
    OVERDUE = "overdue"
    PAID = "paid"
    VOUCHERS = "vouchers"
    OTHER_HEAD = "other_head"
    OTHER_MEMO = "other_memo"


@dataclass(frozen=True, slots=True)
class Facts:
    """What an invoice is compared with, read together: the invoice and the device as they are now."""

    domain: bytes
    invoice: InvoiceView | None
    device: Device | None
    now: int


def misfits(
    view: InvoiceView,
    facts: Facts,
    *,
    consumer: Pubkey,
    vouchers: Sequence[SignedVoucher] = (),
    receipt: Message | None = None,
    memo: str | None = None,
) -> tuple[Misfit, ...]:
    """What does not fit about `view`; empty where all does. See `Consumer.check_invoice`."""
    asked, current, device = view.invoice, facts.invoice, facts.device
    newest = receipt.head if receipt is not None else device.head if device is not None else asked.head
    paid_for = [each for each in vouchers if each.device == asked.device and each.head == asked.head]
    findings = {
        Misfit.GONE: current is None,
        Misfit.CHANGED: current is not None and current.invoice.terms != view.terms(facts.domain),
        Misfit.OTHER_CONSUMER: asked.consumer != consumer,
        Misfit.OTHER_DEVICE: device is None or device.index != asked.index,
        Misfit.OVERDUE: (current or view).status(facts.now) is InvoiceStatus.OVERDUE,
        Misfit.PAID: not (current or view).outstanding,
        Misfit.VOUCHERS: any(asked.head) and bool(paid_for),
        Misfit.OTHER_HEAD: any(asked.head) and asked.head != newest,
        Misfit.OTHER_MEMO: memo is not None and asked.memo != memo_hash(memo),
    }
    return tuple(kind for kind, found in findings.items() if found)
