"""Making final what is due."""

from __future__ import annotations

from solders.pubkey import Pubkey

from worktab.core.errors import ChainError, ConnectionFailed
from worktab.roles.attesting import Finalization, Finalizer
from worktab.roles.base import Role
from worktab.roles.commitments import EpochStage

Finalized = tuple[Pubkey, Finalization | ChainError]
"""A commitment, and what became of it: the chain's refusal is told and left."""


async def finalize_due(role: Role) -> tuple[Finalized, ...]:
    """Make final what is due in a role's network, the oldest first, and close what is outdated.

    Raises what reading the network raises, and `ConnectionFailed`.
    """
    finalizer, reader = Finalizer(role.sender, role.address, program_id=role.program_id), role.reader
    found: list[Finalized] = []
    for view in await reader.epochs():
        if view.stage(await reader.network(), await reader.chain.unix_time()) is not EpochStage.DUE:
            continue
        try:
            found.append((view.address, await finalizer.finalize(view.address)))
        except ConnectionFailed:
            raise
        except ChainError as error:
            found.append((view.address, error))
    await finalizer.close_outdated()
    return tuple(found)
