"""Events of consumers: what a tab's, a device's and a network's feed show, and what each leaves to the others."""

from __future__ import annotations

from typing import Any

from solders.keypair import Keypair

from support.fleet import Fleet, StartFleet
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
