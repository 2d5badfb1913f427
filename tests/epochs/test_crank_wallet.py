"""What one wallet is owed on either path, claimed in as few transactions as it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.fleet import StartFleet
from support.proving import Publisher, people
from support.rooted import Rooted
from worktab.chain.protocol import AccountData
from worktab.core.addresses import TOKEN_PROGRAM_ID, associated_token_address
from worktab.core.errors import ChainError
from worktab.epochs.owing import WalletClaimer
from worktab.epochs.proofs.root import Root
from worktab.epochs.proofs.sources import DataSource
from worktab.roles.claiming import ClaimOutcome
from worktab.roles.root_claiming import RootOutcome
from worktab.roles.root_proofs import RootProof
from worktab.roles.wallets import Payability


class Stage:
    def __init__(self, rooted: Rooted, folder: Path) -> None:
        self.rooted, self.fleet = rooted, rooted.fleet
        self.publisher = Publisher(rooted, folder)
        self.source: Any = DataSource(folder)
        self.claimer = WalletClaimer(self.fleet.sender, self.fleet.network)

    async def sold(self, payout: Pubkey, *amounts: int) -> list[Pubkey]:
        """Devices of a wallet that earned so much each."""
        devices = [await self.fleet.device(payout=payout) for _ in amounts]
        await self.fleet.next_epoch()
        consumer = await self.fleet.consumer(sum(amounts))
        for device, amount in zip(devices, amounts, strict=True):
            await self.fleet.sell(consumer, device, amount, 1)
        return [device.device for device in devices]


@pytest.fixture
async def stage(start_fleet: StartFleet, tmp_path: Path) -> Stage:
    return Stage(await Rooted.start(start_fleet, fee_bps=1_000), tmp_path)


async def test_both_paths_fit_one_transaction(stage: Stage) -> None:
    named = people(50, 60)
    await stage.publisher.publish(0, named)
    wallet = named[0].payout
    devices = await stage.sold(wallet, 40, 20)
    owed = await stage.claimer.owed(wallet, stage.source)
    assert (owed.by_root, owed.lifetime, owed.rewards, owed.earnings, owed.total) == (50, 50, 0, 60, 110)
    assert (owed.epoch, owed.page_open, owed.account) == (0, False, Payability.MISSING)
    claim = await stage.claimer.claim(owed, stage.source)
    assert len(claim.confirmed) == 1
    assert (claim.by_root, claim.earnings, claim.fee, claim.burn, claim.paid) == (50, 60, 6, 0, 104)
    assert claim.root_outcome is RootOutcome.PAID
    assert [(each.device, each.outcome, each.earnings) for each in claim.devices] == [
        (devices[0], ClaimOutcome.PAID, 40),
        (devices[1], ClaimOutcome.PAID, 20),
    ]
    assert await stage.fleet.mint.balance(wallet) == 104
    nothing = await stage.claimer.owed(wallet, stage.source)
    assert (nothing.total, nothing.devices, nothing.page_open, nothing.account) == (0, (), True, Payability.READY)
    again = await stage.claimer.claim(nothing, stage.source)
    assert (again.paid, again.confirmed, again.root_outcome) == (0, (), None)


async def test_what_does_not_fit_one_takes_more(stage: Stage) -> None:
    named = people(*[3] * 600)  # a proof of ten levels
    await stage.publisher.publish(0, named)
    wallet = named[7].payout
    await stage.sold(wallet, *range(1, 26))
    claim = await stage.claimer.claim(await stage.claimer.owed(wallet, stage.source), stage.source)
    assert len(claim.confirmed) == 4  # the page, the root, and two for the devices
    assert claim.by_root == 3
    assert claim.earnings == sum(range(1, 26))
    assert await stage.fleet.mint.balance(wallet) == claim.paid == 3 + 325 - claim.fee


async def test_either_path_alone(stage: Stage) -> None:
    named = people(50)
    await stage.publisher.publish(0, named)
    by_root = await stage.claimer.claim(await stage.claimer.owed(named[0].payout, stage.source), stage.source)
    assert (by_root.paid, by_root.devices, await stage.fleet.mint.balance(named[0].payout)) == (50, (), 50)
    stranger = Keypair().pubkey()
    await stage.sold(stranger, 10)
    owed = await stage.claimer.owed(stranger, stage.source)
    assert (owed.proof, owed.by_root, owed.earnings) == (None, 0, 10)
    by_device = await stage.claimer.claim(owed, stage.source)
    assert (by_device.paid, by_device.root_outcome, await stage.fleet.mint.balance(stranger)) == (9, None, 9)
    unasked = await stage.claimer.owed(named[0].payout, None)
    assert (unasked.epoch, unasked.total) == (None, 0)


@pytest.mark.parametrize("sold", [(), (10,)])
async def test_a_newer_root_is_claimed_from_in_the_olders_place(sold: tuple[int, ...], stage: Stage) -> None:
    named = people(50)
    await stage.publisher.publish(0, named)
    wallet = named[0].payout
    await stage.sold(wallet, *sold)
    owed = await stage.claimer.owed(wallet, stage.source)
    await stage.publisher.publish(1, [named[0].raised(8)])
    claim = await stage.claimer.claim(owed, stage.source)
    assert (claim.by_root, claim.earnings, len(claim.confirmed)) == (58, sum(sold), 1)
    assert await stage.fleet.mint.balance(wallet) == claim.paid == (67 if sold else 58)


async def test_a_wallet_that_cannot_be_paid_keeps_what_it_is_owed(stage: Stage) -> None:
    named = people(50)
    await stage.publisher.publish(0, named)
    wallet = named[0].payout
    await stage.sold(wallet, 10)
    account = associated_token_address(wallet, stage.fleet.mint.address, TOKEN_PROGRAM_ID)[0]
    await stage.fleet.set_account(account, AccountData(10**9, Keypair().pubkey(), b"x"))
    owed = await stage.claimer.owed(wallet, stage.source)
    assert owed.account is Payability.BLOCKED
    claim = await stage.claimer.claim(owed, stage.source)
    assert (claim.paid, claim.root_outcome) == (0, RootOutcome.UNPAYABLE)
    assert [each.outcome for each in claim.devices] == [ClaimOutcome.UNPAYABLE]
    assert (await stage.claimer.owed(wallet, stage.source)).total == 60


async def test_a_missing_account_is_left_missing_where_it_is_to_be(stage: Stage) -> None:
    named = people(50)
    await stage.publisher.publish(0, named)
    owed = await stage.claimer.owed(named[0].payout, stage.source)
    claim = await stage.claimer.claim(owed, stage.source, create_accounts=False)
    assert (claim.paid, claim.root_outcome, claim.by_root) == (0, RootOutcome.UNPAYABLE, 0)


async def test_a_source_that_stays_behind_is_told(stage: Stage, tmp_path: Path) -> None:
    """The chain has moved on, and the source hands out what it has."""
    named = people(50)
    await stage.publisher.publish(0, named)
    old: RootProof = await stage.source.proof(await stage.publisher.root(), named[0].payout)
    owed = await stage.claimer.owed(named[0].payout, stage.source)

    class Stale:
        async def proof(self, root: Root, payout: Pubkey) -> RootProof | None:
            return old

    await Publisher(stage.rooted, tmp_path / "elsewhere").publish(1, [named[0].raised(1)])
    with pytest.raises(Exception, match="newest final root") as replaced:
        await stage.claimer.claim(owed, Stale())  # type: ignore[arg-type]
    assert getattr(replaced.value, "code", "") == "root_replaced"
    assert not isinstance(replaced.value, ChainError)
    assert await stage.fleet.mint.balance(named[0].payout) == 0
