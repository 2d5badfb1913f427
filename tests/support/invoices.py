"""Invoices, claims of what they earned, and fees: every instruction with sensible accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.earning import burning
from support.parties import Device, Network, Tab
from support.svm import Result
from support.world import World
from worktab.core.addresses import find_invoice
from worktab.core.invoices import invoice_terms
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated import instructions as ix
from worktab.program.generated.types import InvoiceTerms


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as it was made: `slot` is that of its creation."""

    address: Pubkey
    device: Device
    number: int
    terms: InvoiceTerms
    slot: int

    @property
    def agreed(self) -> bytes:
        """The hash of all its terms."""
        terms = self.terms
        return invoice_terms(
            self.device.network.domain,
            self.address,
            terms.consumer,
            terms.amount,
            terms.units,
            terms.due,
            self.slot,
            terms.head,
            terms.memo,
        )


class Desk:
    """Where devices of a world sell by invoice. Accounts given by name replace those passed by default."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._numbers = 0

    # Invoices

    def plan(
        self, device: Device, consumer: Pubkey, amount: int, /, *, number: int | None = None, **terms: Any
    ) -> Invoice:
        """An invoice that could be made in this slot, with a number of its own unless one is given."""
        self._numbers += 1
        number = self._numbers if number is None else number
        asked = replace(InvoiceTerms(consumer, amount, 0, 0, bytes(32), bytes(32)), **terms)
        return Invoice(find_invoice(PROGRAM_ID, device.address, number)[0], device, number, asked, self.slot)

    def invoice(self, device: Device, tab: Tab, amount: int, /, **terms: Any) -> Invoice:
        """A new invoice of the device for the tab's consumer."""
        invoice = self.plan(device, tab.consumer.pubkey(), amount, **terms)
        self.must(self.create(invoice))
        return invoice

    def create(self, invoice: Invoice, /, **accounts: Pubkey) -> Instruction:
        """create_invoice by the device's first owner."""
        passed = ix.CreateInvoiceAccounts(
            payer=self.world.payer.pubkey(),
            owner=invoice.device.owner.pubkey(),
            device=invoice.device.address,
            invoice=invoice.address,
        )
        return ix.create_invoice(replace(passed, **accounts), number=invoice.number, terms=invoice.terms)

    def pay(
        self, invoice: Invoice, tab: Tab, amount: int, /, *, agreed: bytes | None = None, **accounts: Pubkey
    ) -> Instruction:
        """pay_invoice by the tab's consumer, who agrees to the invoice's terms."""
        passed = ix.PayInvoiceAccounts(
            signer=tab.consumer.pubkey(), tab=tab.address, device=invoice.device.address, invoice=invoice.address
        )
        return ix.pay_invoice(replace(passed, **accounts), amount=amount, terms=agreed or invoice.agreed)

    def void(self, invoice: Invoice, /, **accounts: Pubkey) -> Instruction:
        """void_invoice by the device's first owner, the rent going back to the world's payer."""
        passed = ix.VoidInvoiceAccounts(
            owner=invoice.device.owner.pubkey(),
            device=invoice.device.address,
            invoice=invoice.address,
            rent_payer=self.world.payer.pubkey(),
        )
        return ix.void_invoice(replace(passed, **accounts))

    def refund(self, invoice: Invoice, tab: Tab, amount: int, /, **accounts: Pubkey) -> Instruction:
        """refund_invoice by the device's first owner."""
        passed = ix.RefundInvoiceAccounts(
            owner=invoice.device.owner.pubkey(), tab=tab.address, device=invoice.device.address, invoice=invoice.address
        )
        return ix.refund_invoice(replace(passed, **accounts), amount=amount)

    def read(self, invoice: Invoice) -> state.Invoice:
        """An invoice's account."""
        return state.Invoice.decode(self.world.data(invoice.address))

    def sell(self, device: Device, tab: Tab, amount: int, units: int = 0) -> Invoice:
        """An invoice made and paid in full."""
        invoice = self.invoice(device, tab, amount, units=units)
        self.must(self.pay(invoice, tab, amount))
        return invoice

    # Claims and fees

    def claim(self, *devices: Device, payout: Keypair | None = None) -> Result:
        """A claim as any network needs it, for the payout wallet of the first device unless another is given."""
        network = devices[0].network
        claim = self.world.claim(devices, payout or devices[0].payout, network)
        return self.world.send(burning(claim, network))

    def collect(self, network: Network, destination: Pubkey, /, **accounts: Pubkey) -> Instruction:
        """collect_fees by the network's creator."""
        passed = ix.CollectFeesAccounts(
            authority=network.authority.pubkey(),
            network=network.address,
            destination=destination,
            mint=network.mint.address,
            vault=network.vault,
            token_program=network.mint.token_program,
        )
        return ix.collect_fees(replace(passed, **accounts))

    # Time

    @property
    def slot(self) -> int:
        """The slot that programs see."""
        return self.world.runtime.get_clock().slot

    def next_slot(self, slots: int = 1) -> None:
        """Go on by some slots; the time stays."""
        now = self.world.now
        self.world.runtime.warp_to_slot(self.slot + slots)
        self.world.now = now

    def must(self, *instructions: Instruction | Sequence[Instruction]) -> Result:
        """Send what a test takes for granted; the ledger is checked after it."""
        result = self.world.send(*instructions)
        assert result.ok, f"{result.error_name}: {result.logs}"
        return result


def supply(world: World, network: Network) -> int:
    """Base units of the network's token that exist."""
    return int.from_bytes(world.data(network.mint.address)[36:44], "little")


def read_only(instruction: Instruction, address: Pubkey) -> Instruction:
    """The instruction with an account passed as one that it may not change."""
    metas = [
        AccountMeta(each.pubkey, each.is_signer, each.is_writable and each.pubkey != address)
        for each in instruction.accounts
    ]
    return Instruction(instruction.program_id, instruction.data, metas)


def state_of(world: World, *addresses: Pubkey) -> tuple[object, ...]:
    """Lamports and data of accounts, to be compared as a whole."""
    return tuple((each.lamports, each.data) if (each := world.account(address)) else None for address in addresses)
