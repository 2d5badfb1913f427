"""What an allowance says, and the acts that allowances are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from support.adversarial_cases import Case, Mutation
from support.adversarial_effects import Effect
from support.adversarial_idl import STATES

Act: TypeAlias = tuple[Mutation, str]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Attacks that succeed: each of `acts` on each of `slots`, written `scene: slot` or, of a whole call, `scene: `."""

    reason: str
    effect: Effect
    acts: tuple[Act, ...]
    slots: tuple[str, ...]

    def cases(self) -> list[Case]:
        """The cases it is about."""
        pairs = [slot.split(": ") for slot in self.slots]
        return [Case(scene, slot, mutation, detail) for scene, slot in pairs for mutation, detail in self.acts]


WALLET: Final[tuple[Act, ...]] = ((Mutation.CLOSED, ""), (Mutation.OWNER, "a stranger's program"))
OWNERS: Final[tuple[Act, ...]] = tuple(
    (Mutation.OWNER, owner) for owner in ("a stranger's program", "the system program", "the other token program")
)
REVIVED: Final[tuple[Act, ...]] = tuple(
    (Mutation.REVIVED, how) for how in ("lamports alone", "zeros, the program's", "zeros, the system program's")
)
STRANGERS: Final[Act] = (Mutation.ANOTHER, "a stranger's")
SIBLINGS: Final[Act] = (Mutation.ANOTHER, "sibling")
NEIGHBOURS: Final[Act] = (Mutation.ANOTHER, "neighbour")
BUT_NEIGHBOURS: Final[Act] = (Mutation.ALL_BUT, "neighbour")
FOREIGN: Final[Act] = (Mutation.NETWORK, "foreign")
LEFT_OUT: Final[Act] = (Mutation.MISSING, "left out")
AGAIN: Final[tuple[Act, ...]] = ((Mutation.AGAIN, ""),)
CUT: Final[Act] = (Mutation.MISSING, "and all after it")


def kinds(*others: str) -> tuple[Act, ...]:
    """Accounts of every kind that the program keeps, and of these kinds, in the place."""
    return tuple((Mutation.KIND, kind) for kind in (*STATES, *others))


def twice(*others: str) -> tuple[Act, ...]:
    """The account of each of these other slots in the place as well."""
    return tuple((Mutation.TWICE, other) for other in others)


def neighbours_with(other: str) -> tuple[Act, ...]:
    """The neighbour's account in the place, and the neighbour's in this one as well."""
    return ((Mutation.PAIR, f"neighbour, with {other}"),)
