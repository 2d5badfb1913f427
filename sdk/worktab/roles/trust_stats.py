"""What devices have at stake, which promises they kept, and what became of accusations (PROTOCOL section 5).

bond           base units that answer for the device: what lying can cost. It proves no work
SLAs kept      what a consumer other than the owner was promised, delivered: vouchers paid for it. The consumer may be a
               friend, and the promise small: look at what was due (event SlaOpened)
SLAs missed    not delivered in time, and not excused by attestors. A consumer can withhold vouchers, and an owner who
               does not contest that has itself to blame
disputes       guilty: enough attestors agreed about a record that the device signed. As good as these attestors. None
               says only that nobody accused
"""

from __future__ import annotations

from dataclasses import dataclass

from worktab.program.generated.accounts import Device, Network
from worktab.roles.snapshots import DeviceTable


@dataclass(frozen=True, slots=True)
class DeviceGuarantees:
    """A device's bond and record. Amounts in base units, times in Unix seconds.

    bond           of it SLAs hold `bond_held`; `bond_leaving` is on its way out, and may be paid out at `leaves_at`
                   (0 when nothing leaves). What leaves answers for the device meanwhile, what is held for its SLA
    slas_kept      ended with everything delivered; `slas_missed` without, `slas_open` not yet. Contested ones that
                   attestors did not decide against the device are excused and count nowhere
    open_disputes  accusations that are not decided
    """

    bond: int
    bond_held: int
    bond_leaving: int
    leaves_at: int
    slas_open: int
    slas_kept: int
    slas_missed: int
    open_disputes: int


@dataclass(frozen=True, slots=True)
class NetworkGuarantees:
    """A network's bonds, SLAs and disputes. Amounts in base units.

    bonds, bonds_held, bonds_leaving     of all devices
    slas_open, slas_kept, slas_missed    of the devices that are registered; a device that is closed takes its own along
    disputes_open                        not decided yet
    disputes_guilty, disputes_not_guilty decided, in the network's lifetime; those that nobody decided count nowhere
    slashed                              taken from bonds by disputes, in the network's lifetime
    """

    bonds: int
    bonds_held: int
    bonds_leaving: int
    slas_open: int
    slas_kept: int
    slas_missed: int
    disputes_open: int
    disputes_guilty: int
    disputes_not_guilty: int
    slashed: int


def device_guarantees(device: Device) -> DeviceGuarantees:
    """A device's bond and record."""
    return DeviceGuarantees(
        bond=device.bond,
        bond_held=device.bond_held,
        bond_leaving=device.unbonding,
        leaves_at=device.unbonding_at,
        slas_open=device.open_slas,
        slas_kept=device.slas_kept,
        slas_missed=device.slas_missed,
        open_disputes=device.open_disputes,
    )


def network_guarantees(network: Network, devices: DeviceTable) -> NetworkGuarantees:
    """What a network and all its devices come to."""
    return NetworkGuarantees(
        bonds=devices.total("bond"),
        bonds_held=devices.total("bond_held"),
        bonds_leaving=devices.total("unbonding"),
        slas_open=devices.total("open_slas"),
        slas_kept=devices.total("slas_kept"),
        slas_missed=devices.total("slas_missed"),
        disputes_open=devices.total("open_disputes"),
        disputes_guilty=network.disputes_guilty,
        disputes_not_guilty=network.disputes_not_guilty,
        slashed=network.total_slashed,
    )
