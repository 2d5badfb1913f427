"""Statistics and the ledger check, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.pubkey import Pubkey

from support.fleet import EPOCH, FUNDS, Fleet, StartFleet
from support.guarantees import BOND, CHALLENGE, DEPOSIT, Guarantees
from support.network import Network
from worktab.chain.protocol import AccountData
from worktab.core.errors import StateError
from worktab.core.records import Meter
from worktab.program.generated.accounts import Network as NetworkAccount
from worktab.roles.claiming import Crank
from worktab.roles.errors import NetworkBusy
from worktab.roles.ledger import Ledger, ledger_of
from worktab.roles.reading import NetworkReader
from worktab.roles.stats import ClassStats, NetworkStats, Utilisation, network_stats
from worktab.roles.terms import DeviceStatus, Pause, RewardBasis, RewardPath, WorkClass
from worktab.roles.trust_stats import DeviceGuarantees, NetworkGuarantees

FAST = WorkClass(rate=2_000_000, max_capacity=1_000, budget=10_000)
SLOW = WorkClass(rate=1_000_000, max_capacity=300, budget=600)


async def test_statistics_of_a_network(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=(FAST, SLOW), guardian=None)
    fast = [await fleet.device(capacity=capacity) for capacity in (1_000, 500)]
    slow = await fleet.device(capacity=300, work_class=1)
    await fleet.next_epoch()
    await fleet.earn(fast[0], 3, 200)
    await fleet.earn(slow, 2, 77)
    await fleet.next_epoch()
    await fleet.earn(fast[0], 5, 300)
    await fleet.earn(fast[1], 1, 33)
    retiree = await fleet.device(capacity=100)
    await fleet.operator.set_pause(Pause.RESERVE)

    began = await fleet.clock.now()
    stats = await fleet.operator.stats()

    assert stats == NetworkStats(
        address=fleet.network,
        mint=fleet.mint.address,
        decimals=6,
        reward_path=RewardPath.RECEIPTS,
        basis=RewardBasis.ALL_UNITS,
        pause=Pause.RESERVE,
        now=stats.now,
        epoch=2,
        epoch_ends_at=fleet.created_at + 3 * EPOCH,
        devices=4,
        jobs=8,
        units=410,
        units_sold=0,
        units_self_sold=0,
        revenue=0,
        earnings_owed=0,
        fees_paid=0,
        burned=0,
        fees=0,
        fee_bps=0,
        burn_bps=0,
        rewards_accrued=743,
        rewards_owed=743,
        pool_free=FUNDS - 743,
        utilisation=Utilisation(133, 1_800),
        classes=(
            ClassStats(
                0, Meter.WASM_FUEL, 2_000_000, 1_000, 0, 10_000, 10_000 - 266, 3, Utilisation(133, 1_500), 1_600
            ),
            ClassStats(1, Meter.WASM_FUEL, 1_000_000, 300, 0, 600, 600, 1, Utilisation(0, 300), 300),
        ),
        guarantees=NetworkGuarantees(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        roots=None,
    )
    assert began <= stats.now <= await fleet.clock.now()
    assert stats.utilisation is not None
    assert stats.utilisation.bps == 738  # 738.8..
    devices = await fleet.operator.device_stats()
    assert [(each.index, each.address, each.work_class) for each in devices] == [
        (0, fast[0].device, 0),
        (1, fast[1].device, 0),
        (2, slow.device, 1),
        (3, retiree.device, 0),
    ]
    assert [(each.jobs, each.units, each.rewards_owed, each.epoch_rewards) for each in devices] == [
        (5, 300, 600, 200),
        (1, 33, 66, 66),
        (2, 77, 77, 0),
        (0, 0, 0, 0),
    ]
    assert [(each.utilisation.units, each.utilisation.capacity, each.next_capacity) for each in devices] == [
        (100, 1_000, 1_000),
        (33, 500, 500),
        (0, 300, 300),
        (0, 0, 100),
    ]
    assert [each.epoch_share for each in devices] == [6_666, 3_333, 600, 0]


async def test_units_of_different_meters_are_not_added_up(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=(FAST, replace(SLOW, meter=Meter.GPU_MS)))
    stats = await fleet.operator.stats()
    assert stats.utilisation is None
    assert [each.meter for each in stats.classes] == [Meter.WASM_FUEL, Meter.GPU_MS]


async def test_an_empty_network_has_statistics_too(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(classes=())
    stats = await fleet.operator.stats()
    assert (stats.devices, stats.classes, stats.utilisation) == (0, (), Utilisation(0, 0))
    assert Utilisation(0, 0).bps == 0
    assert await fleet.operator.device_stats() == []
    assert (await fleet.operator.ledger()).holds


async def test_capacity_that_is_gone_no_longer_counts_in_the_next_epoch(fleet: Fleet) -> None:
    owner = fleet.owner()
    device = await fleet.device(owner=owner)
    await fleet.next_epoch()
    await owner.retire(device.device)
    [before] = (await fleet.operator.stats()).classes
    await fleet.next_epoch()
    [after] = (await fleet.operator.stats()).classes
    assert (before.utilisation.capacity, before.next_capacity, before.devices) == (1_000, 0, 0)
    assert (after.utilisation.capacity, after.next_capacity) == (0, 0)


def test_utilisation_is_rounded_down() -> None:
    assert [Utilisation(units, 3).bps for units in range(4)] == [0, 3_333, 6_666, 10_000]
    assert Utilisation(2**64 - 1, 2**64 - 1).bps == 10_000


async def test_reading_needs_no_key(fleet: Fleet) -> None:
    device = await fleet.device()
    snapshot = await NetworkReader(fleet.chain, fleet.network).snapshot()
    stats = await fleet.operator.stats()
    assert network_stats(replace(snapshot, now=stats.now)) == stats
    assert snapshot.devices.addresses == (device.device,)
    assert snapshot.vault == FUNDS
    assert fleet.created_at <= snapshot.now <= stats.now


async def test_the_ledger_holds_through_a_networks_life(fleet: Fleet) -> None:
    owner = fleet.owner()
    devices = [await fleet.device(owner=owner) for _ in range(2)]
    await fleet.next_epoch()
    await fleet.earn(devices[0], 1, 10)
    await fleet.earn(devices[1], 1, 25)
    expected = Ledger(
        pool_free=FUNDS - 70,
        pool_owed=70,
        device_rewards=70,
        root_owed=0,
        fees=0,
        device_earnings=0,
        tab_balances=0,
        lane_reserves=0,
        bonds=0,
        deposits=0,
        accounted=FUNDS,
        vault=FUNDS,
        root_total=0,
        root_claimed=0,
    )
    assert await fleet.operator.ledger() == expected
    assert (expected.holds, expected.surplus) == (True, 0)

    await owner.claim([devices[1].device])
    claimed = await fleet.operator.ledger()
    assert claimed == replace(expected, pool_owed=20, device_rewards=20, accounted=FUNDS - 50, vault=FUNDS - 50)
    assert claimed.holds

    await fleet.mint.give(fleet.network, 7)
    stray = await fleet.operator.ledger()
    assert (stray.vault, stray.surplus, stray.holds) == (FUNDS - 43, 7, True)
    await fleet.operator.fund_pool(0)
    credited = await fleet.operator.ledger()
    assert (credited.accounted, credited.pool_free, credited.surplus) == (FUNDS - 43, FUNDS - 63, 0)
    assert credited.holds


GOOD = Ledger(10, 5, 4, 1, 2, 3, 7, 9, 6, 5, 47, 47, 8, 7)


TERMS = [
    *("pool_free", "pool_owed", "device_rewards", "root_owed", "fees", "tab_balances", "lane_reserves", "bonds"),
    "deposits",
    *("root_total", "root_claimed"),
]


@pytest.mark.parametrize("field", TERMS)
@pytest.mark.parametrize("by", [-1, 1])
def test_no_term_of_the_ledger_may_differ(field: str, by: int) -> None:
    assert GOOD.holds
    assert not replace(GOOD, **{field: getattr(GOOD, field) + by}).holds


def test_the_terms_are_told_apart() -> None:
    assert not replace(GOOD, device_earnings=4).accounted_holds
    assert not replace(GOOD, device_rewards=5).owed_holds
    assert not replace(GOOD, root_claimed=8).roots_hold
    short = replace(GOOD, vault=46)
    assert (short.vault_holds, short.surplus, short.holds) == (False, -1, False)
    assert replace(GOOD, vault=48).holds


async def test_a_ledger_that_does_not_hold_is_found_out(fleet: Fleet) -> None:
    account = await fleet.chain.account(fleet.network)
    assert account is not None
    forged = replace(NetworkAccount.decode(account.data), pool_owed=1).encode()
    await fleet.set_account(fleet.network, AccountData(account.lamports, account.owner, forged))
    ledger = await fleet.operator.ledger()
    assert (ledger.owed_holds, ledger.accounted_holds, ledger.vault_holds) == (False, False, True)


async def test_a_ledger_is_read_as_of_one_moment(fleet: Fleet) -> None:
    device = await fleet.device()
    await fleet.next_epoch()

    class Moving(Network):
        """Records a receipt after each of its first listings of devices."""

        left = 1

        async def program_accounts(self, *args: Any) -> Any:
            found = await self.chain.program_accounts(*args)
            if self.left:
                self.left -= 1
                units = (await fleet.read(device.device)).units + 1
                await fleet.earn(device, units, units)
            return found

    network = Moving(fleet.chain)
    reader = NetworkReader(network, fleet.network)
    ledger = ledger_of(await reader.snapshot())
    assert (ledger.device_rewards, ledger.pool_owed, ledger.holds) == (2, 2, True)

    network.left = 100
    with pytest.raises(NetworkBusy) as caught:
        await reader.snapshot()
    assert (caught.value.code, network.left) == ("network_busy", 95)
    # Statistics may be a moment apart.
    assert (await reader.snapshot(exact=False)).network.pool_owed == 14 - 2


async def test_a_network_without_its_vault_is_told(fleet: Fleet) -> None:
    network = await fleet.operator.network()
    await fleet.set_account(network.vault, AccountData(0, Pubkey.default(), b""))
    with pytest.raises(StateError, match="vault"):
        await fleet.operator.ledger()


async def test_what_devices_have_at_stake_and_what_became_of_it(start_fleet: StartFleet) -> None:
    guarantees = await Guarantees.start(start_fleet, fee_bps=100, burn_bps=50)
    fleet = guarantees.fleet
    consumer, challenger = await fleet.consumer(5_000), await fleet.consumer(500)
    bonded, other = await guarantees.bonded(), await guarantees.bonded(300)
    kept, nonce = await guarantees.promise(consumer, bonded, 800, 2_500)
    missed, _ = await guarantees.promise(consumer, bonded, 400, 10_000)
    still, _ = await guarantees.promise(consumer, bonded, 100, 5_000, seconds=1_000_000)
    await guarantees.deliver(consumer, bonded, nonce, 800)
    await guarantees.enforce(consumer, bonded, kept)
    await fleet.clock.advance(1_000 + CHALLENGE)
    await guarantees.enforce(consumer, bonded, missed)
    await Crank(fleet.sender, fleet.network).claim([bonded.address])
    await fleet.next_epoch()
    entry, wrong = await guarantees.work(bonded), await guarantees.work(other)
    dispute = await guarantees.accuse(challenger, other, wrong)
    await guarantees.judge(dispute, 2)
    await guarantees.resolve(dispute, challenger, other, wrong)
    acquitted = await guarantees.accuse(challenger, bonded, entry)
    await guarantees.judge(acquitted, 1)
    await guarantees.resolve(acquitted, challenger, bonded)
    await guarantees.withdraw(bonded, 2_000)
    leaves_at = await fleet.chain.unix_time() + 604_800
    await guarantees.accuse(challenger, bonded, await guarantees.work(bonded))

    first, second = await fleet.operator.device_stats()
    bond = BOND - 400 + DEPOSIT
    told = replace(first.guarantees, leaves_at=leaves_at)
    assert told == DeviceGuarantees(bond, 50, 2_000, leaves_at, 1, 1, 1, 1)
    assert leaves_at - 5 <= first.guarantees.leaves_at <= leaves_at
    # Half of 300 is slashed: as much as its deposit for the challenger, the rest for the pool.
    assert second.guarantees == DeviceGuarantees(150, 0, 0, 0, 0, 0, 0, 0)
    assert (second.status, second.rewards_owed, second.next_capacity) == (DeviceStatus.SUSPENDED, 0, 0)
    assert (first.revenue, first.fees_paid, first.burned, first.paid_away_bps) == (800, 8, 4, 150)
    assert (second.fees_paid, second.burned, second.paid_away_bps) == (0, 0, 0)
    stats = await fleet.operator.stats()
    assert stats.guarantees == NetworkGuarantees(bond + 150, 50, 2_000, 1, 1, 1, 1, 1, 1, 150)
    assert (stats.revenue, stats.fees_paid, stats.burned, stats.fees, stats.paid_away_bps) == (800, 8, 4, 8, 150)

    # The dispute that is open has taken its deposit out of a tab: the ledger tells where it is.
    ledger = await fleet.operator.ledger()
    assert (ledger.bonds, ledger.deposits, ledger.holds) == (bond + 150, DEPOSIT, True)
    assert ledger.accounted == await fleet.vault()
    assert await fleet.operator.reader.sla(still) is not None


async def test_the_share_paid_away_is_of_all_revenue(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(fee_bps=1_000)
    device, consumer = await fleet.device(), await fleet.consumer()
    await fleet.sell(consumer, device, 99, 1)
    await Crank(fleet.sender, fleet.network).claim([device.device])
    [stats] = await fleet.operator.device_stats()
    assert (stats.revenue, stats.fees_paid, stats.paid_away_bps) == (99, 9, 909)  # 909.09..
    await fleet.sell(consumer, device, 101, 1)
    [stats] = await fleet.operator.device_stats()
    assert (stats.revenue, stats.fees_paid, stats.paid_away_bps) == (200, 9, 450)
    assert (await fleet.operator.stats()).paid_away_bps == 450
