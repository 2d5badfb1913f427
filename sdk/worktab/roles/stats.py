"""What a network and its devices did, and what they are owed.

Kept apart throughout, because they prove different things:

jobs, units        what devices reported by receipts. Their word, but for WASM fuel, which anyone with the records can
                   check by running the jobs again. An owner can report work that nobody asked for
units_sold         what consumers signed or paid for, refunds taken off. Each sale paid the network's fee and burn, so
                   faking demand costs that much of the revenue shown, and nothing where both are 0
units_self_sold    the part that a device's own owner bought under its own key. It proves little when it is 0: the
                   same person can buy with another key
revenue            what consumers paid, before fee and burn, refunds taken off. As good as units sold
fees_paid, burned  what claims really took out of revenue: each base unit of it was given away, whoever bought. An owner
                   who buys from itself under any name pays just this. An authority that does gets its fee back, and
                   where units sold are rewarded, the pool gives back as much at most
guarantees         bonds, SLAs and disputes; see `trust_stats`
rewards            paid or owed by the network's own rules; says nothing about demand
utilisation        units counted in this epoch against the capacity that devices announced, which nobody checks
roots              what most attestors agreed on: receipts that were posted off the chain, and the rewards for them. As
                   good as these attestors; the records that they re-executed agree to the unit, or count as failed

A kind of key, status, meter, class, reward path or basis that this release does not know raises `EncodingError`.
"""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.core.keys import KeyKind
from worktab.core.records import Meter
from worktab.program.generated.accounts import Device, Network
from worktab.program.generated.types import Class
from worktab.roles.decoding import class_of, known
from worktab.roles.forecast import capacity_in, class_epoch, epoch_at, share_in, spent_in, total_capacity_in
from worktab.roles.root_stats import RootStats, root_stats
from worktab.roles.snapshots import DeviceTable, Snapshot
from worktab.roles.terms import DeviceStatus, Pause, RewardBasis, RewardPath
from worktab.roles.trust_stats import DeviceGuarantees, NetworkGuarantees, device_guarantees, network_guarantees


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Units counted in an epoch against the capacity in it, in work units.

    Only units within a device's capacity are counted: those reported, or, where units sold are rewarded, those that
    claims rewarded. A network on the path of roots counts none on chain.
    """

    units: int
    capacity: int

    @property
    def bps(self) -> int:
        """Basis points, rounded down; 0 without any capacity."""
        return self.units * 10_000 // self.capacity if self.capacity else 0


@dataclass(frozen=True, slots=True)
class ClassStats:
    """One class in the present epoch. Amounts in base units, rate per 1,000,000 work units.

    `max_capacity` is the most one device may announce, `least_bond` what it needs for any,
    `budget_left` is what the class may still be paid in this epoch, and `next_capacity` its capacity in the next.
    """

    number: int
    meter: Meter
    rate: int
    max_capacity: int
    least_bond: int
    budget: int
    budget_left: int
    devices: int
    utilisation: Utilisation
    next_capacity: int


@dataclass(frozen=True, slots=True)
class NetworkStats:
    """A network at one moment. Amounts in base units of the mint, times in Unix seconds.

    epoch, epoch_ends_at   the present epoch and its end
    devices                registered and not closed
    jobs, units            reported by receipts, in the network's lifetime
    units_sold             sold, in the network's lifetime; `units_self_sold` by owners to themselves
    revenue                of all devices, before fee and burn, in the network's lifetime
    earnings_owed          the part of it not claimed yet
    fees_paid, burned      taken out of claimed earnings, in the network's lifetime
    fees                   the part of the fees that is not collected yet
    fee_bps, burn_bps      what claimed earnings pay now, in basis points
    rewards_accrued        in the network's lifetime
    rewards_owed           accrued and not claimed, those of roots included
    pool_free              free to be earned
    utilisation            of all classes together in the present epoch; None where they measure in different units
    guarantees             bonds, SLAs and disputes
    roots                  on the path of roots, else None. Their rewards are part of those accrued and owed; the units
                           of receipts that were recorded on chain as well are part of theirs

    The network itself counts sales at claims; what its devices have not claimed yet is added here, so the totals are
    those of the moment of the snapshot. Only units refunded after they were claimed stay in the network's total,
    until the device has sold as many again.
    """

    address: Pubkey
    mint: Pubkey
    decimals: int
    reward_path: RewardPath
    basis: RewardBasis
    pause: Pause
    now: int
    epoch: int
    epoch_ends_at: int
    devices: int
    jobs: int
    units: int
    units_sold: int
    units_self_sold: int
    revenue: int
    earnings_owed: int
    fees_paid: int
    burned: int
    fees: int
    fee_bps: int
    burn_bps: int
    rewards_accrued: int
    rewards_owed: int
    pool_free: int
    utilisation: Utilisation | None
    classes: tuple[ClassStats, ...]
    guarantees: NetworkGuarantees
    roots: RootStats | None

    @property
    def paid_away_bps(self) -> int:
        """The share of the revenue that fee and burn really took so far; basis points, rounded down."""
        return _paid_away_bps(self)


@dataclass(frozen=True, slots=True)
class DeviceStats:
    """A device at one moment. Amounts in base units, units and capacities in work units, times in Unix seconds.

    jobs, units      reported by receipts, in the device's lifetime
    units_sold       sold, in the device's lifetime; `units_self_sold` to its own owner
    revenue          from consumers, before fee and burn, in the device's lifetime
    earnings_owed    the part of it not claimed yet
    fees_paid        taken out of the part that was claimed, as `burned`
    rewards_accrued  in the device's lifetime
    rewards_owed     accrued and not claimed
    epoch_rewards    accrued in the present epoch, of `epoch_share` at most
    utilisation      in the present epoch
    next_capacity    from the next epoch on
    last_receipt_at  0 before the first receipt
    guarantees       its bond, its SLAs and the disputes about it
    """

    address: Pubkey
    index: int
    owner: Pubkey
    payout: Pubkey
    key_kind: KeyKind
    work_class: int
    status: DeviceStatus
    jobs: int
    units: int
    units_sold: int
    units_self_sold: int
    revenue: int
    earnings_owed: int
    fees_paid: int
    burned: int
    rewards_accrued: int
    rewards_owed: int
    epoch_rewards: int
    epoch_share: int
    utilisation: Utilisation
    next_capacity: int
    last_receipt_at: int
    guarantees: DeviceGuarantees

    @property
    def paid_away_bps(self) -> int:
        """The share of the revenue that fee and burn really took so far; basis points, rounded down."""
        return _paid_away_bps(self)


def network_stats(snapshot: Snapshot) -> NetworkStats:
    """The statistics of a network from a snapshot (`NetworkReader.snapshot`)."""
    network, devices, now = snapshot.network, snapshot.devices, snapshot.now
    earnings_owed = devices.total("earnings_owed")
    uncounted, self_uncounted = _uncounted(devices)
    epoch = epoch_at(network, now)
    in_use = [(number, each) for number, each in enumerate(network.classes) if each.meter]
    classes = tuple(_class_stats(snapshot, number, each) for number, each in in_use)
    return NetworkStats(
        address=snapshot.address,
        mint=network.mint,
        decimals=network.decimals,
        reward_path=known(RewardPath, network.reward_path, "reward path"),
        basis=known(RewardBasis, network.basis, "basis"),
        pause=Pause(network.pause),
        now=now,
        epoch=epoch,
        epoch_ends_at=network.created_at + (epoch + 1) * network.epoch_length,
        devices=len(devices),
        jobs=network.total_jobs,
        units=network.total_units,
        units_sold=network.total_units_sold + uncounted,
        units_self_sold=network.total_units_self_sold + self_uncounted,
        revenue=network.total_revenue + earnings_owed,
        earnings_owed=earnings_owed,
        fees_paid=network.total_fees,
        burned=network.total_burned,
        fees=network.fees,
        fee_bps=network.fee_bps,
        burn_bps=network.burn_bps,
        rewards_accrued=network.total_rewards,
        rewards_owed=network.pool_owed,
        pool_free=network.pool_free,
        utilisation=_together(classes),
        classes=classes,
        guarantees=network_guarantees(network, devices),
        roots=root_stats(network),
    )


def stats_of_devices(snapshot: Snapshot) -> list[DeviceStats]:
    """The statistics of every device in a snapshot (`NetworkReader.snapshot`), in the order of their index."""
    return [device_stats(address, each, snapshot.network, snapshot.now) for address, each in snapshot.devices]


def device_stats(address: Pubkey, device: Device, network: Network, now: int) -> DeviceStats:
    """The statistics of one device of `network` at `now`, the chain's clock in Unix seconds."""
    work_class = class_of(network, device)
    epoch = class_epoch(work_class, network, now)
    counted = device.epoch == epoch
    return DeviceStats(
        address=address,
        index=device.index,
        owner=device.owner,
        payout=device.payout,
        key_kind=known(KeyKind, device.key_kind, "key kind"),
        work_class=device.class_,
        status=known(DeviceStatus, device.status, "status"),
        jobs=device.seq,
        units=device.units,
        units_sold=device.units_sold,
        units_self_sold=device.units_self_sold,
        revenue=device.revenue_claimed + device.earnings_owed,
        earnings_owed=device.earnings_owed,
        fees_paid=device.fees_paid,
        burned=device.burned,
        rewards_accrued=device.lifetime_rewards,
        rewards_owed=device.rewards_owed,
        epoch_rewards=device.epoch_rewards if counted else 0,
        epoch_share=share_in(device, work_class, epoch),
        utilisation=Utilisation(device.epoch_units if counted else 0, capacity_in(device, epoch)),
        next_capacity=capacity_in(device, epoch + 1),
        last_receipt_at=device.last_receipt_at,
        guarantees=device_guarantees(device),
    )


def _paid_away_bps(stats: NetworkStats | DeviceStats) -> int:
    return (stats.fees_paid + stats.burned) * 10_000 // stats.revenue if stats.revenue else 0


def _uncounted(devices: DeviceTable) -> tuple[int, int]:
    """Units sold that the network does not count yet, and those of them sold to owners; as the program counts them."""
    rows, everything, own = devices.rows, 0, 0
    names = ("units_sold", "units_counted", "units_self_sold", "self_units_counted")
    for sold, counted, self_sold, self_counted in zip(*(rows[name].tolist() for name in names), strict=True):
        fresh = max(sold - counted, 0)
        everything += fresh
        own += min(max(self_sold - self_counted, 0), fresh)
    return everything, own


def _class_stats(snapshot: Snapshot, number: int, work_class: Class) -> ClassStats:
    epoch = class_epoch(work_class, snapshot.network, snapshot.now)
    rows = snapshot.devices.rows
    counted = rows["epoch_units"][(rows["class_"] == number) & (rows["epoch"] == epoch)]
    return ClassStats(
        number=number,
        meter=known(Meter, work_class.meter, "meter"),
        rate=work_class.rate,
        max_capacity=work_class.max_capacity,
        least_bond=work_class.least_bond,
        budget=work_class.budget,
        budget_left=max(work_class.budget - spent_in(work_class, epoch), 0),
        devices=work_class.devices,
        utilisation=Utilisation(sum(counted.tolist()), total_capacity_in(work_class, epoch)),
        next_capacity=work_class.next_total_capacity,
    )


def _together(classes: tuple[ClassStats, ...]) -> Utilisation | None:
    if len({each.meter for each in classes}) > 1:
        return None
    used = [each.utilisation for each in classes]
    return Utilisation(sum(each.units for each in used), sum(each.capacity for each in used))
