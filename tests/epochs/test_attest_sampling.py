"""What a sample is drawn from, and what is drawn: proportional to new units, fair within a device, the same for all."""

from __future__ import annotations

import asyncio
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from solders.pubkey import Pubkey

from support.attesting import Worker
from worktab.chain.embedded import EmbeddedChain
from worktab.core.errors import InputError
from worktab.core.records import Meter
from worktab.epochs.attesting.errors import SlotNotThere
from worktab.epochs.attesting.evidence import FolderEvidence
from worktab.epochs.attesting.records import Drawn, Outcome
from worktab.epochs.attesting.sampler import Sampler
from worktab.epochs.attesting.sampling import Dice, draw
from worktab.epochs.attesting.slots import SlotHash, first_after, seed, slot_hashes
from worktab.work.wasm import VERIFIER_STACK, WasmResult, WasmRuntime

SEED = sha256(b"seed").digest()


def u64(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.uint64)


async def test_the_chain_tells_its_finished_slots_newest_first() -> None:
    chain = EmbeddedChain()
    chain.advance(slots=600)
    found = await slot_hashes(chain)
    assert len(found) == 512
    assert found[0].slot == await chain.slot()
    assert [each.slot for each in found] == list(range(found[0].slot, found[0].slot - 512, -1))
    assert all(len(each.hash) == 32 for each in found)


async def test_the_first_slot_after_another_is_the_oldest_that_the_chain_still_has() -> None:
    hashes = [SlotHash(slot, sha256(b"%d" % slot).digest()) for slot in (9, 8, 6, 5)]
    assert first_after(hashes, 8) == hashes[0]
    assert first_after(hashes, 6) == hashes[1]
    assert first_after(hashes, 7) == hashes[1]
    assert first_after(hashes, 2) == hashes[3]
    with pytest.raises(SlotNotThere):
        first_after(hashes, 9)


async def test_a_slot_that_is_not_over_has_no_hash() -> None:
    chain = EmbeddedChain()
    now = await chain.slot()
    with pytest.raises(SlotNotThere):
        first_after(await slot_hashes(chain), now)
    chain.advance(slots=1)
    assert first_after(await slot_hashes(chain), now).slot == now + 1


def test_a_seed_is_the_hash_of_slot_commitment_and_attestor() -> None:
    slot, epoch, attestor = SlotHash(7, sha256(b"7").digest()), Pubkey.new_unique(), Pubkey.new_unique()
    assert seed(slot, epoch, attestor) == sha256(slot.hash + bytes(epoch) + bytes(attestor)).digest()
    assert seed(slot, bytes(epoch), attestor) == seed(slot, epoch, attestor)


def test_dice_are_fair_and_the_same_for_everyone() -> None:
    dice, again = Dice(SEED), Dice(SEED)
    thrown = [dice.below(6) for _ in range(6_000)]
    assert thrown == [again.below(6) for _ in range(6_000)]
    # 1,000 expected of each, standard deviation 29; fixed by the seed.
    assert all(900 < count < 1_100 for count in Counter(thrown).values())
    assert sorted(Counter(thrown)) == [0, 1, 2, 3, 4, 5]
    assert dice.below(1) == 0
    assert {dice.below(1 << 128) >> 120 for _ in range(20)} != {0}


@pytest.mark.parametrize("limit", [0, -1, (1 << 128) + 1])
def test_dice_have_a_limit(limit: int) -> None:
    with pytest.raises(InputError):
        Dice(SEED).below(limit)


def test_a_value_beyond_the_last_whole_multiple_is_thrown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter([b"\xff" * 32, (5).to_bytes(32, "little")])

    class Digest:
        def __init__(self, _: bytes) -> None:
            pass

        def digest(self) -> bytes:
            return next(given)

    monkeypatch.setattr("worktab.epochs.attesting.sampling.hashlib.sha256", Digest)
    assert Dice(SEED).below(6) == 5  # 2^256 - 1 is 3 modulo 6, and beyond the last whole multiple of 6


def test_devices_are_drawn_by_their_units_and_records_alike() -> None:
    # One draw of one record for each seed: device 1 has nine times the units of device 0, device 2 none.
    units, first, last = u64(100, 900, 0), u64(10, 0, 0), u64(12, 4, 50)
    drawn: Counter[tuple[int, int]] = Counter()
    for number in range(4_000):
        [(place, records)] = draw(sha256(b"%d" % number).digest(), units, first, last, 1).items()
        [record] = records
        drawn[place, record] += 1
    assert set(drawn) == {(0, 11), (0, 12), (1, 1), (1, 2), (1, 3), (1, 4)}
    # 200 expected of each record of device 0, standard deviation 14; 900 of each of device 1, standard deviation 26.
    assert all(140 < drawn[0, record] < 260 for record in (11, 12))
    assert all(800 < drawn[1, record] < 1_000 for record in (1, 2, 3, 4))


def test_no_record_is_drawn_twice_and_a_small_epoch_is_drawn_whole() -> None:
    units, first, last = u64(5, 5), u64(0, 7), u64(30, 37)
    drawn = draw(SEED, units, first, last, 40)
    assert sum(map(len, drawn.values())) == 40
    assert drawn == draw(SEED, units, first, last, 40)
    assert drawn != draw(sha256(SEED).digest(), units, first, last, 40)
    assert draw(SEED, units, first, last, 60) == {0: frozenset(range(1, 31)), 1: frozenset(range(8, 38))}
    assert draw(SEED, units, first, last, 61) == draw(SEED, units, first, last, 60)


def test_sums_beyond_64_bits_are_drawn_from() -> None:
    most = (1 << 64) - 1
    drawn = draw(SEED, u64(most, most, most), u64(0, 0, 0), u64(most, most, most), 30)
    assert sum(map(len, drawn.values())) == 30
    assert sorted(drawn) == [0, 1, 2]


def test_nothing_new_is_an_empty_sample() -> None:
    assert draw(SEED, u64(), u64(), u64(), 5) == {}
    assert draw(SEED, u64(0, 3), u64(0, 4), u64(9, 4), 5) == {}
    assert draw(SEED, u64(3), u64(0), u64(4), 0) == {}


@pytest.mark.parametrize(("last", "count"), [(u64(1, 2), 1), (u64(1), -1)])
def test_what_does_not_fit_together_is_refused(last: np.ndarray, count: int) -> None:
    with pytest.raises(InputError):
        draw(SEED, u64(1), u64(0), last, count)


class Shaky(WasmRuntime):
    """A machine on which jobs, but for the known one, give something else so many times."""

    def __init__(self, wrong: int) -> None:
        super().__init__(stack_bytes=VERIFIER_STACK)
        self.wrong = wrong

    def run(self, module: bytes, input: bytes, *, fuel_limit: int) -> WasmResult:
        """See `WasmRuntime.run`."""
        found = super().run(module, input, fuel_limit=fuel_limit)
        if input == b"abc" and self.wrong:
            self.wrong -= 1
            return WasmResult(b"wrong", found.fuel)
        return found


@pytest.mark.parametrize(("wrong", "outcome"), [(1, Outcome.NOT_CHECKABLE), (2, Outcome.FAILED)])
async def test_a_record_fails_where_it_does_so_twice(tmp_path: Path, wrong: int, outcome: Outcome) -> None:
    worker = Worker(tmp_path, Pubkey.new_unique())
    worker.work(b"abc")
    worker.bundle(tmp_path).rename(tmp_path / f"{worker.device}.bundle")
    drawn = Drawn(worker.device, None, 0, worker.state, frozenset({1}), Meter.WASM_FUEL)
    sampler = Sampler(FolderEvidence(tmp_path))
    sampler._runtime = Shaky(wrong)
    [found], _ = await sampler._device(drawn, asyncio.Semaphore(1))
    worker.close()
    assert found.outcome is outcome
