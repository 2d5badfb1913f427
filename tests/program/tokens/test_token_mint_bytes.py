"""Mints whose bytes no token program wrote: numbers nobody knows, repeated, cut and hidden extensions."""

from __future__ import annotations

import struct

import pytest
from solders.pubkey import Pubkey

from support.snapshots import snapshot
from support.tokens import Mint, create_mint
from support.tokens_flow import TokenFlow
from support.tokens_mints import transfer_checked
from support.world import World
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID

HARMLESS = {10, 18, 19, 20, 21, 22, 23, 25}
OWNER_MISMATCH = 4


def item(kind: int, value: bytes) -> bytes:
    """An extension as it stands in a mint."""
    return struct.pack("<HH", kind, len(value)) + value


def crafted(world: World, extensions: bytes) -> Mint:
    """A mint of Token-2022 with these bytes after its kind; its authority mints."""
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID)
    world.set_account(
        mint.address, world.data(mint.address).ljust(165, b"\0") + b"\1" + extensions, TOKEN_2022_PROGRAM_ID
    )
    return mint


POINTER, INTEREST, DELEGATE = item(18, bytes([9]) * 64), item(10, bytes(52)), item(12, bytes([9]) * 32)

REFUSED = {
    "a harmful one behind two harmless ones": POINTER + INTEREST + DELEGATE,
    "a harmful one twice": DELEGATE * 2,
    "a harmful one behind a harmless one that comes twice": POINTER * 2 + DELEGATE,
    "a value one byte too long for its mint": POINTER + struct.pack("<HH", 10, 53) + bytes(52),
    "a value as long as can be": POINTER + struct.pack("<HH", 10, 65_535) + bytes(52),
    "nothing behind its length": POINTER + struct.pack("<HH", 10, 52),
    "an extension of token accounts": item(7, b""),
    "an extension of token accounts behind a harmless one": POINTER + item(8, b"\0"),
    "an empty one of no known number": POINTER + item(29, b""),
}
UNREADABLE = {
    "a number without a length": POINTER + b"\x0c\0",
    "a harmless number without a length": POINTER + b"\x12\0",
    "half a length": POINTER + b"\x0c\0\x20",
    "as long as a multisig": POINTER.ljust(355 - 166, b"\0"),
}
"""What the token program can't read, while nothing in it is harmful."""
ACCEPTED = {
    "no extensions at all": b"",
    "a harmless one twice": POINTER * 2,
    "a byte left over": POINTER + b"\x0c",
    "a harmless one without a value": item(18, b""),
    "a harmless one too short": item(10, bytes(51)) + POINTER,
    "a harmless one too long": item(10, bytes(53)) + POINTER,
    "a description of 60,000 bytes": POINTER + item(19, bytes(60_000)),
    "zeros up to the end": POINTER + bytes(1_000),
    "a harmful one behind the end": POINTER + bytes(4) + DELEGATE,
    "a harmful one behind an end with a length": POINTER + struct.pack("<HH", 0, 36) + DELEGATE,
}


def test_no_number_but_those_listed_is_harmless(world: World) -> None:
    """All small numbers, those that share a byte with a harmless one, and those with a single bit more or less."""
    numbers = set(range(1, 512)) | {65_533, 65_534, 65_535}
    for kind in HARMLESS:
        numbers |= {kind + 256 * high for high in range(256)} | {kind << 8} | {kind ^ (1 << bit) for bit in range(16)}
    mint = crafted(world, item(1, bytes(4)))
    network, create = world.create_network(world.terms(), mint=mint)
    data = world.data(mint.address)
    taken = set[int]()
    for kind in numbers - {0}:
        world.set_data(mint.address, data[:166] + item(kind, bytes(4)))
        if (refusal := world.transmit(create).error_name) != "UnsafeMint":
            taken.add(kind)
            assert refusal == ""
            for made in (network.address, network.vault):
                world.set_account(made, b"", Pubkey.default(), 0)

    assert len(numbers) > 2_000
    assert taken == HARMLESS


@pytest.mark.parametrize("extensions", REFUSED.values(), ids=REFUSED)
def test_what_is_harmful_or_malformed_is_refused(world: World, extensions: bytes) -> None:
    mint = crafted(world, extensions)
    _, create = world.create_network(world.terms(), mint=mint)
    before = snapshot(world)

    assert world.send(create).error_name == "UnsafeMint"
    assert snapshot(world) == before


@pytest.mark.parametrize("extensions", UNREADABLE.values(), ids=UNREADABLE)
def test_what_the_token_program_can_not_read_gets_no_vault(world: World, extensions: bytes) -> None:
    mint = crafted(world, extensions)
    _, create = world.create_network(world.terms(), mint=mint)
    before = snapshot(world)

    assert world.send(create).error in {"InvalidAccountData", "Custom(2)"}
    assert snapshot(world) == before


@pytest.mark.parametrize("extensions", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_accepted_moves_tokens_like_any_other(world: World, extensions: bytes) -> None:
    for movement in (flow := TokenFlow(world, crafted(world, extensions))).movements():
        flow.do(movement)


def test_what_stands_behind_the_end_is_there_for_nobody(world: World) -> None:
    """The token program reads to the same end: a permanent delegate behind it moves nothing out of a vault."""
    thief = world.keypair()
    power = item(12, bytes(thief.pubkey()))
    hidden = crafted(world, POINTER + bytes(4) + power)
    flow = TokenFlow(world, hidden)
    steal = transfer_checked(hidden, flow.network.vault, hidden.open(thief.pubkey()), thief.pubkey(), 1)
    before = snapshot(world)

    assert world.send(steal).error == f"Custom({OWNER_MISMATCH})"
    assert snapshot(world) == before

    # In front of the end it is one: this is what the list of harmless extensions is for.
    world.set_data(hidden.address, world.data(hidden.address)[:166] + power + POINTER + bytes(4))
    assert world.send(steal, check=False).ok
    assert hidden.balance(thief.pubkey()) == 1
