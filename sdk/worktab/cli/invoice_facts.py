"""How invoices are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worktab.cli.output import Amount, Name, Rows, When
from worktab.roles.invoices import InvoiceView

_COLUMNS = ("number", "device", "consumer", "amount", "paid", "refunded", "left", "due", "status")


def invoice_facts(view: InvoiceView, now: int, decimals: int) -> dict[str, Any]:
    """All that an invoice asks for, and what became of it."""
    invoice = view.invoice
    return {
        "invoice": view.address,
        "network": invoice.network,
        "device": invoice.device,
        "number": Name(invoice.number),
        "issuer": invoice.issuer,
        "consumer": invoice.consumer,
        "amount": Amount(invoice.amount, decimals),
        "units": invoice.units,
        "due": When(invoice.due) if invoice.due else None,
        "head": _unless_zero(invoice.head),
        "memo_hash": _unless_zero(invoice.memo),
        "status": view.status(now).value,
        "paid": Amount(invoice.paid, decimals),
        "refunded": Amount(invoice.refunded, decimals),
        "left": Amount(view.outstanding, decimals),
        "created_slot": invoice.created_slot,
    }


def invoice_rows(views: Sequence[InvoiceView], now: int, decimals: int) -> Rows:
    """A table of invoices."""
    return Rows([invoice_facts(each, now, decimals) for each in views], _COLUMNS)


def _unless_zero(digest: bytes) -> bytes | None:
    return digest if any(digest) else None
