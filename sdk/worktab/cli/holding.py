"""What the chain and the ingests hold of a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worktab.cli.options import Cluster

if TYPE_CHECKING:
    from worktab.cli.connecting import Reading
    from worktab.cli.state import DeviceState
    from worktab.core.messages import Message
    from worktab.roles.reading import DeviceView


@dataclass(frozen=True, slots=True)
class Holding:
    """The newest receipt that is held of a device.

    where      an ingest's URL; None for the chain
    message    the receipt; None before the first
    signature  64 bytes; None on chain, which keeps none
    view       the device's account, its network and the chain's clock; None for an enrolled device
    """

    where: str | None
    message: Message | None
    signature: bytes | None
    view: DeviceView | None


def newest_held(
    here: DeviceState, urls: Sequence[str] | None, cluster: Cluster, doing: str, *, everywhere: bool = False
) -> Holding:
    """The receipt with the most jobs; of a registered device also the chain is asked, of an enrolled one only ingests.

    everywhere  see to it that no ingest is left out where receipts go to ingests

    Raises `IngestNeeded` where none was named and one is needed, and what reading raises.
    """
    from worktab.cli.connecting import read
    from worktab.cli.ingesting import connected, through_ingests
    from worktab.ingest.looking import newest_of
    from worktab.ingest.paths import IngestNeeded
    from worktab.roles.decoding import key_of
    from worktab.roles.forecast import pays_by_receipts

    enrolled = here.find_enrolment()
    if enrolled is not None:
        key, context = enrolled.signed.enrolment.key, enrolled.receipt_context
        found = through_ingests(
            urls, doing, lambda ingests: newest_of(ingests, device=here.device, key=key, context=context)
        )
        return Holding(None, None, None, None) if found is None else Holding(found[0].url, *found[1:], None)

    async def look(session: Reading) -> Holding:
        view = await session.device(here.device)
        held, on_chain = view.device, recorded(view)
        if everywhere and not urls and not pays_by_receipts(view.network, view.now):
            raise IngestNeeded("The network pays by roots, and ingests may hold newer receipts than the chain")
        async with connected(urls) as ingests:
            found = await newest_of(ingests, device=here.device, key=key_of(held), context=held.receipt_context)
        if found is None or found[1].seq <= held.seq:
            return Holding(None, on_chain, None, view)
        return Holding(found[0].url, found[1], found[2], view)

    return read(cluster, doing, look)


def recorded(view: DeviceView) -> Message | None:
    """The newest receipt on chain: the device's account holds all of its fields. None before the first."""
    from worktab.core.messages import Message

    held = view.device
    if held.seq == 0:
        return None
    return Message.receipt(held.receipt_context, held.seq, held.units, held.last_receipt_at, held.head)
