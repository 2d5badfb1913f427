"""The device: submitting receipts in both forms, again, too late, and against limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from support.fleet import CLASS, EPOCH, SOL, TIMING, Fleet, StartFleet
from support.network import Network
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.protocol import AccountData
from worktab.core.errors import InputError, VerificationError
from worktab.core.keys import Ed25519Signer, KeyKind, P256Signer
from worktab.core.messages import Message
from worktab.program.generated import errors
from worktab.roles.base import program_sender
from worktab.roles.changes import ClassChange
from worktab.roles.device import Device, Submission, SubmitOutcome, receipt_seq
from worktab.roles.errors import ConflictingHistory, DeviceNotFound
from worktab.roles.forecast import Limit
from worktab.roles.terms import DeviceStatus, RewardPath, WorkClass


def watched(fleet: Fleet, fee_payer: Keypair | None = None) -> tuple[Network, Any]:
    """A network that keeps what is sent, and a sender on it."""
    network = Network(fleet.chain)
    sender = program_sender(network, fee_payer=fee_payer or fleet.payer, **TIMING)
    return network, sender


@pytest.mark.parametrize(
    ("make", "signs", "instructions", "signatures", "size"),
    [
        (Ed25519Signer.generate, False, 3, 1, 564),
        (P256Signer.generate, False, 3, 1, 565),
        (Keypair, False, 3, 1, 564),
        (Keypair, True, 2, 2, 480),
    ],
)
async def test_a_receipt_is_recorded_and_paid_for(
    fleet: Fleet, make: Any, signs: bool, instructions: int, signatures: int, size: int
) -> None:
    registered = await fleet.device(signer=make())
    await fleet.next_epoch()
    network, sender = watched(fleet)
    device = Device(sender, fleet.network, signer=registered.signer, signs_transactions=signs)
    assert device.device == registered.device
    before = await fleet.lamports(fleet.payer.pubkey())

    receipt, signature = await fleet.receipt(device, 3, 50, head=b"n" * 32)
    submission = await device.submit(receipt, signature)

    assert submission.confirmed is not None
    expected = Submission(SubmitOutcome.RECORDED, 3, 50, 50, 100, submission.confirmed)
    assert submission == expected
    account = await fleet.read(device.device)
    assert (account.seq, account.units, account.head) == (3, 50, b"n" * 32)
    assert (account.rewards_owed, account.last_receipt_at) == (100, receipt.time)
    # Two signatures either way: the device's is either a signature of the transaction or checked by a native program.
    assert await fleet.lamports(fleet.payer.pubkey()) == before - 10_000
    [raw] = network.sent
    transaction = VersionedTransaction.from_bytes(raw)
    assert len(transaction.message.instructions) == instructions
    assert len(transaction.signatures) == signatures
    assert len(raw) == size


@pytest.mark.parametrize(("signs", "lamports", "size"), [(False, 10_000, 564), (True, 5_000, 384)])
async def test_a_device_that_pays_for_itself(fleet: Fleet, signs: bool, lamports: int, size: int) -> None:
    keypair = Keypair()
    await fleet.airdrop(keypair.pubkey(), SOL)
    await fleet.device(signer=keypair)
    await fleet.next_epoch()
    network, sender = watched(fleet, keypair)
    device = Device(sender, fleet.network, signer=keypair, signs_transactions=signs)

    await device.submit(*await fleet.receipt(device, 1, 50))

    assert await fleet.lamports(keypair.pubkey()) == SOL - lamports
    [raw] = network.sent
    assert len(VersionedTransaction.from_bytes(raw).signatures) == 1
    assert len(raw) == size


@pytest.mark.parametrize("signs", [False, True])
async def test_a_device_that_pays_for_itself_is_asked_before_its_reward_is_cut(fleet: Fleet, signs: bool) -> None:
    keypair = Keypair()
    await fleet.airdrop(keypair.pubkey(), SOL)
    await fleet.device(signer=keypair, capacity=20)
    await fleet.next_epoch()
    device = Device(watched(fleet, keypair)[1], fleet.network, signer=keypair, signs_transactions=signs)
    receipt = await fleet.receipt(device, 1, 50)
    with pytest.raises(errors.RewardLimited):
        await device.submit(*receipt)
    assert await fleet.lamports(keypair.pubkey()) == SOL
    assert (await device.submit(*receipt, consent=keypair)).reward == 40
    # The consent of the key is its signature of the transaction, which it gives anyway.
    assert await fleet.lamports(keypair.pubkey()) == SOL - 5_000


@pytest.mark.parametrize("make", [Ed25519Signer.generate, P256Signer.generate])
def test_only_a_keypair_signs_transactions(make: Any) -> None:
    sender = program_sender(EmbeddedChain(), fee_payer=Keypair())
    with pytest.raises(InputError, match="Only a Solana keypair"):
        Device(sender, Keypair().pubkey(), signer=make(), signs_transactions=True)


async def test_a_lookup_table_shortens_a_receipt(fleet: Fleet) -> None:
    registered = await fleet.device(signer=Ed25519Signer.generate())
    await fleet.next_epoch()
    network, sender = watched(fleet)
    sender.lookup_tables = [await fleet.operator.create_lookup_table([registered.device])]
    device = Device(sender, fleet.network, signer=registered.signer)
    await device.submit(*await fleet.receipt(device, 1, 50))
    assert [len(raw) for raw in network.sent] == [505]


async def test_a_receipt_on_chain_is_a_success_and_costs_nothing(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    first, second = await fleet.receipt(device, 1, 10), await fleet.receipt(device, 2, 20)
    await device.submit(*second)
    before = await fleet.lamports(fleet.payer.pubkey())

    assert await device.submit(*second) == Submission(SubmitOutcome.ALREADY_RECORDED, 2, 20, None, None, None)
    assert await device.submit(*first) == Submission(SubmitOutcome.ALREADY_RECORDED, 1, 10, None, None, None)

    assert await fleet.lamports(fleet.payer.pubkey()) == before
    assert (await fleet.read(device.device)).rewards_owed == 40


async def test_a_faster_submission_of_the_same_receipt_is_a_success(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    receipt = await fleet.receipt(device, 1, 10)
    stale = await device.view()
    await device.submit(*receipt)

    async def view() -> Any:
        return stale

    device.view = view  # type: ignore[method-assign]
    assert (await device.submit(*receipt)).outcome is SubmitOutcome.ALREADY_RECORDED
    rival = await fleet.receipt(device, 1, 11)
    with pytest.raises(ConflictingHistory):
        await device.submit(*rival)
    assert (await fleet.read(device.device)).units == 10


async def test_another_receipt_for_the_same_job_is_a_conflict(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    await device.submit(*await fleet.receipt(device, 1, 10))
    for rival in (await fleet.receipt(device, 1, 11), await fleet.receipt(device, 1, 10, head=b"x" * 32)):
        with pytest.raises(ConflictingHistory) as caught:
            await device.submit(*rival)
        assert caught.value.code == "conflicting_history"


async def test_only_receipts_are_submitted(fleet: Fleet) -> None:
    device = await fleet.device()
    message = Message.key_possession(b"c" * 32)
    with pytest.raises(InputError, match="no receipt"):
        await device.submit(message, device.signer.sign(message.encode()))


async def test_a_receipt_for_another_device_is_refused_with_both_contexts(fleet: Fleet) -> None:
    device, other = await fleet.device(), await fleet.device()
    message, signature = await fleet.receipt(other, 1, 10)
    with pytest.raises(errors.WrongContext) as caught:
        await device.submit(message, signature)
    own, _ = await fleet.receipt(device, 1, 10)
    assert (caught.value.expected, caught.value.got) == (own.context.hex(), message.context.hex())


@pytest.mark.parametrize("make", [Keypair, Ed25519Signer.generate, P256Signer.generate])
async def test_a_signature_that_does_not_hold_is_not_sent(fleet: Fleet, make: Any) -> None:
    device = await fleet.device(signer=make())
    message, signature = await fleet.receipt(device, 1, 10)
    for bad in (bytes(64), signature[:-1], signature[:-1] + bytes([signature[-1] ^ 1])):
        with pytest.raises(VerificationError):
            await device.submit(message, bad)
    with pytest.raises(VerificationError):
        await device.submit(replace(message, units=11), signature)


async def test_a_keypair_that_is_no_longer_the_key_does_not_sign(fleet: Fleet) -> None:
    """Another holder of the device's address, with its own key, submits what the present key has signed."""
    owner, old, new = fleet.owner(), Keypair(), Ed25519Signer.generate()
    device = await fleet.device(owner=owner, signer=old)
    await owner.update(device.device, key=new)
    device = Device(fleet.sender, fleet.network, signer=old, device=device.device, signs_transactions=True)
    await fleet.next_epoch()
    message, _ = await fleet.receipt(device, 1, 10)
    submission = await device.submit(message, new.sign(message.encode()))
    assert submission.reward == 20


async def test_an_unknown_device_is_not_found(fleet: Fleet) -> None:
    device = Device(fleet.sender, fleet.network, signer=Keypair())
    with pytest.raises(DeviceNotFound):
        await device.status()


async def test_the_programs_refusals_are_typed(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()
    now = await fleet.chain.unix_time()
    await device.submit(*await fleet.receipt(device, 5, 10))
    for receipt, error in [
        (await fleet.receipt(device, 6, 10), errors.UnitsNotRising),
        (await fleet.receipt(device, 6, 11, time=now - 1), errors.TimeBackwards),
        (await fleet.receipt(device, 6, 11, time=now + 3_600), errors.TimeAhead),
        (await fleet.receipt(device, 2**32 + 6, 11), errors.JumpTooLarge),
    ]:
        with pytest.raises(error):
            await device.submit(*receipt)


# Each is capacity, budget, pool, units already reported in the epoch, new units; then eligible units, full reward,
# reward and limits. A unit is worth two base units.
LIMITED = {
    "nothing": ((100, 1_000, 1_000, 0, 100), (100, 200, 200, ())),
    "capacity": ((100, 1_000, 1_000, 0, 101), (100, 202, 200, (Limit.CAPACITY,))),
    "what is left of the capacity": ((100, 1_000, 1_000, 60, 50), (40, 100, 80, (Limit.CAPACITY,))),
    "share": ((100, 300, 1_000, 0, 80), (80, 160, 150, (Limit.SHARE,))),
    "what is left of the share": ((100, 300, 1_000, 70, 6), (6, 12, 10, (Limit.SHARE,))),
    "pool": ((100, 1_000, 150, 0, 80), (80, 160, 150, (Limit.POOL,))),
    "share and pool": ((100, 300, 150, 0, 80), (80, 160, 150, (Limit.SHARE, Limit.POOL))),
    "capacity and pool": ((100, 1_000, 150, 0, 101), (100, 202, 150, (Limit.CAPACITY, Limit.POOL))),
}


@pytest.mark.parametrize("name", LIMITED)
async def test_a_forecast_tells_what_the_program_will_do(start_fleet: StartFleet, name: str) -> None:
    (capacity, budget, pool, before, new), (eligible, full, reward, limits) = LIMITED[name]
    fleet = await start_fleet(classes=(replace(CLASS, budget=budget),), funds=pool)
    owner = fleet.owner()
    device = await fleet.device(owner=owner, capacity=capacity)
    await fleet.device(capacity=capacity)  # half of the class is another's
    await fleet.next_epoch()
    if before:
        await fleet.earn(device, 1, before)

    forecast = await device.forecast(before + new)

    assert (forecast.new_units, forecast.eligible) == (new, eligible)
    assert (forecast.full_reward, forecast.reward, forecast.lost) == (full, reward, full - reward)
    assert (forecast.limits, forecast.cut) == (limits, bool(limits))
    assert forecast.next_epoch_at == fleet.created_at + 2 * EPOCH
    receipt = await fleet.receipt(device, 2, before + new)
    if limits:
        with pytest.raises(errors.RewardLimited):
            await device.submit(*receipt)
    submission = await device.submit(*receipt, consent=owner.owner if limits else None)
    assert (submission.eligible, submission.reward) == (eligible, reward)
    assert (await fleet.read(device.device)).rewards_owed == 2 * before + reward


async def test_the_class_budget_is_a_limit_of_its_own(start_fleet: StartFleet) -> None:
    """The budget binds below the shares where it was lowered after others earned from it."""
    fleet = await start_fleet(classes=(replace(CLASS, budget=400),), parameter_delay=0)
    owner = fleet.owner()
    first, second = await fleet.device(owner=owner), await fleet.device(owner=owner)
    await fleet.next_epoch()
    await fleet.earn(first, 1, 100)
    await fleet.operator.propose_update(ClassChange(0, replace(CLASS, budget=250)))
    await fleet.operator.apply_update()

    forecast = await second.forecast(40)

    assert (forecast.full_reward, forecast.reward, forecast.limits) == (80, 50, (Limit.BUDGET,))
    submission = await second.submit(*await fleet.receipt(second, 1, 40), consent=owner.owner)
    assert submission.reward == 50


async def test_capacity_does_not_count_in_the_epoch_of_registration(fleet: Fleet) -> None:
    device = await fleet.device()
    forecast = await device.forecast(10)
    assert (forecast.reward, forecast.lost, forecast.limits) == (0, 20, (Limit.CAPACITY,))
    assert forecast.next_epoch_at == fleet.created_at + EPOCH
    await fleet.clock.set_time(forecast.next_epoch_at)
    assert (await device.forecast(10)).cut is False


async def test_the_carry_is_part_of_the_forecast(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=(WorkClass(rate=400_000, max_capacity=10**6, budget=10**6),))
    device = await fleet.device()
    await fleet.next_epoch()
    await fleet.earn(device, 1, 2)
    assert (await fleet.read(device.device)).carry == 800_000
    assert (await device.forecast(3)).reward == 1
    assert (await device.submit(*await fleet.receipt(device, 2, 3))).reward == 1


async def test_units_without_a_price_are_never_cut(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=(replace(CLASS, rate=0),))
    device = await fleet.device(capacity=5)
    forecast = await device.forecast(10**6)
    assert (forecast.eligible, forecast.full_reward, forecast.limits) == (0, 0, ())
    assert (await device.submit(*await fleet.receipt(device, 1, 10**6))).reward == 0


async def test_nothing_is_rewarded_or_cut_on_the_path_of_roots(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(reward_path=RewardPath.ROOTS)
    device = await fleet.device()
    forecast = await device.forecast(10**6)
    assert (forecast.new_units, forecast.eligible, forecast.reward, forecast.cut) == (10**6, 0, 0, False)
    submission = await device.submit(*await fleet.receipt(device, 1, 10**6))
    assert (submission.eligible, submission.reward) == (0, 0)


@pytest.mark.parametrize("form", ["own key", "owner"])
async def test_the_device_or_its_owner_consents(fleet: Fleet, form: str) -> None:
    owner, keypair = fleet.owner(), Keypair()
    device = await fleet.device(owner=owner, signer=keypair)
    receipt = await fleet.receipt(device, 1, 10)
    with pytest.raises(errors.RewardLimited):
        await device.submit(*receipt, consent=Keypair())
    submission = await device.submit(*receipt, consent=owner.owner if form == "owner" else keypair)
    assert (submission.eligible, submission.reward) == (0, 0)
    assert (await fleet.read(device.device)).units == 10


async def test_status_tells_what_a_device_did_and_is_owed(fleet: Fleet) -> None:
    owner, signer = fleet.owner(), P256Signer.generate()
    device = await fleet.device(owner=owner, signer=signer)
    await fleet.next_epoch()
    receipt, signature = await fleet.receipt(device, 4, 250)
    await device.submit(receipt, signature)

    status = await device.status()

    assert (status.address, status.index, status.owner) == (device.device, 0, owner.owner.pubkey())
    assert (status.payout, status.key_kind, status.work_class) == (owner.owner.pubkey(), KeyKind.P256, 0)
    assert (status.status, status.jobs, status.units) == (DeviceStatus.ACTIVE, 4, 250)
    assert (status.rewards_accrued, status.rewards_owed, status.epoch_rewards) == (500, 500, 500)
    assert status.epoch_share == 1_000_000
    assert (status.utilisation.units, status.utilisation.capacity, status.utilisation.bps) == (250, 1_000, 2_500)
    assert (status.last_receipt_at, status.guarantees.open_disputes) == (receipt.time, 0)
    await fleet.next_epoch()
    await owner.claim()
    later = await device.status()
    assert (later.rewards_accrued, later.rewards_owed, later.epoch_rewards) == (500, 0, 0)
    assert (later.utilisation.units, later.utilisation.capacity) == (0, 1_000)


def test_labels_of_receipts() -> None:
    assert receipt_seq("receipt 12") == 12
    assert [receipt_seq(label) for label in ("", "receipt", "receipt x", "receipt -1", "claim 3")] == [None] * 5


async def test_a_node_without_logs_leaves_the_reward_unknown(fleet: Fleet) -> None:
    registered = await fleet.device()
    await fleet.next_epoch()
    network, _ = watched(fleet)
    network.details = False
    sender = program_sender(network, fee_payer=fleet.payer, sleep=network.sleep, **TIMING)
    device = Device(sender, fleet.network, signer=registered.signer)
    submission = await device.submit(*await fleet.receipt(device, 1, 10))
    assert (submission.outcome, submission.eligible, submission.reward) == (SubmitOutcome.RECORDED, None, None)
    assert (await fleet.read(device.device)).rewards_owed == 20


async def test_stale_is_no_success_until_the_chain_shows_what_was_recorded(fleet: Fleet) -> None:
    registered = await fleet.device()
    await fleet.next_epoch()
    before = await fleet.chain.account(registered.device)
    receipt = await fleet.receipt(registered, 1, 10)
    await registered.submit(*receipt)

    class Lagging(Network):
        async def accounts(self, pubkeys: Sequence[Pubkey]) -> list[AccountData | None]:
            found = await self.chain.accounts(pubkeys)
            return [before if key == registered.device else each for key, each in zip(pubkeys, found, strict=True)]

    network = Lagging(fleet.chain)
    sender = program_sender(network, fee_payer=fleet.payer, sleep=network.sleep, **TIMING)
    with pytest.raises(errors.StaleSequence):
        await Device(sender, fleet.network, signer=registered.signer).submit(*receipt)
