"""What shows that a device signed a record, and what is refused for not showing it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.disputes import DEPOSIT, LENGTH, TAB, Accusable, Court
from support.fleet import StartFleet
from worktab.core.errors import EncodingError, InputError, StorageError, VerificationError
from worktab.core.keys import P256Signer
from worktab.core.messages import Message
from worktab.core.records import Meter
from worktab.program.generated.errors import (
    DisputesOff,
    InsufficientBalance,
    NotAttestor,
    NotExecutable,
    RecordNotSigned,
    TooSoon,
)
from worktab.roles.accusations import DisputeEvidence, DisputeFinding, OpenOutcome
from worktab.roles.disputes import Challenger
from worktab.roles.errors import DisputeNotFound, TabNotFound
from worktab.roles.terms import WorkClass
from worktab.trust.errors import NotShownSigned, RecordNotHeld, TooFarFromReceipt
from worktab.trust.evidence import evidence_of, followed
from worktab.trust.receipts import ReceiptBook, read_receipts, read_rows, signed_states
from worktab.work.history import SignedReceipt

LATER = 22
"""Records after the disputed one that fit with the head on chain, where the challenger pays the fee."""

LATER_WITH_RECEIPT = 14


async def worked(court: Court, jobs: int, **terms: Any) -> Accusable:
    """A device that did different jobs; its records are in a bundle that anybody may have."""
    device = await court.device(**terms)
    device.worker.work(*(b"input %d" % number for number in range(jobs)))
    await court.fleet.next_epoch()
    return device


async def receipt(device: Accusable) -> SignedReceipt:
    """Its receipt over all it did."""
    view = await device.device.view()
    return device.receipt(view.device.receipt_context, view.now)


async def payer(court: Court) -> Challenger:
    """A challenger that pays its own fees."""
    return court.challenger(await court.fleet.consumer(TAB, key=court.fleet.payer))


async def test_the_way_to_the_nearest_signed_head_is_taken(court: Court) -> None:
    device = await worked(court, 3)
    early = await receipt(device)
    device.worker.work(b"four", b"five")
    await court.submit(device)
    entries = list(device.worker.spool.entries())
    shown = [await court.show(device, entry, early) for entry in entries]
    assert [(len(each.later), each.message is not None) for each in shown] == [
        (2, True), (1, True), (0, True), (1, False), (0, False),
    ]  # fmt: skip
    assert [each.before for each in shown] == [bytes(32), *(entry.head for entry in entries[:-1])]
    assert [each.head for each in shown] == [entries[2].head] * 3 + [entries[4].head] * 2
    opened = [await (await payer(court)).open(device.address, each) for each in shown]
    assert {each.outcome for each in opened} == {OpenOutcome.OPENED}


async def test_how_many_later_records_fit(court: Court) -> None:
    device = await worked(court, LATER + 3)
    await court.submit(device)
    challenger = await payer(court)
    assert challenger.most_later(receipt=False) == LATER
    assert challenger.most_later(receipt=True) == LATER_WITH_RECEIPT
    entries = list(device.worker.spool.entries())
    fits = await court.show(device, entries[2], challenger=challenger)
    assert len(fits.later) == LATER
    await challenger.open(device.address, fits)
    view = await device.device.view()
    with pytest.raises(TooFarFromReceipt) as caught:
        evidence_of(entries, 1, view, ReceiptBook(), room=challenger.room, most=(LATER_WITH_RECEIPT, LATER))
    assert (
        caught.value.expected
        == f"at most {LATER_WITH_RECEIPT} records after it with a receipt, {LATER} up to the head on chain"
    )
    assert caught.value.got == f"{LATER + 2} records after it up to the nearest"
    # Sent all the same, it is refused before anything leaves.
    too_long = await court.show(device, entries[0])
    with pytest.raises(InputError):
        await challenger.open(device.address, too_long)


async def test_a_receipt_that_lies_too_far_is_told_apart_from_none(court: Court) -> None:
    device = await worked(court, 100)
    await court.submit(device)
    challenger, view = await payer(court), await device.device.view()
    with pytest.raises(TooFarFromReceipt) as caught:
        evidence_of(device.worker.spool.entries(), 10, view, ReceiptBook(), room=challenger.room)
    assert caught.value.got == "90 records after it up to the nearest"


async def test_an_attestor_signs_for_a_record_that_is_too_far(court: Court) -> None:
    device = await worked(court, 100)
    await court.submit(device)
    challenger, view = await payer(court), await device.device.view()
    entries = list(device.worker.spool.entries())
    shown = followed(entries, 10, view, ReceiptBook())
    assert (shown.seq, shown.hash, shown.before, shown.later) == (10, entries[9].record_hash, entries[8].head, ())
    assert followed(entries[9:], 11, view, ReceiptBook(), base=entries[8].state).before == entries[9].head
    for broken in (
        [*entries[:50], *entries[51:]],
        [*entries[:50], replace(entries[50], salt=bytes(32)), *entries[51:]],
        entries[:99],
    ):
        with pytest.raises(NotShownSigned):
            followed(broken, 10, view, ReceiptBook())
    with pytest.raises(RecordNotHeld):
        followed(entries[10:], 10, view, ReceiptBook(), base=entries[9].state)
    with pytest.raises(NotAttestor):
        await challenger.open(device.address, shown, witness=Keypair())
    opened = await challenger.open(device.address, shown, witness=court.keys[2])
    assert (opened.outcome, opened.view.account.seq) == (OpenOutcome.OPENED, 10)
    # It is no vote; the record is judged like any other.
    assert (opened.view.account.votes.yes, opened.view.account.votes.no) == (0, 0)
    assert [(await court.look(number)).finding for number in (0, 1)] == [DisputeFinding.AGREES] * 2


async def test_a_p256_device_and_the_most_that_fits_with_its_receipt(court: Court) -> None:
    device = await worked(court, LATER_WITH_RECEIPT + 1, signer=P256Signer.generate())
    challenger = await payer(court)
    [first, *_] = device.worker.spool.entries()
    shown = await court.show(device, first, await receipt(device), challenger=challenger)
    assert len(shown.later) == LATER_WITH_RECEIPT
    assert (await challenger.open(device.address, shown)).outcome is OpenOutcome.OPENED


async def test_only_receipts_by_the_key_of_now_count(court: Court) -> None:
    device = await worked(court, 2)
    old = await receipt(device)
    entries = list(device.worker.spool.entries())
    await device.owner.update(device.address, key=Keypair())
    view = await device.device.view()
    assert (ReceiptBook.of(view, [old]).receipts, ReceiptBook.of(view, [old]).other_key) == ((), 1)
    with pytest.raises(NotShownSigned) as caught:
        await court.show(device, entries[0], old)
    assert "1 by another key" in caught.value.got
    # Neither does the role take it.
    evidence = DisputeEvidence(
        1, entries[0].record_hash, bytes(32), (entries[1].record_hash,), old.message, old.signature
    )
    with pytest.raises(VerificationError):
        await (await payer(court)).open(device.address, evidence)


async def test_receipts_of_others_and_of_other_histories_are_no_evidence(court: Court) -> None:
    device, other = await worked(court, 2), await worked(court, 2)
    foreign = await receipt(other)
    [first, second] = device.worker.spool.entries()
    view = await device.device.view()
    book = ReceiptBook.of(view, [foreign])
    assert (book.receipts, book.foreign) == ((), 1)
    message = Message.receipt(view.device.receipt_context, 2, 1, view.now, b"h" * 32)
    forked = SignedReceipt(message, device.device.signer.sign(message.encode()))
    with pytest.raises(NotShownSigned):
        await court.show(device, first, foreign, forked)
    challenger = await payer(court)
    for evidence in (
        DisputeEvidence(1, first.record_hash, bytes(32)),
        DisputeEvidence(1, first.record_hash, bytes(32), (second.record_hash,), forked.message, forked.signature),
    ):
        with pytest.raises(RecordNotSigned):
            await challenger.open(device.address, evidence)


async def test_records_that_do_not_hold_together_are_refused(court: Court) -> None:
    device = await worked(court, 3)
    await court.submit(device)
    view, entries = await device.device.view(), list(device.worker.spool.entries())
    for broken in (
        entries[2:],
        [entries[0], replace(entries[1], salt=bytes(32)), entries[2]],
        [entries[0], replace(entries[1], head=bytes(32)), entries[2]],
        [entries[0], entries[2]],
        [],
    ):
        with pytest.raises(RecordNotHeld):
            evidence_of(broken, 2, view, ReceiptBook())
    # What breaks after the record only keeps the way from being found.
    with pytest.raises(TooFarFromReceipt):
        evidence_of([entries[0], entries[1], replace(entries[2], salt=bytes(32))], 2, view, ReceiptBook())


async def test_records_that_come_twice_show_as_much(court: Court) -> None:
    """Exports of a device at different times hold the same records."""
    device = await worked(court, 6)
    await court.submit(device)
    view, entries = await device.device.view(), list(device.worker.spool.entries())
    twice = [*entries[:4], *entries[1:]]
    for seq in range(1, 7):
        assert evidence_of(twice, seq, view, ReceiptBook()) == evidence_of(entries, seq, view, ReceiptBook())
        assert followed(twice, seq, view, ReceiptBook()) == followed(entries, seq, view, ReceiptBook())


async def test_who_may_not_dispute(court: Court, start_fleet: StartFleet) -> None:
    device = await worked(court, 1)
    await court.submit(device)
    [entry] = device.worker.spool.entries()
    evidence = await court.show(device, entry)
    with pytest.raises(TabNotFound):
        await Challenger(court.fleet.sender, court.fleet.network, Keypair()).open(device.address, evidence)
    poor = await court.consumer(DEPOSIT - 1)
    with pytest.raises(InsufficientBalance) as caught:
        await court.challenger(poor).open(device.address, evidence)
    assert caught.value.got == str(DEPOSIT - 1)
    assert await court.balance(poor) == DEPOSIT - 1


async def test_networks_and_classes_without_disputes(start_fleet: StartFleet) -> None:
    counted = WorkClass(rate=1, max_capacity=10**6, budget=10**6, meter=Meter.CPU_MS)
    attestors = (Keypair().pubkey(),)
    for plan, refused in (
        ({}, DisputesOff),
        ({"attestors": attestors}, DisputesOff),
        ({"dispute_deposit": 5}, DisputesOff),
        ({"attestors": attestors, "dispute_deposit": 5, "classes": (counted,)}, NotExecutable),
    ):
        fleet = await start_fleet(**plan)
        device, consumer = await fleet.device(), await fleet.consumer(100)
        challenger = Challenger(fleet.sender, fleet.network, consumer.key)
        with pytest.raises(refused):
            await challenger.open(device.device, DisputeEvidence(1, b"r" * 32, bytes(32)))


async def test_who_may_not_vote(court: Court) -> None:
    device, other = await worked(court, 1), await court.consumer()
    await court.submit(device)
    [entry] = device.worker.spool.entries()
    opened = await court.dispute(court.challenger(other), device, entry)
    assert opened.view.account.deadline - opened.view.account.opened_at == LENGTH
    stranger = type(court.voter(0))(court.fleet.sender, court.fleet.network, Keypair())
    with pytest.raises(NotAttestor):
        await stranger.vote(opened.address, DisputeFinding.AGREES)
    with pytest.raises(TooSoon):
        await court.voter(0).vote(opened.address, DisputeFinding.WITHHELD)
    with pytest.raises(DisputeNotFound):
        await court.voter(0).vote(Pubkey.new_unique(), DisputeFinding.AGREES)


async def test_two_challengers_of_one_record(court: Court) -> None:
    device, one, other = await worked(court, 1), await court.consumer(), await court.consumer()
    await court.submit(device)
    [entry] = device.worker.spool.entries()
    first = await court.dispute(court.challenger(one), device, entry)
    second = await court.dispute(court.challenger(other), device, entry)
    assert (second.outcome, second.address, second.confirmed) == (OpenOutcome.ALREADY_OPEN, first.address, None)
    assert await court.balance(other) == TAB
    assert second.view.account.tab == one.tab_address


async def test_receipts_in_rows(court: Court, tmp_path: Path) -> None:
    device, other = await worked(court, 1), await worked(court, 1)
    ours, theirs = await receipt(device), await receipt(other)
    rows = b"".join(
        bytes(whose.address) + each.message.encode() + each.signature
        for whose, each in ((device, ours), (other, theirs))
    )
    assert read_rows(rows, device.address) == [SignedReceipt(ours.message, ours.signature)]
    account = await court.read(device)
    assert signed_states(rows, device.address, account) == [ours.state]
    forged = rows[:136] + bytes(64)
    assert signed_states(forged, device.address, account) == []
    assert read_rows(b"", device.address) == []
    with pytest.raises(EncodingError):
        read_rows(rows[:-1], device.address)
    voucher = replace(ours.message, kind=type(ours.message.kind).VOUCHER)
    with pytest.raises(EncodingError):
        read_rows(bytes(device.address) + voucher.encode() + ours.signature, device.address)
    (tmp_path / "receipts.bin").write_bytes(rows)
    assert len(read_receipts(tmp_path / "receipts.bin", other.address)) == 1
    (tmp_path / "receipts.bin").write_bytes(b"?")
    with pytest.raises(InputError):
        read_receipts(tmp_path / "receipts.bin", other.address)
    with pytest.raises(StorageError):
        read_receipts(tmp_path / "missing", other.address)
