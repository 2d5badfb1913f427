"""What bonds, SLAs and disputes may cost: compute units, bytes on the wire, and rent that comes back.

An SLA's or a dispute's address is looked for anew when it is opened; each bump that does not fit costs what the runtime
charges for an address more. Here first bumps fit.
"""

from __future__ import annotations

import pytest

from support import changes
from support.lanes import LaneState
from support.parties import DELAY, Device, Lane, Tab
from support.svm import Result
from support.trust import AGREES, DIFFERS, KEPT, MISSED, Dispute, Sla
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, UNBONDING, Court, TrustWorld
from worktab.core.addresses import find_dispute, find_sla
from worktab.program.generated import PROGRAM_ID

ENFORCE_UNITS = 1_000
"""With its event, whatever the outcome; 1,500 was the target."""
SEARCH_UNITS = 200
"""To find a lane behind others that ended."""
OPEN_SLA_UNITS = 3_050
VOTE_UNITS = 850
CONTEST_UNITS = 700
OPEN_DISPUTE_UNITS = 3_350
LATER_UNITS = 165
"""Of each later record that leads to the evidence."""
RESOLVE_UNITS = 1_950
CLOSE_UNITS = 600
TRANSFER_UNITS = 2_150

SLA_SIZE = 554
ENFORCE_SIZE = 272


def assert_within(result: Result, units: int, size: int = 1_232) -> None:
    """The transaction succeeded, and took at most so many compute units and bytes."""
    assert result.ok, result.logs
    print(f"\n{result.units} CU of {units}, {result.size} bytes: {type(result.event()).__name__}")
    assert result.units <= units
    assert result.size <= size


def first_bump(world: TrustWorld, tab: Tab, device: Device) -> Lane:
    """A new lane whose SLA's first bump fits."""
    while True:
        lane = world.lane(tab, device, 100)
        if find_sla(PROGRAM_ID, tab.address, lane.nonce)[1] == 255:
            return lane


def opened(world: TrustWorld, tab: Tab, device: Device) -> Sla:
    """An open SLA, its first bump fitting."""
    return world.sla(first_bump(world, tab, device), 100, 2_000)


def test_an_sla_opened(world: TrustWorld, tab: Tab, device: Device) -> None:
    sla = world.sla_of(first_bump(world, tab, device), 100, 2_000)

    assert_within(world.send(world.open_sla(sla)), OPEN_SLA_UNITS, SLA_SIZE)


@pytest.mark.parametrize("outcome", [KEPT, MISSED])
def test_an_sla_enforced(world: TrustWorld, tab: Tab, device: Device, outcome: int) -> None:
    sla = opened(world, tab, device)
    if outcome == KEPT:
        world.must(world.voucher(sla.lane, 100))
    world.now = sla.deadline + CHALLENGE

    result = world.send(world.enforce_sla(sla))

    assert_within(result, ENFORCE_UNITS, ENFORCE_SIZE)
    assert result.event().outcome == outcome
    assert world.account(sla.address) is None


@pytest.mark.parametrize(("gap", "units"), [(0, ENFORCE_UNITS), (1, ENFORCE_UNITS + SEARCH_UNITS)])
def test_an_sla_enforced_among_1024_lanes(world: TrustWorld, tab: Tab, device: Device, gap: int, units: int) -> None:
    sla = opened(world, tab, device)
    nonce = sla.lane.nonce
    [promised] = [lane for lane in world.lanes(tab) if lane.nonce == nonce]
    first = nonce - 1_023 - gap
    world.set_lanes(tab, [*(LaneState(device.index, first + at) for at in range(1_023)), promised])
    world.patch_tab(tab, balance=10_000 - promised.reserved)
    world.now = sla.deadline + CHALLENGE

    assert_within(world.send(world.enforce_sla(sla)), units)


def test_a_contested_sla(world: TrustWorld, court: Court, tab: Tab, device: Device) -> None:
    sla = opened(world, tab, device)
    world.now = sla.deadline
    assert_within(world.send(world.contest_sla(sla)), CONTEST_UNITS)
    for attestor in court.attestors[:2]:
        assert_within(world.send(world.vote_sla(sla, attestor, True)), VOTE_UNITS)

    assert_within(world.send(world.enforce_sla(sla)), ENFORCE_UNITS, ENFORCE_SIZE)


def disputable(world: TrustWorld, device: Device, tab: Tab, later: int) -> tuple[Dispute, Records]:
    """A record with so many after it, whose dispute's first bump fits."""
    salt = 0
    while True:
        records = Records(salt=b"%d" % salt)
        entry = records.add(tab, 70)
        records.extend(later)
        if find_dispute(PROGRAM_ID, device.address, 1, entry.hash)[1] == 255:
            return world.dispute_of(device, tab, entry), records
        salt += 1


@pytest.mark.parametrize("later", [0, 13])
def test_a_dispute_opened(world: TrustWorld, device: Device, tab: Tab, later: int) -> None:
    dispute, records = disputable(world, device, tab, later)

    result = world.send(world.accuse(dispute, records))

    assert_within(result, OPEN_DISPUTE_UNITS + later * LATER_UNITS)


@pytest.mark.parametrize("finding", [DIFFERS, AGREES, None], ids=["guilty", "not guilty", "undecided"])
def test_a_dispute_resolved(world: TrustWorld, court: Court, device: Device, tab: Tab, finding: int | None) -> None:
    records = court.paid_record(world.tab(court.network))
    dispute = world.dispute(device, tab, records)
    for attestor in court.attestors[:2] if finding else []:
        assert_within(world.send(world.vote_dispute(dispute, attestor, finding or 0)), VOTE_UNITS)
    world.advance(0 if finding else CHALLENGE)

    assert_within(world.send(world.resolve_dispute(dispute, shown=dispute.entry)), RESOLVE_UNITS)


def test_a_dispute_closed(world: TrustWorld, court: Court, tab: Tab) -> None:
    device = court.device(0)
    records = court.paid_record(tab)
    dispute = court.convict(device, tab, records.entries[0], records)
    court.must(world.retire(device))

    assert_within(world.send(world.close_dispute(dispute)), CLOSE_UNITS)


def test_a_bond_in_and_out(world: TrustWorld, device: Device) -> None:
    assert_within(world.send(world.deposit_bond(device, 5)), TRANSFER_UNITS)
    assert_within(world.send(world.withdraw_bond(device, 5)), TRANSFER_UNITS)
    world.advance(UNBONDING)
    assert_within(world.send(world.withdraw_bond(device)), TRANSFER_UNITS)


def test_a_pool_withdrawn(world: TrustWorld, court: Court) -> None:
    target = court.network.mint.open(world.keypair().pubkey())
    court.must(world.propose(court.network, changes.withdraw_pool(5, target)))
    world.advance(DELAY)

    assert_within(world.send(world.withdraw_pool(court.network, target)), TRANSFER_UNITS)


def test_rent_of_slas_and_disputes(world: TrustWorld, court: Court, tab: Tab, device: Device) -> None:
    """Lamports held while they are open: 216 and 224 bytes."""
    sla = opened(world, tab, device)
    records = court.paid_record(tab)
    dispute = world.dispute(device, tab, records)

    assert (world.lamports(sla.address), world.lamports(dispute.address)) == (2_394_240, 2_449_920)
