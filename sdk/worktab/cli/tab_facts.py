"""How tabs, their lanes and their delegates are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solders.pubkey import Pubkey

from worktab.cli.output import Amount, Name, Rows, When
from worktab.roles.spending import DelegateSpending, Spending
from worktab.roles.tabs import Lane, TabView

_LANES = ("nonce", "device", "paid", "reserved", "units", "signer", "may_end_at")
_DELEGATES = (
    "slot",
    "key",
    "status",
    "allowance",
    "period_left",
    "period_ends_at",
    "lane_limit",
    "expires_at",
    "classes",
    "lanes",
)
_TABS = ("consumer", "balance", "reserved", "spent", "lanes", "delegates")


def tab_facts(view: TabView, spending: Spending, devices: Mapping[int, Pubkey], decimals: int) -> dict[str, Any]:
    """All about one tab; `devices` are the addresses of its lanes' devices by index, closed ones left out."""

    def lane(each: Lane) -> dict[str, Any]:
        return {
            "nonce": Name(each.nonce),
            "index": each.index,
            "device": devices.get(each.index),
            "paid": Amount(each.paid, decimals),
            "reserved": Amount(each.reserved, decimals),
            "units": each.units,
            "signer": view.signer_of(each),
            "may_end_at": When(each.close_at) if each.close_at else None,
        }

    return {
        "tab": view.address,
        "network": view.tab.network,
        "consumer": view.tab.consumer,
        "balance": Amount(spending.balance, decimals),
        "reserved": Amount(spending.reserved, decimals),
        "spent": Amount(spending.spent, decimals),
        "deposited": Amount(spending.deposited, decimals),
        "withdrawn": Amount(spending.withdrawn, decimals),
        "lanes": Rows([lane(each) for each in spending.lanes], _LANES),
        "delegates": Rows([_delegate(each, decimals) for each in spending.delegates], _DELEGATES),
    }


def tab_rows(views: Sequence[TabView], decimals: int, most: int) -> Rows:
    """A table of tabs, those that hold most first, of which people see the first `most`."""
    held = sorted(views, key=lambda view: (-view.tab.balance - view.reserved, bytes(view.address)))
    rows = [
        {
            "tab": view.address,
            "consumer": view.tab.consumer,
            "balance": Amount(view.tab.balance, decimals),
            "reserved": Amount(view.reserved, decimals),
            "spent": Amount(view.spent, decimals),
            "lanes": len(view.lanes),
            "delegates": sum(each.status != 0 for each in view.tab.delegates),
        }
        for view in held
    ]
    return Rows(rows, _TABS, most)


def _delegate(each: DelegateSpending, decimals: int) -> dict[str, Any]:
    return {
        "slot": each.slot,
        "key": each.key,
        "status": each.status,
        "expired": each.expired,
        "allowance": Amount(each.allowance, decimals),
        "period_left": None if each.period_left is None else Amount(each.period_left, decimals),
        "period_ends_at": None if each.period_ends_at is None else When(each.period_ends_at),
        "lane_limit": Amount(each.lane_limit, decimals),
        "expires_at": When(each.expires_at),
        "classes": [number for number in range(8) if each.classes >> number & 1],
        "lanes": each.lanes,
    }
