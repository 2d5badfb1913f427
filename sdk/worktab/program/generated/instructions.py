"""Instructions of the program (PROTOCOL section 6).

Generated from worktab.json by `scripts/generate-client`; edits are overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from worktab.program.codec import BOOL, BYTES, U8, U32, U64, FixedBytes, Option
from worktab.program.metas import optional_account
from worktab.program.structs import Nested

from . import PROGRAM_ID
from .types import (
    Change,
    Commitment,
    DelegateTerms,
    DeviceTerms,
    DeviceUpdate,
    DisputedRecord,
    EpochVote,
    InvoiceTerms,
    NetworkTerms,
    ShownRecord,
    SlaTerms,
)

__all__ = [
    "AcceptAuthorityAccounts",
    "ApplyUpdateAccounts",
    "ClaimAccounts",
    "ClaimRootAccounts",
    "CloseDisputeAccounts",
    "CloseLaneAccounts",
    "CloseTabAccounts",
    "CollectFeesAccounts",
    "CommitEpochAccounts",
    "ContestSlaAccounts",
    "CreateInvoiceAccounts",
    "CreateNetworkAccounts",
    "DepositAccounts",
    "DepositBondAccounts",
    "EnforceSlaAccounts",
    "FinalizeEpochAccounts",
    "FundPoolAccounts",
    "OpenDisputeAccounts",
    "OpenPageAccounts",
    "OpenSlaAccounts",
    "OpenTabAccounts",
    "PayInvoiceAccounts",
    "ProposeUpdateAccounts",
    "RefundInvoiceAccounts",
    "RegisterDeviceAccounts",
    "ReserveLaneAccounts",
    "ResolveDisputeAccounts",
    "RetireDeviceAccounts",
    "SetDelegateAccounts",
    "SetPauseAccounts",
    "SettleBatchAccounts",
    "SettleVoucherAccounts",
    "SubmitReceiptAccounts",
    "UpdateDeviceAccounts",
    "VoidInvoiceAccounts",
    "VoteDisputeAccounts",
    "VoteEpochAccounts",
    "VoteSlaAccounts",
    "WithdrawAccounts",
    "WithdrawBondAccounts",
    "WithdrawPoolAccounts",
    "accept_authority",
    "apply_update",
    "claim",
    "claim_root",
    "close_dispute",
    "close_lane",
    "close_tab",
    "collect_fees",
    "commit_epoch",
    "contest_sla",
    "create_invoice",
    "create_network",
    "deposit",
    "deposit_bond",
    "enforce_sla",
    "finalize_epoch",
    "fund_pool",
    "open_dispute",
    "open_page",
    "open_sla",
    "open_tab",
    "pay_invoice",
    "propose_update",
    "refund_invoice",
    "register_device",
    "reserve_lane",
    "resolve_dispute",
    "retire_device",
    "set_delegate",
    "set_pause",
    "settle_batch",
    "settle_voucher",
    "submit_receipt",
    "update_device",
    "void_invoice",
    "vote_dispute",
    "vote_epoch",
    "vote_sla",
    "withdraw",
    "withdraw_bond",
    "withdraw_pool",
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
    """Writable where something is burned; where nothing is, claims of networks that share a mint run side by side."""

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
class ClaimRootAccounts:
    """Accounts of `claim_root`."""

    network: Pubkey
    """Writable."""

    vault: Pubkey
    """Writable."""

    mint: Pubkey
    page: Pubkey
    """The page that the payee's position is on. Writable."""

    payout: Pubkey
    """The payout wallet; only its address matters."""

    payout_account: Pubkey
    """The wallet's associated token account. Writable."""

    token_program: Pubkey


def claim_root(
    accounts: ClaimRootAccounts,
    *,
    position: int,
    lifetime_reward: int,
    devices_root: bytes,
    payout_bump: int,
    siblings: bytes,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Pays a payee what the newest final root owes it."""
    data = bytearray.fromhex("36")
    U32.write(data, position, "position")
    U64.write(data, lifetime_reward, "lifetime_reward")
    FixedBytes(32).write(data, devices_root, "devices_root")
    U8.write(data, payout_bump, "payout_bump")
    BYTES.write(data, siblings, "siblings")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.page, is_signer=False, is_writable=True),
        AccountMeta(accounts.payout, is_signer=False, is_writable=False),
        AccountMeta(accounts.payout_account, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseDisputeAccounts:
    """Accounts of `close_dispute`."""

    device: Pubkey
    """The device's address, where now there may be nothing, or a later registration."""

    dispute: Pubkey
    """Writable."""

    rent_payer: Pubkey
    """Who paid the dispute's rent. Writable."""


def close_dispute(
    accounts: CloseDisputeAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Closes a dispute that ended guilty, after the device's account."""
    data = bytearray.fromhex("43")
    metas = [
        AccountMeta(accounts.device, is_signer=False, is_writable=False),
        AccountMeta(accounts.dispute, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLaneAccounts:
    """Accounts of `close_lane`."""

    signer: Pubkey
    """The consumer, the lane's delegate, or the device's owner. Signer."""

    network: Pubkey
    tab: Pubkey
    """Writable."""

    rent_payer: Pubkey
    """Who paid the tab's rent; may be the signer as well. Writable."""

    device: Pubkey | None = None
    """The lane's device, where its owner signs. Optional."""


def close_lane(
    accounts: CloseLaneAccounts,
    *,
    nonce: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Starts a lane's end, or ends it."""
    data = bytearray.fromhex("25")
    U32.write(data, nonce, "nonce")
    metas = [
        AccountMeta(accounts.signer, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
        optional_account(accounts.device, program_id, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTabAccounts:
    """Accounts of `close_tab`."""

    consumer: Pubkey
    """Signer."""

    tab: Pubkey
    """Writable."""

    rent_payer: Pubkey
    """Who paid the tab's rent; often the consumer as well, so it may be the same account. Writable."""


def close_tab(
    accounts: CloseTabAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Closes an empty tab."""
    data = bytearray.fromhex("26")
    metas = [
        AccountMeta(accounts.consumer, is_signer=True, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectFeesAccounts:
    """Accounts of `collect_fees`."""

    authority: Pubkey
    """Signer."""

    network: Pubkey
    """Writable."""

    destination: Pubkey
    """Any token account of the network's mint but the vault. Writable."""

    mint: Pubkey
    vault: Pubkey
    """Writable."""

    token_program: Pubkey


def collect_fees(
    accounts: CollectFeesAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Pays out the fees taken so far."""
    data = bytearray.fromhex("06")
    metas = [
        AccountMeta(accounts.authority, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.destination, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitEpochAccounts:
    """Accounts of `commit_epoch`."""

    payer: Pubkey
    """Pays the rent; may be any other account here as well, since only lamports are taken from it. Signer, writable."""

    attestor: Pubkey
    """Signer."""

    network: Pubkey
    epoch: Pubkey
    """Writable."""

    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def commit_epoch(
    accounts: CommitEpochAccounts,
    *,
    commitment: Commitment,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Commits to the root of an epoch that is over, and approves it."""
    data = bytearray.fromhex("33")
    Nested(Commitment).write(data, commitment, "commitment")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.attestor, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.epoch, is_signer=False, is_writable=True),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestSlaAccounts:
    """Accounts of `contest_sla`."""

    owner: Pubkey
    """Signer."""

    device: Pubkey
    sla: Pubkey
    """Writable."""


def contest_sla(
    accounts: ContestSlaAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """The device's owner contests a penalty."""
    data = bytearray.fromhex("3e")
    metas = [
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.device, is_signer=False, is_writable=False),
        AccountMeta(accounts.sla, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateInvoiceAccounts:
    """Accounts of `create_invoice`."""

    payer: Pubkey
    """Pays the rent; may be any other account here as well, since only lamports are taken from it. Signer, writable."""

    owner: Pubkey
    """Signer."""

    device: Pubkey
    invoice: Pubkey
    """Writable."""

    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def create_invoice(
    accounts: CreateInvoiceAccounts,
    *,
    number: int,
    terms: InvoiceTerms,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Asks a consumer to pay."""
    data = bytearray.fromhex("28")
    U64.write(data, number, "number")
    Nested(InvoiceTerms).write(data, terms, "terms")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.device, is_signer=False, is_writable=False),
        AccountMeta(accounts.invoice, is_signer=False, is_writable=True),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
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
class DepositAccounts:
    """Accounts of `deposit`."""

    network: Pubkey
    """Writable."""

    tab: Pubkey
    """Writable."""

    depositor: Pubkey
    """Signer."""

    source: Pubkey
    """A token account the depositor may spend from. Writable."""

    mint: Pubkey
    vault: Pubkey
    """Writable."""

    token_program: Pubkey


def deposit(
    accounts: DepositAccounts,
    *,
    amount: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Puts tokens into a tab."""
    data = bytearray.fromhex("1f")
    U64.write(data, amount, "amount")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.depositor, is_signer=True, is_writable=False),
        AccountMeta(accounts.source, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositBondAccounts:
    """Accounts of `deposit_bond`."""

    owner: Pubkey
    """Signer."""

    network: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    source: Pubkey
    """A token account the owner may spend from. Writable."""

    mint: Pubkey
    vault: Pubkey
    """Writable."""

    token_program: Pubkey


def deposit_bond(
    accounts: DepositBondAccounts,
    *,
    amount: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Adds to a device's bond."""
    data = bytearray.fromhex("0d")
    U64.write(data, amount, "amount")
    metas = [
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.source, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforceSlaAccounts:
    """Accounts of `enforce_sla`."""

    tab: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    sla: Pubkey
    """Writable."""

    rent_payer: Pubkey
    """Who paid the account's rent. Writable."""


def enforce_sla(
    accounts: EnforceSlaAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Ends an SLA, with the penalty for what was not delivered."""
    data = bytearray.fromhex("3d")
    metas = [
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.sla, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizeEpochAccounts:
    """Accounts of `finalize_epoch`."""

    network: Pubkey
    """Writable."""

    epoch: Pubkey
    """Writable."""

    rent_payer: Pubkey
    """Who paid the account's rent. Writable."""


def finalize_epoch(
    accounts: FinalizeEpochAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Makes a root final that enough attestors approved and nobody vetoed in time."""
    data = bytearray.fromhex("35")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.epoch, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
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
class OpenDisputeAccounts:
    """Accounts of `open_dispute`."""

    payer: Pubkey
    """Pays the rent; may be any other account here as well, since only lamports are taken from it. Signer, writable."""

    challenger: Pubkey
    """The tab's consumer. Signer."""

    network: Pubkey
    tab: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    proof: Pubkey
    """The instructions sysvar, or the device's key or an attestor as a signer; any account where the head on chain is
    the evidence.
    """

    dispute: Pubkey
    """Writable."""

    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def open_dispute(
    accounts: OpenDisputeAccounts,
    *,
    record: DisputedRecord,
    later: bytes,
    receipt: bytes | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Disputes a record that a device signed."""
    data = bytearray.fromhex("40")
    Nested(DisputedRecord).write(data, record, "record")
    BYTES.write(data, later, "later")
    Option(FixedBytes(104)).write(data, receipt, "receipt")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.challenger, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.proof, is_signer=False, is_writable=False),
        AccountMeta(accounts.dispute, is_signer=False, is_writable=True),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPageAccounts:
    """Accounts of `open_page`."""

    payer: Pubkey
    """Signer, writable."""

    network: Pubkey
    page: Pubkey
    """Writable."""

    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def open_page(
    accounts: OpenPageAccounts,
    *,
    number: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Opens a page of claimed watermarks."""
    data = bytearray.fromhex("32")
    U32.write(data, number, "number")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.page, is_signer=False, is_writable=True),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSlaAccounts:
    """Accounts of `open_sla`."""

    payer: Pubkey
    """Pays the rent; may be any other account here as well, since only lamports are taken from it. Signer, writable."""

    consumer: Pubkey
    """Signer."""

    owner: Pubkey
    """The device's. Signer."""

    network: Pubkey
    tab: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    sla: Pubkey
    """Writable."""

    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def open_sla(
    accounts: OpenSlaAccounts,
    *,
    terms: SlaTerms,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """A device's owner promises a consumer to deliver on a lane by a deadline."""
    data = bytearray.fromhex("3c")
    Nested(SlaTerms).write(data, terms, "terms")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.consumer, is_signer=True, is_writable=False),
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.sla, is_signer=False, is_writable=True),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTabAccounts:
    """Accounts of `open_tab`."""

    payer: Pubkey
    """Pays the rent of the tab, and gets it and that of every lane back; may be any other account here as well, since
    only lamports are taken from it. Signer, writable.
    """

    consumer: Pubkey
    """Signer."""

    network: Pubkey
    tab: Pubkey
    """Writable."""

    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def open_tab(
    accounts: OpenTabAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Opens a consumer's tab."""
    data = bytearray.fromhex("1e")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.consumer, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInvoiceAccounts:
    """Accounts of `pay_invoice`."""

    signer: Pubkey
    """The consumer, or a delegate. Signer."""

    tab: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    invoice: Pubkey
    """Writable."""


def pay_invoice(
    accounts: PayInvoiceAccounts,
    *,
    amount: int,
    terms: bytes,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Pays an invoice or a part of it."""
    data = bytearray.fromhex("29")
    U64.write(data, amount, "amount")
    FixedBytes(32).write(data, terms, "terms")
    metas = [
        AccountMeta(accounts.signer, is_signer=True, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.invoice, is_signer=False, is_writable=True),
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
class RefundInvoiceAccounts:
    """Accounts of `refund_invoice`."""

    owner: Pubkey
    """Signer."""

    tab: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    invoice: Pubkey
    """Writable."""


def refund_invoice(
    accounts: RefundInvoiceAccounts,
    *,
    amount: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Gives a part of what an invoice was paid back."""
    data = bytearray.fromhex("2b")
    U64.write(data, amount, "amount")
    metas = [
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.invoice, is_signer=False, is_writable=True),
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
class ReserveLaneAccounts:
    """Accounts of `reserve_lane`."""

    payer: Pubkey
    """Pays the rent of a new lane, which goes back to the tab's rent payer; may be any other account here as well,
    since only lamports are taken from it. Signer, writable.
    """

    signer: Pubkey
    """The consumer, or a delegate; it signs the lane's vouchers. Signer."""

    network: Pubkey
    tab: Pubkey
    """Writable."""

    device: Pubkey
    system_program: Pubkey = Pubkey.from_string("11111111111111111111111111111111")


def reserve_lane(
    accounts: ReserveLaneAccounts,
    *,
    nonce: int | None,
    amount: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Sets money aside for a device, on a new lane or on one that the signer opened."""
    data = bytearray.fromhex("22")
    Option(U32).write(data, nonce, "nonce")
    U64.write(data, amount, "amount")
    metas = [
        AccountMeta(accounts.payer, is_signer=True, is_writable=True),
        AccountMeta(accounts.signer, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=False),
        AccountMeta(accounts.system_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDisputeAccounts:
    """Accounts of `resolve_dispute`."""

    network: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    dispute: Pubkey
    """Writable."""

    tab: Pubkey
    """The challenger's tab; if it was closed, what it would get is the pool's. Writable."""

    consumer_tab: Pubkey
    """The tab that the record names; may be the challenger's. Where there is no consumer, any account. Writable."""

    rent_payer: Pubkey
    """Who paid the dispute's rent; may be any other account here as well. Writable."""


def resolve_dispute(
    accounts: ResolveDisputeAccounts,
    *,
    shown: ShownRecord | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Ends a dispute."""
    data = bytearray.fromhex("42")
    Option(Nested(ShownRecord)).write(data, shown, "shown")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.dispute, is_signer=False, is_writable=True),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.consumer_tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
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
class SetDelegateAccounts:
    """Accounts of `set_delegate`."""

    consumer: Pubkey
    """Signer."""

    tab: Pubkey
    """Writable."""


def set_delegate(
    accounts: SetDelegateAccounts,
    *,
    slot: int,
    terms: DelegateTerms | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Lets a key spend within limits, or revokes it."""
    data = bytearray.fromhex("21")
    U8.write(data, slot, "slot")
    Option(Nested(DelegateTerms)).write(data, terms, "terms")
    metas = [
        AccountMeta(accounts.consumer, is_signer=True, is_writable=False),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
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
class SettleBatchAccounts:
    """Accounts of `settle_batch`."""

    tab: Pubkey
    """Writable."""

    proof: Pubkey
    """The instructions sysvar, or the lanes' signer."""


def settle_batch(
    accounts: SettleBatchAccounts,
    *,
    signer: int,
    entries: bytes,
    batch: bytes | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Moves what a batch voucher owes on many lanes of one signer."""
    data = bytearray.fromhex("24")
    U8.write(data, signer, "signer")
    BYTES.write(data, entries, "entries")
    Option(FixedBytes(104)).write(data, batch, "batch")
    metas = [
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.proof, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleVoucherAccounts:
    """Accounts of `settle_voucher`."""

    tab: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    proof: Pubkey
    """The instructions sysvar, or the lane's signer."""


def settle_voucher(
    accounts: SettleVoucherAccounts,
    *,
    nonce: int,
    voucher: bytes | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Moves what a voucher owes from its lane to the device's earnings."""
    data = bytearray.fromhex("23")
    U32.write(data, nonce, "nonce")
    Option(FixedBytes(104)).write(data, voucher, "voucher")
    metas = [
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.proof, is_signer=False, is_writable=False),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidInvoiceAccounts:
    """Accounts of `void_invoice`."""

    owner: Pubkey
    """The device's owner; where the device is closed or was registered again, the owner who made the invoice. Signer.
    """

    device: Pubkey
    """The device's account, which may be closed."""

    invoice: Pubkey
    """Writable."""

    rent_payer: Pubkey
    """Who paid the invoice's rent; often the owner as well, so it may be the same account. Writable."""


def void_invoice(
    accounts: VoidInvoiceAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Ends an invoice."""
    data = bytearray.fromhex("2a")
    metas = [
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.device, is_signer=False, is_writable=False),
        AccountMeta(accounts.invoice, is_signer=False, is_writable=True),
        AccountMeta(accounts.rent_payer, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteDisputeAccounts:
    """Accounts of `vote_dispute`."""

    attestor: Pubkey
    """Signer."""

    network: Pubkey
    dispute: Pubkey
    """Writable."""


def vote_dispute(
    accounts: VoteDisputeAccounts,
    *,
    finding: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """An attestor says what re-execution found."""
    data = bytearray.fromhex("41")
    U8.write(data, finding, "finding")
    metas = [
        AccountMeta(accounts.attestor, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.dispute, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteEpochAccounts:
    """Accounts of `vote_epoch`."""

    voter: Pubkey
    """An attestor of the network; for a veto, its guardian. Signer."""

    network: Pubkey
    epoch: Pubkey
    """Writable."""


def vote_epoch(
    accounts: VoteEpochAccounts,
    *,
    vote: EpochVote,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Approves a commitment, withdraws an approval, or vetoes it."""
    data = bytearray.fromhex("34")
    Nested(EpochVote).write(data, vote, "vote")
    metas = [
        AccountMeta(accounts.voter, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.epoch, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteSlaAccounts:
    """Accounts of `vote_sla`."""

    attestor: Pubkey
    """Signer."""

    network: Pubkey
    sla: Pubkey
    """Writable."""


def vote_sla(
    accounts: VoteSlaAccounts,
    *,
    upheld: bool | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """An attestor says whether a contested penalty is due."""
    data = bytearray.fromhex("3f")
    Option(BOOL).write(data, upheld, "upheld")
    metas = [
        AccountMeta(accounts.attestor, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=False),
        AccountMeta(accounts.sla, is_signer=False, is_writable=True),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawAccounts:
    """Accounts of `withdraw`."""

    consumer: Pubkey
    """Signer."""

    network: Pubkey
    """Writable."""

    tab: Pubkey
    """Writable."""

    destination: Pubkey
    """Any token account of the network's mint. Writable."""

    mint: Pubkey
    vault: Pubkey
    """Writable."""

    token_program: Pubkey


def withdraw(
    accounts: WithdrawAccounts,
    *,
    amount: int,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Takes tokens out of a tab's balance."""
    data = bytearray.fromhex("20")
    U64.write(data, amount, "amount")
    metas = [
        AccountMeta(accounts.consumer, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.tab, is_signer=False, is_writable=True),
        AccountMeta(accounts.destination, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawBondAccounts:
    """Accounts of `withdraw_bond`."""

    owner: Pubkey
    """Signer."""

    network: Pubkey
    """Writable."""

    device: Pubkey
    """Writable."""

    destination: Pubkey
    """Any token account of the network's mint. Writable."""

    mint: Pubkey
    vault: Pubkey
    """Writable."""

    token_program: Pubkey


def withdraw_bond(
    accounts: WithdrawBondAccounts,
    *,
    amount: int | None,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Says how much of a bond is to leave, or pays out what is due."""
    data = bytearray.fromhex("0e")
    Option(U64).write(data, amount, "amount")
    metas = [
        AccountMeta(accounts.owner, is_signer=True, is_writable=False),
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.device, is_signer=False, is_writable=True),
        AccountMeta(accounts.destination, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawPoolAccounts:
    """Accounts of `withdraw_pool`."""

    network: Pubkey
    """Writable."""

    destination: Pubkey
    """The token account announced. Writable."""

    mint: Pubkey
    vault: Pubkey
    """Writable."""

    token_program: Pubkey


def withdraw_pool(
    accounts: WithdrawPoolAccounts,
    *,
    program_id: Pubkey = PROGRAM_ID,
    remaining_accounts: Sequence[AccountMeta] = (),
) -> Instruction:
    """Pays out an announced withdrawal of the pool."""
    data = bytearray.fromhex("07")
    metas = [
        AccountMeta(accounts.network, is_signer=False, is_writable=True),
        AccountMeta(accounts.destination, is_signer=False, is_writable=True),
        AccountMeta(accounts.mint, is_signer=False, is_writable=False),
        AccountMeta(accounts.vault, is_signer=False, is_writable=True),
        AccountMeta(accounts.token_program, is_signer=False, is_writable=False),
        *remaining_accounts,
    ]
    return Instruction(program_id, bytes(data), metas)
