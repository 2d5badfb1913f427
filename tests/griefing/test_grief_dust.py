"""Dust: base units, lamports and accounts that nobody asked for. Cost: the dust itself, which becomes the victim's."""

from __future__ import annotations

import pytest

from support.griefing import SIGNATURE, Griefer, in_use, later_slot, money, working
from support.invoices import Desk
from support.parties import Network
from support.trust_scenes import UNBONDING, Court, TrustWorld
from worktab.program.generated import accounts as state


def test_a_deposit_of_dust_keeps_a_tab_open_until_its_consumer_takes_it(
    world: TrustWorld, griefer: Griefer, network: Network
) -> None:
    """Cost: 1 base unit, which the consumer gets, and a fee. The consumer withdraws and closes in one transaction."""
    tab = world.tab(network, 0)
    later_slot(world)

    griefer.attack(world.deposit(tab, 1, depositor=griefer.wallet))

    assert world.send(world.close_tab(tab)).error_name == "TabNotEmpty"
    assert world.send(world.withdraw(tab, 1), world.close_tab(tab)).ok
    assert world.balance(tab.consumer, network.mint) == 1
    assert world.account(tab.address) is None
    assert griefer.spent == SIGNATURE
    assert network.mint.balance(griefer.key) == 0


def test_dust_that_lands_before_every_close_costs_more_than_it_delays(
    world: TrustWorld, griefer: Griefer, network: Network
) -> None:
    """Cost: 1 base unit and a fee for each close that fails. The victim gets every base unit and loses only fees."""
    tab = world.tab(network, 500)
    later_slot(world)
    left = 500
    for attempt in range(5):
        griefer.attack(world.deposit(tab, 1, depositor=griefer.wallet))
        closing = world.send(world.withdraw(tab, left), world.close_tab(tab))
        assert closing.error_name == "TabNotEmpty", attempt
        left += 1

    assert money(world, tab) == (505, 0)
    assert world.send(world.withdraw(tab, 505), world.close_tab(tab)).ok
    assert world.balance(tab.consumer, network.mint) == 505
    assert griefer.spent == 5 * SIGNATURE


def test_tokens_sent_to_the_vault_become_the_pools(world: TrustWorld, griefer: Griefer, network: Network) -> None:
    """Cost: the tokens. Nothing is refused because of them, and anybody credits them to the pool."""
    source = network.mint.open(griefer.key, 777)
    before = world.read_network(network)
    tab = world.tab(network, 500)

    griefer.attack(network.mint.transfer(source, network.vault, griefer.key, 777))

    assert world.send(world.withdraw(tab, 500)).ok
    assert world.read_network(network).pool_free == before.pool_free
    assert world.send(world.fund(network, 0)).ok
    after = world.read_network(network)
    assert (after.pool_free, after.accounted) == (before.pool_free + 777, before.accounted + 777)


def test_a_strangers_bond_is_refused(world: TrustWorld, griefer: Griefer, court: Court) -> None:
    """Cost: a fee. A base unit of a stranger's would keep a device that retires from closing."""
    device = court.device(0)

    refused = griefer.attempt(world.deposit_bond(device, 1, depositor=griefer.wallet))

    assert refused.error_name == "Unauthorized"
    assert world.must(world.retire(device)).event().closed
    assert griefer.spent == SIGNATURE


def test_invoices_by_the_dozen_touch_nothing_of_the_consumers(
    world: TrustWorld, griefer: Griefer, desk: Desk, network: Network
) -> None:
    """Cost: an invoice's rent and a fee for each, the rent back once it is voided. The consumer's tab is not even
    read."""
    device = world.device(network, owner=griefer.wallet)
    victim = world.tab(network, 1_000)
    before = world.data(victim.address)
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Invoice.SIZE)

    made = [desk.plan(device, victim.consumer.pubkey(), 10**15) for _ in range(30)]
    for invoice in made:
        griefer.attack(desk.create(invoice, payer=griefer.key))

    assert griefer.spent == 30 * (rent + SIGNATURE)
    assert world.data(victim.address) == before
    # Nobody but the consumer pays: neither who made it, nor a part of it.
    stolen = griefer.attempt(desk.pay(made[0], victim, 1, signer=griefer.key))
    assert stolen.error_name == "Unauthorized"
    assert world.send(world.withdraw(victim, 1_000)).ok
    later_slot(world)
    assert world.send(world.close_tab(victim)).ok


def test_claims_with_nothing_owed_change_nothing(world: TrustWorld, griefer: Griefer, court: Court) -> None:
    """Cost: a fee each. The next claim pays as if there had been none."""
    device = working(court, units=70)
    idle = court.device(0, payout=device.payout)
    before = world.data(idle.address), world.data(court.network.address)

    for _ in range(5):
        griefer.attack(world.claim([idle], device.payout, court.network))

    assert (world.data(idle.address), world.data(court.network.address)) == before
    assert world.send(world.claim([device], device.payout, court.network)).ok
    assert world.balance(device.payout, court.network.mint) == 70
    assert griefer.spent == 5 * SIGNATURE


def test_an_opened_tab_is_not_opened_again_to_empty_it(world: TrustWorld, griefer: Griefer, network: Network) -> None:
    """Cost: a fee. Whoever opens, the consumer signs."""
    tab = world.tab(network, 500)

    assert in_use(griefer.attempt(world.open_tab(tab, payer=griefer.key)))

    assert money(world, tab) == (500, 0)


@pytest.mark.parametrize("depth", [0, 9])
def test_dust_in_a_payout_account_changes_no_claim(
    world: TrustWorld, griefer: Griefer, court: Court, depth: int
) -> None:
    """Cost: the dust. A claim adds to whatever is there."""
    device = working(court, units=70)
    account = court.network.mint.account_of(device.payout.pubkey())
    source = court.network.mint.open(griefer.key, 10)
    for _ in range(depth + 1):
        griefer.attack(court.network.mint.transfer(source, account, griefer.key, 1))

    assert world.send(world.claim([device], device.payout, court.network)).ok

    assert world.balance(device.payout, court.network.mint) == 70 + depth + 1


def test_a_device_given_to_somebody_who_did_not_ask_is_a_present(
    world: TrustWorld, griefer: Griefer, court: Court, desk: Desk
) -> None:
    """Cost: the device, its rent and its bond. The new owner owes nothing by it, may take the bond and close it; what
    it had bought of the device stays a sale to a stranger, what it buys from then on is one to itself."""
    device = court.device(500, owner=griefer.wallet)
    tab = world.tab(court.network, 300)
    desk.sell(device, tab, 100, 10)
    griefer.attack(world.update(device, new_owner=tab.consumer.pubkey()))

    desk_owner = tab.consumer.pubkey()
    later = desk.plan(device, desk_owner, 100, units=10)
    world.must(desk.create(later, owner=desk_owner), desk.pay(later, tab, 100))

    held = world.read_device(device)
    assert (held.units_sold, held.units_self_sold) == (20, 10)
    assert money(world, tab) == (100, 0)
    refused = griefer.attempt(world.withdraw_bond(device, 500))
    assert refused.error_name == "Unauthorized"
    world.must(world.withdraw_bond(device, 500, owner=desk_owner))
    world.advance(UNBONDING)
    assert world.send(world.withdraw_bond(device, owner=desk_owner)).ok
    assert world.balance(tab.consumer, court.network.mint) == 500
