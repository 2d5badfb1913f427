"""Instructions as anchorpy builds them, with what the old format of the IDL does not say of their accounts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from anchorpy.program.common import NamedInstruction
from anchorpy.program.context import EMPTY_CONTEXT, Accounts, Context
from anchorpy.program.namespace.instruction import _InstructionFn
from anchorpy_core.idl import IdlInstruction
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from worktab.program.codegen.idl import AccountSpec, InstructionSpec
from worktab.program.metas import optional_account


class InstructionFn(_InstructionFn):
    """Builds one instruction.

    What may be left out: an optional account (None and the program's own address mean the same), and an account of
    which only one address will do. An account whose keypair is among the context's signers signs, also where the IDL
    leaves that open.
    """

    def __init__(
        self,
        idl_ix: IdlInstruction,
        spec: InstructionSpec,
        encode_fn: Callable[[NamedInstruction], bytes],
        program_id: Pubkey,
    ) -> None:
        super().__init__(idl_ix, encode_fn, program_id)
        self._spec = spec

    def __call__(self, *args: Any, ctx: Context = EMPTY_CONTEXT) -> Instruction:
        """The instruction. `args` are in the IDL's order."""
        built = super().__call__(*args, ctx=dataclasses.replace(ctx, accounts=self._completed(ctx.accounts)))
        signing = {signer.pubkey() for signer in ctx.signers or ()}
        metas = [
            AccountMeta(meta.pubkey, meta.is_signer or meta.pubkey in signing, meta.is_writable)
            for meta in built.accounts
        ]
        return Instruction(built.program_id, built.data, metas)

    def accounts(self, accs: Accounts) -> list[AccountMeta]:
        """The accounts in the order in which the instruction takes them."""
        given = self._completed(accs)
        return [self._meta(each, given[each.name]) for each in self._spec.accounts]

    def _meta(self, spec: AccountSpec, address: Pubkey) -> AccountMeta:
        if spec.optional and address in (None, self.program_id):
            return optional_account(None, self.program_id, is_signer=False, is_writable=False)
        return AccountMeta(address, is_signer=spec.signer, is_writable=spec.writable)

    def _completed(self, given: Accounts) -> Accounts:
        """The accounts, and those that may be left out."""
        filled: Accounts = {}
        for each in self._spec.accounts:
            if each.optional:
                filled[each.name] = None
            elif each.address is not None:
                filled[each.name] = Pubkey.from_string(each.address)
        return filled | given
