"""What keeps the account of a retired device open, and what its owner does about it."""

from __future__ import annotations

from collections.abc import Iterator

from solders.pubkey import Pubkey

from worktab.cli.output import Amount, Rows, When
from worktab.program.generated.accounts import Device


def kept_open(address: Pubkey, device: Device | None, decimals: int) -> Rows:
    """Each thing that keeps a device's account from closing, in the order in which to see to them.

    device  its account; None once it is closed

    `by` is `pay` or `bond`, with an amount in base units, or `slas` or `disputes`, with their number.
    """
    rows = [] if device is None else list(_rows(address, device, decimals))
    return Rows([{"by": by, "amount": amount, "next": step} for by, amount, step in rows], ("by", "amount", "next"))


def _rows(address: Pubkey, device: Device, decimals: int) -> Iterator[tuple[str, Amount | int, str]]:
    owed, chosen = device.rewards_owed + device.earnings_owed, f"{device.network} --device {address}"
    if device.open_disputes:
        yield "disputes", device.open_disputes, f"see how they stand: worktab dispute list {chosen}"
    if device.open_slas:
        ended = "deliver, or wait for the deadline, then: worktab sla enforce --network"
        yield "slas", device.open_slas, f"{ended} {chosen}"
    if owed:
        yield "pay", Amount(owed, decimals), f"worktab device claim {address}"
    if device.bond:
        yield "bond", Amount(device.bond, decimals), _freed(address, device)


def _freed(address: Pubkey, device: Device) -> str:
    """How the bond leaves: what is leaving first, since asking for more starts its delay again."""
    more = f"worktab bond withdraw {address} all" if device.unbonding < device.bond - device.bond_held else ""
    if not device.unbonding:
        return more or "SLAs hold it until they end"
    finish = f"from {When(device.unbonding_at)} on: worktab bond finish {address}"
    return f"{finish}; then: {more}" if more else finish
