"""Scenes: a valid call of each instruction, from which the attacks are derived."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from solders.instruction import AccountMeta, Instruction

from support.adversarial_cast import Cast, Company
from support.adversarial_idl import Family, Slot, slots_of
from support.svm import Instructions, flatten

Build: TypeAlias = Callable[[Company], Instructions]
"""Makes what a company's call needs and returns the transaction: the call comes last, signatures before it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How one instruction is called validly.

    name      the instruction's, and in brackets which of its forms it is
    extra     slots of the accounts that follow the declared ones
    families  those that can make the same call
    created   slots that the call creates
    closed    slots whose accounts the call closes
    without   optional slots that are left out
    writes    slots that this form of the call needs writable and the IDL does not
    signs     slots that sign this form of the call and need not by the IDL
    differs   families in which another account stands in a slot, where its name does not tell
    terms     of both networks
    seconds   that go by once every call is prepared
    slots     of the chain that go by as well
    """

    name: str
    instruction: str
    build: Build
    extra: tuple[Slot, ...] = ()
    families: tuple[Family, ...] = tuple(Family)
    created: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    differs: dict[str, tuple[Family, ...]] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    seconds: int = 0
    slots: int = 0

    @property
    def places(self) -> tuple[Slot, ...]:
        """All accounts of the call, in their order."""
        return slots_of(self.instruction) + self.extra

    def families_of(self, slot: Slot) -> tuple[Family, ...]:
        """The families in whose call another account stands in this slot."""
        if slot.name in self.without:
            return ()
        differing = self.differs.get(slot.name, slot.families)
        return tuple(family for family in self.families if family in differing)


SCENES: Final[dict[str, Scene]] = {}


def scene(name: str, form: str = "", **rules: Any) -> Callable[[Build], Build]:
    """Registers a scene of an instruction; `rules` are fields of `Scene`, sets given as any iterable."""

    def register(build: Build) -> Build:
        for which in ("created", "closed", "without", "writes", "signs"):
            rules[which] = frozenset(rules.get(which, ()))
        key = f"{name} ({form})" if form else name
        assert key not in SCENES
        SCENES[key] = Scene(key, name, build, **rules)
        return build

    return register


@dataclass(frozen=True, slots=True)
class Call:
    """A valid call: what goes before it, and the call with an account for each of the scene's slots."""

    before: tuple[Instruction, ...]
    instruction: Instruction

    @classmethod
    def of(cls, made: Instructions) -> Call:
        """The transaction that a scene built."""
        *before, instruction = flatten(made)
        return cls(tuple(before), instruction)

    def with_metas(self, metas: Iterable[AccountMeta]) -> Call:
        """The same call with other accounts."""
        return Call(self.before, Instruction(self.instruction.program_id, self.instruction.data, list(metas)))

    def with_data(self, data: bytes) -> Call:
        """The same call with other data."""
        return Call(self.before, Instruction(self.instruction.program_id, data, list(self.instruction.accounts)))

    @property
    def metas(self) -> list[AccountMeta]:
        """The call's accounts."""
        return list(self.instruction.accounts)

    @property
    def transaction(self) -> list[Instruction]:
        """All instructions in their order."""
        return [*self.before, self.instruction]


class Stage:
    """A scene set up: its cast, and the call of each company."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.cast = cast = Cast(**scene.terms)
        self.own = Call.of(scene.build(cast.own))
        self.calls = {family: Call.of(scene.build(cast.companies[family])) for family in scene.families}
        if scene.slots:
            now = cast.world.now
            cast.world.slot += scene.slots
            cast.world.now = now
        cast.world.advance(scene.seconds)
        cast.world.check_ledger()
