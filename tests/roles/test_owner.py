"""The owner: registering, changing and retiring devices."""

from __future__ import annotations

from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import Fleet, StartFleet
from support.guarantees import Guarantees
from worktab.core.contexts import key_context, receipt_context
from worktab.core.errors import InputError, VerificationError
from worktab.core.keys import DeviceKey, Ed25519Signer, P256Signer
from worktab.core.messages import Message
from worktab.program.generated import errors
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.roles.claiming import ClaimOutcome
from worktab.roles.device import Device
from worktab.roles.errors import AlreadyRegistered, DeviceNotFound
from worktab.roles.operator import Operator
from worktab.roles.proving import KeypairSigner, Possession
from worktab.roles.terms import DeviceStatus


@pytest.mark.parametrize("make", [Keypair, Ed25519Signer.generate, P256Signer.generate])
async def test_a_device_is_registered_with_any_key(fleet: Fleet, make: Any) -> None:
    owner, signer, payout = fleet.owner(), make(), Keypair().pubkey()
    await fleet.device()

    registered = await owner.register(signer, capacity=70, payout=payout, evidence=b"e" * 32)

    key = KeypairSigner(signer).public if isinstance(signer, Keypair) else signer.public
    device = await fleet.read(registered.address)
    assert registered.index == device.index == 1
    assert registered.address == owner.device_address(key)
    assert (device.key, device.key_kind) == (key.raw33, key.kind)
    assert (device.owner, device.payout, device.evidence) == (owner.owner.pubkey(), payout, b"e" * 32)
    assert (device.capacity, device.next_capacity, device.capacity_epoch) == (0, 70, 1)
    assert (device.class_, device.status, device.rent_payer) == (0, DeviceStatus.ACTIVE, fleet.payer.pubkey())
    domain = await owner.reader.domain()
    assert device.receipt_context == receipt_context(domain, registered.address, 1)
    assert await fleet.lamports(owner.owner.pubkey()) == 0


async def test_the_payout_wallet_is_the_owners_unless_told_otherwise(fleet: Fleet) -> None:
    owner = fleet.owner()
    registered = await owner.register(Keypair(), capacity=1)
    assert (await fleet.read(registered.address)).payout == owner.owner.pubkey()


@pytest.mark.parametrize("make", [Ed25519Signer.generate, P256Signer.generate])
async def test_a_device_far_away_sends_its_possession(fleet: Fleet, make: Any) -> None:
    owner, signer = fleet.owner(), make()

    message = await owner.possession_message(signer.public)
    signature = signer.sign(message.encode())
    registered = await owner.register(Possession(signer.public, signature), capacity=1)

    context = key_context(
        await owner.reader.domain(),
        registered.address,
        signer.public.kind,
        signer.public.raw33,
        owner.owner.pubkey(),
    )
    assert message == Message.key_possession(context)
    assert (await fleet.read(registered.address)).key == signer.public.raw33


async def test_a_possession_is_good_for_one_owner_only(fleet: Fleet) -> None:
    owner, thief, signer = fleet.owner(), fleet.owner(), Ed25519Signer.generate()
    signature = signer.sign((await owner.possession_message(signer.public)).encode())
    with pytest.raises(VerificationError, match="not the device key's"):
        await thief.register(Possession(signer.public, signature), capacity=1)
    assert len(await fleet.operator.devices()) == 0


async def test_a_key_is_registered_once(fleet: Fleet) -> None:
    signer, owner = Ed25519Signer.generate(), fleet.owner()
    first = await owner.register(signer, capacity=1)
    with pytest.raises(AlreadyRegistered) as caught:
        await fleet.owner().register(signer, capacity=1)
    assert caught.value.code == "already_registered"
    assert caught.value.got == f"device {first.address}, index 0, owner {owner.owner.pubkey()}"


async def test_admission_needs_the_authority_or_an_attestor(start_fleet: StartFleet) -> None:
    attestor = Keypair()
    fleet = await start_fleet(admission=True, attestors=(attestor.pubkey(),))
    owner = fleet.owner()
    with pytest.raises(errors.AdmissionRequired):
        await owner.register(Keypair(), capacity=1)
    with pytest.raises(errors.AdmissionRequired):
        await owner.register(Keypair(), capacity=1, admission=Keypair())

    first = await owner.register(P256Signer.generate(), capacity=1, admission=fleet.authority)
    second = await owner.register(Keypair(), capacity=1, admission=attestor)
    assert (first.index, second.index) == (0, 1)

    with pytest.raises(errors.AdmissionRequired):
        await owner.update(first.address, capacity=2)
    await owner.update(first.address, capacity=2, admission=attestor)
    assert (await fleet.read(first.address)).next_capacity == 2
    with pytest.raises(errors.AdmissionRequired):
        await owner.update(first.address, key=Keypair())


async def test_the_programs_refusals_are_typed(fleet: Fleet) -> None:
    with pytest.raises(errors.CapacityTooLarge):
        await fleet.owner().register(Keypair(), capacity=1_000_001)
    with pytest.raises(errors.UnknownClass):
        await fleet.owner().register(Keypair(), capacity=1, work_class=1)


@pytest.mark.parametrize(
    ("update", "fields"),
    [
        ({"capacity": 5}, {"next_capacity": 5}),
        ({"payout": Pubkey(b"p" * 32)}, {"payout": Pubkey(b"p" * 32)}),
        ({"evidence": b"v" * 32}, {"evidence": b"v" * 32}),
        ({"owner": Pubkey(b"o" * 32)}, {"owner": Pubkey(b"o" * 32)}),
        (
            {"capacity": 0, "evidence": bytes(32), "payout": Pubkey(b"q" * 32)},
            {"next_capacity": 0, "evidence": bytes(32), "payout": Pubkey(b"q" * 32)},
        ),
    ],
)
async def test_an_update_changes_what_it_names(fleet: Fleet, update: dict[str, Any], fields: dict[str, Any]) -> None:
    owner = fleet.owner()
    device = await owner.register(Keypair(), capacity=1, evidence=b"e" * 32)
    before = await fleet.read(device.address)

    await owner.update(device.address, **update)

    after = await fleet.read(device.address)
    assert {name: getattr(after, name) for name in fields} == fields
    same = set(DeviceAccount.OFFSETS) - set(fields)
    assert {name: getattr(after, name) for name in same} == {name: getattr(before, name) for name in same}


@pytest.mark.parametrize("old", [Keypair, P256Signer.generate])
@pytest.mark.parametrize("new", [Keypair, Ed25519Signer.generate, P256Signer.generate])
async def test_a_device_changes_its_key(fleet: Fleet, old: Any, new: Any) -> None:
    owner, next_key = fleet.owner(), new()
    device = await fleet.device(owner=owner, signer=old())
    await owner.update(device.device, key=next_key)

    changed = Device(fleet.sender, fleet.network, signer=next_key, device=device.device)
    account = await fleet.read(device.device)
    assert (account.key, account.key_kind) == (changed.signer.public.raw33, changed.signer.public.kind)
    await fleet.next_epoch()
    with pytest.raises(VerificationError):
        await fleet.earn(device, 1, 10)
    await fleet.earn(changed, 1, 10)
    assert (await fleet.read(device.device)).seq == 1


async def test_a_new_key_far_away_sends_its_possession_of_this_device(fleet: Fleet) -> None:
    owner, signer = fleet.owner(), P256Signer.generate()
    device = await fleet.device(owner=owner)
    for another in (await owner.possession_message(signer.public), Message.key_possession(b"x" * 32)):
        with pytest.raises(VerificationError):
            await owner.update(device.device, key=Possession(signer.public, signer.sign(another.encode())))

    message = await owner.possession_message(signer.public, device=device.device)
    await owner.update(device.device, key=Possession(signer.public, signer.sign(message.encode())))
    assert (await fleet.read(device.device)).key == signer.public.raw33


async def test_an_update_changes_something(fleet: Fleet) -> None:
    owner = fleet.owner()
    device = await fleet.device(owner=owner)
    with pytest.raises(InputError, match="Nothing is to change"):
        await owner.update(device.device)


async def test_only_the_owner_changes_and_retires_a_device(fleet: Fleet) -> None:
    device = await fleet.device()
    with pytest.raises(errors.Unauthorized):
        await fleet.owner().update(device.device, capacity=1)
    with pytest.raises(errors.Unauthorized):
        await fleet.owner().retire(device.device)


async def test_a_device_that_promised_something_stays_until_that_ends(start_fleet: StartFleet) -> None:
    guarantees = await Guarantees.start(start_fleet)
    fleet, bonded = guarantees.fleet, await guarantees.bonded(0)
    consumer = await fleet.consumer(100)
    sla, nonce = await guarantees.promise(consumer, bonded, 100, 0)
    assert not (await bonded.owner.retire(bonded.address)).closed
    again = await bonded.owner.retire(bonded.address)
    assert (again.closed, again.confirmed) == (False, None)
    await guarantees.deliver(consumer, bonded, nonce, 100)
    await guarantees.enforce(consumer, bonded, sla)
    await bonded.owner.claim()
    assert (await bonded.owner.retire(bonded.address)).closed


async def test_a_device_that_is_owed_nothing_closes_and_gives_back_its_rent(fleet: Fleet) -> None:
    owner = fleet.owner()
    device = await fleet.device(owner=owner)
    rent = await fleet.lamports(device.device)
    before = await fleet.lamports(fleet.payer.pubkey())

    retired = await owner.retire(device.device)

    assert (retired.closed, retired.owed) == (True, 0)
    assert retired.confirmed is not None
    # Two signatures.
    assert await fleet.lamports(fleet.payer.pubkey()) == before + rent - 10_000
    assert await fleet.lamports(device.device) == 0
    with pytest.raises(DeviceNotFound) as caught:
        await owner.retire(device.device)
    assert caught.value.code == "device_not_found"
    network = await fleet.operator.network()
    assert (network.classes[0].devices, network.classes[0].next_total_capacity) == (0, 0)


async def test_a_device_that_is_owed_something_closes_after_a_claim(fleet: Fleet) -> None:
    owner = fleet.owner()
    device = await fleet.device(owner=owner)
    await fleet.next_epoch()
    await fleet.earn(device, 1, 50)

    first = await owner.retire(device.device)
    again = await owner.retire(device.device)

    assert (first.closed, first.owed) == (False, 100)
    assert first.confirmed is not None
    assert (again.closed, again.owed, again.confirmed) == (False, 100, None)
    assert (await fleet.read(device.device)).status == DeviceStatus.RETIRED
    report = await owner.claim()
    assert [each.outcome for each in report.devices] == [ClaimOutcome.PAID]
    assert await fleet.mint.balance(owner.owner.pubkey()) == 100
    last = await owner.retire(device.device)
    assert (last.closed, last.owed) == (True, 0)


async def test_a_closed_device_registers_again_under_another_index(fleet: Fleet) -> None:
    owner, signer = fleet.owner(), Keypair()
    first = await owner.register(signer, capacity=1)
    await owner.retire(first.address)
    second = await owner.register(signer, capacity=1)
    assert second.address == first.address
    assert (first.index, second.index) == (0, 1)


async def test_lamports_at_the_address_do_not_stop_a_registration(fleet: Fleet) -> None:
    owner, signer = fleet.owner(), Ed25519Signer.generate()
    address = owner.device_address(signer.public)
    await fleet.airdrop(address, 10**9)
    registered = await owner.register(signer, capacity=1)
    assert registered.address == address
    assert (await fleet.read(address)).index == 0


async def test_a_device_of_another_network_is_not_found(fleet: Fleet) -> None:
    plan = fleet.plan(id=1)
    other = Operator.of_plan(fleet.sender, plan, authority=fleet.authority)
    await other.create_network(plan)
    device = await fleet.device()
    with pytest.raises(DeviceNotFound, match="another network") as caught:
        await other.reader.device(device.device)
    assert (caught.value.expected, caught.value.got) == (str(other.address), str(fleet.network))
    with pytest.raises(DeviceNotFound) as caught:
        await other.reader.device(fleet.mint.address)
    assert caught.value.got == f"an account of {fleet.mint.program}"


async def test_capacity_counts_from_the_next_epoch(fleet: Fleet) -> None:
    owner = fleet.owner()
    device = await fleet.device(owner=owner, capacity=10)
    await fleet.next_epoch()
    await owner.update(device.device, capacity=20)
    status = await device.status()
    assert (status.utilisation.capacity, status.next_capacity) == (10, 20)
    await fleet.next_epoch()
    assert (await device.status()).utilisation.capacity == 20
    assert (await fleet.operator.stats()).epoch == 2


def test_a_keypair_shows_nothing_secret() -> None:
    keypair = Keypair.from_seed(bytes(32))
    signer = KeypairSigner(keypair)
    assert repr(signer) == f"KeypairSigner(public={keypair.pubkey()})"
    assert signer.public == DeviceKey.ed25519(keypair.pubkey())
    assert signer.public.verify(b"m", signer.sign(b"m"))
