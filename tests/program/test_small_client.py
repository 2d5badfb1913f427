"""The client of a made-up program with every form an IDL may have: exact bytes, both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from support.small_program import import_client
from worktab.core.errors import EncodingError, InputError

PAYER, BOX, WITNESS, FROM, OWNER, EXTRA = (Pubkey(bytes([n]) * 32) for n in range(1, 7))
PROGRAM = Pubkey.from_string("7Y9FHw2v4WdZGbefgvUGFmqhvfkrhFwSpsnfnqqkXSpQ")
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    return import_client(tmp_path_factory.mktemp("client"))


def put(client: dict[str, ModuleType], accounts: dict[str, Pubkey], **changes: object) -> Any:
    thing = client["types"].Thing(weight=0x0102, tags=(1, 2), value=None)
    other = client["types"].Thing(weight=3, tags=(), value=9)
    arguments = {
        "tiny": 1,
        "short": 2,
        "word": 3,
        "amount": 4,
        "when": -1,
        "lambda_": True,
        "owner": OWNER,
        "proof": b"prof",
        "limits": (5, 6),
        "things": (thing, other),
        "note": b"hi",
    }
    made = client["instructions"].PutAccounts(payer=PAYER, box=BOX, **accounts)
    return client["instructions"].put(made, **(arguments | changes))


def test_instruction_data(client: dict[str, ModuleType]) -> None:
    expected = (
        "07"  # discriminator: one byte
        "01" + "0200" + "03000000" + "0400000000000000" + "ffffffffffffffff"  # integers
        "01" + "05" * 32  # bool, address
        + "01" + b"prof".hex()  # option of an array of bytes
        + "0500000000000000" + "0600000000000000"  # array of two
        "02000000"  # two structs:
        "0201" + "02000000" + "01000000" + "02000000" + "00"  # the first
        + "0300" + "00000000" + "01" + "0900000000000000"  # the second
        + "02000000" + b"hi".hex()
    )  # fmt: skip
    assert put(client, {}).data.hex() == expected


def test_accounts_in_order_with_their_roles(client: dict[str, ModuleType]) -> None:
    instruction = put(client, {"witness": WITNESS, "from_": FROM})
    assert instruction.program_id == PROGRAM
    assert instruction.accounts == [
        AccountMeta(PAYER, is_signer=True, is_writable=True),
        AccountMeta(BOX, is_signer=False, is_writable=True),
        AccountMeta(WITNESS, is_signer=True, is_writable=False),
        AccountMeta(FROM, is_signer=False, is_writable=True),
        AccountMeta(SYSTEM, is_signer=False, is_writable=False),
    ]


def test_an_optional_account_left_out_is_the_program_itself_read_only(client: dict[str, ModuleType]) -> None:
    elsewhere = Pubkey(bytes([99]) * 32)
    extra = AccountMeta(EXTRA, is_signer=True, is_writable=True)
    instruction = put(client, {}, program_id=elsewhere, remaining_accounts=[extra])
    assert instruction.program_id == elsewhere
    assert instruction.accounts[2:] == [
        AccountMeta(elsewhere, is_signer=False, is_writable=False),
        AccountMeta(elsewhere, is_signer=False, is_writable=False),
        AccountMeta(SYSTEM, is_signer=False, is_writable=False),
        extra,
    ]


def test_a_fixed_account_can_be_replaced(client: dict[str, ModuleType]) -> None:
    assert put(client, {"system_program": EXTRA}).accounts[4].pubkey == EXTRA


def test_a_discriminator_of_several_bytes_and_no_arguments(client: dict[str, ModuleType]) -> None:
    module = client["instructions"]
    instruction = module.look(module.LookAccounts(box=BOX))
    assert instruction.data == bytes([1, 2, 3])
    assert instruction.accounts == [AccountMeta(BOX, is_signer=False, is_writable=False)]


def test_an_argument_out_of_range_is_named(client: dict[str, ModuleType]) -> None:
    with pytest.raises(InputError, match="short is out of range; expected 0 to 65535; got 65536"):
        put(client, {}, short=65536)
    thing = client["types"].Thing(weight=-1, tags=(), value=None)
    with pytest.raises(InputError, match=r"things\[0\]\.weight is out of range; expected 0 to 65535; got -1"):
        put(client, {}, things=[thing])
    with pytest.raises(InputError, match=r"things\[0\] is of another type; expected Thing; got int"):
        put(client, {}, things=[3])


def box(client: dict[str, ModuleType]) -> Any:
    slot = client["types"].Slot
    return client["accounts"].Box(
        owner=OWNER,
        amount=7,
        since=-3,
        slots=(slot(amount=8, used=1, reserved=bytes(7)), slot(amount=9, used=0, reserved=b"1234567")),
        friends=(PAYER, BOX, WITNESS),
        count=10,
        small=11,
        open=True,
        key=bytes(range(33)),
    )


def test_account_bytes_both_ways(client: dict[str, ModuleType]) -> None:
    data = bytes.fromhex(
        "0b0c0d0e0f101112"
        + "05" * 32
        + "0700000000000000"
        + "fdffffffffffffff"
        + "0800000000000000" + "01" + "00" * 7
        + "0900000000000000" + "00" + b"1234567".hex()
        + "01" * 32 + "02" * 32 + "03" * 32
        + "0a000000" + "0b00" + "01"
        + bytes(range(33)).hex()
    )  # fmt: skip
    kind = client["accounts"].Box
    assert kind.decode(data) == box(client)
    assert box(client).encode() == data
    assert len(data) == kind.SIZE == 224


def test_offsets_count_from_the_start_of_the_data(client: dict[str, ModuleType]) -> None:
    kind = client["accounts"].Box
    assert kind.OFFSETS == {
        "owner": 8,
        "amount": 40,
        "since": 48,
        "slots": 56,
        "friends": 88,
        "count": 184,
        "small": 188,
        "open": 190,
        "key": 191,
    }
    data = box(client).encode()
    assert data[kind.OFFSETS["key"] :] == bytes(range(33))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "Box is cut short; expected 224 bytes or more; got 223 bytes"),
        (lambda data: data + b"\x00", "Box is followed by something else; expected 224 bytes; got 225 bytes"),
        (lambda data: data[:4], "Box is cut short; expected 8 bytes or more; got 4 bytes"),
        (lambda data: b"", "Box is cut short; expected 8 bytes or more; got 0 bytes"),
        (
            lambda data: b"\xff" + data[1:],
            "these bytes are no Box; expected discriminator 0b0c0d0e0f101112; got ff0c0d0e0f101112",
        ),
        (
            lambda data: data[:190] + b"\x02" + data[191:],
            "a truth value is neither 0 nor 1; expected 0 or 1; got 2",
        ),
    ],
)
def test_what_is_no_account_is_refused(
    client: dict[str, ModuleType], change: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(EncodingError) as caught:
        client["accounts"].Box.decode(change(box(client).encode()))
    assert str(caught.value) == message


def test_event_bytes(client: dict[str, ModuleType]) -> None:
    event = client["events"].BoxSeen(box=BOX, open=True)
    assert event.encode().hex() == "15161718191a1b1d" + "02" * 32 + "01"
    assert client["events"].BoxSeen.decode(event.encode()) == event
    with pytest.raises(EncodingError, match="BoxSeen is followed by something else"):
        client["events"].BoxSeen.decode(event.encode() + b"\x00")


def test_events_and_accounts_cannot_be_changed(client: dict[str, ModuleType]) -> None:
    event = client["events"].BoxSeen(box=BOX, open=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.open = False
    assert not hasattr(event, "__dict__")


def test_errors(client: dict[str, ModuleType]) -> None:
    errors = client["errors"]
    assert {6000: errors.Full, 6063: errors.TooSoonToday} == errors.ERRORS
    error = errors.Full()
    assert (error.code, error.number, error.name) == ("program.full", 6000, "Full")
    assert str(error) == "The box is full"
    assert errors.TooSoonToday.code == "program.too_soon_today"


def test_docs_reach_the_client(client: dict[str, ModuleType]) -> None:
    assert client["accounts"].Box.__doc__ == "A box."
    assert client["instructions"].put.__doc__ == (
        'Puts things into a box.\n\n    The second paragraph says "why" and names a \\ path.\n    '
    )


def test_every_module_lists_what_it_offers(client: dict[str, ModuleType]) -> None:
    assert client["instructions"].__all__ == ["LookAccounts", "PutAccounts", "look", "put"]
    assert client["types"].__all__ == ["Slot", "Thing"]
    assert client["events"].__all__ == ["EVENTS", "BoxSeen", "ThingsPut"]
    assert client["errors"].__all__ == ["ERRORS", "Full", "TooSoonToday"]
