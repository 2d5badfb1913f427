"""Renders instructions: a dataclass of accounts and a function that builds the instruction, for each."""

from __future__ import annotations

from worktab.program.codegen.idl import AccountSpec, Idl, IdlError, InstructionSpec
from worktab.program.codegen.imports import import_lines
from worktab.program.codegen.text import attribute, camel_case, docstring, identifier, module
from worktab.program.codegen.types import Types

_PARAMETERS = {"accounts", "program_id", "remaining_accounts"}


def render_instructions(idl: Idl, types: Types) -> str:
    """The module of instructions."""
    blocks, names = [], []
    for instruction in idl.instructions:
        blocks += ["\n" + _accounts_class(instruction), "\n" + _builder(instruction, types)]
        names += [f"{camel_case(instruction.name)}Accounts", instruction.name]
    used = {name for item in idl.instructions for arg in item.args for name in types.names(arg.type)}
    return module("Instructions of the program (PROTOCOL section 6).", import_lines(blocks, used), names, blocks)


def _accounts_class(instruction: InstructionSpec) -> str:
    lines = [
        "@dataclass(frozen=True, slots=True, kw_only=True)",
        f"class {camel_case(instruction.name)}Accounts:",
        f'    """Accounts of `{instruction.name}`."""',
        "",
    ]
    for account in instruction.accounts:
        annotation, default = "Pubkey", ""
        if account.optional:
            annotation, default = "Pubkey | None", " = None"
        elif account.address is not None:
            default = f' = Pubkey.from_string("{account.address}")'
        lines += attribute(f"{identifier(account.name)}: {annotation}{default}", [_account_docs(account)])
    return "\n".join(lines).rstrip()


def _account_docs(account: AccountSpec) -> str:
    docs = " ".join(account.docs)
    if docs and not docs.endswith("."):
        docs += "."
    flags = {"optional": account.optional, "signer": account.signer, "writable": account.writable}
    role = ", ".join(name for name, holds in flags.items() if holds)
    return " ".join(part for part in (docs, f"{role.capitalize()}." if role else "") if part)


def _builder(instruction: InstructionSpec, types: Types) -> str:
    lines = [f"def {identifier(instruction.name)}(", f"    accounts: {camel_case(instruction.name)}Accounts,", "    *,"]
    for arg in instruction.args:
        if arg.name in _PARAMETERS:
            raise IdlError(
                f"argument {arg.name!r} of {instruction.name} has the name of a parameter that all builders have"
            )
        lines.append(f"    {identifier(arg.name)}: {types.annotation(arg.type)},")
    lines += [
        "    program_id: Pubkey = PROGRAM_ID,",
        "    remaining_accounts: Sequence[AccountMeta] = (),",
        ") -> Instruction:",
        docstring(instruction.docs, f"Builds `{instruction.name}`."),
        f'    data = bytearray.fromhex("{instruction.discriminator.hex()}")',
    ]
    for arg in instruction.args:
        lines.append(f'    {types.codec(arg.type)}.write(data, {identifier(arg.name)}, "{arg.name}")')
    lines += [
        "    metas = [",
        *(_meta(account) for account in instruction.accounts),
        "        *remaining_accounts,",
        "    ]",
    ]
    return "\n".join([*lines, "    return Instruction(program_id, bytes(data), metas)"])


def _meta(account: AccountSpec) -> str:
    name = f"accounts.{identifier(account.name)}"
    flags = f"is_signer={account.signer}, is_writable={account.writable}"
    if account.optional:
        return f"        optional_account({name}, program_id, {flags}),"
    return f"        AccountMeta({name}, {flags}),"
