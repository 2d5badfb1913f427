"""Job records and their chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, InputError
from worktab.core.records import RECORD_SIZE, ZERO_HEAD, JobRecord, Meter, chain_head, next_head, record_hash

U64 = st.integers(0, 2**64 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
BYTES32 = st.binary(min_size=32, max_size=32)
RECORDS = st.builds(
    JobRecord,
    st.sampled_from(Meter),
    st.integers(0, 255),
    st.integers(0, 65535),
    BYTES32,
    BYTES32,
    BYTES32,
    U64,
    U64,
    I64,
    I64,
    BYTES32,
)
RECORD = JobRecord(Meter.CPU_MS, 1, 2, b"m" * 32, b"i" * 32, b"o" * 32, 3, 4, 5, 6, b"t" * 32)


@given(RECORDS)
def test_decoding_undoes_encoding(record: JobRecord) -> None:
    encoded = record.encode()
    assert len(encoded) == RECORD_SIZE == 168
    assert JobRecord.decode(encoded) == record


@given(st.binary(min_size=168, max_size=168) | RECORDS.map(lambda r: b"\x02" + r.encode()[1:]))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        record = JobRecord.decode(data)
    except EncodingError:
        return
    assert record.encode() == data


def test_nobody_pays_unless_a_tab_is_named() -> None:
    record = JobRecord(Meter.SAMPLES, 0, 0, b"m" * 32, b"i" * 32, b"o" * 32, 1, 0, 0, 0)
    assert record.tab == bytes(32)


@given(st.lists(BYTES32, max_size=8), st.integers(0, 8))
def test_a_chain_can_be_continued_from_any_head(hashes: list[bytes], cut: int) -> None:
    assert chain_head(hashes[cut:], chain_head(hashes[:cut])) == chain_head(hashes)


def test_chain_head_is_next_head_repeated() -> None:
    one, two = record_hash(b"1" * 32, RECORD), record_hash(b"2" * 32, RECORD)
    assert one != two
    assert chain_head([]) == ZERO_HEAD == bytes(32)
    assert chain_head([one, two]) == next_head(next_head(ZERO_HEAD, one), two)
    assert chain_head([one, two]) != chain_head([two, one])


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("meter", 1, "meter is not known; expected a Meter; got 1"),
        ("work_class", 256, "work_class is out of range; expected 0 to 2^8 - 1; got 256"),
        ("meter_version", 65536, "meter_version is out of range; expected 0 to 2^16 - 1; got 65536"),
        ("units", 2**64, f"units is out of range; expected 0 to 2^64 - 1; got {2**64}"),
        ("amount", -1, "amount is out of range; expected 0 to 2^64 - 1; got -1"),
        ("units", 1.5, "units is not an integer; expected int; got float"),
        ("started_ms", 2**63, f"started_ms is not an i64; expected an int from -2^63 to 2^63 - 1; got {2**63}"),
        ("finished_ms", -(2**63) - 1, "finished_ms is not an i64"),
        ("finished_ms", 1.0, "finished_ms is not an i64"),
        ("finished_ms", True, "finished_ms is not an i64"),
        ("module", b"m", "module has the wrong length; expected 32 bytes; got 1 bytes"),
        ("input", "i" * 32, "input is not bytes"),
        ("output", 32, "output is not bytes"),
        ("tab", b"", "tab has the wrong length"),
    ],
)
def test_bad_fields_are_refused(field: str, value: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(RECORD, **{field: value})
    assert str(caught.value).startswith(said)


def test_hashes_and_addresses_may_be_objects_with_bytes() -> None:
    key: Any = Pubkey(b"t" * 32)
    assert replace(RECORD, tab=key) == RECORD
    assert record_hash(Pubkey(b"s" * 32), RECORD) == record_hash(b"s" * 32, RECORD)


@pytest.mark.parametrize("wrong", [b"", b"s" * 31, b"s" * 33])
def test_wrong_lengths_are_refused(wrong: bytes) -> None:
    right = b"r" * 32
    with pytest.raises(InputError, match=r"^salt has the wrong length"):
        record_hash(wrong, RECORD)
    with pytest.raises(InputError, match=r"^head has the wrong length"):
        next_head(wrong, right)
    with pytest.raises(InputError, match=r"^record hash has the wrong length"):
        next_head(right, wrong)
    with pytest.raises(InputError, match=r"^start has the wrong length"):
        chain_head([], wrong)
