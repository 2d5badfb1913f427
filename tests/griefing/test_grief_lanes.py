"""Lanes filled with dust, nonces and slots used up: what an untrue delegate can do to its consumer, and what it
can't."""

from __future__ import annotations

from dataclasses import replace

from support.consumers import CLOSE_DELAY, LANE_RENT
from support.griefing import SIGNATURE, Griefer, later_slot, money
from support.lanes import LaneState
from support.parties import Lane, Network
from support.trust_scenes import TrustWorld

LANES = 1_024
A_TRANSACTION = 24
"""Lanes that fit one transaction, opened or ended."""


def test_a_delegate_fills_a_tab_and_the_consumer_clears_it(
    world: TrustWorld, griefer: Griefer, network: Network
) -> None:
    """Cost: 1,024 base units of its own allowance, a lane's rent each, which the consumer's sponsor gets, and fees. No
    new lane fits until the consumer's second call a lane delay later; lanes that were there work on; nothing is
    lost."""
    device = world.device(network)
    tab = world.tab(network, 10_000)
    mine = world.lane(tab, device, 5_000)
    world.must(world.set_delegate(tab, 1, world.delegate_terms(griefer.wallet, allowance=1_500)))
    dust = world.reserve(tab, device, 1, signer=griefer.wallet, payer=griefer.key)
    for start in range(0, LANES - 1, A_TRANSACTION):
        griefer.attack([dust] * min(A_TRANSACTION, LANES - 1 - start))

    assert griefer.attempt(dust).error_name == "TooManyLanes"
    assert world.send(world.reserve(tab, device, 1)).error_name == "TooManyLanes"
    transactions = -(-(LANES - 1) // A_TRANSACTION) + 1
    assert griefer.spent == (LANES - 1) * LANE_RENT + transactions * SIGNATURE
    assert world.slot_of(tab).allowance == 1_500 - (LANES - 1)
    # What was there works on.
    assert world.send(world.add(mine, 100)).ok
    assert world.send(world.voucher(mine, 5_100)).ok
    free = 10_000 - 5_100 - (LANES - 1)
    assert money(world, tab) == (free, LANES - 1)
    assert world.send(world.withdraw(tab, free)).ok

    world.must(world.set_delegate(tab, 1, None))
    lanes = [Lane(tab, device, lane.nonce, tab.consumer) for lane in world.lanes(tab) if lane.nonce != mine.nonce]
    ends = [world.close_lane(lane) for lane in lanes]
    before = world.lamports(world.payer.pubkey())
    fees = 0
    for start in range(0, len(ends), A_TRANSACTION):
        fees += world.must(ends[start : start + A_TRANSACTION]).fee
    world.advance(CLOSE_DELAY)
    for start in range(0, len(ends), A_TRANSACTION):
        fees += world.must(ends[start : start + A_TRANSACTION]).fee
    world.check_ledger()
    assert money(world, tab) == (LANES - 1, 0)
    # The attacker's rent went to who paid the tab's: 284 million lamports for fees of under one.
    assert world.lamports(world.payer.pubkey()) == before + (LANES - 1) * LANE_RENT - fees
    assert fees < 1_000_000


def test_a_slot_in_use_leaves_three_others(world: TrustWorld, griefer: Griefer, network: Network) -> None:
    """Cost: 1 base unit of its allowance and a lane's rent. Revoked, it spends nothing more; its slot takes another key
    once the consumer has ended its lane."""
    device, tab = world.device(network), world.tab(network, 1_000)
    world.must(world.set_delegate(tab, 1, world.delegate_terms(griefer.wallet, allowance=500)))
    nonce = griefer.attack(world.reserve(tab, device, 1, signer=griefer.wallet, payer=griefer.key)).event().nonce
    world.must(world.set_delegate(tab, 1, None))
    successor = world.keypair()
    terms = world.delegate_terms(successor)

    assert griefer.attempt(world.reserve(tab, device, 1, signer=griefer.wallet)).error_name == "DelegateRevoked"
    assert world.send(world.set_delegate(tab, 1, terms)).error_name == "SlotInUse"
    for slot in (2, 3, 4):
        assert world.send(world.set_delegate(tab, slot, replace(terms, key=world.keypair().pubkey()))).ok
    lane = Lane(tab, device, nonce, tab.consumer)
    world.must(world.close_lane(lane))
    world.advance(CLOSE_DELAY)
    world.must(world.close_lane(lane))

    assert world.send(world.set_delegate(tab, 1, terms)).ok
    assert money(world, tab) == (1_000, 0)


def test_a_friend_that_ends_lanes_at_once_does_not_keep_a_tab_from_closing_for_long(
    world: TrustWorld, griefer: Griefer, network: Network
) -> None:
    """Cost: 1 base unit of its allowance a lane, and fees. Each lane opened and waived moves the nonce by one; the tab
    closes as many slots later, and its money is free all the time."""
    device = world.device(network, owner=griefer.wallet)
    tab = world.tab(network, 1_000)
    world.must(world.set_delegate(tab, 1, world.delegate_terms(griefer.wallet, allowance=500)))
    first = world.read_tab(tab).nonce
    for nonce in range(first, first + 40):
        lane = Lane(tab, device, nonce, griefer.wallet)
        griefer.attack(world.reserve(tab, device, 1, signer=griefer.wallet, payer=griefer.key), world.waive(lane))

    assert griefer.spent == 40 * (LANE_RENT + SIGNATURE)
    assert world.send(world.withdraw(tab, 1_000)).ok
    assert world.balance(tab.consumer, network.mint) == 1_000
    assert world.send(world.close_tab(tab)).error_name == "TooSoon"
    later_slot(world, 41)
    assert world.send(world.close_tab(tab)).ok


def test_nonces_used_up_leave_the_money_free(world: TrustWorld, griefer: Griefer, network: Network) -> None:
    """Cost: a base unit of allowance and rent for each of some 4,000,000,000 lanes: about 2,000 SOL in fees. No lane is
    opened any more and the tab stays; lanes that are there work, and everything can be withdrawn."""
    device, tab = world.device(network), world.tab(network, 1_000)
    lane = world.lane(tab, device, 400)
    world.must(world.set_delegate(tab, 1, world.delegate_terms(griefer.wallet)))
    world.patch_tab(tab, nonce=(1 << 32) - 2)
    griefer.attack(world.reserve(tab, device, 1, signer=griefer.wallet, payer=griefer.key))

    assert world.send(world.reserve(tab, device, 1)).error_name == "NoncesExhausted"
    assert world.send(world.add(lane, 100)).ok
    assert world.send(world.voucher(lane, 500)).ok
    assert world.send(world.withdraw(tab, 499)).ok
    assert world.balance(tab.consumer, network.mint) == 499
    assert world.read_device(device).earnings_owed == 500


def test_a_full_tab_costs_its_devices_nothing(world: TrustWorld, network: Network) -> None:
    """A consumer's cost: rent that it gets back. Settling on the last of 1,024 lanes costs what it does on the
    first."""
    device, tab = world.device(network), world.tab(network, 1_000)
    lane = world.lane(tab, device, 400)
    alone = world.must(world.voucher(lane, 1)).units
    lanes = [LaneState(device.index, lane.nonce + at, reserved=0) for at in range(1, LANES)]
    world.set_lanes(tab, [*world.lanes(tab), *lanes])

    full = world.must(world.voucher(lane, 2)).units

    assert full <= alone + 20
    assert world.read_device(device).earnings_owed == 2
