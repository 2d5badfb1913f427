"""Invoices: made, paid in parts, refused, disputed, refunded and ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair

from support.fleet import SOL, Fleet
from worktab.core.errors import InputError, VerificationError
from worktab.core.invoices import SignedDispute, memo_hash
from worktab.core.messages import Message
from worktab.program.generated import errors
from worktab.program.generated.accounts import Invoice
from worktab.roles.checking import Misfit
from worktab.roles.consumer import Consumer
from worktab.roles.device import Device
from worktab.roles.errors import DeviceNotFound, InvoiceDisputed, InvoiceExists, InvoiceNotFound
from worktab.roles.invoices import InvoiceStatus, InvoiceView
from worktab.roles.invoicing import CreatedInvoice, Issuer, VoidedInvoice
from worktab.roles.outcomes import PaidInvoice
from worktab.testing.chains import sender_for


async def asked(fleet: Fleet, funds: int = 1_000, **terms: Any) -> tuple[Consumer, Device, Issuer, CreatedInvoice]:
    """An invoice of 100 base units for 30 units, to a consumer with `funds`."""
    owner, consumer = fleet.owner(), await fleet.consumer(funds)
    device = await fleet.device(owner=owner)
    issuer = Issuer(fleet.sender, fleet.network, owner.owner)
    fields: dict[str, Any] = {"consumer": consumer.consumer, "amount": 100, "units": 30} | terms
    return consumer, device, issuer, await issuer.create(device.device, **fields)


async def test_an_invoice_is_paid_in_parts(fleet: Fleet) -> None:
    consumer, device, _, made = await asked(fleet)
    vault = await fleet.vault()
    assert (made.number, made.view.outstanding) == (1, 100)
    first = await consumer.pay_invoice(made.view, 34)
    assert (first.amount, first.outstanding) == (34, 66)
    after = await fleet.read(device.device)
    assert (after.earnings_owed, after.units_sold) == (34, 10)
    with pytest.raises(errors.InvoiceOverpaid):
        await consumer.pay_invoice(made.view, 67)
    # The view of before will do: its terms are the same.
    rest = await consumer.pay_invoice(made.view)
    assert (rest.amount, rest.outstanding) == (66, 0)
    assert await consumer.pay_invoice(made.view) == PaidInvoice(0, 0, None)

    after, view = await fleet.read(device.device), await consumer.tab()
    assert (after.earnings_owed, after.units_sold, view.tab.balance, view.spent) == (100, 30, 900, 100)
    assert await fleet.vault() == vault
    assert (await consumer.reader.invoice(made.address)).status(0) is InvoiceStatus.PAID
    assert (await fleet.operator.ledger()).holds


async def test_swapped_terms_are_not_paid(fleet: Fleet) -> None:
    consumer, device, issuer, made = await asked(fleet)
    await issuer.void(made.address)
    again = await issuer.create(device.device, consumer=consumer.consumer, amount=900, units=30, number=made.number)
    assert again.address == made.address
    with pytest.raises(errors.TermsChanged):
        await consumer.pay_invoice(made.view)
    assert Misfit.CHANGED in await consumer.check_invoice(made.view)
    # The same terms again are another invoice: made in another slot.
    await issuer.void(made.address)
    same = await issuer.create(device.device, consumer=consumer.consumer, amount=100, units=30, number=made.number)
    with pytest.raises(errors.TermsChanged):
        await consumer.pay_invoice(made.view)
    assert (await consumer.tab()).tab.balance == 1_000
    assert (await consumer.pay_invoice(same.view)).amount == 100


async def test_a_delegate_pays_within_its_limits(fleet: Fleet) -> None:
    consumer, _, _, made = await asked(fleet)
    agent = Keypair()
    await consumer.set_delegate(agent.pubkey(), allowance=60)
    payer = Consumer(fleet.sender, fleet.network, agent, tab_of=consumer.consumer)
    with pytest.raises(errors.AllowanceExceeded):
        await payer.pay_invoice(made.view)
    assert (await payer.pay_invoice(made.view, 60)).outstanding == 40
    [delegate] = (await consumer.spending()).delegates
    assert (delegate.allowance, (await consumer.tab()).tab.balance) == (0, 940)
    with pytest.raises(errors.Unauthorized):
        await payer.dispute_invoice(made.view, "Not mine")


async def test_an_invoice_nobody_can_pay_for_is_not_paid(fleet: Fleet) -> None:
    consumer, _, issuer, made = await asked(fleet, funds=99)
    with pytest.raises(errors.InsufficientBalance):
        await consumer.pay_invoice(made.view)
    stranger = await fleet.consumer(500)
    with pytest.raises(errors.WrongParty):
        await stranger.pay_invoice(made.view)
    await issuer.void(made.address)
    with pytest.raises(InvoiceNotFound) as gone:
        await consumer.pay_invoice(made.view)
    assert gone.value.code == "invoice_not_found"


async def test_two_keys_that_pay_the_rest_at_once_pay_it_once(fleet: Fleet) -> None:
    consumer, device, _, made = await asked(fleet)
    late = Consumer(fleet.sender, fleet.network, consumer.key)
    known, left = late.reader.invoice, 1

    async def before(address: Any) -> InvoiceView:
        nonlocal left
        if left:
            left -= 1
            await consumer.pay_invoice(made.view)
            return made.view
        return await known(address)

    late.reader.invoice = before  # type: ignore[method-assign]
    assert await late.pay_invoice(made.view) == PaidInvoice(0, 0, None)
    assert ((await fleet.read(device.device)).earnings_owed, (await consumer.tab()).tab.balance) == (100, 900)


async def test_numbers_are_chosen_and_may_come_again(fleet: Fleet) -> None:
    consumer, device, issuer, first = await asked(fleet)
    terms: dict[str, Any] = {"consumer": consumer.consumer, "amount": 5}
    assert [first.number, (await issuer.create(device.device, **terms)).number] == [1, 2]
    assert (await issuer.create(device.device, **terms, number=9)).number == 9
    last = await issuer.create(device.device, **terms)
    assert last.number == 10
    await issuer.void(last.address)
    assert (await issuer.create(device.device, **terms)).number == 10

    # With a number a repeat finds what is there, and other terms are told apart.
    again = await issuer.create(device.device, **terms, number=9)
    assert (again.number, again.confirmed) == (9, None)
    with pytest.raises(InvoiceExists) as exists:
        await issuer.create(device.device, consumer=consumer.consumer, amount=6, number=9)
    assert exists.value.code == "invoice_exists"
    with pytest.raises(DeviceNotFound):
        await issuer.create(Keypair().pubkey(), **terms)
    with pytest.raises(errors.Unauthorized):
        await Issuer(fleet.sender, fleet.network, Keypair()).create(device.device, **terms)
    with pytest.raises(errors.InvalidParameter):
        await issuer.create(device.device, consumer=consumer.consumer, amount=0)


async def test_a_number_that_another_takes_meanwhile_is_not_insisted_on(fleet: Fleet) -> None:
    consumer, device, issuer, _ = await asked(fleet)
    terms: dict[str, Any] = {"consumer": consumer.consumer, "amount": 5}

    class Slow(Issuer):
        """Another process makes an invoice between the look and the sending."""

        taken = False

        async def _next_number(self, device_address: Any) -> int:
            number = await super()._next_number(device_address)
            if not self.taken:
                self.taken = True
                assert (await issuer.create(device.device, **terms)).number == number
            return number

    assert (await Slow(fleet.sender, fleet.network, issuer.owner).create(device.device, **terms)).number == 3


async def test_the_fee_payer_pays_the_rent_and_gets_it_back(fleet: Fleet) -> None:
    sponsor = Keypair()
    await fleet.airdrop(sponsor.pubkey(), SOL)
    owner, consumer = fleet.owner(), await fleet.consumer()
    device = await fleet.device(owner=owner)
    issuer = Issuer(sender_for(fleet.chain, sponsor), fleet.network, owner.owner)
    made = await issuer.create(device.device, consumer=consumer.consumer, amount=7, memo="Invoice 7")
    assert made.confirmed is not None
    assert made.confirmed.fee is not None
    rent = await fleet.chain.rent_exempt(Invoice.SIZE)
    assert await fleet.lamports(sponsor.pubkey()) == SOL - rent - made.confirmed.fee
    assert made.view.invoice.memo == memo_hash("Invoice 7")

    await consumer.pay_invoice(made.view, 3)
    voided = await issuer.void(made.address)
    assert voided.confirmed is not None
    assert voided.confirmed.fee is not None
    assert voided.paid == 3
    assert await fleet.lamports(sponsor.pubkey()) == SOL - made.confirmed.fee - voided.confirmed.fee
    assert await issuer.void(made.address) == VoidedInvoice(None, None)
    assert (await fleet.read(device.device)).earnings_owed == 3
    assert await fleet.lamports(owner.owner.pubkey()) == 0


async def test_a_refund_comes_out_of_unclaimed_earnings(fleet: Fleet) -> None:
    consumer, device, issuer, made = await asked(fleet)
    await consumer.pay_invoice(made.view, 80)
    refunded = await issuer.refund(made.address, 50)
    assert (refunded.amount, refunded.units) == (50, 15)
    after, view = await fleet.read(device.device), await consumer.tab()
    assert (after.earnings_owed, after.units_sold, view.tab.balance, view.spent) == (30, 9, 970, 30)
    # It does not open the invoice again.
    assert (await consumer.reader.invoice(made.address)).outstanding == 20
    with pytest.raises(errors.RefundTooLarge):
        await issuer.refund(made.address, 31)
    await fleet.owner(issuer.owner).claim()
    with pytest.raises(errors.RefundTooLarge):
        await issuer.refund(made.address, 1)
    with pytest.raises(InvoiceNotFound):
        await issuer.refund(device.device, 1)
    assert (await fleet.operator.ledger()).holds


async def test_invoices_are_listed(fleet: Fleet) -> None:
    consumer, device, issuer, first = await asked(fleet)
    other = await fleet.consumer(0)
    due = await fleet.clock.now() + 600
    second = await issuer.create(device.device, consumer=other.consumer, amount=5, due=due)
    elsewhere = await fleet.device(owner=fleet.owner(issuer.owner))
    third = await issuer.create(elsewhere.device, consumer=consumer.consumer, amount=6)
    _, _, _, foreign = await asked(fleet)
    await consumer.pay_invoice(first.view, 1)
    await consumer.pay_invoice(third.view)

    async def addresses(**wanted: Any) -> list[Any]:
        return [view.address for view in await issuer.list(**wanted)]

    assert await addresses() == [first.address, second.address, third.address]
    assert await addresses(device=device.device) == [first.address, second.address]
    assert await addresses(consumer=consumer.consumer) == [first.address, third.address]
    assert await addresses(status=InvoiceStatus.PARTLY) == [first.address]
    assert await addresses(status=InvoiceStatus.OPEN) == [second.address]
    assert await addresses(status=InvoiceStatus.PAID) == [third.address]
    await fleet.clock.set_time(due)
    assert await addresses(status=InvoiceStatus.OVERDUE) == [second.address]
    assert len(await consumer.reader.invoices()) == 4
    assert foreign.address in [view.address for view in await consumer.reader.invoices()]
    with pytest.raises(InvoiceNotFound, match="There is no invoice"):
        await consumer.reader.invoice(device.device)


async def test_what_does_not_fit_an_invoice_is_told(fleet: Fleet) -> None:
    consumer, device, issuer, made = await asked(fleet, head=b"w" * 32, memo="March")
    await fleet.next_epoch()
    await device.submit(*await fleet.receipt(device, 1, 30, head=b"w" * 32))
    lane = await consumer.reserve(device.device, 100)
    same = await fleet.voucher(consumer, device, lane.nonce, amount=9, units=3, head=b"w" * 32)
    other = await fleet.voucher(consumer, device, lane.nonce, amount=9, units=3, head=b"x" * 32)
    message = Message.receipt(b"c" * 32, 2, 60, 1, b"x" * 32)

    async def findings(by: Consumer = consumer, **evidence: Any) -> tuple[Misfit, ...]:
        return await by.check_invoice(made.view, **evidence)

    assert await findings() == ()
    assert await findings(vouchers=[other], memo="March") == ()
    assert await findings(vouchers=[other, same]) == (Misfit.VOUCHERS,)
    assert await findings(memo="April") == (Misfit.OTHER_MEMO,)
    assert await findings(receipt=message) == (Misfit.OTHER_HEAD,)
    assert await findings(await fleet.consumer(0)) == (Misfit.OTHER_CONSUMER,)
    await fleet.next_epoch()
    await device.submit(*await fleet.receipt(device, 2, 60, head=b"x" * 32))
    assert await findings() == (Misfit.OTHER_HEAD,)
    assert await findings(receipt=replace(message, head=b"w" * 32)) == ()

    await consumer.pay_invoice(made.view)
    assert await findings() == (Misfit.PAID, Misfit.OTHER_HEAD)
    await issuer.void(made.address)
    assert await findings() == (Misfit.GONE, Misfit.OTHER_HEAD)
    due = await fleet.clock.now() + 60
    late = await issuer.create(device.device, consumer=consumer.consumer, amount=5, due=due)
    assert await consumer.check_invoice(late.view) == ()
    await fleet.clock.set_time(due)
    assert await consumer.check_invoice(late.view) == (Misfit.OVERDUE,)
    owner = fleet.owner(issuer.owner)
    await owner.claim()
    assert (await owner.retire(device.device)).closed
    assert await consumer.check_invoice(late.view) == (Misfit.OTHER_DEVICE, Misfit.OVERDUE)


async def test_a_disputed_invoice_is_not_paid(fleet: Fleet) -> None:
    consumer, device, issuer, made = await asked(fleet)
    domain = await consumer.reader.domain()
    dispute = await consumer.dispute_invoice(made.view, "We never bought this")
    dispute.verify(domain)
    assert (dispute.invoice, dispute.terms) == (made.address, made.view.invoice.terms)
    with pytest.raises(InvoiceDisputed) as refused:
        await consumer.pay_invoice(made.view, disputed=[dispute])
    assert refused.value.code == "invoice_disputed"

    # It stands for these terms alone.
    await issuer.void(made.address)
    better = await issuer.create(device.device, consumer=consumer.consumer, amount=5, number=made.number)
    assert (await consumer.pay_invoice(better.view, disputed=[dispute])).amount == 5
    with pytest.raises(errors.WrongParty):
        await (await fleet.consumer(0)).dispute_invoice(better.view, "Not mine")
    with pytest.raises(InputError):
        await consumer.dispute_invoice(better.view, "")
    forged = SignedDispute.from_json(dispute.to_json() | {"reason": "We bought this"})
    with pytest.raises(VerificationError):
        forged.verify(domain)
