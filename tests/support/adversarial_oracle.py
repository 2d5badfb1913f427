"""Sends an attack, says what became of it, and puts everything back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from solders.account import Account
from solders.pubkey import Pubkey

from support.adversarial_cast import Cast
from support.adversarial_mutations import Attempt
from support.adversarial_scene import Stage
from support.svm import Result
from support.tokens import token_amount
from support.world import money_of_tab, reader
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state

Snapshot: TypeAlias = Mapping[Pubkey, Account]
Key: TypeAlias = tuple[int, Pubkey, bytes]

_TOKENS_FROM: Final = 165


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one account: by how much its lamports and its tokens or money rose, and what it is now."""

    lamports: int
    money: int
    now: Key | None

    @property
    def moved(self) -> tuple[int, int]:
        """What it gained."""
        return self.lamports, self.money


Changes: TypeAlias = Mapping[Pubkey, Change]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attack: the transaction's result, and every account that is not as before, the fee apart."""

    result: Result
    changes: Changes


class Theatre:
    """Attacks on one stage, each from the same state."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cast = stage, stage.cast
        self.start = snapshot(self.cast)
        self._valid: dict[object, Outcome] = {}

    def valid(self, attempt: Attempt) -> Outcome:
        """What the call that an attack was made from does by itself."""
        if attempt.family not in self._valid:
            outcome = self.play(Attempt(attempt.base, attempt.base, attempt.family))
            assert outcome.result.ok, f"{attempt.family or 'own'}: {outcome.result.error_name}: {outcome.result.logs}"
            self._valid[attempt.family] = outcome
        return self._valid[attempt.family]

    def play(self, attempt: Attempt) -> Outcome:
        """Write what the attack needs, send it, compare every account, and put all of them back."""
        cast = self.cast
        before = dict(self.start)
        for address, account in attempt.writes.items():
            cast.put(address, account)
            before.pop(address, None)
            if account is not None:
                before[address] = account
        try:
            result = cast.world.transmit(*attempt.call.transaction, payer=cast.fees)
            after = snapshot(cast)
            if result.ok:
                self._check_ledger(attempt, after)
        finally:
            self.restore()
        changes = compared(before, after)
        fee = changes.pop(cast.fees.pubkey())
        assert fee.moved == (-result.fee, 0), "the payer of the fee lost something else"
        return Outcome(result, changes)

    def _check_ledger(self, attempt: Attempt, after: Snapshot) -> None:
        """What the attack itself wrote breaks the ledger, so it is taken back where the call left it as it was."""
        for address, written in attempt.writes.items():
            now = after.get(address)
            if (now and key_of(now)) == (written and key_of(written)):
                self.cast.put(address, self.start.get(address))
        self.cast.world.check_ledger()

    def restore(self) -> None:
        """Every account as it was at the start."""
        now = snapshot(self.cast)
        for address in now.keys() - self.start.keys():
            self.cast.put(address, None)
        for address, account in self.start.items():
            if address not in now or key_of(now[address]) != key_of(account):
                self.cast.put(address, account)


def snapshot(cast: Cast) -> dict[Pubkey, Account]:
    """Every account that is not a program's code."""
    owners = (PROGRAM_ID, SYSTEM_PROGRAM_ID, TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, cast.strangers_program)
    return {
        address: account
        for owner in owners
        for address, account in cast.world.runtime.get_program_accounts(owner)
        if account.lamports
    }


def key_of(account: Account) -> Key:
    """What makes an account what it is."""
    return account.lamports, account.owner, account.data


def compared(before: Snapshot, after: Snapshot) -> dict[Pubkey, Change]:
    """The accounts that differ."""
    changes = {}
    for address in before.keys() | after.keys():
        old, new = before.get(address), after.get(address)
        if (old and key_of(old)) != (new and key_of(new)):
            lamports = (new.lamports if new else 0) - (old.lamports if old else 0)
            changes[address] = Change(lamports, money_of(new) - money_of(old), key_of(new) if new else None)
    return changes


def money_of(account: Account | None) -> int:
    """Base units that somebody can call its own: a token account's, a tab's, a deposit, what a device is owed."""
    if account is None:
        return 0
    data = account.data
    if account.owner in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
        return token_amount(data) if len(data) >= _TOKENS_FROM else 0
    if account.owner != PROGRAM_ID:
        return 0
    if data.startswith(state.Tab.DISCRIMINATOR):
        return money_of_tab(data)
    if data.startswith(state.Device.DISCRIMINATOR):
        field = reader(state.Device.OFFSETS, data)
        return field("rewards_owed") + field("earnings_owed") + field("bond")
    if data.startswith(state.Dispute.DISCRIMINATOR):
        return reader(state.Dispute.OFFSETS, data)("deposit")
    return 0
