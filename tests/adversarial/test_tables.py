"""The tables that the attacks are made from are complete and true, so that nothing new escapes."""

from __future__ import annotations

from collections import Counter

import pytest

from support.adversarial_allowances import ALLOWANCES, ALLOWED
from support.adversarial_cases import Case, Mutation, cases
from support.adversarial_idl import INSTRUCTIONS, STATES, Kind, slots_of
from support.adversarial_mutations import Attempt
from support.adversarial_oracle import Theatre, snapshot
from support.adversarial_refusals import REFUSALS
from support.adversarial_scenes import ALL, stage_of
from worktab.program.generated import PROGRAM_ID

CASES = cases()


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_every_instruction_has_a_scene(instruction: str) -> None:
    assert any(scene.instruction == instruction for scene in ALL.values())


def test_every_scene_is_of_an_instruction() -> None:
    assert {scene.instruction for scene in ALL.values()} == set(INSTRUCTIONS)


def test_every_kind_of_account_of_the_program_is_known() -> None:
    assert set(STATES) <= set(Kind)


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_every_account_is_attacked(instruction: str) -> None:
    attacked = {(ALL[case.scene].instruction, case.slot) for case in CASES}
    assert {(instruction, slot.name) for slot in slots_of(instruction)} <= attacked


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_every_optional_account_is_given_in_a_scene(instruction: str) -> None:
    given = {
        slot.name
        for scene in ALL.values()
        if scene.instruction == instruction
        for slot in scene.places
        if slot.name not in scene.without
    }
    assert {slot.name for slot in slots_of(instruction)} <= given


def test_no_attack_comes_twice() -> None:
    assert [case for case, times in Counter(CASES).items() if times > 1] == []


def test_every_allowance_is_for_an_attack_that_is_made() -> None:
    assert ALLOWED.keys() - set(CASES) == set()


def test_no_attack_is_allowed_for_two_reasons() -> None:
    allowed: list[Case] = [case for allowance in ALLOWANCES for case in allowance.cases()]
    assert [case for case, times in Counter(allowed).items() if times > 1] == []


def test_every_kind_of_attack_is_made_and_has_its_refusals() -> None:
    assert {case.mutation for case in CASES} == set(Mutation) == set(REFUSALS)


@pytest.mark.parametrize("name", ALL)
def test_a_scene_has_an_account_of_its_kind_in_every_place(name: str) -> None:
    scene, stage = ALL[name], stage_of(name)
    accounts = snapshot(stage.cast)
    for slot, meta in zip(scene.places, stage.own.metas, strict=True):
        if slot.name in scene.without:
            assert meta.pubkey == PROGRAM_ID
        elif slot.name in scene.created:
            assert meta.pubkey not in accounts
        elif slot.is_state:
            assert accounts[meta.pubkey].data.startswith(STATES[slot.kind]), slot.name
        elif slot.has_data or slot.kind is Kind.WALLET:
            assert meta.pubkey in accounts, slot.name


@pytest.mark.parametrize("name", ALL)
def test_a_family_has_another_account_just_where_the_tables_say_so(name: str) -> None:
    scene, stage = ALL[name], stage_of(name)
    for family, call in stage.calls.items():
        differing = {
            slot.name
            for slot, ours, theirs in zip(scene.places, stage.own.metas, call.metas, strict=True)
            if ours.pubkey != theirs.pubkey
        }
        assert differing == {slot.name for slot in scene.places if family in scene.families_of(slot)}, family


@pytest.mark.parametrize("name", ALL)
def test_a_scene_signs_and_writes_what_the_idl_and_its_table_say(name: str) -> None:
    scene, stage = ALL[name], stage_of(name)
    for slot, meta in zip(scene.places, stage.own.metas, strict=True):
        given = slot.name not in scene.without
        assert meta.is_signer == (given and (slot.signer or slot.name in scene.signs)), slot.name
        assert meta.is_writable == (given and (slot.writable or slot.name in scene.writes)), slot.name


@pytest.mark.parametrize("name", ALL)
def test_a_scene_closes_and_creates_what_its_table_says(name: str) -> None:
    scene, stage = ALL[name], stage_of(name)
    changes = Theatre(stage).valid(Attempt(stage.own, stage.own)).changes
    places = [(slot, meta.pubkey) for slot, meta in zip(scene.places, stage.own.metas, strict=True)]
    assert {
        slot.name for slot, address in places if address in changes and changes[address].now is None
    } == scene.closed
    assert all(changes[address].now is not None for slot, address in places if slot.name in scene.created)
