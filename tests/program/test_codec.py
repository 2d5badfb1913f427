"""Codecs: exact bytes, ranges, and what each refuses."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, InputError
from worktab.program.codec import (
    ADDRESS,
    BOOL,
    BYTES,
    I8,
    I64,
    U8,
    U16,
    U32,
    U64,
    Array,
    Codec,
    FixedBytes,
    Option,
    Reader,
    Vec,
)

KEY = Pubkey(bytes(range(32)))

CASES: list[tuple[Codec[Any], Any, str]] = [
    (U8, 255, "ff"),
    (U16, 0x0102, "0201"),
    (U32, 0x01020304, "04030201"),
    (U64, 2**64 - 1, "ff" * 8),
    (I8, -128, "80"),
    (I64, -2, "fe" + "ff" * 7),
    (BOOL, False, "00"),
    (BOOL, True, "01"),
    (ADDRESS, KEY, bytes(range(32)).hex()),
    (FixedBytes(3), b"abc", "616263"),
    (FixedBytes(0), b"", ""),
    (BYTES, b"abc", "03000000616263"),
    (Array(U16, 2), (1, 2), "01000200"),
    (Array(Array(U8, 2), 2), ((1, 2), (3, 4)), "01020304"),
    (Vec(U16), (1, 2), "0200000001000200"),
    (Vec(U16), (), "00000000"),
    (Option(U16), None, "00"),
    (Option(U16), 7, "010700"),
    (Option(Option(U8)), None, "00"),
]


@pytest.mark.parametrize(("codec", "value", "encoded"), CASES)
def test_a_value_has_one_form_and_returns(codec: Codec[Any], value: Any, encoded: str) -> None:
    out = bytearray(b"before")
    codec.write(out, value, "value")
    assert out == b"before" + bytes.fromhex(encoded)
    reader = Reader(bytes.fromhex(encoded), "value")
    assert codec.read(reader) == value
    reader.finish()


@pytest.mark.parametrize(("codec", "value", "encoded"), CASES)
def test_every_cut_is_refused(codec: Codec[Any], value: Any, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    for end in range(len(data)):
        with pytest.raises(EncodingError, match="the value is cut short"):
            codec.read(Reader(data[:end], "the value"))


@pytest.mark.parametrize(
    ("codec", "size"),
    [
        (U8, 1),
        (I64, 8),
        (BOOL, 1),
        (ADDRESS, 32),
        (FixedBytes(33), 33),
        (Array(U16, 3), 6),
        (BYTES, None),
        (Vec(U8), None),
        (Option(U8), None),
        (Array(Vec(U8), 3), None),
    ],
)
def test_size(codec: Codec[Any], size: int | None) -> None:
    assert codec.size == size


@pytest.mark.parametrize(
    ("codec", "value", "message"),
    [
        (U8, 256, "value is out of range; expected 0 to 255; got 256"),
        (U8, -1, "value is out of range; expected 0 to 255; got -1"),
        (U64, 2**64, f"value is out of range; expected 0 to {2**64 - 1}; got {2**64}"),
        (I8, 128, "value is out of range; expected -128 to 127; got 128"),
        (I8, -129, "value is out of range; expected -128 to 127; got -129"),
        (U8, True, "value is of another type; expected int; got bool"),
        (U8, 1.0, "value is of another type; expected int; got float"),
        (BOOL, 1, "value is of another type; expected bool; got int"),
        (ADDRESS, bytes(32), "value is of another type; expected Pubkey; got bytes"),
        (FixedBytes(2), b"abc", "value has the wrong length; expected 2 bytes; got 3 bytes"),
        (FixedBytes(2), "ab", "value is of another type; expected bytes; got str"),
        (BYTES, [1], "value is of another type; expected bytes; got list"),
        (Array(U8, 2), (1,), "value has the wrong length; expected 2 items; got 1 items"),
        (Array(U8, 2), (1, 256), "value[1] is out of range; expected 0 to 255; got 256"),
        (Array(U8, 2), b"ab", "value is of another type; expected a sequence; got bytes"),
        (Vec(U8), 3, "value is of another type; expected a sequence; got int"),
        (Vec(U8), (1, -1), "value[1] is out of range; expected 0 to 255; got -1"),
        (Option(U8), 256, "value is out of range; expected 0 to 255; got 256"),
    ],
)
def test_a_wrong_value_is_refused(codec: Codec[Any], value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        codec.write(bytearray(), value, "value")
    assert str(caught.value) == message


@pytest.mark.parametrize("codec", [BOOL, Option(U8)])
def test_a_truth_value_is_0_or_1(codec: Codec[Any]) -> None:
    with pytest.raises(EncodingError, match="neither 0 nor 1; expected 0 or 1; got 2"):
        codec.read(Reader(b"\x02\x00", "value"))


def test_a_count_beyond_the_data_fails_at_once() -> None:
    with pytest.raises(EncodingError, match="cut short; expected 8 bytes or more; got 7 bytes"):
        Vec(U32).read(Reader(b"\xff\xff\xff\xff" + bytes(3), "list"))


def test_what_follows_is_refused() -> None:
    reader = Reader(b"\x01\x02\x03", "pair")
    reader.take(2)
    with pytest.raises(EncodingError, match="pair is followed by something else; expected 2 bytes; got 3 bytes"):
        reader.finish()
