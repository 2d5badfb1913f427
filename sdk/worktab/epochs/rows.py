"""The rows of an epoch's data: those of the previous data, and what the counted receipts change of them."""

from __future__ import annotations

import numpy as np

from worktab.epochs.data import EpochData
from worktab.epochs.layout import DEVICE, PAYEE
from worktab.epochs.matching import NONE, Matches, distinct, places
from worktab.ingest.kept import addresses
from worktab.ingest.rows import Rows, messages


def carry_on(
    previous: EpochData | None,
    matches: Matches,
    at: Rows,
    receipts: Rows,
    rewards: Rows,
    carry: Rows,
    epoch: int,
) -> tuple[Rows, Rows]:
    """`PAYEE` rows without rewards and roots, and `DEVICE` rows, after these receipts of devices at these places.

    Args:
        rewards, carry: for each receipt its reward and the device's new carry.
    """
    old = np.zeros(0, DEVICE) if previous is None else np.array(previous.devices)
    payouts, positions = _positions(previous, matches.agreed["payout"][at])
    active, state = matches.active[at], matches.state[at]
    target = _targets(old, matches, at, positions)
    # What a device leaves behind takes nothing any more, and its carry goes with it.
    left = active[(active != NONE) & (active != target)]
    old["active"][left] = 0
    old["carry"][state[(state != NONE) & (state != target)]] = 0
    fresh = np.zeros(int((target == NONE).sum()), DEVICE)
    devices = np.concatenate((old, fresh)) if len(fresh) else old
    target[target == NONE] = np.arange(len(old), len(devices))
    fields = messages(receipts)
    devices["device"][target], devices["position"][target] = receipts["device"], positions
    devices["units"][target] += fields["units"] - matches.start[at]
    devices["reward"][target] += rewards
    devices["carry"][target] = carry
    for name, source in (("seq", "seq"), ("chain_units", "units"), ("time", "time"), ("head", "head")):
        devices[name][target] = fields[source]
    devices["last_epoch"][target], devices["active"][target] = epoch, 1
    for name in ("index", "class", "enrolled", "key_kind", "key", "capacity", "baseline", "serial"):
        devices[name][target] = matches.agreed[name][at]
    return _payees(payouts, devices), _ordered(devices) if len(fresh) else devices


def _positions(previous: EpochData | None, wanted: Rows) -> tuple[Rows, Rows]:
    """All payouts by position, and the positions of those wanted: those of the previous data stay, new ones follow in
    the order of their bytes."""
    held = np.zeros((0, 32), "u1") if previous is None else previous.payees["payout"]
    names = addresses(held)
    order = np.argsort(names, kind="stable")
    wallets, of_wallet = distinct(addresses(wanted))
    known = places(names[order], wallets)
    positions = np.zeros(len(wallets), "<u4")
    positions[known != NONE] = order[known[known != NONE]]
    new = np.flatnonzero(known == NONE)
    positions[new] = np.arange(len(held), len(held) + len(new))
    added = wallets[new].view("u1").reshape(-1, 32) if len(new) else np.zeros((0, 32), "u1")
    return np.concatenate((held, added)), positions[of_wallet]


def _targets(old: Rows, matches: Matches, at: Rows, positions: Rows) -> Rows:
    """The row that takes each receipt: of this payee, index and device; `NONE` for a new one."""
    active = matches.active[at]
    target = np.full(len(at), NONE, np.int64)
    held = np.flatnonzero(active != NONE)
    index = matches.agreed["index"][at]
    here = (old["position"][active[held]] == positions[held]) & (old["index"][active[held]] == index[held])
    target[held[here]] = active[held[here]]
    moved = held[~here]
    frozen = np.flatnonzero(old["active"] == 0)
    names = addresses(old["device"][frozen])
    # A device may come back to a payee, or to an index, that it left.
    if len(moved) and len(frozen):
        rows = {
            (name, int(old["position"][row]), int(old["index"][row])): row
            for name, row in zip(names.tolist(), frozen.tolist(), strict=True)
        }
        for each in moved.tolist():
            name = matches.names[at[each]]
            target[each] = rows.get((bytes(name), int(positions[each]), int(index[each])), NONE)
    return target


def _payees(payouts: Rows, devices: Rows) -> Rows:
    payees = np.zeros(len(payouts), PAYEE)
    payees["payout"] = payouts
    counts = np.bincount(devices["position"], minlength=len(payouts))
    payees["devices"], payees["first"] = counts, np.cumsum(counts) - counts
    return payees


def _ordered(devices: Rows) -> Rows:
    key = (devices["position"].astype(np.uint64) << np.uint64(32)) | devices["index"]
    return devices[np.lexsort((addresses(devices["device"]), key))]
