"""What the hot instructions may cost: compute units and bytes on the wire. Both are the same on every run."""

from __future__ import annotations

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.pubkey import Pubkey

from support.builders import signed
from support.parties import Network
from support.svm import Instructions, Result
from support.world import World
from worktab.chain.protocol import TRANSACTION_SIZE
from worktab.core.addresses import find_device
from worktab.core.keys import Signer
from worktab.program.generated import PROGRAM_ID

RECEIPT_UNITS = 900
# 231 of these prove that the account is the wallet's associated one: pay sent to another of its accounts would be
# safe, but lost to people whose wallet is an exchange's deposit address.
CLAIM_UNITS = 2_260
CLAIM_OF_20_UNITS = 5_200
REGISTER_UNITS = 3_500

RECEIPT_SIZE = 525
SELF_SIGNED_RECEIPT_SIZE = 440
CLAIM_SIZE = 404
CLAIM_OF_20_SIZE = 1_031
REGISTER_SIZE = 764


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
