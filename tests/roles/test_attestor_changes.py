"""The operator's changes of attestors, of what they must agree on, and of the reward path."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from support.fleet import Fleet, StartFleet
from support.network import Network
from worktab.program.generated import errors
from worktab.roles.changes import (
    AddAttestor,
    AuthorityChange,
    Cancel,
    FeeChange,
    PendingChange,
    RemoveAttestor,
    RewardPathChange,
    ThresholdChange,
    pending_change,
)
from worktab.roles.operator import Operator
from worktab.roles.terms import RewardBasis, RewardPath
from worktab.testing.chains import sender_for

KEYS = [Keypair().pubkey() for _ in range(5)]


async def attestors(fleet: Fleet) -> tuple[list[int], int, int]:
    """Which of the keys are attestors, in their order, how many must agree, and how often that changed."""
    network = await fleet.operator.network()
    held = network.attestors[: network.attestor_count]
    return [KEYS.index(key) for key in held], network.threshold, network.attestor_version


async def test_an_attestor_is_added_after_the_delay(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(attestors=tuple(KEYS[:2]), parameter_delay=1_000)
    earliest = await fleet.clock.now() + 1_000

    proposed = await fleet.operator.add_attestor(KEYS[2], 3)

    assert earliest <= proposed.effective_at <= await fleet.clock.now() + 1_000
    pending = pending_change(await fleet.operator.network())
    assert pending == PendingChange(AddAttestor(KEYS[2], 3), proposed.effective_at)
    assert await attestors(fleet) == ([0, 1], 2, 0)
    with pytest.raises(errors.NotDue):
        await fleet.operator.apply_update()
    await fleet.clock.set_time(proposed.effective_at)
    await fleet.operator.apply_update()
    assert await attestors(fleet) == ([0, 1, 2], 3, 1)


@pytest.mark.parametrize(
    ("held", "threshold", "then"),
    [(0, 0, 1), (1, 1, 2), (2, 2, 2), (3, 2, 3), (3, 3, 3), (4, 3, 3)],
)
async def test_the_threshold_stays_unless_it_must_rise(
    start_fleet: StartFleet, held: int, threshold: int, then: int
) -> None:
    fleet = await start_fleet(attestors=tuple(KEYS[:held]), threshold=threshold, parameter_delay=0)
    await fleet.operator.add_attestor(KEYS[held])
    await fleet.operator.apply_update()
    assert await attestors(fleet) == (list(range(held + 1)), then, 1)


async def test_a_change_that_could_not_be_applied_is_refused_at_once(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(attestors=tuple(KEYS[:3]))
    operator = fleet.operator
    for refused in (
        operator.add_attestor(KEYS[0], 3),
        operator.add_attestor(KEYS[3], 2),
        operator.add_attestor(KEYS[3], 5),
        operator.set_threshold(1),
        operator.set_threshold(4),
    ):
        with pytest.raises(errors.InvalidParameter):
            await refused
    with pytest.raises(errors.NotAttestor):
        await operator.remove_attestor(KEYS[4])
    stranger = Operator(fleet.sender, fleet.network, authority=Keypair())
    for call in (stranger.add_attestor(KEYS[3], 3), stranger.remove_attestor(KEYS[0]), stranger.pay_by_roots()):
        with pytest.raises(errors.Unauthorized):
            await call
    assert await attestors(fleet) == ([0, 1, 2], 2, 0)
    assert pending_change(await operator.network()) is None


async def test_an_attestor_is_removed_at_once_beside_what_waits(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(attestors=tuple(KEYS[:3]), threshold=3)
    await fleet.operator.propose_update(FeeChange(5, 6))
    waiting = pending_change(await fleet.operator.network())

    await fleet.operator.remove_attestor(KEYS[0])

    assert await attestors(fleet) == ([1, 2], 2, 1)
    assert pending_change(await fleet.operator.network()) == waiting
    assert (await fleet.operator.propose_update(RemoveAttestor(KEYS[2]))).effective_at == 0
    await fleet.operator.remove_attestor(KEYS[1])
    assert await attestors(fleet) == ([], 0, 3)


async def test_another_threshold(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(attestors=tuple(KEYS[:4]), parameter_delay=0)
    proposed = await fleet.operator.set_threshold(4)
    assert pending_change(await fleet.operator.network()) == PendingChange(ThresholdChange(4), proposed.effective_at)
    await fleet.operator.apply_update()
    assert await attestors(fleet) == ([0, 1, 2, 3], 4, 1)


async def test_the_path_changes_once_and_in_one_direction(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    proposed = await fleet.operator.pay_by_roots()
    network = await fleet.operator.network()
    assert pending_change(network) == PendingChange(RewardPathChange(), proposed.effective_at)
    assert (network.reward_path, network.roots_from) == (RewardPath.RECEIPTS, 0)
    await fleet.operator.apply_update()
    network = await fleet.operator.network()
    assert (network.reward_path, network.roots_from) == (RewardPath.ROOTS, 1)
    with pytest.raises(errors.WrongRewardPath):
        await fleet.operator.pay_by_roots()


async def test_rewards_for_sales_stay_on_the_path_of_receipts(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(basis=RewardBasis.SOLD_UNITS)
    with pytest.raises(errors.InvalidParameter):
        await fleet.operator.pay_by_roots()


async def test_what_needs_no_delay_is_told_also_by_a_node_without_logs(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(attestors=tuple(KEYS[:3]))
    await fleet.operator.propose_update(FeeChange(5, 6))
    silent = Network(fleet.chain)
    silent.details = False
    operator = Operator(sender_for(silent, fleet.payer), fleet.network, authority=fleet.authority)
    for change in (RemoveAttestor(KEYS[0]), AuthorityChange(None)):
        assert (await operator.propose_update(change)).effective_at == 0
    pending = pending_change(await operator.network())
    assert pending is not None
    assert (await operator.propose_update(FeeChange(7, 8))).effective_at >= pending.effective_at
    assert (await operator.propose_update(Cancel())).effective_at == 0
