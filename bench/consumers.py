"""What tabs, lanes, vouchers and invoices cost on chain; `instructions.measure` adds these to its own."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.parties import Device, Network
from worktab.core import contexts
from worktab.core.addresses import ED25519_PROGRAM_ID, INSTRUCTIONS_SYSVAR_ID, find_invoice, find_tab
from worktab.core.contexts import BatchEntry
from worktab.core.keys import Ed25519Signer
from worktab.core.messages import Message
from worktab.core.native import signature_instruction_data
from worktab.program.generated import PROGRAM_ID, accounts
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import DelegateTerms, InvoiceTerms

if TYPE_CHECKING:
    from instructions import Costs

LANES = 27
"""Lanes of the batch that is measured: as many as fit one transaction with a lookup table and the compute budget's
instructions."""


def note(costs: Costs, network: Network, devices: Sequence[Device]) -> None:
    """The payer is the consumer, as a person with one wallet would be."""
    world, payer = costs.world, costs.world.payer
    tab = find_tab(PROGRAM_ID, network.address, payer.pubkey())[0]
    passed = ix.OpenTabAccounts(payer=payer.pubkey(), consumer=payer.pubkey(), network=network.address, tab=tab)
    costs.note("open_tab", ix.open_tab(passed))
    costs.note("deposit", _deposit(costs, network, tab, 1_000_000))
    delegate = world.keypair()
    terms = DelegateTerms(delegate.pubkey(), 500_000, 100_000, 3_600, 50_000, 0, 255)
    passed_delegate = ix.SetDelegateAccounts(consumer=payer.pubkey(), tab=tab)
    costs.note("set_delegate", ix.set_delegate(passed_delegate, slot=1, terms=terms))
    costs.note("reserve_lane_new", _reserve(costs, network, tab, devices[0], payer))
    first = _nonce(costs, tab) - 1
    costs.note("reserve_lane_more", _reserve(costs, network, tab, devices[0], payer, first))
    costs.note("reserve_lane_new_by_delegate", _reserve(costs, network, tab, devices[1], delegate))
    _settle(costs, network, tab, devices, first)
    _invoices(costs, network, tab, devices[0])
    close = ix.CloseLaneAccounts(
        signer=payer.pubkey(), network=network.address, tab=tab, rent_payer=payer.pubkey(), device=None
    )
    costs.note("close_lane_start", ix.close_lane(close, nonce=first))
    world.advance(3_600)
    costs.note("close_lane_end", ix.close_lane(close, nonce=first))
    out = ix.WithdrawAccounts(
        consumer=payer.pubkey(),
        network=network.address,
        tab=tab,
        destination=network.mint.account_of(payer.pubkey()),
        mint=network.mint.address,
        vault=network.vault,
        token_program=network.mint.token_program,
    )
    costs.note("withdraw", ix.withdraw(out, amount=1))


def lamports(noted: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Lamports on chain of a consumer's jobs, from the transactions measured. Rent comes back when a lane ends.

    The first job with a new device opens a lane and is settled at once; a million more are settled by the newest
    voucher, so one settlement is enough. A batch settles the devices of one consumer together.
    """
    open_lane, settle, batch = noted["reserve_lane_new"], noted["settle_voucher"], noted[f"settle_batch_{LANES}"]
    return {
        "first_job_with_a_new_device": {
            "fee_lamports": open_lane["fee_lamports"] + settle["fee_lamports"],
            "rent_lamports": open_lane["rent_lamports"],
        },
        "next_1000000_jobs_with_it": {"fee_lamports": settle["fee_lamports"], "rent_lamports": 0, "settlements": 1},
        f"next_1000000_jobs_with_each_of_{LANES}": {
            "fee_lamports": batch["fee_lamports"],
            "rent_lamports": 0,
            "settlements": 1,
        },
        "once_per_consumer": {
            "fee_lamports": noted["open_tab"]["fee_lamports"] + noted["deposit"]["fee_lamports"],
            "rent_lamports": noted["open_tab"]["rent_lamports"],
        },
    }


def _settle(costs: Costs, network: Network, tab: Pubkey, devices: Sequence[Device], first: int) -> None:
    world, payer = costs.world, costs.world.payer
    device = devices[0]
    voucher = _voucher(network, tab, device, first, 1_000, 10, 0)
    settle = [_native(payer, voucher), _settle_one(tab, device, first)]
    costs.note("settle_voucher", settle)
    costs.with_table("settle_voucher", [tab, device.address, INSTRUCTIONS_SYSVAR_ID], settle)
    voucher = _voucher(network, tab, device, first, 2_000, 20, world.now + 60)
    costs.note("settle_voucher_with_expiry", _native(payer, voucher), _settle_one(tab, device, first))
    sellers = sorted(devices[:LANES], key=lambda each: each.index)
    nonces = []
    for seller in sellers:
        nonces.append(_nonce(costs, tab))
        world.must(_reserve(costs, network, tab, seller, payer))
    for name, count in (("settle_batch_1", 1), (f"settle_batch_{LANES}", LANES)):
        entries = [
            BatchEntry(seller.index, nonce, 100 * count, count)
            for seller, nonce in zip(sellers[:count], nonces, strict=False)
        ]
        message = Message.batch(contexts.batch_context(network.domain, tab, entries), 0).encode()
        batch = [_native(payer, message), _settle_batch(tab, sellers[:count], entries)]
        table = [tab, INSTRUCTIONS_SYSVAR_ID, *(seller.address for seller in sellers)]
        if count == 1:
            costs.note(name, batch)
        else:
            costs.note(name, batch, table=table)


def _invoices(costs: Costs, network: Network, tab: Pubkey, device: Device) -> None:
    world, payer = costs.world, costs.world.payer
    number, terms = 1, InvoiceTerms(payer.pubkey(), 1_000, 77, 0, bytes(32), bytes(32))
    while find_invoice(PROGRAM_ID, device.address, number)[1] != 255:
        number += 1
    invoice = find_invoice(PROGRAM_ID, device.address, number)[0]
    created = ix.CreateInvoiceAccounts(
        payer=payer.pubkey(), owner=device.owner.pubkey(), device=device.address, invoice=invoice
    )
    costs.note("create_invoice", ix.create_invoice(created, number=number, terms=terms))
    agreed = accounts.Invoice.decode(world.data(invoice)).terms
    paid = ix.PayInvoiceAccounts(signer=payer.pubkey(), tab=tab, device=device.address, invoice=invoice)
    costs.note("pay_invoice_part", ix.pay_invoice(paid, amount=400, terms=agreed))
    costs.note("pay_invoice", ix.pay_invoice(paid, amount=600, terms=agreed))
    refunded = ix.RefundInvoiceAccounts(owner=device.owner.pubkey(), tab=tab, device=device.address, invoice=invoice)
    costs.note("refund_invoice", ix.refund_invoice(refunded, amount=100))
    world.runtime.warp_to_slot(world.runtime.get_clock().slot + 2)
    voided = ix.VoidInvoiceAccounts(
        owner=device.owner.pubkey(), device=device.address, invoice=invoice, rent_payer=payer.pubkey()
    )
    costs.note("void_invoice", ix.void_invoice(voided))


def _nonce(costs: Costs, tab: Pubkey) -> int:
    """The nonce of the next lane."""
    at = accounts.Tab.OFFSETS["nonce"]
    return int.from_bytes(costs.world.data(tab)[at : at + 4], "little")


def _deposit(costs: Costs, network: Network, tab: Pubkey, amount: int) -> Instruction:
    payer = costs.world.payer
    passed = ix.DepositAccounts(
        network=network.address,
        tab=tab,
        depositor=payer.pubkey(),
        source=network.mint.open(payer.pubkey(), amount),
        mint=network.mint.address,
        vault=network.vault,
        token_program=network.mint.token_program,
    )
    return ix.deposit(passed, amount=amount)


def _reserve(
    costs: Costs, network: Network, tab: Pubkey, device: Device, signer: Keypair, nonce: int | None = None
) -> Instruction:
    passed = ix.ReserveLaneAccounts(
        payer=costs.world.payer.pubkey(),
        signer=signer.pubkey(),
        network=network.address,
        tab=tab,
        device=device.address,
    )
    return ix.reserve_lane(passed, nonce=nonce, amount=10_000)


def _voucher(
    network: Network, tab: Pubkey, device: Device, nonce: int, amount: int, units: int, expires_at: int
) -> bytes:
    context = contexts.voucher_context(network.domain, tab, device.address, device.index, nonce)
    head = hashlib.sha256(struct.pack("<Q", amount)).digest()
    return Message.voucher(context, units, units, amount, expires_at, head).encode()


def _settle_one(tab: Pubkey, device: Device, nonce: int) -> Instruction:
    passed = ix.SettleVoucherAccounts(tab=tab, device=device.address, proof=INSTRUCTIONS_SYSVAR_ID)
    return ix.settle_voucher(passed, nonce=nonce, voucher=None)


def _settle_batch(tab: Pubkey, devices: Sequence[Device], entries: Sequence[BatchEntry]) -> Instruction:
    passed = ix.SettleBatchAccounts(tab=tab, proof=INSTRUCTIONS_SYSVAR_ID)
    listed = b"".join(entry.encode() for entry in entries)
    named = [AccountMeta(device.address, is_signer=False, is_writable=True) for device in devices]
    return ix.settle_batch(passed, signer=0, entries=listed, batch=None, remaining_accounts=named)


def _native(signer: Keypair, message: bytes) -> Instruction:

    key = Ed25519Signer(signer.secret())
    return Instruction(ED25519_PROGRAM_ID, signature_instruction_data(key.public, key.sign(message), message), [])
