"""Instructions of the program (PROTOCOL section 6).

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from worktab.program.codec import U8, U64, FixedBytes, Option
from worktab.program.metas import optional_account
from worktab.program.structs import Nested

from . import PROGRAM_ID
from .types import Change, DeviceTerms, DeviceUpdate, NetworkTerms

__all__ = [
    "AcceptAuthorityAccounts",
    "ApplyUpdateAccounts",
    "ClaimAccounts",
    "CreateNetworkAccounts",
    "FundPoolAccounts",
    "ProposeUpdateAccounts",
    "RegisterDeviceAccounts",
    "RetireDeviceAccounts",
    "SetPauseAccounts",
    "SubmitReceiptAccounts",
    "UpdateDeviceAccounts",
    "accept_authority",
    "apply_update",
    "claim",
    "create_network",
    "fund_pool",
    "propose_update",
    "register_device",
    "retire_device",
    "set_pause",
    "submit_receipt",
    "update_device",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptAuthorityAccounts:
    """Accounts of `accept_authority`."""

    network: Pubkey
    """Writable."""

    new_authority: Pubkey
    """Signer."""


def accept_authority(
    accounts: AcceptAuthorityAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """The proposed authority takes over."""
    data = bytearray.fromhex("03")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.new_authority, is_signer=True, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyUpdateAccounts:
    """Accounts of `apply_update`."""

    network: Pubkey
    """Writable."""


def apply_update(
    accounts: ApplyUpdateAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Puts a change in force that has waited its delay."""
    data = bytearray.fromhex("02")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAccounts:
    """Accounts of `claim`."""

    network: Pubkey
    """Writable."""

    vault: Pubkey
    """Writable."""

    mint: Pubkey
    payout: Pubkey
    """The payout wallet; only its address matters."""

    payout_account: Pubkey
    """The wallet's associated token account. Writable."""

    token_program: Pubkey


def claim(
    accounts: ClaimAccounts,
    *,
    payout_bump: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Pays a payout wallet what its devices are owed."""
    data = bytearray.fromhex("15")
    U8.write(data, payout_bump, "payout_bump")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.payout, is_signer=False, is_writable=False),
        AccountMeta(accounts.payout_account, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNetworkAccounts:
    """Accounts of `create_network`."""

    payer: Pubkey
    """Pays the rent; may be any other account here as well, since only lamports are taken from it. Signer, writable."""

    creator: Pubkey
    """Creator and first authority. Signer."""

    network: Pubkey
    """Writable."""

    mint: Pubkey
    vault: Pubkey
    """The network's associated token account; created unless it exists. Writable."""

    token_program: Pubkey
    associated_token_program: Pubkey = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def create_network(
    accounts: CreateNetworkAccounts,
    *,
    terms: NetworkTerms,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Creates a network and its vault."""
    data = bytearray.fromhex("00")
    Nested(NetworkTerms).write(data, terms, "terms")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.creator, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        AccountMeta(accounts.associated_token_program, is_signer=False, is_writable=False),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class FundPoolAccounts:
    """Accounts of `fund_pool`."""

    network: Pubkey
    """Writable."""

    funder: Pubkey
    """Signer."""

    source: Pubkey
    """A token account the funder may spend from. Writable."""

    mint: Pubkey
    vault: Pubkey
    """Writable."""

    token_program: Pubkey


def fund_pool(
    accounts: FundPoolAccounts,
    *,
    amount: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Adds tokens to the pool."""
    data = bytearray.fromhex("05")
    U64.write(data, amount, "amount")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.funder, is_signer=True, is_writable=False),
        AccountMeta(accounts.source, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeUpdateAccounts:
    """Accounts of `propose_update`."""

    network: Pubkey
    """Writable."""

    authority: Pubkey
    """Signer."""


def propose_update(
    accounts: ProposeUpdateAccounts,
    *,
    change: Change,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Announces a change of parameters, proposes an authority, or withdraws what is pending."""
    data = bytearray.fromhex("01")
    Nested(Change).write(data, change, "change")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.authority, is_signer=True, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterDeviceAccounts:
    """Accounts of `register_device`."""

    payer: Pubkey
    """Pays the rent; may be any other account here as well, since only lamports are taken from it. Signer, writable."""

    owner: Pubkey
    """Signer."""

    network: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    proof: Pubkey
    """The instructions sysvar, or the device's key as a signer."""

    admission: Pubkey | None = None
    """The authority or an attestor, where the network asks for admission. Optional, signer."""

    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def register_device(
    accounts: RegisterDeviceAccounts,
    *,
    terms: DeviceTerms,
    possession: bytes | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Registers a device whose key proves possession."""
    data = bytearray.fromhex("0a")
    Nested(DeviceTerms).write(data, terms, "terms")
    Option(FixedBytes(104)).write(data, possession, "possession")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.proof, is_signer=False, is_writable=False),
        optional_account(accounts.admission, program_id, is_signer=True, is_writable=False),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireDeviceAccounts:
    """Accounts of `retire_device`."""

    owner: Pubkey
    """Signer."""

    network: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    rent_payer: Pubkey
    """Who paid the device's rent; often the owner as well, so it may be the same account. Writable."""


def retire_device(
    accounts: RetireDeviceAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Ends a device and closes it as soon as nothing is owed."""
    data = bytearray.fromhex("0c")
    metas = [
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPauseAccounts:
    """Accounts of `set_pause`."""

    network: Pubkey
    """Writable."""

    signer: Pubkey
    """The authority or the guardian. Signer."""


def set_pause(
    accounts: SetPauseAccounts,
    *,
    flags: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Stops or resumes kinds of new work."""
    data = bytearray.fromhex("04")
    U8.write(data, flags, "flags")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.signer, is_signer=True, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitReceiptAccounts:
    """Accounts of `submit_receipt`."""

    network: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    proof: Pubkey
    """The instructions sysvar, or the device's key as a signer."""


def submit_receipt(
    accounts: SubmitReceiptAccounts,
    *,
    receipt: bytes | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Records a device's newest receipt; on the path of receipts, accrues its reward."""
    data = bytearray.fromhex("14")
    Option(FixedBytes(104)).write(data, receipt, "receipt")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.proof, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDeviceAccounts:
    """Accounts of `update_device`."""

    owner: Pubkey
    """Signer."""

    network: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    proof: Pubkey
    """With a new key: the instructions sysvar, or the new key as a signer."""

    admission: Pubkey | None = None
    """The authority or an attestor, where the network asks for admission of a key or of more capacity. Optional,
    signer.
    """


def update_device(
    accounts: UpdateDeviceAccounts,
    *,
    update: DeviceUpdate,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Changes a device's key, capacity, payout wallet, evidence or owner."""
    data = bytearray.fromhex("0b")
    Nested(DeviceUpdate).write(data, update, "update")
    metas = [
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.proof, is_signer=False, is_writable=False),
        optional_account(accounts.admission, program_id, is_signer=True, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)
