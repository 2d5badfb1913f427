"""What `worktab buy` says of a purchase: its result, or what a failed one cost and may cost yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from worktab.agent.purchases import Asked, PurchaseLog
from worktab.cli.output import Amount, Noted, Rows
from worktab.cli.refusals import Refusal
from worktab.core.money import WHOLE_BPS
from worktab.market.buyer.bill import Attempt, Bill
from worktab.market.offers import Delivery
from worktab.program.generated.accounts import Network

_COLUMNS: Final = ("url", "for", "units", "price", "may_charge", "error", "ms")
_SO_FAR: Final = ("url", "price", "may_charge", "error", "reason")


def bill_so_far(
    log: PurchaseLog,
    attempts: Sequence[Attempt],
    refusal: Callable[[str], Refusal | None],
    decimals: int | None,
) -> dict[str, Any]:
    """What a purchase without a result cost, and may cost yet, in this run and in those before.

    attempts  of this run, as far as they are known
    refusal   what a server said last
    decimals  of the token; None where the network could not be read, which leaves base units
    """

    def money(amount: int) -> Amount | Noted:
        return Noted(amount, "base units") if decimals is None else Amount(amount, decimals)

    known, asked = {each.url: each for each in attempts}, {each.url: each for each in log.asked}
    rows = []
    for url in {**asked, **known}:
        attempt, said = known.get(url), refusal(url)
        signed = asked.get(url, Asked(url, ""))
        row = {
            "url": url,
            "price": money(signed.price or 0),
            "may_charge": money(_out(signed)),
            "error": attempt.error if attempt else None if signed.price is not None else "no_answer",
            "reason": said.text if said else None,
        }
        rows.append(row)
    return {
        "purchase": log.name,
        "paid": money(sum(each.price or 0 for each in log.asked)),
        "may_charge": money(sum(map(_out, log.asked))),
        "attempts": Rows(rows, _SO_FAR),
    }


def _out(asked: Asked) -> int:
    """Base units that a device may still charge."""
    return asked.amount if asked.price is None else 0


def result_of(bought: Delivery, network: Network, where: Pubkey, unreachable: list[str]) -> dict[str, Any]:
    """What is kept of a result; amounts in base units."""
    bill, receipt = bought.bill, bought.bought.receipt
    return {
        "network": str(where),
        "decimals": network.decimals,
        "device": str(receipt.device),
        "job": receipt.charged.seq,
        "head": receipt.charged.head.hex(),
        "bytes": len(bought.response.content),
        "units": receipt.units,
        "price": bill.price,
        "total": bill.total,
        "fee_bps": network.fee_bps,
        "burn_bps": network.burn_bps,
        "verified": bought.verified,
        "unreachable": list(dict.fromkeys([*unreachable, *bill.unreachable])),
        "overhead": {
            name: {"amount": amount, "bps": bill.share(amount), "ms": spent} for name, amount, spent in _overhead(bill)
        },
        "attempts": [
            {
                "url": each.url,
                "device": str(each.device) if each.device else None,
                "for": each.purpose.value,
                "units": each.units,
                "price": each.price,
                "may_charge": each.out,
                "error": each.error,
                "ms": each.milliseconds,
            }
            for each in bill.attempts
        ],
    }


def _overhead(bill: Bill) -> list[tuple[str, int, int]]:
    parts = [
        ("routing", bill.routing, bill.asking),
        ("retries", bill.retries, bill.retrying),
        ("verification", bill.verification, bill.verifying),
    ]
    # What routing costs is within the price; the others come on top.
    return [*parts, ("all", bill.retries + bill.verification, sum(spent for _, _, spent in parts))]


@dataclass(frozen=True, slots=True)
class Share:
    """Basis points, as people read them."""

    bps: int

    def __str__(self) -> str:
        return f"{self.bps // 100}.{self.bps % 100:02} %"


def result_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of a result that `result_of` made."""
    decimals, price = result["decimals"], result["price"]

    def part(bps: int) -> Noted:
        return Noted(Amount(price * bps // WHOLE_BPS, decimals), f"{Share(bps)} of the price")

    rows = [
        row | {"price": Amount(row["price"], decimals), "may_charge": Amount(row["may_charge"], decimals)}
        for row in result["attempts"]
    ]
    return {
        "network": result["network"],
        "device": result["device"],
        "job": result["job"],
        "head": result["head"],
        "bytes": result["bytes"],
        "units": result["units"],
        "price": Amount(price, decimals),
        "paid": Amount(result["total"], decimals),
        "verified": result["verified"],
        "unreachable": result["unreachable"],
        "fee": part(result["fee_bps"]),
        "burn": part(result["burn_bps"]),
        "overhead": Rows(
            [
                {
                    "of": name,
                    "amount": Amount(each["amount"], decimals),
                    "bps": each["bps"],
                    "share": str(Share(each["bps"])),
                    "ms": each["ms"],
                }
                for name, each in result["overhead"].items()
            ],
            ("of", "amount", "share", "ms"),
        ),
        "attempts": Rows(rows, _COLUMNS),
    }
