"""Reading SLAs and disputes: by address, by party, and what is said of other accounts."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import StartFleet
from support.guarantees import Guarantees
from worktab.chain.protocol import AccountData
from worktab.core.addresses import SYSTEM_PROGRAM_ID
from worktab.program.generated import PROGRAM_ID
from worktab.roles.errors import DisputeNotFound, SlaNotFound
from worktab.roles.reading import NetworkReader


async def test_slas_are_found_by_address_and_by_party(start_fleet: StartFleet) -> None:
    guarantees = await Guarantees.start(start_fleet)
    fleet, reader = guarantees.fleet, guarantees.fleet.operator.reader
    consumers = [await fleet.consumer(5_000) for _ in range(2)]
    devices = [await guarantees.bonded() for _ in range(2)]
    late, _ = await guarantees.promise(consumers[0], devices[0], 100, 500, seconds=5_000)
    early, nonce = await guarantees.promise(consumers[0], devices[1], 200, 500, seconds=1_000)
    other, _ = await guarantees.promise(consumers[1], devices[0], 300, 500, seconds=3_000)

    view = await reader.sla(early)
    assert view is not None
    assert (view.address, view.account.due, view.account.held, view.account.nonce) == (early, 200, 10, nonce)
    assert reader.sla_address(consumers[0].tab_address, nonce) == early
    assert [each.address for each in await reader.slas()] == [early, other, late]
    assert [each.address for each in await reader.slas(tab=consumers[0].tab_address)] == [early, late]
    assert [each.address for each in await reader.slas(device=devices[0].address)] == [other, late]
    both = await reader.slas(tab=consumers[0].tab_address, device=devices[0].address)
    assert [each.address for each in both] == [late]
    assert await reader.slas(device=Pubkey.default()) == []

    await guarantees.deliver(consumers[0], devices[1], nonce, 200)
    await guarantees.enforce(consumers[0], devices[1], early)
    assert await reader.sla(early) is None
    assert [each.address for each in await reader.slas()] == [other, late]
    neighbour = await Guarantees.start(start_fleet)
    assert await neighbour.fleet.operator.reader.slas() == []


async def test_disputes_are_found_while_they_are_open_and_guilty_ones_after(start_fleet: StartFleet) -> None:
    guarantees = await Guarantees.start(start_fleet)
    fleet, reader = guarantees.fleet, guarantees.fleet.operator.reader
    challenger, devices = await fleet.consumer(5_000), [await guarantees.bonded() for _ in range(2)]
    await fleet.next_epoch()
    entries = [await guarantees.work(each) for each in devices]
    opened = [await guarantees.accuse(challenger, each, entry) for each, entry in zip(devices, entries, strict=True)]

    view = await reader.dispute(opened[0])
    assert view is not None
    assert (view.account.deposit, view.account.seq, view.is_open) == (100, 1, True)
    assert reader.dispute_address(devices[0].address, 1, entries[0].hash) == opened[0]
    assert {each.address for each in await reader.disputes()} == set(opened)
    assert [each.address for each in await reader.disputes(device=devices[1].address)] == [opened[1]]

    for dispute, device, entry, finding in zip(opened, devices, entries, (2, 1), strict=True):
        await guarantees.judge(dispute, finding)
        await guarantees.resolve(dispute, challenger, device, entry)
    assert await reader.disputes() == []
    [guilty] = await reader.disputes(open_only=False)
    assert (guilty.address, guilty.is_open, guilty.account.verdict) == (opened[0], False, 1)
    assert await reader.disputes(device=devices[1].address, open_only=False) == []
    assert await reader.dispute(opened[1]) is None


async def test_other_accounts_are_told_from_none(start_fleet: StartFleet) -> None:
    guarantees = await Guarantees.start(start_fleet)
    fleet, reader = guarantees.fleet, guarantees.fleet.operator.reader
    consumer, bonded = await fleet.consumer(5_000), await guarantees.bonded()
    await fleet.next_epoch()
    sla, _ = await guarantees.promise(consumer, bonded, 100, 500)
    dispute = await guarantees.accuse(consumer, bonded, await guarantees.work(bonded))
    funded = Keypair().pubkey()
    await fleet.set_account(funded, AccountData(1_000_000, SYSTEM_PROGRAM_ID, b""))
    for nothing in (Keypair().pubkey(), funded):
        assert (await reader.sla(nothing), await reader.dispute(nothing)) == (None, None)

    neighbour = await Guarantees.start(start_fleet)
    elsewhere = NetworkReader(fleet.chain, neighbour.fleet.network)
    for read, here, other, missing in (
        (reader.sla, elsewhere.sla, (sla, dispute), SlaNotFound),
        (reader.dispute, elsewhere.dispute, (dispute, sla), DisputeNotFound),
    ):
        own, foreign = other
        with pytest.raises(missing) as caught:
            await read(foreign)
        assert caught.value.got == f"an account of {PROGRAM_ID}"
        with pytest.raises(missing, match="in another network") as caught:
            await here(own)
        assert (caught.value.expected, caught.value.got) == (str(neighbour.fleet.network), str(fleet.network))
