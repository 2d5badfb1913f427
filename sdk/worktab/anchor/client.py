"""anchorpy's Program, made for Worktab."""

from __future__ import annotations

import json
from collections.abc import Sequence

from anchorpy.program.core import Program, _parse_idl_errors
from anchorpy.program.namespace.account import AccountClient
from anchorpy.program.namespace.methods import IdlFuncs, _build_methods_item
from anchorpy.program.namespace.rpc import _build_rpc_item
from anchorpy.program.namespace.simulate import _build_simulate_item
from anchorpy.program.namespace.transaction import _build_transaction_fn
from anchorpy.provider import Provider
from anchorpy_core.idl import Idl
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from worktab.anchor.calls import InstructionFn
from worktab.anchor.coding import Coder
from worktab.anchor.idl import legacy_idl
from worktab.core.keys import Signer
from worktab.core.messages import Message
from worktab.core.native import native_program, signature_instruction_data
from worktab.program.artefacts import program_idl
from worktab.program.codegen.idl import parse
from worktab.program.generated import PROGRAM_ID


def program(provider: Provider, *, program_id: Pubkey = PROGRAM_ID) -> Program:
    """anchorpy's Program for Worktab.

    Instructions (`rpc`, `instruction`, `transaction`, `simulate`, `methods`), accounts (`account`), types (`type`) and
    the coders (`coder`) are anchorpy's, and so are the errors that they raise. What differs is in `InstructionFn` and
    in `worktab.anchor.coding`. Structs may be given as dicts, as what `type` makes, or as those of
    `worktab.program.generated.types`.

    Args:
        provider: the cluster, and the wallet that signs and pays.
        program_id: where the program is deployed.
    """
    spec = parse(program_idl())
    idl = Idl.from_json(json.dumps(legacy_idl(program_idl())))
    made = Program(idl, program_id, provider)
    made.coder = Coder(idl, {each.name: each.discriminator for each in spec.instructions})
    errors = _parse_idl_errors(idl)
    for idl_ix, each in zip(idl.instructions, spec.instructions, strict=True):
        build = InstructionFn(idl_ix, each, made.coder.instruction.build, program_id)
        transact = _build_transaction_fn(idl_ix, build)
        send = _build_rpc_item(idl_ix, transact, errors, provider, program_id)
        simulate = _build_simulate_item(idl_ix, transact, errors, provider, made.coder, program_id, idl)
        made.instruction[each.name] = build
        made.transaction[each.name] = transact
        made.rpc[each.name] = send
        made.simulate[each.name] = simulate
        made.methods[each.name] = _build_methods_item(IdlFuncs(build, transact, send, simulate))
    for account in idl.accounts:
        made.account[account.name] = AccountClient(idl, account, made.coder, program_id, provider)
    return made


def signature_instruction(signer: Signer, message: Message) -> Instruction:
    """The instruction in which a native program checks the signer's signature over `message` (PROTOCOL section 2).

    It belongs immediately before the instruction that uses the signature: last of the context's `pre_instructions`.
    That instruction's proof is the instructions sysvar then (`worktab.core.addresses.INSTRUCTIONS_SYSVAR_ID`), and its
    argument None. A Solana keypair needs none of this: it is the proof itself and one of the context's `signers`, and
    the argument is the message's 104 bytes.
    """
    data = signature_instruction_data(signer.public, signer.sign(message.encode()), message.encode())
    return Instruction(Pubkey.from_string(native_program(signer.public.kind)), data, [])


def claimed_devices(devices: Sequence[Pubkey]) -> list[AccountMeta]:
    """The `remaining_accounts` of `claim`: the devices to claim for, all of one payout wallet."""
    return [AccountMeta(device, is_signer=False, is_writable=True) for device in devices]
