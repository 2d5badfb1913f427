"""From a real spool to the real program: once each, whatever is killed, repeated, late or out of reach."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from support.chains import pass_blocks
from support.fleet import EPOCH, TIMING, Fleet, StartFleet
from support.jobs import record, salt
from support.mortal import Fuse, Killed, Mortal, Yielding
from support.network import Network
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.sending import OutcomeUnknown
from worktab.core.errors import ConnectionFailed, InputError, StateError, TransactionExpired
from worktab.core.keys import P256Signer
from worktab.roles.base import program_sender
from worktab.roles.device import Device, SubmitOutcome
from worktab.roles.errors import NetworkNotFound, WrongCluster
from worktab.roles.forecast import Limit
from worktab.roles.submitting import Flushed, Submitter
from worktab.roles.terms import WorkClass
from worktab.work.spool import Spool

CAPACITY = 1_000_000
RICH = WorkClass(rate=2_000_000, max_capacity=CAPACITY, budget=10**12)
MANY_BLOCKS = "lets more blocks go by than a node makes in a minute"
FREE = WorkClass(rate=0, max_capacity=1, budget=0)


@dataclass
class Rig:
    """A registered device with a spool, and a clock that shows `now` until it is set again."""

    fleet: Fleet
    device: Device
    owner: Keypair
    path: Path
    spool: Spool
    lamports: int
    now: int
    jobs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def start(
        cls,
        start_fleet: StartFleet,
        path: Path,
        *,
        signer: Any = None,
        wait: bool = True,
        capacity: int = CAPACITY,
        terms: WorkClass = RICH,
    ) -> Rig:
        fleet = await start_fleet(classes=(terms,))
        owner = fleet.owner()
        device = await fleet.device(owner=owner, signer=signer or P256Signer.generate(), capacity=capacity)
        if wait:
            await fleet.next_epoch()
        file = path / "spool"
        lamports = await fleet.lamports(fleet.payer.pubkey())
        spool = Spool.open(file, device=bytes(device.device))
        return cls(fleet, device, owner.owner, file, spool, lamports, await fleet.clock.now())

    async def set_clock(self) -> None:
        """Set the device's clock by the chain's."""
        self.now = await self.fleet.clock.now()

    def work(self, jobs: int = 1, units: int = 10) -> None:
        """Record jobs."""
        for _ in range(jobs):
            number = next(self.jobs)
            self.spool.append(record(number, units=units), salt(number))

    def submitter(self, chain: Any = None, spool: Any = None, **timing: Any) -> Submitter:
        """A submitter as after a start of the device's program."""
        spool = spool if spool is not None else self.spool
        sender = program_sender(
            chain if chain is not None else self.fleet.chain,
            fee_payer=self.fleet.payer,
            journal=spool.journal,
            **(timing or TIMING),
        )
        device = Device(
            sender,
            self.fleet.network,
            signer=self.device.signer,
            device=self.device.device,
            signs_transactions=self.device.signs_transactions,
        )
        return Submitter(device, spool, clock=lambda: self.now)

    def restart(self) -> None:
        """The device's program starts again."""
        self.spool.close()
        self.spool = Spool.open(self.path, device=bytes(self.device.device))

    async def check(self, *, units: int) -> None:
        """The chain holds exactly what the spool holds, rewarded once, and nothing is left open."""
        account, state = await self.fleet.read(self.device.device), self.spool.state()
        assert (account.seq, account.units, account.head) == (state.seq, state.units, state.head)
        assert (account.units, account.rewards_owed) == (units, 2 * units)
        assert (await self.fleet.operator.network()).total_rewards == 2 * units
        assert self.spool.landed() == state
        assert self.spool.journal.unsettled() == []


@pytest.fixture
async def rig(start_fleet: StartFleet, tmp_path: Path) -> Any:
    rig = await Rig.start(start_fleet, tmp_path)
    yield rig
    rig.spool.close()


async def receipts(rig: Rig) -> int:
    """How many transactions were paid for: two signatures each, the device's and the fee payer's."""
    paid, rest = divmod(rig.lamports - await rig.fleet.lamports(rig.fleet.payer.pubkey()), 10_000)
    assert rest == 0
    return paid


async def test_one_receipt_brings_all_jobs_to_the_chain(rig: Rig) -> None:
    rig.work(5)

    flushed = await rig.submitter().flush()

    [submission] = flushed.submissions
    assert (submission.outcome, submission.seq, submission.units, submission.reward) == ("recorded", 5, 50, 100)
    assert flushed == Flushed(5, (submission,), None, 0)
    assert flushed.reward == 100
    await rig.check(units=50)
    assert await receipts(rig) == 1


async def test_a_flush_without_news_sends_nothing(rig: Rig) -> None:
    submitter = rig.submitter()
    assert await submitter.flush() == Flushed(0, (), None, 0)
    rig.work()
    await submitter.flush()
    lamports = await rig.fleet.lamports(rig.fleet.payer.pubkey())
    assert await submitter.flush() == Flushed(1, (), None, 0)
    assert await rig.fleet.lamports(rig.fleet.payer.pubkey()) == lamports


async def test_on_another_cluster_nothing_is_taken_for_expired(rig: Rig) -> None:
    rig.spool.journal.put("receipt 1", str(Keypair().sign_message(b"")), 100, b"raw")
    held = rig.spool.journal.unsettled()
    other = EmbeddedChain(genesis_hash=bytes(32))
    other.advance(slots=200)
    for network in (None, await rig.fleet.chain.account(rig.fleet.network)):
        if network is not None:
            other.set_account(rig.fleet.network, network)
        with pytest.raises(WrongCluster if network else NetworkNotFound):
            await rig.submitter(chain=other).flush()
        assert rig.spool.journal.unsettled() == held


@pytest.mark.parametrize(
    ("fates", "expiring"),
    [
        ("alive", False),
        pytest.param("alive", True, marks=pytest.mark.embedded(MANY_BLOCKS)),
        pytest.param("dropped", True, marks=pytest.mark.embedded(MANY_BLOCKS)),
    ],
)
async def test_killed_at_any_step_it_goes_on_after_a_restart(rig: Rig, fates: str, expiring: bool) -> None:
    """A step is a call to the chain, the spool or the journal: it dies before and after each of them."""
    died = 0
    units = 0
    for steps in itertools.count(1):
        rig.work(2)
        units += 20
        fuse = Fuse(steps)
        network = Network(rig.fleet.chain)
        if fates == "dropped":
            network.script(fates=["drop"] * 1_000)
        spool = Mortal(rig.spool, fuse, journal=Mortal(rig.spool.journal, fuse))
        poll = 30.0 if expiring else 0.5
        timing = {"sleep": network.sleep, "clock": network.clock, "poll": poll, "rebroadcast": 30.0}
        try:
            await rig.submitter(Mortal(network, fuse), spool, **timing).flush()
        except Killed:
            died += 1
        except TransactionExpired:
            assert fates == "dropped"
            break
        else:
            assert fates == "alive"
            break
        rig.restart()
        if expiring and steps % 2:
            await rig.fleet.clock.expire_blockhashes()
        await rig.submitter(**timing).flush()
        await rig.check(units=units)
    assert died > 30
    await rig.submitter().flush()
    await rig.check(units=units)


async def test_a_chain_down_for_days_is_caught_up_with_by_one_receipt(rig: Rig) -> None:
    class Down(Network):
        async def accounts(self, pubkeys: Any) -> Any:
            raise ConnectionFailed("No answer")

    down = rig.submitter(Down(rig.fleet.chain))
    for _ in range(5):
        rig.work(3)
        with pytest.raises(ConnectionFailed):
            await down.flush()
        await rig.fleet.clock.advance(86_400)
    assert await receipts(rig) == 0

    flushed = await rig.submitter().flush()

    assert [each.seq for each in flushed.submissions] == [15]
    await rig.check(units=150)
    assert await receipts(rig) == 1


@pytest.mark.embedded(MANY_BLOCKS)
async def test_an_answer_lost_for_good_is_settled_by_what_the_device_holds(rig: Rig) -> None:
    """The device is off for so long that the node no longer keeps the blocks its transaction may be in."""
    rig.work()
    network = Network(rig.fleet.chain)
    network.script(looks=["down"] * 1_000)
    with pytest.raises(OutcomeUnknown):
        await rig.submitter(network, sleep=network.sleep, clock=network.clock).flush()
    [sent] = rig.spool.journal.unsettled()
    assert await receipts(rig) == 1
    rig.restart()
    rig.work()
    await pass_blocks(rig.fleet.chain, 10_000)
    network.kept_from = 5_000
    network.script(looks=["vanished"] * 2)

    flushed = await rig.submitter(network, sleep=network.sleep, clock=network.clock).flush()

    assert [each.seq for each in flushed.submissions] == [2]
    assert rig.spool.journal.outcome(sent.signature) == "confirmed"
    await rig.check(units=20)
    assert await receipts(rig) == 2


@pytest.mark.embedded(MANY_BLOCKS)
async def test_a_transaction_lost_for_good_is_made_anew(rig: Rig) -> None:
    rig.work()
    network = Network(rig.fleet.chain)
    network.script(fates=["drop"] * 1_000, looks=["down"] * 1_000)
    with pytest.raises(OutcomeUnknown):
        await rig.submitter(network, sleep=network.sleep, clock=network.clock).flush()
    [sent] = rig.spool.journal.unsettled()
    await pass_blocks(rig.fleet.chain, 10_000)
    network.kept_from = 5_000
    network.script()

    flushed = await rig.submitter(network, sleep=network.sleep, clock=network.clock).flush()

    assert [each.outcome for each in flushed.submissions] == [SubmitOutcome.RECORDED]
    assert rig.spool.journal.outcome(sent.signature) == "expired"
    await rig.check(units=10)


async def test_a_transaction_that_may_still_land_is_waited_for(rig: Rig) -> None:
    rig.work()
    network = Network(rig.fleet.chain)
    network.script(fates=["drop"] * 1_000, looks=["down"] * 1_000)
    submitter = rig.submitter(network, sleep=network.sleep, clock=network.clock, patience=1.0)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await submitter.flush()
    [sent] = rig.spool.journal.unsettled()
    assert set(network.sent) == {sent.raw}


@pytest.mark.embedded(MANY_BLOCKS)
async def test_what_else_the_journal_holds_is_left_to_who_put_it_there(rig: Rig) -> None:
    network = Network(rig.fleet.chain)
    submitter = rig.submitter(network, sleep=network.sleep, clock=network.clock)
    network.script(fates=["drop"] * 1_000, looks=["down"] * 1_000)
    with pytest.raises(OutcomeUnknown):
        await rig.fleet.owner(rig.owner, submitter.device.sender).update(rig.device.device, capacity=7)
    await pass_blocks(rig.fleet.chain, 10_000)
    network.kept_from = 5_000
    network.script()
    rig.work()
    assert (await submitter.flush()).seq == 1
    assert [each.label for each in rig.spool.journal.unsettled()] == ["update device"]


@pytest.mark.parametrize("submitters", [1, 2])
async def test_two_flushes_at_once_record_everything_once(rig: Rig, submitters: int) -> None:
    made = [rig.submitter(Yielding(rig.fleet.chain)) for _ in range(submitters)]
    for round in range(1, 6):
        rig.work(2)
        both = await asyncio.gather(made[0].flush(), made[-1].flush())
        assert [each.seq for each in both] == [2 * round] * 2
        recorded = {each.confirmed.signature for flushed in both for each in flushed.submissions if each.confirmed}
        assert len(recorded) == 1
        # One submitter takes turns with itself; of two the slower may pay for a transaction that comes too late.
        assert round <= await receipts(rig) <= submitters * round
        await rig.check(units=20 * round)


async def test_jobs_recorded_during_a_flush_wait_for_the_next(rig: Rig) -> None:
    rig.work()

    class Busy(Network):
        async def send(self, raw: bytes) -> None:
            if not self.sent:
                rig.work()
            await super().send(raw)

    assert (await rig.submitter(Busy(rig.fleet.chain)).flush()).seq == 1
    assert rig.spool.state().seq == 2
    assert (await rig.submitter().flush()).seq == 2
    await rig.check(units=20)


async def test_a_cut_reward_is_reported_and_held_back(start_fleet: StartFleet, tmp_path: Path) -> None:
    rig = await Rig.start(start_fleet, tmp_path, wait=False)
    rig.work(3)

    flushed = await rig.submitter().flush()

    assert (flushed.seq, flushed.submissions) == (0, ())
    assert flushed.refused is not None
    assert (flushed.refused.lost, flushed.refused.reward) == (60, 0)
    assert flushed.refused.limits == (Limit.CAPACITY,)
    assert flushed.refused.next_epoch_at == rig.fleet.created_at + EPOCH
    assert await receipts(rig) == 0
    await rig.fleet.next_epoch()
    await rig.set_clock()
    again = await rig.submitter().flush()
    assert (again.refused, again.reward) == (None, 60)
    await rig.check(units=30)
    rig.spool.close()


async def test_a_cut_reward_is_given_up_when_told_to(start_fleet: StartFleet, tmp_path: Path) -> None:
    rig = await Rig.start(start_fleet, tmp_path, capacity=20)
    rig.work(3)
    submitter = rig.submitter()
    assert (await submitter.flush()).refused is not None

    flushed = await submitter.flush(consent=rig.owner)

    assert flushed.refused is None
    assert [(each.seq, each.eligible, each.reward) for each in flushed.submissions] == [(3, 20, 40)]
    account = await rig.fleet.read(rig.device.device)
    assert (account.seq, account.units, account.rewards_owed) == (3, 30, 40)
    rig.spool.close()


async def test_consent_signs_only_where_something_is_cut(rig: Rig) -> None:
    rig.work()
    lamports = await rig.fleet.lamports(rig.fleet.payer.pubkey())
    assert (await rig.submitter().flush(consent=rig.owner)).reward == 20
    # One signature of the transaction, one checked by the native program, none by the owner.
    assert await rig.fleet.lamports(rig.fleet.payer.pubkey()) == lamports - 10_000


async def test_more_than_one_receipt_can_claim_is_brought_in_steps(start_fleet: StartFleet, tmp_path: Path) -> None:
    rig = await Rig.start(start_fleet, tmp_path, wait=False, capacity=1, terms=FREE)
    rig.work(3, units=2**47)

    flushed = await rig.submitter().flush()

    assert [(each.seq, each.units) for each in flushed.submissions] == [(2, 2**48), (3, 3 * 2**47)]
    assert flushed.seq == 3
    assert (await rig.fleet.read(rig.device.device)).units == 3 * 2**47
    rig.spool.close()


async def test_a_spool_behind_the_chain_signs_nothing(rig: Rig, tmp_path: Path) -> None:
    rig.work(2)
    await rig.submitter().flush()
    (tmp_path / "restored").mkdir()
    with Spool.open(tmp_path / "restored" / "spool", device=bytes(rig.device.device)) as restored:
        restored.append(record(9), salt(9))
        with pytest.raises(StateError, match="does not hold"):
            await rig.submitter(spool=restored).flush()
        account = await rig.fleet.read(rig.device.device)
        landed = type(restored.state())(account.seq, account.units, account.head)
        restored.adopt(landed, last_time=account.last_receipt_at)
        restored.append(record(10, units=7), salt(10))
        flushed = await rig.submitter(spool=restored).flush()
    assert flushed.seq == 3
    assert (await rig.fleet.read(rig.device.device)).units == 27


async def test_a_device_registered_again_needs_a_new_spool(rig: Rig) -> None:
    owner = rig.fleet.owner(rig.owner)
    rig.work()
    await rig.submitter().flush()
    await owner.claim()
    assert (await owner.retire(rig.device.device)).closed
    await owner.register(rig.device.signer, capacity=CAPACITY)
    rig.work()
    with pytest.raises(StateError, match="another registration"):
        await rig.submitter().flush()


async def test_a_wrong_clock_is_corrected_and_said_so(rig: Rig) -> None:
    rig.work()
    submitter = rig.submitter()
    wrong = await rig.fleet.chain.unix_time() + 86_400
    flushed = await Submitter(submitter.device, rig.spool, clock=lambda: wrong).flush()
    assert flushed.clock_correction == -86_400
    assert (await rig.fleet.read(rig.device.device)).last_receipt_at == wrong - 86_400


def test_the_journal_must_be_the_spools(tmp_path: Path) -> None:
    keypair = Keypair()
    device = Device(program_sender(EmbeddedChain(), fee_payer=keypair), Keypair().pubkey(), signer=keypair)
    with (
        Spool.open(tmp_path / "spool", device=bytes(device.device)) as spool,
        pytest.raises(InputError, match="another journal"),
    ):
        Submitter(device, spool)


async def test_a_device_that_signs_for_itself_flushes_as_well(start_fleet: StartFleet, tmp_path: Path) -> None:
    rig = await Rig.start(start_fleet, tmp_path, signer=Keypair(), capacity=50)
    rig.device.signs_transactions = True
    rig.work(4)
    assert (await rig.submitter().flush()).reward == 80
    await rig.check(units=40)
    rig.work(2)
    held_back = await rig.submitter().flush()
    assert held_back.refused is not None
    assert (held_back.seq, held_back.refused.lost) == (4, 20)
    assert (await rig.submitter().flush(consent=rig.owner)).reward == 20
    assert (await rig.fleet.read(rig.device.device)).units == 60
    rig.spool.close()
