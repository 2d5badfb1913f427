"""An invoice as it is read: what a device's owner asks one consumer to pay (PROTOCOL section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey

from worktab.core.invoices import invoice_terms
from worktab.program.generated.accounts import Invoice


class InvoiceStatus(StrEnum):
    """Where an invoice stands.

    OPEN     nothing is paid yet
    PARTLY   a part is paid
    PAID     the whole amount was paid; refunds don't open it again
    OVERDUE  something is open, and the date has passed; it can still be paid
    """

    OPEN = "open"
    PARTLY = "partly_paid"
    PAID = "paid"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice and its address."""

    address: Pubkey
    invoice: Invoice

    @property
    def outstanding(self) -> int:
        """Base units that can still be paid; refunds do not raise it again."""
        return self.invoice.amount - self.invoice.paid

    def status(self, now: int) -> InvoiceStatus:
        """Where the invoice stands at `now`, Unix seconds. It is overdue from the second of its date on."""
        if not self.outstanding:
            return InvoiceStatus.PAID
        if self.invoice.due and now >= self.invoice.due:
            return InvoiceStatus.OVERDUE
        return InvoiceStatus.PARTLY if self.invoice.paid else InvoiceStatus.OPEN

    def terms(self, domain: bytes) -> bytes:
        """The hash of what this view shows, in the network of `domain`; what a payer of it agrees to.

        It is made from what a person can look at, never copied from the account: were those two different, the
        program would refuse the payment.
        """
        invoice = self.invoice
        return invoice_terms(
            domain,
            self.address,
            invoice.consumer,
            invoice.amount,
            invoice.units,
            invoice.due,
            invoice.created_slot,
            invoice.head,
            invoice.memo,
        )
