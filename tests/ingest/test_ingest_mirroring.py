"""Registrations on chain come to the store, and changes of them when a receipt asks for it, within a budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet
from support.ingest import registrations_of
from support.ingests import Clock, ingest
from worktab.core.contexts import receipt_context
from worktab.core.keys import Ed25519Signer, P256Signer, Signer
from worktab.core.messages import Message
from worktab.ingest.mirroring import Mirror
from worktab.ingest.sqlite import SqliteStore
from worktab.ingest.verdicts import Verdict
from worktab.roles.device import Device
from worktab.roles.reading import NetworkReader


class Counting:
    """A chain that counts the accounts it is asked for."""

    def __init__(self, chain: object) -> None:
        self._chain, self.asked = chain, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._chain, name)

    async def accounts(self, addresses: list[Pubkey]) -> object:
        self.asked += len(addresses)
        return await self._chain.accounts(addresses)  # type: ignore[attr-defined]


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A store with nothing in it."""
    store = SqliteStore(tmp_path / "store")
    yield store
    store.close()


async def signed(device: Device, signer: Signer, seq: int = 1) -> bytes:
    """A receipt of so many jobs."""
    view = await device.view()
    context = receipt_context(view.network.domain, device.device, view.device.index)
    message = Message.receipt(context, seq, 10 * seq, view.now, bytes(32)).encode()
    return bytes(device.device) + message + signer.sign(message)


async def test_accounts_are_mirrored_as_they_change(fleet: Fleet, store: SqliteStore) -> None:
    owner, mirror = fleet.owner(), Mirror(store, NetworkReader(fleet.chain, fleet.network))
    assert await mirror.refresh() == 0
    assert store.facts.network == fleet.network
    assert store.facts.capacities[0] == (await fleet.operator.network()).classes[0].max_capacity
    one = await fleet.device(owner=owner, signer=Ed25519Signer.generate(), capacity=700)
    two = await fleet.device(owner=owner, signer=P256Signer.generate())
    assert await mirror.refresh() == 2
    assert await mirror.refresh() == 0
    rows = {each["device"].tobytes(): each for each in registrations_of(store, 0)}
    view = await one.view()
    row = rows[bytes(one.device)]
    assert (row["index"], row["class"], row["key_kind"], row["enrolled"], row["capacity"]) == (0, 0, 1, 0, 0)
    assert (row["baseline"], row["serial"]) == (0, 0)
    assert row["owner"].tobytes() == bytes(owner.owner.pubkey())
    assert row["payout"].tobytes() == bytes(view.device.payout)
    assert row["key"].tobytes() == view.device.key
    assert rows[bytes(two.device)]["key_kind"] == 2
    later = registrations_of(store, 1)
    assert later["capacity"][[each.tobytes() == bytes(one.device) for each in later["device"]]] == 700

    payout = Keypair().pubkey()
    await owner.update(one.device, payout=payout)
    await owner.retire(two.device)
    assert await mirror.refresh() == 2
    [row] = registrations_of(store, 0)
    assert row["payout"].tobytes() == bytes(payout)
    assert store.counts().registered == 2


async def test_a_device_that_is_new_on_chain_is_looked_up_when_its_receipt_comes(
    fleet: Fleet, store: SqliteStore
) -> None:
    chain, now = Counting(fleet.chain), Clock(0)
    mirror = Mirror(store, NetworkReader(chain, fleet.network), clock=now)  # type: ignore[arg-type]
    await mirror.refresh()
    signer = Ed25519Signer.generate()
    device = await fleet.device(signer=signer)
    receipt = await signed(device, signer)
    clock = Clock(await fleet.chain.unix_time())
    chain.asked = 0
    async with ingest(store, clock, mirror=mirror) as service:
        assert await service.client.submit([receipt]) == [Verdict.STORED]
        assert chain.asked == 1
        assert await service.client.submit([receipt]) == [Verdict.DUPLICATE]
        assert chain.asked == 1


async def test_a_new_key_is_looked_up_when_a_signature_fails(fleet: Fleet, store: SqliteStore) -> None:
    chain, now = Counting(fleet.chain), Clock(0)
    mirror = Mirror(store, NetworkReader(chain, fleet.network), clock=now)  # type: ignore[arg-type]
    owner, old, new = fleet.owner(), Ed25519Signer.generate(), Ed25519Signer.generate()
    device = await fleet.device(owner=owner, signer=old)
    await mirror.refresh()
    clock = Clock(await fleet.chain.unix_time())
    async with ingest(store, clock, mirror=mirror) as service:
        assert await service.client.submit([await signed(device, new)]) == [Verdict.BAD_SIGNATURE]
        await owner.update(device.device, key=new)
        chain.asked = 0
        # It was looked up just now.
        assert await service.client.submit([await signed(device, new)]) == [Verdict.BAD_SIGNATURE]
        assert chain.asked == 0
        now.now += 60
        assert await service.client.submit([await signed(device, new)]) == [Verdict.STORED]
        assert chain.asked == 1
        assert await service.client.submit([await signed(device, old, 2)]) == [Verdict.BAD_SIGNATURE]


async def test_strangers_cannot_make_it_hammer_the_chain(fleet: Fleet, store: SqliteStore) -> None:
    chain, now = Counting(fleet.chain), Clock(0)
    mirror = Mirror(store, NetworkReader(chain, fleet.network), rate=1, clock=now)  # type: ignore[arg-type]
    await mirror.refresh()
    chain.asked = 0
    made_up = [np.random.default_rng(number).bytes(32) for number in range(50)]
    for _ in range(3):
        assert await mirror.look_up(made_up) == 0
    assert chain.asked == 10
    now.now += 5
    assert await mirror.look_up(made_up * 2) == 0
    assert chain.asked == 15


async def test_lamports_at_a_devices_address_are_no_registration(fleet: Fleet, store: SqliteStore) -> None:
    mirror = Mirror(store, NetworkReader(fleet.chain, fleet.network))
    await mirror.refresh()
    stray = Keypair().pubkey()
    await fleet.airdrop(stray, 10**9)
    assert await mirror.look_up([bytes(stray), bytes(fleet.network), bytes(fleet.mint.address)]) == 0
    assert store.counts().registered == 0
