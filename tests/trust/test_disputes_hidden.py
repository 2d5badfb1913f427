"""Devices that hide: two histories, a second receipt, half of the records, or the record until late."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from solders.pubkey import Pubkey
from starlette.responses import Response

from support.disputes import BOND, DEPOSIT, SLASH_BPS, TAB, Accusable, Court
from worktab.core.errors import ChainError
from worktab.core.messages import Message
from worktab.core.records import JobRecord, Meter, next_head
from worktab.epochs.attesting.errors import EvidenceWithheld
from worktab.epochs.attesting.evidence import EvidenceSource, FolderEvidence, Wanted
from worktab.program.generated import PROGRAM_ID
from worktab.roles.accusations import DisputeFinding, DisputeVerdict, OpenedDispute, Shown
from worktab.roles.errors import RecordUnshowable
from worktab.trust.attesting import DisputeAction
from worktab.trust.evidence import single
from worktab.work.bundle import export_bundle
from worktab.work.history import ChainState, Entry, SignedReceipt

SLASH = BOND * SLASH_BPS // 10_000


async def forked(court: Court) -> tuple[Accusable, Shown, OpenedDispute]:
    """A device that shows one history, and signed another one to its buyer, which disputes it."""
    device, buyer = await court.device(), await court.consumer()
    device.worker.work(b"abc")
    await court.fleet.next_epoch()
    await court.submit(device)
    view = await device.device.view()
    record = JobRecord(
        meter=Meter.WASM_FUEL, work_class=0, meter_version=50, module=bytes(32), input=bytes(32), output=bytes(32),
        units=0, amount=1_000, started_ms=0, finished_ms=1, tab=bytes(buyer.tab_address),
    )  # fmt: skip
    shown = Shown(record, bytes(32))
    message = Message.receipt(view.device.receipt_context, 1, 71, view.now, next_head(bytes(32), shown.hash))
    receipt = SignedReceipt(message, device.device.signer.sign(message.encode()))
    opened = await court.challenger(buyer).open(device.address, single(1, bytes(32), shown.hash, receipt))
    return device, shown, opened


async def test_who_shows_another_history_withholds_the_one_it_signed(court: Court) -> None:
    device, shown, opened = await forked(court)
    for share in (0.0, 0.3, 0.74):
        await court.go_to(share)
        done = await court.look(0)
        assert (done.finding, done.action) == (None, DisputeAction.WAITING)
        assert done.detail == "job 1 of what the device signed is another record"
    await court.go_to(0.75)
    assert (await court.look(0)).finding is DisputeFinding.WITHHELD
    for share in (0.8, 0.91):
        await court.go_to(share)
        assert (await court.look(1)).finding is None
    await court.go_to(0.95)
    second = await court.look(1)
    assert (second.finding, second.action) == (DisputeFinding.WITHHELD, DisputeAction.VOTED)
    ended = await court.voter(0).resolve(opened.address, shown)
    assert ended.event is not None
    assert (ended.verdict, ended.event.to_consumer) == (DisputeVerdict.GUILTY, 1_000)
    assert (await court.read(device)).bond == BOND - SLASH


async def test_somebody_else_may_show_the_history_that_a_device_hides(court: Court, tmp_path: Path) -> None:
    device, shown, _ = await forked(court)
    entry = Entry(1, 71, next_head(bytes(32), shown.hash), shown.hash, shown.record, shown.salt)
    export_bundle(tmp_path / f"{device.address}.bundle", [entry], device.worker.blobs, device=device.address)
    [done] = await court.attestor(0, court.evidence(0), FolderEvidence(tmp_path)).look()
    assert done.finding is DisputeFinding.DIFFERS
    assert done.detail == "a record may state 1 to 281474976710656 units, this one states 0"


async def overclaimed(court: Court) -> Accusable:
    """A device with a disputed paid record, whose receipt on chain claims 1,000 units too many."""
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    device.worker.work(b"abc")
    paid = device.worker.claim(amount=10, tab=bytes(consumer.tab_address))
    await court.fleet.next_epoch()
    await court.claim(device, 1_000)
    await court.dispute(court.challenger(other), device, paid)
    return device


@pytest.mark.parametrize("extra", [0, 1, -5])
async def test_a_second_receipt_over_the_same_records_hides_no_claim(court: Court, extra: int) -> None:
    device = await overclaimed(court)
    state = device.worker.state
    attestor = court.attestor(0)
    attestor.signed = lambda address, account: [ChainState(state.seq, state.units + extra, state.head)]
    [done] = await attestor.look()
    assert done.finding is DisputeFinding.DIFFERS
    claimed = f"claims {state.units + 1_000} units, all records up to it have {state.units}"
    assert done.detail == f"a receipt for job 2 {claimed}"


class Alone:
    """A device that shows the disputed record, and none around it."""

    asks_device: ClassVar[bool] = True

    def __init__(self, source: EvidenceSource) -> None:
        self._source = source

    async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
        """See `EvidenceSource.fetch`."""
        if wanted.first != wanted.last:
            raise EvidenceWithheld("404")
        return await self._source.fetch(wanted, folder)


async def test_what_a_device_leaves_out_somebody_else_may_bring(court: Court, tmp_path: Path) -> None:
    device = await overclaimed(court)
    device.worker.bundle(tmp_path)
    [done] = await court.attestor(0, Alone(court.evidence(0)), FolderEvidence(tmp_path)).look()
    assert done.finding is DisputeFinding.DIFFERS
    [alone] = await court.attestor(1, Alone(court.evidence(1)), FolderEvidence(tmp_path / "none")).look()
    assert alone.finding is DisputeFinding.AGREES


async def test_the_first_record_alone_is_not_all_records(court: Court, tmp_path: Path) -> None:
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    paid = device.worker.claim(amount=10, tab=bytes(consumer.tab_address))
    device.worker.work(b"abd")
    await court.fleet.next_epoch()
    await court.claim(device, 1_000)
    await court.dispute(court.challenger(other), device, paid)
    device.worker.bundle(tmp_path)
    [done] = await court.attestor(0, Alone(court.evidence(0)), FolderEvidence(tmp_path)).look()
    assert done.finding is DisputeFinding.DIFFERS


async def test_trouble_with_all_records_leaves_open_what_one_shows(court: Court) -> None:
    class Full(Alone):
        async def fetch(self, wanted: Wanted, folder: Path) -> list[Path]:
            if wanted.first != wanted.last:
                raise EvidenceWithheld("records cannot be kept") from OSError(28, "No space left on device")
            return await super().fetch(wanted, folder)

    await overclaimed(court)
    [done] = await court.attestor(0, Full(court.evidence(0))).look()
    assert (done.finding, done.action) == (None, DisputeAction.WAITING)
    await court.go_to(0.1)
    assert (await court.look(0)).finding is DisputeFinding.DIFFERS


async def honest(court: Court) -> tuple[Accusable, OpenedDispute]:
    """A device that does nothing wrong, and a dispute."""
    device, consumer, other = await court.device(), await court.consumer(), await court.consumer()
    device.worker.work(b"abc")
    entry = device.worker.claim(b"abd", amount=10, tab=bytes(consumer.tab_address))
    await court.fleet.next_epoch()
    await court.submit(device)
    return device, await court.dispute(court.challenger(other), device, entry)


@pytest.mark.parametrize("status", [429, 503])
async def test_an_overloaded_device_that_answers_in_the_end_is_judged_by_its_record(court: Court, status: int) -> None:
    device, _ = await honest(court)
    device.answers = Response(status_code=status)
    for share in (0.0, 0.3, 0.6):
        await court.go_to(share)
        assert (await court.look(0)).action is DisputeAction.WAITING
    await court.go_to(0.75)
    first = await court.look(0)
    assert (first.finding, first.action) == (DisputeFinding.WITHHELD, DisputeAction.VOTED)
    assert (await court.only()).account.votes.yes == 0b1
    # It is asked again, and no vote is sent while nothing changes.
    await court.go_to(0.8)
    again = await court.look(0)
    assert (again.finding, again.action) == (DisputeFinding.WITHHELD, DisputeAction.KEPT)
    assert again.detail.startswith("asked 5 times in ")
    device.answers = None
    await court.go_to(0.95)
    changed = await court.look(0)
    assert (changed.finding, changed.action) == (DisputeFinding.AGREES, DisputeAction.VOTED)
    votes = (await court.only()).account.votes
    assert (votes.yes, votes.no) == (0, 0b1)
    assert (await court.look(0)).action is DisputeAction.KEPT
    assert (await court.look(1)).verdict is DisputeVerdict.NOT_GUILTY
    assert (await court.read(device)).bond == BOND + DEPOSIT


async def test_a_record_that_is_shown_late_and_not_judged_takes_the_vote_back(court: Court) -> None:
    device, other = await court.device(), await court.consumer()
    device.worker.work(b"abc")
    [entry] = device.worker.work(b"abd")
    await court.fleet.next_epoch()
    await court.submit(device)
    await court.dispute(court.challenger(other), device, entry)
    device.online = False
    for share in (0.0, 0.3, 0.75):
        await court.go_to(share)
        done = await court.look(0)
    assert done.finding is DisputeFinding.WITHHELD
    device.online = True
    await court.go_to(0.9)
    [done] = await court.attestor(0, Alone(court.evidence(0))).look()
    assert (done.finding, done.action) == (None, DisputeAction.WITHDREW)
    assert done.detail == "it agrees, but the records before it were not all shown"
    votes = (await court.only()).account.votes
    assert (votes.yes, votes.no) == (0, 0)
    await court.go_to(0.95)
    assert (await court.look(0)).finding is DisputeFinding.AGREES


async def test_a_vote_that_the_chain_refused_is_found_afresh(court: Court) -> None:
    device, _ = await honest(court)
    device.online = False
    for share in (0.0, 0.3):
        await court.go_to(share)
        assert (await court.look(0)).action is DisputeAction.WAITING
    await court.go_to(0.75)
    attestor = court.attestor(0)

    async def refused(dispute: Pubkey, finding: DisputeFinding) -> object:
        raise ChainError("no")

    attestor.voter.vote = refused  # type: ignore[method-assign, assignment]
    [done] = await attestor.look()
    assert done.action is DisputeAction.FAILED
    # At the same time, and not after the usual while: what it withheld then, it may show by now.
    device.online = True
    assert (await court.look(0)).finding is DisputeFinding.AGREES


async def test_a_vote_by_hand_is_not_replaced(court: Court) -> None:
    device, opened = await honest(court)
    assert (await court.look(0)).finding is DisputeFinding.AGREES
    await court.voter(0).vote(opened.address, DisputeFinding.DIFFERS)
    assert (await court.look(0)).action is DisputeAction.KEPT
    votes = (await court.only()).account.votes
    assert (votes.yes, votes.no) == (0b1, 0)
    assert device.online


@pytest.mark.parametrize("named", ["sysvar", "program", "network", "device", "token"])
async def test_a_record_that_names_no_tab_is_not_shown_and_the_dispute_ends_all_the_same(
    court: Court, named: str
) -> None:
    device, other = await court.device(), await court.consumer()
    device.worker.work(b"abc")
    tabs = {
        "sysvar": Pubkey.from_string("SysvarC1ock11111111111111111111111111111111"),
        "program": PROGRAM_ID,
        "network": court.fleet.network,
        "device": device.address,
        "token": court.fleet.mint.address,
    }
    cheat = device.worker.claim(output=bytes(32), amount=1, tab=bytes(tabs[named]))
    await court.fleet.next_epoch()
    await court.submit(device)
    opened = await court.dispute(court.challenger(other), device, cheat)
    for number in (0, 1):
        assert (await court.look(number)).action is DisputeAction.VOTED
    for share in (0.5, 1.0, 1.99):
        await court.go_to(share)
        done = await court.look(0)
        assert (done.finding, done.action) == (DisputeFinding.DIFFERS, DisputeAction.UNSHOWN)
        assert f"names {tabs[named]} as its consumer, which is no tab" in done.detail
    with pytest.raises(RecordUnshowable):
        await court.voter(0).resolve(opened.address, Shown(cheat.record, cheat.salt))
    assert (await court.read(device)).bond == BOND
    await court.go_to(2.0)
    assert (await court.look(0)).verdict is DisputeVerdict.GUILTY
    assert ((await court.read(device)).bond, (await court.read(device)).open_disputes) == (BOND - SLASH, 0)
    assert await court.balance(other) == TAB + DEPOSIT
