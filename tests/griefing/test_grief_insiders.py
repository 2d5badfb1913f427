"""Insiders: an attestor that is the device's friend, and a thief of the device's key."""

from __future__ import annotations

import pytest

from support.builders import signed
from support.griefing import Griefer, in_use, money, worth
from support.parties import Network, Tab
from support.trust import WITHHELD
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, DEPOSIT, UNBONDING, Court, TrustWorld
from worktab.program.generated.types import NewKey


@pytest.fixture
def tab(griefer: Griefer, network: Network) -> Tab:
    """The attacker's tab, with ten deposits."""
    return griefer.tab(network, 10 * DEPOSIT)


def test_an_accomplice_that_vouches_first_does_not_get_the_bond_out(world: TrustWorld, court: Court, tab: Tab) -> None:
    """Cost: a tenth of a deposit, to its own bond. The device serves nothing, and a dispute that an attestor vouched
    for keeps it from being found to withhold the record until the bond is due. The bond stays a challenge delay longer,
    in which whoever can show that the record was signed disputes it."""
    device, challenger, accomplice = court.device(1_000), world.tab(court.network, DEPOSIT), court.attestors[0].pubkey()
    records = court.paid_record(tab, 70)
    world.must(world.withdraw_bond(device, 1_000))
    world.advance(UNBONDING - CHALLENGE)
    shield = world.dispute_of(device, tab, records.entries[0])
    court.must(signed(world.open_dispute(shield, proof=accomplice), accomplice))
    dispute = world.dispute_of(device, challenger, records.entries[0])
    assert in_use(world.send(world.accuse(dispute, records)))
    world.advance(CHALLENGE - 1)
    assert world.send(world.vote_dispute(shield, court.attestors[1], WITHHELD)).error_name == "RecordNotSigned"
    world.advance(1)
    end_shield = world.resolve_dispute(shield)
    assert world.send(end_shield, world.withdraw_bond(device)).error_name == "BondNotDue"
    court.must(end_shield)

    world.advance(CHALLENGE - 1)
    court.must(world.accuse(dispute, records))
    world.advance(CHALLENGE - 1)
    court.vote(dispute, WITHHELD)
    assert world.send(world.resolve_dispute(dispute, shown=dispute.entry)).event().to_challenger == DEPOSIT

    assert (worth(world, device).bond, world.read_device(device).status) == (505, 2)
    assert money(world, challenger) == (2 * DEPOSIT, 0)


def test_a_thief_of_a_device_key_gets_most_of_the_bond(
    world: TrustWorld, griefer: Griefer, court: Court, tab: Tab
) -> None:
    """Cost: a quarter of each slash. What the key signs is the device's word: the thief signs false records that name
    its own tab, and disputes them itself. An owner that changes the key first loses nothing."""
    device, records = court.device(1_000), Records()
    for _ in range(4):
        records.add(tab, 10**9)
    for entry in records.entries:
        court.convict(device, tab, entry, records)
    assert (worth(world, device).bond, money(world, tab)) == (63, (10 * DEPOSIT + 375 + 187 + 93 + 46, 0))

    changed, key = court.device(1_000), world.ed25519()
    change = NewKey(key.public.raw33, int(key.public.kind), None)
    court.must(world.possession(changed, signer=key), world.update(changed, key=change))
    stolen = world.dispute_of(changed, tab, records.entries[0])
    assert griefer.attempt(world.accuse(stolen, records)).error_name == "InvalidProof"
    assert worth(world, changed).bond == 1_000
