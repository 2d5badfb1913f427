"""Accounts written by a newer program than this release knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.fleet import Fleet
from worktab.core.errors import EncodingError
from worktab.roles.forecast import forecast
from worktab.roles.reading import DeviceView
from worktab.roles.stats import device_stats, network_stats

NEXT_STEP = "A newer release of this package may know it"


@pytest.mark.parametrize(
    ("field", "number", "message"),
    [
        ("key_kind", 3, "The key kind is not known; expected one of 1, 2; got 3"),
        ("status", 0, "The status is not known; expected one of 1, 2, 3; got 0"),
        ("class_", 8, "The class is not known; expected 0 to 7; got 8"),
    ],
)
async def test_a_device_that_is_not_understood(fleet: Fleet, field: str, number: int, message: str) -> None:
    view = await (await fleet.device()).view()
    changed: dict[str, Any] = {field: number}
    device = replace(view.device, **changed)
    with pytest.raises(EncodingError) as caught:
        device_stats(view.address, device, view.network, view.now)
    assert str(caught.value) == f"{message}. {NEXT_STEP}"


@pytest.mark.parametrize(
    ("device", "network", "name"),
    [({"class_": 8}, {}, "class"), ({}, {"reward_path": 3}, "reward path")],
)
async def test_nothing_is_forecast_that_is_not_understood(
    fleet: Fleet, device: dict[str, Any], network: dict[str, Any], name: str
) -> None:
    view = await (await fleet.device()).view()
    with pytest.raises(EncodingError, match=f"The {name} is not known"):
        forecast(replace(view.network, **network), replace(view.device, **device), 1, view.now)


async def test_a_network_that_is_not_understood(fleet: Fleet) -> None:
    snapshot = await fleet.operator.reader.snapshot()
    first, *others = snapshot.network.classes
    with pytest.raises(EncodingError, match="The reward path is not known; expected one of 1, 2; got 0"):
        network_stats(replace(snapshot, network=replace(snapshot.network, reward_path=0)))
    with pytest.raises(EncodingError, match="The meter is not known; expected one of 1, 2, 3, 4, 5, 6; got 7"):
        network_stats(replace(snapshot, network=replace(snapshot.network, classes=(replace(first, meter=7), *others))))


async def test_a_receipt_of_a_key_that_is_not_understood_is_not_sent(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    receipt = await fleet.receipt(device, 1, 50)
    view = await device.view()

    async def newer() -> DeviceView:
        return replace(view, device=replace(view.device, key_kind=3))

    monkeypatch.setattr(device, "view", newer)
    with pytest.raises(EncodingError, match="The key kind is not known"):
        await device.submit(*receipt)
    assert (await fleet.read(device.device)).seq == 0
