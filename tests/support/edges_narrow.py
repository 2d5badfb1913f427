"""Cases of every 32-bit and 16-bit number that an instruction takes: nonces, counts, delays, basis points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.edges_case import Case, case
from support.edges_trust import Trust
from support.epochs import roots_of
from support.parties import Lane
from support.svm import Instructions
from support.world import World

YEAR, U32 = 31_536_000, (1 << 32) - 1
REFUSED = "InvalidParameter"


def _network_case(world: World, field: str, value: int, accepted: bool, **others: int) -> Case:
    network, create = world.create_network(world.terms(**{field: value}, **others))
    error = "" if accepted else REFUSED
    return Case(create, error, lambda: getattr(world.read_network(network), field), value)


@case("create_network.terms.epoch_length")
def epoch_length(world: World, value: int) -> Case:
    return _network_case(world, "epoch_length", value, value > 0)


@case("create_network.terms.parameter_delay")
def parameter_delay(world: World, value: int) -> Case:
    return _network_case(world, "parameter_delay", value, value <= YEAR)


@case("create_network.terms.lane_close_delay")
def lane_close_delay(world: World, value: int) -> Case:
    return _network_case(world, "lane_close_delay", value, 3_600 <= value <= YEAR)


@case("create_network.terms.challenge_delay")
def challenge_delay(world: World, value: int) -> Case:
    return _network_case(world, "challenge_delay", value, value <= YEAR, unbonding_delay=YEAR)


@case("create_network.terms.unbonding_delay")
def unbonding_delay(world: World, value: int) -> Case:
    return _network_case(world, "unbonding_delay", value, 1 <= value <= YEAR, challenge_delay=1)


@case("create_network.terms.fee_bps")
def fee_bps(world: World, value: int) -> Case:
    return _network_case(world, "fee_bps", value, value <= 3_000)


@case("create_network.terms.burn_bps")
def burn_bps(world: World, value: int) -> Case:
    return _network_case(world, "burn_bps", value, value <= 3_000)


@case("create_network.terms.slash_bps")
def slash_bps(world: World, value: int) -> Case:
    return _network_case(world, "slash_bps", value, value <= 10_000)


def _lane_case(
    world: World, value: int, act: Callable[[Lane], Instructions], read: Callable[[Lane], Any], wanted: Any
) -> Case:
    """An act on a lane of this nonce; the largest is no lane's."""
    network = world.network(fund=0)
    device, tab = world.device(network), world.tab(network, 100)
    if value == U32:
        return Case(act(Lane(tab, device, value, tab.consumer)), "LaneNotFound")
    world.patch_tab(tab, nonce=value)
    lane = world.lane(tab, device, 50)
    assert lane.nonce == value
    return Case(act(lane), read=lambda: read(lane), wanted=wanted)


@case("reserve_lane.nonce")
def reserve_nonce(world: World, value: int) -> Case:
    return _lane_case(world, value, lambda lane: world.add(lane, 5), lambda lane: world.lanes(lane.tab)[0].reserved, 55)


@case("settle_voucher.nonce")
def settle_nonce(world: World, value: int) -> Case:
    return _lane_case(world, value, lambda lane: world.voucher(lane, 5), lambda lane: world.lanes(lane.tab)[0].paid, 5)


@case("close_lane.nonce")
def close_nonce(world: World, value: int) -> Case:
    return _lane_case(world, value, world.waive, lambda lane: world.lanes(lane.tab), ())


@case("open_sla.terms.nonce")
def promise_nonce(world: World, value: int) -> Case:
    trust = Trust(world)
    return _lane_case(
        world,
        value,
        lambda lane: trust.promise(lane, 5, 0, world.now + 1),
        lambda lane: (trust.read_sla(lane).nonce, world.lanes(lane.tab)[0].flags),
        (value, 1),
    )


@case("open_sla.terms.bps")
def promise_bps(world: World, value: int) -> Case:
    network = world.network(fund=0, attestors=(world.keypair().pubkey(),), threshold=1)
    device, trust = world.device(network), Trust(world)
    world.must(trust.bond(device, 99_999))
    lane = world.lane(world.tab(network, 99_999), device, 99_999)
    error = "" if value <= 10_000 else REFUSED
    held = 99_999 * value // 10_000
    return Case(
        trust.promise(lane, 99_999, value, world.now + 1), error, lambda: world.read_device(device).bond_held, held
    )


@case("set_delegate.terms.period_length")
def period_length(world: World, value: int) -> Case:
    tab = world.tab(world.network(fund=0))
    terms = world.delegate_terms(world.keypair(), period_length=value, period_limit=5)
    error = "" if value else REFUSED
    return Case(world.set_delegate(tab, 1, terms), error, lambda: world.slot_of(tab).period_length, value)


@case("commit_epoch.commitment.count")
def commit_count(world: World, value: int) -> Case:
    roots = roots_of(world)
    commitment = roots.root(0, roots.payees(5)).commitment(count=value)
    error = "" if 0 < value <= 1 << 22 else "InvalidCommitment"
    return Case(roots.commit(commitment), error, lambda: roots.read(commitment).count, value)


@case("open_page.number")
def page_number(world: World, value: int) -> Case:
    """A root with one payee less than there are numbers for: its last page is the last there can be."""
    roots = roots_of(world)
    world.patch_network(roots.network, root_count=U32)
    error = "" if value * 1_024 < U32 else "WrongPage"
    page = roots.page_address(value)
    return Case(roots.open_page(value), error, lambda: world.account(page) is not None, True)


@case("claim_root.position")
def claim_position(world: World, value: int) -> Case:
    roots = roots_of(world)
    root = roots.root(0, roots.payees(5, 6))
    roots.make_final(root)
    error = "" if value == 0 else "NotInRoot"
    return Case(roots.claim(root, 0, said=value), error, lambda: roots.watermark(0), 5)


def _vote_case(world: World, **numbers: Any) -> Case:
    """What a voter says of its own work is taken as it is, and kept in the event alone."""
    roots = roots_of(world)
    commitment = roots.commit_to(roots.root(0, roots.payees(5)), 1)
    vote = roots.vote(commitment, roots.attestors[1], **numbers)
    return Case(vote, read=lambda: roots.read(commitment).approvals, wanted=3)


@case("vote_epoch.vote.records_checked")
def vote_checked(world: World, value: int) -> Case:
    return _vote_case(world, checked=value)


@case("vote_epoch.vote.records_failed")
def vote_failed(world: World, value: int) -> Case:
    return _vote_case(world, failed=value)


@case("vote_epoch.vote.check_ms")
def vote_check_ms(world: World, value: int) -> Case:
    return _vote_case(world, ms=value)
