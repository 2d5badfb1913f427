"""What a daemon asks, when it settles, and how much it takes on at once; amounts in base units."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from worktab.agent.app import JobLimits
from worktab.agent.errors import BadSetting, MissingSetting
from worktab.agent.settings import Settings
from worktab.core.errors import InputError
from worktab.core.money import parse_amount
from worktab.market.pricing import Price
from worktab.market.provider.settling import SettlePolicy
from worktab.roles.device import Device
from worktab.roles.reading import DeviceView
from worktab.roles.terms import RewardBasis, RewardPath

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tariff:
    """The price of a job, when settling is worth the fee, and the most units of a request."""

    price: Price
    policy: SettlePolicy
    decimals: int
    max_units: int

    @classmethod
    async def read(cls, device: Device, settings: Settings) -> Tariff:
        """By a daemon's settings; without a price, what the network pays for units of the device's class.

        Raises `BadSetting`, `MissingSetting` where the network pays nothing for units, and what reading the network
        and the device raises.
        """
        view = await device.view()
        decimals = view.network.decimals

        def amount(name: str, default: int) -> int:
            text: str | None = getattr(settings, name)
            try:
                return default if text is None else parse_amount(text, decimals)
            except InputError as error:
                raise BadSetting(name, error.expected, error.got) from error

        rate = amount("price", view.network.classes[view.device.class_].rate)
        minimum = amount("minimum", 1)
        if settings.price is None and rate == 0:
            raise MissingSetting("price")
        if rate == minimum == 0:
            raise BadSetting("minimum", "more than 0 where the price is 0", "0")
        policy = SettlePolicy(
            enough=amount("settle_at", 0), least=max(1, amount("settle_least", 1)), max_age=settings.settle_after
        )
        return cls(Price(rate, minimum), policy, decimals, _max_units(view, settings))


def _max_units(view: DeviceView, settings: Settings) -> int:
    """The most units of a request: as told, else no more than can be rewarded in one epoch.

    A receipt over a larger job could never be recorded without a cut, and would hold back all that follow it.
    """
    network, capacity, most = view.network, view.device.next_capacity, JobLimits().max_units
    rewarded = (network.reward_path, network.basis) == (RewardPath.RECEIPTS, RewardBasis.ALL_UNITS)
    if not (rewarded and capacity and network.classes[view.device.class_].rate):
        return settings.max_units or most
    if settings.max_units is None:
        return min(most, capacity)
    if settings.max_units > capacity and not settings.accept_cut:
        _LOG.warning(
            "max_units is %d, the device's capacity %d: a larger job would hold its receipt back, and all after it; "
            "lower max_units, announce more capacity, or set accept_cut",
            settings.max_units,
            capacity,
        )
    return settings.max_units
