"""submit_receipt: what is recorded, and how far a receipt may rise and lie from the clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.builders import signed
from support.parties import CLASS, FUNDS, Device, Network
from support.world import World
from worktab.program.generated.events import ReceiptSubmitted

MAX_U64 = 2**64 - 1
TIME_AT = 64


def key_of(device: Device) -> Pubkey:
    """The address of an Ed25519 device's key."""
    return Pubkey(device.signer.public.public_bytes)


@pytest.mark.parametrize("proof", ["ed25519", "p256", "device signs"])
@pytest.mark.parametrize("relayed", [True, False], ids=["relayed by a stranger", "sent by the payer"])
def test_a_receipt_is_recorded_and_its_reward_accrues(world: World, proof: str, relayed: bool) -> None:
    network = world.network(classes=(replace(CLASS, rate=1_500_001),))
    device = world.device(network, signer=world.p256() if proof == "p256" else world.ed25519(), capacity=1_000)
    world.next_epoch(network)
    network_before, before = world.read_network(network), world.read_device(device)
    issued, head = world.now - 40, bytes(range(32))
    payer = world.keypair(lamports=10**9) if relayed else None

    if proof == "device signs":
        message = world.receipt_message(device, 3, 7, time=issued, head=head)
        submit = world.submit(device, shown=message, proof=key_of(device))
        result = world.send(signed(submit, key_of(device)), payer=payer)
    else:
        result = world.send(world.receipt(device, 3, 7, time=issued, head=head), payer=payer)

    # 7 units at 1.500001 base units each: 10 base units and 500,007 millionths.
    assert result.event() == ReceiptSubmitted(device=device.address, seq=3, units=7, eligible=7, reward=10)
    assert world.read_device(device) == replace(
        before,
        seq=3,
        units=7,
        head=head,
        last_receipt_at=issued,
        epoch=1,
        epoch_units=7,
        epoch_rewards=10,
        carry=500_007,
        rewards_owed=10,
        lifetime_rewards=10,
    )
    class_before = network_before.classes[0]
    assert world.read_network(network) == replace(
        network_before,
        pool_free=FUNDS - 10,
        pool_owed=10,
        total_jobs=3,
        total_units=7,
        total_rewards=10,
        classes=(
            replace(class_before, epoch=1, spent=10, total_capacity=1_000, next_total_capacity=1_000),
            *network_before.classes[1:],
        ),
    )


@pytest.mark.parametrize("p256", [False, True], ids=["ed25519", "p256"])
def test_on_the_path_of_roots_a_receipt_is_recorded_and_nothing_accrues(world: World, p256: bool) -> None:
    # Every limit of the other path is at zero: budget, pool, bond and, in the first epoch, capacity.
    network = world.network(reward_path=2, fund=0, classes=(replace(CLASS, least_bond=1_000, budget=0),))
    device = world.device(network, signer=world.p256() if p256 else world.ed25519(), capacity=0)
    network_before, before = world.read_network(network), world.read_device(device)

    result = world.send(world.receipt(device, 3, 2**40, head=bytes([9]) * 32))

    assert result.event() == ReceiptSubmitted(device=device.address, seq=3, units=2**40, eligible=0, reward=0)
    assert world.read_device(device) == replace(
        before, seq=3, units=2**40, units_for_roots=2**40, head=bytes([9]) * 32, last_receipt_at=world.now
    )
    assert world.read_network(network) == replace(network_before, total_jobs=3, total_units=2**40)


def test_two_receipts_fit_one_transaction(world: World, network: Network, device: Device) -> None:
    result = world.send(world.receipt(device, 1, 10), world.receipt(device, 2, 30))

    assert result.ok
    assert result.events == (
        ReceiptSubmitted(device=device.address, seq=1, units=10, eligible=10, reward=10),
        ReceiptSubmitted(device=device.address, seq=2, units=30, eligible=20, reward=20),
    )
    assert world.read_device(device).rewards_owed == 30
    assert world.read_network(network).total_jobs == 2


@pytest.mark.parametrize("terms", [{"reward_path": 2}, {"classes": (replace(CLASS, rate=0),)}], ids=["roots", "rate 0"])
@pytest.mark.parametrize(
    ("jobs", "units", "error"),
    [
        (1, 1, ""),
        (2**32, 1, ""),
        (2**32 + 1, 1, "JumpTooLarge"),
        (1, 2**48, ""),
        (1, 2**48 + 1, "JumpTooLarge"),
        (2**32, 2**48, ""),
        (2**32 + 1, 2**48 + 1, "JumpTooLarge"),
        (MAX_U64 - 5, 1, "JumpTooLarge"),
        (1, MAX_U64 - 7, "JumpTooLarge"),
    ],
)
def test_a_receipt_rises_by_at_most_so_much(
    world: World, terms: dict[str, Any], jobs: int, units: int, error: str
) -> None:
    network = world.network(**terms)
    device = world.device(network)
    assert world.send(world.receipt(device, 5, 7)).ok

    result = world.send(world.receipt(device, 5 + jobs, 7 + units))

    assert result.error_name == error
    after = world.read_device(device)
    assert (after.seq, after.units) == ((5, 7) if error else (5 + jobs, 7 + units))


def test_the_very_last_job_and_unit_can_be_reported(world: World) -> None:
    device = world.device(world.network(reward_path=2))
    world.patch_device(device, seq=MAX_U64 - 1, units=MAX_U64 - 1)

    assert world.send(world.receipt(device, MAX_U64, MAX_U64)).ok

    after = world.read_device(device)
    assert (after.seq, after.units) == (MAX_U64, MAX_U64)
    assert world.send(world.receipt(device, 0, 0)).error_name == "StaleSequence"


@pytest.mark.parametrize(
    ("seq", "units", "error"),
    [
        (5, 8, "StaleSequence"),
        (4, 8, "StaleSequence"),
        (0, 8, "StaleSequence"),
        (5, 7, "StaleSequence"),
        (6, 7, "UnitsNotRising"),
        (6, 6, "UnitsNotRising"),
        (6, 0, "UnitsNotRising"),
    ],
)
def test_jobs_and_units_must_rise(world: World, device: Device, seq: int, units: int, error: str) -> None:
    assert world.send(world.receipt(device, 5, 7)).ok
    before = world.read_device(device)

    assert world.send(world.receipt(device, seq, units)).error_name == error

    assert world.read_device(device) == before


@pytest.mark.parametrize(("seq", "units", "error"), [(0, 1, "StaleSequence"), (1, 0, "UnitsNotRising")])
def test_a_first_receipt_reports_something(world: World, device: Device, seq: int, units: int, error: str) -> None:
    assert world.send(world.receipt(device, seq, units)).error_name == error


def test_a_receipt_is_recorded_once(world: World, network: Network, device: Device) -> None:
    receipt = world.receipt(device, 1, 10)
    assert world.send(receipt).ok
    before = world.read_network(network)

    assert world.send(receipt).error_name == "StaleSequence"

    assert world.read_network(network) == before


def test_a_receipt_shown_twice_in_one_transaction_is_not_recorded_at_all(world: World, device: Device) -> None:
    receipt = world.receipt(device, 1, 10)

    result = world.send(receipt, receipt)

    assert (result.error_name, result.instruction) == ("StaleSequence", 3)
    assert world.read_device(device).seq == 0


def test_of_receipts_out_of_order_the_newest_stands_for_all(world: World, device: Device) -> None:
    first, second, third = (world.receipt(device, seq, 10 * seq, time=world.now + seq) for seq in (1, 2, 3))
    assert world.send(second).event().reward == 20

    assert world.send(first).error_name == "StaleSequence"
    assert world.send(third).event().reward == 10
    assert world.send(second).error_name == "StaleSequence"

    assert world.read_device(device).rewards_owed == 30


@pytest.mark.parametrize(
    ("after_now", "error"),
    [(-60, ""), (-61, "TimeBackwards"), (0, ""), (300, ""), (301, "TimeAhead"), (2**40, "TimeAhead")],
)
def test_time_lies_between_the_last_receipt_and_a_little_after_the_clock(
    world: World, device: Device, after_now: int, error: str
) -> None:
    assert world.send(world.receipt(device, 1, 1, time=world.now - 60)).ok

    assert world.send(world.receipt(device, 2, 2, time=world.now + after_now)).error_name == error

    assert world.read_device(device).last_receipt_at == world.now + (after_now if not error else -60)


@pytest.mark.parametrize("time", [2**63 - 1, 2**63, MAX_U64, MAX_U64 - 400])
def test_a_time_past_all_clocks_is_ahead(world: World, device: Device, time: int) -> None:
    receipt = world.receipt(device, 1, 1, edit={TIME_AT: time.to_bytes(8, "little")})

    assert world.send(receipt).error_name == "TimeAhead"


def test_a_first_receipt_may_be_as_old_as_time(world: World, device: Device) -> None:
    assert world.send(world.receipt(device, 1, 1, time=0)).ok
    assert world.read_device(device).last_receipt_at == 0


def test_a_device_ahead_of_the_clock_waits_for_it(world: World, device: Device) -> None:
    assert world.send(world.receipt(device, 1, 1, time=world.now + 300)).ok
    world.advance(299)
    assert world.send(world.receipt(device, 2, 2)).error_name == "TimeBackwards"
    world.advance(1)
    assert world.send(world.receipt(device, 2, 2)).ok


def test_statistics_stop_at_their_largest_value_and_fail_nothing(
    world: World, network: Network, device: Device
) -> None:
    totals = ("total_units", "total_rewards", "total_jobs")
    for start in (MAX_U64, MAX_U64 - 1):
        world.patch_network(network, **dict.fromkeys(totals, start))
        world.patch_device(device, lifetime_rewards=start)
        seq = world.read_device(device).seq + 2

        assert world.send(world.receipt(device, seq, 10 * seq)).event().reward == 20

        assert [getattr(world.read_network(network), name) for name in totals] == [MAX_U64] * 3
        assert world.read_device(device).lifetime_rewards == MAX_U64


@pytest.mark.parametrize(("reward", "error"), [(9, ""), (10, "Overflow")])
def test_money_that_leaves_its_range_fails(
    world: World, network: Network, device: Device, reward: int, error: str
) -> None:
    """The state is impossible in practice: no mint has so many tokens."""
    world.patch_device(device, rewards_owed=MAX_U64 - 9)
    assert world.send(world.receipt(device, 1, reward), check=False).error_name == error
    assert world.read_device(device).rewards_owed == (MAX_U64 - 9 if error else MAX_U64)

    world.patch_device(device, rewards_owed=0, seq=0, units=0)
    world.patch_network(network, pool_owed=MAX_U64 - 9)
    assert world.send(world.receipt(device, 1, reward), check=False).error_name == error
    assert world.read_network(network).pool_owed == (MAX_U64 - 9 if error else MAX_U64)


def test_a_reward_past_all_amounts_fails_before_any_limit_cuts_it(world: World) -> None:
    rate = 1_000_000 * MAX_U64 // 2**32
    network = world.network(classes=(replace(CLASS, rate=rate, max_capacity=2**48),))
    device = world.device(network, capacity=2**48)
    world.next_epoch(network)

    over = world.receipt(device, 1, 2**32 + 1, consent=device.owner)
    assert world.send(over).error_name == "Overflow"

    cut = world.send(world.receipt(device, 1, 2**32, consent=device.owner))
    assert cut.event() == ReceiptSubmitted(
        device=device.address, seq=1, units=2**32, eligible=2**32, reward=CLASS.budget
    )
