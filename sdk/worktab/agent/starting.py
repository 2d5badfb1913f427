"""What must hold before a daemon sells: its key is the device's, and its history the one that the chain has."""

from __future__ import annotations

from dataclasses import replace

from worktab.agent.errors import WrongKey
from worktab.core.keys import DeviceKey
from worktab.roles.decoding import key_of
from worktab.roles.device import Device
from worktab.work.spool import Spool


async def require_own_history(device: Device, spool: Spool) -> None:
    """See that what the daemon would sign is what buyers and the chain take from this device.

    Raises `WrongKey` where the key is not the device's, `StateError` where the chain knows jobs that the spool does
    not hold, so that a second history would begin, and what reading the device raises.
    """
    view = await device.view()
    key = key_of(view.device)
    if device.signer.public != key:
        raise WrongKey("The key is not the device's", expected=_told(key), got=_told(device.signer.public))
    spool.confirm(replace(spool.state(), seq=view.device.seq, units=view.device.units, head=view.device.head))


def _told(key: DeviceKey) -> str:
    return f"the {key.kind.name.lower()} key {key.public_bytes.hex()}"
