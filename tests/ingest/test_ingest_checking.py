"""What passes the checks is what the chain would take, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest

from support.ingest import CREATED, DOMAIN, FACTS, Party, kept_rows, rows, start
from support.small_order import FIELD, SMALL_ORDER_Y
from worktab.core._signatures import P256_ORDER
from worktab.core.contexts import receipt_context
from worktab.core.keys import DeviceKey
from worktab.ingest.checking import MOST_AHEAD, check
from worktab.ingest.kept import KEPT
from worktab.ingest.rows import Rows
from worktab.ingest.verdicts import Verdict

NOW = start(3)
ONE, TWO, ON_CHAIN = Party.make(1), Party.make(2, p256=True), Party.make(3, chosen_index=7)
STRANGER = Party.make(4)
KNOWN = kept_rows(ONE.kept(), TWO.kept(), ON_CHAIN.kept())


def codes(*receipts: bytes, registrations: Rows = KNOWN) -> list[str]:
    """What the checks say."""
    return [Verdict(each).code for each in check(rows(*receipts), registrations, FACTS, NOW).verdicts]


def test_receipts_of_every_kind_of_device_pass_with_their_indices() -> None:
    receipts = [party.receipt(3, 30, NOW) for party in (TWO, ON_CHAIN, ONE)]
    checked = check(rows(*receipts), KNOWN, FACTS, NOW)
    assert checked.passed.tolist() == [True] * 3
    assert checked.indices.tolist() == [TWO.index, 7, ONE.index]


def test_times_from_the_first_epoch_to_a_little_ahead_pass() -> None:
    times = [CREATED - 1, CREATED, NOW + MOST_AHEAD, NOW + MOST_AHEAD + 1, (1 << 63) - 1]
    expected = ["time_too_early", "stored", "stored", "time_ahead", "time_ahead"]
    assert codes(*(ONE.receipt(1, 1, time) for time in times)) == expected


@pytest.mark.parametrize(
    "edit",
    [(0, b"X"), (4, b"\2"), (5, b"\1"), (40, bytes(8)), (48, bytes(8)), (56, b"\1"), (71, b"\x80")],
    ids=["magic", "kind", "padding", "no job", "no unit", "amount", "negative time"],
)
def test_anything_but_a_receipt_is_malformed_though_it_is_signed(edit: tuple[int, bytes]) -> None:
    at, data = edit
    message = bytearray(ONE.receipt(1, 1, NOW)[32:136])
    message[at : at + len(data)] = data
    assert codes(ONE.device + bytes(message) + ONE.signer.sign(bytes(message))) == ["malformed"]


def test_a_receipt_counts_for_one_registration_only() -> None:
    other_index = receipt_context(DOMAIN, ONE.device, 5)
    other_network = receipt_context(hashlib.sha256(b"other").digest(), ONE.device, ONE.index)
    other_device = receipt_context(DOMAIN, TWO.device, TWO.index)
    for context in (other_index, other_network, other_device):
        assert codes(ONE.receipt(1, 1, NOW, context=context)) == ["wrong_context"]
    assert codes(STRANGER.receipt(1, 1, NOW)) == ["device_unknown"]
    assert codes(ONE.receipt(1, 1, NOW), registrations=np.zeros(0, KEPT)) == ["device_unknown"]


@pytest.mark.parametrize("party", [ONE, TWO, ON_CHAIN], ids=["Ed25519", "P-256", "on chain"])
@pytest.mark.parametrize("place", [73, 81, 96, 104, 135, 136, 199])
def test_a_changed_bit_breaks_the_signature(party: Party, place: int) -> None:
    receipt = bytearray(party.receipt(1, 1, NOW))
    receipt[place] ^= 1
    assert codes(bytes(receipt)) == ["bad_signature"]


def test_one_bad_receipt_spoils_no_other() -> None:
    good, bad = ONE.receipt(1, 1, NOW), bytearray(ONE.receipt(1, 1, NOW))
    bad[-1] ^= 1
    assert codes(good, bytes(bad), STRANGER.receipt(1, 1, NOW), good) == [
        "stored",
        "bad_signature",
        "device_unknown",
        "stored",
    ]


def test_the_other_s_of_p256_is_refused_as_on_chain() -> None:
    receipt = TWO.receipt(1, 1, NOW)
    high = (P256_ORDER - int.from_bytes(receipt[168:])).to_bytes(32)
    assert codes(receipt, receipt[:168] + high) == ["stored", "bad_signature"]


def test_the_other_s_of_ed25519_is_refused_as_on_chain() -> None:
    order = (1 << 252) + 27742317777372353535851937790883648493
    receipt = ONE.receipt(1, 1, NOW)
    high = (int.from_bytes(receipt[168:], "little") + order).to_bytes(32, "little")
    assert codes(receipt[:168] + high) == ["bad_signature"]


@pytest.mark.parametrize("y", sorted(SMALL_ORDER_Y))
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_of_small_order_signs_nothing(y: int, sign: int) -> None:
    """Such a key has signatures that hold for many messages, by the rule of many libraries."""
    key = (y | sign << 255).to_bytes(32, "little")
    kept = ONE.kept()
    kept["row"]["key"] = np.frombuffer(DeviceKey.ed25519(key).raw33, "u1")
    receipts = []
    for seq in range(1, 17):
        message = ONE.receipt(seq, seq, NOW)[32:136]
        for r in (key, (1).to_bytes(32, "little"), (FIELD - 1).to_bytes(32, "little")):
            receipts.append(ONE.device + message + r + bytes(32))
    assert set(codes(*receipts, registrations=kept)) == {"bad_signature"}


def test_a_key_that_is_no_point_refuses_everything() -> None:
    kept = TWO.kept()
    kept["row"]["key"] = np.frombuffer(b"\2" + b"\xff" * 32, "u1")
    assert codes(TWO.receipt(1, 1, NOW), registrations=kept) == ["bad_signature"]


def test_checking_keeps_the_order_and_what_it_was_given() -> None:
    parties: list[Callable[[], bytes]] = [lambda: ONE.receipt(2, 2, NOW), lambda: STRANGER.receipt(2, 2, NOW)]
    given = rows(*(make() for make in parties * 10))
    before = given.tobytes()
    checked = check(given, KNOWN, FACTS, NOW)
    assert checked.verdicts.tolist() == [Verdict.STORED, Verdict.DEVICE_UNKNOWN] * 10
    assert given.tobytes() == before
