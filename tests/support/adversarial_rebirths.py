"""Accounts closed and made again by the program's own instructions, under a call that was prepared before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.adversarial_cast import Company
from support.adversarial_idl import Kind
from support.adversarial_scenes import ALL
from support.adversarial_scenes_disputes import Disputed
from support.adversarial_scenes_trust import enforce, open_sla
from support.epochs import Roots
from support.parties import Device
from support.svm import Instructions
from worktab.core.addresses import find_epoch
from worktab.core.commitments import EpochCommitment
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import InvoiceTerms

Steps: TypeAlias = Iterator[Instructions]
"""Transactions, each made when the one before has landed."""


@dataclass(frozen=True, slots=True)
class Life:
    """How an account of a kind ends, and how another one of the same address begins."""

    close: Callable[[Company, Pubkey], Steps]
    open: Callable[[Company, Pubkey, bytes], Steps]
    """Given the data that the account had."""


def reborn_slots() -> list[tuple[str, str]]:
    """Every scene and slot with an account that the program could close, and that is there before the call."""
    return [
        (scene.name, slot.name)
        for scene in ALL.values()
        for slot in scene.places
        if slot.kind in LIVES and slot.name not in scene.created | scene.without
    ]


def _device_at(company: Company, address: Pubkey) -> Device:
    [device] = [each for each in (company.device, company.second) if each.address == address]
    return device


def _close_device(company: Company, address: Pubkey) -> Steps:
    yield company.world.retire(_device_at(company, address))


def _open_device(company: Company, address: Pubkey, before: bytes) -> Steps:
    device = _device_at(company, address)
    again, terms = company.world.plan(company.network, owner=device.owner, signer=device.signer, payout=device.payout)
    yield [company.world.possession(again), company.world.register(again, terms, admission=company.cast.authority)]


def _owner_of_tab(company: Company, address: Pubkey) -> Keypair:
    people = company.people
    [consumer] = [
        each
        for each in (people.consumer, people.owner)
        if company.world.tab_of(company.network, each).address == address
    ]
    return consumer


def _close_tab(company: Company, address: Pubkey) -> Steps:
    tab = company.world.tab_of(company.network, _owner_of_tab(company, address))
    balance = company.world.read_tab(tab).balance
    if balance:
        yield company.world.withdraw(tab, balance)
    yield company.world.close_tab(tab)


def _open_tab(company: Company, address: Pubkey, before: bytes) -> Steps:
    tab = company.world.tab_of(company.network, _owner_of_tab(company, address))
    balance = state.Tab.decode(before[: state.Tab.SIZE]).balance
    yield [company.world.open_tab(tab), [company.world.deposit(tab, balance)] if balance else []]


def _close_invoice(company: Company, address: Pubkey) -> Steps:
    passed = ix.VoidInvoiceAccounts(
        owner=company.people.owner.pubkey(),
        device=company.device.address,
        invoice=address,
        rent_payer=company.world.payer.pubkey(),
    )
    yield ix.void_invoice(passed)


def _open_invoice(company: Company, address: Pubkey, before: bytes) -> Steps:
    invoice = state.Invoice.decode(before)
    passed = ix.CreateInvoiceAccounts(
        payer=company.world.payer.pubkey(),
        owner=company.people.owner.pubkey(),
        device=company.device.address,
        invoice=address,
    )
    terms = InvoiceTerms(invoice.consumer, invoice.amount, invoice.units, invoice.due, invoice.head, invoice.memo)
    yield ix.create_invoice(passed, number=invoice.number, terms=terms)


def _close_epoch(company: Company, address: Pubkey) -> Steps:
    yield _finalize(company, address)


def _finalize(company: Company, address: Pubkey) -> Instruction:
    passed = ix.FinalizeEpochAccounts(
        network=company.network.address, epoch=address, rent_payer=company.world.payer.pubkey()
    )
    return ix.finalize_epoch(passed)


def _open_epoch(company: Company, address: Pubkey, before: bytes) -> Steps:
    epoch = state.Epoch.decode(before)
    commitment = EpochCommitment(
        epoch.index,
        epoch.root,
        epoch.count,
        epoch.total,
        epoch.units,
        epoch.data,
        epoch.records_checked,
        epoch.records_failed,
        epoch.check_ms,
    )
    roots: Roots = company.roots
    assert find_epoch(PROGRAM_ID, company.network.address, epoch.index, commitment.hash())[0] == address
    yield roots.commit(commitment)


def _close_sla(company: Company, address: Pubkey) -> Steps:
    yield enforce(company)


def _open_sla(company: Company, address: Pubkey, before: bytes) -> Steps:
    yield open_sla(company)


def _close_dispute(company: Company, address: Pubkey) -> Steps:
    over = state.Dispute.decode(company.world.data(address)).verdict != 0
    yield Disputed(company).close() if over else Disputed(company).resolve(shown=True)


def _open_dispute(company: Company, address: Pubkey, before: bytes) -> Steps:
    disputed = Disputed(company)
    yield [company.world.native(company.device.signer, disputed.message), disputed.open()]


LIVES: Final[dict[Kind, Life]] = {
    Kind.DEVICE: Life(_close_device, _open_device),
    Kind.TAB: Life(_close_tab, _open_tab),
    Kind.INVOICE: Life(_close_invoice, _open_invoice),
    Kind.EPOCH: Life(_close_epoch, _open_epoch),
    Kind.SLA: Life(_close_sla, _open_sla),
    Kind.DISPUTE: Life(_close_dispute, _open_dispute),
}
