"""A network moves from receipts to roots while its devices run: the same spool goes on, and no unit counts twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.fleet import EPOCH, TIMING, Fleet, StartFleet
from support.ingest import registrations_of
from support.jobs import record, salt
from support.local_ingests import LocalIngest
from support.network import Network
from worktab.chain.sending import OutcomeUnknown
from worktab.core.errors import InputError, VerificationError
from worktab.epochs.building import build
from worktab.epochs.policy import FixedRate
from worktab.epochs.terms import EpochTerms
from worktab.ingest.facts import Facts
from worktab.ingest.kept import from_chain
from worktab.ingest.paths import IngestNeeded, PathSubmitter
from worktab.ingest.submitting import Delivered, NotDelivered
from worktab.ingest.timing import submission_at
from worktab.roles.base import program_sender
from worktab.roles.changes import RewardPathChange
from worktab.roles.device import Device
from worktab.roles.submitting import Flushed
from worktab.roles.terms import RewardPath, WorkClass
from worktab.work.spool import Spool

RICH = WorkClass(rate=2_000_000, max_capacity=1_000_000, budget=10**9)


@dataclass
class Rig:
    """A registered device with a spool, and an ingest that reads the chain whenever it is told to."""

    fleet: Fleet
    device: Device
    owner: Keypair
    spool: Spool
    folder: Path
    ingest: LocalIngest
    jobs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def start(cls, start_fleet: StartFleet, folder: Path, **plan: Any) -> Rig:
        fleet = await start_fleet(classes=(RICH,), parameter_delay=0, **plan)
        owner = fleet.owner()
        device = await fleet.device(owner=owner, capacity=100)
        await fleet.next_epoch()
        spool = Spool.open(folder / "spool", device=bytes(device.device))
        facts = Facts.of(fleet.network, await fleet.operator.network())
        ingest = LocalIngest(folder / "store", facts, await fleet.clock.now())
        rig = cls(fleet, device, owner.owner, spool, folder, ingest)
        await rig.sync()
        return rig

    async def sync(self) -> None:
        """The ingest reads the chain."""
        self.ingest.facts = Facts.of(self.fleet.network, await self.fleet.operator.network())
        self.ingest.now = await self.fleet.clock.now()
        self.ingest.store.set_facts(self.ingest.facts)
        rows = from_chain(await self.fleet.operator.devices())
        self.ingest.store.mirror(rows, rows["row"]["device"])

    def work(self, jobs: int = 1, units: int = 10) -> None:
        for _ in range(jobs):
            number = next(self.jobs)
            self.spool.append(record(number, units=units), salt(number))

    def submitter(self, chain: Any = None, *, ingests: Any = None, now: Any = None, **timing: Any) -> PathSubmitter:
        sender = program_sender(
            chain if chain is not None else self.fleet.chain,
            fee_payer=self.fleet.payer,
            journal=self.spool.journal,
            **(timing or TIMING),
        )
        device = Device(sender, self.fleet.network, signer=self.device.signer)
        return PathSubmitter(
            device, self.spool, [self.ingest] if ingests is None else ingests, clock=now or (lambda: self.ingest.now)
        )

    async def flush(self, **more: Any) -> Flushed | Delivered:
        return await self.submitter(**more).flush()

    async def move(self) -> None:
        """The network moves to the path of roots, from the next epoch on."""
        await self.fleet.operator.propose_update(RewardPathChange())
        await self.fleet.operator.apply_update()
        assert (await self.fleet.operator.network()).reward_path == RewardPath.ROOTS

    async def next_epoch(self) -> None:
        await self.fleet.next_epoch()
        self.ingest.now = await self.fleet.clock.now()

    async def units(self) -> tuple[int, int, int]:
        """What of the device's work receipts paid, what roots may pay, and what nobody pays yet."""
        await self.sync()
        epoch = self.ingest.facts.epoch(self.ingest.now)
        [row] = registrations_of(self.ingest.store, epoch)
        account = await self.fleet.read(self.device.device)
        assert row["baseline"] == account.units - account.units_for_roots
        newest = [units for _, units in self.ingest.held(self.device.device)]
        by_roots = max(0, max(newest, default=0) - int(row["baseline"]))
        assert account.rewards_owed % 2 == 0
        by_receipts = account.rewards_owed // 2
        return by_receipts, by_roots, self.spool.state().units - by_receipts - by_roots


@pytest.fixture
async def rig(start_fleet: StartFleet, tmp_path: Path) -> Any:
    rig = await Rig.start(start_fleet, tmp_path)
    yield rig
    rig.spool.close()
    rig.ingest.close()


async def test_the_whole_way_from_receipts_to_roots(rig: Rig) -> None:
    rig.work(2)
    first = await rig.flush()
    assert isinstance(first, Flushed)
    assert (first.seq, rig.ingest.posted) == (2, 0)

    await rig.move()
    rig.work()
    still = await rig.flush()
    assert isinstance(still, Flushed)
    assert (still.seq, still.reward, rig.ingest.posted) == (3, 20, 0)

    rig.work()
    await rig.next_epoch()
    now = await rig.flush()
    assert isinstance(now, Delivered)
    assert (now.seq, now.units, rig.ingest.posted) == (4, 40, 1)
    assert await rig.units() == (30, 10, 0)
    assert (await rig.fleet.read(rig.device.device)).seq == 3

    rig.work(5)
    await rig.next_epoch()
    assert (await rig.flush()).seq == 9
    assert await rig.units() == (30, 60, 0)
    assert rig.spool.landed() == rig.spool.state()


async def test_every_unit_is_paid_once_by_receipts_or_roots(rig: Rig) -> None:
    """Two base units for each, whether it landed before the move, after it, never on chain, or was held back first."""
    rig.work(3)
    await rig.flush()  # 30 units by receipts
    await rig.move()
    rig.work(2)
    await rig.flush()  # 20 more, in the last epoch that receipts pay for
    rig.work(6)
    held_back = await rig.flush()  # 60, of which capacity would cut 10
    assert isinstance(held_back, Flushed)
    assert held_back.refused is not None
    await rig.next_epoch()
    data, paid = None, []
    for jobs in (1, 0, 4):
        rig.work(jobs)
        await rig.flush()
        epoch = rig.ingest.facts.epoch(rig.ingest.now)
        await rig.next_epoch()
        await rig.sync()
        terms = EpochTerms.of(rig.fleet.network, await rig.fleet.operator.network())
        data = build(data, rig.ingest.store.inputs(epoch), terms, FixedRate(), verify=False)
        paid.append(int(data.payees["reward"].sum()))
    account = await rig.fleet.read(rig.device.device)
    assert (account.rewards_owed, account.units) == (100, 50)
    assert rig.spool.state().units == 160
    assert paid == [140, 140, 220]
    assert account.rewards_owed + paid[-1] == 2 * rig.spool.state().units


async def test_before_the_edge_a_receipt_may_still_be_cut(rig: Rig) -> None:
    """A device whose key signs transactions would lose a cut reward without being asked."""
    await rig.move()
    rig.work(11)
    flushed = await rig.flush()
    assert isinstance(flushed, Flushed)
    assert flushed.refused is not None
    assert (flushed.refused.lost, flushed.refused.reward) == (20, 200)

    await rig.next_epoch()
    assert (await rig.flush()).seq == 11
    assert await rig.units() == (0, 110, 0)


async def test_a_receipt_that_lands_after_the_edge_is_paid_once(rig: Rig) -> None:
    """It was sent while receipts paid, and its answer was lost; roots pay for it."""
    await rig.move()
    rig.work()
    network = Network(rig.fleet.chain)
    network.script(fates=["drop"] * 1_000, looks=["down"] * 1_000)
    with pytest.raises(OutcomeUnknown):
        await rig.flush(chain=network, sleep=network.sleep, clock=network.clock, patience=1.0)
    assert len(rig.spool.journal.unsettled()) == 1
    await rig.next_epoch()

    rig.work()
    flushed = await rig.flush()

    assert isinstance(flushed, Delivered)
    assert flushed.seq == 2
    account = await rig.fleet.read(rig.device.device)
    assert (account.units, account.units_for_roots, account.rewards_owed) == (10, 10, 0)
    assert rig.spool.journal.unsettled() == []
    assert await rig.units() == (0, 20, 0)


async def test_an_outcome_that_stays_unknown_holds_up_no_delivery(rig: Rig) -> None:
    await rig.move()
    rig.work()
    network = Network(rig.fleet.chain)
    network.script(fates=["drop"] * 1_000, looks=["down"] * 1_000)
    timing = {"sleep": network.sleep, "clock": network.clock, "patience": 1.0}
    with pytest.raises(OutcomeUnknown):
        await rig.flush(chain=network, **timing)
    await rig.next_epoch()
    flushed = await rig.flush(chain=network, **timing)
    assert isinstance(flushed, Delivered)
    assert len(rig.spool.journal.unsettled()) == 1


async def test_days_off_line_across_the_edge(rig: Rig) -> None:
    rig.work(2)
    await rig.flush()
    rig.work(3)
    await rig.move()
    for _ in range(50):
        await rig.next_epoch()
        rig.work()
    flushed = await rig.flush()
    assert isinstance(flushed, Delivered)
    assert (flushed.seq, rig.ingest.posted) == (55, 1)
    assert await rig.units() == (20, 530, 0)


async def test_a_network_that_pays_by_roots_from_the_start(start_fleet: StartFleet, tmp_path: Path) -> None:
    rig = await Rig.start(start_fleet, tmp_path, reward_path=RewardPath.ROOTS)
    rig.work(2)
    assert isinstance(await rig.flush(), Delivered)
    assert await rig.units() == (0, 20, 0)
    rig.spool.close()
    rig.ingest.close()


async def test_without_an_ingest_it_says_what_is_missing(rig: Rig) -> None:
    rig.work()
    assert isinstance(await rig.flush(ingests=[]), Flushed)
    await rig.move()
    await rig.next_epoch()
    with pytest.raises(IngestNeeded, match="--ingest"):
        await rig.flush(ingests=[])
    with pytest.raises(InputError, match="expected 1 to 1; got 2"):
        PathSubmitter(rig.submitter().device, rig.spool, [rig.ingest], least=2)


async def test_the_key_must_be_the_devices(rig: Rig) -> None:
    await rig.move()
    await rig.next_epoch()
    rig.work()
    await rig.fleet.owner(rig.owner).update(rig.device.device, key=Keypair())
    with pytest.raises(VerificationError, match="The key is not the device's"):
        await rig.flush()
    assert rig.spool.pending_receipt() is None


async def test_a_failed_delivery_is_made_up_for(rig: Rig) -> None:
    await rig.move()
    await rig.next_epoch()
    rig.work()
    rig.ingest.away = True
    with pytest.raises(NotDelivered):
        await rig.flush()
    rig.ingest.away = False
    assert (await rig.flush()).seq == 1


@pytest.mark.embedded("asks what time it is, to the second")
async def test_when_it_must_submit_to_be_in_the_epoch(rig: Rig) -> None:
    off = 0
    submitter = rig.submitter(now=lambda: rig.ingest.now + off)
    assert submitter.seconds_left() is None
    rig.work()
    await submitter.flush()
    assert submitter.seconds_left() is None
    await rig.move()
    await submitter.flush()
    end = rig.fleet.created_at + 2 * EPOCH
    moment = submission_at(rig.device.device, rig.fleet.created_at, EPOCH, rig.ingest.now)
    assert end - 360 <= moment < end - 60
    assert submitter.seconds_left() == moment - rig.ingest.now
    # The device's clock dates its receipts, so its moment goes by it, unless it is so wrong that it is not believed.
    off = 200
    await submitter.flush()
    assert submitter.seconds_left() == moment - rig.ingest.now - 200
    off = 10_000
    await submitter.flush()
    assert submitter.seconds_left() == moment - rig.ingest.now
