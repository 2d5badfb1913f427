"""What must hold before a daemon sells: its key is the device's, and its history the one that the chain has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from worktab.agent.errors import MissingSetting, WrongKey
from worktab.core.keys import DeviceKey
from worktab.ingest.looking import Ingest, require_known
from worktab.roles.decoding import key_of
from worktab.roles.device import Device
from worktab.roles.forecast import pays_by_receipts
from worktab.work.spool import Spool


async def require_own_history(device: Device, spool: Spool, ingests: Sequence[Ingest] = ()) -> None:
    """See that what the daemon would sign is what buyers, the chain and ingests take from this device.

    Raises `WrongKey` where the key is not the device's, `StateError` where the chain or an ingest that answers knows
    jobs that the spool does not hold, so that a second history would begin, `MissingSetting` where receipts would go
    to ingests and there is none, and what reading the device raises.
    """
    view = await device.view()
    key = key_of(view.device)
    if device.signer.public != key:
        raise WrongKey("The key is not the device's", expected=_told(key), got=_told(device.signer.public))
    if not ingests and not pays_by_receipts(view.network, view.now):
        raise MissingSetting("ingest")
    spool.confirm(replace(spool.state(), seq=view.device.seq, units=view.device.units, head=view.device.head))
    await require_known(spool, ingests, device=view.address, signer=device.signer, context=view.device.receipt_context)


def _told(key: DeviceKey) -> str:
    return f"the {key.kind.name.lower()} key {key.public_bytes.hex()}"
