"""Which mints a network may be built on: Token-2022's extensions one by one, and accounts that only look like mints."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from support import changes
from support.svm import Result
from support.tokens import Extension, Mint, create_mint
from support.world import World
from worktab.core.addresses import (
    NATIVE_MINT_ID,
    SYSTEM_PROGRAM_ID,
    TOKEN_2022_PROGRAM_ID,
    TOKEN_PROGRAM_ID,
)

SOMEBODY = bytes([9] * 32)
HARMLESS = {10, 18, 19, 20, 21, 22, 23, 25}
"""Extension types that only describe a mint."""

TRANSFER_FEE = Extension(108, bytes([26, 0, 0, 0]) + struct.pack("<HQ", 0, 0))
REAL_REFUSED = {
    "transfer fee": [TRANSFER_FEE],
    "close authority": [Extension(32, bytes([25, 1]) + SOMEBODY)],
    "confidential transfers": [Extension(65, bytes([27, 0]) + SOMEBODY + bytes([1]) + bytes(32))],
    "default frozen": [Extension(1, bytes([28, 0, 2]))],
    "default open, which may change": [Extension(1, bytes([28, 0, 1]))],
    "non-transferable": [Extension(0, bytes([32]))],
    "permanent delegate": [Extension(32, bytes([35]) + SOMEBODY)],
    "transfer hook": [Extension(64, bytes([36, 0]) + SOMEBODY * 2)],
    "transfer hook without a program": [Extension(64, bytes([36, 0]) + SOMEBODY + bytes(32))],
    "pausable": [Extension(33, bytes([44, 0]) + SOMEBODY)],
}
REAL_ACCEPTED = {
    "interest-bearing": [Extension(52, bytes([33, 0]) + SOMEBODY + struct.pack("<h", 500))],
    "metadata pointer": [Extension(64, bytes([39, 0]) + SOMEBODY * 2)],
    "group pointer": [Extension(64, bytes([40, 0]) + SOMEBODY * 2)],
    "member pointer": [Extension(64, bytes([41, 0]) + SOMEBODY * 2)],
    "scaled amount": [Extension(56, bytes([43, 0]) + SOMEBODY + struct.pack("<d", 2.0))],
}


def use(world: World, mint: Mint) -> Result:
    """What comes of creating a network of this mint; one that is accepted must take in and pay out tokens."""
    network, create = world.create_network(world.terms(), mint=mint)
    result = world.send(create)
    if result.ok:
        assert world.send(world.fund(network, 1_000)).event().amount == 1_000
        device = world.device(network)
        world.next_epoch(network)
        assert world.send(world.receipt(device, 1, 10)).ok
        assert world.send(world.claim([device], device.payout, network)).event().amount == 10
        assert mint.balance(device.payout.pubkey()) == 10
    else:
        assert world.account(network.address) is None
    return result


def crafted(world: World, data: bytes, owner: Pubkey) -> Mint:
    """A mint whose bytes no token program wrote."""
    mint = create_mint(world)
    world.set_account(mint.address, data, owner)
    return Mint(world, mint.address, owner, mint.authority)


def mint_bytes(world: World, kinds: Sequence[int] = ()) -> bytes:
    """A mint's bytes, with extensions of 4 bytes each where kinds are given."""
    plain = world.data(create_mint(world).address)
    if not kinds:
        return plain
    extensions = b"".join(struct.pack("<HH4s", kind, 4, b"\1\2\3\4") for kind in kinds)
    return plain.ljust(165, b"\0") + b"\1" + extensions


@pytest.mark.parametrize("extensions", REAL_REFUSED.values(), ids=REAL_REFUSED)
def test_a_mint_with_powers_over_its_holders_is_refused(world: World, extensions: list[Extension]) -> None:
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID, extensions=extensions)

    assert use(world, mint).error_name == "UnsafeMint"


@pytest.mark.parametrize("extensions", REAL_ACCEPTED.values(), ids=REAL_ACCEPTED)
def test_a_mint_that_is_only_described_further_is_accepted(world: World, extensions: list[Extension]) -> None:
    mint = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID, extensions=extensions)

    assert use(world, mint).ok


def test_one_harmful_extension_behind_harmless_ones_is_enough(world: World) -> None:
    # Token-2022 lets a mint display its amounts in one way only.
    harmless = [each for name, group in REAL_ACCEPTED.items() if name != "scaled amount" for each in group]
    accepted = create_mint(world, token_program=TOKEN_2022_PROGRAM_ID, extensions=harmless)
    refused = create_mint(
        world, token_program=TOKEN_2022_PROGRAM_ID, extensions=[*harmless, *REAL_REFUSED["permanent delegate"]]
    )

    assert use(world, accepted).ok
    assert use(world, refused).error_name == "UnsafeMint"


def _interface(name: str, data: bytes, metas: Sequence[tuple[Pubkey, bool, bool]]) -> Instruction:
    discriminator = hashlib.sha256(name.encode()).digest()[:8]
    return Instruction(TOKEN_2022_PROGRAM_ID, discriminator + data, [AccountMeta(*meta) for meta in metas])


def _metadata(mint: Mint) -> Instruction:
    texts = b"".join(struct.pack("<I", len(text)) + text for text in (b"Token", b"TKN", b"https://example.org"))
    key = mint.authority.pubkey()
    metas = [(mint.address, False, True), (key, False, False), (mint.address, False, False), (key, True, False)]
    return _interface("spl_token_metadata_interface:initialize_account", texts, metas)


def _group(mint: Mint) -> Instruction:
    key = mint.authority.pubkey()
    data = bytes(key) + (10).to_bytes(8, "little")
    metas = [(mint.address, False, True), (mint.address, False, False), (key, True, False)]
    return _interface("spl_token_group_interface:initialize_token_group", data, metas)


def _own_pointer(world: World, number: int) -> Mint:
    """A mint whose metadata or group pointer points to itself: the extensions then live in the mint."""
    mint = create_mint(
        world, token_program=TOKEN_2022_PROGRAM_ID, extensions=[Extension(64, bytes([number, 0]) + SOMEBODY * 2)]
    )
    world.runtime.airdrop(mint.address, 10**9)
    data = bytearray(world.data(mint.address))
    data[170 + 32 : 170 + 64] = bytes(mint.address)
    world.set_data(mint.address, bytes(data))
    return mint


@pytest.mark.parametrize(
    ("pointer", "fill", "kind"), [(39, _metadata, 19), (40, _group, 21)], ids=["metadata", "group"]
)
def test_metadata_and_groups_inside_the_mint_are_accepted(
    world: World, pointer: int, fill: Callable[[Mint], Instruction], kind: int
) -> None:
    mint = _own_pointer(world, pointer)
    world.must(fill(mint))
    assert struct.unpack_from("<H", world.data(mint.address), 166 + 68)[0] == kind

    assert use(world, mint).ok


@pytest.mark.parametrize("kind", [*range(1, 41), 255, 256, 0x0A00, 65_534, 65_535])
def test_every_extension_by_number_known_or_not(world: World, kind: int) -> None:
    mint = crafted(world, mint_bytes(world, [kind]), TOKEN_2022_PROGRAM_ID)
    _, create = world.create_network(world.terms(), mint=mint)

    refused = world.send(create).error_name == "UnsafeMint"

    assert refused == (kind not in HARMLESS)


def test_a_plain_mint_of_either_program_is_accepted(world: World) -> None:
    assert use(world, create_mint(world, freezable=False)).ok
    assert use(world, create_mint(world, token_program=TOKEN_2022_PROGRAM_ID)).ok


def test_accounts_that_are_no_mints_are_refused(world: World) -> None:
    plain, extended = mint_bytes(world), mint_bytes(world, [18])
    uninitialized = plain[:45] + b"\0" + plain[46:]
    token_account = world.data(world.mint.open(world.keypair().pubkey()))
    cases = {
        "mint of another program": crafted(world, plain, SYSTEM_PROGRAM_ID),
        "uninitialized": crafted(world, uninitialized, TOKEN_PROGRAM_ID),
        "uninitialized, Token-2022": crafted(world, uninitialized, TOKEN_2022_PROGRAM_ID),
        "empty": crafted(world, b"", TOKEN_PROGRAM_ID),
        "short": crafted(world, plain[:81], TOKEN_PROGRAM_ID),
        "long": crafted(world, plain + b"\0", TOKEN_PROGRAM_ID),
        "long, Token-2022": crafted(world, plain + b"\0", TOKEN_2022_PROGRAM_ID),
        "padded to an account": crafted(world, plain.ljust(165, b"\0"), TOKEN_2022_PROGRAM_ID),
        "extensions on SPL Token": crafted(world, extended, TOKEN_PROGRAM_ID),
        "marked as a token account": crafted(world, extended[:165] + b"\2" + extended[166:], TOKEN_2022_PROGRAM_ID),
        "marked as nothing": crafted(world, extended[:165] + b"\0" + extended[166:], TOKEN_2022_PROGRAM_ID),
        "an extension cut short": crafted(world, extended[:-1], TOKEN_2022_PROGRAM_ID),
        "a token account": crafted(world, token_account, TOKEN_PROGRAM_ID),
        "a Token-2022 token account": crafted(world, token_account, TOKEN_2022_PROGRAM_ID),
        "a wallet": crafted(world, b"", SYSTEM_PROGRAM_ID),
    }
    for name, mint in cases.items():
        assert use(world, mint).error_name == "UnsafeMint", name


def test_a_multisig_made_to_look_like_a_mint_gets_no_vault(world: World) -> None:
    key = bytearray(355)
    key[45] = key[165] = 1
    mint = crafted(world, bytes(key), TOKEN_2022_PROGRAM_ID)

    assert not use(world, mint).ok


def test_the_token_program_must_be_the_mints(world: World) -> None:
    for owner, other in ((TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID), (TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID)):
        mint = create_mint(world, token_program=owner)
        _, create = world.create_network(world.terms(), mint=mint, token_program=other)
        assert world.send(create).error_name == "UnsafeMint"


NATIVE_MINT_DATA = bytes(44) + bytes([9, 1]) + bytes(36)
"""Nine decimals and no authority."""


@pytest.fixture
def native(world: World) -> Mint:
    """The mint of wrapped SOL, as it is on every cluster."""
    world.set_account(NATIVE_MINT_ID, NATIVE_MINT_DATA, TOKEN_PROGRAM_ID)
    return Mint(world, NATIVE_MINT_ID, TOKEN_PROGRAM_ID, world.keypair())


def wrap(world: World, mint: Mint, wallet: Pubkey, lamports: int) -> None:
    account = mint.open(wallet)
    gift = transfer(TransferParams(from_pubkey=world.payer.pubkey(), to_pubkey=account, lamports=lamports))
    world.must(gift, Instruction(TOKEN_PROGRAM_ID, bytes([17]), [AccountMeta(account, False, True)]))


def test_wrapped_sol_can_be_the_token(world: World, native: Mint) -> None:
    network, create = world.create_network(world.terms(fee_bps=3_000), mint=native)
    assert world.send(create).ok
    assert world.read_network(network).decimals == 9
    wrap(world, native, network.authority.pubkey(), 1_000)
    wrap(world, native, network.address, 50)

    fund = world.fund(network, 0)
    fund = Instruction(fund.program_id, fund.data[:1] + (1_000).to_bytes(8, "little"), fund.accounts)
    event = world.send(fund).event()

    assert (event.amount, event.surplus) == (1_000, 50)
    device = world.device(network)
    world.next_epoch(network)
    assert world.send(world.receipt(device, 1, 10)).ok
    assert world.send(world.claim([device], device.payout, network)).event().amount == 10


def test_wrapped_sol_can_not_be_burnt(world: World, native: Mint) -> None:
    _, create = world.create_network(world.terms(burn_bps=1), mint=native)
    assert world.send(create).error_name == "InvalidParameter"

    network, create = world.create_network(world.terms(), mint=native)
    assert world.send(create).ok
    assert world.send(world.propose(network, changes.fees(100, 1))).error_name == "InvalidParameter"
    assert world.send(world.propose(network, changes.fees(100, 0))).ok


def test_token_2022s_wrapped_sol_can_not_be_burnt_either(world: World) -> None:
    address = Pubkey.from_string("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP")
    world.set_account(address, NATIVE_MINT_DATA, TOKEN_2022_PROGRAM_ID)
    mint = Mint(world, address, TOKEN_2022_PROGRAM_ID, world.keypair())

    _, create = world.create_network(world.terms(burn_bps=1), mint=mint)
    assert world.send(create).error_name == "InvalidParameter"

    network, create = world.create_network(world.terms(), mint=mint)
    assert world.send(create).ok
    assert world.send(world.propose(network, changes.fees(0, 1))).error_name == "InvalidParameter"
