"""The attacks on every account of every scene, derived from the IDL's accounts and what kinds they are of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, permutations
from typing import Final

from support.adversarial_idl import INSTRUCTIONS, STATES, Kind, Slot
from support.adversarial_scene import Scene
from support.adversarial_scenes import ALL


class Mutation(StrEnum):
    """What is done to a valid call."""

    UNSIGNED = "missing signer"
    READ_ONLY = "read-only instead of writable"
    OWNER = "another owner"
    ANOTHER = "another of the same kind"
    NETWORK = "another network's"
    PAIR = "two accounts of another call"
    ALL_BUT = "all others of another call"
    KIND = "another kind of account"
    DISCRIMINATOR = "another discriminator"
    TWICE = "the same account twice"
    CLOSED = "closed"
    REVIVED = "closed and revived"
    TAKEN = "in use already"
    PROGRAM = "wrong program"
    PROOF = "wrong proof"
    MISSING = "too few accounts"
    EXTRA = "too many accounts"
    DATA = "other instruction data"
    AGAIN = "again in the same transaction"


STRANGERS: Final = "a stranger's"
OTHER_MINTS: Final = "of another mint"
COPY: Final = "a copy elsewhere"
OWNERS: Final = ("a stranger's program", "the system program", "the other token program", COPY)
REVIVALS: Final = ("lamports alone", "zeros, the program's", "zeros, the system program's")
TAKEN: Final = ("lamports sent ahead", "one of its kind", "zeros, the program's", "a stranger's program's")
PROGRAMS: Final = ("a stranger's program", "the other token program", "no program")
PROOFS: Final = ("a forged sysvar", "another sysvar", "a stranger who signs")
MOVED_PROOFS: Final = ("nothing signed before it", "an instruction between")
DATA: Final = (
    "none",
    "half",
    "one byte less",
    "one byte more",
    "1,024 bytes more",
    "discriminator alone",
    "unknown discriminator 255",
    "unknown discriminator after the last",
)
_OF_ARGUMENTS: Final = ("half", "one byte less", "discriminator alone")
EXTRAS: Final = ("a stranger", "a stranger who signs", "the first account again", "a device", "sixty strangers")


@dataclass(frozen=True, slots=True)
class Case:
    """One attack: on a slot of a scene, or on the whole call where `slot` is empty."""

    scene: str
    slot: str
    mutation: Mutation
    detail: str = ""

    def __str__(self) -> str:
        return "; ".join(part for part in (self.scene, self.slot, self.mutation, self.detail) if part)


def cases() -> list[Case]:
    """Every attack on every scene."""
    return [case for scene in ALL.values() for case in _of(scene)]


def _of(scene: Scene) -> Iterator[Case]:
    for slot in scene.places:
        attacks = _on_left_out(slot) if slot.name in scene.without else _on_any(scene, slot)
        for mutation, detail in attacks:
            yield Case(scene.name, slot.name, mutation, detail)
    for one, other in permutations(scene.places, 2):
        if _may_collide(scene, one, other):
            yield Case(scene.name, one.name, Mutation.TWICE, other.name)
    for family in scene.families:
        differing = [slot.name for slot in scene.places if family in scene.families_of(slot)]
        # Two of two would be the other company's own call.
        for first, second in combinations(differing, 2) if len(differing) > 2 else ():
            yield Case(scene.name, first, Mutation.PAIR, f"{family}, with {second}")
    yield Case(scene.name, "", Mutation.AGAIN)
    for name in sorted(scene.closed):
        yield Case(scene.name, name, Mutation.AGAIN, "lamports sent between")
    for detail in EXTRAS:
        yield Case(scene.name, "", Mutation.EXTRA, detail)
    for detail in DATA:
        if detail not in _OF_ARGUMENTS or INSTRUCTIONS[scene.instruction]["args"]:
            yield Case(scene.name, "", Mutation.DATA, detail)


def _on_left_out(slot: Slot) -> Iterator[tuple[Mutation, str]]:
    """Somebody gives an optional account where none is needed."""
    for kind in _other_kinds(slot):
        yield Mutation.KIND, kind


def _on_any(scene: Scene, slot: Slot) -> Iterator[tuple[Mutation, str]]:
    yield Mutation.MISSING, "left out"
    yield Mutation.MISSING, "and all after it"
    if slot.optional:
        yield Mutation.MISSING, "none given"
    if slot.signer or slot.name in scene.signs:
        yield Mutation.UNSIGNED, ""
    if slot.writable or slot.name in scene.writes:
        yield Mutation.READ_ONLY, ""
    if slot.kind is Kind.PROGRAM:
        yield from ((Mutation.PROGRAM, detail) for detail in PROGRAMS)
        return
    if slot.kind is Kind.PROOF:
        native = () if slot.name in scene.signs else MOVED_PROOFS
        yield from ((Mutation.PROOF, detail) for detail in (*PROOFS, *native))
        yield from ((Mutation.KIND, kind) for kind in _other_kinds(slot))
        return
    yield from _swaps(scene, slot)
    if not slot.signer:
        yield from ((Mutation.KIND, kind) for kind in _other_kinds(slot))
    if slot.name in scene.created:
        yield from ((Mutation.TAKEN, detail) for detail in TAKEN)
        return
    yield Mutation.CLOSED, ""
    if slot.has_data:
        yield from ((Mutation.OWNER, detail) for detail in OWNERS)
        yield from ((Mutation.REVIVED, detail) for detail in REVIVALS)
    else:
        yield Mutation.OWNER, OWNERS[0]
    if slot.is_state:
        yield from ((Mutation.DISCRIMINATOR, kind) for kind in STATES if kind != slot.kind)


def _swaps(scene: Scene, slot: Slot) -> Iterator[tuple[Mutation, str]]:
    """Other accounts of the same kind, alone and with the rest of the call they belong to."""
    for family in scene.families_of(slot):
        of_network = family == "foreign"
        yield Mutation.NETWORK if of_network else Mutation.ANOTHER, family
        if sum(family in scene.families_of(each) for each in scene.places) > 1:
            yield Mutation.ALL_BUT, family
    if slot.kind in (Kind.WALLET, Kind.MINT, Kind.TOKENS, Kind.VAULT):
        yield Mutation.ANOTHER, STRANGERS
    if slot.kind in (Kind.TOKENS, Kind.VAULT):
        yield Mutation.ANOTHER, OTHER_MINTS


def _other_kinds(slot: Slot) -> Iterator[str]:
    """Kinds that the slot is not for: of the program's own accounts, and of all others."""
    tokens = slot.kind in (Kind.TOKENS, Kind.VAULT)
    own = Kind.TOKENS if tokens else slot.kind
    for kind in (*STATES, Kind.MINT, Kind.TOKENS, Kind.WALLET, Kind.PROGRAM, "nothing"):
        if kind != own:
            yield kind


def _may_collide(scene: Scene, one: Slot, other: Slot) -> bool:
    """Whether one account in both places could do harm: it is written, or both are of one kind."""
    if {one.name, other.name} & scene.without or Kind.PROGRAM in (one.kind, other.kind):
        return False
    return one.writable or other.writable or one.kind is other.kind


def unknown_discriminator(after: bool) -> int:
    """A number that no instruction has: 255, or the one after the last."""
    taken = {item["discriminator"][0] for item in INSTRUCTIONS.values()}
    number = max(taken) + 1 if after else 255
    assert number not in taken
    return number
