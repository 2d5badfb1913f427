"""Money at the largest number there is, through real tokens: lanes, invoices, earnings, bonds, pools and roots."""

from __future__ import annotations

import pytest
from solders.instruction import Instruction

from support.edges_case import U64
from support.edges_money import WIDE, final_root
from support.edges_trust import Trust
from support.epochs import CHALLENGE, roots_of
from support.invoices import Desk
from support.parties import Device, Network, Tab
from support.snapshots import snapshot
from support.svm import Instructions
from support.world import World


@pytest.fixture
def network(world: World) -> Network:
    """An empty network without fees."""
    return world.network(fund=0)


@pytest.fixture
def device(world: World, network: Network) -> Device:
    return world.device(network)


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    """A tab with all the tokens there are."""
    return world.tab(network, U64)


def refused(world: World, name: str, *instructions: Instructions) -> None:
    """The transaction fails by this name, and leaves everything as it was."""
    before = snapshot(world)
    result = world.send(*instructions)
    assert result.error_name == name, result.logs
    assert snapshot(world) == before


def with_amount(instruction: Instruction, amount: int) -> Instruction:
    """The instruction, which was made for an amount of nothing, for another one."""
    data = instruction.data[:-8] + amount.to_bytes(8, "little")
    return Instruction(instruction.program_id, data, instruction.accounts)


def recycle(world: World, device: Device, tab: Tab) -> int:
    """Brings all that a device earned back to the tab: claimed, given to the consumer, deposited."""
    mint, consumer, wallet = tab.network.mint, tab.consumer.pubkey(), device.payout.pubkey()
    earned: int = world.send(world.claim([device], device.payout, tab.network)).event().amount
    deposit = with_amount(world.deposit(tab, 0), earned)
    world.must(mint.transfer(mint.account_of(wallet), mint.account_of(consumer), wallet, earned), deposit)
    return earned


def test_a_lane_that_paid_all_there_is_takes_nothing_more(world: World, device: Device, tab: Tab) -> None:
    """Paid and reserved together stay a number: a provider could not tell a voucher above it."""
    lane = world.lane(tab, device, U64)
    assert world.send(world.voucher(lane, U64 - 1, 0)).event().amount == U64 - 1
    assert recycle(world, device, tab) == U64 - 1

    refused(world, "Overflow", world.add(lane, 1))
    assert world.send(world.voucher(lane, U64, 0)).event().amount == 1
    refused(world, "Overflow", world.add(lane, 1))
    refused(world, "StaleVoucher", world.voucher(lane, U64, U64))

    # Another lane of the same device goes on.
    assert world.send(world.voucher(world.lane(tab, device, 5), 5)).event().amount == 5


def test_a_lane_one_below_takes_exactly_one_more(world: World, device: Device, tab: Tab) -> None:
    lane = world.lane(tab, device, U64 - 1)
    refused(world, "InsufficientBalance", world.add(lane, 2))
    assert world.send(world.add(lane, 1)).ok
    [held] = world.lanes(tab)
    assert (held.paid, held.reserved) == (0, U64)


def test_an_invoice_over_all_there_is_is_paid_in_parts_to_the_unit(world: World, device: Device, tab: Tab) -> None:
    desk, units = Desk(world), 1 << 48
    invoice = desk.invoice(device, tab, U64, units=units)
    sold = 0
    for paid, part in ((0, 1), (1, (1 << 63) - 1), (1 << 63, (1 << 63) - 2), (U64 - 1, 1)):
        if paid:
            refused(world, "InvoiceOverpaid", desk.pay(invoice, tab, U64 - paid + 1))
        event = desk.must(desk.pay(invoice, tab, part)).event()
        assert event.units == units * (paid + part) // U64 - units * paid // U64
        sold += event.units
    assert (sold, desk.read(invoice).paid) == (units, U64)
    refused(world, "InvoiceOverpaid", desk.pay(invoice, tab, 1))

    assert desk.must(desk.refund(invoice, tab, U64)).event().units == units
    assert (world.read_tab(tab).balance, world.read_device(device).earnings_owed) == (U64, 0)
    refused(world, "RefundTooLarge", desk.refund(invoice, tab, 1))
    refused(world, "InvoiceOverpaid", desk.pay(invoice, tab, 1))


@pytest.mark.parametrize(("fee", "burn"), [(3_000, 0), (0, 3_000), (1, 2_999), (1, 1), (0, 0)])
def test_earnings_of_all_there_is_pay_fee_and_burn_to_the_unit(world: World, fee: int, burn: int) -> None:
    network = world.network(fund=0, fee_bps=fee, burn_bps=burn)
    device, tab = world.device(network), world.tab(network, U64)
    assert world.send(world.voucher(world.lane(tab, device, U64), U64, 0)).ok

    event = Desk(world).claim(device).event()

    assert (event.fee, event.burn) == (U64 * fee // 10_000, U64 * burn // 10_000)
    assert event.amount + event.fee + event.burn == U64
    held = world.read_device(device)
    assert (held.fee_carry, held.burn_carry) == (U64 * fee % 10_000, U64 * burn % 10_000)
    assert world.read_network(network).accounted == event.fee == network.mint.balance(network.address)


def test_a_bond_of_all_there_is_is_promised_missed_and_paid(world: World) -> None:
    """What a promise holds can't leave, the rest can to the base unit, and the penalty is all that was held."""
    network = world.network(fund=0, attestors=(world.keypair().pubkey(),), threshold=1, challenge_delay=1)
    device, tab, trust = world.device(network), world.tab(network, 1 << 62), Trust(world)
    world.must(trust.bond(device, U64 - (1 << 62)))
    lane = world.lane(tab, device, 1 << 62)
    world.must(trust.promise(lane, 1 << 62, 10_000, world.now + 1))
    world.must(trust.unbond(device, U64 - (1 << 63)))
    refused(world, "BondHeld", trust.unbond(device, U64 - (1 << 63) + 1))
    world.advance(2)

    event = world.send(trust.enforce(lane)).event()

    assert (event.penalty, event.delivered) == (1 << 62, 0)
    held = world.read_device(device)
    assert (held.bond, held.bond_held, held.unbonding) == (U64 - (1 << 63), 0, U64 - (1 << 63))
    assert world.read_tab(tab).balance == 1 << 62


def test_roots_reach_all_there_is_and_stay_there(world: World) -> None:
    roots, root = final_root(world, U64)
    assert world.send(roots.claim(root, 0)).event().amount == U64
    assert roots.read_network().accounted == 0

    world.next_epoch(roots.network)
    again = roots.raised(root, 1, 0)
    roots.make_final(again)
    assert world.send(roots.claim(again, 0)).event().amount == 0

    world.next_epoch(roots.network)
    less = roots.root(2, root.payees).commitment(total=U64 - 1)
    refused(world, "InvalidCommitment", roots.commit(less))


def test_a_root_beyond_the_pool_waits_and_takes_nothing(world: World) -> None:
    roots = roots_of(world, fund=U64 - 1, classes=(WIDE,))
    commitment = roots.commit_to(roots.root(0, roots.payees(U64)))
    world.advance(CHALLENGE)

    refused(world, "PoolTooSmall", roots.finalize(commitment))
    world.must(world.fund(roots.network, 1))
    assert roots.must(roots.finalize(commitment)).event().increase == U64


def test_a_root_may_use_every_classs_budget_of_every_epoch(world: World) -> None:
    """Eight budgets as large as can be, over epochs without number: the allowance is worked out in 128 bits."""
    roots = roots_of(world, fund=U64, classes=(WIDE,) * 8, epoch_length=1)
    world.now += 1 << 34
    last = world.epoch(roots.network) - 1
    commitment = roots.commit_to(roots.root(last, roots.payees(U64)))
    world.advance(CHALLENGE)

    assert roots.must(roots.finalize(commitment)).event().increase == U64


def test_an_allowance_past_128_bits_is_a_refusal(world: World) -> None:
    """Eight such budgets, and an epoch a second for longer than the sun will shine."""
    roots = roots_of(world, fund=U64, classes=(WIDE,) * 8, epoch_length=1, challenge_delay=0, unbonding_delay=0)
    world.now = (1 << 63) - 1
    last = world.epoch(roots.network) - 1
    commitment = roots.commit_to(roots.root(last, roots.payees(1)))

    refused(world, "Overflow", roots.finalize(commitment))
