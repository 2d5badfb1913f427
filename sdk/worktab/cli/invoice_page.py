"""An invoice as one HTML page to print, which needs nothing but itself: no script, no other file, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template
from typing import Final, TypeAlias

from worktab.cli.output import Amount, When
from worktab.program.generated.accounts import Network
from worktab.roles.invoices import InvoiceView

_Lines: TypeAlias = Sequence[tuple[str, object]]

_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
@page { size: A4; margin: 18mm; }
body { font: 11pt/1.45 system-ui, sans-serif; color: #111; background: #fff; max-width: 174mm; margin: 2em auto; }
header { display: flex; justify-content: space-between; align-items: baseline; border-bottom: 2px solid #111; }
h1 { font-size: 20pt; margin: 0 0 .2em; }
h2 { font-size: 12pt; margin: 1.6em 0 .4em; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; width: 38mm; }
th, td { padding: .25em .6em .25em 0; vertical-align: top; border-bottom: 1px solid #ddd; }
td { overflow-wrap: anywhere; white-space: pre-wrap; }
.due td, .due th { font-size: 13pt; border-bottom: 2px solid #111; }
pre { border: 1px solid #bbb; padding: .7em; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 9pt; }
footer { margin-top: 2em; font-size: 9pt; color: #444; }
h2, table, pre { break-inside: avoid; }
@media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
<header><h1>$title</h1><strong>$status</strong></header>
<h2>To pay</h2>
<table class="due">
$amounts
</table>
<h2>For</h2>
<table>
$work
</table>
<h2>Between</h2>
<table>
$parties
</table>
$how
<footer>Shown as the chain had it on $now. What counts is the account at $address.</footer>
</body>
</html>
""")

_HOW: Final = Template("""\
<h2>How to pay</h2>
<p>With the consumer's wallet. The second command shows the invoice as it is then, asks, and pays from the consumer's
tab; <code>--amount</code> pays a part.</p>
<pre>$commands</pre>""")


def invoice_page(view: InvoiceView, network: Network, genesis_hash: str, now: int, memo: str | None) -> str:
    """The page of an invoice as it stands at `now`, Unix seconds.

    genesis_hash  names the cluster
    memo          the text whose hash is in the invoice, None where it is not at hand; the caller compares them
    """
    invoice, decimals = view.invoice, network.decimals
    amounts = [
        ("Amount", _tokens(invoice.amount, network)),
        ("Due", When(invoice.due) if invoice.due else "no date"),
        ("Paid", Amount(invoice.paid, decimals)),
        ("Refunded", Amount(invoice.refunded, decimals)),
        ("Left to pay", _tokens(view.outstanding, network)),
    ]
    work = [
        ("Work units", f"{invoice.units:,}" if invoice.units else "not stated"),
        ("Chain head", invoice.head.hex() if any(invoice.head) else "not stated"),
        ("Memo", memo if memo is not None else _hashed(invoice.memo)),
    ]
    parties = [
        ("Device", invoice.device),
        ("Number", invoice.number),
        ("Issuer", invoice.issuer),
        ("Consumer", invoice.consumer),
        ("Network", invoice.network),
        ("Token mint", network.mint),
        ("Cluster", f"genesis hash {genesis_hash}"),
        ("Invoice", view.address),
    ]
    commands = [
        f"worktab tab open {invoice.network} --deposit {Amount(view.outstanding, decimals)}",
        f"worktab invoice pay {invoice.device}#{invoice.number}",
    ]
    return _PAGE.substitute(
        title=escape(f"Invoice {invoice.number}"),
        status=escape(view.status(now).replace("_", " ")),
        amounts=_rows(amounts),
        work=_rows(work),
        parties=_rows(parties),
        how=_HOW.substitute(commands=escape("\n".join(commands))) if view.outstanding else "",
        now=escape(str(When(now))),
        address=escape(str(view.address)),
    )


def _rows(lines: _Lines) -> str:
    return "\n".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{escape(str(value))}</td></tr>' for label, value in lines
    )


def _tokens(base_units: int, network: Network) -> str:
    return f"{Amount(base_units, network.decimals)} tokens ({base_units:,} base units)"


def _hashed(memo: bytes) -> str:
    return f"a text with the hash {memo.hex()}" if any(memo) else "none"
