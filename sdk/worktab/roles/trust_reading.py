"""Reading what a network's devices promised, and what they are accused of: SLAs and disputes (PROTOCOL section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey

from worktab.chain.protocol import Memcmp
from worktab.core._checks import Bytes32
from worktab.core.addresses import find_dispute, find_sla
from worktab.program.generated import accounts as state
from worktab.program.structs import Account
from worktab.roles.errors import DisputeNotFound, SlaNotFound
from worktab.roles.root_reading import RootReader, existing

OPEN = 0
"""Value of `Dispute.verdict` while a dispute is open."""


@dataclass(frozen=True, slots=True)
class SlaView:
    """An SLA's account and its address. It closes when it ends, so whatever is read has not ended."""

    address: Pubkey
    account: state.Sla


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute's account and its address. It closes when it ends, unless it ended guilty."""

    address: Pubkey
    account: state.Dispute

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.account.verdict == OPEN


class TrustReader(RootReader):
    """The part of `NetworkReader` that reads SLAs and disputes."""

    def sla_address(self, tab: Pubkey, nonce: int) -> Pubkey:
        """The address of the SLA on one lane of a tab, by the lane's nonce."""
        return find_sla(self.program_id, tab, nonce)[0]

    async def sla(self, address: Pubkey) -> SlaView | None:
        """An SLA; None where there is no account, since it ended or never was. Raises `SlaNotFound` for any other."""
        account = existing(await self.chain.account(address))
        if account is None:
            return None
        sla = self._decoded(account, state.Sla)
        if sla is None:
            raise SlaNotFound(f"There is no SLA at {address}", got=f"an account of {account.owner}")
        if sla.network != self.address:
            raise SlaNotFound(f"SLA {address} is in another network", expected=str(self.address), got=str(sla.network))
        return SlaView(address, sla)

    async def slas(self, *, tab: Pubkey | None = None, device: Pubkey | None = None) -> list[SlaView]:
        """The network's SLAs that have not ended, or those of one tab, of one device; by deadline."""
        filters = _of({"network": self.address, "tab": tab, "device": device}, state.Sla)
        found = await self.chain.program_accounts(self.program_id, filters)
        views = [SlaView(address, state.Sla.decode(account.data)) for address, account in found]
        return sorted(views, key=lambda view: (view.account.deadline, bytes(view.address)))

    def dispute_address(self, device: Pubkey, seq: int, record_hash: Bytes32) -> Pubkey:
        """The address of the dispute about a device's record, by its place in the chain and its hash."""
        return find_dispute(self.program_id, device, seq, record_hash)[0]

    async def dispute(self, address: Pubkey) -> DisputeView | None:
        """A dispute; None where there is no account, since it ended without guilt or never was.

        Raises `DisputeNotFound` for any other account.
        """
        account = existing(await self.chain.account(address))
        if account is None:
            return None
        dispute = self._decoded(account, state.Dispute)
        if dispute is None:
            raise DisputeNotFound(f"There is no dispute at {address}", got=f"an account of {account.owner}")
        if dispute.network != self.address:
            raise DisputeNotFound(
                f"Dispute {address} is in another network", expected=str(self.address), got=str(dispute.network)
            )
        return DisputeView(address, dispute)

    async def disputes(self, *, device: Pubkey | None = None, open_only: bool = True) -> list[DisputeView]:
        """The network's disputes, or those about one device, by deadline; those that ended guilty only if asked for."""
        filters = _of({"network": self.address, "device": device}, state.Dispute)
        if open_only:
            filters.append(Memcmp(state.Dispute.OFFSETS["verdict"], bytes([OPEN])))
        found = await self.chain.program_accounts(self.program_id, filters)
        views = [DisputeView(address, state.Dispute.decode(account.data)) for address, account in found]
        return sorted(views, key=lambda view: (view.account.deadline, bytes(view.address)))


def _of(wanted: Mapping[str, Pubkey | None], kind: type[Account]) -> list[Memcmp]:
    """What finds accounts of a kind whose fields hold the addresses that are given."""
    named = [Memcmp(kind.OFFSETS[name], bytes(key)) for name, key in wanted.items() if key is not None]
    return [Memcmp(0, kind.DISCRIMINATOR), *named]
