"""Cases of every other 64-bit number that an instruction takes: numbers, rates, capacities, limits, units, epochs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from support.edges_case import U64, Case, case
from support.edges_trust import Accusation, Trust
from support.epochs import CHALLENGE, Roots, roots_of
from support.invoices import Desk
from support.parties import CLASS
from support.world import World

LARGEST_CAPACITY: Final = 1 << 48
TIME_BEGINS: Final = -(1 << 63)
TIME_ENDS: Final = (1 << 63) - 1


@case("create_network.terms.id")
def network_id(world: World, value: int) -> Case:
    network, create = world.create_network(replace(world.terms(), id=value))
    return Case(create, read=lambda: world.read_network(network).id, wanted=value)


@case("create_network.terms.dispute_deposit")
def dispute_deposit(world: World, value: int) -> Case:
    network, create = world.create_network(world.terms(dispute_deposit=value))
    return Case(create, read=lambda: world.read_network(network).dispute_deposit, wanted=value)


def _class_case(world: World, field: str, value: int, error: str = "") -> Case:
    network, create = world.create_network(world.terms(classes=(replace(CLASS, **{field: value}),)))
    return Case(create, error, lambda: getattr(world.read_network(network).classes[0], field), value)


@case("create_network.terms.classes.rate")
def class_rate(world: World, value: int) -> Case:
    return _class_case(world, "rate", value)


@case("create_network.terms.classes.least_bond")
def class_least_bond(world: World, value: int) -> Case:
    return _class_case(world, "least_bond", value)


@case("create_network.terms.classes.budget")
def class_budget(world: World, value: int) -> Case:
    return _class_case(world, "budget", value)


@case("create_network.terms.classes.max_capacity")
def class_max_capacity(world: World, value: int) -> Case:
    return _class_case(world, "max_capacity", value, "InvalidParameter" if value > LARGEST_CAPACITY else "")


@case("register_device.terms.capacity")
def register_capacity(world: World, value: int) -> Case:
    network = world.network(fund=0, classes=(replace(CLASS, max_capacity=LARGEST_CAPACITY),))
    device, terms = world.plan(network, capacity=value)

    def read() -> object:
        return world.read_device(device).next_capacity, world.read_network(network).classes[0].next_total_capacity

    error = "CapacityTooLarge" if value > LARGEST_CAPACITY else ""
    return Case([world.possession(device), world.register(device, terms)], error, read, (value, value))


@case("update_device.update.capacity")
def update_capacity(world: World, value: int) -> Case:
    network = world.network(fund=0, classes=(replace(CLASS, max_capacity=LARGEST_CAPACITY),))
    device = world.device(network, capacity=5)

    def read() -> object:
        return world.read_device(device).next_capacity, world.read_network(network).classes[0].next_total_capacity

    error = "CapacityTooLarge" if value > LARGEST_CAPACITY else ""
    return Case(world.update(device, capacity=value), error, read, (value, value))


@case("create_invoice.number")
def invoice_number(world: World, value: int) -> Case:
    desk, device = Desk(world), world.device(world.network(fund=0))
    invoice = desk.plan(device, world.keypair().pubkey(), 1, number=value)
    return Case(desk.create(invoice), read=lambda: desk.read(invoice).number, wanted=value)


@case("create_invoice.terms.units")
def invoice_units(world: World, value: int) -> Case:
    desk, device = Desk(world), world.device(world.network(fund=0))
    invoice = desk.plan(device, world.keypair().pubkey(), 1, units=value)
    error = "InvalidParameter" if value > 1 << 48 else ""
    return Case(desk.create(invoice), error, lambda: desk.read(invoice).units, value)


def _delegate_case(world: World, field: str, value: int, **others: int) -> Case:
    tab, key = world.tab(world.network(fund=0)), world.keypair()
    terms = world.delegate_terms(key, **{field: value}, **others)
    error = "" if value else "InvalidParameter"
    return Case(world.set_delegate(tab, 1, terms), error, lambda: getattr(world.slot_of(tab), field), value)


@case("set_delegate.terms.allowance")
def delegate_allowance(world: World, value: int) -> Case:
    return _delegate_case(world, "allowance", value)


@case("set_delegate.terms.lane_limit")
def delegate_lane_limit(world: World, value: int) -> Case:
    return _delegate_case(world, "lane_limit", value)


@case("set_delegate.terms.period_limit")
def delegate_period_limit(world: World, value: int) -> Case:
    return _delegate_case(world, "period_limit", value, period_length=1)


@case("commit_epoch.commitment.epoch")
def commit_index(world: World, value: int) -> Case:
    """On a network as old as time, whose epochs last a second, in the last second there is."""
    roots = roots_of(world, epoch_length=1)
    world.patch_network(roots.network, created_at=TIME_BEGINS)
    world.now = TIME_ENDS
    commitment = roots.root(value, roots.payees(1)).commitment()
    error = "EpochNotOver" if value == U64 else ""
    return Case(roots.commit(commitment), error, lambda: roots.read(commitment).index, value)


def _statistic_case(world: World, field: str, value: int, total: str) -> Case:
    """A number that an attestor reports, and the network's own that takes it in when the root becomes final."""
    roots: Roots = roots_of(world)
    commitment = roots.commit_to(roots.root(0, roots.payees(1)), **{field: value})
    world.advance(CHALLENGE)
    return Case(roots.finalize(commitment), read=lambda: getattr(roots.read_network(), total), wanted=value)


@case("commit_epoch.commitment.units")
def commit_units(world: World, value: int) -> Case:
    return _statistic_case(world, "units", value, "root_units")


@case("commit_epoch.commitment.records_checked")
def commit_checked(world: World, value: int) -> Case:
    return _statistic_case(world, "records_checked", value, "records_checked")


@case("commit_epoch.commitment.records_failed")
def commit_failed(world: World, value: int) -> Case:
    return _statistic_case(world, "records_failed", value, "records_failed")


@case("commit_epoch.commitment.check_ms")
def commit_check_ms(world: World, value: int) -> Case:
    return _statistic_case(world, "check_ms", value, "check_ms")


@case("open_dispute.record.seq")
def disputed_seq(world: World, value: int) -> Case:
    """A device that did so many jobs, and a challenger who disputes the newest one."""
    network = world.network(fund=0, attestors=(world.keypair().pubkey(),), threshold=1, dispute_deposit=100)
    device, tab, trust = world.device(network), world.tab(network, 100), Trust(world)
    accusation = Accusation(device, tab, seq=value)
    world.patch_device(device, seq=value, head=accusation.head)
    error = "" if value else "RecordNotSigned"
    return Case(trust.accuse(accusation), error, lambda: trust.read_dispute(accusation).seq, value)
