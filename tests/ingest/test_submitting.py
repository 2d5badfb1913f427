"""From a real spool to real stores: once each, whatever is killed, lost, late, forged or set wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.jobs import record, salt
from support.local_ingests import LocalIngest, Shown
from support.mortal import Fuse, Killed, Mortal
from worktab.core.enrolments import Enrolment, SignedEnrolment
from worktab.core.errors import ConnectionFailed, InputError, StateError, VerificationError
from worktab.core.keys import Ed25519Signer, P256Signer
from worktab.core.messages import Message
from worktab.ingest.facts import Facts
from worktab.ingest.looking import Refused, newest_of
from worktab.ingest.submitting import Delivered, Delivery, NotDelivered, submit
from worktab.ingest.verdicts import Verdict
from worktab.program.generated import PROGRAM_ID
from worktab.work.history import ChainState
from worktab.work.spool import Spool

NOW = 1_800_000_000
EPOCH = 3_600
DOMAIN = b"d" * 32
NETWORK = Pubkey(b"n" * 32)
FACTS = Facts(
    network=NETWORK,
    program_id=PROGRAM_ID,
    domain=DOMAIN,
    created_at=NOW - NOW % EPOCH - 10 * EPOCH,
    epoch_length=EPOCH,
    by_roots=True,
    roots_from=0,
    admission=False,
    admitting=(),
    capacities=(1_000_000,) + (0,) * 7,
    bonds=(0,) * 8,
    used=(True,) + (False,) * 7,
)


@dataclass
class Rig:
    """An enrolled device with a spool, and three ingests; one clock for all but where a test sets it."""

    folder: Path
    signer: Any
    enrolment: SignedEnrolment
    spool: Spool
    ingests: list[LocalIngest]
    now: int = NOW
    least: int = 1
    jobs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def start(cls, folder: Path, *, enrolled: bool = True, count: int = 3) -> Rig:
        signer, owner = P256Signer.generate(), Keypair()
        terms = Enrolment(signer.public, owner.pubkey(), owner.pubkey(), 0)
        places = {"domain": DOMAIN, "program_id": bytes(PROGRAM_ID), "network": bytes(NETWORK)}
        signed = SignedEnrolment.sign(terms, owner=owner, key=signer, **places)
        ingests = [LocalIngest(folder / f"store-{n}", FACTS, NOW, f"http://{n}") for n in range(count)]
        if enrolled:
            assert {await each.enrol(signed) for each in ingests} == {Verdict.STORED}
        spool = Spool.open(folder / "spool", device=bytes(signed.device))
        return cls(folder, signer, signed, spool, ingests)

    @property
    def device(self) -> Pubkey:
        return self.enrolment.device

    @property
    def context(self) -> bytes:
        return self.enrolment.enrolment.receipt_context(DOMAIN, bytes(self.device))

    def work(self, jobs: int = 1, units: int = 10) -> None:
        for _ in range(jobs):
            number = next(self.jobs)
            self.spool.append(record(number, units=units), salt(number))

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        for each in self.ingests:
            each.now += seconds

    async def submit(self, **changes: Any) -> Delivered:
        given: dict[str, Any] = {
            "spool": self.spool,
            "ingests": self.ingests,
            "device": self.device,
            "signer": self.signer,
            "context": self.context,
            "now": self.now,
            "least": self.least,
        }
        return await submit(**(given | changes))

    def restart(self) -> None:
        self.spool.close()
        self.spool = Spool.open(self.folder / "spool", device=bytes(self.device))

    def receipt(self, seq: int, units: int, *, signer: Any = None, time: int = NOW, head: bytes = b"h" * 32) -> bytes:
        """A receipt that the spool knows nothing of."""
        message = Message.receipt(self.context, seq, units, time, head).encode()
        return bytes(self.device) + message + (signer or self.signer).sign(message)

    def held(self) -> list[list[tuple[int, int]]]:
        return [each.held(self.device) for each in self.ingests]


@pytest.fixture
async def rig(tmp_path: Path) -> Any:
    rig = await Rig.start(tmp_path)
    yield rig
    rig.spool.close()
    for each in rig.ingests:
        each.close()


async def test_one_receipt_brings_all_jobs_to_every_ingest(rig: Rig) -> None:
    rig.work(5)

    delivered = await rig.submit()

    assert delivered == Delivered(5, 50, tuple(Delivery(f"http://{n}", 5, posted=True) for n in range(3)))
    assert delivered.posted
    assert rig.held() == [[(5, 50)]] * 3
    assert rig.spool.landed() == rig.spool.state()


async def test_without_news_nothing_is_posted(rig: Rig) -> None:
    assert await rig.submit() == Delivered(0, 0, tuple(Delivery(f"http://{n}", 0) for n in range(3)))
    rig.work()
    await rig.submit()
    again = await rig.submit()
    assert again == Delivered(1, 10, tuple(Delivery(f"http://{n}", 1) for n in range(3)))
    assert not again.posted
    assert [each.posted for each in rig.ingests] == [1, 1, 1]


async def test_days_out_of_reach_are_caught_up_with_by_one_receipt(rig: Rig) -> None:
    for each in rig.ingests:
        each.away = True
    for _ in range(5):
        rig.work(3)
        with pytest.raises(NotDelivered, match="expected 1 of 3; got 0: nobody answers"):
            await rig.submit()
        rig.pass_time(86_400)
    for each in rig.ingests:
        each.away = False

    assert (await rig.submit()).seq == 15

    assert rig.held() == [[(15, 150)]] * 3
    assert [each.posted for each in rig.ingests] == [1, 1, 1]
    [message] = {bytes(each.store.newest(bytes(rig.device))["message"].tobytes()) for each in rig.ingests}
    assert Message.decode(message).time == rig.now


async def test_an_answer_that_is_lost_is_no_loss(rig: Rig) -> None:
    rig.work(2)
    for each in rig.ingests:
        each.deaf = True
    with pytest.raises(NotDelivered, match="the answer was lost"):
        await rig.submit()
    assert rig.spool.landed().seq == 0
    assert rig.held() == [[(2, 20)]] * 3
    rig.restart()

    delivered = await rig.submit()

    assert (delivered.seq, delivered.posted) == (2, False)
    assert rig.spool.landed().seq == 2


@pytest.mark.parametrize("pruned", [False, True])
async def test_an_ingest_that_lost_its_data_is_brought_up_to_date(rig: Rig, pruned: bool) -> None:
    rig.work(3)
    await rig.submit()
    if pruned:
        assert rig.spool.prune(4) == 3
    rig.pass_time(EPOCH)
    rig.ingests[1].lose()
    rig.ingests[1].now = rig.now

    with pytest.raises(NotDelivered) as caught:
        await rig.submit(least=3)
    [_, refused, _] = caught.value.deliveries
    assert isinstance(refused.error, Refused)
    assert (refused.error.verdict, refused.seq) == (Verdict.DEVICE_UNKNOWN, 0)
    assert "worktab device enrol" in caught.value.next_step

    delivered = await rig.submit(least=3, enrolment=rig.enrolment)
    assert [each.posted for each in delivered.deliveries] == [False, True, False]
    assert rig.held() == [[(3, 30)]] * 3


async def test_a_refused_enrolment_is_told(rig: Rig) -> None:
    rig.work()
    rig.ingests[0].facts = replace(FACTS, admission=True)
    rig.ingests[0].lose()
    delivered = await rig.submit(least=2, enrolment=rig.enrolment)
    error = delivered.deliveries[0].error
    assert isinstance(error, Refused)
    assert (error.verdict, error.message) == (Verdict.NOT_ADMITTED, "The ingest http://0 refused the enrolment")


async def test_enough_ingests_make_a_success_and_the_others_are_told(rig: Rig) -> None:
    rig.work()
    rig.ingests[2].away = True
    delivered = await rig.submit(least=2)
    assert [each.seq for each in delivered.deliveries] == [1, 1, 0]
    assert isinstance(delivered.deliveries[2].error, ConnectionFailed)
    assert rig.spool.landed().seq == 1
    rig.work()
    rig.ingests[1].away = True
    with pytest.raises(NotDelivered, match="expected 2 of 3; got 1: nobody answers; nobody answers"):
        await rig.submit(least=2)
    assert rig.spool.landed().seq == 1
    rig.ingests[1].away = rig.ingests[2].away = False
    assert [each.posted for each in (await rig.submit(least=2)).deliveries] == [False, True, True]
    assert rig.held() == [[(2, 20)]] * 3


@pytest.mark.parametrize("least", [0, 4])
async def test_so_many_must_be_there(rig: Rig, least: int) -> None:
    with pytest.raises(InputError, match="expected 1 to 3"):
        await rig.submit(least=least)


async def test_killed_at_any_step_it_goes_on_after_a_restart(rig: Rig) -> None:
    """A step is a call to an ingest or the spool: it dies before and after each of them."""
    died, units = 0, 0
    for steps in itertools.count(1):
        rig.work(2)
        units += 20
        fuse = Fuse(steps)
        mortal = [Mortal(each, fuse, url=each.url) for each in rig.ingests]
        try:
            await rig.submit(spool=Mortal(rig.spool, fuse), ingests=mortal)
        except Killed:
            died += 1
        else:
            break
        rig.restart()
        assert (await rig.submit()).units == units
        assert rig.held() == [[(2 * steps, units)]] * 3
        assert rig.spool.landed() == rig.spool.state()
    assert died > 15


async def test_a_step_of_any_size_is_one_receipt(rig: Rig) -> None:
    rig.work(3, units=2**48)
    assert (await rig.submit()).units == 3 * 2**48
    assert rig.held() == [[(3, 3 * 2**48)]] * 3


async def test_a_spool_behind_an_ingest_signs_nothing(rig: Rig, tmp_path: Path) -> None:
    rig.work(3)
    await rig.submit()
    with Spool.open(tmp_path / "restored", device=bytes(rig.device)) as restored:
        for number in range(20, 25):
            restored.append(record(number), salt(number))
            with pytest.raises(StateError, match=r"the ingest http://0 (knows jobs|holds another history)"):
                await rig.submit(spool=restored)
            assert restored.pending_receipt() is None
        found = await newest_of(rig.ingests, device=rig.device, key=rig.signer.public, context=rig.context)
        assert found is not None
        held = found[1]
        assert restored.adopt(ChainState(held.seq, held.units, held.head), last_time=held.time) == 5
        restored.append(record(30, units=7), salt(30))
        assert (await rig.submit(spool=restored)).units == 37
    assert rig.held() == [[(4, 37)]] * 3


async def test_one_ingest_that_knows_more_is_enough_to_stop(rig: Rig) -> None:
    rig.work()
    assert await rig.ingests[2].submit([rig.receipt(9, 900)]) == [Verdict.STORED]
    rig.ingests[0].away = True
    with pytest.raises(StateError, match="the ingest http://2 knows jobs"):
        await rig.submit()
    assert rig.held()[:2] == [[], []]


class Liar:
    """An ingest that shows what it likes."""

    url = "http://liar"

    def __init__(self, receipt: bytes | None, time: int = NOW) -> None:
        self.shown, self.got = Shown(receipt, time), 0

    async def newest(self, device: Pubkey) -> Shown:
        return self.shown

    async def submit(self, receipts: Any) -> list[Verdict]:
        self.got += 1
        return [Verdict.STORED]

    async def enrol(self, enrolment: SignedEnrolment) -> Verdict:
        raise AssertionError


async def test_what_the_key_did_not_sign_stops_nobody(rig: Rig) -> None:
    rig.work()
    liar = Liar(rig.receipt(9, 900, signer=Ed25519Signer(bytes(32))))
    delivered = await rig.submit(ingests=[liar, *rig.ingests])
    assert isinstance(delivered.deliveries[0].error, VerificationError)
    assert (liar.got, rig.held()) == (0, [[(1, 10)]] * 3)
    found = await newest_of([liar, *rig.ingests], device=rig.device, key=rig.signer.public, context=rig.context)
    assert found is not None
    assert (found[0].url, found[1].seq) == ("http://0", 1)


async def test_bytes_that_are_no_receipt_stop_nobody(rig: Rig) -> None:
    rig.work()
    delivered = await rig.submit(ingests=[Liar(b"?" * 200), *rig.ingests])
    assert delivered.deliveries[0].error is not None
    assert rig.held() == [[(1, 10)]] * 3


async def test_a_receipt_of_another_registration_says_nothing(rig: Rig) -> None:
    rig.work()
    message = Message.receipt(b"o" * 32, 9, 900, NOW, b"h" * 32).encode()
    old = Liar(bytes(rig.device) + message + rig.signer.sign(message))
    assert (await rig.submit(ingests=[old])).deliveries == (Delivery("http://liar", 1, posted=True),)
    assert await newest_of([old], device=rig.device, key=rig.signer.public, context=rig.context) is None


async def test_after_a_change_of_key_what_the_old_one_signed_is_known(rig: Rig) -> None:
    rig.work()
    await rig.submit()
    rig.work()
    rig.signer = Ed25519Signer(bytes(range(32)))
    shown = rig.ingests[0].store.newest(bytes(rig.device)).tobytes()
    liar = Liar(shown)
    assert (await rig.submit(ingests=[liar])).seq == 2
    assert liar.got == 1


@pytest.mark.parametrize("wrong", [86_400, -86_400])
async def test_a_wrong_clock_is_corrected_and_said_so(rig: Rig, wrong: int) -> None:
    rig.work()
    delivered = await rig.submit(now=NOW + wrong)
    assert delivered.clock_correction == -wrong
    assert rig.held() == [[(1, 10)]] * 3
    receipt = rig.spool.pending_receipt()
    assert receipt is None


async def test_a_receipt_signed_off_line_by_a_clock_ahead_is_signed_again(rig: Rig) -> None:
    rig.work()
    ahead = rig.spool.sign_newest(rig.signer, rig.context, NOW + 86_400)
    assert ahead.message.time == NOW + 86_400
    assert (await rig.submit()).seq == 1
    rows = rig.ingests[0].store.newest(bytes(rig.device))
    assert Message.decode(rows["message"].tobytes()).time == NOW


@pytest.mark.parametrize("off", [10**6, -(10**6)])
async def test_one_ingest_with_a_wrong_clock_holds_up_no_other(rig: Rig, off: int) -> None:
    rig.ingests[0].ahead = off
    for number in range(1, 4):
        rig.work()
        delivered = await rig.submit(least=2)
        assert [each.seq for each in delivered.deliveries[1:]] == [number, number]
        assert delivered.clock_correction == 0
        rig.pass_time(60)


async def test_a_liar_that_takes_a_time_to_come_keeps_it_to_itself(rig: Rig) -> None:
    """What one ingest was made to hold with a time ahead does not push the device's time for the others."""
    rig.work()
    alone = LocalIngest(rig.folder / "alone", FACTS, NOW + 10**6, "http://alone")
    await alone.enrol(rig.enrolment)
    assert (await rig.submit(ingests=[alone])).clock_correction == 10**6
    rig.work()
    delivered = await rig.submit(ingests=[alone, *rig.ingests], least=3)
    assert [each.seq for each in delivered.deliveries[1:]] == [2, 2, 2]
    assert isinstance(delivered.deliveries[0].error, Refused)
    assert delivered.deliveries[0].error.verdict is Verdict.TIME_BACK
    alone.close()


async def test_the_spool_stays_with_its_context(rig: Rig) -> None:
    rig.work()
    await rig.submit()
    rig.work()
    with pytest.raises(StateError, match="another registration"):
        await rig.submit(context=b"r" * 32)
    assert rig.held() == [[(1, 10)]] * 3


async def test_of_each_epoch_the_newest_counts(rig: Rig) -> None:
    """What was submitted in an epoch is in it, though the device goes on."""
    rig.work(2)
    await rig.submit()
    epoch = FACTS.epoch(NOW)
    rig.pass_time(EPOCH)
    rig.work(3)
    await rig.submit()
    for at, units in ((epoch - 1, []), (epoch, [20]), (epoch + 1, [50])):
        receipts = rig.ingests[0].store.inputs(at).receipts
        assert [Message.decode(each["message"].tobytes()).units for each in receipts] == units
