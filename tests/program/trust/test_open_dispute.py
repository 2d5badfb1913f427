"""open_dispute: what a challenger must show, what it costs, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.builders import read_only, unsigned
from support.effects import effects
from support.parties import CLASS, FUNDS, Device, Network, Tab
from support.trust import Dispute
from support.trust_records import Records
from support.trust_scenes import CHALLENGE, DEPOSIT, Court, TrustWorld, court_of
from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.addresses import find_dispute
from worktab.program.generated import PROGRAM_ID
from worktab.program.generated import accounts as state
from worktab.program.generated.events import DisputeOpened
from worktab.program.generated.types import Ballot

IN_USE = "Custom(0)"


@pytest.fixture
def records(tab: Tab) -> Records:
    """Three records: of a job that the tab owes 70 for, and two that nobody pays."""
    records = Records()
    records.add(tab, 70)
    records.extend(2)
    return records


@pytest.fixture
def dispute(world: TrustWorld, device: Device, tab: Tab, records: Records) -> Dispute:
    """A dispute about the first of them that could be opened."""
    return world.dispute_of(device, tab, records.entries[0])


def unopened(world: TrustWorld, dispute: Dispute) -> None:
    """Nothing was taken and nothing is open."""
    assert world.account(dispute.address) is None
    assert world.read_device(dispute.device).open_disputes == 0
    assert world.read_tab(dispute.tab).balance == 10_000


def test_the_deposit_comes_out_of_the_tab(
    world: TrustWorld, network: Network, tab: Tab, dispute: Dispute, records: Records
) -> None:
    before = world.read_device(dispute.device), world.read_tab(tab), world.read_network(network)

    event = world.send(world.accuse(dispute, records)).event()

    entry = dispute.entry
    address, bump = find_dispute(PROGRAM_ID, dispute.device.address, 1, entry.hash)
    deadline = world.now + CHALLENGE
    assert event == DisputeOpened(address, dispute.device.address, tab.address, 1, entry.hash, DEPOSIT, deadline)
    assert world.read_dispute(dispute) == state.Dispute(
        network=network.address,
        device=dispute.device.address,
        tab=tab.address,
        rent_payer=world.payer.pubkey(),
        record_hash=entry.hash,
        seq=1,
        deposit=DEPOSIT,
        opened_at=world.now,
        deadline=deadline,
        votes=Ballot(attestor_version=0, yes=0, no=0),
        index=dispute.device.index,
        verdict=0,
        bump=bump,
        version=1,
        found=0,
        threshold=2,
        vouched=0,
        reserved=bytes(6),
    )
    assert world.read_device(dispute.device) == replace(before[0], open_disputes=1)
    assert world.read_tab(tab) == replace(before[1], balance=9_900, withdrawn=100)
    assert world.read_network(network) == before[2]
    assert before[2].accounted == network.mint.balance(network.address) == FUNDS + 11_000


def test_only_the_payer_pays_the_rent(world: TrustWorld, dispute: Dispute, records: Records) -> None:
    payer = world.keypair(lamports=10**9)
    native, _ = world.accuse(dispute, records)
    opened = world.open_dispute(dispute, records.later(dispute.entry), payer=payer.pubkey())
    rent = world.runtime.minimum_balance_for_rent_exemption(state.Dispute.SIZE)

    changed = effects(world, native, opened)

    lamports = {address: each["lamports"] for address, each in changed.items() if "lamports" in each}
    assert lamports == {payer.pubkey(): -rent, dispute.address: rent}
    assert world.read_dispute(dispute).rent_payer == payer.pubkey()


def test_the_challenger_may_pay(world: TrustWorld, dispute: Dispute, records: Records) -> None:
    challenger = dispute.tab.consumer
    world.runtime.airdrop(challenger.pubkey(), 10**9)
    native, _ = world.accuse(dispute, records)

    opened = world.open_dispute(dispute, records.later(dispute.entry), payer=challenger.pubkey())

    assert world.send(native, opened, payer=challenger).ok


# Evidence


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_receipt_of_either_kind_of_key_shows_any_record_before_it(
    world: TrustWorld, court: Court, tab: Tab, records: Records, kind: str, number: int
) -> None:
    device = court.device(signer=world.p256() if kind == "p256" else world.ed25519())
    dispute = world.dispute_of(device, tab, records.entries[number])

    assert world.send(world.accuse(dispute, records)).event().seq == number + 1


def test_a_device_that_signs_itself_shows_its_receipt(world: TrustWorld, dispute: Dispute, records: Records) -> None:
    assert world.send(world.accuse(dispute, records, shown=True)).ok


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_head_on_chain_is_evidence_of_its_own(
    world: TrustWorld, device: Device, tab: Tab, records: Records, number: int
) -> None:
    """Nobody signs anything, and the account in the proof's place is any."""
    world.next_epoch(device.network)
    world.must(world.receipt(device, records.seq, records.units, head=records.head))
    entry = records.entries[number]
    dispute = world.dispute_of(device, tab, entry)

    opened = world.open_dispute(dispute, records.later(entry), proof=world.keypair().pubkey())

    assert world.send(opened).ok


def test_a_receipt_beyond_the_head_on_chain_is_evidence(
    world: TrustWorld, device: Device, tab: Tab, records: Records
) -> None:
    world.next_epoch(device.network)
    world.must(world.receipt(device, records.seq, records.units, head=records.head))
    entry = records.add(tab, 5)

    assert world.send(world.accuse(world.dispute_of(device, tab, entry), records)).ok


def test_a_receipt_that_tells_another_story_than_the_chain_is_evidence(
    world: TrustWorld, device: Device, tab: Tab, records: Records
) -> None:
    """A device that signs two chains answers for both."""
    world.next_epoch(device.network)
    world.must(world.receipt(device, 3, 99, head=bytes([9]) * 32))

    assert world.send(world.accuse(world.dispute_of(device, tab, records.entries[1]), records)).ok


def test_the_head_on_chain_of_another_count_is_no_evidence(
    world: TrustWorld, device: Device, tab: Tab, records: Records
) -> None:
    world.next_epoch(device.network)
    world.must(world.receipt(device, records.seq + 1, records.units, head=records.head))
    entry = records.entries[0]

    opened = world.open_dispute(world.dispute_of(device, tab, entry), records.later(entry))

    assert world.send(opened).error_name == "InvalidProof"


def test_without_any_evidence_nothing_is_opened(world: TrustWorld, dispute: Dispute, records: Records) -> None:
    opened = world.open_dispute(dispute, records.later(dispute.entry))

    assert world.send(opened).error_name == "InvalidProof"
    unopened(world, dispute)


def test_a_device_that_never_signed_anything_is_not_accused_of_its_zero_head(
    world: TrustWorld, device: Device, tab: Tab
) -> None:
    """Before the first receipt, seq and head on chain are zero."""
    entry = replace(Records().add(), seq=0)
    dispute = world.dispute_of(device, tab, entry)

    assert world.send(world.open_dispute(dispute)).error_name == "RecordNotSigned"


FORGERIES: dict[str, dict[str, Any]] = {
    "another head before it": {"before": bytes([1]) * 32},
    "another salt": {"salt": bytes([1]) * 32},
    "a later place": {"seq": 2},
    "an earlier place": {"seq": 0},
    "the last place there is": {"seq": 2**64 - 3},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("on_chain", [False, True], ids=["receipt", "head on chain"])
def test_a_record_that_the_device_did_not_sign_is_refused(
    world: TrustWorld, device: Device, tab: Tab, records: Records, forgery: dict[str, Any], on_chain: bool
) -> None:
    if on_chain:
        world.next_epoch(device.network)
        world.must(world.receipt(device, records.seq, records.units, head=records.head))
    forged = replace(records.entries[0], **forgery)
    dispute = world.dispute_of(device, tab, forged)
    native, _ = world.accuse(dispute, records)

    opened = world.open_dispute(dispute, records.later(records.entries[0]))

    assert world.send(native, opened).error_name == "RecordNotSigned"
    unopened(world, dispute)


def test_places_end_with_the_numbers(world: TrustWorld, device: Device, tab: Tab, records: Records) -> None:
    dispute = world.dispute_of(device, tab, replace(records.entries[0], seq=2**64 - 1))

    assert world.send(world.open_dispute(dispute, bytes(32))).error_name == "Overflow"


LATER = ["none", "one", "swapped", "twice", "one too many", "a byte less", "a byte more", "other"]


@pytest.mark.parametrize("kind", LATER)
def test_other_records_after_it_lead_nowhere(world: TrustWorld, dispute: Dispute, records: Records, kind: str) -> None:
    second, third = (each.hash for each in records.entries[1:])
    later = {
        "none": b"",
        "one": second,
        "swapped": third + second,
        "twice": second + second,
        "one too many": second + third + third,
        "a byte less": (second + third)[:-1],
        "a byte more": second + third + b"\0",
        "other": second + bytes(32),
    }[kind]
    native, _ = world.accuse(dispute, records)

    assert world.send(native, world.open_dispute(dispute, later)).error_name == "RecordNotSigned"
    unopened(world, dispute)


def receipt_with(world: TrustWorld, dispute: Dispute, records: Records, **message: Any) -> str:
    """The error of a dispute whose evidence is a receipt with other values."""
    said: dict[str, Any] = {"seq": records.seq, "units": records.units, "head": records.head} | message
    signer = said.pop("signer", dispute.device.signer)
    receipt = world.receipt_message(dispute.device, **said)
    native = world.native(signer, receipt)
    opened = world.open_dispute(dispute, records.later(dispute.entry))
    return world.send(native, opened).error_name


def test_a_receipt_of_anything_else_is_no_evidence(
    world: TrustWorld, court: Court, dispute: Dispute, records: Records
) -> None:
    other = court.device()
    index = replace(dispute.device, index=7)

    assert receipt_with(world, dispute, records, seq=4) == "RecordNotSigned"
    assert receipt_with(world, dispute, records, seq=2) == "RecordNotSigned"
    assert receipt_with(world, dispute, records, head=bytes(32)) == "RecordNotSigned"
    assert receipt_with(world, dispute, records, context=index.receipt_context) == "WrongContext"
    assert receipt_with(world, dispute, records, context=other.receipt_context) == "WrongContext"
    assert receipt_with(world, dispute, records, context=bytes(32)) == "WrongContext"
    assert receipt_with(world, dispute, records, signer=other.signer) == "InvalidProof"
    assert receipt_with(world, dispute, records, edit={4: b"\2"}) == "WrongMessage"
    assert receipt_with(world, dispute, records, edit={0: b"X"}) == "WrongMessage"
    unopened(world, dispute)
    assert receipt_with(world, dispute, records) == ""


@pytest.mark.parametrize("time", [0, 2**63 - 1])
def test_when_a_receipt_was_signed_does_not_matter(
    world: TrustWorld, dispute: Dispute, records: Records, time: int
) -> None:
    """Units and time are the device's own word; it signed the head all the same."""
    assert receipt_with(world, dispute, records, time=time, units=2**64 - 1) == ""


def test_a_receipt_that_somebody_else_shows_is_no_evidence(
    world: TrustWorld, dispute: Dispute, records: Records
) -> None:
    receipt = world.receipt_message(dispute.device, records.seq, records.units, head=records.head)
    later, key = records.later(dispute.entry), Pubkey(dispute.device.signer.public.public_bytes)

    for proof in (dispute.tab.consumer.pubkey(), key):
        opened = world.open_dispute(dispute, later, shown=receipt, proof=proof)
        assert world.send(opened).error_name == "InvalidProof"

    unopened(world, dispute)


def test_the_signature_stands_right_before(world: TrustWorld, dispute: Dispute, records: Records) -> None:
    native, opened = world.accuse(dispute, records)
    between = world.deposit(dispute.tab, 1)

    assert world.send(native, between, opened).error_name == "InvalidProof"
    assert world.send(opened, native).error_name == "InvalidProof"
    unopened(world, dispute)


def test_a_key_that_was_replaced_is_no_evidence_but_the_head_on_chain_stays(
    world: TrustWorld, court: Court, device: Device, tab: Tab, records: Records
) -> None:
    world.next_epoch(court.network)
    world.must(world.receipt(device, records.seq, records.units, head=records.head))
    world.patch_device(device, key=world.ed25519().public.raw33)
    first, newest = (world.dispute_of(device, tab, records.entries[at]) for at in (0, 2))
    unsigned_later = records.add()
    beyond = world.dispute_of(device, tab, unsigned_later)

    assert world.send(world.accuse(beyond, records)).error_name == "InvalidProof"
    records.entries.pop()
    assert world.send(world.open_dispute(newest)).ok
    assert world.send(world.open_dispute(first, records.later(first.entry))).ok


# How far back


def most_later(world: TrustWorld, device: Device, tab: Tab, *, native: bool, alone: bool) -> int:
    """How many later hashes fit one transaction, with a receipt's signature in it or not, and with the challenger as
    the only wallet or with another one that pays."""
    payer = tab.consumer if alone else world.payer
    world.runtime.airdrop(payer.pubkey(), 10**9)
    count = 0
    while True:
        records = Records(salt=b"%d %d %d" % (count, native, alone))
        records.extend(count + 1)
        entry = records.entries[0]
        dispute = world.dispute_of(device, tab, entry)
        if not native:
            world.patch_device(device, seq=records.seq, head=records.head)
        opened = world.open_dispute(dispute, records.later(entry), payer=payer.pubkey())
        signature = world.accuse(dispute, records)[:1] if native else []
        result = world.transmit(signature, opened, payer=payer)
        if result.size > TRANSACTION_SIZE:
            return count - 1
        assert result.ok
        count += 1


@pytest.mark.parametrize(
    ("native", "alone", "count"), [(True, True, 16), (True, False, 13), (False, True, 24), (False, False, 21)]
)
def test_as_many_later_records_as_fit(
    world: TrustWorld, device: Device, tab: Tab, native: bool, alone: bool, count: int
) -> None:
    evidence, wallets = "a receipt" if native else "the head on chain", 1 if alone else 2

    fit = most_later(world, device, tab, native=native, alone=alone)

    print(f"\n{fit} later records fit a transaction of {wallets} wallets with {evidence}")
    assert fit == count


# Who, and for what


def test_only_the_tabs_consumer_challenges_with_it(world: TrustWorld, dispute: Dispute, records: Records) -> None:
    native, _ = world.accuse(dispute, records)
    delegate = world.delegate(dispute.tab)
    later = records.later(dispute.entry)

    for key in (delegate, dispute.device.owner, world.payer):
        opened = world.open_dispute(dispute, later, challenger=key.pubkey())
        assert world.send(native, opened).error_name == "Unauthorized"
    missing = unsigned(world.open_dispute(dispute, later), dispute.tab.consumer.pubkey())
    assert world.send(native, missing).error == "MissingRequiredSignature"
    unopened(world, dispute)


def test_anybody_challenges_not_the_consumer_alone(
    world: TrustWorld, network: Network, device: Device, records: Records
) -> None:
    stranger = world.tab(network, DEPOSIT)

    assert world.dispute(device, stranger, records, records.entries[0])

    assert world.read_tab(stranger).balance == 0


@pytest.mark.parametrize(("balance", "error"), [(DEPOSIT, ""), (DEPOSIT - 1, "InsufficientBalance")])
def test_the_deposit_must_be_free(
    world: TrustWorld, network: Network, device: Device, records: Records, balance: int, error: str
) -> None:
    tab = world.tab(network, balance + 50)
    world.lane(tab, device, 50)

    opened = world.accuse(world.dispute_of(device, tab, records.entries[0]), records)

    assert world.send(opened).error_name == error


OFF: dict[str, dict[str, Any]] = {
    "no deposit": {"dispute_deposit": 0},
    "no attestors": {"attestors": 0, "threshold": 0},
    "no challenge delay": {"challenge_delay": 0},
}


@pytest.mark.parametrize("terms", OFF.values(), ids=OFF)
def test_networks_without_disputes_take_none(world: TrustWorld, terms: dict[str, Any]) -> None:
    court = court_of(world, **terms)
    device, tab = court.device(), world.tab(court.network, 1_000)
    records = court.paid_record(tab)

    opened = world.accuse(world.dispute_of(device, tab, records.entries[0]), records)

    assert world.send(opened).error_name == "DisputesOff"


@pytest.mark.parametrize("meter", [1, 2, 3, 4, 5, 6])
def test_only_work_that_can_be_executed_again_is_disputed(world: TrustWorld, meter: int) -> None:
    """By the meter of the device's class: what else the record says, attestors judge."""
    court = court_of(world, classes=(CLASS, replace(CLASS, meter=meter)))
    device, tab = court.device(class_=1), world.tab(court.network, 1_000)
    records = court.paid_record(tab)

    opened = world.accuse(world.dispute_of(device, tab, records.entries[0]), records)

    assert world.send(opened).error_name == ("" if meter == 1 else "NotExecutable")


@pytest.mark.parametrize("status", [2, 3], ids=["suspended", "retired"])
def test_a_device_that_is_not_active_answers(
    world: TrustWorld, dispute: Dispute, records: Records, status: int
) -> None:
    world.patch_device(dispute.device, status=status)

    assert world.send(world.accuse(dispute, records)).ok


def test_nothing_pauses_it(world: TrustWorld, network: Network, dispute: Dispute, records: Records) -> None:
    assert world.send(world.pause(network, 31)).ok

    assert world.send(world.accuse(dispute, records)).ok


def test_parties_of_another_network_are_refused(
    world: TrustWorld, court: Court, dispute: Dispute, records: Records
) -> None:
    other = court_of(world)
    device, tab = other.device(), world.tab(other.network, 1_000)
    native, _ = world.accuse(dispute, records)
    later = records.later(dispute.entry)

    def error(accused: Dispute, **accounts: Any) -> str:
        return world.send(native, world.open_dispute(accused, later, **accounts)).error_name

    assert error(dispute, network=other.network.address) == "WrongNetwork"
    strangers = replace(dispute, tab=tab)
    assert error(strangers) == "WrongNetwork"
    foreign = world.dispute_of(device, dispute.tab, dispute.entry)
    assert error(foreign, network=court.network.address) == "WrongNetwork"
    unopened(world, dispute)


# More than one


def test_a_record_is_disputed_once_at_a_time(
    world: TrustWorld, network: Network, dispute: Dispute, records: Records
) -> None:
    assert world.send(world.accuse(dispute, records)).ok
    rival = replace(dispute, tab=world.tab(network, 1_000))

    assert world.send(world.accuse(rival, records)).error == IN_USE

    assert world.read_device(dispute.device).open_disputes == 1


def test_each_record_is_disputed_by_itself(world: TrustWorld, device: Device, tab: Tab, records: Records) -> None:
    for entry in records.entries:
        world.dispute(device, tab, records, entry)

    assert world.read_device(device).open_disputes == 3
    assert world.read_tab(tab).balance == 10_000 - 300


def test_terms_are_those_of_the_opening(
    world: TrustWorld, network: Network, dispute: Dispute, records: Records
) -> None:
    assert world.send(world.accuse(dispute, records)).ok
    before = world.read_dispute(dispute)

    world.patch_network(network, dispute_deposit=7, challenge_delay=7)

    assert world.read_dispute(dispute) == before


def test_an_address_that_somebody_sent_lamports_to_is_no_obstacle(
    world: TrustWorld, dispute: Dispute, records: Records
) -> None:
    world.runtime.airdrop(dispute.address, 1_000_000)

    assert world.send(world.accuse(dispute, records)).ok


@pytest.mark.parametrize("name", ["tab", "device", "dispute"])
def test_accounts_must_be_writable(world: TrustWorld, dispute: Dispute, records: Records, name: str) -> None:
    native, _ = world.accuse(dispute, records)
    opened = world.open_dispute(dispute, records.later(dispute.entry))
    address = {"tab": dispute.tab.address, "device": dispute.device.address, "dispute": dispute.address}[name]

    assert not world.send(native, read_only(opened, address)).ok

    unopened(world, dispute)


def test_an_attestor_may_challenge(world: TrustWorld, court: Court, device: Device, records: Records) -> None:
    attestor: Keypair = court.attestors[0]
    tab = world.tab(court.network, 1_000, consumer=attestor)

    assert world.dispute(device, tab, records)
