"""Events of consumers: what a tab's, a device's and a network's feed show, and what each leaves to the others."""

from __future__ import annotations

from typing import Any

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet, StartFleet
from support.guarantees import BOND, DEPOSIT, Guarantees
from support.rooted import Payee, Rooted, payees
from worktab.chain.feed import Start
from worktab.core.contexts import BatchEntry
from worktab.core.keys import DeviceKey
from worktab.core.vouchers import SignedBatch
from worktab.program.generated import events, instructions
from worktab.program.structs import Event
from worktab.roles.claiming import Crank
from worktab.roles.consumer import Consumer
from worktab.roles.device import Device
from worktab.roles.events import NetworkEvents, ProgramEvents
from worktab.roles.invoicing import Issuer
from worktab.roles.party_events import DeviceEvents, PayoutEvents, TabEvents
from worktab.roles.proving import prove_by_signature
from worktab.roles.settling import Settler
from worktab.roles.terms import RewardPath

SO_FAR: dict[str, Any] = {"since": Start.OLDEST, "follow": False}


async def collect(source: ProgramEvents) -> list[Event]:
    async with source:
        return [item.event async for item in source]


async def newest(fleet: Fleet) -> dict[str, Any]:
    """Options for what comes after the newest transaction of a network. Others may share the program."""
    return {"since": (await fleet.chain.history(fleet.network, limit=1))[0].signature, "follow": False}


def names(found: list[Event]) -> list[str]:
    return [type(event).__name__ for event in found]


async def story(fleet: Fleet) -> tuple[Consumer, Device, Device]:
    """A consumer buys from two devices in every way there is; the first device is its story's."""
    owner = fleet.owner()
    device, other = await fleet.device(owner=owner), await fleet.device(owner=owner)
    consumer = await fleet.consumer(1_000)
    await consumer.set_delegate(Keypair().pubkey(), allowance=5)
    await fleet.sell(consumer, device, 10, 1)
    await fleet.sell(consumer, other, 20, 2)
    lanes = [await consumer.reserve(each.device, 50) for each in (device, other)]
    entries = [BatchEntry(lane.index, lane.nonce, 5, 1) for lane in lanes]
    batch = SignedBatch.sign(consumer.key, await consumer.reader.domain(), consumer.tab_address, entries)
    await Settler(fleet.sender, fleet.network).settle_batch(batch, [device.device, other.device])
    issuer = Issuer(fleet.sender, fleet.network, owner.owner)
    made = await issuer.create(device.device, consumer=consumer.consumer, amount=7)
    await consumer.pay_invoice(made.view)
    await issuer.refund(made.address, 3)
    await issuer.void(made.address)
    await owner.claim()
    await owner.release_lane(device.device, consumer.tab_address, lanes[0].nonce)
    await consumer.withdraw(1)
    return consumer, device, other


SHOWN_BY_TAB = [
    "TabOpened",
    "Deposited",
    "DelegateSet",
    "LaneReserved",
    "VoucherSettled",
    "LaneReserved",
    "VoucherSettled",
    "LaneReserved",
    "LaneReserved",
    "BatchSettled",
    "InvoicePaid",
    "InvoiceRefunded",
    "LaneClosed",
    "Withdrawn",
]


async def test_a_tab_shows_all_that_happens_to_it(fleet: Fleet) -> None:
    consumer, device, other = await story(fleet)
    stranger = await fleet.consumer()
    await fleet.sell(stranger, device, 4, 1)
    found = await collect(TabEvents(fleet.chain, consumer.tab_address, **SO_FAR))
    assert names(found) == SHOWN_BY_TAB
    sales = [event for event in found if isinstance(event, events.VoucherSettled)]
    assert [(event.index, event.amount, event.units) for event in sales] == [(0, 10, 1), (1, 20, 2)]
    [batch] = [event for event in found if isinstance(event, events.BatchSettled)]
    assert [(entry.index, entry.amount) for entry in batch.entries] == [(0, 5), (1, 5)]
    kinds: Any = [events.Withdrawn]
    [withdrawn] = await collect(TabEvents(fleet.chain, consumer.tab_address, kinds=kinds, **SO_FAR))
    assert isinstance(withdrawn, events.Withdrawn)
    assert withdrawn.amount == 1
    assert other.device != device.device


async def test_a_device_shows_all_that_happens_to_it(fleet: Fleet) -> None:
    _, device, other = await story(fleet)
    found = await collect(DeviceEvents(fleet.chain, device.device, **SO_FAR))
    assert names(found) == [
        "DeviceRegistered",
        "LaneReserved",
        "VoucherSettled",
        "LaneReserved",
        "BatchSettled",
        "InvoiceCreated",
        "InvoicePaid",
        "InvoiceRefunded",
        "InvoiceVoided",
        "Claimed",
        "LaneClosed",
    ]
    assert [event.amount for event in found if isinstance(event, events.VoucherSettled)] == [10]
    rest = await collect(DeviceEvents(fleet.chain, other.device, **SO_FAR))
    assert names(rest) == [
        "DeviceRegistered",
        "LaneReserved",
        "VoucherSettled",
        "LaneReserved",
        "BatchSettled",
        "Claimed",
    ]


async def test_two_sales_in_one_transaction_are_told_apart(fleet: Fleet) -> None:
    consumer, devices = await fleet.consumer(), [await fleet.device() for _ in range(2)]
    lanes = [await consumer.reserve(device.device, 50) for device in devices]
    vouchers = [
        await fleet.voucher(consumer, device, lane.nonce, amount=amount)
        for device, lane, amount in zip(devices, lanes, (30, 40), strict=True)
    ]
    both = []
    for device, lane, voucher in zip(devices, lanes, vouchers, strict=True):
        proof = prove_by_signature(DeviceKey.ed25519(consumer.consumer), voucher.message, voucher.signature)
        passed = instructions.SettleVoucherAccounts(tab=consumer.tab_address, device=device.device, proof=proof.account)
        both += proof.lead(instructions.settle_voucher(passed, nonce=lane.nonce, voucher=proof.shown))
    await fleet.sender.send(both)
    for device, amount in zip(devices, (30, 40), strict=True):
        kinds: Any = [events.VoucherSettled]
        [event] = await collect(DeviceEvents(fleet.chain, device.device, kinds=kinds, **SO_FAR))
        assert isinstance(event, events.VoucherSettled)
        assert event.amount == amount


async def test_a_network_shows_its_sales_only_when_asked(fleet: Fleet) -> None:
    since = await newest(fleet)
    await story(fleet)
    neighbour = await Fleet(fleet.chain).start()
    await neighbour.sell(await neighbour.consumer(), await neighbour.device(), 9, 1)
    own = names(await collect(NetworkEvents(fleet.chain, fleet.network, **since)))
    every = names(await collect(NetworkEvents(fleet.chain, fleet.network, sales=True, **since)))
    silent = {
        "DelegateSet",
        "VoucherSettled",
        "BatchSettled",
        "InvoiceCreated",
        "InvoicePaid",
        "InvoiceRefunded",
        "InvoiceVoided",
    }
    assert silent.isdisjoint(own)
    assert [name for name in every if name not in silent] == own
    assert silent < set(every)
    assert every.count("VoucherSettled") == 2
    assert {"TabOpened", "Deposited", "LaneReserved", "LaneClosed", "Withdrawn", "Claimed"} < set(own)


async def test_a_tab_that_is_gone_had_its_network(fleet: Fleet) -> None:
    since, consumer = await newest(fleet), await fleet.consumer(0)
    await consumer.set_delegate(Keypair().pubkey(), allowance=5)
    await consumer.close()
    tail = ["TabOpened", "DelegateSet", "TabClosed"]
    assert names(await collect(TabEvents(fleet.chain, consumer.tab_address, **SO_FAR))) == tail
    assert names(await collect(NetworkEvents(fleet.chain, fleet.network, sales=True, **since))) == tail
    neighbour = await Fleet(fleet.chain).start()
    kinds: Any = [events.DelegateSet]
    assert await collect(NetworkEvents(fleet.chain, neighbour.network, sales=True, kinds=kinds, **since)) == []


async def test_a_wallet_shows_what_it_was_paid(start_fleet: StartFleet) -> None:
    rooted = await Rooted.start(start_fleet, reward_path=RewardPath.RECEIPTS, parameter_delay=0)
    fleet, wallet = rooted.fleet, Keypair().pubkey()
    devices = [await fleet.device(payout=wallet), await fleet.device()]
    await fleet.next_epoch()
    for device in devices:
        await fleet.earn(device, 1, 7)
    await Crank(fleet.sender, fleet.network).claim()
    await fleet.operator.pay_by_roots()
    await fleet.operator.apply_update()
    root = await rooted.final((await rooted.network()).roots_from, [*payees(5), Payee(wallet, 9)])
    await rooted.claimer.claim_all(root.proofs())

    found = await collect(PayoutEvents(fleet.chain, wallet, **SO_FAR))

    assert names(found) == ["Claimed", "RootClaimed"]
    claimed, from_root = found
    assert isinstance(claimed, events.Claimed)
    assert (claimed.payout, claimed.amount) == (wallet, 14)
    assert from_root == events.RootClaimed(fleet.network, wallet, 9, 1, 0)
    kinds: Any = [events.RootClaimed]
    assert await collect(PayoutEvents(fleet.chain, wallet, kinds=kinds, **SO_FAR)) == [from_root]


async def test_the_life_of_a_root_is_shown_by_its_network_alone(start_fleet: StartFleet) -> None:
    rooted, neighbour = await Rooted.start(start_fleet), await Rooted.start(start_fleet)
    since = [await newest(each.fleet) for each in (rooted, neighbour)]
    roots = []
    for each in (rooted, neighbour):
        await each.fleet.next_epoch()
        await each.attestors[0].commit((await each.root(0, payees(1))).commitment())
        roots.append(await each.final(0, payees(5)))
        await each.claimer.claim(roots[-1].proof(0))
        await each.finalizer.close_outdated()
        await each.fleet.operator.remove_attestor(each.keys[0].pubkey())
    life = [
        "EpochCommitted",
        "EpochCommitted",
        "EpochVoted",
        "EpochFinalized",
        "PageOpened",
        "RootClaimed",
        "EpochClosed",
        "UpdateProposed",
    ]
    for each, root, begin in zip((rooted, neighbour), roots, since, strict=True):
        for sales in (False, True):
            found = await collect(NetworkEvents(rooted.fleet.chain, each.fleet.network, sales=sales, **begin))
            assert names(found) == life
            [voted] = [event for event in found if isinstance(event, events.EpochVoted)]
            assert voted.epoch == each.attestors[0].epoch_address(root.commitment())


async def test_votes_on_a_commitment_made_before_are_shown_by_its_network_alone(start_fleet: StartFleet) -> None:
    rooted, neighbour = await Rooted.start(start_fleet), await Rooted.start(start_fleet)
    voted = []
    for each in (rooted, neighbour):
        await each.fleet.next_epoch()
        voted.append(await each.attestors[0].commit((await each.root(0, payees(1))).commitment()))
    since = await newest(neighbour.fleet)
    for each, address in zip((rooted, neighbour), voted, strict=True):
        await each.attestors[1].vote(address, approve=True)
    for each, address in zip((rooted, neighbour), voted, strict=True):
        [event] = await collect(NetworkEvents(rooted.fleet.chain, each.fleet.network, sales=True, **since))
        assert isinstance(event, events.EpochVoted)
        assert event.epoch == address


async def trust(guarantees: Guarantees) -> tuple[Consumer, Consumer, Any, list[Any]]:
    """A bond that is put in and partly taken out; an SLA that is missed, contested and upheld, one that is kept; two
    disputes, not guilty and guilty. Returns the consumer, the challenger, the device, and the SLAs and disputes."""
    fleet = guarantees.fleet
    consumer, challenger = await fleet.consumer(5_000), await fleet.consumer(5_000)
    bonded = await guarantees.bonded()
    await guarantees.withdraw(bonded, 1_000)
    missed, _ = await guarantees.promise(consumer, bonded, 400, 10_000)
    kept, nonce = await guarantees.promise(consumer, bonded, 300, 2_000)
    await guarantees.deliver(consumer, bonded, nonce, 300)
    await guarantees.enforce(consumer, bonded, kept)
    await fleet.clock.advance(1_000)
    await guarantees.contest(bonded, missed)
    await guarantees.decide(missed, upheld=True)
    await guarantees.enforce(consumer, bonded, missed)
    await fleet.clock.advance(604_800)
    await guarantees.withdraw(bonded, None)
    entries = [await guarantees.work(bonded, consumer, 70) for _ in range(2)]
    disputes = [await guarantees.accuse(challenger, bonded, entry) for entry in entries]
    for dispute, entry, finding in zip(disputes, entries, (1, 2), strict=True):
        await guarantees.judge(dispute, finding)
        await guarantees.resolve(dispute, challenger, bonded, entry)
    return consumer, challenger, bonded, [missed, kept, *disputes]


OF_DEVICE = [
    "DeviceRegistered",
    "BondDeposited",
    "BondLeaving",
    "LaneReserved",
    "SlaOpened",
    "LaneReserved",
    "SlaOpened",
    "VoucherSettled",
    "SlaEnforced",
    "SlaContested",
    "SlaEnforced",
    "BondWithdrawn",
    "ReceiptSubmitted",
    "ReceiptSubmitted",
    "DisputeOpened",
    "DisputeOpened",
    "DisputeResolved",
    "DisputeResolved",
]


async def test_bonds_slas_and_disputes_are_shown_to_their_parties(start_fleet: StartFleet) -> None:
    guarantees = await Guarantees.start(start_fleet)
    fleet = guarantees.fleet
    since = await newest(fleet)
    consumer, challenger, bonded, [missed, kept, acquitted, guilty] = await trust(guarantees)
    nobody = Pubkey.default()

    assert names(await collect(DeviceEvents(fleet.chain, bonded.address, **SO_FAR))) == OF_DEVICE
    bought = await collect(TabEvents(fleet.chain, consumer.tab_address, **SO_FAR))
    assert names(bought) == [
        "TabOpened",
        "Deposited",
        "LaneReserved",
        "SlaOpened",
        "LaneReserved",
        "SlaOpened",
        "VoucherSettled",
        "SlaEnforced",
        "SlaEnforced",
        "DisputeResolved",
        "DisputeResolved",
    ]
    ended = [event for event in bought if isinstance(event, events.SlaEnforced)]
    assert [(event.sla, event.outcome, event.delivered, event.penalty) for event in ended] == [
        (kept, 0, 300, 0),
        (missed, 1, 0, 400),
    ]
    accused = await collect(TabEvents(fleet.chain, challenger.tab_address, **SO_FAR))
    assert names(accused) == [
        "TabOpened",
        "Deposited",
        "DisputeOpened",
        "DisputeOpened",
        "DisputeResolved",
        "DisputeResolved",
    ]
    bond = BOND - 400 - 1_000 + DEPOSIT
    slashed = bond // 2
    resolved = [
        events.DisputeResolved(acquitted, bonded.address, challenger.tab_address, 2, nobody, 0, 0, 0, 0, 0, DEPOSIT),
        events.DisputeResolved(
            guilty,
            bonded.address,
            challenger.tab_address,
            1,
            consumer.tab_address,
            70,
            DEPOSIT,
            DEPOSIT,
            slashed - 70 - DEPOSIT,
            40,
            0,
        ),
    ]
    assert [event for event in accused if isinstance(event, events.DisputeResolved)] == resolved
    assert bought[-2:] == resolved, "both were about its records"
    # Also in a feed that begins after the openings.
    for party in (challenger, consumer):
        openings = (await fleet.chain.history(party.tab_address, limit=3))[-1].signature
        late: dict[str, Any] = {"since": openings, "follow": False}
        assert await collect(TabEvents(fleet.chain, party.tab_address, **late)) == resolved

    own = names(await collect(NetworkEvents(fleet.chain, fleet.network, **since)))
    every = names(await collect(NetworkEvents(fleet.chain, fleet.network, sales=True, **since)))
    silent = {"VoucherSettled", "SlaContested", "SlaEnforced"}
    assert [name for name in every if name not in silent] == own
    assert own.count("SlaVoted") == 2
    assert own.count("DisputeVoted") == 4
    assert [every.count(name) for name in ("SlaContested", "SlaEnforced")] == [1, 2]
    votes = await collect(ProgramEvents(fleet.chain, guilty, **SO_FAR))
    assert names(votes) == ["DisputeOpened", "DisputeVoted", "DisputeVoted", "DisputeResolved"]
    assert votes[2] == events.DisputeVoted(guilty, guarantees.attestors[1].pubkey(), 2, 2, 0)
    votes = await collect(ProgramEvents(fleet.chain, missed, **SO_FAR))
    assert votes[3] == events.SlaVoted(missed, guarantees.attestors[1].pubkey(), True, 2, 0)


async def test_votes_are_shown_by_their_network_alone(start_fleet: StartFleet) -> None:
    guarantees, neighbour = await Guarantees.start(start_fleet), await Guarantees.start(start_fleet)
    fleet, other = guarantees.fleet, neighbour.fleet
    since = [await newest(each) for each in (fleet, other)]
    _, _, _, [missed, _, acquitted, guilty] = await trust(guarantees)
    kinds: Any = [events.SlaVoted, events.DisputeVoted]
    found = await collect(NetworkEvents(fleet.chain, fleet.network, sales=True, kinds=kinds, **since[0]))
    named = [event.sla if isinstance(event, events.SlaVoted) else event.dispute for event in found]  # type: ignore[attr-defined]
    assert named == [missed, missed, acquitted, acquitted, guilty, guilty]
    # The neighbour's feed reads the same transactions; the openings tell whose SLAs and disputes these were.
    every = await collect(NetworkEvents(other.chain, other.network, sales=True, **since[1]))
    assert every == []


async def test_votes_are_traced_by_accounts_that_are_open(start_fleet: StartFleet) -> None:
    guarantees, neighbour = await Guarantees.start(start_fleet), await Guarantees.start(start_fleet)
    fleet = guarantees.fleet
    consumer, bonded = await fleet.consumer(5_000), await guarantees.bonded()
    await fleet.next_epoch()
    sla, _ = await guarantees.promise(consumer, bonded, 400, 10_000)
    dispute = await guarantees.accuse(consumer, bonded, await guarantees.work(bonded))
    await fleet.clock.advance(1_000)
    await guarantees.contest(bonded, sla)
    since: dict[str, Any] = {
        "since": (await fleet.chain.history(bonded.address, limit=1))[0].signature,
        "follow": False,
    }
    later = await guarantees.accuse(consumer, bonded, await guarantees.work(bonded))
    await guarantees.decide(sla, upheld=False)
    await guarantees.judge(later, 2)
    for network, count in ((fleet.network, 4), (neighbour.fleet.network, 0)):
        kinds: Any = [events.SlaVoted, events.DisputeVoted]
        found = await collect(NetworkEvents(fleet.chain, network, sales=True, kinds=kinds, **since))
        assert len(found) == count
    assert dispute != later
