"""The party that asks to be paid: a device's owner makes invoices, ends them, and gives payments back."""

from __future__ import annotations

from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Confirmed, Sender
from worktab.core.addresses import find_invoice
from worktab.core.errors import ChainError
from worktab.core.invoices import memo_hash
from worktab.program.generated import PROGRAM_ID, events, instructions
from worktab.program.generated.types import InvoiceTerms
from worktab.roles.base import Role
from worktab.roles.errors import InvoiceExists
from worktab.roles.invoices import InvoiceStatus, InvoiceView

NO_HEAD = bytes(32)
"""The head of an invoice that names no work."""

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class CreatedInvoice:
    """An invoice as it stands on chain; `confirmed` is None where it was there already."""

    view: InvoiceView
    confirmed: Confirmed | None

    @property
    def address(self) -> Pubkey:
        """The invoice's address."""
        return self.view.address

    @property
    def number(self) -> int:
        """Its number, among the device's."""
        return self.view.invoice.number


@dataclass(frozen=True, slots=True)
class VoidedInvoice:
    """An invoice that ended: `paid` base units were paid and stay so; None where it was gone already."""

    paid: int | None
    confirmed: Confirmed | None


@dataclass(frozen=True, slots=True)
class RefundedInvoice:
    """Base units that went back to the consumer's balance, and the work units that count as sold no more.

    `units` is None where the node keeps no logs.
    """

    amount: int
    units: int | None
    confirmed: Confirmed


class Issuer(Role):
    """Makes and ends invoices for the devices of one owner, who signs; the sender's fee payer pays fees and rent.

    Every call that sends raises what `Sender.send` raises; a refusal is the program's own error.
    """

    def __init__(self, sender: Sender, network: Pubkey, owner: Keypair, *, program_id: Pubkey = PROGRAM_ID) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.owner = owner

    async def create(
        self,
        device: Pubkey,
        *,
        consumer: Pubkey,
        amount: int,
        units: int = 0,
        due: int = 0,
        head: bytes = NO_HEAD,
        memo: str = "",
        number: int | None = None,
    ) -> CreatedInvoice:
        """Ask a consumer to pay for a device's work.

        amount  base units, not 0
        units   work units it is for; parts of the amount sell parts of them
        due     Unix seconds; 0 for no date. A late payment is still taken
        head    the device's 32-byte chain head after the newest job it is for; zero or empty for none
        memo    a text for both parties; its hash alone goes on chain
        number  u64, tells the device's invoices apart; by default one above the highest that is there

        Numbers of voided invoices may come again: the slot in which an invoice was made is part of its terms, so
        that a payment meant for the earlier one is refused.

        With a number, a repeat finds the invoice and is a success; one with other terms raises `InvoiceExists`.
        Raises `DeviceNotFound`, `WrongCluster`.
        """
        await self.reader.network()
        await self.reader.device(device)
        terms = InvoiceTerms(
            consumer=consumer, amount=amount, units=units, due=due, head=head or NO_HEAD, memo=memo_hash(memo)
        )
        if number is not None:
            return await self._create(device, number, terms)
        for _ in range(_ATTEMPTS - 1):
            chosen = await self._next_number(device)
            try:
                return await self._send(device, chosen, terms)
            except ChainError:
                # Another invoice may have taken the number meanwhile.
                if await self._next_number(device) == chosen:
                    raise
        return await self._send(device, await self._next_number(device), terms)

    async def void(self, invoice: Pubkey) -> VoidedInvoice:
        """End an invoice: nothing more can be paid on it or refunded; its rent goes back. A repeat is a success.

        Raises `TooSoon` in the slot it was made in, and `InvoiceNotFound` for an account that is no invoice.
        """
        [view] = await self.reader.find_invoices([invoice])
        if view is None:
            return VoidedInvoice(None, None)
        passed = instructions.VoidInvoiceAccounts(
            owner=self.owner.pubkey(),
            device=view.invoice.device,
            invoice=invoice,
            rent_payer=view.invoice.rent_payer,
        )
        voided = instructions.void_invoice(passed, program_id=self.program_id)
        confirmed = await self.sender.send([voided], [self.owner], label="void invoice")
        event = self.event(confirmed, events.InvoiceVoided)
        return VoidedInvoice(event.paid if event else view.invoice.paid, confirmed)

    async def refund(self, invoice: Pubkey, amount: int) -> RefundedInvoice:
        """Give `amount` base units of what was paid back to the consumer's balance, out of unclaimed earnings.

        It does not open the invoice again. A repeat refunds again. Raises `InvoiceNotFound` and `RefundTooLarge`.
        """
        view = await self.reader.invoice(invoice)
        passed = instructions.RefundInvoiceAccounts(
            owner=self.owner.pubkey(),
            tab=self.reader.tab_address(view.invoice.consumer),
            device=view.invoice.device,
            invoice=invoice,
        )
        refunded = instructions.refund_invoice(passed, amount=amount, program_id=self.program_id)
        confirmed = await self.sender.send([refunded], [self.owner], label="refund invoice")
        event = self.event(confirmed, events.InvoiceRefunded)
        return RefundedInvoice(amount, event.units if event else None, confirmed)

    async def list(
        self, *, device: Pubkey | None = None, consumer: Pubkey | None = None, status: InvoiceStatus | None = None
    ) -> tuple[InvoiceView, ...]:
        """The invoices that this owner made and that are not voided, oldest first.

        Of one device, to one consumer, of one status, where these are given.
        """
        found = await self.reader.invoices(device=device, consumer=consumer, issuer=self.owner.pubkey())
        now = await self.sender.chain.unix_time()
        return tuple(view for view in found if status in (None, view.status(now)))

    async def _next_number(self, device: Pubkey) -> int:
        return max((view.invoice.number for view in await self.reader.invoices(device=device)), default=0) + 1

    async def _create(self, device: Pubkey, number: int, terms: InvoiceTerms) -> CreatedInvoice:
        address, _ = find_invoice(self.program_id, device, number)
        [held] = await self.reader.find_invoices([address])
        if held is None:
            return await self._send(device, number, terms)
        if _terms(held) != terms:
            raise InvoiceExists(f"The device has another invoice of number {number}", got=str(address))
        return CreatedInvoice(held, None)

    async def _send(self, device: Pubkey, number: int, terms: InvoiceTerms) -> CreatedInvoice:
        address, _ = find_invoice(self.program_id, device, number)
        passed = instructions.CreateInvoiceAccounts(
            payer=self.sender.fee_payer.pubkey(), owner=self.owner.pubkey(), device=device, invoice=address
        )
        created = instructions.create_invoice(passed, number=number, terms=terms, program_id=self.program_id)
        confirmed = await self.sender.send([created], [self.owner], label="create invoice")
        return CreatedInvoice(await self.reader.invoice(address), confirmed)


def _terms(view: InvoiceView) -> InvoiceTerms:
    """What an invoice that is there asks for."""
    held = view.invoice
    return InvoiceTerms(held.consumer, held.amount, held.units, held.due, held.head, held.memo)
