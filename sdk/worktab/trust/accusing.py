"""Choosing what to dispute of what was found, and what shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from worktab.core.errors import WorktabError
from worktab.core.records import next_head
from worktab.roles.accusations import DisputeEvidence, OpenedDispute, OpenOutcome
from worktab.roles.disputes import Challenger
from worktab.roles.reading import DeviceView
from worktab.roles.trust_reading import DisputeView
from worktab.trust.challenging import Examined, Suspect, examine, overclaimed
from worktab.trust.errors import AnotherDisputed, NothingToDispute, TooFarFromReceipt
from worktab.trust.evidence import evidence_of, followed, single
from worktab.trust.published import BoughtJob, Published, open_published
from worktab.trust.receipts import ReceiptBook
from worktab.trust.stakes import Stakes, stakes_of
from worktab.work.history import ChainState, Entry, SignedReceipt
from worktab.work.wasm import WasmRuntime


@dataclass(frozen=True, slots=True)
class Accusation:
    """What to dispute, what shows it, and what is at stake; nothing was sent yet.

    suspect   the record
    evidence  what shows that the device signed it
    view      the device and its network, as read for it
    stakes    what it costs and may bring
    standing  the dispute about one of the suspects that is there already; then nothing is to be opened
    far       whether it takes an attestor's signature as well, which says that these records lead to what was signed
    """

    suspect: Suspect
    evidence: DisputeEvidence | None
    view: DeviceView
    stakes: Stakes
    standing: DisputeView | None
    far: bool = False


async def accuse(
    challenger: Challenger,
    published: Published | None,
    examined: Examined,
    view: DeviceView,
    receipts: Sequence[SignedReceipt] = (),
    *,
    only: int | None = None,
    witnessed: bool = False,
) -> Accusation:
    """Choose what to dispute of what was found: one record, since one suspends a device for good.

    Where one of the suspects is disputed already, that dispute it is, so that a repeated call opens no second one.

    Args:
        challenger: whose deposit it will be.
        published: the records, where they are a chain.
        examined: what was found.
        view: the device.
        receipts: of the device, from anywhere.
        only: job number of the one record to dispute.
        witnessed: an attestor will sign as well, so that a record may be as far as it likes from what was signed.

    Raises `NothingToDispute`; `AnotherDisputed`, unless `only` is given; `NotShownSigned`, `TooFarFromReceipt` or
    `RecordNotHeld` of the first suspect where none can be shown.
    """
    suspects = [each for each in examined.disputable if only in (None, each.seq)]
    if not suspects:
        what = "Nothing was found to dispute" if only is None else f"Nothing was found to dispute about job {only}"
        others = [f"job {each.seq} {each.fault.value}: {each.detail}" for each in examined.suspects[:3]]
        raise NothingToDispute(what, got="; ".join(others))
    known = await challenger.reader.disputes(device=view.address, open_only=False)
    standing = _standing(challenger, view, suspects, known)
    if standing is not None:
        return standing
    if only is None:
        _require_no_other(challenger, known)
    most = challenger.most_later(receipt=True), challenger.most_later(receipt=False)
    refused: WorktabError | None = None
    for suspect in suspects:
        try:
            evidence = _evidence(challenger, published, suspect, view, receipts, most)
        except TooFarFromReceipt as error:
            if not witnessed or published is None:
                refused = refused or error
                continue
            book = ReceiptBook.of(view, list(receipts))
            evidence, far = followed(published.entries(), suspect.seq, view, book, base=published.base), True
        except WorktabError as error:
            refused = refused or error
            continue
        else:
            far = False
        return Accusation(suspect, evidence, view, stakes_of(view.network, view.device, suspect.shown), None, far)
    assert refused is not None
    raise refused


async def challenge(
    challenger: Challenger, bundles: Sequence[Path], runtime: WasmRuntime, receipts: Sequence[SignedReceipt] = ()
) -> tuple[Examined, OpenedDispute | None]:
    """Run all records of a device's bundles again, and dispute one that is wrong: all of `worktab challenge` at once.

    Returns what was found, and the dispute that stands now; None where nothing is wrong with any record. A repeated
    call opens no second dispute.

    Raises what opening bundles, `accuse` and `Challenger.open` raise.
    """
    with open_published(bundles) as published:
        view = await challenger.reader.view(published.device)
        device = view.device
        examined = examine(published, runtime)
        more = overclaimed(published, ChainState(device.seq, device.units, device.head))
        examined.suspects += [] if more is None else [more]
        if not examined.suspects:
            return examined, None
        accusation = await accuse(challenger, published, examined, view, receipts)
    if accusation.standing is not None:
        return examined, standing_dispute(accusation.standing)
    assert accusation.evidence is not None
    return examined, await challenger.open(view.address, accusation.evidence)


def _evidence(
    challenger: Challenger,
    published: Published | None,
    suspect: Suspect,
    view: DeviceView,
    receipts: Sequence[SignedReceipt],
    most: tuple[int, int],
) -> DisputeEvidence:
    if suspect.job is not None:
        job = suspect.job
        book = ReceiptBook.of(view, [job.receipt])
        if book.receipts:
            return single(job.seq, job.before, suspect.hash, job.receipt)
        # Its key is another one by now; the record may still be the newest on chain.
        return evidence_of([_entry(job)], job.seq, view, book, base=_before(job), room=challenger.room, most=most)
    assert published is not None
    book = ReceiptBook.of(view, list(receipts))
    return evidence_of(
        published.entries(), suspect.seq, view, book, base=published.base, room=challenger.room, most=most
    )


def _require_no_other(challenger: Challenger, known: Sequence[DisputeView]) -> None:
    """A sample, or records bought since, may show another record than the one that was disputed the last time."""
    tab = challenger.reader.tab_address(challenger.key.pubkey())
    for each in known:
        if each.is_open and each.account.tab == tab:
            raise AnotherDisputed(
                f"Job {each.account.seq} of the device is disputed already", got=f"the dispute {each.address}"
            )


def _standing(
    challenger: Challenger, view: DeviceView, suspects: Sequence[Suspect], known: Sequence[DisputeView]
) -> Accusation | None:
    reader, by_address = challenger.reader, {each.address: each for each in known}
    for suspect in suspects:
        dispute = by_address.get(reader.dispute_address(view.address, suspect.seq, suspect.hash))
        if dispute is not None:
            deposit = dispute.account.deposit
            stakes = stakes_of(view.network, view.device, suspect.shown, deposit=deposit)
            return Accusation(suspect, None, view, stakes, dispute)
    return None


def standing_dispute(view: DisputeView) -> OpenedDispute:
    """A dispute that was there before."""
    return OpenedDispute(OpenOutcome.ALREADY_OPEN if view.is_open else OpenOutcome.ENDED_GUILTY, view, None)


def _before(job: BoughtJob) -> ChainState:
    return ChainState(job.seq - 1, 0, job.before)


def _entry(job: BoughtJob) -> Entry:
    hashed = job.shown.hash
    return Entry(job.seq, 0, next_head(job.before, hashed), hashed, job.shown.record, job.shown.salt)
