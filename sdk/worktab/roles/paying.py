"""Who may spend from a tab, and how it pays, checks and disputes invoices."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from worktab.chain.sending import Sender
from worktab.core.invoices import SignedDispute
from worktab.core.messages import Message
from worktab.core.vouchers import SignedVoucher
from worktab.program.generated import PROGRAM_ID, instructions
from worktab.program.generated.errors import InvoiceOverpaid, Unauthorized, WrongParty
from worktab.roles.base import Role
from worktab.roles.checking import Facts, Misfit, misfits
from worktab.roles.errors import InvoiceDisputed
from worktab.roles.invoices import InvoiceView
from worktab.roles.outcomes import PaidInvoice
from worktab.roles.tabs import TabView


class Payer(Role):
    """Spends from one consumer's tab; what `Consumer` is made of.

    key          the consumer's, or a delegate's
    consumer     whose tab it is
    tab_address  the tab
    """

    def __init__(
        self,
        sender: Sender,
        network: Pubkey,
        key: Keypair,
        *,
        tab_of: Pubkey | None = None,
        program_id: Pubkey = PROGRAM_ID,
    ) -> None:
        super().__init__(sender, network, program_id=program_id)
        self.key = key
        self.consumer = tab_of or key.pubkey()
        self.tab_address = self.reader.tab_address(self.consumer)

    async def tab(self) -> TabView:
        """The tab. Raises `TabNotFound`, `WrongCluster`."""
        return await self.reader.tab(self.consumer)

    async def check_invoice(
        self,
        view: InvoiceView,
        *,
        vouchers: Sequence[SignedVoucher] = (),
        receipt: Message | None = None,
        memo: str | None = None,
    ) -> tuple[Misfit, ...]:
        """What does not fit about an invoice; empty where all does. Whether to pay is for the caller to say.

        vouchers  those that this consumer signed, which may pay for the same work already
        receipt   the device's receipt over the work; by default its newest on chain counts
        memo      the text that the parties agreed on
        """
        device_address = view.invoice.device
        [current] = await self.reader.find_invoices([view.address])
        [device] = await self.reader.find_devices([device_address])
        facts = Facts(await self.reader.domain(), current, device, await self.sender.chain.unix_time())
        return misfits(view, facts, consumer=self.consumer, vouchers=vouchers, receipt=receipt, memo=memo)

    async def pay_invoice(
        self, view: InvoiceView, amount: int | None = None, *, disputed: Collection[SignedDispute] = ()
    ) -> PaidInvoice:
        """Pay `amount` base units on an invoice, by default all that is left of it, out of the tab's balance.

        view      the invoice as it was looked at: the payment names the hash of these very terms, so that nobody can
                  put others in their place
        disputed  disputes of this consumer; an invoice among them is not paid

        An invoice that is paid already is a success where no amount is named; with one, a repeat pays again, though
        never beyond the invoice's amount. Raises `InvoiceNotFound` (never made, or voided), `InvoiceDisputed`,
        `TermsChanged`, `InsufficientBalance`, and a delegate's limits.
        """
        terms = view.terms(await self.reader.domain())
        if any((each.invoice, each.terms) == (view.address, terms) for each in disputed):
            raise InvoiceDisputed(f"Invoice {view.address} is disputed", got="a dispute of these terms")
        current = await self.reader.invoice(view.address)
        wanted = current.outstanding if amount is None else amount
        if amount is None and not wanted:
            return PaidInvoice(0, 0, None)
        passed = instructions.PayInvoiceAccounts(
            signer=self.key.pubkey(), tab=self.tab_address, device=view.invoice.device, invoice=view.address
        )
        paid = instructions.pay_invoice(passed, amount=wanted, terms=terms, program_id=self.program_id)
        try:
            confirmed = await self.sender.send([paid], [self.key], label="pay invoice")
        except InvoiceOverpaid:
            # Another key of the same tab may have paid meanwhile.
            if amount is not None or (await self.reader.invoice(view.address)).outstanding:
                raise
            return PaidInvoice(0, 0, None)
        [left] = await self.reader.find_invoices([view.address])
        return PaidInvoice(wanted, left.outstanding if left else 0, confirmed)

    async def dispute_invoice(self, view: InvoiceView, reason: str) -> SignedDispute:
        """Sign for the issuer that this invoice is not accepted, and why. It stays off the chain.

        Raises `Unauthorized` for a delegate, `WrongParty` for an invoice to somebody else, and `InputError` for a
        reason that is empty or too long.
        """
        self._require_consumer()
        if view.invoice.consumer != self.consumer:
            raise WrongParty(expected=str(view.invoice.consumer), got=str(self.consumer))
        domain = await self.reader.domain()
        return SignedDispute.sign(self.key, domain, view.address, view.terms(domain), reason)

    def _require_consumer(self) -> None:
        """Refuses what a delegate may not do."""
        if self.key.pubkey() != self.consumer:
            raise Unauthorized(expected=f"the consumer {self.consumer}", got=f"the delegate {self.key.pubkey()}")
