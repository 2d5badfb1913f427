"""The node stops while a device brings its work to the chain, in good order or as by a power cut, and comes back."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.faulty_node import Call, FaultyNode, Forward, Reply, first, none, then
from support.faulty_site import RECEIPT_FEE, Site
from support.jobs import record, salt
from worktab.chain.sending import OutcomeUnknown
from worktab.core.errors import ConnectionFailed
from worktab.core.keys import P256Signer
from worktab.localnet import Localnet, Options
from worktab.roles.device import SubmitOutcome
from worktab.roles.submitting import Submitter
from worktab.roles.terms import WorkClass
from worktab.work.spool import Spool

JOBS = 60
"""Jobs of a flush."""

PAID = WorkClass(rate=2_000_000, max_capacity=2**40, budget=2**40)
"""Two base units for each unit of work: a flush brings one receipt."""

COUNTED = WorkClass(rate=0, max_capacity=1, budget=0)
"""Nothing is paid, so that nothing limits how much is recorded: a flush brings two receipts."""

UNITS = {PAID: 10, COUNTED: 2**43}
"""Work units of a job. A receipt claims at most 2^48."""

RECEIPTS = {PAID: 1, COUNTED: 2}


@pytest.fixture(scope="module")
def localnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Localnet]:
    with Localnet.start(Options(slot_time=50, ledger=tmp_path_factory.mktemp("ledger"))) as running:
        yield running


class Worker:
    """A device that records jobs and brings them to the chain. Its program may start again."""

    def __init__(self, site: Site, path: Path, terms: WorkClass) -> None:
        self.site, self.recorded = site, 0
        self._path, self._terms = path, terms
        self._jobs = itertools.count(1)
        self.spool = self._open()

    @classmethod
    @asynccontextmanager
    async def running(cls, localnet: Localnet, path: Path, terms: WorkClass) -> AsyncIterator[Worker]:
        """A worker on a site of its own, with some work on chain already, until the block ends."""
        async with Site.running(localnet, signer=P256Signer.generate(), terms=terms) as site:
            worker = cls(site, path / "spool", terms)
            try:
                worker.work()
                await (await worker.submitter()).flush()
                yield worker
            finally:
                worker.spool.close()

    def work(self) -> None:
        for number in itertools.islice(self._jobs, JOBS):
            self.spool.append(record(number, units=UNITS[self._terms]), salt(number))
        self.recorded += JOBS

    def start_again(self) -> None:
        self.spool.close()
        self.spool = self._open()

    async def submitter(self, url: str | None = None) -> Submitter:
        """What the device's program starts with, at another address than the road's if one is given."""
        chain = await self.site.chain(url)
        sender = await self.site.sender(chain=chain, journal=self.spool.journal, patience=0.0)
        return Submitter(self.site.device_by(sender), self.spool)

    async def check(self) -> None:
        """The chain holds exactly what the spool holds, and nothing is left open."""
        account, state = await self.site.fleet.read(self.site.device.device), self.spool.state()
        units = self.recorded * UNITS[self._terms]
        assert (account.seq, account.units, account.head) == (state.seq, state.units, state.head)
        assert (account.seq, account.units) == (self.recorded, units)
        assert account.rewards_owed == units * self._terms.rate // 10**6
        assert self.spool.landed() == state
        assert self.spool.journal.unsettled() == []

    def _open(self) -> Spool:
        return Spool.open(self._path, device=bytes(self.site.device.device))


class Halt:
    """Stops the node, and counts how often."""

    def __init__(self, localnet: Localnet, way: str) -> None:
        self._localnet, self._way = localnet, way
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1
        process = self._localnet._process
        assert process is not None
        await asyncio.to_thread(process.stop if self._way == "SIGTERM" else process.kill)


def fetching_the_blockhash(road: FaultyNode, halt: Halt, receipt: int) -> None:
    road.on("getLatestBlockhash", *[none] * (receipt - 1), first(halt))


def before_sending(road: FaultyNode, halt: Halt, receipt: int) -> None:
    road.on("sendTransaction", *[none] * (receipt - 1), first(halt))


def before_the_confirmation(road: FaultyNode, halt: Halt, receipt: int) -> None:
    road.on("sendTransaction", *[none] * (receipt - 1), then(halt))


def before_it_is_known_to_have_landed(road: FaultyNode, halt: Halt, receipt: int) -> None:
    landed: set[str] = set()

    async def look(call: Call, forward: Forward) -> Reply | None:
        reply = await forward()
        if reply is not None and reply.result["value"] != [None]:
            landed.add(call.params[0][0])
            if len(landed) == receipt:
                road.heal()
                await halt()
                return None
        return reply

    road.plan = lambda call: look if call.method == "getSignatureStatuses" else None


def before_the_spool_marks_it(road: FaultyNode, halt: Halt, receipt: int) -> None:
    road.on("getTransaction", *[none] * (receipt - 1), first(halt))


MOMENTS: tuple[Callable[[FaultyNode, Halt, int], None], ...] = (
    fetching_the_blockhash,
    before_sending,
    before_the_confirmation,
    before_it_is_known_to_have_landed,
    before_the_spool_marks_it,
)
"""When the node stops, during the last receipt of a flush."""

IN_THE_JOURNAL = MOMENTS[1:4]
"""When the transaction is signed and its end not known."""


@pytest.mark.parametrize(("way", "terms"), [("SIGTERM", PAID), ("SIGKILL", COUNTED)], ids=["SIGTERM", "SIGKILL"])
async def test_a_flush_outlives_a_node_that_comes_back_soon(
    localnet: Localnet, tmp_path: Path, way: str, terms: WorkClass
) -> None:
    async with Worker.running(localnet, tmp_path, terms) as worker:
        site, submitter = worker.site, await worker.submitter()

        async def revive() -> None:
            if localnet.pid is None:
                await asyncio.to_thread(localnet.restart)

        site.pausing = revive
        for moment in MOMENTS:
            worker.work()
            before, halt = await site.books(), Halt(localnet, way)
            moment(site.road, halt, RECEIPTS[terms])

            flushed = await submitter.flush()

            assert halt.count == 1
            assert [each.outcome for each in flushed.submissions] == [SubmitOutcome.RECORDED] * RECEIPTS[terms]
            assert (flushed.seq, flushed.refused) == (worker.recorded, None)
            await worker.check()
            assert await site.books() - before == paid_for(terms)


@pytest.mark.parametrize(("way", "terms"), [("SIGKILL", PAID), ("SIGTERM", COUNTED)], ids=["SIGKILL", "SIGTERM"])
async def test_a_flush_gives_up_on_a_node_that_stays_away_and_a_later_one_goes_on(
    localnet: Localnet, tmp_path: Path, way: str, terms: WorkClass
) -> None:
    async with Worker.running(localnet, tmp_path, terms) as worker:
        site = worker.site
        for moment in MOMENTS:
            if moment is before_the_spool_marks_it and terms is PAID:
                continue  # the last receipt is known to have landed, and nothing is left that could fail
            worker.work()
            before, halt, submitter = await site.books(), Halt(localnet, way), await worker.submitter()
            moment(site.road, halt, 1)

            with pytest.raises(ConnectionFailed) as caught:
                await submitter.flush()
            in_doubt = worker.spool.journal.unsettled()
            assert len(in_doubt) == (moment in IN_THE_JOURNAL)
            assert isinstance(caught.value, OutcomeUnknown) == bool(in_doubt)
            with pytest.raises(ConnectionFailed, match="ConnectError"):
                await (await worker.submitter(localnet.rpc_url)).flush()
            assert (halt.count, worker.spool.journal.unsettled()) == (1, in_doubt)
            worker.start_again()
            await asyncio.to_thread(localnet.restart)
            flushed = await (await worker.submitter()).flush()

            assert flushed.seq == worker.recorded
            on_its_way = moment is not fetching_the_blockhash
            assert len(flushed.submissions) == RECEIPTS[terms] - on_its_way
            assert [worker.spool.journal.outcome(sent.signature) for sent in in_doubt] == ["confirmed"] * len(in_doubt)
            await worker.check()
            assert await site.books() - before == paid_for(terms)


def paid_for(terms: WorkClass) -> dict[str, int]:
    """What one flush changes."""
    reward = JOBS * UNITS[terms] * terms.rate // 10**6
    pool = {"pool_free": -reward, "pool_owed": reward, "rewards": reward} if reward else {}
    return {"payer": -RECEIPTS[terms] * RECEIPT_FEE, "transactions": RECEIPTS[terms], **pool}
