"""Receipts out of the spool: one for each state, in steps the chain accepts, dated so that a wrong clock heals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from support.jobs import CONTEXT, DEVICE, SIGNER, record, salt
from worktab.core.errors import InputError, StateError, VerificationError
from worktab.core.keys import DeviceKey, Ed25519Signer, P256Signer
from worktab.core.messages import Message
from worktab.work.history import START, ChainState, SignedReceipt
from worktab.work.receipts import CLOCK_TOLERANCE, MAX_SEQ_STEP, MAX_UNITS_STEP
from worktab.work.spool import Spool

NOW = 1_800_000_000
YEAR = 365 * 86_400


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool", device=DEVICE) as opened:
        yield opened


def work(spool: Spool, *, units: int = 10) -> ChainState:
    number = spool.state().seq + 1
    return spool.append(record(number, units=units), salt(number)).state


def sign(
    spool: Spool,
    now: int = NOW,
    *,
    landed: ChainState | None = None,
    chain_time: int | None = None,
    last_time: int | None = None,
) -> SignedReceipt:
    return spool.sign_receipt(SIGNER, CONTEXT, now, landed=landed, chain_time=chain_time, last_time=last_time)


def test_a_receipt_states_the_newest_state_and_carries_the_devices_signature(spool: Spool) -> None:
    work(spool)
    state = work(spool, units=5)
    receipt = sign(spool)
    assert receipt.message == Message.receipt(CONTEXT, 2, 15, NOW, state.head)
    assert receipt.clock_correction == 0
    assert receipt.state == state
    assert SIGNER.public.verify(receipt.message.encode(), receipt.signature)


def test_the_same_state_gives_the_same_receipt_also_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    signer = P256Signer.generate()  # its signatures are random: a second one would differ
    with Spool.open(path, device=DEVICE) as spool:
        work(spool)
        first = spool.sign_receipt(signer, CONTEXT, NOW)
        assert spool.sign_receipt(signer, CONTEXT, NOW + 50) == first
        assert spool.pending_receipt() == first
    with Spool.open(path, device=DEVICE) as spool:
        assert spool.pending_receipt() == first
        assert spool.sign_receipt(signer, CONTEXT, NOW + 99, landed=START, chain_time=NOW + 99) == first


def test_a_receipt_is_stored_before_it_is_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    seen: list[bytes] = []

    class Power:
        """A signer during whose signature the power goes."""

        public = SIGNER.public

        def sign(self, message: bytes) -> bytes:
            seen.append(message)
            raise KeyboardInterrupt

    with Spool.open(path, device=DEVICE) as spool:
        work(spool)
        with pytest.raises(KeyboardInterrupt):
            spool.sign_receipt(Power(), CONTEXT, NOW)
        assert spool.pending_receipt() is None
        assert sign(spool).message.encode() == seen[0]


def test_nothing_new_is_not_signed(spool: Spool) -> None:
    with pytest.raises(StateError, match="nothing new to claim; expected jobs after job 0"):
        sign(spool)
    state = work(spool)
    sign(spool)
    spool.mark_landed(1)
    with pytest.raises(StateError, match="nothing new to claim; expected jobs after job 1"):
        sign(spool)
    assert spool.landed() == state


def test_landing_settles_the_pending_receipt(spool: Spool) -> None:
    states = [work(spool)]
    first = sign(spool)
    states.append(work(spool))
    second = sign(spool)
    assert spool.pending_receipt() == second
    spool.mark_landed(1)
    assert (spool.landed(), spool.pending_receipt()) == (states[0], second)
    assert first.message.seq == 1
    spool.mark_landed(2)
    assert (spool.landed(), spool.pending_receipt()) == (states[1], None)
    spool.mark_landed(1)
    assert spool.landed() == states[1]


def test_only_signed_receipts_land(spool: Spool) -> None:
    work(spool)
    for seq in (1, 2):
        with pytest.raises(StateError, match=f"no receipt was signed for job {seq}"):
            spool.mark_landed(seq)
    with pytest.raises(InputError):
        spool.mark_landed(-1)


def test_what_the_chain_holds_is_noted_also_when_there_is_nothing_to_sign(spool: Spool) -> None:
    state = work(spool)
    sign(spool)
    with pytest.raises(StateError, match="nothing new"):
        sign(spool, landed=state)
    assert (spool.landed(), spool.pending_receipt()) == (state, None)


def test_a_lagging_node_or_a_rolled_back_receipt_gets_the_receipt_again(spool: Spool) -> None:
    first = work(spool)
    work(spool)
    receipt = sign(spool)
    spool.mark_landed(2)
    assert sign(spool, landed=first) == receipt
    assert spool.landed().seq == 2


def test_a_spool_is_tied_to_one_registration(spool: Spool) -> None:
    work(spool)
    sign(spool)
    work(spool)
    again = sha256(b"registered again").digest()
    with pytest.raises(StateError, match="another registration") as caught:
        spool.sign_receipt(SIGNER, again, NOW)
    assert (caught.value.expected, caught.value.got) == (f"receipt context {CONTEXT.hex()}", again.hex())
    assert sign(spool).message.seq == 2


@pytest.mark.parametrize("how", ["adopted", "restored from before its first receipt"])
def test_jobs_seen_on_chain_are_not_signed_for_a_registration_that_starts_below_them(spool: Spool, how: str) -> None:
    if how == "adopted":
        spool.adopt(ChainState(80, 1_000, sha256(b"head").digest()), last_time=NOW)
    else:
        spool.confirm(work(spool))
    on_chain = spool.landed()
    work(spool)
    again = sha256(b"registered again").digest()
    with pytest.raises(StateError, match="may have been registered otherwise") as caught:
        spool.sign_receipt(SIGNER, again, NOW, landed=START)
    assert (caught.value.expected, caught.value.got) == (f"job {on_chain.seq} or a later one", "job 0")
    assert spool.pending_receipt() is None
    assert sign(spool, landed=on_chain).message.seq == on_chain.seq + 1


def test_a_node_that_lies_about_time_and_landing_blocks_nothing_for_good(spool: Spool) -> None:
    work(spool)
    assert sign(spool, landed=START, chain_time=NOW + YEAR).message.time == NOW + YEAR
    spool.mark_landed(1)  # as the node said
    assert sign(spool, landed=START, chain_time=NOW).message.time == NOW
    work(spool)
    sign(spool, landed=START, chain_time=NOW + YEAR)
    spool.mark_landed(2)
    assert spool.prune(2) == 1
    receipt = sign(spool, landed=START, chain_time=NOW + 5, last_time=0)
    assert (receipt.message.seq, receipt.message.time) == (2, NOW)


def test_a_receipt_dated_before_the_last_on_chain_is_signed_again(spool: Spool) -> None:
    work(spool)
    assert sign(spool, landed=START, chain_time=0, last_time=0).message.time == 0
    receipt = sign(spool, landed=START, chain_time=NOW + 9, last_time=NOW + 5)
    assert (receipt.message.time, receipt.clock_correction) == (NOW + 5, 5)
    assert sign(spool, NOW + 8, landed=START, chain_time=NOW + 9, last_time=NOW + 5) == receipt


def test_a_changed_key_signs_the_same_claim_again(spool: Spool) -> None:
    work(spool)
    old = sign(spool)
    new_key = Ed25519Signer(bytes(32))
    new = spool.sign_receipt(new_key, CONTEXT, NOW + 5)
    assert new.message == replace(old.message, time=NOW + 5)
    assert new_key.public.verify(new.message.encode(), new.signature)
    assert spool.pending_receipt() == new


@pytest.mark.parametrize("signature", [bytes(64), b"", bytes(63)])
def test_a_signature_that_does_not_hold_is_not_stored(spool: Spool, signature: bytes) -> None:
    class Broken:
        public: DeviceKey = SIGNER.public

        def sign(self, message: bytes) -> bytes:
            return signature

    work(spool)
    with pytest.raises(VerificationError, match="does not hold"):
        spool.sign_receipt(Broken(), CONTEXT, NOW)
    assert spool.pending_receipt() is None


# Steps


def test_a_backlog_of_units_is_claimed_in_steps(spool: Spool) -> None:
    half = MAX_UNITS_STEP // 2
    states = [work(spool, units=units) for units in (half, half, 1, MAX_UNITS_STEP, 7)]
    landed = START
    claimed: list[int] = []
    while landed != states[-1]:
        receipt = sign(spool, landed=landed)
        assert 0 < receipt.message.units - landed.units <= MAX_UNITS_STEP
        assert sign(spool, landed=landed) == receipt
        landed = receipt.state
        claimed.append(landed.seq)
    assert claimed == [2, 3, 4, 5]


def test_a_backlog_of_jobs_is_claimed_in_steps(spool: Spool) -> None:
    base = ChainState(10, 100, bytes(32))
    spool.adopt(base, last_time=0)
    work(spool)
    # A jump in seq that no test can reach one job at a time.
    far = ChainState(10 + MAX_SEQ_STEP + 1, 130, bytes(32))
    with spool._database.transaction() as connection:
        connection.execute("UPDATE entries SET seq = ? WHERE seq = 11", (far.seq - 1,))
    work(spool)
    assert sign(spool, landed=base).message.seq == far.seq - 1
    spool.mark_landed(far.seq - 1)
    assert sign(spool).message.seq == far.seq


# Time


def test_time_never_goes_back(spool: Spool) -> None:
    work(spool)
    assert sign(spool, NOW).message.time == NOW
    work(spool)
    back = sign(spool, NOW - YEAR)
    assert (back.message.time, back.clock_correction) == (NOW, YEAR)
    work(spool)
    assert sign(spool, 0).message.time == NOW
    work(spool)
    assert sign(spool, NOW + 1).message.time == NOW + 1


def test_a_clock_that_disagrees_with_the_chains_is_not_believed(spool: Spool) -> None:
    for now, expected in [
        (NOW - CLOCK_TOLERANCE, NOW - CLOCK_TOLERANCE),
        (NOW - CLOCK_TOLERANCE - 1, NOW),
        (NOW + CLOCK_TOLERANCE, NOW + CLOCK_TOLERANCE),
        (NOW + CLOCK_TOLERANCE + 1, NOW + CLOCK_TOLERANCE),  # the chain's time, but not below the last receipt's
    ]:
        work(spool)
        receipt = sign(spool, now, chain_time=NOW)
        assert (receipt.message.time, receipt.clock_correction) == (expected, expected - now)


def test_a_clock_far_ahead_is_corrected_at_once_where_the_chains_time_is_known(spool: Spool) -> None:
    work(spool)
    receipt = sign(spool, NOW + 10 * YEAR, chain_time=NOW)
    assert (receipt.message.time, receipt.clock_correction) == (NOW, -10 * YEAR)


def test_a_clock_far_ahead_off_line_blocks_nothing_once_the_chain_is_back(spool: Spool) -> None:
    work(spool)
    wrong = sign(spool, NOW + 10 * YEAR)
    assert wrong.message.time == NOW + 10 * YEAR
    work(spool)
    # Still off line, clock repaired: nothing shows that the first receipt was wrong.
    assert sign(spool, NOW + 60).message.time == NOW + 10 * YEAR
    # Back on line: the same claim, dated rightly.
    right = sign(spool, NOW + 70, landed=START, chain_time=NOW + 71)
    assert (right.state, right.message.time) == (spool.state(), NOW + 70)
    assert spool.pending_receipt() == right
    spool.mark_landed(2)
    # And the wrong time is forgotten for good, also off line.
    work(spool)
    assert sign(spool, NOW + 80).message.time == NOW + 80


def test_a_receipt_that_landed_keeps_its_time_whatever_a_node_says(spool: Spool) -> None:
    work(spool)
    sign(spool, NOW)
    spool.mark_landed(1)
    work(spool)
    assert sign(spool, NOW + 5, chain_time=NOW - YEAR).message.time == NOW


def test_the_edge_of_what_the_chain_accepts(spool: Spool) -> None:
    work(spool)
    ahead = sign(spool, NOW + CLOCK_TOLERANCE)
    assert sign(spool, NOW, chain_time=NOW) == ahead
    again = sign(spool, NOW, chain_time=NOW - 1)
    assert again.message == replace(ahead.message, time=NOW)


@pytest.mark.parametrize(("now", "chain_time"), [(-1, None), (2**62, None), (NOW, -1), (NOW, 2**62)])
def test_a_time_out_of_range_is_refused(spool: Spool, now: int, chain_time: int | None) -> None:
    work(spool)
    with pytest.raises(InputError):
        sign(spool, now, chain_time=chain_time)


def sign_newest(spool: Spool, now: int = NOW, **seen: object) -> SignedReceipt:
    return spool.sign_newest(SIGNER, CONTEXT, now, **seen)  # type: ignore[arg-type]


def test_the_newest_state_is_signed_whatever_the_step(spool: Spool) -> None:
    for _ in range(3):
        state = work(spool, units=MAX_UNITS_STEP)
    receipt = sign_newest(spool)
    assert (receipt.state, receipt.message.units) == (state, 3 * MAX_UNITS_STEP)
    assert sign_newest(spool, NOW + 50) == receipt
    assert sign(spool).message.units == MAX_UNITS_STEP


def test_the_newest_is_signed_again_after_it_landed_and_was_pruned(spool: Spool) -> None:
    state = work(spool)
    receipt = sign_newest(spool)
    spool.mark_landed(1)
    assert sign_newest(spool) == receipt
    assert spool.prune(2) == 1
    again = sign_newest(spool, NOW - 5)
    assert (again.state, again.message.time) == (state, NOW)


def test_without_any_job_there_is_no_newest(spool: Spool) -> None:
    with pytest.raises(StateError, match="nothing new to claim; expected jobs after job 0"):
        sign_newest(spool)


def test_the_newest_is_dated_by_those_who_take_it(spool: Spool) -> None:
    work(spool)
    assert sign_newest(spool, NOW + YEAR).message.time == NOW + YEAR
    healed = sign_newest(spool, NOW + YEAR, their_time=NOW)
    assert (healed.message.time, healed.clock_correction) == (NOW, -YEAR)
    # Also one that landed with a time ahead of theirs.
    work(spool)
    ahead = sign_newest(spool, NOW + YEAR)
    spool.mark_landed(ahead.message.seq)
    assert sign_newest(spool, their_time=NOW + 9, last_time=NOW + 5).message.time == NOW + 5
    work(spool)
    assert sign_newest(spool, NOW - YEAR, their_time=NOW + 20).message.time == NOW + 20
    assert sign_newest(spool, NOW, last_time=NOW + 30).message.time == NOW + 30


def test_the_newest_is_tied_to_one_context(spool: Spool) -> None:
    state = work(spool)
    sign_newest(spool, known=state)
    with pytest.raises(StateError, match="another registration"):
        spool.sign_newest(SIGNER, sha256(b"other").digest(), NOW)


def test_a_copy_that_never_signed_asks_who_knows_its_jobs(spool: Spool) -> None:
    state = work(spool)
    spool.confirm(state)
    work(spool)
    with pytest.raises(StateError, match="fewer jobs of this device than it did before"):
        sign_newest(spool)
    assert sign_newest(spool, known=state).message.seq == 2


def test_comparing_notes_nothing(spool: Spool) -> None:
    state = work(spool)
    assert spool.compare(state, "the ingest") is True
    assert spool.landed() == START
    with pytest.raises(StateError, match="the ingest knows jobs of this device"):
        spool.compare(replace(state, seq=2), "the ingest")
    with pytest.raises(StateError, match="the ingest holds another history of this device at job 1"):
        spool.compare(replace(state, units=11), "the ingest")
    assert spool.prune(1) == 0
