"""What a transaction changed, account by account and field by field."""

from __future__ import annotations

from typing import Any, TypeAlias

from solders.account import Account
from solders.pubkey import Pubkey

from support.lanes import decode_lanes
from support.svm import Instructions, flatten
from support.tokens import token_amount
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.structs import Struct

Effects: TypeAlias = dict[Pubkey, dict[str, Any]]
"""By account: each field that changed. Numbers by how much, everything else by what it is now."""

_TOKEN_PROGRAMS = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)
_MINT_SIZE = 82


def effects(world: World, *instructions: Instructions) -> Effects:
    """Sends a transaction, which must succeed, and says what changed in every account it names.

    The fee is not counted. An account that is not there has no lamports and no other fields.
    """
    named = {meta.pubkey for each in flatten(instructions) for meta in each.accounts} | {world.payer.pubkey()}
    before = {address: fields_of(world.account(address)) for address in named}
    result = world.send(*instructions)
    assert result.ok, f"{result.error_name}: {result.logs}"
    changes = {}
    for address in named:
        fee = result.fee if address == world.payer.pubkey() else 0
        changed = difference(before[address], fields_of(world.account(address)), fee)
        if changed:
            changes[address] = changed
    return changes


def difference(before: dict[str, Any], after: dict[str, Any], fee: int = 0) -> dict[str, Any]:
    """The fields that differ; those of an account that came or went count from and to zero or None."""
    changes = {}
    for name in before | after:
        old, new = before.get(name), after.get(name)
        if isinstance(old, int) or isinstance(new, int):
            delta = (new or 0) - (old or 0) + (fee if name == "lamports" else 0)
            if delta:
                changes[name] = delta
        elif old != new:
            changes[name] = new
    return changes


def fields_of(account: Account | None) -> dict[str, Any]:
    """An account's lamports and fields; nested ones as `delegates.0.allowance`."""
    if account is None:
        return {"lamports": 0}
    fields: dict[str, Any] = {"lamports": account.lamports}
    if account.owner == PROGRAM_ID:
        for kind in (state.Network, state.Device, state.Tab):
            if account.data.startswith(kind.DISCRIMINATOR):
                fields |= flat(kind.decode(account.data[: kind.SIZE]))
        if account.data.startswith(state.Tab.DISCRIMINATOR):
            fields["lanes"] = decode_lanes(account.data)
    elif account.owner in _TOKEN_PROGRAMS and len(account.data) > _MINT_SIZE:
        fields["amount"] = token_amount(account.data)
    elif not account.executable:
        fields["data"] = account.data
    return fields


def flat(struct: Struct, prefix: str = "") -> dict[str, Any]:
    """The fields of a struct and of those inside it."""
    fields: dict[str, Any] = {}
    for name, _ in struct.FIELDS:
        value = getattr(struct, name)
        if isinstance(value, Struct):
            fields |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], Struct):
            for place, each in enumerate(value):
                fields |= flat(each, f"{prefix}{name}.{place}.")
        else:
            fields[prefix + name] = value
    return fields
