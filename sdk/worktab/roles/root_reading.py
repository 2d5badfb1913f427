"""Reading what a network's roots leave on chain: commitments, and the pages of what payees have claimed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from solders.pubkey import Pubkey

from worktab.chain.protocol import AccountData, Chain, Memcmp
from worktab.core.addresses import SYSTEM_PROGRAM_ID, find_page
from worktab.core.errors import EncodingError
from worktab.program.bulk import decode_many
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.structs import Account
from worktab.roles.commitments import EpochView
from worktab.roles.errors import EpochNotFound

if TYPE_CHECKING:
    from numpy.typing import NDArray

A = TypeVar("A", bound=Account)

PAYEES_A_PAGE = 1_024
"""Payees whose claims one Page account counts."""


class RootReader:
    """The part of `NetworkReader` that reads commitments and pages."""

    def __init__(self, chain: Chain, address: Pubkey, *, program_id: Pubkey = PROGRAM_ID) -> None:
        self.chain = chain
        self.address = address
        self.program_id = program_id

    async def epoch(self, address: Pubkey) -> EpochView:
        """A commitment to an epoch's root. Raises `EpochNotFound`."""
        view = await self.find_epoch(address)
        if view is None:
            raise EpochNotFound(f"There is no commitment at {address}", got="no account")
        return view

    async def find_epoch(self, address: Pubkey) -> EpochView | None:
        """A commitment; None where there is no account. Raises `EpochNotFound` for any other account."""
        account = existing(await self.chain.account(address))
        if account is None:
            return None
        epoch = self._decoded(account, state.Epoch)
        if epoch is None:
            raise EpochNotFound(f"There is no commitment at {address}", got=f"an account of {account.owner}")
        if epoch.network != self.address:
            raise EpochNotFound(
                f"Commitment {address} is in another network", expected=str(self.address), got=str(epoch.network)
            )
        return EpochView(address, epoch)

    async def epochs(self) -> list[EpochView]:
        """All commitments of the network that are neither final nor closed, by epoch and time of commit."""
        filters = [Memcmp(0, state.Epoch.DISCRIMINATOR + bytes(self.address))]
        found = await self.chain.program_accounts(self.program_id, filters)
        views = [EpochView(address, state.Epoch.decode(account.data)) for address, account in found]
        return sorted(views, key=lambda view: (view.account.index, view.account.committed_slot, bytes(view.address)))

    def page_address(self, number: int) -> Pubkey:
        """The address of a page of 1,024 payees' claims."""
        return find_page(self.program_id, self.address, number)[0]

    async def pages(self, numbers: Sequence[int]) -> dict[int, state.Page | None]:
        """Pages by their numbers, None where one is not open."""
        found = await self.chain.accounts([self.page_address(number) for number in numbers])
        pages = [self._decoded(account, state.Page) if account is not None else None for account in found]
        return dict(zip(numbers, pages, strict=True))

    async def watermarks(self, count: int) -> NDArray[Any]:
        """Base units that each of the first `count` payees has claimed so far, as a u64 array in their order."""
        import numpy as np

        numbers = range(-(-count // PAYEES_A_PAGE))
        claimed = np.zeros((len(numbers), PAYEES_A_PAGE), dtype="<u8")
        found = await self.chain.accounts([self.page_address(number) for number in numbers])
        opened = [
            (number, account.data)
            for number, account in zip(numbers, found, strict=True)
            if account is not None and account.owner == self.program_id
        ]
        if opened:
            claimed[[number for number, _ in opened]] = decode_many(state.Page, [data for _, data in opened])["claimed"]
        return claimed.reshape(-1)[:count]

    def _decoded(self, account: AccountData, kind: type[A]) -> A | None:
        """An account of this kind; None where it is another."""
        try:
            return kind.decode(account.data) if account.owner == self.program_id else None
        except EncodingError:
            return None


def existing(account: AccountData | None) -> AccountData | None:
    """The account, None for what only holds lamports: anyone may send some to an address without an account."""
    if account is not None and not account.data and account.owner == SYSTEM_PROGRAM_ID:
        return None
    return account
