"""What a daemon asks, and when it settles, in base units of its network's token."""

from __future__ import annotations

from dataclasses import dataclass

from worktab.agent.errors import BadSetting, MissingSetting
from worktab.agent.settings import Settings
from worktab.core.errors import InputError
from worktab.core.money import parse_amount
from worktab.market.pricing import Price
from worktab.market.provider.settling import SettlePolicy
from worktab.roles.device import Device


@dataclass(frozen=True, slots=True)
class Tariff:
    """The price of a job, and when settling is worth the fee."""

    price: Price
    policy: SettlePolicy
    decimals: int

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
        return cls(Price(rate, minimum), policy, decimals)
