"""Cases of every amount of base units that an instruction takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from support.edges_case import U64, Case, case
from support.edges_trust import Trust
from support.epochs import CHALLENGE, Root, Roots, roots_of
from support.invoices import Desk
from support.parties import CLASS, Device, Network, Tab
from support.world import World

MEANS_NOTHING: Final = "InvalidParameter"
"""What becomes of an amount of nothing."""
WIDE: Final = replace(CLASS, budget=U64)


def scene(world: World, balance: int = U64) -> tuple[Network, Device, Tab]:
    """An empty network, a device, and a tab with this balance: all the tokens there can be unless told otherwise."""
    network = world.network(fund=0)
    return network, world.device(network), world.tab(network, balance)


def money(world: World, network: Network) -> tuple[int, int]:
    """What the ledger says the vault holds, and what it holds."""
    return world.read_network(network).accounted, network.mint.balance(network.address)


@case("fund_pool.amount")
def fund_pool(world: World, value: int) -> Case:
    network = world.network(fund=0)

    def read() -> object:
        return world.read_network(network).pool_free, *money(world, network)

    return Case(world.fund(network, value), read=read, wanted=(value, value, value))


@case("deposit.amount")
def deposit(world: World, value: int) -> Case:
    network = world.network(fund=0)
    tab = world.tab(network)

    def read() -> object:
        held = world.read_tab(tab)
        return held.balance, held.deposited, *money(world, network)

    error = "" if value else MEANS_NOTHING
    return Case(world.deposit(tab, value), error, read, (value,) * 4)


@case("withdraw.amount")
def withdraw(world: World, value: int) -> Case:
    network, _, tab = scene(world)

    def read() -> object:
        held = world.read_tab(tab)
        return held.balance, held.withdrawn, network.mint.balance(tab.consumer.pubkey()), *money(world, network)

    left = U64 - value
    error = "" if value else MEANS_NOTHING
    return Case(world.withdraw(tab, value), error, read, (left, value, value, left, left))


@case("reserve_lane.amount")
def reserve_lane(world: World, value: int) -> Case:
    _, device, tab = scene(world)

    def read() -> object:
        return world.read_tab(tab).balance, [lane.reserved for lane in world.lanes(tab)]

    error = "" if value else MEANS_NOTHING
    return Case(world.reserve(tab, device, value), error, read, (U64 - value, [value]))


@case("create_invoice.terms.amount")
def create_invoice(world: World, value: int) -> Case:
    _, device, tab = scene(world, 0)
    desk = Desk(world)
    invoice = desk.plan(device, tab.consumer.pubkey(), value)
    error = "" if value else MEANS_NOTHING
    return Case(desk.create(invoice), error, lambda: desk.read(invoice).amount, value)


@case("pay_invoice.amount")
def pay_invoice(world: World, value: int) -> Case:
    _, device, tab = scene(world)
    desk = Desk(world)
    invoice = desk.invoice(device, tab, U64, units=1 << 48)

    def read() -> object:
        sold = world.read_device(device)
        return desk.read(invoice).paid, world.read_tab(tab).balance, sold.earnings_owed, sold.units_sold

    error = "" if value else MEANS_NOTHING
    units = (value << 48) // U64
    return Case(desk.pay(invoice, tab, value), error, read, (value, U64 - value, value, units))


@case("refund_invoice.amount")
def refund_invoice(world: World, value: int) -> Case:
    _, device, tab = scene(world)
    desk = Desk(world)
    invoice = desk.sell(device, tab, U64, 1 << 48)

    def read() -> object:
        sold = world.read_device(device)
        return desk.read(invoice).refunded, world.read_tab(tab).balance, sold.earnings_owed, sold.units_sold

    left = U64 - value
    error = "" if value else MEANS_NOTHING
    return Case(desk.refund(invoice, tab, value), error, read, (value, value, left, (left << 48) // U64))


@case("claim_root.lifetime_reward")
def claim_root(world: World, value: int) -> Case:
    roots, root = final_root(world, value)
    payout = root.payee(0).payout

    def read() -> object:
        after = roots.read_network()
        return roots.watermark(0), roots.network.mint.balance(payout), after.root_owed, after.pool_owed, after.accounted

    return Case(roots.claim(root, 0), read=read, wanted=(value, value, 0, 0, U64 - value))


def final_root(world: World, total: int) -> tuple[Roots, Root]:
    """A final root with a payee who is owed so much, on a network whose pool and budget are as large as can be."""
    roots = roots_of(world, fund=U64, classes=(WIDE,))
    root = roots.root(0, roots.payees(total))
    roots.make_final(root)
    return roots, root


@case("commit_epoch.commitment.total")
def commit_total(world: World, value: int) -> Case:
    """Also made final: all of it is owed, and nothing else is left."""
    roots = roots_of(world, fund=U64, classes=(WIDE,))
    root = roots.root(0, roots.payees(1))
    commitment = roots.commit_to(root, total=value)
    world.advance(CHALLENGE)

    def read() -> object:
        after = roots.read_network()
        return after.root_total, after.root_owed, after.pool_owed, after.pool_free, after.total_rewards

    return Case(roots.finalize(commitment), read=read, wanted=(value, value, value, U64 - value, value))


@case("deposit_bond.amount")
def deposit_bond(world: World, value: int) -> Case:
    network, device, _ = scene(world, 0)
    error = "" if value else MEANS_NOTHING
    wanted = (value, value, value)
    return Case(
        Trust(world).bond(device, value),
        error,
        lambda: (world.read_device(device).bond, *money(world, network)),
        wanted,
    )


@case("withdraw_bond.amount")
def withdraw_bond(world: World, value: int) -> Case:
    """An announcement: nothing moves, and nothing leaves where it is of nothing."""
    network, device, _ = scene(world, 0)
    trust = Trust(world)
    world.must(trust.bond(device, U64))
    due = world.now + world.read_network(network).unbonding_delay

    def read() -> object:
        held = world.read_device(device)
        return held.bond, held.unbonding, held.unbonding_at, money(world, network)

    return Case(trust.unbond(device, value), read=read, wanted=(U64, value, due if value else 0, (U64, U64)))


@case("open_sla.terms.due")
def open_sla(world: World, value: int) -> Case:
    """A promise of what the lane reserves, with as much of the bond held: of all tokens there are, half at most."""
    network = world.network(fund=0, attestors=(world.keypair().pubkey(),), threshold=1)
    device = world.device(network)
    trust, half = Trust(world), 1 << 63
    world.must(trust.bond(device, half - 1))
    lane = world.lane(world.tab(network, half), device, half)

    def read() -> object:
        held = world.read_device(device)
        return held.bond_held, held.open_slas, trust.read_sla(lane).due

    error = {0: MEANS_NOTHING, half: "BondHeld", U64: "OverReserve"}.get(value, "")
    return Case(trust.promise(lane, value, 10_000, world.now + 1), error, read, (value, 1, value))
