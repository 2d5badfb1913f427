"""Being first at an address that somebody else wants. Cost: fees, and rent that the victim then need not pay."""

from __future__ import annotations

from dataclasses import replace

from support.builders import unsigned
from support.epochs import CHALLENGE, Roots, roots_of
from support.griefing import SIGNATURE, Griefer, in_use, money
from support.parties import Network
from support.trust_scenes import Court, TrustWorld
from worktab.core.addresses import find_network
from worktab.program.generated import PROGRAM_ID


def test_a_stolen_proof_of_possession_registers_nothing(world: TrustWorld, griefer: Griefer, network: Network) -> None:
    """Cost: fees. The proof names the owner, who must sign."""
    device, terms = world.plan(network)
    stolen = world.possession(device)
    thief = replace(device, owner=griefer.wallet)

    mine = griefer.attempt(stolen, world.register(thief, terms, payer=griefer.key))
    copied = griefer.attempt(stolen, unsigned(world.register(device, terms, payer=griefer.key), device.owner.pubkey()))

    assert mine.error_name == "InvalidPossession"
    assert copied.error == "MissingRequiredSignature"
    assert world.account(device.address) is None
    assert world.send(stolen, world.register(device, terms)).ok
    assert world.read_device(device).owner == device.owner.pubkey()
    assert world.read_device(device).index == 0


def test_a_tab_can_not_be_opened_for_a_consumer_who_did_not_sign(
    world: TrustWorld, griefer: Griefer, network: Network
) -> None:
    """Cost: fees. So nobody becomes the rent payer of a tab against its consumer's will."""
    tab = world.tab_of(network)

    refused = griefer.attempt(unsigned(world.open_tab(tab, payer=griefer.key), tab.consumer.pubkey()))

    assert refused.error == "MissingRequiredSignature"
    assert world.account(tab.address) is None
    assert world.send(world.open_tab(tab)).ok
    assert world.read_tab(tab).rent_payer == world.payer.pubkey()


def test_a_page_opened_by_another_is_as_good(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: the page's rent, for ever, and a fee. The victim saves the rent."""
    roots = roots_of(world)
    root = roots.root(0, roots.payees(100))
    commitment = roots.commit_to(root)
    world.advance(CHALLENGE)
    roots.must(roots.finalize(commitment))

    griefer.attack(roots.open_page(0, payer=griefer.key))

    assert griefer.spent == world.lamports(roots.page_address(0)) + SIGNATURE
    assert in_use(world.send(roots.open_page(0)))
    assert world.send(roots.claim(root, 0)).ok
    assert roots.balance(root, 0) == 100


def test_the_same_commitment_by_another_attestor_is_approved_by_both(world: TrustWorld) -> None:
    """Cost: the commitment's rent until it is final. Who comes second votes for it and saves the rent."""
    roots = roots_of(world)
    root = roots.root(0, roots.payees(100))
    commitment = root.commitment()
    first = roots.attestors[1]
    world.runtime.airdrop(first.pubkey(), 10**9)
    assert world.send(roots.commit(commitment, first, payer=first.pubkey()), payer=first).ok

    assert in_use(world.send(roots.commit(commitment)))

    roots.must(roots.vote(commitment, roots.attestors[0]))
    world.advance(CHALLENGE)
    rent = world.lamports(roots.address(commitment))
    before = world.lamports(first.pubkey())
    assert world.send(roots.finalize(commitment, rent_payer=first.pubkey())).ok
    assert world.lamports(first.pubkey()) == before + rent
    assert roots.read_network().root_total == 100


def test_an_sla_needs_both_whoever_is_first(world: TrustWorld, griefer: Griefer, court: Court) -> None:
    """Cost: fees. Its address belongs to the lane: only the lane's consumer and owner fill it."""
    lane = court.lane(court.device())
    sla = world.sla_of(lane, 100, 1_000)
    opening = world.open_sla(sla, payer=griefer.key)

    for missing in (lane.tab.consumer, lane.device.owner):
        refused = griefer.attempt(unsigned(opening, missing.pubkey()))
        assert refused.error == "MissingRequiredSignature"
    instead = griefer.attempt(world.open_sla(sla, payer=griefer.key, consumer=griefer.key, owner=griefer.key))

    assert instead.error_name == "Unauthorized"
    assert world.send(world.open_sla(sla)).ok
    assert world.read_device(lane.device).bond_held == 10


def test_a_dispute_opened_first_by_another_convicts_all_the_same(
    world: TrustWorld, griefer: Griefer, court: Court
) -> None:
    """Cost: rent until the device is gone, and fees; the deposit comes back with as much again. Who comes second loses
    a fee and the challenger's part; the record's consumer loses nothing."""
    device = court.device(1_000)
    consumer, honest = world.tab(court.network, 0), world.tab(court.network, 100)
    records = court.paid_record(consumer, 70)
    tab = griefer.tab(court.network, 100)
    dispute = world.dispute_of(device, tab, records.entries[0])
    before = griefer.spent
    opening = world.accuse(dispute, records)
    griefer.attack(opening[0], world.open_dispute(dispute, payer=griefer.key))
    assert griefer.spent - before == world.lamports(dispute.address) + 2 * SIGNATURE

    assert in_use(world.send(world.accuse(replace(dispute, tab=honest), records)))
    assert money(world, honest) == (100, 0)

    court.vote(dispute)
    event = world.send(world.resolve_dispute(dispute, shown=records.entries[0], rent_payer=griefer.key)).event()
    assert (event.to_consumer, event.to_challenger, event.deposit_back, event.to_pool) == (70, 100, 100, 330)
    assert (money(world, consumer), money(world, tab), money(world, honest)) == ((70, 0), (200, 0), (100, 0))
    assert world.read_device(device).bond == 500


def test_a_networks_number_is_its_creators(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: the rent of a network of one's own. The address has the creator in it, who signs."""
    terms = world.terms()
    mine, create = world.create_network(terms, authority=griefer.wallet)
    griefer.attack(create)

    victim, create = world.create_network(terms)

    assert mine.address != victim.address
    assert victim.address == find_network(PROGRAM_ID, victim.authority.pubkey(), terms.id)[0]
    assert world.send(create).ok
    assert world.read_network(victim).authority == victim.authority.pubkey()


def test_settling_another_ones_voucher_first_does_its_work(world: TrustWorld, griefer: Griefer, court: Court) -> None:
    """Cost: fees. The device gets what the voucher says; a settlement of the newest one still moves the rest."""
    lane = court.lane(court.device(), 1_000)
    older, newest = world.voucher(lane, 400), world.voucher(lane, 900)

    griefer.attack(older)
    assert world.send(newest).ok
    stale = griefer.attempt(older)

    assert stale.error_name == "StaleVoucher"
    assert world.read_device(lane.device).earnings_owed == 900
    assert griefer.spent == 4 * SIGNATURE


def test_retiring_rents_and_roots_pay_who_paid_them_not_who_is_first(world: TrustWorld, griefer: Griefer) -> None:
    """Cost: a fee. Who finalizes first does not get the rent."""
    roots: Roots = roots_of(world)
    commitment = roots.commit_to(roots.root(0, roots.payees(100)))
    world.advance(CHALLENGE)

    stolen = griefer.attempt(roots.finalize(commitment, rent_payer=griefer.key))

    assert stolen.error_name == "AddressMismatch"
    rent, before = world.lamports(roots.address(commitment)), world.lamports(world.payer.pubkey())
    griefer.attack(roots.finalize(commitment))
    assert world.lamports(world.payer.pubkey()) == before + rent
    assert griefer.spent == 2 * SIGNATURE
