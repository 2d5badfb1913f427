"""What the hot instructions may cost: compute units and bytes on the wire. Both are the same on every run."""

from __future__ import annotations

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.pubkey import Pubkey

from support.builders import signed
from support.consumers import CLOSE_DELAY, entry
from support.lanes import LaneState
from support.lookups import lookup_table
from support.parties import Lane, Network, Tab
from support.svm import Instructions, Result
from support.world import World
from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.addresses import INSTRUCTIONS_SYSVAR_ID, find_device, find_tab
from worktab.core.keys import Signer
from worktab.program.generated import PROGRAM_ID

RECEIPT_UNITS = 900
# 231 of these prove that the account is the wallet's associated one: pay sent to another of its accounts would be
# safe, but lost to people whose wallet is an exchange's deposit address.
CLAIM_UNITS = 2_330
CLAIM_OF_20_UNITS = 5_640
REGISTER_UNITS = 3_500

VOUCHER_UNITS = 740
BATCH_UNITS_A_LANE = 200
NEW_LANE_UNITS = 2_500
MORE_FOR_A_LANE_UNITS = 900
END_OF_A_LANE_UNITS = 1_250
TAB_UNITS = 2_900
TRANSFER_UNITS = 2_000

RECEIPT_SIZE = 525
SELF_SIGNED_RECEIPT_SIZE = 440
CLAIM_SIZE = 404
CLAIM_OF_20_SIZE = 1_031
REGISTER_SIZE = 764
VOUCHER_SIZE = 528
SELF_SIGNED_VOUCHER_SIZE = 444
LANE_SIZE = 415


@pytest.fixture
def network(world: World) -> Network:
    """The default network."""
    return world.network()


@pytest.fixture(params=["ed25519", "p256"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of key."""
    return str(request.param)


def new_signer(world: World, kind: str) -> Signer:
    """A key of that kind."""
    return world.p256() if kind == "p256" else world.ed25519()


def with_fees(*instructions: Instructions) -> list[Instructions]:
    """What a sender puts before its instructions on a busy cluster."""
    return [set_compute_unit_limit(1_400_000), set_compute_unit_price(1_000), *instructions]


def assert_within(result: Result, units: int, size: int) -> None:
    """The transaction succeeded, and took at most so many compute units and bytes."""
    assert result.ok, result.logs
    assert result.units <= units
    assert result.size <= size


def test_a_relayed_receipt(world: World, network: Network, kind: str) -> None:
    device = world.device(network, signer=new_signer(world, kind))
    world.device(network)
    world.next_epoch(network)
    assert_within(world.send(world.receipt(device, 1, 10)), RECEIPT_UNITS, RECEIPT_SIZE)
    assert_within(world.send(world.receipt(device, 2, 20)), RECEIPT_UNITS, RECEIPT_SIZE)
    world.next_epoch(network)
    assert_within(world.send(world.receipt(device, 3, 30)), RECEIPT_UNITS, RECEIPT_SIZE)


def test_a_receipt_on_the_path_of_roots(world: World, kind: str) -> None:
    device = world.device(world.network(reward_path=2), signer=new_signer(world, kind))

    assert_within(world.send(world.receipt(device, 1, 10)), RECEIPT_UNITS, RECEIPT_SIZE)


def test_a_receipt_that_the_device_sends_itself(world: World, network: Network) -> None:
    device = world.device(network)
    world.next_epoch(network)
    key = Pubkey(device.signer.public.public_bytes)
    submit = world.submit(device, shown=world.receipt_message(device, 1, 10), proof=key)

    assert_within(world.send(signed(submit, key)), RECEIPT_UNITS, SELF_SIGNED_RECEIPT_SIZE)


@pytest.mark.parametrize(
    ("devices", "units", "size"), [(1, CLAIM_UNITS, CLAIM_SIZE), (20, CLAIM_OF_20_UNITS, CLAIM_OF_20_SIZE)]
)
def test_a_claim(world: World, network: Network, devices: int, units: int, size: int) -> None:
    payout = world.keypair()
    owed = [world.device(network, payout=payout) for _ in range(devices)]
    world.next_epoch(network)
    for device in owed:
        assert world.send(world.receipt(device, 1, 10)).ok

    result = world.send(world.claim(owed, payout, network))

    assert_within(result, units, size)
    assert world.balance(payout) == 10 * devices


def test_a_registration(world: World, network: Network, kind: str) -> None:
    """With a key whose first bump fits: each other one tried costs the runtime's price for an address more."""
    signer = new_signer(world, kind)
    while find_device(PROGRAM_ID, network.address, signer.public)[1] != 255:
        signer = new_signer(world, kind)
    device, terms = world.plan(network, signer=signer)

    result = world.send(world.possession(device), world.register(device, terms))

    assert_within(result, REGISTER_UNITS, REGISTER_SIZE)


def test_three_receipts_and_their_fees_fit_one_transaction(world: World, network: Network) -> None:
    devices = [world.device(network, signer=world.p256()) for _ in range(3)]
    world.next_epoch(network)

    result = world.send(*with_fees(*(world.receipt(device, 1, 10) for device in devices)))

    assert result.ok
    assert result.size <= TRANSACTION_SIZE


def test_a_claim_of_24_devices_and_its_fees_fit_one_transaction(world: World, network: Network) -> None:
    payout = world.keypair()
    devices = [world.device(network, payout=payout) for _ in range(24)]

    result = world.send(*with_fees(world.claim(devices, payout, network)))

    assert result.ok
    assert result.size <= TRANSACTION_SIZE


# Consumers


@pytest.fixture
def tab(world: World, network: Network) -> Tab:
    """A tab with 100,000 base units."""
    return world.tab(network, 100_000)


@pytest.mark.parametrize("number", [0, 4], ids=["consumer's", "delegate's"])
def test_a_voucher(world: World, network: Network, tab: Tab, number: int) -> None:
    key = world.delegate(tab, number) if number else tab.consumer
    lane = world.lane(tab, world.device(network), 100, signer=key)

    for amount in (10, 20, 30):
        assert_within(world.send(world.voucher(lane, amount)), VOUCHER_UNITS, VOUCHER_SIZE)


def test_a_voucher_that_the_signer_sends_itself(world: World, network: Network, tab: Tab) -> None:
    lane, key = world.lane(tab, world.device(network), 100), tab.consumer.pubkey()
    settle = world.settle(lane, shown=world.voucher_message(lane, 10), proof=key)

    assert_within(world.send(signed(settle, key)), VOUCHER_UNITS, SELF_SIGNED_VOUCHER_SIZE)


def test_a_voucher_among_1024_lanes_costs_what_it_does_alone(world: World, network: Network, tab: Tab) -> None:
    """As long as no lane in front of it ended; else it is searched for."""
    device, nonce = world.device(network), world.read_tab(tab).nonce
    world.set_lanes(tab, [LaneState(device.index, nonce + at, reserved=10) for at in range(1_024)])
    world.patch_tab(tab, balance=100_000 - 10_240, nonce=nonce + 1_024)
    last = Lane(tab, device, nonce + 1_023, tab.consumer)

    assert_within(world.send(world.voucher(last, 1)), VOUCHER_UNITS, VOUCHER_SIZE)
    world.must(world.waive(Lane(tab, device, nonce + 500, tab.consumer)))
    assert_within(world.send(world.voucher(last, 2)), VOUCHER_UNITS + 200, VOUCHER_SIZE)


def test_a_batch_of_25_lanes_with_a_lookup_table(world: World, network: Network, tab: Tab) -> None:
    lanes = [world.lane(tab, world.device(network), 100) for _ in range(25)]
    devices = [lane.device for lane in lanes]
    table = lookup_table(world, [tab.address, INSTRUCTIONS_SYSVAR_ID, *(each.address for each in devices)])

    result = world.send(world.batch(tab, [entry(lane, 10) for lane in lanes], devices), tables=[table])

    assert_within(result, 25 * BATCH_UNITS_A_LANE, TRANSACTION_SIZE)
    assert len(result.event().entries) == 25


@pytest.mark.parametrize("number", [0, 4], ids=["consumer's", "delegate's"])
def test_a_lane_opened_added_to_and_ended(world: World, network: Network, tab: Tab, number: int) -> None:
    key = world.delegate(tab, number, period_limit=1_000, period_length=60) if number else tab.consumer
    device = world.device(network)
    nonce = world.read_tab(tab).nonce
    lane = Lane(tab, device, nonce, key)

    assert_within(world.send(world.reserve(tab, device, 100, signer=key)), NEW_LANE_UNITS, LANE_SIZE)
    assert_within(world.send(world.add(lane, 100)), MORE_FOR_A_LANE_UNITS, LANE_SIZE)
    assert_within(world.send(world.close_lane(lane)), END_OF_A_LANE_UNITS, LANE_SIZE)
    world.advance(CLOSE_DELAY)
    assert_within(world.send(world.close_lane(lane)), END_OF_A_LANE_UNITS, LANE_SIZE)


def test_the_first_and_the_last_lane_of_a_full_tab(world: World, network: Network, tab: Tab) -> None:
    device, nonce = world.device(network), world.read_tab(tab).nonce
    world.set_lanes(tab, [LaneState(device.index, nonce + at, reserved=10) for at in range(1_023)])
    world.patch_tab(tab, balance=100_000 - 10_230, nonce=nonce + 1_023)

    assert_within(world.send(world.reserve(tab, device, 10)), NEW_LANE_UNITS, LANE_SIZE)
    assert_within(world.send(world.waive(Lane(tab, device, nonce, tab.consumer))), END_OF_A_LANE_UNITS, LANE_SIZE)


def test_money_in_and_out_and_a_delegate(world: World, tab: Tab) -> None:
    deposit, withdraw = world.deposit(tab, 100), world.withdraw(tab, 100)
    delegate = world.set_delegate(tab, 1, world.delegate_terms(world.keypair()))

    for instruction in (deposit, withdraw, delegate):
        assert_within(world.send(instruction), TRANSFER_UNITS, 475)


def test_a_tab_opened_and_closed(world: World, network: Network) -> None:
    """With a consumer whose first bump fits, as for a registration."""
    tab = world.tab_of(network)
    while find_tab(PROGRAM_ID, network.address, tab.consumer.pubkey())[1] != 255:
        tab = world.tab_of(network)

    assert_within(world.send(world.open_tab(tab)), TAB_UNITS, 369)
    world.slot += 1
    assert_within(world.send(world.close_tab(tab)), TAB_UNITS, 369)
