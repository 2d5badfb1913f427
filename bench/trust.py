"""What bonds, SLAs, disputes and the pool's withdrawal cost on chain; `instructions.measure` adds these to its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.changes import change
from support.parties import DELAY, Device, Tab
from support.trust import AGREES, DIFFERS, Dispute, Sla
from support.trust_records import Entry, Records
from support.trust_scenes import CHALLENGE, UNBONDING, Court, court_of
from worktab.core.addresses import find_dispute, find_sla
from worktab.program.generated import PROGRAM_ID

if TYPE_CHECKING:
    from instructions import Costs

LATER = 15
"""Records from the disputed one up to a receipt that is shown: as many as fit one transaction with the compute budget's
instructions."""


def note(costs: Costs) -> None:
    """The payer is consumer, challenger, owner or attestor, as a person with one wallet would be."""
    world = costs.world
    court = court_of(world, authority=world.payer)
    court.attestors[0] = world.payer
    world.patch_network(court.network, attestors=_with(court, world.payer))
    _bonds(costs, court)
    _slas(costs, court)
    _disputes(costs, court)
    _pool(costs, court)


def lamports(noted: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Lamports on chain of an SLA and of a dispute from beginning to end. All rent comes back when they end, that of a
    guilty dispute when the device's account closes."""
    kept = ("open_sla", "enforce_sla_kept")
    contested = ("open_sla", "contest_sla", "vote_sla", "vote_sla", "enforce_sla_missed")
    disputed = ("open_dispute", "vote_dispute", "vote_dispute", "resolve_dispute_guilty")
    return {
        name: {
            "fee_lamports": sum(noted[each]["fee_lamports"] for each in steps),
            "rent_lamports": noted[steps[0]]["rent_lamports"],
        }
        for name, steps in (
            ("sla_that_is_kept", kept),
            ("sla_that_is_contested_and_missed", contested),
            ("dispute_with_two_votes", disputed),
        )
    }


def _with(court: Court, attestor: Keypair) -> tuple[Pubkey, ...]:
    """The network's attestors, of whom the first is another one."""
    held = court.world.read_network(court.network).attestors
    return (attestor.pubkey(), *held[1:])


def _bonds(costs: Costs, court: Court) -> None:
    world = costs.world
    device = world.device(court.network, owner=world.payer)
    costs.note("deposit_bond", world.deposit_bond(device, 1_000))
    costs.note("withdraw_bond_start", world.withdraw_bond(device, 400))
    world.advance(UNBONDING)
    costs.note("withdraw_bond_end", world.withdraw_bond(device))


def _slas(costs: Costs, court: Court) -> None:
    world, device = costs.world, court.device(100_000)
    kept, missed = (_sla(costs, court, device) for _ in range(2))
    costs.note("open_sla", world.open_sla(kept))
    world.must(world.open_sla(missed))
    world.must(world.voucher(kept.lane, kept.due))
    costs.note("enforce_sla_kept", world.enforce_sla(kept))
    mine = world.device(court.network, owner=world.payer)
    world.bond(mine, 100_000)
    world.now = missed.deadline
    contested = world.sla(court.lane(mine), 800, 5_000)
    world.now = contested.deadline
    costs.note("contest_sla", world.contest_sla(contested))
    costs.note("vote_sla", world.vote_sla(contested, world.payer, True))
    world.advance(CHALLENGE)
    costs.note("enforce_sla_missed", world.enforce_sla(missed))


def _sla(costs: Costs, court: Court, device: Device) -> Sla:
    """An SLA that the payer could open on a lane of its own; the first bump of its address fits."""
    world = costs.world
    tab = world.tab_of(court.network, world.payer)
    if world.account(tab.address) is None:
        tab = world.tab(court.network, 1_000_000, consumer=world.payer)
    lane = world.lane(tab, device, 1_000)
    while find_sla(PROGRAM_ID, tab.address, lane.nonce)[1] != 255:
        lane = world.lane(tab, device, 1_000)
    return world.sla_of(lane, 800, 5_000)


def _disputes(costs: Costs, court: Court) -> None:
    """About devices whose newest record is on chain, and one that shows a receipt `LATER` records later."""
    world = costs.world
    acquitted, _, _ = _dispute(costs, court)
    costs.note("open_dispute", world.open_dispute(acquitted))
    costs.note("vote_dispute", world.vote_dispute(acquitted, world.payer, AGREES))
    world.must(world.vote_dispute(acquitted, court.attestors[1], AGREES))
    costs.note("resolve_dispute_not_guilty", world.resolve_dispute(acquitted))
    guilty, entry, _ = _dispute(costs, court)
    world.must(world.open_dispute(guilty))
    court.vote(guilty, DIFFERS)
    costs.note("resolve_dispute_guilty", world.resolve_dispute(guilty, shown=entry))
    device = guilty.device
    world.must(world.withdraw_bond(device, world.read_device(device).bond))
    world.advance(UNBONDING)
    world.must(world.withdraw_bond(device))
    world.must(world.retire(device))
    costs.note("close_dispute", world.close_dispute(guilty))
    shown, _, records = _dispute(costs, court)
    records.extend(LATER)
    costs.note(f"open_dispute_with_receipt_{LATER}_later", world.accuse(shown, records))


def _dispute(costs: Costs, court: Court) -> tuple[Dispute, Entry, Records]:
    """A dispute that the payer could open about a bonded device's newest record, which another tab owes 70 base units
    for; the first bump of its address fits."""
    world = costs.world
    device, consumer = court.device(10_000), world.tab(court.network, 1_000)
    records, entry = _records(device, consumer)
    world.next_epoch(court.network)
    world.must(world.receipt(device, 1, records.units, head=records.head))
    return world.dispute_of(device, world.tab_of(court.network, world.payer), entry), entry, records


def _records(device: Device, consumer: Tab) -> tuple[Records, Entry]:
    for number in range(10_000):
        records = Records(salt=b"salt %d" % number)
        entry = records.add(consumer, 70)
        if find_dispute(PROGRAM_ID, device.address, 1, entry.hash)[1] == 255:
            return records, entry
    raise AssertionError("no bump fits")


def _pool(costs: Costs, court: Court) -> None:
    world, network = costs.world, court.network
    account = network.mint.open(world.payer.pubkey())
    world.must(world.propose(network, change(11, 400, key=account)))
    world.advance(DELAY)
    costs.note("withdraw_pool", world.withdraw_pool(network, account))
