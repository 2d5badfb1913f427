"""An attestor's own commitment: built, sampled, published, then committed to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from solders.pubkey import Pubkey

from worktab.core.errors import ConnectionFailed
from worktab.epochs.attesting.comparing import against_chain
from worktab.epochs.attesting.judging import Judge, Seen
from worktab.epochs.attesting.memory import Memory, Remembered, basis_of
from worktab.epochs.attesting.population import Population
from worktab.epochs.attesting.reports import Committed
from worktab.epochs.attesting.results import Result
from worktab.epochs.attesting.slots import slot_hashes
from worktab.epochs.attesting.verdicts import Objection, Reason, sample_objections
from worktab.epochs.lineage import PreviousUnknown
from worktab.roles.attesting import Attestor

_NOTHING: Final = bytes(32)


async def commit_to(
    epoch: int, chain: Seen, role: Attestor, judge: Judge, memory: Memory, vetoed: Collection[Result]
) -> Committed:
    """Commit to what an attestor builds itself, unless it was vetoed, the chain refuses it or a record of it fails.

    Its records are drawn by the newest slot's hash before the commit: what they show is a part of what is committed to.
    Raises what sending and the disk raise.
    """
    try:
        base = judge.accepted.base(epoch, chain.network, chain.terms)
    except PreviousUnknown as error:
        return Committed(None, None, (Objection(Reason.PREVIOUS_UNKNOWN, str(error)),), None, 0)
    own = await judge.own(epoch, base, chain.terms)
    if own is None:
        return Committed(None, None, (), None, 0)
    objections = against_chain(own.commitment(), chain.network)
    if Result.of(own.manifest) in vetoed:
        objections.append(Objection(Reason.VETOED, "the guardian vetoed the same result"))
    if objections:
        return Committed(None, own.commitment(), tuple(objections), None, 0)
    subject = Pubkey(own.manifest.hash())
    known = memory.get(subject)
    # A sample that failed is not drawn again until it does not.
    drawn_by = (await slot_hashes(role.reader.chain))[0] if known is None else known.drawn_by
    memory.put(subject, Remembered(drawn_by, _NOTHING, False))
    population = Population.of(own, base)
    sample = await judge.sample(
        population, chain.network, drawn_by=drawn_by, subject=subject, attestor=role.key.pubkey()
    )
    objections = list(sample_objections(sample, refuse_withheld=judge.rules.refuse_withheld))
    commitment = own.commitment(sample.checked, sample.failed, sample.ms)
    if objections:
        return Committed(None, commitment, tuple(objections), sample, 0)
    # Published before anybody can look for it.
    await asyncio.to_thread(judge.accepted.put, own, chain.network)
    address = await role.commit(commitment)
    numbers = (sample.checked, sample.failed, sample.ms)
    memory.put(address, Remembered(drawn_by, basis_of(own.manifest.hash(), chain.network), True, numbers))
    return Committed(address, commitment, (), sample, await _fee(role, address))


async def _fee(role: Attestor, epoch: Pubkey) -> int:
    """What the commit cost, in lamports; 0 where the node does not show it."""
    chain = role.reader.chain
    try:
        [*_, first] = await chain.history(epoch)
        landed = await chain.transaction(first.signature)
    except (ValueError, ConnectionFailed):
        return 0
    return landed.fee if landed is not None else 0
