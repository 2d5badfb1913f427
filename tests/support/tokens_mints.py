"""Mints of Token-2022 with each extension there is, made by the real program: those that only describe a token, with
what their authority may do to them later, and those that give somebody power over its holders."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account

from support.svm import Svm
from support.tokens import DECIMALS, EXTENDED_MINT_SIZE, Extension, Mint, create_mint
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID

SOMEBODY: Final = bytes([9] * 32)
_INTEREST, _METADATA_POINTER, _GROUP_POINTER, _MEMBER_POINTER, _SCALED = 33, 39, 40, 41, 43
_POINTER_SIZE = 64
_TRANSFER_CHECKED, _INITIALIZE_MINT_2 = 12, 20
_NO_FEE = Extension(108, bytes([26, 0, 0, 0]) + struct.pack("<HQ", 0, 0))
_CONFIDENTIAL = Extension(65, bytes([27, 0]) + SOMEBODY + bytes([1]) + bytes(32))

REFUSED: Final[dict[str, Sequence[Extension]]] = {
    "transfer fee of nothing": [_NO_FEE],
    "transfer fee": [Extension(108, bytes([26, 0, 1]) + SOMEBODY + bytes([1]) + SOMEBODY + struct.pack("<HQ", 9, 9))],
    "close authority": [Extension(32, bytes([25, 1]) + SOMEBODY)],
    "close authority of nobody": [Extension(32, bytes([25, 0]))],
    "confidential transfer": [_CONFIDENTIAL],
    "confidential transfer with a fee": [_NO_FEE, _CONFIDENTIAL, Extension(129, bytes([37, 0]) + SOMEBODY * 2)],
    "confidential minting": [_CONFIDENTIAL, Extension(196, bytes([42, 0]) + SOMEBODY + bytes(36))],
    "default open": [Extension(1, bytes([28, 0, 1]))],
    "default frozen": [Extension(1, bytes([28, 0, 2]))],
    "non-transferable": [Extension(0, bytes([32]))],
    "permanent delegate": [Extension(32, bytes([35]) + SOMEBODY)],
    "transfer hook": [Extension(64, bytes([36, 0]) + SOMEBODY * 2)],
    "transfer hook without a program": [Extension(64, bytes([36, 0]) + SOMEBODY + bytes(32))],
    "pausable": [Extension(33, bytes([44, 0]) + SOMEBODY)],
    "permissioned burn": [Extension(32, bytes([46, 0]) + SOMEBODY)],
}
"""Extensions that a network's mint may not have."""


@dataclass(frozen=True, slots=True)
class Described:
    """A mint that is only described further; `later` are things its authority may do to it at any time."""

    mint: Mint
    later: Sequence[Instruction]


@dataclass(frozen=True, slots=True)
class PointerToSelf(Extension):
    """A pointer of a mint to itself: what it points to is then kept inside the mint."""

    def instruction(self, mint: Pubkey, token_program: Pubkey) -> Instruction:
        """The instruction, with the mint's own address behind the authority's."""
        return Instruction(token_program, self.data + bytes(mint), [AccountMeta(mint, False, True)])


Making: TypeAlias = Callable[[Svm], Described]


def described_mint(svm: Svm, *extensions: Extension) -> Mint:
    """A mint of Token-2022 with these extensions, and lamports for what may be added to it."""
    mint = create_mint(svm, token_program=TOKEN_2022_PROGRAM_ID, extensions=extensions)
    svm.runtime.airdrop(mint.address, 10**9)
    return mint


def interest_bearing(svm: Svm) -> Described:
    """A mint whose amounts are shown with interest; later at the largest and at the smallest rate."""
    mint, key = _with_authority(svm, 52, _INTEREST, struct.pack("<h", 500))
    return Described(mint, [_update(mint, key, _INTEREST, struct.pack("<h", rate)) for rate in (32_767, -32_768)])


def scaled(svm: Svm) -> Described:
    """A mint whose amounts are shown multiplied; later by as much and as little as there is."""
    mint, key = _with_authority(svm, 56, _SCALED, struct.pack("<d", 2.0))
    updates = [(1.7e308, 0), (2.3e-308, 2**63 - 1)]
    return Described(mint, [_update(mint, key, _SCALED, struct.pack("<dq", *each)) for each in updates])


def metadata_pointer(svm: Svm) -> Described:
    """A mint that says where its metadata is; later to nowhere."""
    return _pointing(svm, _METADATA_POINTER)


def group_pointer(svm: Svm) -> Described:
    """A mint that says where its group is; later to nowhere."""
    return _pointing(svm, _GROUP_POINTER)


def member_pointer(svm: Svm) -> Described:
    """A mint that says where its membership is; later to nowhere."""
    return _pointing(svm, _MEMBER_POINTER)


def metadata(svm: Svm) -> Described:
    """A mint that holds its metadata, which later grow."""
    mint = _holding(svm, _METADATA_POINTER)
    svm.must(initialize_metadata(mint, "Token", "TKN", "https://example.org"))
    text = "x" * 600
    field = bytes([0]) + struct.pack("<I", len(text)) + text.encode()
    return Described(mint, [_interface(mint, "spl_token_metadata_interface:updating_field", field)])


def group(svm: Svm) -> Described:
    """A mint that is a group of others; later a larger one."""
    mint = _holding(svm, _GROUP_POINTER)
    svm.must(_initialize_group(mint))
    larger = _interface(mint, "spl_token_group_interface:update_group_max_size", (2**64 - 1).to_bytes(8, "little"))
    return Described(mint, [larger])


def group_member(svm: Svm) -> Described:
    """A mint that is a member of a group."""
    groups, mint = group(svm).mint, _holding(svm, _MEMBER_POINTER)
    key, head = mint.authority.pubkey(), groups.authority.pubkey()
    metas = [
        (mint.address, False, True),
        (mint.address, False, False),
        (key, True, False),
        (groups.address, False, True),
        (head, True, False),
    ]
    data = _discriminator("spl_token_group_interface:initialize_member")
    svm.must(Instruction(TOKEN_2022_PROGRAM_ID, data, [AccountMeta(*each) for each in metas]))
    return Described(mint, [])


def metadata_that_come_later(svm: Svm) -> Described:
    """A mint that does not hold yet what its pointer says: metadata, of a size that makes it as long as a multisig."""
    mint = _holding(svm, _METADATA_POINTER)
    return Described(mint, [initialize_metadata(mint, "Token", "TKN", "https://example.org/" + "x" * 9)])


def everything_harmless(svm: Svm) -> Described:
    """A mint with all of them that go together."""
    authority = svm.keypair()
    extensions = [
        Extension(52, bytes([_INTEREST, 0]) + bytes(authority.pubkey()) + struct.pack("<h", 1)),
        *(
            PointerToSelf(_POINTER_SIZE, bytes([number, 0]) + SOMEBODY)
            for number in (_METADATA_POINTER, _GROUP_POINTER, _MEMBER_POINTER)
        ),
    ]
    mint = described_mint(svm, *extensions)
    svm.must(initialize_metadata(mint, "All", "ALL", ""), _initialize_group(mint))
    return Described(mint, [_update(mint, authority, _INTEREST, struct.pack("<h", -1))])


ACCEPTED: Final[Sequence[Making]] = [
    interest_bearing,
    scaled,
    metadata_pointer,
    group_pointer,
    member_pointer,
    metadata,
    group,
    group_member,
    metadata_that_come_later,
    everything_harmless,
]


def initialize_metadata(mint: Mint, *texts: str) -> Instruction:
    """Puts name, symbol and address of a description into a mint whose pointer leads to itself."""
    key = mint.authority.pubkey()
    data = b"".join(struct.pack("<I", len(text)) + text.encode() for text in texts)
    metas = [(mint.address, False, True), (key, False, False), (mint.address, False, False), (key, True, False)]
    name = _discriminator("spl_token_metadata_interface:initialize_account")
    return Instruction(TOKEN_2022_PROGRAM_ID, name + data, [AccountMeta(*each) for each in metas])


def create_again(svm: Svm, mint: Mint, *extensions: Extension) -> None:
    """Makes a mint that was closed anew, at the same address and with the same authority."""
    size = EXTENDED_MINT_SIZE + sum(4 + each.size for each in extensions)
    params = CreateAccountParams(
        from_pubkey=svm.payer.pubkey(),
        to_pubkey=mint.address,
        lamports=svm.runtime.minimum_balance_for_rent_exemption(size),
        space=size,
        owner=mint.token_program,
    )
    key = bytes(mint.authority.pubkey())
    initialize = bytes([_INITIALIZE_MINT_2, DECIMALS]) + key + b"\1" + key
    svm.must(
        create_account(params),
        [each.instruction(mint.address, mint.token_program) for each in extensions],
        Instruction(mint.token_program, initialize, [AccountMeta(mint.address, False, True)]),
    )


def transfer_checked(mint: Mint, source: Pubkey, target: Pubkey, authority: Pubkey, amount: int) -> Instruction:
    """A transfer in the name of whoever signs it."""
    metas = [(source, False, True), (mint.address, False, False), (target, False, True), (authority, True, False)]
    data = bytes([_TRANSFER_CHECKED]) + amount.to_bytes(8, "little") + bytes([DECIMALS])
    return Instruction(mint.token_program, data, [AccountMeta(*each) for each in metas])


def extension_kinds(data: bytes) -> list[int]:
    """The extensions in a mint's or a token account's data, by their numbers."""
    kinds, at = [], 166
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        if kind == 0:
            break
        kinds.append(kind)
        at += 4 + size
    return kinds


def _with_authority(svm: Svm, size: int, number: int, value: bytes) -> tuple[Mint, Keypair]:
    authority = svm.keypair()
    return described_mint(svm, Extension(size, bytes([number, 0]) + bytes(authority.pubkey()) + value)), authority


def _pointing(svm: Svm, number: int) -> Described:
    mint, key = _with_authority(svm, _POINTER_SIZE, number, SOMEBODY)
    return Described(mint, [_update(mint, key, number, bytes(32))])


def _holding(svm: Svm, pointer: int) -> Mint:
    return described_mint(svm, PointerToSelf(_POINTER_SIZE, bytes([pointer, 0]) + SOMEBODY))


def _update(mint: Mint, authority: Keypair, number: int, value: bytes) -> Instruction:
    metas = [AccountMeta(mint.address, False, True), AccountMeta(authority.pubkey(), True, False)]
    return Instruction(mint.token_program, bytes([number, 1]) + value, metas)


def _initialize_group(mint: Mint) -> Instruction:
    key = mint.authority.pubkey()
    metas = [(mint.address, False, True), (mint.address, False, False), (key, True, False)]
    data = _discriminator("spl_token_group_interface:initialize_token_group")
    data += bytes(key) + (10).to_bytes(8, "little")
    return Instruction(TOKEN_2022_PROGRAM_ID, data, [AccountMeta(*each) for each in metas])


def _interface(mint: Mint, name: str, data: bytes) -> Instruction:
    metas = [AccountMeta(mint.address, False, True), AccountMeta(mint.authority.pubkey(), True, False)]
    return Instruction(TOKEN_2022_PROGRAM_ID, _discriminator(name) + data, metas)


def _discriminator(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:8]
