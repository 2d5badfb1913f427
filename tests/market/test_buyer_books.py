"""Books and purses that were lost, nodes that are behind: a lane goes on, or ends and is closed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from solders.keypair import Keypair

from support.buyers import buying, open_tab
from support.fleet import Fleet
from support.rigged_shop import RiggedShop, serving
from support.shop import Shops
from worktab.market.buyer.lane_state import Place
from worktab.market.buyer.purse import Purse

_KEY = Keypair().pubkey()


async def test_a_device_that_lost_its_book_is_bought_from_on_the_same_lane(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with Shops() as shops:
        shop = await shops.start(fleet, tmp_path / "shop")
        async with buying(consumer, tmp_path / "purse") as buyer:
            async with serving(shop.app()) as url:
                for _ in range(3):
                    await buyer.http.post(f"{url}/echo", content=b"x")
            await shop.close()
            for file in shop.folder.glob("book*"):
                file.unlink()
            await shop.open()
            async with serving(shop.app()) as url:
                for number in range(3):
                    assert (await buyer.http.post(f"{url}/echo", content=b"%d" % number)).content == b"%d" % number
            assert (buyer.budget.charged, buyer.budget.out) == (600, 0)
            assert len((await consumer.tab()).lanes) == 1
        await shop.provider.settle(at_once=True)
        assert await shop.earnings() == 600


async def test_a_purse_from_a_backup_leaves_its_lane_and_opens_another(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (await RiggedShop.open(fleet)).serving() as shop:
        async with buying(consumer, tmp_path / "purse") as buyer:
            await buyer.http.post(f"{shop.url}/work", content=b"x")
        shutil.copy(tmp_path / "purse", tmp_path / "backup")
        async with buying(consumer, tmp_path / "purse") as buyer:
            for _ in range(3):
                await buyer.http.post(f"{shop.url}/work", content=b"x")
        async with buying(consumer, tmp_path / "backup") as buyer:
            for _ in range(2):
                assert (await buyer.http.post(f"{shop.url}/work", content=b"x")).content == b"X"
            first, second = (await consumer.tab()).lanes
            assert (first.close_at > 0, second.close_at) == (True, 0)
            assert [voucher.lane_nonce for voucher in shop.vouchers[-2:]] == [second.nonce] * 2
            at = shop.domain, consumer.tab_address, consumer.key.pubkey()
            assert (buyer.purse.to_close(*at), buyer.budget.charged) == ([first.nonce], 12)
            await fleet.clock.advance(4_000)
            other = await RiggedShop.open(fleet)
            async with other.serving():
                await buyer.http.post(f"{other.url}/work", content=b"x")
            assert buyer.purse.to_close(*at) == []
            assert first.nonce not in [lane.nonce for lane in (await consumer.tab()).lanes]


@pytest.mark.parametrize("stale", [1, 3])
async def test_a_node_that_is_behind_loses_no_lane(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stale: int
) -> None:
    consumer = await open_tab(fleet)
    old, real, left = await consumer.tab(), consumer.reader.find_tabs, 0

    async def behind(addresses: object) -> object:
        nonlocal left
        if left:
            left -= 1
            return [old]
        return await real(addresses)  # type: ignore[arg-type]

    monkeypatch.setattr(consumer.reader, "find_tabs", behind)
    async with (
        (await RiggedShop.open(fleet)).serving() as shop,
        buying(consumer, tmp_path / "purse", requests=1) as buyer,
    ):
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        left = stale
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert (left, len((await consumer.tab()).lanes)) == (0, 1)


async def test_a_lane_that_is_gone_for_good_is_replaced(fleet: Fleet, tmp_path: Path) -> None:
    consumer = await open_tab(fleet)
    async with (
        (await RiggedShop.open(fleet)).serving() as shop,
        buying(consumer, tmp_path / "purse", requests=1) as buyer,
    ):
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        [lane] = (await consumer.tab()).lanes
        await consumer.close_lane(lane.nonce)
        await fleet.clock.advance(4_000)
        assert (await consumer.close_lane(lane.nonce)).ended
        await buyer.http.post(f"{shop.url}/work", content=b"x")
        assert [each.nonce for each in (await consumer.tab()).lanes] == [lane.nonce + 1]
        assert buyer.purse.to_close(shop.domain, consumer.tab_address, consumer.key.pubkey()) == []


def test_a_lane_is_on_the_disk_before_money_is_on_it(tmp_path: Path) -> None:
    place = Place(b"d" * 32, _KEY, _KEY, _KEY)
    with Purse.open(tmp_path / "purse") as purse:
        said: list[str] = []
        purse._file._connection.set_trace_callback(said.append)
        purse.reserving(place, 17)
        purse.end(purse.add(place, 3, 17, 100))
        modes = [each for each in said if each.startswith("PRAGMA synchronous")]
        assert modes == ["PRAGMA synchronous = FULL"] * 3
        assert purse.to_close(place.domain, place.tab, place.signer) == [17]
