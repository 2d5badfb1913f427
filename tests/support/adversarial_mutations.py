"""Carries an attack out: what is written into accounts beforehand, and the transaction that is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from support.adversarial_cases import COPY, DATA, EXTRAS, OTHER_MINTS, STRANGERS, Case, Mutation, unknown_discriminator
from support.adversarial_idl import STATES, Family, Kind, Slot
from support.adversarial_scene import Call, Stage
from support.forgery import sysvar_image
from worktab.core.addresses import SYSTEM_PROGRAM_ID, TOKEN_2022_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID

CLOCK: Final = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
RENT: Final = 10_000_000


@dataclass(frozen=True)
class Attempt:
    """An attack ready to be sent.

    writes     accounts written beforehand, None for one that is removed
    base       the valid call it was made from
    family     whose call that is, None for the attacked one
    swapped    the addresses that stand in place of others
    """

    call: Call
    base: Call
    family: Family | None = None
    writes: dict[Pubkey, Account | None] = field(default_factory=dict)
    swapped: dict[Pubkey, Pubkey] = field(default_factory=dict)


class Attacker:
    """Tries cases on one stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cast, self.world = stage, stage.cast, stage.cast.world
        self.places = stage.scene.places

    def attempt(self, case: Case) -> Attempt:
        """The attack of a case."""
        acts: dict[Mutation, Callable[[Case, int], Attempt]] = {
            Mutation.UNSIGNED: self._unsigned,
            Mutation.READ_ONLY: self._read_only,
            Mutation.OWNER: self._owner,
            Mutation.ANOTHER: self._another,
            Mutation.NETWORK: self._another,
            Mutation.PAIR: self._pair,
            Mutation.ALL_BUT: self._all_but,
            Mutation.KIND: self._kind,
            Mutation.DISCRIMINATOR: self._discriminator,
            Mutation.TWICE: self._twice,
            Mutation.CLOSED: self._closed,
            Mutation.REVIVED: self._revived,
            Mutation.TAKEN: self._taken,
            Mutation.PROGRAM: self._program,
            Mutation.PROOF: self._proof,
            Mutation.MISSING: self._missing,
            Mutation.EXTRA: self._extra,
            Mutation.DATA: self._data,
            Mutation.AGAIN: self._again,
        }
        return acts[case.mutation](case, self._number(case.slot) if case.slot else -1)

    def address(self, number: int) -> Pubkey:
        """The account in a place of the attacked call."""
        return self.stage.own.instruction.accounts[number].pubkey

    def _number(self, slot: str) -> int:
        return [each.name for each in self.places].index(slot)

    def _slot(self, number: int) -> Slot:
        return self.places[number]

    def _flags(self, number: int, *, signer: bool, writable: bool) -> Attempt:
        metas = self.stage.own.metas
        metas[number] = AccountMeta(metas[number].pubkey, signer, writable)
        return self._with(metas)

    def _with(self, metas: list[AccountMeta], swapped: dict[Pubkey, Pubkey] | None = None) -> Attempt:
        return Attempt(self.stage.own.with_metas(metas), self.stage.own, swapped=swapped or {})

    def _swap(self, number: int, address: Pubkey, *, signs: bool | None = None) -> Attempt:
        """Another address in a place; it signs where it can and the place asks for it, unless told otherwise."""
        metas = self.stage.own.metas
        before = metas[number]
        assert address != before.pubkey, "that would change nothing"
        signer = before.is_signer and self.world.can_sign(address) if signs is None else signs
        metas[number] = AccountMeta(address, signer, before.is_writable)
        return self._with(metas, swapped={before.pubkey: address})

    def _write(self, number: int, account: Account | None) -> Attempt:
        return Attempt(self.stage.own, self.stage.own, writes={self.address(number): account})

    def _account(self, number: int) -> Account:
        account = self.world.account(self.address(number))
        assert account is not None
        return account

    # One for each mutation

    def _unsigned(self, case: Case, number: int) -> Attempt:
        return self._flags(number, signer=False, writable=self.stage.own.metas[number].is_writable)

    def _read_only(self, case: Case, number: int) -> Attempt:
        return self._flags(number, signer=self.stage.own.metas[number].is_signer, writable=False)

    def _owner(self, case: Case, number: int) -> Attempt:
        before = self._account(number)
        if case.detail == COPY:
            address = self.world.keypair().pubkey()
            swap = self._swap(number, address)
            copy = Account(before.lamports, before.data, self.cast.strangers_program)
            return Attempt(swap.call, swap.base, writes={address: copy}, swapped=swap.swapped)
        owners = {
            "a stranger's program": self.cast.strangers_program,
            "the system program": SYSTEM_PROGRAM_ID,
            "the other token program": TOKEN_2022_PROGRAM_ID,
        }
        return self._write(number, Account(before.lamports, before.data, owners[case.detail]))

    def _another(self, case: Case, number: int) -> Attempt:
        cast, kind = self.cast, self._slot(number).kind
        if case.detail == STRANGERS:
            if kind is Kind.WALLET:
                return self._swap(number, cast.stranger.pubkey())
            return self._swap(number, cast.others_mint.address if kind is Kind.MINT else cast.strangers_tokens)
        if case.detail == OTHER_MINTS:
            return self._swap(number, cast.others_mint.account_of(cast.own.people.consumer.pubkey()))
        return self._swap(number, self.stage.calls[Family(case.detail)].metas[number].pubkey)

    def _pair(self, case: Case, number: int) -> Attempt:
        family, _, other = case.detail.partition(", with ")
        theirs, metas = self.stage.calls[Family(family)].metas, self.stage.own.metas
        swapped = {}
        for place in (number, self._number(other)):
            swapped[metas[place].pubkey] = theirs[place].pubkey
            metas[place] = theirs[place]
        return self._with(metas, swapped)

    def _all_but(self, case: Case, number: int) -> Attempt:
        family = Family(case.detail)
        base = self.stage.calls[family]
        metas = base.metas
        theirs, ours = metas[number], self.stage.own.metas[number]
        assert theirs.pubkey != ours.pubkey, "that would change nothing"
        metas[number] = ours
        return Attempt(base.with_metas(metas), base, family, swapped={theirs.pubkey: ours.pubkey})

    def _kind(self, case: Case, number: int) -> Attempt:
        address = self.cast.zoo[case.detail]
        if case.slot in self.stage.scene.without:
            metas = self.stage.own.metas
            metas[number] = AccountMeta(address, self._slot(number).signer and self.world.can_sign(address), False)
            return self._with(metas)
        return self._swap(number, address)

    def _discriminator(self, case: Case, number: int) -> Attempt:
        before = self._account(number)
        return self._write(number, Account(before.lamports, STATES[case.detail] + before.data[8:], before.owner))

    def _twice(self, case: Case, number: int) -> Attempt:
        return self._swap(number, self.address(self._number(case.detail)))

    def _closed(self, case: Case, number: int) -> Attempt:
        return self._write(number, None)

    def _revived(self, case: Case, number: int) -> Attempt:
        before = self._account(number)
        owner = PROGRAM_ID if self._slot(number).is_state else before.owner
        revived = {
            "lamports alone": Account(before.lamports, b"", SYSTEM_PROGRAM_ID),
            "zeros, the program's": Account(before.lamports, bytes(len(before.data)), owner),
            "zeros, the system program's": Account(before.lamports, bytes(len(before.data)), SYSTEM_PROGRAM_ID),
        }
        return self._write(number, revived[case.detail])

    def _taken(self, case: Case, number: int) -> Attempt:
        kind = self._slot(number).kind
        # The vault is the one account that this program does not create itself.
        alike = self._account_at(self.cast.zoo[Kind.TOKENS if kind is Kind.VAULT else kind])
        zeros = bytes(len(alike.data))
        taken = {
            "lamports sent ahead": Account(RENT, b"", SYSTEM_PROGRAM_ID),
            "one of its kind": alike,
            "zeros, the program's": Account(alike.lamports, zeros, alike.owner),
            "a stranger's program's": Account(alike.lamports, zeros, self.cast.strangers_program),
        }
        return self._write(number, taken[case.detail])

    def _account_at(self, address: Pubkey) -> Account:
        account = self.world.account(address)
        assert account is not None
        return account

    def _program(self, case: Case, number: int) -> Attempt:
        programs = {
            "a stranger's program": self.cast.strangers_program,
            "the other token program": TOKEN_2022_PROGRAM_ID,
            "no program": self.cast.stranger.pubkey(),
        }
        return self._swap(number, programs[case.detail])

    def _proof(self, case: Case, number: int) -> Attempt:
        own = self.stage.own
        match case.detail:
            case "nothing signed before it":
                return Attempt(Call((), own.instruction), own)
            case "an instruction between":
                return Attempt(Call((*own.before, self._noop()), own.instruction), own)
            case "a stranger who signs":
                return self._swap(number, self.cast.stranger.pubkey(), signs=True)
            case "another sysvar":
                return self._swap(number, CLOCK)
        address = self.world.keypair().pubkey()
        image = Account(RENT, sysvar_image(own.transaction, len(own.before)), self.cast.strangers_program)
        swap = self._swap(number, address)
        return Attempt(swap.call, swap.base, writes={address: image}, swapped=swap.swapped)

    def _noop(self) -> Instruction:
        return Instruction(self.cast.strangers_program, b"", [])

    def _missing(self, case: Case, number: int) -> Attempt:
        metas = self.stage.own.metas
        match case.detail:
            case "left out":
                del metas[number]
            case "and all after it":
                del metas[number:]
            case _:
                metas[number] = AccountMeta(PROGRAM_ID, is_signer=False, is_writable=False)
        return self._with(metas)

    def _extra(self, case: Case, number: int) -> Attempt:
        stranger, metas = self.cast.stranger.pubkey(), self.stage.own.metas
        given = {
            EXTRAS[0]: [AccountMeta(stranger, False, True)],
            EXTRAS[1]: [AccountMeta(stranger, True, True)],
            EXTRAS[2]: metas[:1],
            EXTRAS[3]: [AccountMeta(self.cast.zoo[Kind.DEVICE], False, True)],
            EXTRAS[4]: [AccountMeta(stranger, False, False)] * 60,
        }
        return self._with([*metas, *given[case.detail]])

    def _data(self, case: Case, number: int) -> Attempt:
        own = self.stage.own
        data = own.instruction.data
        given = {
            DATA[0]: b"",
            DATA[1]: data[: len(data) // 2],
            DATA[2]: data[:-1],
            DATA[3]: data + b"\0",
            DATA[4]: data + bytes(1_024),
            DATA[5]: data[:1],
            DATA[6]: bytes([unknown_discriminator(after=False)]) + data[1:],
            DATA[7]: bytes([unknown_discriminator(after=True)]) + data[1:],
        }
        return Attempt(own.with_data(given[case.detail]), own)

    def _again(self, case: Case, number: int) -> Attempt:
        own = self.stage.own
        between = []
        if case.slot:
            stranger = self.cast.stranger.pubkey()
            between = [transfer(TransferParams(from_pubkey=stranger, to_pubkey=self.address(number), lamports=RENT))]
        return Attempt(Call((*own.transaction, *between, *own.before), own.instruction), own)
