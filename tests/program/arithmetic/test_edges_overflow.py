"""Sums of money that no number can say: each fails by name, and nothing is written.

A ledger that holds never gets there, as all of it is at most the tokens that exist. So one amount is written past every
rule, and the instruction that adds to it must refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support import changes
from support.edges_case import U64
from support.edges_trust import AGREES, DIFFERS, Accusation, Trust
from support.epochs import CHALLENGE
from support.snapshots import snapshot
from support.svm import Instructions
from support.tokens import create_mint
from support.tokens_flow import TokenFlow
from support.world import World


class Full:
    """A scene in which an amount is about to be written full."""

    def __init__(self, world: World) -> None:
        self.world, self.trust = world, Trust(world)
        self.flow = TokenFlow(world, create_mint(world))
        self.network, self.device, self.tab = self.flow.network, self.flow.device, self.flow.tab

    def movement(self, name: str) -> Instructions:
        """One of the flow's."""
        return next(each.instruction for each in self.flow.movements() if each.name == name)

    def tab_is_full(self) -> None:
        self.world.patch_tab(self.tab, balance=U64)

    def bond_is_full(self) -> None:
        self.world.patch_device(self.device, bond=U64)

    def earnings_are_full(self) -> None:
        self.world.patch_device(self.device, earnings_owed=U64)

    def is_full(self, field: str) -> None:
        self.world.patch_network(self.network, **{field: U64})

    def missed_promise(self) -> Instructions:
        """The end of an SLA that pays a penalty."""
        lane = self.world.lane(self.tab, self.device, 40)
        self.world.must(self.trust.promise(lane, 40, 10_000, self.world.now + 1))
        self.world.advance(1 + CHALLENGE)
        return self.trust.enforce(lane)

    def dispute(self, finding: int) -> Instructions:
        """The end of a dispute, with enough votes."""
        change = changes.change(12, 100, 10_000)
        self.world.must(self.world.propose(self.network, change), self.world.apply(self.network))
        accusation = Accusation(self.device, self.tab, seq=2)
        self.world.must(self.world.receipt(self.device, 2, 100, head=accusation.head))
        self.world.must(self.trust.accuse(accusation))
        self.world.must(self.trust.find(accusation, self.flow.roots.attestors[0], finding))
        return self.trust.resolve(accusation)

    def final_root(self) -> Instructions:
        """A root that adds to what is owed."""
        epoch = self.world.epoch(self.network)
        self.world.next_epoch(self.network)
        commitment = self.flow.roots.commit_to(self.flow.roots.raised(self.flow.root, epoch, 5), 1)
        self.world.advance(CHALLENGE)
        return self.flow.roots.finalize(commitment)


def fees(full: Full) -> Instructions:
    claim = full.movement("claim")
    full.is_full("fees")
    return claim


def accounted(name: str) -> Callable[[Full], Instructions]:
    def make(full: Full) -> Instructions:
        movement = full.movement(name)
        full.is_full("accounted")
        return movement

    return make


def refund(full: Full) -> Instructions:
    refund = full.flow.desk.refund(full.flow.desk.sell(full.device, full.tab, 100), full.tab, 50)
    full.tab_is_full()
    return refund


def payment(full: Full) -> Instructions:
    invoice = full.flow.desk.invoice(full.device, full.tab, 100)
    full.earnings_are_full()
    return full.flow.desk.pay(invoice, full.tab, 1)


def bond(full: Full) -> Instructions:
    deposit = full.movement("deposit_bond")
    full.bond_is_full()
    return deposit


def penalty(full: Full) -> Instructions:
    enforce = full.missed_promise()
    full.tab_is_full()
    return enforce


def deposit_to_the_bond(full: Full) -> Instructions:
    resolve = full.dispute(AGREES)
    full.bond_is_full()
    return resolve


def deposit_back(full: Full) -> Instructions:
    resolve = full.dispute(DIFFERS)
    full.tab_is_full()
    return resolve


def slash_to_the_pool(full: Full) -> Instructions:
    resolve = full.dispute(DIFFERS)
    full.is_full("pool_free")
    return resolve


def owed_by_roots(full: Full) -> Instructions:
    finalize = full.final_root()
    full.is_full("root_owed")
    return finalize


def owed_by_the_pool(full: Full) -> Instructions:
    finalize = full.final_root()
    full.is_full("pool_owed")
    return finalize


def reserve_of_a_closed_lane(full: Full) -> Instructions:
    lane = full.world.lane(full.tab, full.device, 1)
    full.tab_is_full()
    return full.world.waive(lane)


SUMS: list[Callable[[Full], Instructions]] = [
    fees,
    refund,
    payment,
    bond,
    penalty,
    deposit_to_the_bond,
    deposit_back,
    slash_to_the_pool,
    owed_by_roots,
    owed_by_the_pool,
    reserve_of_a_closed_lane,
]


def refused(full: Full, instructions: Instructions) -> None:
    before = snapshot(full.world)
    result = full.world.send(instructions, check=False)
    assert result.error_name == "Overflow", result.logs
    assert snapshot(full.world) == before


@pytest.mark.parametrize("making", SUMS, ids=lambda each: each.__name__.replace("_", " "))
def test_a_sum_past_all_numbers_fails_and_writes_nothing(world: World, making: Callable[[Full], Instructions]) -> None:
    full = Full(world)

    refused(full, making(full))


@pytest.mark.parametrize("name", ["deposit", "deposit_bond"])
def test_tokens_past_what_the_ledger_can_say_are_not_taken(world: World, name: str) -> None:
    full = Full(world)

    refused(full, accounted(name)(full))
