"""Cranking against people: claims at bad moments, accounts that break claims, payments that cross refunds and voids."""

from __future__ import annotations

from support.consumers import entry
from support.demand import demand, leave, waiting
from support.earning import burning
from support.griefing import SIGNATURE, Griefer, later_slot, money, worth
from support.invoices import Desk
from support.parties import Network
from support.payouts import Payout, closed, frozen
from support.trust_scenes import Court, TrustWorld
from worktab.program.generated.types import ClaimEntry

PAID, UNPAYABLE = 0, 5


def test_broken_accounts_among_twenty_stop_nobody_elses_claim(world: TrustWorld, network: Network) -> None:
    """Cost to whoever breaks its own account: its own pay waits. The other nineteen are paid in the same
    transactions."""
    devices = [world.device(network) for _ in range(20)]
    world.next_epoch(network)
    for device in devices:
        world.must(world.receipt(device, 1, 10))
    broken = {3: closed, 11: frozen}
    for place, breaking in broken.items():
        breaking(Payout(world, network.mint, devices[place].payout))

    for start in range(0, 20, 4):
        group = devices[start : start + 4]
        assert world.send([world.claim([each], each.payout, network) for each in group]).ok

    paid = [world.balance(each.payout, network.mint) for each in devices]
    assert paid == [0 if place in broken else 10 for place in range(20)]
    owed = [world.read_device(each).rewards_owed for each in devices]
    assert owed == [10 if place in broken else 0 for place in range(20)]


def test_a_strangers_device_in_a_claim_is_skipped(world: TrustWorld, griefer: Griefer, network: Network) -> None:
    """Cost: a fee. A claim that names devices of others, closed ones and none pays its own and takes nothing."""
    mine, other, gone = (world.device(network) for _ in range(3))
    world.must(world.retire(gone))
    world.next_epoch(network)
    for device in (mine, other):
        world.must(world.receipt(device, 1, 10))

    event = griefer.attack(world.claim([other, gone, mine, mine], mine.payout, network)).event()

    assert event.amount == 10
    assert worth(world, mine).wallet == 10
    assert (worth(world, other).wallet, worth(world, other).rewards) == (0, 10)
    assert griefer.spent == SIGNATURE


def test_a_claim_at_a_bad_moment_costs_no_reward_on_basis_2(world: TrustWorld, griefer: Griefer, desk: Desk) -> None:
    """Cost: a fee. What the epoch's budget cuts off waits, and is paid later: together what an undisturbed claim
    pays."""
    network = demand(world)
    device, tab = world.device(network), world.tab(network, 100_000)
    world.next_epoch(network)
    desk.sell(device, tab, 10_000, 600)
    leave(world, network, 200)

    griefer.attack(burning(world.claim([device], device.payout, network), network))

    assert waiting(world, device)[:2] == (400, 400)
    world.next_epoch(network)
    assert desk.claim(device).ok
    assert waiting(world, device)[:2] == (0, 0)
    assert world.balance(device.payout, network.mint) == 10_000 - 1_500 + 600


def test_claims_of_single_base_units_lose_nothing_to_rounding(world: TrustWorld, griefer: Griefer, desk: Desk) -> None:
    """Cost: a fee each. Fee and burn carry their parts: many claims take what one takes."""
    networks = [world.network(fee_bps=333, burn_bps=77) for _ in range(2)]
    totals = []
    for network, parts in zip(networks, ([1] * 40, [40]), strict=True):
        device, tab = world.device(network), world.tab(network, 40)
        for amount in parts:
            desk.sell(device, tab, amount)
            griefer.attack(burning(world.claim([device], device.payout, network), network))
        totals.append(world.balance(device.payout, network.mint))

    assert totals == [39, 39]


def test_a_claim_before_a_refund_moves_the_refund_to_later_earnings(
    world: TrustWorld, griefer: Griefer, desk: Desk, network: Network
) -> None:
    """Cost: a fee. The owner has the money in its wallet instead, and refunds out of what is earned next, or by
    hand."""
    device, tab, other = world.device(network), world.tab(network, 100), world.tab(network, 100)
    invoice = desk.sell(device, tab, 100)
    griefer.attack(world.claim([device], device.payout, network))

    assert world.send(desk.refund(invoice, tab, 100)).error_name == "RefundTooLarge"
    assert (world.balance(device.payout, network.mint), money(world, tab)) == (100, (0, 0))

    desk.sell(device, other, 100)
    assert world.send(desk.refund(invoice, tab, 100)).ok
    assert money(world, tab) == (100, 0)
    assert worth(world, device).total == 100


def test_an_invoice_voided_as_the_payment_lands_takes_nothing(world: TrustWorld, desk: Desk, network: Network) -> None:
    """Cost to the issuer: the sale. The payment fails as a whole; one that landed before stays paid."""
    device, tab = world.device(network), world.tab(network, 100)
    invoice = desk.invoice(device, tab, 100)
    later_slot(world)
    payment = desk.pay(invoice, tab, 60)
    assert world.send(payment).ok
    world.must(desk.void(invoice))

    assert world.send(payment).error_name == "AccountDataTooSmall"

    assert money(world, tab) == (40, 0)
    assert worth(world, device).earnings == 60


def test_one_bad_lane_fails_its_batch_and_is_left_out_of_the_next(
    world: TrustWorld, griefer: Griefer, network: Network
) -> None:
    """Cost to the consumer: nothing, it reserved too little. The batch fails as a whole; whoever settles leaves that
    device out and everybody else is paid with the same signature."""
    devices = [world.device(network) for _ in range(5)]
    tab = griefer.tab(network, 1_000)
    lanes = [world.lane(tab, device, 10 if place == 2 else 100) for place, device in enumerate(devices)]
    entries = [entry(lane, 50) for lane in lanes]

    assert world.send(world.batch(tab, entries, devices)).error_name == "OverReserve"
    assert [worth(world, each).earnings for each in devices] == [0] * 5
    good = [each for place, each in enumerate(devices) if place != 2]
    assert world.send(world.batch(tab, entries, good)).ok

    assert [worth(world, each).earnings for each in devices] == [50, 50, 0, 50, 50]
    assert money(world, tab)[1] == 410 - 200


def test_a_batch_by_a_stranger_skips_no_device_for_good(world: TrustWorld, griefer: Griefer, network: Network) -> None:
    """Cost: fees. Whoever settles a batch for some of its devices leaves it as good as before for the others."""
    devices = [world.device(network) for _ in range(3)]
    tab = world.tab(network, 1_000)
    lanes = [world.lane(tab, device, 100) for device in devices]
    entries = [entry(lane, 50) for lane in lanes]

    griefer.attack(world.batch(tab, entries, devices[:1]))
    assert world.send(world.batch(tab, entries, devices)).ok

    assert [worth(world, each).earnings for each in devices] == [50, 50, 50]


def test_a_claim_to_an_account_made_for_the_wallet_by_a_stranger_is_its_own(
    world: TrustWorld, griefer: Griefer, court: Court
) -> None:
    """Cost: a token account's rent. Whoever opens the wallet's account, only the wallet spends from it."""
    device, terms = world.plan(court.network, open_payout=False)
    court.must(world.possession(device), world.register(device, terms))
    world.next_epoch(court.network)
    court.must(world.receipt(device, 1, 10))
    claim = world.claim([device], device.payout, court.network)
    skipped = world.send(claim).event()
    assert (skipped.amount, skipped.entries) == (0, (ClaimEntry(device.index, 10, 0, UNPAYABLE),))

    court.network.mint.open(device.payout.pubkey())

    assert world.send(claim).event().entries == (ClaimEntry(device.index, 10, 0, PAID),)
    assert worth(world, device).wallet == 10
