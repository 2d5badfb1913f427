"""Delegates' slots in a tab: whose they are, and which to take."""

from __future__ import annotations

from solders.pubkey import Pubkey

from worktab.program.generated.types import Delegate, DelegateTerms
from worktab.roles.errors import NoFreeSlot
from worktab.roles.tabs import DelegateStatus, TabView


def slot_of(view: TabView, key: Pubkey) -> int | None:
    """The slot, 1 to 4, that a key has, also where it was revoked; None where it has none."""
    for slot, delegate in enumerate(view.tab.delegates, 1):
        if delegate.status and delegate.key == bytes(key):
            return slot
    return None


def slot_for(view: TabView, key: Pubkey) -> int:
    """The slot that a key has, else the first free one. Raises `NoFreeSlot`."""
    held = slot_of(view, key)
    if held is not None:
        return held
    for slot, delegate in enumerate(view.tab.delegates, 1):
        if delegate.status == DelegateStatus.FREE:
            return slot
    raise NoFreeSlot(f"Tab {view.address} has no free slot for a delegate", got=f"{len(view.tab.delegates)} taken")


def holds_terms(delegate: Delegate, terms: DelegateTerms) -> bool:
    """Whether a slot holds these terms as they were set: active, and nothing spent yet."""
    return (
        delegate.status == DelegateStatus.ACTIVE
        and delegate.period_spent == 0
        and DelegateTerms(
            key=Pubkey(delegate.key),
            allowance=delegate.allowance,
            period_limit=delegate.period_limit,
            period_length=delegate.period_length,
            lane_limit=delegate.lane_limit,
            expires_at=delegate.expires_at,
            classes=delegate.classes,
        )
        == terms
    )
