"""The 104-byte message: what it accepts and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.pubkey import Pubkey

from worktab.core.errors import EncodingError, InputError
from worktab.core.messages import MESSAGE_SIZE, Message, MessageKind

U64 = st.integers(0, 2**64 - 1)
TIME = st.integers(0, 2**63 - 1)
BYTES32 = st.binary(min_size=32, max_size=32)
MESSAGES = st.one_of(
    st.builds(Message.receipt, BYTES32, U64, U64, TIME, BYTES32),
    st.builds(Message.voucher, BYTES32, U64, U64, U64, TIME, BYTES32),
    st.builds(Message.key_possession, BYTES32),
    st.builds(Message.batch, BYTES32, TIME),
    st.builds(Message.enrolment, BYTES32, U64),
)
ZERO32 = bytes(32)


@given(MESSAGES)
def test_decoding_undoes_encoding(message: Message) -> None:
    encoded = message.encode()
    assert len(encoded) == MESSAGE_SIZE == 104
    assert Message.decode(encoded) == message


@given(st.binary(min_size=104, max_size=104) | st.builds(lambda m, at, by: flipped(m, at, by), MESSAGES, *[U64] * 2))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        message = Message.decode(data)
    except EncodingError:
        return
    assert message.encode() == data


def flipped(message: Message, at: int, by: int) -> bytes:
    data = bytearray(message.encode())
    data[at % len(data)] ^= by % 256
    return bytes(data)


def test_constructors_fill_only_the_fields_of_their_kind() -> None:
    a, b = b"a" * 32, b"b" * 32
    assert Message.receipt(a, 1, 2, 3, b) == Message(MessageKind.RECEIPT, a, 1, 2, 0, 3, b)
    assert Message.voucher(a, 1, 2, 3, 4, b) == Message(MessageKind.VOUCHER, a, 1, 2, 3, 4, b)
    assert Message.key_possession(a) == Message(MessageKind.KEY_POSSESSION, a, 0, 0, 0, 0, ZERO32)
    assert Message.enrolment(a, 5) == Message(MessageKind.ENROLMENT, a, 5, 0, 0, 0, ZERO32)
    assert Message.batch(a, 5) == Message(MessageKind.BATCH_VOUCHER, a, 0, 0, 0, 5, ZERO32)


def test_context_and_head_may_be_objects_with_bytes() -> None:
    key, head = Pubkey(b"a" * 32), Hash(b"b" * 32)
    message = Message.receipt(key, 1, 2, 3, head)
    assert (message.context, message.head) == (b"a" * 32, b"b" * 32)
    assert type(message.context) is type(message.head) is bytes


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (MessageKind.RECEIPT, "amount", 1),
        *((MessageKind.KEY_POSSESSION, name, 1) for name in ("seq", "units", "amount", "time")),
        (MessageKind.KEY_POSSESSION, "head", b"\1" * 32),
        *((MessageKind.BATCH_VOUCHER, name, 1) for name in ("seq", "units", "amount")),
        (MessageKind.BATCH_VOUCHER, "head", b"\1" * 32),
        *((MessageKind.ENROLMENT, name, 1) for name in ("units", "amount", "time")),
        (MessageKind.ENROLMENT, "head", b"\1" * 32),
    ],
)
def test_fields_a_kind_leaves_empty_must_be_zero(kind: MessageKind, field: str, value: Any) -> None:
    fields: dict[str, Any] = {"seq": 0, "units": 0, "amount": 0, "time": 0, "head": ZERO32}
    assert Message(kind, ZERO32, **fields).kind is kind
    with pytest.raises(EncodingError, match=f"^{field} must be zero in a"):
        Message(kind, ZERO32, **(fields | {field: value}))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("context", b"a" * 31, "context has the wrong length; expected 32 bytes; got 31 bytes"),
        ("context", 32, "context is not bytes; expected 32 bytes, or an object with __bytes__; got int"),
        ("context", "a" * 32, "context is not bytes; expected 32 bytes, or an object with __bytes__; got str"),
        ("head", b"a" * 33, "head has the wrong length; expected 32 bytes; got 33 bytes"),
        ("seq", -1, "seq is out of range; expected 0 to 2^64 - 1; got -1"),
        ("units", 2**64, f"units is out of range; expected 0 to 2^64 - 1; got {2**64}"),
        ("amount", 1.0, "amount is not an integer; expected int; got float"),
        ("seq", True, "seq is not an integer; expected int; got bool"),
        ("time", 2**63, f"message time is too large; expected below 2^63 seconds; got {2**63}"),
        ("kind", 2, "message kind is not known; expected a MessageKind; got 2"),
    ],
)
def test_bad_fields_are_refused(field: str, value: Any, said: str) -> None:
    fields: dict[str, Any] = {
        "kind": MessageKind.VOUCHER,
        "context": ZERO32,
        "seq": 1,
        "units": 1,
        "amount": 1,
        "time": 1,
        "head": ZERO32,
    }
    with pytest.raises(InputError) as caught:
        Message(**(fields | {field: value}))
    assert str(caught.value).startswith(said)
