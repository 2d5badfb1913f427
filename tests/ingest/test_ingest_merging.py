"""What is nearest among a device's receipts decides as all of them would."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from worktab.ingest.merging import Merge, Receipt
from worktab.ingest.verdicts import Verdict

REGISTERED = bytes(32), 1


def receipt(seq: int, units: int, time: int, head: int) -> Receipt:
    """A receipt in an epoch of ten seconds."""
    body = bytes(40) + struct.pack("<QQ8xq32s", seq, units, time, bytes([head]) * 32) + bytes(64)
    return Receipt.of(time // 10, body, time)


RECEIPTS = st.builds(receipt, st.integers(1, 12), st.integers(1, 12), st.integers(0, 60), st.integers(0, 1))
HONEST = st.builds(lambda seq, time: receipt(seq, 10 * seq, time, 0), st.integers(1, 12), st.integers(0, 60))


@given(st.lists(HONEST | RECEIPTS, max_size=40))
def test_a_fork_is_seen_whichever_receipt_it_contradicts(receipts: list[Receipt]) -> None:
    merge = Merge({}, {}, strict=False)
    for each in receipts:
        held = list(merge.held.get(REGISTERED, {}).values())
        contradicted = [other for other in held if each.contradicts(other)]
        duplicate = any(other.same_state(each) and not each.newer(other) for other in held)
        verdict = merge.put(REGISTERED, each)
        assert (verdict is Verdict.FORK) == bool(contradicted)
        assert (verdict is Verdict.DUPLICATE) == (duplicate and not contradicted)
        if contradicted:
            first, second = min(sorted((each, other)) for other in contradicted)
            assert merge.forked[REGISTERED] <= (first.epoch, first.body, second.body)


@given(st.lists(HONEST, max_size=40))
def test_up_to_every_epoch_the_most_jobs_are_kept(receipts: list[Receipt]) -> None:
    merge = Merge({}, {}, strict=False)
    for each in receipts:
        merge.put(REGISTERED, each)
    held = merge.held.get(REGISTERED, {}).values()
    for epoch in range(7):
        most = [max((each.seq for each in some if each.epoch <= epoch), default=0) for some in (held, receipts)]
        assert most[0] == most[1]
    assert REGISTERED not in merge.forked
