"""Every account of every instruction of consumers: swapped, passed twice, read-only or unsigned, nothing happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from support.builders import read_only, unsigned
from support.consumers import CLOSE_DELAY, entry
from support.parties import Device, Lane, Network, Tab
from support.world import World


@dataclass(frozen=True, slots=True)
class Stage:
    """A tab with a lane, and the same of another network; each part has a keeper of its own."""

    world: World
    rent_payer: Keypair
    tab: Tab
    lane: Lane
    foreign: Lane

    @property
    def network(self) -> Network:
        """The tab's network."""
        return self.tab.network

    @property
    def device(self) -> Device:
        """The lane's device."""
        return self.lane.device


def stage_of(world: World) -> Stage:
    """A stage whose lane may end."""
    rent_payer = world.keypair(lamports=1_000_000_000)

    def lane() -> Lane:
        network = world.network()
        device, tab = world.device(network), world.tab_of(network)
        world.must(world.open_tab(tab, payer=rent_payer.pubkey()), world.deposit(tab, 1_000))
        return world.lane(tab, device, 100)

    own, foreign = lane(), lane()
    world.slot += 10
    return Stage(world, rent_payer, own.tab, own, foreign)


def opening(stage: Stage) -> list[Instruction]:
    """open_tab."""
    return [stage.world.open_tab(stage.world.tab_of(stage.network), payer=stage.rent_payer.pubkey())]


def depositing(stage: Stage) -> list[Instruction]:
    """Deposit."""
    return [stage.world.deposit(stage.tab, 10)]


def withdrawing(stage: Stage) -> list[Instruction]:
    """Withdraw."""
    return [stage.world.withdraw(stage.tab, 10)]


def delegating(stage: Stage) -> list[Instruction]:
    """set_delegate."""
    return [stage.world.set_delegate(stage.tab, 1, stage.world.delegate_terms(stage.world.keypair()))]


def reserving(stage: Stage) -> list[Instruction]:
    """reserve_lane on a new lane."""
    return [stage.world.reserve(stage.tab, stage.device, 10, payer=stage.rent_payer.pubkey())]


def adding(stage: Stage) -> list[Instruction]:
    """reserve_lane on a lane that is there. Its payer pays nothing, and so may be anybody who signs."""
    return [stage.world.add(stage.lane, 10, payer=stage.rent_payer.pubkey())]


def settling(stage: Stage) -> list[Instruction]:
    """settle_voucher."""
    return stage.world.voucher(stage.lane, 10)


def settling_many(stage: Stage) -> list[Instruction]:
    """settle_batch."""
    return stage.world.batch(stage.tab, [entry(stage.lane, 10)], [stage.device])


def waiving(stage: Stage) -> list[Instruction]:
    """close_lane by the device's owner."""
    return [stage.world.waive(stage.lane, rent_payer=stage.rent_payer.pubkey())]


def ending(stage: Stage) -> list[Instruction]:
    """close_lane by the consumer, after the delay."""
    close = stage.world.close_lane(stage.lane, rent_payer=stage.rent_payer.pubkey())
    stage.world.must(close)
    stage.world.advance(CLOSE_DELAY)
    return [close]


def closing(stage: Stage) -> list[Instruction]:
    """close_tab."""
    world, payer = stage.world, stage.rent_payer.pubkey()
    world.must(world.waive(stage.lane, rent_payer=payer), world.withdraw(stage.tab, 1_000))
    return [world.close_tab(stage.tab, rent_payer=payer)]


Build = Callable[[Stage], list[Instruction]]
BUILDS: list[Build] = [
    opening,
    depositing,
    withdrawing,
    delegating,
    reserving,
    adding,
    settling,
    settling_many,
    waiving,
    ending,
    closing,
]


@pytest.fixture
def stage(world: World) -> Stage:
    """The stage of a new chain."""
    return stage_of(world)


def replaced(instruction: Instruction, place: int, address: Pubkey, *, signs: bool) -> Instruction:
    """The instruction with another account in one place; a place that must sign stays so if `signs`."""
    metas = list(instruction.accounts)
    old = metas[place]
    metas[place] = AccountMeta(address, old.is_signer and signs, old.is_writable)
    return Instruction(instruction.program_id, instruction.data, metas)


def strangers(stage: Stage, instruction: Instruction) -> Iterator[tuple[Pubkey, bool]]:
    """Accounts that belong in no place of the instruction, and whether they can sign."""
    yield stage.world.keypair().pubkey(), True
    foreign = stage.foreign
    yield foreign.tab.consumer.pubkey(), True
    yield foreign.device.owner.pubkey(), True
    for address in (foreign.tab.address, foreign.tab.network.address, foreign.device.address):
        yield address, False
    wallets = {meta.pubkey for meta in instruction.accounts if meta.is_signer}
    for address in {meta.pubkey for meta in instruction.accounts}:
        yield address, address in wallets


def state_of(stage: Stage, instruction: Instruction) -> dict[Pubkey, tuple[int, bytes]]:
    """Lamports and data of what the instruction names and of the foreign lane's accounts, but for the fee payer."""
    foreign = stage.foreign
    named = {meta.pubkey for meta in instruction.accounts}
    named |= {foreign.tab.address, foreign.tab.network.address, foreign.device.address} - {stage.world.payer.pubkey()}
    found = {address: stage.world.account(address) for address in named}
    return {address: (account.lamports, account.data) for address, account in found.items() if account}


def assert_refused(stage: Stage, before: list[Instruction], wrong: Instruction, true: Instruction) -> None:
    """The wrong instruction fails and leaves everything as it was."""
    state = state_of(stage, true)
    result = stage.world.send(*before, wrong)
    assert not result.ok, [str(meta.pubkey) for meta in wrong.accounts]
    assert state_of(stage, true) == state


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_no_other_account_in_any_place(stage: Stage, build: Build) -> None:
    """Strangers', another network's, and each of the instruction's own in another place."""
    *before, true = build(stage)
    for place, meta in enumerate(true.accounts):
        if build is adding and place == 0:
            continue
        for address, signs in strangers(stage, true):
            if address != meta.pubkey:
                assert_refused(stage, before, replaced(true, place, address, signs=signs), true)

    assert stage.world.send(*before, true).ok


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_no_account_read_only_that_is_written(stage: Stage, build: Build) -> None:
    *before, true = build(stage)
    for place, meta in enumerate(true.accounts):
        if meta.is_writable and not (build is adding and place == 0):
            assert_refused(stage, before, read_only(true, meta.pubkey), true)

    assert stage.world.send(*before, true).ok


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_no_signature_missing(stage: Stage, build: Build) -> None:
    *before, true = build(stage)
    for meta in true.accounts:
        if meta.is_signer:
            assert_refused(stage, before, unsigned(true, meta.pubkey), true)

    assert stage.world.send(*before, true).ok


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
def test_no_account_missing_and_no_data(stage: Stage, build: Build) -> None:
    *before, true = build(stage)
    for count in range(len(true.accounts)):
        if build is settling_many and count == len(true.accounts) - 1:
            continue  # a batch of no device is a batch in which nothing moves: refused, as its own tests show
        assert_refused(stage, before, Instruction(true.program_id, true.data, true.accounts[:count]), true)
    for size in range(len(true.data)):
        assert_refused(stage, before, Instruction(true.program_id, true.data[:size], true.accounts), true)

    assert stage.world.send(*before, true).ok
