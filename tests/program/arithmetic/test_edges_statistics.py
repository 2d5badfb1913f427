"""Statistics that stop at their largest value fail nothing and change nothing: no event, no amount differs by them."""

from __future__ import annotations

from typing import Any

import pytest

from support.edges_case import U64
from support.edges_story import Story
from support.world import World
from worktab.program.artefacts import program_idl

U32 = (1 << 32) - 1
LARGEST = {"u32": U32, "u64": U64}
FALLING = {"units_sold", "units_self_sold", "lifetime_rewards", "total_rewards"}
"""Statistics from which refunds and forfeits are taken off."""


def statistics(account: str) -> dict[str, int]:
    """The fields of an account that the IDL's documentation says stop, and where."""
    [fields] = [each["type"]["fields"] for each in program_idl()["types"] if each["name"] == account]
    return {
        field["name"]: LARGEST[field["type"]]
        for field in fields
        if "stops at the largest value" in " ".join(field.get("docs", [])).lower()
    }


def numbers(held: Any) -> dict[str, Any]:
    """What an account says but for its statistics."""
    fields = {name: getattr(held, name) for name, _ in type(held).FIELDS}
    kind = type(held).__name__
    return {name: value for name, value in fields.items() if name not in {*statistics(kind), *FOLLOWING}}


FOLLOWING = {"units_counted", "self_units_counted"}
"""What of the statistics a network's total has: follows them."""


def accounts(story: Story) -> dict[str, Any]:
    """The accounts that count, as they are after it all."""
    world = story.world
    return {
        "network": world.read_network(story.flow.network),
        "device": world.read_device(story.device),
        "honest": world.read_device(story.honest),
        "tab": world.read_tab(story.flow.tab),
        "own tab": world.read_tab(story.own),
    }


def saturate(story: Story) -> None:
    """Writes the largest value into every statistic: no rule of the ledger knows of them."""
    story.world.patch_network(story.flow.network, **statistics("Network"))
    for device in (story.device, story.honest):
        story.world.patch_device(device, **statistics("Device"), units_counted=U64, self_units_counted=U64)
    for tab in (story.flow.tab, story.own):
        story.world.patch_tab(tab, **statistics("Tab"))


@pytest.fixture(scope="module")
def told() -> tuple[Story, Story]:
    """The same story twice: as it goes, and with every statistic full from the beginning."""
    plain, full = Story(World()), Story(World())
    saturate(full)
    plain.tell()
    full.tell()
    return plain, full


def test_every_statistic_rises_in_the_story(told: tuple[Story, Story]) -> None:
    """Else what follows would show nothing about it."""
    held = accounts(told[0])
    assert len(statistics("Network")) == 14
    assert len(statistics("Device")) == 8
    assert len(statistics("Tab")) == 2
    for name in statistics("Network"):
        assert getattr(held["network"], name) > 0, name
    for name in {*statistics("Device")} - {"lifetime_rewards"}:
        assert getattr(held["device"], name) > 0, name
    for name in statistics("Tab"):
        assert getattr(held["tab"], name) > 0, name


def test_full_statistics_change_no_event(told: tuple[Story, Story]) -> None:
    plain, full = told

    assert full.events == plain.events
    assert len(plain.events) == 37


def test_full_statistics_change_no_other_number(told: tuple[Story, Story]) -> None:
    plain, full = accounts(told[0]), accounts(told[1])
    for name, held in plain.items():
        assert numbers(full[name]) == numbers(held), name


def test_full_statistics_stay_full_but_for_what_is_taken_off(told: tuple[Story, Story]) -> None:
    for name, held in accounts(told[1]).items():
        for statistic, largest in statistics(type(held).__name__).items():
            value = getattr(held, statistic)
            assert value == largest or (statistic in FALLING and value >= largest - 1_000), (name, statistic)
