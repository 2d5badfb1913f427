"""The longest inputs there are: nobody can make an account or an argument so large that others' transactions stop
fitting.

Cost of trying: rent, fees or, for roots, more than half of the attestors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price

from support.consumers import entry
from support.epochs import Payee, Roots, roots_of
from support.griefing import Griefer, worth
from support.lanes import LaneState
from support.lookups import lookup_table
from support.parties import CLASS, Lane
from support.trust import AGREES
from support.trust_records import Records
from support.trust_scenes import TrustWorld, court_of
from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID
from worktab.core.merkle import payee_leaf

UNITS = 200_000
"""Compute units of an instruction that asks for no more."""
LOCKS = 64
"""Accounts that a transaction may name."""


def test_a_network_with_everything_is_created_in_one_transaction_with_a_table(
    world: TrustWorld, griefer: Griefer
) -> None:
    """Sixteen attestors and eight classes are 35 bytes too many without a lookup table; both can be added later."""
    keys = [world.keypair().pubkey() for _ in range(16)]
    classes = tuple(replace(CLASS, rate=number + 1) for number in range(8))
    terms = world.terms(attestors=tuple(keys), threshold=9, classes=classes, dispute_deposit=1, slash_bps=10_000)
    network, create = world.create_network(terms, authority=griefer.wallet, payer=griefer.key)

    table = lookup_table(world, [each.pubkey for each in create.accounts if not each.is_signer])

    result = world.send(create, payer=griefer.wallet, tables=[table])

    assert result.ok, result.logs
    assert result.size <= TRANSACTION_SIZE
    assert result.units <= UNITS
    made = world.read_network(network)
    assert (made.attestor_count, made.classes[7].rate) == (16, 8)


def test_sixteen_attestors_decide_a_dispute_as_cheaply_as_one(world: TrustWorld) -> None:
    spent = []
    for attestors, threshold in ((1, 1), (16, 9)):
        court = court_of(world, attestors=attestors, threshold=threshold)
        device, tab, records = court.device(), world.tab(court.network, 100), Records()
        dispute = world.dispute_of(device, tab, records.add())
        court.must(world.accuse(dispute, records))
        votes = [world.vote_dispute(dispute, each, AGREES) for each in court.attestors[:threshold]]
        last = [world.must(vote).units for vote in votes][-1]
        spent.append((last, world.must(world.resolve_dispute(dispute)).units))
        assert worth(world, device).bond == 1_100

    one, sixteen = spent
    assert sixteen[0] <= one[0] + 400
    assert sixteen[1] <= one[1] + 400


def test_a_claim_of_as_many_devices_as_a_transaction_may_name(world: TrustWorld) -> None:
    network = world.network()
    payout = world.keypair()
    devices = [world.device(network, payout=payout) for _ in range(LOCKS - 9)]
    world.next_epoch(network)
    for device in devices:
        world.must(world.receipt(device, 1, 10))
    claim = world.claim(devices, payout, network)
    table = lookup_table(world, [each.pubkey for each in claim.accounts])

    result = world.send(claim, tables=[table])

    assert result.ok, result.logs
    assert result.units <= UNITS
    assert world.balance(payout, network.mint) == 10 * len(devices) == 550


def test_a_batch_of_29_lanes_scattered_over_a_full_tab(world: TrustWorld) -> None:
    """Lanes between them ended, so that each is searched for."""
    network = world.network()
    device, tab = world.device(network), world.tab(network, 10_000)
    first = world.lane(tab, device, 1).nonce
    states = [LaneState(device.index, first + 2 * at, reserved=0 if at else 1) for at in range(1_024)]
    scattered = [Lane(tab, device, first + 2 * (35 * at + 7), tab.consumer) for at in range(29)]
    wanted = {lane.nonce for lane in scattered}
    world.set_lanes(tab, [each._replace(reserved=10) if each.nonce in wanted else each for each in states])
    world.patch_tab(tab, balance=10_000 - 1 - 290, nonce=first + 3_000)
    entries = [entry(lane, 10) for lane in scattered]
    table = lookup_table(world, [tab.address, INSTRUCTIONS_SYSVAR_ID, device.address])

    result = world.send(world.batch(tab, entries, [device]), tables=[table])

    assert result.ok, result.logs
    assert result.size <= TRANSACTION_SIZE
    assert result.units <= 29 * 400
    assert worth(world, device).earnings == 290


# Roots


@dataclass(frozen=True)
class Branch:
    """One leaf at position 0 of a tree of any depth, and what leads to its root."""

    payee: Payee
    siblings: tuple[bytes, ...]

    def root(self, roots: Roots) -> bytes:
        """The root, for epoch 0."""
        node = payee_leaf(roots.network.domain, 0, 0, self.payee.payout, self.payee.reward, self.payee.devices_root)
        for sibling in self.siblings:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        return node


def claims(world: TrustWorld, roots: Roots, levels: int, *, table: bool) -> tuple[bool, int]:
    """Whether the payee of a final root of so many levels is paid, and how many bytes its claim takes."""
    payee = roots.payees(100)[0]
    branch = Branch(payee, tuple(hashlib.sha256(bytes([level])).digest() for level in range(levels)))
    honest = roots.root(0, [payee])
    roots.make_final(honest)
    count = 1 if levels == 0 else (1 << (levels - 1)) + 1
    world.patch_network(roots.network, root=branch.root(roots), root_count=count)
    claim = roots.claim(honest, 0, siblings=branch.siblings)
    tables = [lookup_table(world, [each.pubkey for each in claim.accounts])] if table else []
    result = world.transmit(claim, tables=tables)
    paid = result.size <= TRANSACTION_SIZE and result.ok
    assert not paid or roots.balance(honest, 0) == 100
    return paid, result.size


@pytest.mark.parametrize(("levels", "table"), [(23, False), (29, True)])
def test_claims_fit_up_to_so_many_levels(world: TrustWorld, levels: int, table: bool) -> None:
    paid, size = claims(world, roots_of(world), levels, table=table)
    assert paid
    assert TRANSACTION_SIZE - 64 < size <= TRANSACTION_SIZE

    more, size = claims(world, roots_of(world), levels + 1, table=table)
    assert (more, size > TRANSACTION_SIZE) == (False, True)


@pytest.mark.parametrize(
    ("before", "most"),
    [(100, 1 << 22), (1 << 21, 1 << 22), ((1 << 21) + 1, (1 << 22) + 2), (1 << 26, 1 << 27), (1 << 27, 1 << 27)],
)
def test_no_root_makes_all_later_claims_too_large(world: TrustWorld, before: int, most: int) -> None:
    """Cost: more than half of the attestors, and a fee. A root of 2^32 - 1 positions would take 32 levels, which no
    transaction holds, and a count never falls: it at most doubles, once it is beyond what fits without a lookup table,
    up to what fits with one."""
    roots = roots_of(world)
    root = roots.root(0, roots.payees(100))
    roots.make_final(root)
    world.patch_network(roots.network, root_count=before)
    world.next_epoch(roots.network)
    for count in (most + 1, (1 << 32) - 1):
        lying = roots.raised(root, 1, 0).commitment(count=count)
        assert world.send(roots.commit(lying)).error_name == "InvalidCommitment"

    assert world.send(roots.commit(roots.raised(root, 1, 0).commitment(count=most))).ok


def test_fees_leave_room_for_every_longest_instruction_that_others_need(world: TrustWorld) -> None:
    """A claim among a million payees, with the two instructions that a busy cluster asks for."""
    roots = roots_of(world)
    payee = roots.payees(100)[0]
    branch = Branch(payee, tuple(hashlib.sha256(bytes([level])).digest() for level in range(20)))
    honest = roots.root(0, [payee])
    roots.make_final(honest)
    world.patch_network(roots.network, root=branch.root(roots), root_count=1 << 20)
    claim = roots.claim(honest, 0, siblings=branch.siblings)

    result = world.transmit(set_compute_unit_limit(UNITS), set_compute_unit_price(1_000), claim)

    assert result.ok
    assert result.size <= TRANSACTION_SIZE
