"""Claims from a network's newest final root (PROTOCOL section 5, roots). Anyone may, for any payee."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from solders.instruction import Instruction

from worktab.chain.sending import Confirmed
from worktab.program.generated import instructions
from worktab.roles.base import Role
from worktab.roles.batches import send_in_batches
from worktab.roles.errors import RootClaimIncomplete
from worktab.roles.root_claiming import RootClaim, RootOutcome, RootReport, RootRun
from worktab.roles.root_proofs import RootProof, owed, root_replaced

__all__ = ["RootClaim", "RootClaimer", "RootOutcome", "RootProof", "RootReport", "owed"]


class RootClaimer(Role):
    """Claims from roots for anybody's wallets; it needs no key but the fee payer's."""

    async def open_page(self, number: int) -> Confirmed | None:
        """Open the page of the payees `1024 x number` and on; None where it is open already.

        Its rent is the fee payer's and stays there for good. Raises what `Sender.send` raises.
        """
        return next(iter(await self.open_pages([number])), None)

    async def open_pages(self, numbers: Iterable[int]) -> list[Confirmed]:
        """Open those of these pages that are not open, several in a transaction; the transactions."""
        missing = await self._unopened(list(dict.fromkeys(numbers)))
        sent = await send_in_batches(self.sender, missing, self._opening, self._unopened, label="open pages")
        return [confirmed for _, confirmed in sent]

    async def claim(self, proof: RootProof, *, create_accounts: bool = True) -> RootClaim:
        """Pay a payee what the newest final root owes it; nothing owed is a success.

        A missing page is opened at the fee payer's cost, and so is a missing token account of the payout wallet unless
        `create_accounts` is false.

        Raises `RootReplaced`, `NetworkNotFound`, `WrongCluster`, and what `Sender.send` raises.
        """
        run = await self._run([proof], create_accounts=create_accounts, at_once=1)
        if run.failures:
            raise run.failures[0]
        [claim] = run.told().claims
        if claim.outcome is RootOutcome.REPLACED:
            raise root_replaced(await self.reader.network(), proof)
        return claim

    async def claim_all(
        self, proofs: Iterable[RootProof], *, create_accounts: bool = True, at_once: int = 4
    ) -> RootReport:
        """As `claim`, for many payees: as many in a transaction as fit one, `at_once` transactions at a time.

        Payees that cannot be paid now, or were paid before, are reported and cost nothing. One that makes its
        transaction fail holds up none of the others.

        Raises, after all was tried, `RootClaimIncomplete` if transactions failed, else `RootReplaced` if proofs do not
        lead to the newest final root, also because that changed meanwhile; both tell what was paid.
        """
        run = await self._run(proofs, create_accounts=create_accounts, at_once=at_once)
        if run.failures:
            report = run.told()
            count = sum(each.outcome is RootOutcome.FAILED for each in report.claims)
            message = f"Claims for {count} of {len(report.claims)} payees failed"
            raise RootClaimIncomplete(message, got=str(run.failures[0]), report=report) from run.failures[0]
        return await run.report()

    async def _run(self, proofs: Iterable[RootProof], *, create_accounts: bool, at_once: int) -> RootRun:
        run = RootRun(self, await self.reader.network(), create_accounts)
        due = await run.choose(list(dict.fromkeys(proofs)))
        await self.open_pages(each.proof.page for each in due)
        await run.pay(due, at_once)
        return run

    async def _unopened(self, numbers: Sequence[int]) -> list[int]:
        pages = await self.reader.pages(numbers)
        return [number for number in numbers if pages[number] is None]

    def _opening(self, number: int) -> Instruction:
        passed = instructions.OpenPageAccounts(
            payer=self.sender.fee_payer.pubkey(), network=self.address, page=self.reader.page_address(number)
        )
        return instructions.open_page(passed, number=number, program_id=self.program_id)
