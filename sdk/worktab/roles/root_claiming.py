"""One claim from a root for any number of payees, in progress."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed
from worktab.core.errors import ChainError, EncodingError, SimulationFailed
from worktab.core.merkle import proof_argument
from worktab.program.generated import instructions
from worktab.program.generated.accounts import Network
from worktab.program.generated.errors import NotInRoot
from worktab.program.generated.events import RootClaimed
from worktab.program.logs import events_from_logs
from worktab.program.program_error import ProgramError
from worktab.roles.base import Role
from worktab.roles.errors import RootReplaced
from worktab.roles.fitting import fits
from worktab.roles.root_proofs import RootProof, newest_root, unclaimed
from worktab.roles.wallets import Payability, Wallet, payability


class RootOutcome(IntEnum):
    """What a claim from a root did with a payee.

    PAID          its wallet got what the newest final root owes it beyond what it claimed before
    NOTHING_OWED  it had claimed all of it already
    UNPAYABLE     its wallet's token account is missing, frozen, in other hands or wants a memo; all stays owed
    REPLACED      its proof does not lead to the newest final root; all stays owed
    UNKNOWN       the transaction landed, but the node shows no logs that tell what it paid
    FAILED        its transaction failed; all stays owed
    """

    PAID = 0
    NOTHING_OWED = 1
    UNPAYABLE = 5
    REPLACED = 253
    UNKNOWN = 254
    FAILED = 255


_TOLD = frozenset({RootOutcome.PAID, RootOutcome.NOTHING_OWED, RootOutcome.UNPAYABLE})
"""What the program itself says of a payee."""


@dataclass(frozen=True, slots=True)
class RootClaim:
    """What a claim did with one payee.

    amount     base units paid with the outcome PAID, else still owed as last read; 0 where nothing was owed, and where
               only a newer proof tells
    confirmed  the transaction; None where none landed for it
    """

    position: int
    payout: Pubkey
    outcome: RootOutcome
    amount: int
    confirmed: Confirmed | None


@dataclass(frozen=True, slots=True)
class RootReport:
    """What a claim did with each payee, in the order asked for, and the transactions that paid."""

    claims: tuple[RootClaim, ...]
    confirmed: tuple[Confirmed, ...]

    @property
    def paid(self) -> int:
        """Base units that the wallets received."""
        return sum(each.amount for each in self.claims if each.outcome is RootOutcome.PAID)


@dataclass(frozen=True, slots=True)
class Due:
    """A payee that can be paid: what it is owed, its wallet, and whether the wallet's token account is missing."""

    proof: RootProof
    amount: int
    wallet: Wallet
    missing: bool


def root_claim(role: Role, network: Network, due: Due) -> Instruction:
    """The instruction that pays a payee what the newest final root owes it."""
    proof = due.proof
    passed = instructions.ClaimRootAccounts(
        network=role.address,
        vault=network.vault,
        mint=network.mint,
        page=role.reader.page_address(proof.page),
        payout=proof.payout,
        payout_account=due.wallet.account,
        token_program=network.token_program,
    )
    return instructions.claim_root(
        passed,
        position=proof.position,
        lifetime_reward=proof.lifetime_reward,
        devices_root=proof.devices_root,
        payout_bump=due.wallet.bump,
        siblings=proof_argument(proof.siblings),
        program_id=role.program_id,
    )


class RootRun:
    """A claim for many payees, in the order asked for.

    failures   why transactions failed, apart from the root's being replaced
    """

    def __init__(self, role: Role, network: Network, create_accounts: bool) -> None:
        self.failures: list[ChainError] = []
        self._role = role
        self._network = network
        self._create_accounts = create_accounts
        self._claims: dict[RootProof, RootClaim] = {}
        self._made: dict[RootProof, list[Instruction]] = {}
        self._confirmed: list[Confirmed] = []
        self._replaced = False

    async def choose(self, proofs: Sequence[RootProof]) -> list[Due]:
        """Sort out who can't be paid, or need not be; the others in the order of their positions."""
        reader, network = self._role.reader, self._network
        for proof in proofs:
            self._note(proof, RootOutcome.REPLACED, 0)
        proven = [proof for proof in proofs if proof.is_in(network)]
        pages = await reader.pages(sorted({proof.page for proof in proven}))
        waiting: list[tuple[RootProof, int]] = []
        for proof in proven:
            amount = unclaimed(proof, pages[proof.page])
            self._note(proof, RootOutcome.FAILED if amount else RootOutcome.NOTHING_OWED, amount)
            if amount:
                waiting.append((proof, amount))
        wallets = [Wallet.of(proof.payout, network) for proof, _ in waiting]
        found = await reader.chain.accounts([wallet.account for wallet in wallets])
        due: list[Due] = []
        for (proof, amount), wallet, account in zip(waiting, wallets, found, strict=True):
            state = payability(wallet, account, network)
            missing = state is Payability.MISSING
            if state is Payability.BLOCKED or (missing and not self._create_accounts):
                self._note(proof, RootOutcome.UNPAYABLE, amount)
            else:
                due.append(Due(proof, amount, wallet, missing))
        return sorted(due, key=lambda each: each.proof.position)

    async def pay(self, due: Sequence[Due], at_once: int) -> None:
        """Claim for payees, `at_once` transactions at a time."""
        batches = deque(self._batches(due))

        async def work() -> None:
            while batches:
                await self._pay(batches.popleft())

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(max(at_once, 1), len(batches))):
                    group.create_task(work())
        except BaseExceptionGroup as errors:  # the journal's, say; the others were cancelled
            raise errors.exceptions[0] from None

    def told(self) -> RootReport:
        """What became of each payee."""
        return RootReport(tuple(self._claims.values()), tuple(self._confirmed))

    async def report(self) -> RootReport:
        """What became of each payee. Raises `RootReplaced` if proofs do not lead to the newest final root."""
        report = self.told()
        replaced = [each for each in report.claims if each.outcome is RootOutcome.REPLACED]
        if replaced:
            raise RootReplaced(
                f"{len(replaced)} of {len(report.claims)} proofs do not lead to the newest final root",
                expected=newest_root(await self._role.reader.network()),
                got=f"others, the first for position {replaced[0].position}",
                report=report,
            )
        return report

    def _batches(self, due: Sequence[Due]) -> list[list[Due]]:
        """Payees that share transactions, as many one after the other as fit."""
        batches: list[list[Due]] = []
        for each in due:
            self._made[each.proof] = self._instructions(each)
            if batches and fits(self._role.sender, self._all([*batches[-1], each])):
                batches[-1].append(each)
            else:
                batches.append([each])
        return batches

    async def _pay(self, batch: Sequence[Due]) -> None:
        if self._replaced:
            return self._note_replaced(batch)
        try:
            confirmed = await self._role.sender.send(self._all(batch), label="claim root")
        except NotInRoot:
            self._replaced = True
            self._note_replaced(batch)
        except (ProgramError, SimulationFailed) as error:
            if len(batch) == 1:
                self.failures.append(error)
            else:
                for each in batch:
                    await self._pay([each])
        except ChainError as error:
            self.failures.append(error)
        else:
            self._confirmed.append(confirmed)
            self._note_paid(confirmed, batch)

    def _instructions(self, due: Due) -> list[Instruction]:
        claim = root_claim(self._role, self._network, due)
        payer = self._role.sender.fee_payer.pubkey()
        return [due.wallet.creation(self._network, payer), claim] if due.missing else [claim]

    def _all(self, batch: Sequence[Due]) -> list[Instruction]:
        return [instruction for each in batch for instruction in self._made[each.proof]]

    def _note_paid(self, confirmed: Confirmed, batch: Sequence[Due]) -> None:
        told = self._events(confirmed)
        for each in batch:
            event = told.get(each.proof.position)
            if event is None or event.outcome not in _TOLD:
                self._note(each.proof, RootOutcome.UNKNOWN, each.amount, confirmed)
                continue
            outcome = RootOutcome(event.outcome)
            amount = each.amount if outcome is RootOutcome.UNPAYABLE else event.amount
            self._note(each.proof, outcome, amount, confirmed)

    def _events(self, confirmed: Confirmed) -> dict[int, RootClaimed]:
        try:
            found = events_from_logs(confirmed.logs, self._role.program_id)
        except EncodingError:  # the transaction has landed all the same
            return {}
        return {event.position: event for event in found if isinstance(event, RootClaimed)}

    def _note_replaced(self, batch: Sequence[Due]) -> None:
        for each in batch:
            self._note(each.proof, RootOutcome.REPLACED, 0)

    def _note(self, proof: RootProof, outcome: RootOutcome, amount: int, confirmed: Confirmed | None = None) -> None:
        self._claims[proof] = RootClaim(proof.position, proof.payout, outcome, amount, confirmed)
