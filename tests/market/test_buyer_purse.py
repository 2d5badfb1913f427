"""The purse: what it refuses to store, what it survives, and who may change it at once."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from solders.keypair import Keypair

from worktab.core.errors import InputError, StateError, StorageError
from worktab.market.buyer.lane_state import Pending, Place, PurseLane
from worktab.market.buyer.purchases import voucher_for
from worktab.market.buyer.purse import Purse
from worktab.market.pricing import Price
from worktab.market.terms import Requirement, Totals
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated.errors import OverReserve

KEY = Keypair()
PLACE = Place(b"d" * 32, Keypair().pubkey(), Keypair().pubkey(), KEY.pubkey())
U64 = (1 << 64) - 1


def pending(lane: PurseLane, amount: int, units: int = 5, key: str = "key") -> Pending:
    """A request that may cost `amount` more."""
    offer = Requirement(
        "solana:x", amount, Keypair().pubkey(), PLACE.device, PROGRAM_ID, Keypair().pubkey(), 3, units, Price(1)
    )
    return Pending(key, b"r" * 32, offer, voucher_for(KEY, lane, amount, units))


def test_what_is_signed_and_charged_is_there_after_opening_again(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "folder" / "purse") as purse:
        assert purse.lane(PLACE) is None
        lane = purse.add(PLACE, 3, 17, 100)
        sent = pending(lane, 40)
        lane = purse.sign(lane, sent)
        assert (lane.pending, lane.signed, lane.believable) == (sent, 40, (40, 5))
    with Purse.open(tmp_path / "folder" / "purse") as purse:
        assert purse.lane(PLACE) == lane
        lane = purse.charge(lane, Totals(30, 4, 9, b"h" * 32))
        assert (lane.charged, lane.pending, lane.room, lane.signed) == (Totals(30, 4, 9, b"h" * 32), None, 70, 40)
        assert (lane.believable, lane.index, lane.nonce) == ((30, 4), 3, 17)
    mode = stat.S_IMODE((tmp_path / "folder" / "purse").stat().st_mode)
    assert mode == 0o600


def test_a_voucher_below_the_charges_or_above_the_reserve_is_never_stored(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as purse:
        lane = purse.add(PLACE, 3, 17, 100)
        fresh = lane
        lane = purse.charge(lane, Totals(30, 4, 9, b"h" * 32))
        with pytest.raises(InputError, match="below what is charged"):
            purse.sign(lane, pending(fresh, 29))
        with pytest.raises(InputError, match="below what is charged"):
            purse.sign(lane, pending(fresh, 31, units=3))
        with pytest.raises(OverReserve):
            purse.sign(lane, pending(lane, 71))
        assert purse.lane(PLACE) == lane
        assert purse.sign(lane, pending(lane, 70)).signed == 100


def test_a_second_request_waits_for_the_first(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as purse:
        lane = purse.sign(purse.add(PLACE, 3, 17, 100), pending(purse.lane(PLACE) or _none(), 10, key="one"))
        with pytest.raises(StateError, match="Another request"):
            purse.sign(lane, pending(lane, 10, key="two"))
        lane = purse.refuse(lane)
        assert (lane.pending, lane.signed, lane.believable) == (None, 10, (0, 0))


def test_a_lane_that_changed_meanwhile_is_not_changed(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as one, Purse.open(tmp_path / "purse") as other:
        seen = one.add(PLACE, 3, 17, 100)
        moved = other.charge(seen, Totals(30, 4, 9, b"h" * 32))
        with pytest.raises(StateError, match="changed meanwhile"):
            one.sign(seen, pending(seen, 10))
        assert one.lane(PLACE) == moved


def test_what_is_believed_without_a_receipt_is_bounded_and_counted(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as purse:
        lane = purse.add(PLACE, 3, 17, 100)
        lane = purse.sign(lane, pending(lane, 40))
        for amount, units in ((41, 5), (40, 6)):
            with pytest.raises(InputError):
                purse.believe(lane, Totals(amount, units, 1, bytes(32)))
        lane = purse.believe(lane, Totals(25, 3, 1, bytes(32)))
        assert (lane.charged.amount, lane.believable, lane.unproven, lane.pending) == (25, (40, 5), 1, None)
        with pytest.raises(InputError):
            purse.believe(lane, Totals(24, 3, 1, bytes(32)))
        lane = purse.charge(lane, Totals(50, 8, 2, bytes(32)))
        assert (lane.believable, lane.unproven) == ((50, 8), 0)


def test_amounts_are_u64(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as purse:
        lane = purse.add(PLACE, (1 << 32) - 1, (1 << 32) - 1, U64)
        lane = purse.refresh(lane, U64, U64)
        lane = purse.charge(lane, Totals(U64, U64, U64, bytes(32)))
        assert (purse.lane(PLACE), lane.charged.amount, lane.settled, lane.room) == (lane, U64, U64, 0)


def test_a_new_lane_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as purse:
        old = purse.add(PLACE, 3, 17, 100)
        purse.reserving(PLACE, 18)
        assert purse.reserving_from(PLACE) == 18
        new = purse.add(PLACE, 3, 18, 50)
        assert (purse.lane(PLACE), purse.reserving_from(PLACE)) == (new, None)
        with pytest.raises(StateError):
            purse.refuse(old)
        purse.end(new)
        assert purse.lane(PLACE) is None


def test_places_are_kept_apart(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as purse:
        lane = purse.add(PLACE, 3, 17, 100)
        for change in ({"domain": b"e" * 32}, {"tab": PLACE.device}, {"device": PLACE.tab}, {"signer": PLACE.tab}):
            other = replace(PLACE, **change)
            assert purse.lane(other) is None
            assert other.name != PLACE.name
        assert purse.lane(PLACE) == lane


def test_distrust_lasts_until_it_is_taken_back(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as purse:
        assert purse.distrusted(PLACE.device) is None
        purse.distrust(PLACE.device, "it lied")
        purse.distrust(PLACE.device, "it lied again")
    with Purse.open(tmp_path / "purse") as purse:
        assert purse.distrusted(PLACE.device) == "it lied"
        purse.trust(PLACE.device)
        assert purse.distrusted(PLACE.device) is None


def test_a_file_that_is_no_purse_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "purse"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError):
        Purse.open(path)
    assert path.read_bytes() == b"not a database" * 100
    with sqlite3.connect(tmp_path / "other") as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(StorageError, match="not a purse of this version"):
        Purse.open(tmp_path / "other")


def test_a_closed_purse_says_so(tmp_path: Path) -> None:
    purse = Purse.open(tmp_path / "purse", durable=False)
    purse.close()
    purse.close()
    with pytest.raises(StateError, match="closed"):
        purse.lane(PLACE)


async def test_a_lock_is_held_by_one_at_a_time_in_a_process_and_across(tmp_path: Path) -> None:
    with Purse.open(tmp_path / "purse") as one, Purse.open(tmp_path / "purse") as other:
        order: list[str] = []

        async def work(purse: Purse, name: str, go: asyncio.Event) -> None:
            async with purse.locks.hold(PLACE.name):
                order.append(f"{name} in")
                await go.wait()
                order.append(f"{name} out")

        first, rest = asyncio.Event(), asyncio.Event()
        rest.set()
        holding = asyncio.ensure_future(work(one, "a", first))
        while not order:
            await asyncio.sleep(0)
        waiting = [asyncio.ensure_future(work(purse, name, rest)) for purse, name in ((one, "b"), (other, "c"))]
        async with asyncio.timeout(120), other.locks.hold("another place"):
            assert order == ["a in"]
        first.set()
        await asyncio.gather(holding, *waiting)
        assert order[:2] == ["a in", "a out"]
        assert sorted((order[2:4], order[4:])) == [["b in", "b out"], ["c in", "c out"]]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        Purse.open(tmp_path / "file" / "purse")


def _none() -> PurseLane:
    raise AssertionError
