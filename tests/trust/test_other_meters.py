"""Work by another meter, on devices whose class is WASM fuel: its records would cost their bond."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.disputes import Court
from support.shop import Shop
from worktab.core.errors import InputError
from worktab.core.records import Meter
from worktab.market.pricing import Price
from worktab.market.routes import PricedRoute
from worktab.market.server import PaidWork
from worktab.work.wasm import METER_VERSION

COUNTED = PricedRoute("/classify", Price(2_000_000), max_units=64, meter=Meter.SAMPLES)
EXECUTED = PricedRoute("/job", Price(1), max_units=64, meter=Meter.WASM_FUEL, meter_version=METER_VERSION)


async def test_no_route_is_sold_whose_records_would_convict_their_device(court: Court, tmp_path: Path) -> None:
    shop = await Shop.start(court.fleet, tmp_path)
    try:
        with pytest.raises(InputError, match="Selling /classify would cost the device its bond") as caught:
            PaidWork(lambda *_: None, shop.provider, [EXECUTED, COUNTED])  # type: ignore[arg-type, return-value]
        assert caught.value.got == "SAMPLES"
        PaidWork(lambda *_: None, shop.provider, [EXECUTED])  # type: ignore[arg-type, return-value]
    finally:
        await shop.close()
