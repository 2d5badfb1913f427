"""Earnings: claimed with fee and burn, counted, and rewarded where a network rewards what is sold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import FUNDS, Fleet, StartFleet
from support.network import Network
from worktab.chain.protocol import AccountData
from worktab.chain.tokens import associated_account, read_mint
from worktab.core.errors import InputError
from worktab.core.money import charge
from worktab.program.generated import errors
from worktab.program.generated.accounts import Device as DeviceAccount
from worktab.roles.changes import FeeChange
from worktab.roles.claiming import ClaimOutcome, ClaimReport, Crank, DeviceClaim
from worktab.roles.invoicing import Issuer
from worktab.roles.ledger import ledger_of
from worktab.roles.operator import Operator
from worktab.roles.owner import RetiredDevice
from worktab.roles.reading import NetworkReader
from worktab.roles.settling import Settler
from worktab.roles.terms import RewardBasis, RewardPath
from worktab.roles.treasury import CollectedFees


async def supply(fleet: Fleet) -> int:
    return (await read_mint(fleet.chain, fleet.mint.address)).supply


async def test_earnings_are_claimed_less_fee_and_burn(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(fee_bps=250, burn_bps=100)
    owner, consumer = fleet.owner(), await fleet.consumer(10_000)
    device = await fleet.device(owner=owner)
    await fleet.next_epoch()
    await fleet.earn(device, 1, 10)
    await fleet.sell(consumer, device, 1_999, 40)
    vault, minted = await fleet.vault(), await supply(fleet)

    report = await owner.claim()

    fee, burn, fee_carry, burn_carry = charge(1_999, 250, 100)
    assert (fee, burn, fee_carry, burn_carry) == (49, 19, 9_750, 9_900)
    assert report.devices == (DeviceClaim(device.device, owner.owner.pubkey(), ClaimOutcome.PAID, 20, 1_999),)
    assert (report.rewards, report.earnings, report.fee, report.burn, report.paid) == (20, 1_999, 49, 19, 1_951)
    assert await fleet.mint.balance(owner.owner.pubkey()) == 1_951
    assert (await fleet.vault(), await supply(fleet)) == (vault - 1_951 - 19, minted - 19)
    assert ((await fleet.operator.network()).fees, (await fleet.operator.ledger()).holds) == (49, True)

    # The rounding is carried: two claims charge what one would have.
    await fleet.sell(consumer, device, 1_000, 1)
    again = await owner.claim()
    assert (report.fee + again.fee, report.burn + again.burn) == charge(2_999, 250, 100)[:2]
    nothing = await owner.claim()
    assert ([each.outcome for each in nothing.devices], nothing.confirmed) == ([ClaimOutcome.NOTHING_OWED], ())
    assert (nothing.fee, nothing.burn, nothing.paid) == (0, 0, 0)


async def test_what_waits_to_be_burnt_is_burnt_where_nothing_burns_any_more(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(fee_bps=1_500, burn_bps=1_500, parameter_delay=0)
    owner, consumer = fleet.owner(), await fleet.consumer()
    device = await fleet.device(owner=owner)
    for _ in range(7):
        await fleet.sell(consumer, device, 1, 0)
        await owner.claim()
    # Fee and burn came to a base unit each with the seventh, which could pay only one of them.
    waiting = await fleet.read(device.device)
    assert (waiting.fee_carry, waiting.burn_carry) == (500, 10_500)
    await fleet.operator.propose_update(FeeChange(fee_bps=0, burn_bps=0))
    await fleet.operator.apply_update()
    minted = await supply(fleet)
    await fleet.sell(consumer, device, 10, 0)
    report = await owner.claim()
    assert (report.earnings, report.fee, report.burn, report.paid) == (10, 0, 1, 9)
    assert await supply(fleet) == minted - 1


async def edit(fleet: Fleet, device: Pubkey, **fields: Any) -> None:
    """Write fields of a device past the rules."""
    account = await fleet.chain.account(device)
    assert account is not None
    changed = replace(DeviceAccount.decode(account.data), **fields).encode()
    await fleet.set_account(device, AccountData(account.lamports, account.owner, changed))


async def test_a_dispute_holds_rewards_and_not_earnings(fleet: Fleet) -> None:
    owner, consumer = fleet.owner(), await fleet.consumer()
    device = await fleet.device(owner=owner)
    await fleet.next_epoch()
    await fleet.earn(device, 1, 10)
    await fleet.sell(consumer, device, 30, 1)
    await edit(fleet, device.device, open_disputes=1)
    report = await owner.claim()
    wallet = owner.owner.pubkey()
    assert report.devices == (DeviceClaim(device.device, wallet, ClaimOutcome.DISPUTED, 20, 30),)
    assert (report.rewards, report.earnings, report.paid, await fleet.mint.balance(wallet)) == (0, 30, 30, 30)
    held = await owner.claim()
    assert held == ClaimReport((DeviceClaim(device.device, wallet, ClaimOutcome.DISPUTED, 20, 0),), ())


async def test_a_crank_pays_devices_that_only_sold(fleet: Fleet) -> None:
    consumer = await fleet.consumer()
    owners = [fleet.owner() for _ in range(2)]
    devices = [await fleet.device(owner=owner) for owner in owners]
    await fleet.sell(consumer, devices[1], 12, 3)
    report = await Crank(fleet.sender, fleet.network).claim()
    assert [(each.outcome, each.earnings) for each in report.devices] == [
        (ClaimOutcome.NOTHING_OWED, 0),
        (ClaimOutcome.PAID, 12),
    ]
    assert [await fleet.mint.balance(owner.owner.pubkey()) for owner in owners] == [0, 12]


async def test_a_device_with_earnings_closes_after_the_claim(fleet: Fleet) -> None:
    owner, consumer = fleet.owner(), await fleet.consumer()
    device = await fleet.device(owner=owner)
    await fleet.sell(consumer, device, 12, 3)
    first = await owner.retire(device.device)
    assert (first.closed, first.owed, first.confirmed is None) == (False, 12, False)
    assert await owner.retire(device.device) == RetiredDevice(await fleet.read(device.device), None)
    await owner.claim()
    assert (await owner.retire(device.device)).closed


async def test_fees_are_collected(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(fee_bps=1_000)
    owner, consumer = fleet.owner(), await fleet.consumer(5_000)
    device = await fleet.device(owner=owner)
    authority = fleet.authority.pubkey()
    had = await fleet.mint.balance(authority)
    assert await fleet.operator.collect_fees() == CollectedFees(0, None)
    await fleet.sell(consumer, device, 2_000, 1)
    assert await fleet.operator.collect_fees() == CollectedFees(0, None)
    await owner.claim()
    vault = await fleet.vault()
    with pytest.raises(errors.Unauthorized):
        await Operator(fleet.sender, fleet.network, authority=Keypair()).collect_fees()
    assert (await fleet.operator.collect_fees()).amount == 200
    assert (await fleet.mint.balance(authority), await fleet.vault()) == (had + 200, vault - 200)

    await fleet.sell(consumer, device, 1_000, 1)
    await owner.claim()
    treasury = Keypair().pubkey()
    account = await fleet.mint.give(treasury, 0)
    assert (await fleet.operator.collect_fees(account)).amount == 100
    assert (await fleet.mint.balance(treasury), (await fleet.operator.network()).fees) == (100, 0)
    assert (await fleet.operator.ledger()).holds


async def test_fees_go_to_an_account_that_is_made_where_it_is_missing(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(fee_bps=1_000, funds=0)
    owner, consumer = fleet.owner(), await fleet.consumer()
    await fleet.sell(consumer, await fleet.device(owner=owner), 500, 1)
    await owner.claim()
    authority = fleet.authority.pubkey()
    assert await fleet.chain.account(associated_account(authority, fleet.mint.address)) is None
    assert (await fleet.operator.collect_fees()).amount == 50
    assert await fleet.mint.balance(authority) == 50


async def test_statistics_tell_sold_from_reported_and_from_sold_to_oneself(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(fee_bps=1_000)
    owner, buyer = fleet.owner(), await fleet.consumer(10_000)
    self_buyer = await fleet.consumer(10_000, key=owner.owner)
    device, other = await fleet.device(owner=owner), await fleet.device()
    await fleet.next_epoch()
    await fleet.earn(device, 7, 500)
    await fleet.sell(buyer, device, 3_000, 60)
    await fleet.sell(self_buyer, device, 1_000, 40)
    await fleet.sell(buyer, other, 200, 5)

    async def network() -> tuple[int, ...]:
        stats = await fleet.operator.stats()
        return stats.units, stats.units_sold, stats.units_self_sold, stats.revenue, stats.earnings_owed, stats.fees

    assert await network() == (500, 105, 40, 4_200, 4_200, 0)
    # A claim moves what is counted where, and no total.
    await owner.claim()
    assert await network() == (500, 105, 40, 4_200, 200, 400)
    await fleet.sell(buyer, device, 50, 10)
    assert await network() == (500, 115, 40, 4_250, 250, 400)
    assert [
        (each.units, each.units_sold, each.units_self_sold, each.revenue, each.earnings_owed)
        for each in await fleet.operator.device_stats()
    ] == [(500, 110, 40, 4_050, 50), (0, 5, 0, 200, 200)]

    # A refund takes a sale out again, wherever it stands.
    issuer = Issuer(fleet.sender, fleet.network, owner.owner)
    made = await issuer.create(device.device, consumer=buyer.consumer, amount=100, units=20)
    await buyer.pay_invoice(made.view)
    assert await network() == (500, 135, 40, 4_350, 350, 400)
    await issuer.refund(made.address, 100)
    assert await network() == (500, 115, 40, 4_250, 250, 400)
    stats = await fleet.operator.stats()
    assert (stats.fee_bps, stats.burn_bps, stats.basis) == (1_000, 0, RewardBasis.ALL_UNITS)
    assert stats.classes[0].utilisation.units == 500


async def test_totals_keep_units_refunded_after_the_claim_until_they_are_sold_again(fleet: Fleet) -> None:
    owner, buyer = fleet.owner(), await fleet.consumer()
    device = await fleet.device(owner=owner)
    issuer = Issuer(fleet.sender, fleet.network, owner.owner)
    made = await issuer.create(device.device, consumer=buyer.consumer, amount=100, units=20)
    await buyer.pay_invoice(made.view)
    await owner.claim()
    await fleet.sell(buyer, device, 100, 1)
    await issuer.refund(made.address, 100)
    [mine] = await fleet.operator.device_stats()
    stats = await fleet.operator.stats()
    assert (mine.units_sold, stats.units_sold, mine.revenue, stats.revenue) == (1, 20, 100, 100)
    await fleet.sell(buyer, device, 100, 30)
    assert ((await fleet.operator.device_stats())[0].units_sold, (await fleet.operator.stats()).units_sold) == (31, 31)


async def test_the_ledger_counts_tabs_lanes_and_earnings(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(fee_bps=1_000, burn_bps=1_000)
    owner, buyer = fleet.owner(), await fleet.consumer(900)
    device, second = await fleet.device(owner=owner), await fleet.consumer(100)
    await fleet.sell(buyer, device, 200, 1)
    await buyer.reserve(device.device, 70)
    ledger = await fleet.operator.ledger()
    assert (ledger.tab_balances, ledger.lane_reserves, ledger.device_earnings) == (730, 70, 200)
    assert (ledger.accounted, ledger.vault, ledger.holds) == (FUNDS + 1_000, FUNDS + 1_000, True)
    await owner.claim()
    await second.withdraw()
    after = await fleet.operator.ledger()
    assert after == replace(
        ledger, tab_balances=630, device_earnings=0, fees=20, accounted=FUNDS + 720, vault=FUNDS + 720
    )
    assert after.holds
    with pytest.raises(InputError, match="does not show tabs and disputes"):
        ledger_of(await fleet.operator.reader.snapshot(exact=False))


async def test_a_sale_while_the_ledger_is_read_does_not_upset_it(fleet: Fleet) -> None:
    buyer, device = await fleet.consumer(), await fleet.device()
    lane = await buyer.reserve(device.device, 100)
    settler = Settler(fleet.sender, fleet.network)

    class Selling(Network):
        """Settles a voucher before and after each listing: that changes no network."""

        sold = 0

        async def program_accounts(self, *args: Any) -> Any:
            await self.sell()
            found = await self.chain.program_accounts(*args)
            await self.sell()
            return found

        async def sell(self) -> None:
            self.sold += 7
            await settler.settle(await fleet.voucher(buyer, device, lane.nonce, amount=self.sold))

    selling = Selling(fleet.chain)
    ledger = ledger_of(await NetworkReader(selling, fleet.network).snapshot())
    assert (ledger.lane_reserves, ledger.device_earnings, ledger.holds, selling.sold) == (93, 7, True, 14)


async def test_where_sold_units_are_rewarded_receipts_earn_nothing_and_claims_do(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(basis=RewardBasis.SOLD_UNITS, fee_bps=1_000)
    owner, buyer = fleet.owner(), await fleet.consumer(10_000)
    device = await fleet.device(owner=owner, capacity=1_000)
    await fleet.next_epoch()
    forecast = await device.forecast(10**6)
    assert (forecast.reward, forecast.full_reward, forecast.limits) == (0, 0, ())
    submitted = await device.submit(*await fleet.receipt(device, 1, 400))
    assert submitted.reward == 0

    # 40 units are worth 80 base units, and their sale paid a fee of 100.
    await fleet.sell(buyer, device, 1_000, 40)
    report = await owner.claim()
    assert (report.rewards, report.earnings, report.fee, report.paid) == (80, 1_000, 100, 980)
    assert await fleet.mint.balance(owner.owner.pubkey()) == 980
    stats = await fleet.operator.stats()
    assert (stats.basis, stats.rewards_accrued, stats.pool_free) == (RewardBasis.SOLD_UNITS, 80, FUNDS - 80)
    assert stats.classes[0].utilisation.units == 40
    assert (await fleet.operator.ledger()).holds


async def test_a_reward_that_a_limit_holds_back_is_claimed_in_a_later_epoch(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(basis=RewardBasis.SOLD_UNITS, fee_bps=1_000)
    owner, buyer = fleet.owner(), await fleet.consumer(10_000)
    device = await fleet.device(owner=owner, capacity=30)
    await fleet.next_epoch()
    await fleet.sell(buyer, device, 1_000, 40)
    first = await owner.claim()
    assert (first.rewards, first.earnings) == (60, 1_000)
    await fleet.next_epoch()
    # Nothing is owed as such; what waits is claimed all the same.
    [later] = (await owner.claim()).devices
    assert (later.outcome, later.rewards, later.earnings) == (ClaimOutcome.PAID, 20, 0)
    assert ((await owner.claim()).devices[0].outcome, await fleet.mint.balance(owner.owner.pubkey())) == (
        ClaimOutcome.NOTHING_OWED,
        980,
    )


async def test_selling_to_oneself_earns_nothing_where_sold_units_are_rewarded(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(basis=RewardBasis.SOLD_UNITS, fee_bps=1_000, burn_bps=500)
    owner = fleet.owner()
    buyer = await fleet.consumer(10_000, key=owner.owner)
    device = await fleet.device(owner=owner)
    await fleet.next_epoch()
    await fleet.sell(buyer, device, 1_000, 40)
    report = await owner.claim()
    assert (report.rewards, report.fee, report.burn, report.paid) == (0, 100, 50, 850)


async def test_sold_units_can_be_rewarded_only_on_the_path_of_receipts(fleet: Fleet) -> None:
    with pytest.raises(InputError, match="Only a network on the path of receipts"):
        fleet.plan(basis=RewardBasis.SOLD_UNITS, reward_path=RewardPath.ROOTS)
    assert fleet.plan(basis=RewardBasis.SOLD_UNITS).encode(bytes(32)).basis == 2
    assert fleet.plan().encode(bytes(32)).basis == 1
