"""What a dispute costs its challenger, and where a slash goes: the program's own arithmetic (PROTOCOL section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.core.money import WHOLE_BPS
from worktab.program.generated.accounts import Device, Network
from worktab.roles.accusations import Shown

_POOL_PART = 4
_UNDECIDED_PART = 10


@dataclass(frozen=True, slots=True)
class Stakes:
    """What a dispute of one record moves, in base units.

    deposit     out of the challenger's tab; back where the device is guilty, else the bond's
    slash       out of the bond of a guilty device: all that follows but the deposit
    consumer    made whole for the record
    challenger  on top of the deposit
    pool        a quarter of the slash at least, and what is left
    undecided   of the deposit, kept by the bond where attestors do not decide
    forfeited   rewards owed to the device that go back to the pool
    """

    deposit: int
    slash: int
    consumer: int
    challenger: int
    pool: int
    undecided: int
    forfeited: int


def stakes_of(network: Network, device: Device, shown: Shown | None, *, deposit: int | None = None) -> Stakes:
    """What a guilty verdict would move now; `deposit` is that of a dispute that is open already.

    Where no record is shown, nobody is made whole.
    """
    staked = network.dispute_deposit if deposit is None else deposit
    total = min(device.bond * network.slash_bps // WHOLE_BPS, device.bond - device.bond_held)
    shared = total - -(-total // _POOL_PART)
    owed = shown.record.amount if shown is not None and any(shown.record.tab) else 0
    consumer = min(owed, shared)
    challenger = min(staked, shared - consumer)
    return Stakes(
        deposit=staked,
        slash=total,
        consumer=consumer,
        challenger=challenger,
        pool=total - consumer - challenger,
        undecided=staked // _UNDECIDED_PART,
        forfeited=device.rewards_owed,
    )
