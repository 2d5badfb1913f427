"""What an attack may do that is not refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from enum import StrEnum
from typing import TypeAlias

from solders.pubkey import Pubkey

from support.adversarial_mutations import Attempt
from support.adversarial_oracle import Change, Changes
from worktab.program.generated import accounts as state

Moved: TypeAlias = dict[Pubkey, tuple[int, int]]


class Effect(StrEnum):
    """How far a call that succeeds may differ from the valid one."""

    SAME = "to the byte what the valid call does"
    NOTHING = "nothing at all"
    PART = "less than the valid call, and nothing elsewhere"
    POOL = "less than the valid call, and nothing elsewhere; what nobody gets stays in the network"
    RENT = "what the valid call does, but for lamports"
    TWICE = "what the valid call moves, two times"
    INSTEAD = "the valid call with another account in a place; that one loses nothing unless it signs"
    RELATED = "the valid call for another account of the same people, who signed or are paid"


def require(effect: Effect, attempt: Attempt, valid: Changes, changes: Changes) -> None:
    """Asserts that a successful attack did what it may, and no more."""
    written = attempt.writes.keys()
    if effect is Effect.NOTHING:
        assert not changes
    elif effect is Effect.SAME:
        assert changes.keys() == valid.keys()
        assert moved(changes) == moved(valid)
        assert without(changes, written) == without(valid, written)
    elif effect in (Effect.PART, Effect.POOL):
        networks = {each for each, change in changes.items() if is_network(change)} if effect is Effect.POOL else set()
        assert changes.keys() - networks <= valid.keys()
        assert all(changes[network].moved == (0, 0) for network in networks)
        for address, change in without(changes, networks).items():
            for now, usual in zip(change.moved, valid[address].moved, strict=True):
                assert min(usual, 0) <= now <= max(usual, 0), address
    elif effect is Effect.RENT:
        assert owned_data(changes) == owned_data(valid)
        assert sum(change.lamports for change in changes.values()) == 0
        assert money(changes) == money(valid)
    elif effect is Effect.TWICE:
        assert moved(changes) == {each: (2 * gain[0], 2 * gain[1]) for each, gain in moved(valid).items()}
    else:
        assert moved(changes) == renamed(moved(valid), attempt.swapped)
        if effect is Effect.INSTEAD:
            signers = {meta.pubkey for meta in attempt.call.metas if meta.is_signer}
            losers = {address for address, change in changes.items() if min(change.moved) < 0}
            assert losers <= valid.keys() | signers


def moved(changes: Changes) -> Moved:
    """What every changed account gained."""
    return {address: change.moved for address, change in changes.items()}


def money(changes: Changes) -> dict[Pubkey, int]:
    """The base units that every account gained."""
    return {address: change.money for address, change in changes.items() if change.money}


def renamed(gains: Moved, swapped: dict[Pubkey, Pubkey]) -> Moved:
    """The same with substitutes in their places; one that stands in two gains for both."""
    sums: defaultdict[Pubkey, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for address, (lamports, money) in gains.items():
        before = sums[swapped.get(address, address)]
        sums[swapped.get(address, address)] = before[0] + lamports, before[1] + money
    return dict(sums)


def without(changes: Changes, addresses: Collection[Pubkey]) -> dict[Pubkey, Change]:
    """The changes of all other accounts."""
    return {address: change for address, change in changes.items() if address not in addresses}


def is_network(change: Change) -> bool:
    """Whether the account is a network."""
    return change.now is not None and change.now[2].startswith(state.Network.DISCRIMINATOR)


def owned_data(changes: Changes) -> dict[Pubkey, tuple[Pubkey, bytes]]:
    """Owner and data of every changed account that has data."""
    return {address: change.now[1:] for address, change in changes.items() if change.now and change.now[2]}
