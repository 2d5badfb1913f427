"""What a receipt would earn if it were recorded now, and what the limits would take (PROTOCOL section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from worktab.core.money import epoch_index, reward, share
from worktab.program.generated.accounts import Device, Network
from worktab.program.generated.types import Class
from worktab.roles.decoding import class_of, known
from worktab.roles.terms import RewardBasis, RewardPath


class Limit(StrEnum):
    """What cuts a reward.

    CAPACITY  more new units than the device's capacity in this epoch still takes
    SHARE     the device's share of its class's budget in this epoch
    BUDGET    what its class's budget in this epoch has left
    POOL      what the pool has left
    """

    CAPACITY = "capacity"
    SHARE = "share"
    BUDGET = "budget"
    POOL = "pool"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a receipt would earn now. Amounts in base units.

    new_units      work units that it adds to the device's total
    eligible       those of them within the epoch's capacity
    full_reward    what `new_units` are worth without any limit
    reward         what would be accrued
    limits         the limits that cut it, the tightest on the amount; empty when nothing is cut
    next_epoch_at  when the next epoch starts, Unix seconds: capacity, share and budget are fresh then
    """

    new_units: int
    eligible: int
    full_reward: int
    reward: int
    limits: tuple[Limit, ...]
    next_epoch_at: int

    @property
    def cut(self) -> bool:
        """Whether the program records the receipt only with the consent of the device or its owner."""
        return bool(self.limits)

    @property
    def lost(self) -> int:
        """Base units that would be given up for good; 0 also where only part of a base unit is at stake."""
        return self.full_reward - self.reward


def epoch_at(network: Network, now: int) -> int:
    """The epoch at `now`; a clock before the network's creation counts as its creation."""
    return epoch_index(max(now, network.created_at), network.created_at, network.epoch_length)


def class_epoch(work_class: Class, network: Network, now: int) -> int:
    """The epoch in which the program would count now: a class never goes back to an earlier one."""
    return max(work_class.epoch, epoch_at(network, now))


def pays_by_receipts(network: Network, now: int) -> bool:
    """Whether a receipt recorded at `now` (Unix seconds) accrues a reward, as far as the path goes.

    A network that has moved to the path of roots still pays by receipts until its next epoch. Raises `EncodingError`
    for a path that this release does not know.
    """
    path = known(RewardPath, network.reward_path, "reward path")
    return path is RewardPath.RECEIPTS or epoch_at(network, now) < network.roots_from


def total_capacity_in(work_class: Class, epoch: int) -> int:
    """Capacity of all devices of a class in an epoch not before the class's own, in work units."""
    return work_class.next_total_capacity if epoch > work_class.epoch else work_class.total_capacity


def spent_in(work_class: Class, epoch: int) -> int:
    """Base units that a class has been paid in an epoch not before its own."""
    return 0 if epoch > work_class.epoch else work_class.spent


def capacity_in(device: Device, epoch: int) -> int:
    """A device's capacity in an epoch, in work units."""
    return device.next_capacity if epoch >= device.capacity_epoch else device.capacity


def share_in(device: Device, work_class: Class, epoch: int) -> int:
    """The most base units a device may earn in an epoch."""
    return share(work_class.budget, capacity_in(device, epoch), total_capacity_in(work_class, epoch))


def forecast(network: Network, device: Device, units: int, now: int) -> Forecast:
    """What a receipt over `units` lifetime work units would earn at `now` (Unix seconds).

    0 units are eligible once roots pay, and where only units sold are rewarded: receipts accrue nothing there,
    and nothing is cut. Raises `EncodingError` for a class, path or basis that this release does not know.
    """
    work_class = class_of(network, device)
    epoch = class_epoch(work_class, network, now)
    next_epoch_at = network.created_at + (epoch + 1) * network.epoch_length
    new_units = max(units - device.units, 0)
    basis = known(RewardBasis, network.basis, "basis")
    if not pays_by_receipts(network, now) or basis is not RewardBasis.ALL_UNITS:
        return Forecast(new_units, 0, 0, 0, (), next_epoch_at)

    fresh = epoch > device.epoch
    room = max(capacity_in(device, epoch) - (0 if fresh else device.epoch_units), 0)
    eligible = min(new_units, room)
    amount, _ = reward(device.carry, eligible, work_class.rate)
    full, _ = reward(device.carry, new_units, work_class.rate)
    ceilings = {
        Limit.SHARE: max(share_in(device, work_class, epoch) - (0 if fresh else device.epoch_rewards), 0),
        Limit.BUDGET: max(work_class.budget - spent_in(work_class, epoch), 0),
        Limit.POOL: network.pool_free,
    }
    ceiling = min(ceilings.values())
    limits = [Limit.CAPACITY] if eligible < new_units and work_class.rate else []
    if amount > ceiling:
        limits += [limit for limit, height in ceilings.items() if height == ceiling]
    return Forecast(new_units, eligible, full, min(amount, ceiling), tuple(limits), next_epoch_at)
