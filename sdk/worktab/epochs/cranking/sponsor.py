"""Claims for everyone, on both paths.

Nothing but the chain says who was paid: watermarks and what devices are owed are read just before they are claimed, so
that a run can end at any point, and the next one goes on. The journal only spares the fees of sending twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

import numpy as np
from solders.pubkey import Pubkey

from worktab.chain.sending import Sender
from worktab.core.errors import WorktabError
from worktab.epochs.cranking.choosing import FEE, Choice, Chosen, choose
from worktab.epochs.cranking.errors import CrankIncomplete, SponsorEmpty
from worktab.epochs.cranking.survey import Survey
from worktab.epochs.cranking.tally import CrankReport, Tally
from worktab.epochs.proofs.errors import EpochNotPublished, NoFinalRoot, ProofRefused
from worktab.epochs.proofs.pages import PayeePage
from worktab.epochs.proofs.root import Root
from worktab.epochs.proofs.sources import ProofSource
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.accounts import Device, Page
from worktab.roles.base import Role
from worktab.roles.claiming import Crank, settled
from worktab.roles.errors import ClaimIncomplete
from worktab.roles.root_claiming import Due, RootOutcome, RootRun
from worktab.roles.root_proofs import RootProof
from worktab.roles.roots import RootClaimer

_WINDOW: Final = 16
_GROUP: Final = 256
_LOOK_AGAIN: Final = 5.0
_TOKEN_ACCOUNT: Final = 165

Told = Callable[[int], None]


class Sponsor(Role):
    """Claims for everyone who is owed enough.

    source    where proofs come from; None leaves roots out
    choice    whom to claim for
    at_once   transactions under way at a time
    patience  seconds to wait on end for the source to have a root that has just become final
    waiting   told once each time it begins to wait, why and for how many seconds at most
    """

    def __init__(
        self,
        sender: Sender,
        network: Pubkey,
        source: ProofSource | None,
        choice: Choice,
        *,
        at_once: int = 8,
        patience: float = 300.0,
        waiting: Callable[[EpochNotPublished, float], None] = lambda why, most: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        program_id: Pubkey = PROGRAM_ID,
    ) -> None:
        super().__init__(sender, network, program_id=program_id)
        self._source, self._choice = source, choice
        self._at_once, self._patience, self._sleep = max(at_once, 1), patience, sleep
        self._waiting, self._waited = waiting, 0.0
        self._tally = Tally()
        self._rent = self._seen = 0

    def report(self) -> CrankReport:
        """What was done so far, also by a run that ended early."""
        return self._tally.report()

    async def survey(self) -> Survey:
        """Who would be claimed for now, and at what cost. Sends nothing. Raises as `run`."""
        wallets = await self._wallets()
        by_devices = sum(_owed(device) for members in wallets.values() for _, device in members)
        payees = by_root = below = pages = 0
        root = await self._root()
        for at in range(0, root.pages if root and self._source else 0, _WINDOW):
            assert root is not None
            chosen = await self._chosen(root, range(at, min(at + _WINDOW, root.pages)), Tally())
            if chosen is None:
                return await self.survey()
            for each in chosen:
                payees, below = payees + len(each.rows), below + each.below
                by_root += sum(each.amounts.tolist())
                pages += not each.open and len(each.rows) > 0
        rent = pages * await self._page_rent()
        fees = FEE * (payees + pages + len(wallets))
        epoch = None if root is None else root.epoch
        return Survey(epoch, payees, by_root, len(wallets), by_devices, below, pages, rent, fees)

    async def run(self, told: Told = lambda payees: None) -> CrankReport:
        """Claim for everyone who is owed enough. `told` is called with the payees that were seen to so far.

        First what an earlier run left under way is seen through. A payee that cannot be paid, or whose transaction
        fails, is reported and holds up no other. When a newer root becomes final, claims go on from that one, and those
        who were paid from the older one are paid what the newer adds.

        Raises `CrankIncomplete` after all was tried if anything failed, or when it could not go on; its cause says why.
        """
        tally = self._tally
        try:
            for resumed in await self.sender.resume():
                if resumed.confirmed is not None:
                    tally.seen_through(resumed.confirmed, self.program_id)
            await self._claim_devices(told)
            await self._claim_roots(told)
        except WorktabError as error:
            raise CrankIncomplete("Not everyone was claimed for", got=str(error), report=self.report()) from error
        if tally.failures:
            raise CrankIncomplete(
                "Some claims failed", got=str(tally.failures[0]), report=self.report()
            ) from tally.failures[0]
        return self.report()

    # Devices with accounts

    async def _claim_devices(self, told: Told) -> None:
        crank = Crank(self.sender, self.address, program_id=self.program_id)
        waiting = deque((await self._wallets()).items())

        async def work() -> None:
            while waiting:
                wallet, members = waiting.popleft()
                try:
                    report = await crank.claim_read(members, create_accounts=self._choice.create_accounts)
                except ClaimIncomplete as error:
                    report = error.report
                    self._tally.failures.append(error)
                self._tally.devices(wallet, report)
                self._see(1, told)

        await _together(work, min(self._at_once, len(waiting)))

    async def _wallets(self) -> dict[Pubkey, list[tuple[Pubkey, Device]]]:
        """Wallets whose devices are owed enough together, with those devices."""
        table = await self.reader.devices()
        rows = table.rows
        some = (rows["rewards_owed"] > 0) | (rows["earnings_owed"] > 0) | (rows["units_unrewarded"] > 0)
        wallets: dict[Pubkey, list[tuple[Pubkey, Device]]] = {}
        for at in np.flatnonzero(some).tolist():
            device = Device.decode(rows[at].tobytes())
            if settled(device) is None:
                wallets.setdefault(device.payout, []).append((table.addresses[at], device))
        least = self._choice.least
        return {
            wallet: members
            for wallet, members in wallets.items()
            if sum(_owed(device) for _, device in members) >= least
        }

    # Roots

    async def _claim_roots(self, told: Told) -> None:
        root = await self._root()
        if root is None or self._source is None:
            return
        todo, seen = deque(range(root.pages)), list[int]()
        while True:
            newest = await self._root()
            if newest is not None and newest != root:
                # The newer root owes more to those who were paid from the older one: they come again, after the others.
                todo.extend([*seen, *range(root.pages, newest.pages)])
                root, seen = newest, []
                self._tally.below = 0
            if not todo:
                return
            window = [todo.popleft() for _ in range(min(_WINDOW, len(todo)))]
            if await self._claim_pages(root, window, told):
                seen += window
            else:
                todo.extendleft(reversed(window))
                if await self._root() == root:  # a node that has yet to hear of the newer one
                    await self._sleep(_LOOK_AGAIN)

    async def _claim_pages(self, root: Root, window: Sequence[int], told: Told) -> bool:
        """Claim for the payees of some pages; whether the root was the newest to the end."""
        chosen = await self._chosen(root, window, self._tally)
        if chosen is None:
            return False
        if root.epoch not in self._tally.epochs:
            self._tally.epochs.append(root.epoch)
        closed = {each.page.number for each in chosen if not each.open}
        proofs = [proof for each in chosen for proof in each.proofs]
        for at in range(0, len(proofs), _GROUP):
            group = proofs[at : at + _GROUP]
            if not await self._claim_group(group, closed):
                return False
            self._see(len(group), told)
        self._tally.below += sum(each.below for each in chosen)
        return True

    async def _claim_group(self, proofs: Sequence[RootProof], closed: set[int]) -> bool:
        """Claim with some proofs, and open those pages of `closed` that have somebody who can be paid; whether the root
        was the newest to the end."""
        run = RootRun(self, await self.reader.network(), self._choice.create_accounts)
        due = await run.choose(proofs)
        opening = sorted(closed & {each.proof.page for each in due})
        await self._require_lamports(len(opening), due)
        if opening:
            claimer = RootClaimer(self.sender, self.address, program_id=self.program_id)
            opened = await claimer.open_pages(opening)
            self._tally.opened(opened, await self._page_rent(), self.program_id)
            closed.difference_update(opening)
        await run.pay(due, self._at_once)
        report = run.told()
        self._tally.failures += run.failures
        self._tally.roots(report)
        return all(each.outcome is not RootOutcome.REPLACED for each in report.claims)

    async def _chosen(self, root: Root, window: Sequence[int], tally: Tally) -> list[Chosen] | None:
        """Who is claimed for on each of some pages; None where a newer root is final.

        A page that is not part of the root is noted and left out.
        """
        accounts = await self.reader.pages(window)
        chosen: list[Chosen] = []
        for number in window:
            try:
                page = await self._page(root, number)
            except ProofRefused as error:
                tally.refused.append(number)
                tally.failures.append(error)
                continue
            if page is None:
                return None
            chosen.append(choose(page, accounts[number], self._choice.least))
        return chosen

    async def _page(self, root: Root, number: int) -> PayeePage | None:
        """A page of the source, which may be given it only now; None where a newer root is final.

        Raises `EpochNotPublished` when patience ends. Newer roots that it has not got either do not renew it.
        """
        assert self._source is not None
        while True:
            try:
                page = await self._source.page(root, number)
            except EpochNotPublished as error:
                if await self._root() != root:
                    return None
                if self._waited >= self._patience:
                    raise
                if not self._waited:
                    self._waiting(error, self._patience)
            else:
                self._waited = 0.0
                return page
            self._waited += _LOOK_AGAIN
            await self._sleep(_LOOK_AGAIN)

    async def _root(self) -> Root | None:
        try:
            return Root.final(self.address, await self.reader.network())
        except NoFinalRoot:
            return None

    def _see(self, payees: int, told: Told) -> None:
        self._seen += payees
        told(self._seen)

    async def _page_rent(self) -> int:
        if not self._rent:
            self._rent = await self.sender.chain.rent_exempt(Page.SIZE)
        return self._rent

    async def _require_lamports(self, pages: int, due: Sequence[Due]) -> None:
        """Stop before claims that the fee payer cannot pay for make every one of them fail."""
        if not due:
            return
        needed = pages * await self._page_rent() + FEE * (1 + bool(pages))
        if any(each.missing for each in due):
            needed += await self.sender.chain.rent_exempt(_TOKEN_ACCOUNT)
        payer = await self.sender.chain.account(self.sender.fee_payer.pubkey())
        held = payer.lamports if payer else 0
        if held < needed:
            raise SponsorEmpty(
                "The fee payer cannot pay for the next claims", expected=f"{needed} lamports", got=f"{held} lamports"
            )


def _owed(device: Device) -> int:
    waiting = device.reward_waiting if device.units_unrewarded else 0
    return device.rewards_owed + device.earnings_owed + waiting


async def _together(work: Callable[[], Coroutine[Any, Any, None]], count: int) -> None:
    """Some of the same work at a time; the first failure ends all of it."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
