"""What a tab holds, what was spent from it, and what each delegate may still spend."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.program.generated.types import Delegate
from worktab.roles.decoding import known
from worktab.roles.tabs import DelegateStatus, Lane, TabView


@dataclass(frozen=True, slots=True)
class DelegateSpending:
    """A delegate at one moment. Amounts in base units, times in Unix seconds.

    slot            1 to 4
    allowance       what it may still spend in all
    period_left     what it may still spend in the present period; None where no period limits it
    period_ends_at  when that period ends; None likewise
    lane_limit      the most one of its lanes may hold and have paid together
    expires_at      from when on it may no longer spend; 0 for never
    expired         whether that is now
    lanes           lanes that name it
    classes         classes of devices it may buy from: bit n for class n
    """

    slot: int
    key: Pubkey
    status: DelegateStatus
    allowance: int
    period_left: int | None
    period_ends_at: int | None
    lane_limit: int
    expires_at: int
    expired: bool
    lanes: int
    classes: int

    @property
    def available(self) -> int:
        """The most it may reserve or pay now, as far as its own limits go; the tab must hold it as well."""
        if self.status is not DelegateStatus.ACTIVE or self.expired:
            return 0
        return self.allowance if self.period_left is None else min(self.allowance, self.period_left)


@dataclass(frozen=True, slots=True)
class Spending:
    """A tab at one moment. Amounts in base units; `deposited`, `withdrawn` and `spent` in the tab's lifetime.

    balance   free to be withdrawn, reserved or paid
    reserved  set aside on lanes and not yet moved
    spent     moved to devices, less refunds
    """

    now: int
    balance: int
    reserved: int
    deposited: int
    withdrawn: int
    spent: int
    delegates: tuple[DelegateSpending, ...]
    lanes: tuple[Lane, ...]


def spending_of(view: TabView, now: int) -> Spending:
    """The spending of a tab at `now`, the chain's clock in Unix seconds. Free slots are left out.

    Raises `EncodingError` for a delegate's status that this release does not know.
    """
    tab = view.tab
    return Spending(
        now=now,
        balance=tab.balance,
        reserved=view.reserved,
        deposited=tab.deposited,
        withdrawn=tab.withdrawn,
        spent=view.spent,
        delegates=tuple(
            _delegate(slot, delegate, now) for slot, delegate in enumerate(tab.delegates, 1) if delegate.status
        ),
        lanes=view.lanes,
    )


def _delegate(slot: int, delegate: Delegate, now: int) -> DelegateSpending:
    left = ends_at = None
    if delegate.period_length:
        # As the program counts: a clock that steps back never opens a period anew.
        period = max((now - delegate.set_at) // delegate.period_length, delegate.period)
        spent = delegate.period_spent if period == delegate.period else 0
        left = max(delegate.period_limit - spent, 0)
        ends_at = delegate.set_at + (period + 1) * delegate.period_length
    return DelegateSpending(
        slot=slot,
        key=Pubkey(delegate.key),
        status=known(DelegateStatus, delegate.status, "delegate's status"),
        allowance=delegate.allowance,
        period_left=left,
        period_ends_at=ends_at,
        lane_limit=delegate.lane_limit,
        expires_at=delegate.expires_at,
        expired=delegate.expires_at != 0 and now >= delegate.expires_at,
        lanes=delegate.lanes,
        classes=delegate.classes,
    )
