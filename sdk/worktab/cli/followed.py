"""What `worktab events` follows: all networks, one of them, a tab, a device or a payout wallet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

from solders.pubkey import Pubkey

from worktab.chain.protocol import Chain
from worktab.cli.output import warn
from worktab.cli.parsing import address
from worktab.core.errors import InputError
from worktab.program.generated.accounts import Device, Tab
from worktab.roles.errors import DeviceNotFound, TabNotFound
from worktab.roles.events import NetworkEvents, ProgramEvents
from worktab.roles.party_events import DeviceEvents, PayoutEvents, TabEvents
from worktab.roles.reading import NetworkReader


class _Kind(Enum):
    NETWORK = "NETWORK"
    TAB = "--tab"
    DEVICE = "--device"
    PAYOUT = "--payout"


@dataclass(frozen=True, slots=True)
class Followed:
    """Whose events to give; `address` is None for those of all networks."""

    kind: _Kind
    address: Pubkey | None
    sales: bool

    @classmethod
    def named(
        cls, network: str | None, tab: str | None, device: str | None, payout: str | None, *, sales: bool
    ) -> Self:
        """What the command line names. Raises `InputError`."""
        given = {_Kind.NETWORK: network, _Kind.TAB: tab, _Kind.DEVICE: device, _Kind.PAYOUT: payout}
        named = {kind: address(text, kind.value) for kind, text in given.items() if text is not None}
        if len(named) > 1 or (sales and network is None):
            raise InputError(
                "It is not clear whose events to show",
                expected="NETWORK, to which --sales can be added, or --tab, or --device, or --payout",
            )
        kind, where = next(iter(named.items()), (_Kind.NETWORK, None))
        return cls(kind, where, sales)

    async def check(self, chain: Chain, program: Pubkey) -> None:
        """Look at the address: where it is mistyped nothing ever happens, which looks like silence.

        Raises `NetworkNotFound`, `WrongCluster`, `TabNotFound`, `DeviceNotFound`. A tab or a device that is gone is
        worth a warning only, and a wallet need not be there at all.
        """
        if self.address is None or self.kind is _Kind.PAYOUT:
            return
        if self.kind is _Kind.NETWORK:
            await NetworkReader(chain, self.address, program_id=program).network()
            return
        wanted, missing = (Tab, TabNotFound) if self.kind is _Kind.TAB else (Device, DeviceNotFound)
        held, name = await chain.account(self.address), wanted.__name__.lower()
        if held is None or not held.data:
            warn(f"there is no {name} at {self.address} now; what happened to it before comes all the same")
        elif held.owner != program or not held.data.startswith(wanted.DISCRIMINATOR):
            raise missing(f"There is no {name} at {self.address}", got=f"an account of {held.owner}")

    def feed(self, chain: Chain, **options: Any) -> ProgramEvents:
        """The feed of these events; `options` as it takes them."""
        if self.address is None or self.kind is _Kind.NETWORK:
            return NetworkEvents(chain, self.address, sales=self.sales, **options)
        return _FEEDS[self.kind](chain, self.address, **options)


_FEEDS: Final[dict[_Kind, Callable[..., ProgramEvents]]] = {
    _Kind.TAB: TabEvents,
    _Kind.DEVICE: DeviceEvents,
    _Kind.PAYOUT: PayoutEvents,
}
